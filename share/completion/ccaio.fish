# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for ccaio: options and formats are what --help says, so they cannot be out of date.

function __ccaio_command
    set -l words (commandline -opc)
    test (count $words) -ge 2; and echo $words[2]
end

function __ccaio_options
    set -l cmd (__ccaio_command)
    ccaio $cmd --help 2>/dev/null |
        string replace -rf '^  (?:-[A-Za-z],|   ) (--[a-z-]+)\S* *(.*)$' '$1\t$2'
end

function __ccaio_formats
    set -l cmd (__ccaio_command)
    ccaio $cmd --help 2>/dev/null | sed -n '/^Formats:/,$ s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

# The words of the last option, where --help shows its argument as "one|two".
function __ccaio_words
    set -l cmd (__ccaio_command)
    set -l prev (commandline -opc)[-1]
    string match -q -- '-*' $prev; or return
    ccaio $cmd --help 2>/dev/null |
        string match -r -- "^  (?:(?:-[A-Za-z],|   ) $prev|$prev, --[a-z-]+)=[^ ]*\\|[^ ]*" |
        string replace -r '^.*=' '' | string split '|'
end

function __ccaio_after
    set -l words (commandline -opc)
    contains -- $words[-1] $argv
end

complete -c ccaio -n 'test (count (commandline -opc)) -eq 1' -f -a '(ccaio --list-cmds 2>/dev/null) --help --version'
complete -c ccaio -n 'string match -q -- "-*" (commandline -ct); and test (count (commandline -opc)) -ge 2' -f -a '(__ccaio_options)'
complete -c ccaio -n '__ccaio_after -f --format' -f -a '(__ccaio_formats)'
complete -c ccaio -n 'test -n "$(__ccaio_words)"' -f -a '(__ccaio_words)'
complete -c ccaio -n '__ccaio_after -d --only-device' -f -a '(ls /sys/bus/virtio/devices 2>/dev/null)'
complete -c ccaio -n '__ccaio_after -u --user' -f -a '(__fish_complete_users)'
