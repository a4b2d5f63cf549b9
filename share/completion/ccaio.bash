# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# bash completion for ccaio: options and formats are what --help says, so they cannot be out of date.

# Options of a command: _ccaio_options CCAIO COMMAND
_ccaio_options() {
	"$1" "$2" --help 2>/dev/null | sed -n 's/^  \(-[A-Za-z],\|   \) \(--[a-z-]*\).*/\2/p'
}

# Formats that a command writes: _ccaio_formats CCAIO COMMAND
_ccaio_formats() {
	"$1" "$2" --help 2>/dev/null | sed -n '/^Formats:/,$ s/^  \([a-z]*\) .*/\1/p'
}

# The words of an option whose argument --help shows as "one|two": _ccaio_words CCAIO COMMAND OPTION
_ccaio_words() {
	"$1" "$2" --help 2>/dev/null |
		sed -n "s/^  \(-[A-Za-z],\|   \) $3=\([^ ]*|[^ ]*\).*/\2/p; s/^  $3, --[a-z-]*=\([^ ]*|[^ ]*\).*/\1/p" |
		tr '|' '\n'
}

# The words that may follow an option, or nothing where any file may.
_ccaio_values() {
	local words
	words=$(_ccaio_words "$1" "$2" "$3")
	case ${words:+words}$3 in
	words*) echo "$words" ;;
	-f | --format) _ccaio_formats "$1" "$2" ;;
	-C | --clock) echo mono local global boot ;;
	-u | --user) compgen -u ;;
	-d | --only-device) ls /sys/bus/virtio/devices 2>/dev/null ;;
	esac
}

_ccaio() {
	local ccaio=${COMP_WORDS[0]} cmd=${COMP_WORDS[1]-} cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]} i values
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$ccaio" --list-cmds 2>/dev/null) --help --version" -- "$cur")
		return
	fi
	# --option=value: readline has split it at the sign
	if [ "$cur" = = ]; then
		cur=
	elif [ "$prev" = = ] && [ "$COMP_CWORD" -gt 3 ]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	# what follows the traced command is that command's own business
	if [ "$cmd" = trace ]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			[ "${COMP_WORDS[i]}" != -- ] || {
				mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
				return
			}
		done
	fi
	values=$(_ccaio_values "$ccaio" "$cmd" "$prev")
	if [ -n "$values" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_ccaio_options "$ccaio" "$cmd")" -- "$cur")
	elif [ "$cmd" = trace ] && [[ $prev != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -o filenames -F _ccaio ccaio
