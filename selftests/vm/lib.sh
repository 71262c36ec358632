# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# Where guests come from. Sourced by the scripts beside it; sets TOP, CACHE, SUITE, LATER, NEWEST.
#
# Nothing here installs anything on the machine. Packages that only a guest needs are taken by an apt of our
# own, whose sources are the Debian entries of the machine's, into a cache that may be deleted at any time.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-${HOME:-}/.cache}/mip4
NEED_MB=9000	# what a whole cache takes, and room to build it
PART_MB=3000	# its largest part
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# where the newest kernels are; its lists go stale by their own date on a mirror that is behind
NEWEST=sid
PATH=$PATH:/usr/sbin:/sbin
# Set by whoever hunts a problem: keep what a guest wrote even when all went well.
KEEP=${KEEP:-}

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

say()
{
	echo "# $*" >&2
}

# The release that runs here, and the one after it for tools that it doesn't have yet.
detect_release()
{
	local ID='' VERSION_CODENAME=''

	# shellcheck disable=SC1091
	. /etc/os-release
	[ "$ID" = debian ] || die "this is '${ID:-unknown}'; needed is Debian 12 (bookworm) or 13 (trixie)"
	SUITE=$VERSION_CODENAME
	case $SUITE in
	bookworm) LATER=trixie ;;
	trixie) LATER=trixie ;;
	*) die "Debian '$SUITE' isn't supported; needed is Debian 12 (bookworm) or 13 (trixie)" ;;
	esac
}

guests_possible()
{
	[ "$(dpkg --print-architecture)" = amd64 ] || die "guests need an amd64 machine"
}

# fresh FILE [MINUTES]: whether it was written within a day, or that time
fresh()
{
	[ -n "$(find "$1" -mmin "-${2:-1440}" 2> /dev/null)" ]
}

# remember FILE TEXT: who reads it beside finds all of it or what was there before
remember()
{
	mkdir -p "$(dirname "$1")"
	echo "$2" > "$1.$$"
	mv "$1.$$" "$1"
}

# debian_uris: what the machine's apt calls this release, one "RELEASE URI" per line. apt itself parses the sources
# in both formats, and the downloaded Release file says which entries are Debian's own; any other repository
# on the machine is none of our business.
debian_uris()
{
	apt-get indextargets --format '$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
	awk -F'|' -v suite="$SUITE" '
		$1 == "Debian" && $3 == "main" && $4 !~ /^cdrom:/ &&
		($2 == suite || $2 == suite "-updates" || $2 == suite "-security") && !seen[$2 $4]++ { print $2, $4 }'
}

# renew FILE: FILE.new takes its place if it says something else. Who reads it meanwhile never finds it empty.
renew()
{
	cmp -s "$1.new" "$1" || mv "$1.new" "$1"
}

# private_apt RELEASE: prints the APT_CONFIG to use for that release, its lists no older than a day.
private_apt()
{
	local dir=$CACHE/apt/$1 entries

	guests_possible
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	(
		flock 9
		# the machine's own apt is asked, not the one of an earlier call
		unset APT_CONFIG
		entries=$(debian_uris)
		[ -n "$entries" ] || die "apt knows no Debian archive for $SUITE here; run: apt-get update"
		[ -r "$KEYRING" ] || die "$KEYRING is missing; run: make deps"
		while read -r codename uri; do
			if [ "$1" != $NEWEST ]; then
				echo "deb [signed-by=$KEYRING] $uri ${codename/#$SUITE/$1} main"
			elif [ "$codename" = "$SUITE" ]; then
				echo "deb [check-valid-until=no signed-by=$KEYRING] $uri $NEWEST main"
			fi
		done <<< "$entries" > "$dir/sources.list.new"
		# lists of other sources are none
		cmp -s "$dir/sources.list.new" "$dir/sources.list" || rm -f "$dir/updated"
		renew "$dir/sources.list"
		# How this machine reaches an archive: proxies, address family, leave to use a snapshot.
		apt-config dump --format '%F "%v";%n' Acquire |
			grep -Ei '^Acquire::((http|https|ftp)::|Retries|ForceIPv|Check-)' \
			> "$dir/acquire.conf.new" || true
		renew "$dir/acquire.conf"
		[ -e "$dir/status" ] || : > "$dir/status"
		cat > "$dir/apt.conf.new" <<-END
			Dir::Etc::parts "/dev/null";
			Dir::Etc::main "/dev/null";
			Dir::Etc::sourcelist "$dir/sources.list";
			Dir::Etc::sourceparts "/dev/null";
			Dir::Etc::preferences "/dev/null";
			Dir::Etc::preferencesparts "/dev/null";
			Dir::State::lists "$dir/lists";
			Dir::State::status "$dir/status";
			Dir::State::extended_states "$dir/extended_states";
			Dir::Cache "$dir/cache";
			APT::Sandbox::User "";
			Acquire::Languages "none";
			#include "$dir/acquire.conf";
		END
		renew "$dir/apt.conf"
		if ! fresh "$dir/updated"; then
			if APT_CONFIG=$dir/apt.conf apt-get update -qq >&2; then
				touch "$dir/updated"
			elif [ -e "$dir/updated" ]; then
				say "package lists of $1 are old and couldn't be refreshed; going on with them"
			else
				die "the package lists of $1 couldn't be fetched"
			fi
		fi
	) 9> "$dir/lock"
	echo "$dir/apt.conf"
}

