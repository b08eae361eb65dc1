# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # lib.sh sets $dir
#
# For tests that walk along the points of a run (tests/tools/faults.c) and let something go wrong at each.
#
# A walk is one test. Before it there was a run that passed; then at every point a run in which something
# goes wrong, a look at what it left, and a run that must pass and clean up. So each step begins where the
# one before ended, and what must survive it has changed every time: the cache holds a number that each run
# raises by one, and the artifacts say which.
#
# WALK_STEP=N: only every N-th point. Unset: each test has its own choice, which keeps `make check` quick;
# `make check-faults` sets 1. WALK_FROM=K: another N-th part of the points; all N from 0 on are every point.
: "${FAULTS:?run this by tests/run}"
WALK_OPTIONS=()
# What the runs are started by: a function that makes a network, for example.
WALK_IN=()

# FAULTS_IN of a run; more of it can be given.
faulty_directories() {
	echo "state=$dir/state:tmp=$dir/tmp:given=$dir/given${1-}"
}

# faulty_run [VARIABLE=VALUE...]: a forced run of `hello` with the library; the variables are its FAULTS_*.
faulty_run() {
	: >"$dir/given/result"
	run "${WALK_IN[@]}" "$WITH_GUESTS" env LD_PRELOAD="$FAULTS" FAULTS_TRACE="$dir/trace" \
		FAULTS_IN="$(faulty_directories "${FAULTS_MORE-}")" \
		ASAN_OPTIONS="${ASAN_OPTIONS-}:verify_asan_link_order=0" "$@" \
		"$AMBIENT" run --force --quiet --result "$dir/given/result" "${WALK_OPTIONS[@]}" hello
	tr -d '\0' <"$dir/trace" >"$dir/points"
}

# The plan of a project whose every run can be told from the one before.
walk_plan() {
	cat <<-'YAML'
		plan:
		  - action: shell
		    shell: |
		      set +x
		      n=$(($(cat /ci/cache/n 2>/dev/null || echo 0) + 1))
		      echo $n > /ci/cache/n
		      mkdir /ci/artifacts/d
		      echo $n > /ci/artifacts/d/n
		      ln -s n /ci/artifacts/d/link
		      echo "this is run $n"
	YAML
}

# The world of a walk. A test file that needs another one, of real machines for example, has a function of its
# own of this name.
make_world() {
	fake_image fake
	walk_plan | project
}

# The first runs.
begin_walk() {
	mkdir -p "$dir/given"
	make_world
	number=0
	next_run
	# Without a pre-plan any archive serves as dependencies.
	[ -e "$dir/state/hello/current/deps" ] || cp "$dir/state/hello/current/cache" "$dir/state/hello/current/deps"
	next_run
	faulty_run
	expect_status 0
	points=$(grep -cE '^[0-9]+ ' "$dir/points")
	cp "$dir/points" "$dir/first-points"
	# A run publishes what its plan made, and before that what a pre-plan made.
	# shellcheck disable=SC2034 # for tests
	first_published=$(number_of_points 'rename state/hello/current' | head -n 1)
	# shellcheck disable=SC2034 # for tests
	published=$(number_of_points 'rename state/hello/current' | tail -n 1)
	[ "$points" -gt 60 ] || fail "a run has only $points points"
	number=$((number + 1))
	look
}

# number_of_points NAME: of all with that name, in the last faulty run.
number_of_points() {
	sed -n "s|^\([0-9]*\) $1\$|\1|p" "$dir/points"
}

# What must survive whatever comes.
look() {
	good=$(readlink "$dir/state/hello/latest")
	before=$(kept)
	cache_before=$(sha256sum <"$dir/state/hello/current/cache")
}

kept() {
	(cd "$dir/state/hello" && find state.json current/ "$good" -type f -exec sha256sum {} + | sort)
}

# The run behind the one that went wrong: it passes, reads the cache that was published last, and cleans up.
next_run() {
	number=$((number + 1))
	run "${WALK_IN[@]}" "$WITH_GUESTS" "$AMBIENT" run --force --quiet hello
	expect_status 0
	[ "$(cat "$dir/state/hello/latest/artifacts/d/n")" = "$number" ] ||
		fail "run $number says it is run $(cat "$dir/state/hello/latest/artifacts/d/n")"
	expect_clean
	look
}

# Nothing but what the state directory's description in src/store/store.h lists; one generation; no
# temporary file.
expect_clean() {
	local left generations=("$dir"/state/hello/gen-*)
	left=$(cd "$dir" && find tmp state -mindepth 1 -regextype posix-extended ! -regex "state/(\.image-digests\.json|hello(/(lock|files|state\.json|current|latest|gen-[0-9]+(/(cache|deps|deps-key))?|mirror(/.*)?|checkout(/.*)?|runs(/[^/]+(/(lock|number|run\.jsonl|console\.log|result\.json|artifacts(/.*)?))?)?))?)")
	[ -z "$left" ] || fail "left: $left"
	[ ${#generations[@]} = 1 ] || fail "generations: ${generations[*]}"
}

# expect_survived MAY_PUBLISH: what was there is there; or, if the run came so far, what it published.
expect_survived() {
	if [ "$(sha256sum <"$dir/state/hello/current/cache")" = "$cache_before" ]; then
		[ "$(kept)" = "$before" ] || fail "what was there before has changed: $(diff <(echo "$before") <(kept))"
		return 0
	fi
	[ "$1" = yes ] || fail "a run that did not pass has published its cache"
	number=$((number + 1))
	diff <(grep -vE ' (state.json|current/cache)$' <<<"$before") <(kept | grep -vE ' (state.json|current/cache)$') ||
		fail "more than the cache has changed"
	jq -e . "$dir/state/hello/state.json" >/dev/null || fail "state.json is damaged"
}

# Runs of the walk are kept by design; here they only cost time.
forget_old_runs() {
	local run
	for run in "$dir"/state/hello/runs/*; do
		[ "$run" = "$dir/state/hello/$good" ] || rm -rf "$run"
	done
}
