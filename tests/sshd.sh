# shellcheck shell=bash disable=SC2154 # dir is of lib.sh
# SPDX-License-Identifier: Apache-2.0
# A real sshd in the network of a test (in_network of lib.sh), for tests of deliveries. Sourced behind lib.sh.

# The server says every disguise of the key that it was logged in with, as a careless script would.
# make_server [TYPE [BITS]]: it has a key of this type, and accepts one. $SSHD_PORT: another port than 22.
make_server() {
	mkdir "$dir/server" "$dir/upload"
	ssh-keygen -q -t "${1-ed25519}" ${2+-b "$2"} -N '' -C '' -f "$dir/server/host"
	ssh-keygen -q -t "${1-ed25519}" ${2+-b "$2"} -N '' -C '' -f "$dir/key"
	echo "files.test $(cat "$dir/server/host.pub")" >"$dir/known_hosts"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/server/ca"
	make_disguises
	cat >"$dir/server/command" <<-END
		#!/bin/bash
		{
			cat $dir/key; base64 $dir/key; cat $dir/said; jq -Rs . $dir/key
			printf %s "\$(cut -c-35 $dir/line)"
			sleep 0.3
			cut -c36- $dir/line
			# What the client says itself shall not come into the middle of it.
			sleep 0.3
		} >&2
		exec bash -c "\$SSH_ORIGINAL_COMMAND"
	END
	chmod +x "$dir/server/command"
	echo "command=\"$dir/server/command\" $(cat "$dir/key.pub")" >"$dir/server/keys"
	cat >"$dir/server/config" <<-END
		ListenAddress 127.0.0.1:${SSHD_PORT-22}
		HostKey $dir/server/host
		AuthorizedKeysFile $dir/server/keys
		TrustedUserCAKeys $dir/server/ca.pub
		StrictModes no
		UsePAM no
		PidFile none
		Subsystem sftp /usr/lib/openssh/sftp-server
	END
	cat >"$dir/with-sshd" <<-'END'
		#!/bin/bash
		set -eu
		if [ "$(id -u)" = 0 ]; then
			mount -t tmpfs run /run
			mkdir -m 755 /run/sshd
		fi
		/usr/sbin/sshd -D -f "$1/server/config" -E "$1/server/log" &
		sshd=$!
		trap 'kill $sshd' EXIT
		port=$(sed -n 's/^ListenAddress 127.0.0.1://p' "$1/server/config")
		until ss -ltn | grep -q "127.0.0.1:$port "; do
			kill -0 $sshd
			sleep 0.05
		done
		shift
		rc=0
		"$@" || rc=$?
		exit $rc
	END
}

# In $dir/said a line of the key's secret part in every disguise, and in $dir/disguises what each is known by,
# behind its name: without the ends, where base64 depends on its neighbours.
make_disguises() {
	local line hex
	line=$(sed -n 4p "$dir/key")
	hex=$(printf %s "$line" | od -An -v -tx1 | tr -d '\n')
	echo "$line" >"$dir/line"
	: >"$dir/said"
	disguise plain "$line" 1-
	disguise another-line "$(sed -n 3p "$dir/key")" 1-
	disguise base64-0 "$(printf %s "$line" | base64 -w0)" 1-60
	disguise base64-1 "$(printf 'a%s' "$line" | base64 -w0)" 5-60
	disguise base64-2 "$(printf 'ab%s' "$line" | base64 -w0)" 5-60
	disguise hex "${hex// /}" 1-
	disguise HEX "$(printf %s "${hex// /}" | tr a-f A-F)" 1-
	disguise url "${hex// /%}" 1-
	disguise json "${hex// /\\u00}" 1-
	# The server says it in two pieces: of the first, three characters may be shown when the second takes its time.
	{
		echo "split-1 $(echo "$line" | cut -c4-35)"
		echo "split-2 $(echo "$line" | cut -c36-)"
	} >>"$dir/disguises"
}

# disguise NAME TEXT WHERE: WHERE is for cut -c.
disguise() {
	echo "$2" >>"$dir/said"
	echo "$1 $(echo "$2" | cut -c"$3")" >>"$dir/disguises"
}

# The server accepts the key no more, but certificates for it ($dir/key-cert.pub) of an authority.
make_certificate() {
	: >"$dir/server/keys"
	ssh-keygen -q -s "$dir/server/ca" -I test -n "$(id -un)" -O "force-command=$dir/server/command" "$dir/key.pub"
}

# The lines of the configuration by which deliveries find it; further keys of the host's entry.
ssh_config() {
	echo "egress: {allow_private: [files.test]}
secrets:
  key: {file: $dir/key, projects: [hello], actions: [rsync, rsync2, sftp_put, dput]}
ssh:
  - {host: files.test, key: key, known_hosts: $dir/known_hosts${1:+, $1}}
rsync_target: $(id -un)@files.test:$dir/upload
sftp_target: sftp://$(id -un)@files.test$dir/upload
dput_target: sftp://$(id -un)@files.test$dir/upload"
}

# with_sshd COMMAND...: in a network with that server.
with_sshd() {
	in_network bash "$dir/with-sshd" "$dir" "$@"
}

# liar HOST [OPTION...]: an ssh server that lies (tests/tools/ssh-liar) with this name and an address of its own. It has the
# key $dir/server/host, if no other is named, and the log $dir/server/HOST.log.
liar() {
	local address
	[ -e "$dir/hosts" ] || echo '127.0.0.1 localhost' >"$dir/hosts"
	address=127.0.1.$(wc -l <"$dir/hosts")
	echo "$address $1" >>"$dir/hosts"
	{
		printf '%q ' "$SSH_LIAR" --bind "$address" --key "$dir/server/host" --log "$dir/server/$1.log" \
			--ready "$dir/server/$1.ready" "${@:2}"
		echo '& servers+=($!)'
	} >>"$dir/liars"
}

# with_liars COMMAND...: in a network with these servers.
with_liars() {
	cat >"$dir/with-liars" <<-'END'
		#!/bin/bash
		set -eu
		servers=()
		trap 'kill "${servers[@]}"' EXIT
		. "$1/liars"
		until [ "$(find "$1/server" -name '*.ready' | wc -l)" = ${#servers[@]} ]; do
			kill -0 "${servers[@]}"
			sleep 0.05
		done
		shift
		rc=0
		"$@" || rc=$?
		exit $rc
	END
	rm -f "$dir/server"/*.ready
	in_network bash "$dir/with-liars" "$dir" "$@"
}

# No disguise of the key in what is left (state, temporary files, drives) and in what was shown; but the server
# has said all of them.
#
# expect_no_key [REGEX]: but for the disguises of these names. They are longer than a line of the program's own
# output, which cuts them and puts words of its own in between: no search for a text finds that (docs/secrets.md).
expect_no_key() {
	local name text where
	[ "$(wc -l <"$dir/disguises")" = 11 ] || fail 'not all disguises were made'
	while read -r name text; do
		[ ${#text} -gt 20 ] || fail "disguise $name is no text"
		[[ ! $name =~ ^(${1-})$ ]] || continue
		where=$(grep -rlF -e "$text" "$dir/state" "$dir/tmp" "$dir/out" "$dir/err" "$dir/run" "$dir/work" "$dir/home") ||
			continue
		fail "the secret is there, as $name: $where"
	done <"$dir/disguises"
}
