# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Private repositories among the dependencies: the server is a real sshd, git_deps mirrors what the lock file names, and
# the package manager fetches it from the mirror. Sourced by run.

: "${work:?}" "${here:?}"

# shellcheck source=SCRIPTDIR/../sshd.sh
. "$here/../sshd.sh"

# private_library FILE...: $work/greeting, committed, and on the server.
private_library() {
	(
		cd "$work/greeting" && git init -q -b main && git add . &&
			git -c user.name=test -c user.email=test@example.org commit -q -m 'First version.' &&
			git clone -q --bare . "$library"
	)
}

# private_project NAME IMAGE ACTION: of the project private_NAME. The plan is that of the guide, with this action in the
# place of its own, and ends with what comes from standard input.
private_project() {
	login=$(id -un)@git.example.net library=$work/private/greeting.git url=ssh://$login$library
	local dir=$work/private
	rm -rf "$dir" "$work/www" "$work/greeting" "$work/source" "${work:?}/private_$1" "$work/state/private_$1"
	mkdir -p "$dir" "$work/www" "$work/greeting" "$work/source"
	make_server
	sed -i 's/^files.test/git.example.net/' "$dir/known_hosts"
	configure git.example.net
	cat >>"$work/config.yaml" <<-END
		secrets: {forge_key: {file: $dir/key, projects: ["private_$1"], actions: [git_deps]}}
		ssh: [{host: git.example.net, key: forge_key, known_hosts: $dir/known_hosts}]
	END
	cp -R "$work/source" "$work/private_$1"
	have_image "$2"
	{
		printf 'projects:\n  private_%s:\n    source: %s\n    image: %s\n' "$1" "$work/private_$1" "$2"
		shown 'Private repositories' | sed "/^    plan:/,\$d; s/git\.example\.net/$login/; s/cargo_fetch/$3/"
		printf '    plan:\n      - action: shell\n        shell: |\n'
		sed 's/^/          /'
	} >"$work/projects.yaml"
}

# private_passes NAME: fetched by both machines, used by the plan, and then not fetched again.
private_passes() {
	# shellcheck disable=SC2034 # read by ambient
	local network="in_network bash $work/private/with-sshd $work/private"
	run "private_$1" && expect_kinds 'pre_plan fetch plan' "private_$1" &&
		grep -q 'good morning' <(ambient log "private_$1") &&
		run --force "private_$1" && expect_kinds plan "private_$1"
}

private_cargo() {
	private_project cargo rust cargo_fetch <<<'cargo run' || return 1
	mkdir "$work/greeting/src" "$work/private_cargo/src"
	printf '%s\n' '[package]' 'name = "greeting"' 'version = "0.1.0"' 'edition = "2021"' >"$work/greeting/Cargo.toml"
	echo 'pub fn greeting() -> &'\''static str { "good morning" }' >"$work/greeting/src/lib.rs"
	private_library || return 1
	printf '%s\n' '[package]' 'name = "app"' 'version = "0.1.0"' 'edition = "2021"' '[dependencies]' \
		"greeting = { git = \"$url\", branch = \"main\" }" >"$work/private_cargo/Cargo.toml"
	echo 'fn main() { println!("{}", greeting::greeting()); }' >"$work/private_cargo/src/main.rs"
	printf '%s\n' 'version = 3' '[[package]]' 'name = "app"' 'version = "0.1.0"' 'dependencies = [' ' "greeting",' ']' \
		'[[package]]' 'name = "greeting"' 'version = "0.1.0"' \
		"source = \"git+$url?branch=main#$(git -C "$library" rev-parse main)\"" >"$work/private_cargo/Cargo.lock"
	private_passes cargo
}

private_npm() {
	local hash
	private_project npm node npm_fetch <<-'END' || return 1
		npm ci
		node -e 'console.log(require("greeting"))'
	END
	echo '{"name": "greeting", "version": "0.1.0", "main": "index.js"}' >"$work/greeting/package.json"
	echo 'module.exports = "good morning"' >"$work/greeting/index.js"
	private_library || return 1
	hash=$(git -C "$library" rev-parse main)
	cat >"$work/private_npm/package.json" <<-END
		{"name": "app", "version": "0.1.0", "dependencies": {"greeting": "git+$url"}}
	END
	cat >"$work/private_npm/package-lock.json" <<-END
		{"name": "app", "version": "0.1.0", "lockfileVersion": 3, "packages": {
		  "": {"name": "app", "version": "0.1.0", "dependencies": {"greeting": "git+$url"}},
		  "node_modules/greeting": {"version": "0.1.0", "resolved": "git+$url#$hash"}}}
	END
	private_passes npm
}

private_go() {
	private_project go go go_mod_download <<<'go run .' || return 1
	local module=git.example.net$library
	printf '%s\n' "module $module" 'go 1.19' >"$work/greeting/go.mod"
	printf '%s\n' 'package greeting' 'const Text = "good morning"' >"$work/greeting/greeting.go"
	private_library && git -C "$library" tag v0.1.0 || return 1
	sed -i '/^    pre_plan:/i\    env: {GOPRIVATE: git.example.net, GOFLAGS: -mod=mod}' "$work/projects.yaml"
	printf '%s\n' 'module app' 'go 1.19' "require $module v0.1.0" >"$work/private_go/go.mod"
	printf '%s\n' 'package main' "import \"$module\"" 'func main() { println(greeting.Text) }' >"$work/private_go/main.go"
	private_passes go
}
