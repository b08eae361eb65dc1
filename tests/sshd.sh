# shellcheck shell=bash disable=SC2154 # dir is of lib.sh
# SPDX-License-Identifier: Apache-2.0
# A real sshd in the network of a test (in_network of lib.sh), for tests of deliveries. Sourced behind lib.sh.

# The server says every disguise of the key that it was logged in with, as a careless script would.
make_server() {
	mkdir "$dir/server" "$dir/upload"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/server/host"
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/key"
	echo "files.test $(cat "$dir/server/host.pub")" >"$dir/known_hosts"
	sed -n 2p "$dir/key" >"$dir/line"
	cat >"$dir/server/command" <<-END
		#!/bin/bash
		{
			cat $dir/key; base64 $dir/key; base64 -w0 $dir/line; echo
			(printf a; cat $dir/line) | base64 -w0; echo
			(printf ab; cat $dir/line) | base64 -w0 | tr +/ -_; echo
			od -An -v -tx1 $dir/line; od -An -v -tx1 $dir/line | tr -d ' \n'; echo
			jq -Rs . $dir/key; jq -Rr @uri $dir/line
		} >&2
		exec bash -c "\$SSH_ORIGINAL_COMMAND"
	END
	chmod +x "$dir/server/command"
	echo "command=\"$dir/server/command\" $(cat "$dir/key.pub")" >"$dir/server/keys"
	cat >"$dir/server/config" <<-END
		ListenAddress 127.0.0.1:22
		HostKey $dir/server/host
		AuthorizedKeysFile $dir/server/keys
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
		until ss -ltn | grep -q '127.0.0.1:22 '; do
			kill -0 $sshd
			sleep 0.05
		done
		shift
		rc=0
		"$@" || rc=$?
		exit $rc
	END
}

# The lines of the configuration by which deliveries find it.
ssh_config() {
	echo "egress: {allow_private: [files.test]}
secrets:
  key: {file: $dir/key, projects: [hello], actions: [rsync, rsync2, sftp_put, dput]}
ssh:
  - {host: files.test, key: key, known_hosts: $dir/known_hosts}
rsync_target: $(id -un)@files.test:$dir/upload
sftp_target: sftp://$(id -un)@files.test$dir/upload
dput_target: sftp://$(id -un)@files.test$dir/upload"
}

# with_sshd COMMAND...: in a network with that server.
with_sshd() {
	in_network bash "$dir/with-sshd" "$dir" "$@"
}

# No disguise of the key in what is left, and in what was shown.
expect_no_key() {
	local line
	line=$(cat "$dir/line")
	for disguise in "$line" "$(sed -n 3p "$dir/key")" "$(printf %s "$line" | base64 -w0 | head -c 60)" \
		"$(printf a%s "$line" | base64 -w0 | tail -c +5 | head -c 60)" \
		"$(printf %s "$line" | od -An -v -tx1 | tr -d ' \n')"; do
		expect_absent_text "$disguise"
	done
}

expect_absent_text() {
	if grep -rqF -e "$1" "$dir/state" "$dir/tmp" "$dir/out" "$dir/err" 2>/dev/null; then
		fail "the secret is there: $(grep -rlF -e "$1" "$dir/state" "$dir/tmp" "$dir/out" "$dir/err")"
	fi
}
