# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with lib.sh and walk.sh: $dir, $status, $where
#
# For tests that send signals at the stages of a run (tests/faults/stages): to ambient, to QEMU, to both. A
# file that sources this says what comes of a signal to its QEMU:
#
#     after_qemu SIGNAL STAGE      the signal's name, the stage's number

declare -A signals=([INT]=2 [KILL]=9 [TERM]=15)
FAULTS_MORE=:proc=/proc

# Reads the table into stage, point, qemu and signalled.
read_stages() {
	mapfile -t stage < <(grep -vE '^(#|$)' "$TESTS/faults/stages" | cut -f1)
	mapfile -t point < <(grep -vE '^(#|$)' "$TESTS/faults/stages" | cut -f2)
	mapfile -t qemu < <(grep -vE '^(#|$)' "$TESTS/faults/stages" | cut -f3)
	mapfile -t signalled < <(grep -vE '^(#|$)' "$TESTS/faults/stages" | cut -f4)
	[ ${#stage[@]} -gt 30 ] || fail 'the table of stages cannot be read'
}

# send SIGNAL WHOM STAGE: a run in which that happens.
send() {
	local behind=
	[ "$3" = 0 ] || behind=${point[$3 - 1]}
	faulty_run FAULTS_SIGNAL="${signals[$1]}" FAULTS_WHOM="$2" FAULTS_AT="${point[$3]}" FAULTS_AFTER="$behind"
	grep -q '^signal ' "$dir/points" || fail "the run did not come to the point '${point[$3]}'"
	if [ "${qemu[$3]}" = - ]; then return 0; fi
	! grep -q '^signal .*(no QEMU)' "$dir/points" || fail "there was no QEMU"
}

# expect_end STATUS RESULT REASON: of the object for programs.
expect_end() {
	local found
	found=$(jq -r '"\(.exit_status) \(.result) \(.reason)"' "$dir/given/result")
	[[ "$status $found" =~ ^$1\ $1\ $2\ ($3)$ ]] || fail "status $status, result '$found', expected $1 $2 $3"
}

expect_passed() {
	expect_end 0 passed null
}

# ---- what may come of it: by whom it was sent to ----

after_ambient() {
	case $1:${signalled[$2]} in
	KILL:*) expect_status 137 ;;
	*:late) expect_passed ;;
	INT:*) expect_end 130 interrupted interrupted ;;
	TERM:*) expect_end 143 interrupted interrupted ;;
	esac
}

after_both() {
	case $1 in
	KILL) expect_status 137 ;;
	INT) expect_end 130 interrupted interrupted ;;
	TERM) expect_end 143 interrupted interrupted ;;
	esac
}

# No process holds a file of the state directory, as every QEMU and every reader of artifacts does; no
# mount holds a namespace. (Processes that outlive ambient are an error of with-guests.)
expect_nobody() {
	readlink /proc/[0-9]*/fd/* 2>/dev/null | grep -F "$dir/state" >"$dir/held" || true
	[ ! -s "$dir/held" ] || fail "still held: $(cat "$dir/held")"
	! grep ' - nsfs ' /proc/self/mountinfo || fail "a mount holds a namespace"
}

# strike SIGNAL WHOM STAGE
strike() {
	where="$1 of $2 at stage '${stage[$3]}'"
	send "$1" "$2" "$3"
	"after_$2" "$1" "$3"
	expect_survived "$(may_publish "$3" && echo yes)"
	next_run
	expect_nobody
	forget_old_runs
}

may_publish() {
	[ "$status" = 0 ] || [ "$1" -ge "$publish_stage" ]
}

find_publish_stage() {
	local i
	for i in "${!stage[@]}"; do
		[ "${stage[i]}" != publish ] || publish_stage=$i
	done
}

# Each type of event that a run has is a stage: one that comes new needs a line in the table.
expect_every_event() {
	local type
	sed -n 's/^[0-9]* write .*run.jsonl:\(.*\)$/\1/p' "$dir/points" | sort -u | while read -r type; do
		printf '%s\n' "${point[@]}" | grep -q ":$type\$" || echo "$type"
	done >"$dir/missing"
	[ ! -s "$dir/missing" ] || fail "not in tests/faults/stages: $(cat "$dir/missing")"
}

# begin_strikes: a world, and the table of its stages.
begin_strikes() {
	read_stages
	find_publish_stage
	begin_walk
	expect_every_event
}

# walk WHOM STEP: every STEP-th combination of stage and signal; up to 3, the number of signals, each stage has
# its turn.
walk() {
	local i s sent=0 reached=0 all=0 before_stage order=(KILL TERM INT)
	for i in "${!stage[@]}"; do
		[ "$1" = ambient ] || [ "${qemu[i]}" != - ] || continue
		all=$((all + 1))
		before_stage=$sent
		for s in "${!order[@]}"; do
			[ $(((i + s + ${WALK_FROM:-0}) % ${WALK_STEP:-$2})) = 0 ] || continue
			strike "${order[s]}" "$1" "$i"
			sent=$((sent + 1))
		done
		[ $sent = "$before_stage" ] || reached=$((reached + 1))
	done
	[ $reached = $all ] || [ "${WALK_STEP:-$2}" -gt 3 ] || fail "$reached of $all stages were reached"
	[ $sent -gt 0 ] || fail 'no signal was sent'
	tell "$1: $sent signals, at $reached of $all stages"
}