# fetch_debs DIR PACKAGE[=VERSION]...: downloads with the APT_CONFIG in the environment, unpacks below DIR.
fetch_debs()
{
	local dir=$1 debs deb

	shift
	# in there, so that who is interrupted leaves it to the next try
	debs=$dir/.debs
	mkdir "$debs"
	(cd "$debs" && apt-get download -qq "$@" >&2) || die "can't download: $*"
	for deb in "$debs"/*.deb; do
		dpkg -x "$deb" "$dir"
	done
	rm -rf "$debs"
}

# depends PACKAGE REGEX: what it depends on whose name matches.
depends()
{
	apt-cache depends --no-recommends --no-suggests "$1" | awk -v re="$2" '$1 == "Depends:" && $2 ~ re { print $2 }'
}

# candidate PACKAGE: the version that would be taken.
candidate()
{
	apt-cache policy "$1" | awk '$1 == "Candidate:" { print $2 }'
}

# unpack_root DIR RELEASE PACKAGES: that release's minimal system and the packages, separated by commas, with the
# APT_CONFIG in the environment. All files belong to whoever runs this.
unpack_root()
{
	local dir=$1 mode=root

	[ "$(id -u)" = 0 ] || mode=unshare
	mmdebstrap --quiet --mode=$mode --variant=minbase --include="$3" \
		--aptopt="$(dirname "$APT_CONFIG")/acquire.conf" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		"$2" - "$(dirname "$APT_CONFIG")/sources.list" |
		tar -x --no-same-owner --exclude='./dev/*' -C "$dir"
	# what is setuid would be of whoever runs this, root maybe
	chmod -R u+rwX,u-s,g-s "$dir"
}

# in_root ROOT DIR... -- CMD [ARG...]: CMD below another root, where these directories of the machine have their own
# paths. In a mount namespace of its own, which a user may have too.
in_root()
{
	local own=()

	[ "$(id -u)" = 0 ] || own=(--map-root-user)
	unshare --mount "${own[@]}" bash -ec '
		root=$1
		shift
		mount --rbind /dev "$root/dev"
		mount --rbind /proc "$root/proc"
		mount -t tmpfs tmpfs "$root/tmp"
		while [ "$1" != -- ]; do
			mkdir -p "$root$1"
			mount --bind "$1" "$root$1"
			shift
		done
		shift
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"' in_root "$@"
}

# alone NAME: what writes to build/NAME does so once at a time in a tree.
alone()
{
	mkdir -p "$TOP/build"
	exec 7> "$TOP/build/$1.lock"
	flock -n 7 || die "another $1 runs in this tree"
}

# listed FILE: the packages a list names, without its comments.
listed()
{
	sed 's/#.*//' "$1" | xargs -n1
}

room()
{
	local mb need

	mb=$(df -m --output=avail "$CACHE" | tail -n 1)
	need=$((NEED_MB - $(du -sm "$CACHE" 2> /dev/null | cut -f1)))
	[ $need -ge $PART_MB ] || need=$PART_MB
	[ "$mb" -ge $need ] || die "$CACHE wants $need MB more and has $mb; XDG_CACHE_HOME takes it elsewhere"
}

# prune DIR: of what once made there, what it was interrupted at and what it wasn't asked for in 30 days. Who holds the
# lock builds it, or goes on using it.
prune()
{
	local lock

	for lock in "$1"/*.lock; do
		(
			flock -n 8 || exit 0
			rm -rf "${lock%.lock}.new"
			[ -z "$(find "$lock" -mtime +30)" ] || rm -rf "${lock%.lock}"
		) 8>> "$lock"
	done
}

# once DIR BUILDER [ARG...]: makes DIR unless it exists, by BUILDER into a temporary neighbour that takes its name
# only when complete; two callers at once build it once. The lock's time is that of the last call.
once()
{
	local dir=$1 builder=$2 tmp

	shift 2
	if [ -d "$dir" ]; then
		touch "$dir.lock"
		return
	fi
	mkdir -p "$(dirname "$dir")"
	(
		flock 9
		[ -d "$dir" ] && exit
		prune "$(dirname "$dir")"
		tmp=$dir.new
		rm -rf "$tmp"
		room
		mkdir "$tmp"
		"$builder" "$tmp" "$@"
		mv "$tmp" "$dir"
	) 9> "$dir.lock"
}

# What shells, make, kernels' command lines and mount's options all take for a part of a path.
plain='^/[A-Za-z0-9_./+@%=:~-]*$'
[[ $TOP =~ $plain ]] || die "the path of this tree must be of letters, digits and _./+@%=:~-: '$TOP'"
[[ $CACHE =~ $plain && $CACHE != /.cache/mip4 ]] ||
	die "'$CACHE' can't be the cache: XDG_CACHE_HOME is an absolute path of letters, digits and _./+@%=:~-"
mkdir -p "$CACHE" || die "no cache in '$CACHE'; XDG_CACHE_HOME takes it elsewhere"
detect_release
