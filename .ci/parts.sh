# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What .ci/run and .ci/nightly share: parts, their time and their numbers.
#
#     begin LIMIT            at the top; the whole may take LIMIT minutes, then what still runs is stopped and fails
#     part NAME COMMAND...   run it, print its output, time it, take the numbers from its last line
#     aside NAME COMMAND...  start it as a part that runs beside the others; `await NAME` prints it when it has ended
#     as_user COMMAND...     in a copy of this tree, as a user who owns nothing else here
#     finish                 the table of times, the sum of all numbers; status 0 only if nothing failed
#
# .ci/budget says how many minutes each part may take on two cores. A part that takes longer is marked in the
# table; it does not fail, because no test depends on the speed of a machine. Whoever makes a part longer than its
# budget moves tests to the nightly (`nightly` in tests/lib.sh) in the same commit.
set -u

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
exec </dev/null
export CI=${CI-true}
started=$SECONDS
passed=0
failed=0
not_run=0
table=()

begin() {
	limit=$1
	log=$(mktemp -d)
	# Not when one of the shells for a part ends.
	trap '[ "$BASHPID" != $$ ] || rm -rf "$log"' EXIT
}

# In a process group of its own, which is told to end when the time is over; ambient takes its machines along.
limited() {
	local pid watch rc left=$((limit * 60 - SECONDS + started))
	set -m
	"$@" &
	pid=$!
	(sleep $((left > 1 ? left : 1)) && echo "ERROR: stopped: the $limit minutes are over" && kill -- -$pid) &
	watch=$!
	set +m
	wait $pid
	rc=$?
	kill -- -$watch 2>/dev/null
	wait $watch 2>/dev/null
	return $rc
}

part() {
	local name=$1 from=$SECONDS rc
	shift
	echo
	echo "=== $name"
	limited "$@" >"$log/out" 2>&1
	rc=$?
	report "$name" "$log/out" $rc $((SECONDS - from))
}

aside() {
	local name=$1 from=$SECONDS
	shift
	(
		limited "$@" >"$log/$name" 2>&1
		echo "$? $((SECONDS - from))" >"$log/$name.end"
	) &
}

await() {
	local rc took
	until [ -s "$log/$1.end" ]; do sleep 1; done
	read -r rc took <"$log/$1.end"
	echo
	echo "=== $1"
	report "$1" "$log/$1" "$rc" "$took"
}

# report NAME OUTPUT STATUS SECONDS: a part that fails without a failed test counts as one failure.
report() {
	local line bad=0 minutes=$((($4 + 59) / 60)) budget
	cat "$2"
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$2" | tail -n 1)
	if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		bad=${BASH_REMATCH[2]}
	fi
	[ "$3" = 0 ] || [ "$bad" != 0 ] || bad=1
	failed=$((failed + bad))
	line=$(grep -aoE '^# [0-9]+ not run: they need KVM' "$2" | tail -n 1 | tr -dc 0-9)
	not_run=$((not_run + ${line:-0}))
	budget=$(awk -F '\t' -v part="$1" '$1 == part { print $2 }' .ci/budget)
	[ -n "$budget" ] || { echo "ERROR: .ci/budget has no row '$1'" && failed=$((failed + 1)); }
	table+=("$(printf '%-44s %3d min %02d s  of %2s%s' "$1" $(($4 / 60)) $(($4 % 60)) "${budget:-?}" \
		"$([ "$minutes" -le "${budget:-0}" ] || echo '  OVER ITS BUDGET')")")
	echo "=== $1: status $3"
}

# What root has built is taken along, so that only the tests are run again.
as_user() {
	local user=ambient-ci home
	id $user >/dev/null 2>&1 || useradd --create-home --shell /bin/bash $user || return 1
	home=$(getent passwd $user | cut -d: -f6)
	rm -rf "$home/work"
	mkdir "$home/work"
	tar -c --exclude=./demo-run --exclude=./dogfood-run . | tar -x -C "$home/work"
	chown -R $user: "$home/work"
	(cd "$home/work" && setpriv --reuid=$user --regid=$user --init-groups \
		env -i HOME="$home" PATH=/usr/local/bin:/usr/bin:/bin CI="$CI" "$@")
}

# fuzzers SECONDS: every fuzzer for so long; a crash is a failure.
fuzzers() {
	local names
	names=$(make -s --no-print-directory list-fuzzers)
	make --no-print-directory fuzz S="$1" || return 1
	echo "$(wc -w <<<"$names") passed, 0 failed"
}

finish() {
	echo
	echo "=== minutes of each part, and its budget (.ci/budget)"
	printf '%s\n' "${table[@]}"
	echo "=== all of it: $(((SECONDS - started) / 60)) min"
	[ $not_run = 0 ] || echo "$not_run not run: they need KVM (tests/needs-kvm)"
	echo "$passed passed, $failed failed"
	[ $failed = 0 ]
}
