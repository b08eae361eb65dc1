# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # $dir and $status are tests/lib.sh's
#
# Cases: a file of YAML, whose first line is a comment and the sentence of its test, and beside it, with
# .expected in the place of .yaml, what the program has to say about it. For a new case, write the first,
# and have the second written:
#
#     UPDATE_GOLDEN=1 tests/run spec
#
# and then read it as if somebody else had written it, for from then on it is right.

# each_case DIRECTORY PREFIX FUNCTION: a test for every PREFIX-*.yaml, which gets the file.
each_case() {
	local file sentence found=
	for file in "$1/$2"-*.yaml; do
		[ -f "$file" ] || continue
		found=yes
		sentence=$(sed -n '1s/^# //p' "$file")
		[ -n "$sentence" ] || {
			it "${file##*/} begins with a comment" false
			continue
		}
		it "${file##*/}: $sentence" "$3" "$file"
	done
	[ -n "$found" ] || it "there are cases $1/$2-*.yaml" false
}

golden_of() {
	echo "${1%.yaml}.expected"
}

# expect_golden CASE FILE: the file is what the case expects.
expect_golden() {
	local golden
	golden=$(golden_of "$1")
	[ -z "${UPDATE_GOLDEN-}" ] || cp "$2" "$golden"
	diff -u "$golden" "$2" || fail "it is not as ${golden##*/} says"
}

# Every file of a directory belongs to a case: an expectation without one is a test that nobody runs.
no_strangers() {
	local file
	for file in "$1"/*; do
		case $file in
		*.yaml) [ -f "$(golden_of "$file")" ] || fail "$file has no .expected" ;;
		*.expected) [ -f "${file%.expected}.yaml" ] || fail "$file has no .yaml" ;;
		*) fail "$file is no case" ;;
		esac
	done
}

# ---- plans ----

plan_file() { echo "$dir/src/.radicle/ambient.yaml"; }

# A project whose source brings the file along, so that the places in messages are those in the file.
adopt() {
	mkdir -p "$dir/src/.radicle"
	cp "$1" "$(plan_file)"
	cat >"$dir/projects.yaml" <<-END
		projects:
		  hello:
		    source: $dir/src
		    image: fake
		    trust_source_plans: true
	END
	# What these actions need of the source, or of the operator.
	! grep -q pip_download "$1" || touch "$dir/src/requirements.txt"
	! grep -q bundle_fetch "$1" || touch "$dir/src/Gemfile"
	! grep -q maven_fetch "$1" || echo '    fetch_source: all' >>"$dir/projects.yaml"
}

# Messages name the file by its path, which is another one each time.
only_file() {
	sed "s|$(plan_file)|FILE|g"
}

# ---- nothing is touched ----

# All that is there, but for what `run` itself writes.
everything() {
	find "$dir" -mindepth 1 ! -path "$dir/out" ! -path "$dir/err" ! -path "$dir/command" ! -path "$dir/log" \
		! -path "$dir/before" ! -path "$dir/*said" -printf '%P %y %m %s %T@\n' | sort
}

# All is as it was when `everything >"$dir/before"` was said; so there is no state either.
expect_untouched() {
	diff -u "$dir/before" <(everything) || fail "something was touched"
	expect_absent "$dir/state"
}

# expect_refused COMMAND...: status 2 and one line of error. $dir/said has its message.
expect_refused() {
	run "$@"
	expect_status 2
	[ "$(wc -l <"$dir/err")" = 1 ] || fail "the error is not one line"
	expect_error '.+'
	sed 's/^ERROR: //' "$dir/err" >"$dir/said"
}

# expect_same_refusal PREFIX COMMAND...: the message is the one of the refusal before, with the prefix.
expect_same_refusal() {
	local prefix=$1
	shift
	sed "s|^|$prefix|" "$dir/said" >"$dir/before-said"
	expect_refused "$@"
	diff -u "$dir/before-said" "$dir/said" || fail "'$*' says something else"
	sed -i "s|^$prefix||" "$dir/said"
}

# The lines of the configuration by which deliveries may log in at host.example. Nothing logs in.
login_keys() {
	touch "$dir/key"
	echo "secrets: {key: {file: $dir/key, projects: [hello], actions: [rsync, rsync2, dput, dput2, sftp_put, git_deps]}}
ssh: [{host: host.example, key: key, known_hosts: $dir/key}]"
}
