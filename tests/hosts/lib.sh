# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Bare Debian systems below a directory, for tests of what a fresh machine has. Sourced, never run.
#
# A bare root is made once by mmdebstrap and kept as a tar below ${XDG_CACHE_HOME:-~/.cache}/ambient/hosts; each
# test unpacks it anew. Package archive, proxies, credentials and certificates are those of the host's own apt, with
# the name of the wanted suite in place of the host's. No root needed, but subordinate ids (/etc/subuid) without it.

hosts_cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/ambient/hosts
hosts_max_days=14
hosts_mapped=()
[ "$(id -u)" = 0 ] || hosts_mapped=(--map-auto --map-root-user)

hosts_die() {
	echo "ERROR: ${0##*/}: $*" >&2
	exit 1
}

# hosts_sources SUITE: lines of sources.list, from the host's entries for its own release, component main.
hosts_sources() {
	local own
	own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	# shellcheck disable=SC2016 # apt replaces these
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v own="$own" -v suite="$1" '
			$3 == "main" && $2 ~ "^(" own "|stable)(-updates|-security|/updates)?$" {
				sub("^(" own "|stable)", suite, $2)
				if (!seen[$0]++) print "deb", $1, $2, $3
			}'
}

# How the host reaches its archive, as apt's configuration.
hosts_apt_settings() {
	apt-config dump | grep -E '^Acquire::(http|https|Check-|Retries|ForceIP)' | grep -v ' "";$' || :
}

# hosts_tar SUITE PACKAGE...: prints the path of the tar with these packages and what every Debian has; makes it
# when there is none, or only an old one.
hosts_tar() {
	local suite=$1 sources tar packages
	shift
	sources=$(hosts_sources "$suite")
	[ -n "$sources" ] || hosts_die "apt has no source of this host's own Debian release, component main"
	packages=("$@")
	[[ $sources != *' https://'* ]] || packages+=(ca-certificates)
	tar=$hosts_cache/$suite-$(printf '%s\n' "$sources" "${packages[@]}" | sha256sum | cut -c1-12).tar
	mkdir -p "$hosts_cache"
	if [ -z "$(find "$tar" -mtime "-$hosts_max_days" 2>/dev/null)" ]; then
		hosts_apt_settings >"$hosts_cache/apt.conf"
		# shellcheck disable=SC2016 # $1 is for mmdebstrap's shell
		mmdebstrap --variant=minbase --format=tar --quiet --include="$(IFS=,; echo "${packages[*]}")" \
			--setup-hook="cp '$hosts_cache/apt.conf' \"\$1/etc/apt/apt.conf.d/90host\"" \
			--setup-hook='cd /etc/apt && for file in auth.conf auth.conf.d keyrings trusted.gpg.d; do
				[ ! -e $file ] || cp -Rn $file "$1/etc/apt/"; done' \
			--customize-hook='[ ! -e /etc/ssl/certs/ca-certificates.crt ] || [ ! -d "$1/etc/ssl/certs" ] ||
				cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"' \
			"$suite" "$tar.new" - <<<"$sources" >&2 || hosts_die "mmdebstrap cannot make a bare '$suite' (above)"
		mv "$tar.new" "$tar"
	fi
	echo "$tar"
}

# hosts_unpack TAR DIR: DIR becomes the root of a bare Debian, with an ordinary user `tester`.
hosts_unpack() {
	mkdir -p "$2"
	unshare "${hosts_mapped[@]}" --mount tar -x --numeric-owner --same-permissions -C "$2" -f "$1" &&
		hosts_in "$2" 'useradd --create-home --shell /bin/bash tester'
}

hosts_remove() {
	unshare "${hosts_mapped[@]}" --mount rm -rf --one-file-system "$1"
}

# hosts_in ROOT COMMAND: bash runs it there as root, in namespaces of its own, with devices and network of the host
# and nothing else of it. The root is entered by pivot_root: in a mere chroot the kernel refuses user namespaces,
# which jails need.
hosts_in() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare "${hosts_mapped[@]}" --mount --pid --fork --kill-child bash -c '
		set -e
		root=$1
		for file in /etc/resolv.conf /etc/hosts; do
			rm -f "$root$file"
			[ ! -e "$file" ] || cp -L "$file" "$root$file"
		done
		mount --bind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount --rbind /sys "$root/sys"
		cd "$root"
		pivot_root . mnt
		umount -l /mnt
		cd /root
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root \
			LANG=C.UTF-8 TERM=dumb bash -euc "$2"' bash "$1" "$2"
}

# hosts_in_as_user ROOT COMMAND: the same as `tester`, in its home.
hosts_in_as_user() {
	hosts_in "$1" "cd /home/tester && exec setpriv --reuid=tester --regid=tester --init-groups env -i HOME=/home/tester \
		USER=tester LANG=C.UTF-8 TERM=dumb PATH=/usr/local/bin:/usr/bin:/bin bash -euc $(printf %q "$2")"
}

# ---- counting ---------------------------------------------------------------------------------------

hosts_passed=0
hosts_failed=0

# hosts_it LOG SENTENCE COMMAND...: one test. What the last line of the output counts is shown with it.
hosts_it() {
	local log=$1 sentence=$2 started=$SECONDS said
	shift 2
	if "$@" >"$log" 2>&1; then
		hosts_passed=$((hosts_passed + 1))
		said=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
		echo "ok - $sentence ($((SECONDS - started)) s)${said:+: $said}"
		return
	fi
	hosts_failed=$((hosts_failed + 1))
	echo "not ok - $sentence ($((SECONDS - started)) s)"
	grep -aE -A 12 '^not ok|: (error|warning):' "$log" | head -n 200 | sed 's/^/#     /'
	echo "#     ... and its end:"
	tail -n 40 "$log" | sed 's/^/#     /'
}

hosts_counts() {
	echo "$hosts_passed passed, $hosts_failed failed"
	[ $hosts_failed = 0 ]
}
