# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Shell functions shared by the programs of this directory. Sourced, never run.

vm_images=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# An ordinary user's PATH lacks where Debian keeps modinfo and its like.
PATH=$PATH:/usr/sbin:/sbin

say() {
	echo "${0##*/}: $*"
}

# As of ambient itself: 2 is wrong input, 3 the host.
refuse() {
	echo "ERROR: ${0##*/}: $*" >&2
	exit 2
}

die() {
	echo "ERROR: ${0##*/}: $*" >&2
	exit 3
}

# read_architecture: of this host, and so of what is made: $architecture, $debian_architecture, $library_directory (in
# /usr/lib), $renameat2 (the number of a system call).
read_architecture() {
	local row
	row=$(grep "^$(uname -m) " "$vm_images/architectures") || die "there are no images for $(uname -m)"
	# shellcheck disable=SC2034 # for the programs that source this
	read -r architecture debian_architecture library_directory renameat2 <<<"$row"
}

# With set -e a program just stops; this says where, unless a signal stopped it.
set -E
trap '[ $? -gt 128 ] || echo "ERROR: ${0##*/}: line $LINENO: failed: $BASH_COMMAND" >&2' ERR

# A signal ends a program when the command has ended that it waits for, so that nothing is removed under its feet.
end_in_order() {
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}
end_in_order

# need_tools TOOL...: every host tool a program uses, checked before it touches anything.
need_tools() {
	local tool missing=
	for tool; do
		command -v "$tool" >/dev/null || missing="$missing $tool"
	done
	[ -z "$missing" ] || die "these tools are missing:$missing; run 'make setup' or tools/setup image"
}

# hand_on PROGRAM...: run it in the background, so that a signal is taken, and handed on, at once. (What a shell starts in
# the background hears no Ctrl-C.) It ends when this shell is killed, and holds none of its locks.
hand_on() {
	local rc=0
	setpriv --pdeathsig TERM "$@" 7>&- 8>&- 9>&- &
	trap 'kill $!; wait $! || :; exit 143' TERM HUP
	trap 'kill $!; wait $! || :; exit 130' INT
	wait $! || rc=$?
	end_in_order
	return $rc
}

# take_place TOP NAME REMOVE: makes the directory $place, for one program of this user at a time, in a directory of the
# user's in TOP, in which others may not write: there may be links of others in TOP. REMOVE removes what a killed one has
# left there.
take_place() {
	local own
	own=$1/ambient-images.$(id -u)
	mkdir -m 700 "$own" 2>/dev/null || :
	[ -d "$own" ] && [ ! -L "$own" ] && [ -O "$own" ] ||
		die "$own is no directory of $(id -un)'s; remove it, or set TMPDIR to another directory"
	place=$own/$2
	exec 7>"$place.lock"
	wait_for 7 "$place"
	"$3"
	mkdir -m 700 "$place"
}

# wait_for DESCRIPTOR WHAT: takes the lock, and says so if that takes time.
wait_for() {
	flock -n "$1" || {
		say "waiting until another build has ended that uses $2"
		flock "$1"
	}
}

# rows KIND FILE...: the names in the "kind name" rows of recipe files.
rows() {
	awk -v kind="$1" '$1 == kind && NF == 2 { print $2 }' "${@:2}"
}

sha256_of() {
	sha256sum "$1" | cut -d' ' -f1
}

# swap_in NEW OLD: directory NEW takes OLD's place in one step, so that a kill leaves one of them
# whole. What was OLD is then called NEW, for the caller to remove.
swap_in() {
	if [ ! -e "$2" ]; then
		mv -T "$1" "$2"
		return
	fi
	# AT_FDCWD, RENAME_EXCHANGE. perl-base is essential.
	perl -e 'my ($nr, $a, $b) = @ARGV; exit(syscall($nr + 0, -100, $a, -100, $b, 2) != 0)' "$renameat2" "$1" "$2" ||
		die "cannot exchange $1 and $2: does this file system support RENAME_EXCHANGE?"
}

# common_tree ROOT: the files and directories that every image has.
common_tree() {
	mkdir -p "$1"/{dev,proc,run,sys,root,tmp,home,etc,var/tmp,var/log,var/cache,var/lib} \
		"$1"/ci/{src,deps,cache,artifacts,secrets}
	chmod 1777 "$1"/tmp "$1"/var/tmp
	chmod 700 "$1"/root "$1"/ci/secrets
	rm -f "$1/etc/resolv.conf"
	cp -R "$vm_images"/files/. "$1"/
	ln -sf /proc/self/mounts "$1/etc/mtab"
}

# left_out: what of unpack-without is left out where packages are installed, too. Not the files of dpkg and cron, which are
# removed otherwise, nor gconv, which what installs them needs.
left_out() {
	grep -vE '/(gconv|dpkg|cron)' "$vm_images/unpack-without"
}

# Manual pages are left out, and update-alternatives makes links to those that a package has elsewhere.
# shellcheck disable=SC2034 # for the programs that source this
manual_directories='usr/share/man/man1 usr/share/man/man5 usr/share/man/man8'

# root_tar_options STAMP: of tar, for the archive of a root file system in which no file is newer than STAMP.
root_tar_options() {
	echo --sort=name --numeric-owner --format=pax --pax-option=delete=atime,delete=ctime --xattrs \
		--xattrs-include=security.capability "--mtime=@$1" --clamp-mtime
}

# digest_of_files TEXT FILE...: of these files and directories here, and of TEXT.
digest_of_files() {
	(
		cd "$vm_images" || exit
		[ $# = 1 ] || describe_files "${@:2}"
		echo "$1"
	) | sha256sum | sed 's/ .*//; s/^/sha256:/'
}

# Names, kinds, modes, what links lead to, and contents. No link is followed: it may lead to all files of the host.
describe_files() {
	find "$@" -printf '%p\0%y %m %l\0' | paste -z - - | LC_ALL=C sort -z
	find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
}

# ---- making something in $store: an image, or the kernel ----
# shellcheck disable=SC2154 # the program sets store

# kernel_key KEY: of the kernel in $store, or nothing.
kernel_key() {
	[ ! -f "$store/.kernel/kernel.yaml" ] || sed -n "s/^$1: //p" "$store/.kernel/kernel.yaml"
}

# lock_image NAME: until this program ends.
lock_image() {
	local file=$store/.$1.lock
	# Whoever held it before may have removed the file: then the lock is of nothing.
	until [ "$file" -ef /proc/self/fd/8 ]; do
		exec 8>"$file"
		wait_for 8 "$store/$1"
	done
}

# begin_image NAME: with its lock held. What a killed program left is removed, and a place made: $work, in which $new
# is what is to be published. Both go when this program ends.
begin_image() {
	find "$store" -maxdepth 1 -name ".$1.new.*" -exec rm -rf {} +
	work=$(mktemp -d "$store/.$1.new.XXXXXX")
	new=$work/image
	mkdir "$new"
	# What still unpacks in the background would complain of a directory that goes.
	trap 'wait; chmod -R u+w "$work" && rm -rf "$work"' EXIT
}

# publish NEW TARGET: in one step, when all of it is on the disk.
publish() {
	find "$1" -type f -exec sync {} +
	swap_in "$1" "$2"
	sync "$store"
}
