# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The test library. A test file is a bash script that sources this and then says, for each test,
#
#     it 'sentence that is true of the program' function [argument...]
#     nightly 'sentence' function [argument...]     the same, for what takes too long for each change
#
# The function runs in a shell of its own under `set -eu`, in an empty directory of its own, with HOME and
# the XDG directories inside. It fails when a command fails, or by an expectation below; then all that it
# printed is shown. Nothing is skipped silently: tests that need KVM (tests/needs-kvm) and, without NIGHTLY=1,
# nightly ones are printed as not run.
#
#     ambient ARG...           the program under test, every fake-qemu with a guest (tests/tools)
#     run COMMAND...           sets $status, writes out and err; does not fail
#     expect_...               see below
#
# tests/run sets AMBIENT, EXECUTOR, VM_EXECUTOR and GUEST_PROBE (static, for real machines), FAKE_QEMU,
# WITH_GUESTS and IMAGES, all absolute.
set -u

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${AMBIENT:?run this by tests/run}" "${EXECUTOR:?}" "${FAKE_QEMU:?}" "${WITH_GUESTS:?}" "${IMAGES:?}"
TEST_FILE=${0#"$TESTS"/}
TEST_ONLY=${TEST_ONLY-}
test_count=0
test_failed=0
test_finished=

# ---- running tests ----------------------------------------------------------------------------------

# exported NAME: $dir/NAME.exported, dependencies with a file of this name as `deps import` takes them.
exported() {
	echo x >"$dir/$1"
	tar -C "$dir" -cf "$dir/$1.tar" "$1"
	sed "s|^state: .*|state: $dir/other|" "$HOME/.config/ambient/config.yaml" >"$dir/other.yaml"
	"$AMBIENT" --config "$dir/other.yaml" deps import p "$dir/$1.tar"
	"$AMBIENT" --config "$dir/other.yaml" deps export p "$dir/$1.exported"
}

# What runs when a test file ends: the plan line proves to tests/run that it came to its end.
finish_file() {
	test_finished=yes
	echo "1..$test_count"
	exit "$test_failed"
}

on_exit() {
	[ -n "$test_finished" ] || echo "# $TEST_FILE ended early"
}
trap on_exit EXIT

needs_kvm() {
	grep -qxF -e "$TEST_FILE: $1" "$TESTS/needs-kvm"
}

# A private directory that is removed only if it has our marker in it.
make_test_dir() {
	dir=$(mktemp -d "${TMPDIR:-/tmp}/ambient-test.XXXXXX")
	touch "$dir/.ambient-test"
	mkdir -p "$dir/home/.config/ambient" "$dir/work" "$dir/tmp" "$dir/images" "$dir/run"
	chmod 700 "$dir/run"
}

remove_test_dir() {
	[ -f "$dir/.ambient-test" ] || return 0
	if [ -n "${KEEP_TESTS-}" ]; then
		echo "# kept: $dir"
		return 0
	fi
	chmod -R u+rwX "$dir" 2>/dev/null
	rm -rf "$dir"
}

# What the test sees of the world.
enter_test() {
	export HOME=$dir/home XDG_CONFIG_HOME=$dir/home/.config XDG_STATE_HOME=$dir/home/.local/state
	export XDG_CACHE_HOME=$dir/home/.cache XDG_DATA_HOME=$dir/home/.local/share XDG_RUNTIME_DIR=$dir/run
	export TMPDIR=$dir/tmp GIT_CONFIG_NOSYSTEM=1 LC_ALL=C.UTF-8 TERM=dumb
	unset NO_COLOR CI MAKEFLAGS MAKELEVEL MFLAGS
	cd "$dir/work" || exit 1
	write_config
}

# selected SENTENCE: -k asks for it.
selected() {
	[[ -z $TEST_ONLY || "$TEST_FILE: $1" == *$TEST_ONLY* ]]
}

not_run() {
	test_count=$((test_count + 1))
	echo "not run $test_count - $TEST_FILE: $1 ($2)"
}

it() {
	selected "$1" || return 0
	if needs_kvm "$1" && [ -z "${KVM_WORKS-}" ]; then
		not_run "$1" 'needs KVM'
	else
		run_test "$@"
	fi
}

# valgrind itself does not outlive an execve that fails.
it_without_valgrind() {
	selected "$1" || return 0
	if [ -n "${WITH_GUESTS_VALGRIND-}" ]; then not_run "$1" 'not under valgrind'; else it "$@"; fi
}

nightly() {
	selected "$1" || return 0
	if [ -n "${NIGHTLY-}" ]; then it "$@"; else not_run "$1" nightly; fi
}

run_test() {
	local sentence=$1 started rc
	shift
	test_count=$((test_count + 1))
	make_test_dir
	started=${EPOCHREALTIME/[.,]/}
	(
		set -eu
		trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
		enter_test
		"$@"
	) >"$dir/log" 2>&1 </dev/null
	rc=$?
	started=$(((${EPOCHREALTIME/[.,]/} - started) / 100000))
	if [ $rc = 0 ]; then
		echo "ok $test_count - $TEST_FILE: $sentence ($((started / 10)).$((started % 10)) s)"
		[ ! -f "$dir/told" ] || sed 's/^/# /' "$dir/told"
	else
		test_failed=1
		echo "not ok $test_count - $TEST_FILE: $sentence"
		sed 's/^/#     /' "$dir/log"
	fi
	remove_test_dir
}

# ---- expectations -----------------------------------------------------------------------------------

# A test that does the same many times says in $where at which of them it is.
fail() {
	echo "FAILED: ${where:+$where: }$*"
	show_last_run
	exit 1
}

# tell TEXT: shown also when the test passes: how much it did.
tell() {
	echo "$*" >>"$dir/told"
}

show_file() {
	echo "--- $1:"
	head -n 80 "$1" | cut -c1-400
}

show_last_run() {
	[ -f "$dir/command" ] || return 0
	echo "--- last command: $(cat "$dir/command")"
	echo "--- status: ${status-}"
	show_file "$dir/out"
	show_file "$dir/err"
}

# run COMMAND...: never fails; standard output and error are in the files $dir/out and $dir/err.
run() {
	echo "$*" >"$dir/command"
	if "$@" >"$dir/out" 2>"$dir/err"; then status=0; else status=$?; fi
	check_sanitizers
	# A command that a message proposes begins with the program as it was called.
	[ -n "${HINTS_AS_PRINTED-}" ] || sed -i "s|'$AMBIENT |'ambient |g" "$dir/err" "$dir/out"
}

# A sanitizer's report is a failure of every test, whatever the test expected.
check_sanitizers() {
	if grep -qE 'ERROR: (Address|Leak|Undefined)|runtime error:|^==[0-9]+== ' "$dir/err"; then
		fail "a sanitizer or valgrind complained"
	fi
}

expect_status() {
	[ "$status" = "$1" ] || fail "status is $status, expected $1"
}

# expect_stdout TEXT: the whole of it. Without a newline at the end it stands for one line.
expect_stdout() {
	diff -u <(printf '%s\n' "$1") "$dir/out" || fail "standard output differs"
}

expect_stderr() {
	diff -u <(printf '%s\n' "$1") "$dir/err" || fail "standard error differs"
}

expect_no_stdout() {
	[ ! -s "$dir/out" ] || fail "there is standard output"
}

expect_no_stderr() {
	[ ! -s "$dir/err" ] || fail "there is standard error"
}

# expect_line FILE REGEX: some whole line of the file is like that.
expect_line() {
	grep -qxE -e "$2" "$1" || {
		show_file "$1"
		fail "no line '$2'"
	}
}

expect_no_line() {
	if grep -qE -e "$2" "$1"; then
		show_file "$1"
		fail "there is a line with '$2'"
	fi
}

expect_out_line() {
	expect_line "$dir/out" "$1"
}

# expect_error REGEX: the first line of standard error is "ERROR: " and that.
expect_error() {
	head -n 1 "$dir/err" | grep -qxE -e "ERROR: $1" || fail "the error is not '$1'"
}

# expect_json FILE FILTER VALUE: what jq prints (strings without quotes, one line).
expect_json() {
	local found
	found=$(jq -rc "$2" "$1") || {
		show_file "$1"
		fail "$1: $2 cannot be had"
	}
	[ "$found" = "$3" ] || {
		show_file "$1"
		fail "$1: $2 is '$found', expected '$3'"
	}
}

expect_file() {
	diff -u <(printf '%s\n' "$2") "$1" || fail "$1 differs"
}

expect_present() {
	[ -e "$1" ] || fail "$1 is not there"
}

expect_absent() {
	if [ -e "$1" ] || [ -L "$1" ]; then fail "$1 is there"; fi
}

# expect_tree DIR: standard input names every file below it, sorted, directories with a slash.
expect_tree() {
	diff -u - <(cd "$1" && find . -mindepth 1 \( -type d -printf '%P/\n' -o -printf '%P\n' \) | sort) ||
		fail "the files in $1 differ"
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails when it never does.
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || fail "waited in vain for: $*"
		sleep 0.05
	done
}

# ---- worlds -----------------------------------------------------------------------------------------

ambient() {
	"$WITH_GUESTS" "$AMBIENT" "$@"
}

# A shell lets its background jobs ignore SIGINT and SIGQUIT, and what is ignored at its start ambient ignores.
INTERRUPTIBLE=(env '--default-signal=INT,QUIT')

# start_ambient ARG...: the same in the background; $pid gets what is sent to it, `wait_ambient` sets $status.
start_ambient() {
	echo "ambient $* &" >"$dir/command"
	"${INTERRUPTIBLE[@]}" "$WITH_GUESTS" "$AMBIENT" "$@" >"$dir/out" 2>"$dir/err" &
	pid=$!
}

wait_ambient() {
	if wait "$pid"; then status=0; else status=$?; fi
	check_sanitizers
}

# write_config [YAML]: the configuration, with fake-qemu in QEMU's place; the text is added to it. Without
# $LINT=true nobody looks for mistakes in plans, which takes time and would say much about these plans.
write_config() {
	cat >"$HOME/.config/ambient/config.yaml" <<-END
		projects: $dir/projects.yaml
		image_store: $dir/images
		state: $dir/state
		tmpdir: $dir/tmp
		executor: $EXECUTOR
		lint: ${LINT-false}
		qemu:
		  program: $FAKE_QEMU
		  accelerator: tcg
		${1-}
	END
}

# Real machines instead: write_config for tests of tests/vm.
write_vm_config() {
	cat >"$HOME/.config/ambient/config.yaml" <<-END
		projects: $dir/projects.yaml
		image_store: $IMAGES
		state: $dir/state
		tmpdir: $dir/tmp
		executor: $VM_EXECUTOR
		lint: ${LINT-false}
		${1-}
	END
}

# in_network COMMAND...: in a network of its own, on which is a web server (tests/tools/test-httpd with $dir/www,
# port 80 of 127.0.0.1, log in $dir/httpd.log) and nothing else. $dir/hosts, if it is there, is /etc/hosts; without
# it files.test is that server. The same server speaks HTTPS at port 443 when there is a file $dir/server.pem, with
# its key and its certificate. The host's network and files stay as they are.
in_network() {
	local own=()
	[ "$(id -u)" = 0 ] || own=(--user --map-current-user --keep-caps)
	mkdir -p "$dir/www"
	[ -e "$dir/hosts" ] || echo '127.0.0.1 localhost files.test' >"$dir/hosts"
	rm -f "$dir/httpd.ready" "$dir/https.ready"
	cat >"$dir/in-network" <<-'END'
		#!/bin/bash
		set -eu
		ip link set lo up
		mount --bind "$1/hosts" /etc/hosts
		"$2/tools/test-httpd" --port 80 --root "$1/www" --log "$1/httpd.log" --ready "$1/httpd.ready" \
			>"$1/httpd.out" 2>&1 &
		servers=($!)
		ready=("$1/httpd.ready")
		trap 'kill "${servers[@]}"' EXIT
		if [ -e "$1/server.pem" ]; then
			"$2/tools/test-httpd" --port 443 --tls "$1/server.pem" --root "$1/www" --log "$1/httpd.log" \
				--ready "$1/https.ready" >"$1/https.out" 2>&1 &
			servers+=($!)
			ready+=("$1/https.ready")
		fi
		for file in "${ready[@]}"; do
			until [ -e "$file" ]; do
				kill -0 "${servers[@]}"
				sleep 0.05
			done
		done
		shift 2
		rc=0
		"$@" || rc=$?
		exit $rc
	END
	unshare "${own[@]}" --net --mount bash "$dir/in-network" "$dir" "$TESTS" "$@"
}

describe_part() {
	printf '%s:\n  file: %s\n  bytes: %s\n  sha256: %s\n' "$1" "$2" "$(stat -c %s "$2")" \
		"$(sha256sum "$2" | cut -d' ' -f1)"
}

# fake_image NAME [FLAG...]: an image for fake-qemu. With flags it is a guest that misbehaves.
fake_image() (
	name=$1
	shift
	mkdir -p "$dir/images/$name"
	cd "$dir/images/$name"
	printf '%s\n' fake-qemu "$@" >kernel
	printf '%s\n' "modules of $name" >module
	echo module | cpio -o -H newc --quiet >initramfs.cpio
	head -c 4096 /dev/zero >root.squashfs
	{
		printf '%s\n' 'format: 1' "name: $name" 'architecture: x86_64' 'boot: direct'
		printf '%s\n' 'machines:' '  - microvm' '  - q35'
		describe_part kernel kernel
		describe_part initramfs initramfs.cpio
		describe_part root root.squashfs
		echo '  type: squashfs'
	} >image.yaml
)

# source_tree [DIR]: a small source tree with a commit; $dir/src unless told.
source_tree() (
	mkdir -p "${1-$dir/src}"
	cd "${1-$dir/src}"
	echo 'hello' >file.txt
	git init -q -b main .
	git add file.txt
	git -c user.name=Test -c user.email=test@example.com commit -q -m 'a file'
)

# project [NAME [IMAGE]]: standard input is the YAML of its plan. Adds to the projects file.
project() {
	local name=${1-hello} image=${2-fake}
	[ -e "$dir/projects.yaml" ] || echo 'projects:' >"$dir/projects.yaml"
	[ -d "$dir/src" ] || source_tree
	{
		printf '  %s:\n    image: %s\n    source: %s\n' "$name" "$image" "$dir/src"
		sed 's/^/    /'
	} >>"$dir/projects.yaml"
}

# shell_project SNIPPET: a project `hello` on a well-behaved guest whose plan is this shell snippet.
shell_project() {
	[ -d "$dir/images/fake" ] || fake_image fake
	{
		printf 'plan:\n  - action: shell\n    shell: |\n'
		printf '%s\n' "$1" | sed 's/^/      /'
	} | project
}

# expect_valid FILE: each line, or the whole of a file with one object, is a result by its schema.
expect_valid() {
	python3 - "$TESTS/../docs/result.schema.json" "$1" <<-'END' || fail "$1 is not as its schema says"
		import json, sys
		import jsonschema
		schema = json.load(open(sys.argv[1]))
		text = open(sys.argv[2]).read()
		try:
		    results = [json.loads(text)]
		except ValueError:
		    results = [json.loads(line) for line in text.splitlines()]
		for result in results:
		    jsonschema.validate(result, schema)
	END
}

# expect_result STATUS RESULT REASON: how the last `ambient run` of `hello` ended, in all the places that say
# so. REASON is a regular expression, "null" when there is none.
expect_result() {
	local found
	expect_status "$1"
	found=$(jq -r '"\(.exit_status) \(.result) \(.reason)"' "$(result)")
	[[ $found =~ ^"$1 $2 "($3)$ ]] || fail "the result is '$found', expected '$1 $2 $3'"
	expect_valid "$(result)"
}

# The result of the latest run of `hello`, or of another project.
result() {
	echo "$dir/state/${1-hello}/latest/result.json"
}

# Its run log.
run_log() {
	echo "$dir/state/${1-hello}/latest/run.jsonl"
}

# The run log of the run that goes on, or of the last one.
live_log() {
	find "$dir/state/hello/runs" -name run.jsonl | sort | tail -n 1
}
