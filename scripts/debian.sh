# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian packages of another suite or architecture, without telling the machine's own apt about it.
# Sourced by the scripts that fill the cache.
# shellcheck shell=bash

# Without HOME, as under some services, it is the user's own.
cache=${XDG_CACHE_HOME:-${HOME:-~}/.cache}/ccaio
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

say() {
	echo "${0##*/}: $*" >&2
}

die() {
	say "$*"
	exit "${trouble:-3}"
}

# debian_arch: this machine's architecture.
debian_arch() {
	dpkg --print-architecture
}

# debian_triplet ARCH: the name in front of its compilers and under its library folder.
debian_triplet() {
	case $1 in
	arm64) echo aarch64-linux-gnu ;;
	amd64) echo x86_64-linux-gnu ;;
	*) die "architecture $1 is not supported: arm64 and amd64 are" ;;
	esac
}

# The mirror that this machine itself uses for Debian.  Where its package lists were removed, as in images of
# containers, the first source of a Debian release has to be it.
debian_mirror() {
	local mirror
	mirror=$(apt-get indextargets --format '$(LABEL) $(COMPONENT) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
		awk '$1 == "Debian" && $2 == "main" && $3 !~ /-/ { print $4; exit }')
	[ -n "$mirror" ] || mirror=$(apt-get update --print-uris |
		sed -nE "s,^'([^']*/)dists/(bookworm|trixie|forky|sid|(old)?stable|testing|unstable)/InRelease'.*,\1,p" | head -1)
	[ -n "$mirror" ] || die "no Debian mirror in this machine's package sources"
	echo "$mirror"
}

# apt_private SUITE ARCH TOOL ARGS...: apt-get or apt-cache on that suite alone, all state in the cache.
# The empty status file makes apt resolve dependencies as for an empty machine.
apt_private() {
	local dir=$cache/apt/$1-$2 arch=$2 tool=$3
	shift 3
	LC_ALL=C "$tool" -q -o Acquire::Retries=3 -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State="$dir/state" -o Dir::State::Lists="$dir/lists" -o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir" -o Dir::Etc::PreferencesParts=/dev/null -o Dir::Etc::Preferences=/dev/null \
		-o APT::Architecture="$arch" -o APT::Architectures="$arch" \
		-o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false "$@"
}

# apt_update SUITE ARCH: fetch the package lists of that suite; fails where the mirror lacks it.  Whatever else
# is wrong with a mirror may be right the next moment.
apt_update() {
	local dir=$cache/apt/$1-$2 signed='' mirror attempt
	mirror=$(debian_mirror)
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/state"
	[ ! -r $keyring ] || signed="[signed-by=$keyring] "
	echo "deb $signed$mirror $1 main" >"$dir/sources.list"
	: >"$dir/status"
	for attempt in 1 2 3; do
		! apt_private "$1" "$2" apt-get -o APT::Update::Error-Mode=any update >"$dir/update.log" 2>&1 || return 0
		! grep -q 'does not have a Release file' "$dir/update.log" || return 1
		[ "$attempt" = 3 ] || sleep "$attempt"
	done
	return 1
}

# apt_fetch SUITE ARCH ARGS...: apt-get with these arguments; once more with fresh lists when that fails: a mirror
# may change between its lists and its packages.
apt_fetch() {
	apt_private "$1" "$2" apt-get "${@:3}" || { apt_update "$1" "$2" && apt_private "$1" "$2" apt-get "${@:3}"; }
}

# cache_lock NAME: wait for the only right to fill that part of the cache; held until this shell ends.
cache_lock() {
	mkdir -p "$cache"
	exec 9>"$cache/$1.lock"
	flock 9
}
