# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for ccaio: options and formats are what --help says, so they cannot be out of date.

function __ccaio_command
    set -l words (commandline -opc)
    test (count $words) -ge 2; and echo $words[2]
end

function __ccaio_options
    set -l cmd (__ccaio_command)
    ccaio $cmd --help 2>/dev/null |
        string replace -rf '^ +(?:-[A-Za-z], )?(--[a-z-]+)\S*(?: [A-Z]+)? +(.*)$' '$1\t$2'
end

function __ccaio_formats
    set -l cmd (__ccaio_command)
    ccaio $cmd --help 2>/dev/null | sed -n '/^Formats:/,$ s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

function __ccaio_after
    set -l words (commandline -opc)
    contains -- $words[-1] $argv
end

complete -c ccaio -n 'test (count (commandline -opc)) -eq 1' -f -a '(ccaio --list-cmds 2>/dev/null) --help --version'
complete -c ccaio -n 'string match -q -- "-*" (commandline -ct); and test (count (commandline -opc)) -ge 2' -f -a '(__ccaio_options)'
complete -c ccaio -n '__ccaio_after -f --format' -f -a '(__ccaio_formats)'
complete -c ccaio -n '__ccaio_after --scope' -f -a 'since-boot window'
complete -c ccaio -n '__ccaio_after --exit-code' -f -a 'verdict command'
complete -c ccaio -n '__ccaio_after -d --only-device' -f -a '(ls /sys/bus/virtio/devices 2>/dev/null)'
complete -c ccaio -n '__ccaio_after -u --user' -f -a '(__fish_complete_users)'
