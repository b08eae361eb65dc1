# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Bad registries: what each package manager says about them, and that the dependencies of before stay. Sourced by run.
#
# The registry of each is made here, and has two versions of one package, `greeting`. The project has fetched 1.0.0. Then
# its source asks for 1.1.0, of which one file, $file below $work/www, is bad: in its place the server has what another
# path of tests/tools/test-httpd does. The server is files.test, which the project may reach, and evil.test, which it may
# not. An ecosystem is its functions NAME_registry, NAME_source VERSION and NAME_lie, and the array `says`.

: "${work:?}" "${here:?}" "${ambient:?}"

address=http://files.test/instead/registry/

# complain TEXT: fails, and says why.
complain() {
	echo "FAILED: $*"
	return 1
}

# server_project NAME IMAGE ACTION SHELL [ACTION]: of the project servers_NAME. ACTION is that of the pre-plan, or a mapping in
# JSON, with @VERSION@ where the version goes. SHELL prints "uses VERSION" in the plan, whose other ACTION is before it.
# $keys is what else the project has.
server_project() {
	local action=$3
	[[ $action = '{'* ]] || action="{action: $action}"
	ecosystem=$1 project=servers_$1
	rm -rf "$work/www" "${work:?}/$project" "$work/state/$project"
	mkdir -p "$work/www/registry" "$work/$project"
	configure files.test
	# Nothing here is TLS, and Java takes long to read certificates.
	sed -i '/^ca_certificates:/d' "$work/config.yaml"
	cat >>"$work/config.yaml" <<-END
		registries:
		  cargo: {address: "sparse+$address"}
		  npm: {address: "$address"}
		  pypi: {address: "$address"}
		  go: {address: "$address"}
		  maven: {address: "$address"}
		  rubygems: {address: "$address"}
		  debian: {address: "$address"}
		  rustup: {address: "$address"}
	END
	cat >"$work/projects.template" <<-END
		projects:
		  $project:
		    source: $work/$project
		    image: $2
		    ${keys-}
		    pre_plan: [$action]
		    plan:
		      - action: ${5-pwd}
		      - action: shell
		        shell: |
		$(sed 's/^/          /' <<<"$4")
	END
	ambient image show "$2" >/dev/null 2>&1 || ambient image build "$2"
}

# server_source VERSION: what the project depends on from now on.
server_source() {
	sed "s/@VERSION@/$1/" "$work/projects.template" >"$work/projects.yaml"
	"${ecosystem}_source" "$1"
}

# server_run OPTION...: a run; what it prints is in $work/said, and its status in $status.
server_run() {
	: >"$work/httpd.log"
	run_here "$@" "$project" >"$work/said" 2>&1
	status=$?
	cat "$work/said"
}

# passed VERSION MACHINES: the run has passed with these machines, and its plan has used this version.
passed() {
	[ "$status" = 0 ] || complain "the status is $status, and not 0" || return 1
	grep -q "uses $1\$" "$work/said" || complain "the plan has not used $1" || return 1
	expect_kinds "$2" "$project"
}

# The dependencies that the project has, and from what they were fetched.
kept() {
	(cd "$work/state/$project/current" && sha256sum fetched fetched-key)
}

# asked PATH: how often the server was asked for it. rustup adds a slash to that of the address.
asked() {
	jq -r --arg path "/instead/$1" 'select((.path | gsub("/+"; "/")) == $path) | .path' "$work/httpd.log" | wc -l
}

# server_good NAME IMAGE ACTION SHELL [ACTION]: the old source is fetched from a good server and used; what is kept then is what has
# to stay.
server_good() {
	server_project "$@" || return 1
	"${ecosystem}_registry" && server_source 1.0.0 && server_run && passed 1.0.0 'fetch plan' || return 1
	[ -s "$work/state/$project/current/fetched" ] || complain 'nothing was fetched' || return 1
	kept >"$work/before"
	rm -rf "$work/state.before"
	cp -a "$work/state/$project" "$work/state.before"
}

# refused MESSAGE [REASON]: the machine that fetches has failed, this was said, and all dependencies are as before.
refused() {
	local found
	[ "$status" = 1 ] || complain "the status is $status, and not 1" || return 1
	found=$(jq -r '"\(.reason) \([.vms[].kind] | join(" "))"' "$work/state/$project/latest/result.json")
	[ "$found" = "${2-pre_plan_failed} fetch" ] || complain "the result is '$found'" || return 1
	grep -qE -e "$1" "$work/said" || complain "nothing says '$1'" || return 1
	kept | diff "$work/before" - || complain 'the dependencies have changed'
}

# server_bad PATH MESSAGE: the new source is fetched from a server that has this in place of the file.
server_bad() {
	server_source 1.1.0 || return 1
	echo "$1" >"$work/www/$file.instead"
	server_run
	rm "$work/www/$file.instead"
	[ "$(asked "$file")" -gt 0 ] || complain "$file was not asked for" || return 1
	refused "$2"
}

# The same with a redirect to a host that would have the file: the end of the run names it, and the key.
server_leads_away() {
	server_bad "/redirect/302?http://evil.test/file/$file" "$1" || return 1
	grep -q "^ *blocked  *'evil.test' (port 80) .*; egress.allow in the configuration adds some" "$work/said" ||
		complain 'the end of the run does not name the host and the key' || return 1
	! jq -r '.fields[] | select(.[0] == "Host") | .[1]' "$work/httpd.log" | grep evil.test
}

# server_busy CODE: this is the first answer for the file, and the client asks again, and then has it.
server_busy() {
	local count
	server_source 1.1.0 || return 1
	echo "/busy/$1/1/$file" >"$work/www/$file.instead"
	server_run
	rm "$work/www/$file.instead"
	count=$(asked "$file")
	passed 1.1.0 'fetch plan' && { [ "$count" = 2 ] || complain "the file was asked for $count times, and not twice"; } || return 1
	server_restore
}

# What a run that passed has changed is as before.
server_restore() {
	rm -rf "$work/state/$project"
	cp -a "$work/state.before" "$work/state/$project"
}

# The lock file names another digest than the server has, and the client does not look. The server is good.
server_unnoticed() {
	server_source 1.1.0 && "${ecosystem}_lie" || return 1
	server_run
	passed 1.1.0 'fetch plan' && server_restore
}

# The same, and the client looks.
server_lock() {
	server_source 1.1.0 && "${ecosystem}_lie" || return 1
	server_run
	refused "$1"
}

# killed PATTERN LOG COMMAND...: the command is killed when the server has been asked for a path that matches; it fails if
# that does not happen.
killed=$(
	cat <<-'END'
		pattern=$1 log=$2
		shift 2
		"$@" &
		until grep -qE "\"path\": \"$pattern\"" "$log"; do
			kill -0 $! || exit 1
			sleep 0.1
		done
		kill -KILL $!
		wait $!
		[ $? = 137 ]
	END
)

# ambient is killed while the client waits for the rest of the file.
server_killed() {
	server_source 1.1.0 || return 1
	echo /stall/1000 >"$work/www/$file.instead"
	: >"$work/httpd.log"
	in_network bash -c "$killed" killed "/+instead/+${file//\//\/+}" "$work/httpd.log" "$ambient" --no-config --config "$work/config.yaml" \
		run --projects "$work/projects.yaml" "$project" </dev/null
	status=$?
	rm "$work/www/$file.instead"
	[ $status = 0 ] || complain 'it was not killed in the middle of the fetch' || return 1
	kept | diff "$work/before" - || complain 'the dependencies have changed'
}

# server_full KEY SIZE REASON MESSAGE: the source needs 64 MiB, and this key of the configuration allows less.
server_full() {
	server_source 9.0.0 || return 1
	cp "$work/config.yaml" "$work/config.before"
	echo "$1: $2" >>"$work/config.yaml"
	server_run
	mv "$work/config.before" "$work/config.yaml"
	refused "$4" "$3"
}

# Behind all this, the old source finds its dependencies, without a network; and a good server is all that the new one needs.
server_after() {
	server_source 1.0.0 || return 1
	server_run --offline --force
	passed 1.0.0 plan || return 1
	kept | diff "$work/before" - || complain 'the dependencies have changed' || return 1
	server_source 1.1.0 || return 1
	server_run
	passed 1.1.0 'fetch plan'
}

# server_code CODE: the client either asks again, or `says` what it says then.
server_code() {
	if [ "${says[$1]}" = again ]; then
		fact "$ecosystem: status $1 once, with Retry-After: the client asks again" server_busy "$1"
	else
		fact "$ecosystem: status $1 once: the client gives up" server_bad "/busy/$1/1/$file" "${says[$1]}"
	fi
}

# server_facts NAME IMAGE ACTION SHELL [ACTION]: what is the same for all ecosystems. Without a good fetch, the others would say nothing.
server_facts() {
	local half
	fact "$1: a good registry" server_good "$@" || return
	half=$(($(stat -c %s "$work/www/$file") / 2))
	fact "$ecosystem: another file than the index has a digest of" server_bad "/file/$other" "${says[digest]}"
	fact "$ecosystem: a file that is cut" server_bad "/cutfile/$half/$file" "${says[cut]}"
	fact "$ecosystem: status 404" server_bad /status/404 "${says[404]}"
	fact "$ecosystem: a redirect to a host that is not allowed" server_leads_away "${says[away]}"
	case ${says[lock]-} in
	'') ;;
	unnoticed) fact "$ecosystem: a lock file with another digest than the server: the client does not look" server_unnoticed ;;
	*) fact "$ecosystem: a lock file with another digest than the server" server_lock "${says[lock]}" ;;
	esac
	server_code 429
	server_code 503
	fact "$ecosystem: ambient is killed while the client fetches" server_killed
	return 0
}

server_ends() {
	fact "$ecosystem: the old dependencies are used without a network, the new ones are fetched from a good server" server_after
}

# ---- npm --------------------------------------------------------------------------------------------

# npm_package VERSION
npm_package() {
	local top=$work/www/registry/greeting/-
	mkdir -p "$top" "$work/package"
	echo "{\"name\": \"greeting\", \"version\": \"$1\"}" >"$work/package/package.json"
	echo "module.exports = '$1'" >"$work/package/index.js"
	tar -C "$work" --sort=name --mtime=@0 -czf "$top/greeting-$1.tgz" package
}

npm_registry() {
	npm_package 1.0.0
	npm_package 1.1.0
}

npm_source() {
	local sum resolved=registry.npmjs.org/greeting/-/greeting-$1.tgz
	sum=sha512-$(openssl dgst -sha512 -binary "$work/www/registry/greeting/-/greeting-$1.tgz" | base64 -w0)
	cd "$work/$project" || return 1
	echo "{\"name\": \"x\", \"version\": \"1.0.0\", \"dependencies\": {\"greeting\": \"$1\"}}" >package.json
	jq -n --arg version "$1" --arg resolved "https://$resolved" --arg sum "$sum" '{name: "x", version: "1.0.0", lockfileVersion: 3,
		packages: {"": {name: "x", version: "1.0.0", dependencies: {greeting: $version}},
			"node_modules/greeting": {version: $version, resolved: $resolved, integrity: $sum}}}' >package-lock.json
}

npm_lie() {
	sed -i "s|sha512-[^\"]*|sha512-$(printf %086d 0)==|" "$work/$project/package-lock.json"
}

servers_npm() {
	local file=registry/greeting/-/greeting-1.1.0.tgz other=registry/greeting/-/greeting-1.0.0.tgz
	local -A says=([digest]=EINTEGRITY [cut]=ECONNRESET
		[404]='404 Not Found - GET .*greeting-1.1.0.tgz' [away]='403 Forbidden - GET http://evil.test/.*greeting-1.1.0.tgz'
		[lock]=EINTEGRITY [429]=again [503]=again)
	# npm waits longer and longer before it asks again, for other reasons than an answer of 429, too.
	local keys='env: {npm_config_fetch_retry_mintimeout: "100"}'
	server_facts npm node npm_fetch 'npm ci
node -e "console.log(\"uses \" + require(\"greeting\"))"' || return 0
	server_ends
}

# ---- cargo ------------------------------------------------------------------------------------------

# cargo_crate VERSION [BYTES]: the crate, with a file of this size, and a line of the index on standard output.
cargo_crate() {
	local top=$work/www/registry/crates/greeting-$1.crate crate=$work/crate/greeting-$1
	mkdir -p "${top%/*}" "$crate/src"
	[ $# = 1 ] || head -c "$2" /dev/urandom >"$crate/large"
	printf '%s\n' '[package]' 'name = "greeting"' "version = \"$1\"" 'edition = "2021"' >"$crate/Cargo.toml"
	echo "pub fn version() -> &'static str { \"$1\" }" >"$crate/src/lib.rs"
	tar -C "$work/crate" --sort=name --mtime=@0 -czf "$top" "greeting-$1"
	jq -nc --arg version "$1" --arg sum "$(sha256sum <"$top" | cut -d' ' -f1)" \
		'{name: "greeting", vers: $version, deps: [], cksum: $sum, features: {}, yanked: false}'
}

cargo_registry() {
	mkdir -p "$work/www/registry/gr/ee"
	echo "{\"dl\": \"${address}crates/{crate}-{version}.crate\"}" >"$work/www/registry/config.json"
	{
		cargo_crate 1.0.0
		cargo_crate 1.1.0
		cargo_crate 9.0.0 64M
	} >"$work/www/registry/gr/ee/greeting"
}

cargo_source() {
	mkdir -p "$work/$project/src"
	cd "$work/$project" || return 1
	printf '%s\n' '[package]' 'name = "x"' 'version = "0.1.0"' 'edition = "2021"' '[dependencies]' "greeting = \"=$1\"" >Cargo.toml
	echo 'fn main() { println!("uses {}", greeting::version()); }' >src/main.rs
	printf '%s\n' 'version = 3' '[[package]]' 'name = "greeting"' "version = \"$1\"" \
		'source = "registry+https://github.com/rust-lang/crates.io-index"' \
		"checksum = \"$(sha256sum <"$work/www/registry/crates/greeting-$1.crate" | cut -d' ' -f1)\"" \
		'[[package]]' 'name = "x"' 'version = "0.1.0"' 'dependencies = ["greeting"]' >Cargo.lock
}

cargo_lie() {
	sed -i "s|^checksum = .*|checksum = \"$(printf %064d 0)\"|" "$work/$project/Cargo.lock"
}

servers_cargo() {
	local file=registry/crates/greeting-1.1.0.crate other=registry/crates/greeting-1.0.0.crate
	local -A says=([digest]='failed to verify the checksum of `greeting v1.1.0' [cut]='Transferred a partial file'
		[404]='greeting-1.1.0.crate` .*, got 404' [away]='http://evil.test/file/.*greeting-1.1.0.crate` .*, got 403'
		[lock]='checksum for `greeting v1.1.0` changed between lock files' [429]='greeting-1.1.0.crate` .*, got 429' [503]=again)
	server_facts cargo rust cargo_fetch 'cargo run' || return 0
	fact 'cargo: the disk of the machine that fetches is full' \
		server_full scratch_size 64MiB pre_plan_failed 'No space left on device'
	fact 'cargo: what was fetched is larger than allowed' \
		server_full deps_max_size 16MiB output_too_large 'no room for .*greeting-9.0.0.crate .*; a larger deps_max_size allows it'
	server_ends
}

# ---- pip --------------------------------------------------------------------------------------------

# pip_wheel VERSION: the wheel, and its line of the index on standard output.
pip_wheel() {
	local name=greeting-$1-py3-none-any.whl dist=greeting-$1.dist-info
	mkdir -p "$work/wheel-$1/$dist"
	cd "$work/wheel-$1" || return 1
	echo "VERSION = '$1'" >greeting.py
	printf '%s\n' 'Metadata-Version: 2.1' 'Name: greeting' "Version: $1" >"$dist/METADATA"
	printf '%s\n' 'Wheel-Version: 1.0' 'Generator: ambient' 'Root-Is-Purelib: true' 'Tag: py3-none-any' >"$dist/WHEEL"
	printf '%s,,\n' greeting.py "$dist/METADATA" "$dist/WHEEL" "$dist/RECORD" >"$dist/RECORD"
	python3 -m zipfile -c "$work/www/registry/files/$name" greeting.py "$dist" || return 1
	echo "<a href=\"${address}files/$name#sha256=$(sha256sum <"$work/www/registry/files/$name" | cut -d' ' -f1)\">$name</a>"
}

pip_registry() {
	mkdir -p "$work/www/registry/greeting" "$work/www/registry/files"
	{
		echo '<!DOCTYPE html>'
		pip_wheel 1.0.0 && pip_wheel 1.1.0
	} >"$work/www/registry/greeting/index.html"
}

# pip's lock file is a requirements file with hashes.
pip_source() {
	echo "greeting==$1 --hash=sha256:$(sha256sum <"$work/www/registry/files/greeting-$1-py3-none-any.whl" | cut -d' ' -f1)" \
		>"$work/$project/requirements.txt"
}

pip_lie() {
	sed -i "s|sha256:.*|sha256:$(printf %064d 0)|" "$work/$project/requirements.txt"
}

servers_pip() {
	local file=registry/files/greeting-1.1.0-py3-none-any.whl other=registry/files/greeting-1.0.0-py3-none-any.whl
	# pip does not notice that a file is cut.
	local hashes='THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE'
	local -A says=([digest]="$hashes" [cut]="$hashes" [404]='HTTP error 404 while getting .*greeting-1.1.0-py3-none-any.whl'
		[away]='403 Client Error: Forbidden for url: http://evil.test/' [lock]="$hashes" [429]=again [503]=again)
	server_facts pip python pip_download 'python3 -m pip install --target /tmp/installed -r requirements.txt
PYTHONPATH=/tmp/installed python3 -c "import greeting; print(\"uses \" + greeting.VERSION)"' || return 0
	server_ends
}

# ---- go ---------------------------------------------------------------------------------------------

# go_sum FILE...: the digest of go.sum: of the lines that sha256sum prints for the files of a module, which are in $PWD.
go_sum() {
	echo "h1:$(printf '%s\n' "$@" | LC_ALL=C sort | xargs sha256sum | openssl dgst -sha256 -binary | base64)"
}

# go_zip FILE VERSION TEXT: a module whose program says that it is of the version TEXT. Its tree is in $work/module.
go_zip() {
	local tree=files.test/greeting@v$2
	mkdir -p "$work/module/$tree"
	cd "$work/module" || return 1
	printf '%s\n' 'module files.test/greeting' 'go 1.19' >"$tree/go.mod"
	printf '%s\n' 'package greeting' "const Version = \"$3\"" >"$tree/greeting.go"
	# Without entries for directories, which go refuses.
	python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as out:
    for path in sys.argv[2:]:
        out.write(path)' "$1" "$tree/go.mod" "$tree/greeting.go"
}

# go_module VERSION: the module, and what a go.sum says about it as $work/go.sum-VERSION.
go_module() {
	local top=$work/www/registry/files.test/greeting/@v tree=files.test/greeting@v$1
	mkdir -p "$top"
	go_zip "$top/other-$1.zip" "$1" other && go_zip "$top/v$1.zip" "$1" "$1" || return 1
	cp "$tree/go.mod" "$top/v$1.mod"
	echo "{\"Version\": \"v$1\", \"Time\": \"2026-01-01T00:00:00Z\"}" >"$top/v$1.info"
	echo "files.test/greeting v$1 $(go_sum "$tree/go.mod" "$tree/greeting.go")" >"$work/go.sum-$1"
	(cd "$tree" && echo "files.test/greeting v$1/go.mod $(go_sum go.mod)") >>"$work/go.sum-$1"
}

go_registry() {
	go_module 1.0.0 && go_module 1.1.0
}

go_source() {
	cp "$work/go.sum-$1" "$work/$project/go.sum"
	cd "$work/$project" || return 1
	printf '%s\n' 'module x' 'go 1.19' "require files.test/greeting v$1" >go.mod
	printf '%s\n' 'package main' 'import "files.test/greeting"' 'func main() { println("uses " + greeting.Version) }' >main.go
}

go_lie() {
	sed -i "1s|h1:.*|h1:$(printf %043d 0)=|" "$work/$project/go.sum"
}

servers_go() {
	local file=registry/files.test/greeting/@v/v1.1.0.zip other=registry/files.test/greeting/@v/other-1.1.0.zip
	# go asks once for each file.
	local -A says=([digest]='SECURITY ERROR' [cut]='greeting@v1.1.0: read .*: unexpected EOF' [404]='v1.1.0.zip: 404 Not Found'
		[away]="server response: 'evil.test' .* is not among the hosts" [lock]='SECURITY ERROR'
		[429]='v1.1.0.zip: 429 Too Many Requests' [503]='v1.1.0.zip: 503 Service Unavailable')
	server_facts go go go_mod_download 'go run . 2>&1' || return 0
	server_ends
}

# ---- Debian -----------------------------------------------------------------------------------------

# debian_signed NAME DIRECTORY: the releases below it, $work/gnupg-NAME being the home of the key; made here.
debian_signed() {
	local GNUPGHOME=$work/gnupg-$1
	export GNUPGHOME
	(umask 077 && mkdir -p "$GNUPGHOME")
	[ -e "$work/key-$1.asc" ] || gpg --batch --quiet --passphrase '' --quick-generate-key 'test <test@localhost>' ed25519 sign never
	gpg --batch --quiet --export --armor >"$work/key-$1.asc"
	gpg --batch --quiet --yes --clearsign -o "$2/InRelease" "$2/Release"
	gpgconf --kill all
}

# debian_package VERSION: the package, and its paragraph of the index on standard output.
debian_package() {
	local top=$work/deb-$1 file=pool/greeting_$1_all.deb
	mkdir -p "$top/DEBIAN" "$top/usr/share/greeting" "$work/www/registry/pool"
	echo "uses $1" >"$top/usr/share/greeting/version"
	printf '%s\n' 'Package: greeting' "Version: $1" 'Architecture: all' 'Maintainer: nobody <nobody@localhost>' \
		'Description: a test' >"$top/DEBIAN/control"
	cd "$work/www/registry" || return 1
	dpkg-deb --root-owner-group -Zxz -b "$top" "$file" >/dev/null
	cat "$top/DEBIAN/control"
	printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d' ' -f1)"
}

debian_registry() {
	local dist=$work/www/registry/dists/local
	mkdir -p "$dist/main/binary-amd64" "$work/www/registry/other"
	{
		debian_package 1.0.0
		debian_package 1.1.0
	} >"$dist/main/binary-amd64/Packages"
	cd "$dist" || return 1
	printf '%s\n' 'Origin: local' 'Suite: local' 'Codename: local' "Date: $(date -Ru)" 'Architectures: amd64' 'Components: main' \
		SHA256: " $(sha256sum main/binary-amd64/Packages | cut -d' ' -f1) $(stat -c %s main/binary-amd64/Packages) main/binary-amd64/Packages" \
		>Release
	debian_signed good . && cp Release "$work/www/registry/other" && debian_signed other "$work/www/registry/other"
	sed -i "s|CERT|$(jq -Rs . "$work/key-good.asc" | sed 's/[\\&|]/\\&/g')|" "$work/projects.template"
}

# apt is given nothing of the source.
debian_source() {
	:
}

servers_debian() {
	local file=registry/pool/greeting_1.1.0_all.deb other=registry/pool/greeting_1.0.0_all.deb
	local index=registry/dists/local/main/binary-amd64/Packages release=registry/dists/local/InRelease
	local -A says=([digest]='greeting_1.1.0_all.deb +Hash Sum mismatch' [cut]='Failed to fetch .*greeting_1.1.0_all.deb'
		[404]='greeting_1.1.0_all.deb +404 +Not Found' [away]='http://evil.test/.*greeting_1.1.0_all.deb +403 +Forbidden'
		[429]=again [503]=again)
	server_facts debian debpkg '{"action": "deb_get", "packages": ["greeting=@VERSION@"], "suite": "local", "cert": CERT}' \
		'cat /usr/share/greeting/version' deb_install || return 0
	file=$release fact 'debian: a release that another key has signed' server_bad /file/registry/other/InRelease \
		'NO_PUBKEY'
	file=$index fact 'debian: an index that is not the one of the release' server_bad /file/registry/dists/local/Release \
		'binary-amd64/Packages +File has unexpected size'
	server_ends
}

# ---- Ruby -------------------------------------------------------------------------------------------

bundler_registry() {
	rm -r "$work/www/registry"
	"$here/gems" "$work/www/registry" 1.0.0 1.1.0
}

bundler_source() {
	cd "$work/$project" || return 1
	printf '%s\n' 'source "https://rubygems.org"' "gem \"greeting\", \"$1\"" >Gemfile
	printf '%s\n' GEM '  remote: https://rubygems.org/' '  specs:' "    greeting ($1)" '' PLATFORMS '  ruby' '' DEPENDENCIES \
		"  greeting (= $1)" '' CHECKSUMS \
		"  greeting ($1) sha256=$(sha256sum <"$work/www/registry/gems/greeting-$1.gem" | cut -d' ' -f1)" >Gemfile.lock
}

bundler_lie() {
	sed -i "s|sha256=.*|sha256=$(printf %064d 0)|" "$work/$project/Gemfile.lock"
}

servers_bundler() {
	local file=registry/gems/greeting-1.1.0.gem other=registry/gems/greeting-1.0.0.gem
	# bundler does not notice that a file is cut. The recipe's, 2.3, reads no digests of a lock file.
	local sum='The checksum for the downloaded `greeting-.*.gem` does not match the checksum'
	local -A says=([digest]="$sum" [cut]="$sum" [404]='bad response Not$|Found 404 .*greeting-1.1.0.gem'
		[away]='Forbidden 403 \(http://evil.test/.*greeting-1.1.0.gem\)' [lock]=unnoticed [429]=again [503]=again)
	server_facts bundler ruby bundle_fetch 'bundle exec ruby -e "require \"greeting\"; puts \"uses #{GREETING}\""' || return 0
	server_ends
}

# ---- rustup -----------------------------------------------------------------------------------------

# rustup_component NAME TEXT: an archive with a compiler that prints TEXT.
rustup_component() {
	local top=$work/component/$1
	mkdir -p "$top/rustc/bin"
	echo 3 >"$top/rust-installer-version"
	echo rustc >"$top/components"
	echo file:bin/rustc >"$top/rustc/manifest.in"
	printf '%s\n' '#!/bin/sh' "echo $2" >"$top/rustc/bin/rustc"
	chmod +x "$top/rustc/bin/rustc"
	tar -C "$work/component" --sort=name --mtime=@0 -cJf "$work/www/registry/dist/$1.tar.xz" "$1"
}

# rustup_channel VERSION: its manifest, with one component.
rustup_channel() {
	local name=rustc-$1-x86_64-unknown-linux-gnu manifest=channel-rust-$1.toml sum
	rustup_component "$name" "uses $1" && cd "$work/www/registry/dist" || return 1
	sum=$(sha256sum <"$name.tar.xz" | cut -d' ' -f1)
	cat >"$manifest" <<-END
		manifest-version = "2"
		date = "2026-01-01"
		[profiles]
		minimal = ["rustc"]
		default = ["rustc"]
		[renames]
		[pkg.rust]
		version = "$1"
		[pkg.rust.target.x86_64-unknown-linux-gnu]
		available = true
		url = "${address}dist/none.tar.gz"
		hash = "$(printf %064d 0)"
		[[pkg.rust.target.x86_64-unknown-linux-gnu.components]]
		pkg = "rustc"
		target = "x86_64-unknown-linux-gnu"
		[pkg.rustc]
		version = "$1"
		[pkg.rustc.target.x86_64-unknown-linux-gnu]
		available = true
		url = "${address}dist/$name.tar.gz"
		hash = "$(printf %064d 0)"
		xz_url = "${address}dist/$name.tar.xz"
		xz_hash = "$sum"
	END
	sha256sum "$manifest" >"$manifest.sha256"
}

rustup_registry() {
	mkdir -p "$work/www/registry/dist"
	rustup_channel 1.0.0 && rustup_channel 1.1.0
}

rustup_source() {
	printf '%s\n' '[toolchain]' "channel = \"$1\"" 'profile = "minimal"' >"$work/$project/rust-toolchain.toml"
}

servers_rustup() {
	local name=rustc-1.1.0-x86_64-unknown-linux-gnu
	local file=registry/dist/$name.tar.xz other=registry/dist/rustc-1.0.0-x86_64-unknown-linux-gnu.tar.xz
	local sum=registry/dist/channel-rust-1.1.0.toml.sha256
	local -A says=([digest]='checksum failed for .*rustc-1.1.0' [cut]='end of file before message length reached'
		[404]='could not download file from .*rustc-1.1.0' [away]='could not download file from .*rustc-1.1.0'
		[429]=again [503]=again)
	fact 'rustup: its image is there' rustup_image || return
	server_facts rustup rustup-image rustup 'rustc --version' || return 0
	file=$sum fact 'rustup: a manifest that is not the one of its digest' \
		server_bad /file/registry/dist/channel-rust-1.0.0.toml.sha256 "toolchain '1.1.0-.*' is not installable"
	server_ends
}

# ---- Maven ------------------------------------------------------------------------------------------

# A plugin is all that Maven fetches for this project: it needs nothing else, and says its own version. The class is
# compiled in a machine, which has Maven's libraries.
maven_class() {
	mkdir -p "$work/maven_class"
	cat >"$work/maven_class/Say.java" <<-'END'
		import java.io.IOException;
		import org.apache.maven.plugin.AbstractMojo;
		import org.apache.maven.plugin.MojoExecutionException;

		public class Say extends AbstractMojo {
			public void execute() throws MojoExecutionException {
				try (var in = Say.class.getResourceAsStream("/version")) {
					System.out.println("uses " + new String(in.readAllBytes()).trim());
				} catch (IOException e) {
					throw new MojoExecutionException("no version", e);
				}
			}
		}
	END
	cat >"$work/class.yaml" <<-END
		projects:
		  maven_class:
		    source: $work/maven_class
		    image: java
		    plan:
		      - action: shell
		        shell: javac -proc:none -cp '/usr/share/maven/lib/*' -d /ci/artifacts Say.java
	END
	ambient run --projects "$work/class.yaml"
}

# maven_jar FILE TREE
maven_jar() {
	(cd "$2" && python3 -m zipfile -c "$1" *)
}

# maven_artifact GROUP NAME VERSION PACKAGING TREE: what is below TREE becomes the jar.
maven_artifact() {
	local top=$work/www/registry/${1//.//}/$2/$3 file
	mkdir -p "$top"
	maven_jar "$top/$2-$3.jar" "$5" || return 1
	echo "<project><modelVersion>4.0.0</modelVersion><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version>
		<packaging>$4</packaging></project>" >"$top/$2-$3.pom"
	for file in "$top/$2-$3".*; do
		sha1sum <"$file" | cut -d' ' -f1 >"$file.sha1"
	done
}

# maven_plugin VERSION: and another one of the same version, registry/other-VERSION.jar.
maven_plugin() {
	local tree=$work/plugin-$1
	mkdir -p "$tree/META-INF/maven"
	cp "$work/state/maven_class/latest/artifacts/Say.class" "$tree/" || return 1
	echo "<plugin><groupId>test.greeting</groupId><artifactId>greeting-maven-plugin</artifactId><version>$1</version>
		<goalPrefix>greeting</goalPrefix><mojos><mojo><goal>say</goal><phase>validate</phase>
		<implementation>Say</implementation><language>java</language>
		<instantiationStrategy>per-lookup</instantiationStrategy></mojo></mojos></plugin>" >"$tree/META-INF/maven/plugin.xml"
	echo other >"$tree/version"
	maven_jar "$work/www/registry/other-$1.jar" "$tree" || return 1
	echo "$1" >"$tree/version"
	maven_artifact test.greeting greeting-maven-plugin "$1" maven-plugin "$tree"
}

# Maven adds plexus-utils to each plugin that has no other version of it; this one does not use it.
maven_registry() {
	mkdir -p "$work/nothing"
	touch "$work/nothing/nothing"
	maven_class && maven_plugin 1.0.0 && maven_plugin 1.1.0 &&
		maven_artifact org.codehaus.plexus plexus-utils 1.1 jar "$work/nothing"
}

maven_source() {
	echo "<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
		<packaging>pom</packaging><build><plugins><plugin><groupId>test.greeting</groupId>
		<artifactId>greeting-maven-plugin</artifactId><version>$1</version>
		<executions><execution><goals><goal>say</goal></goals></execution></executions></plugin></plugins></build></project>" \
		>"$work/$project/pom.xml"
}

servers_maven() {
	local file=registry/test/greeting/greeting-maven-plugin/1.1.0/greeting-maven-plugin-1.1.0.jar other=registry/other-1.1.0.jar
	local keys='fetch_source: all'
	local -A says=([digest]='Checksum validation failed, expected' [cut]='Premature end of Content-Length delimited message body'
		[404]='Could not find artifact test.greeting:greeting-maven-plugin:jar:1.1.0'
		[away]='greeting-maven-plugin-1.1.0.jar, status: 403 Forbidden'
		[429]='Attempted read from closed stream' [503]='1.1.0.jar, status: 503 Service Unavailable')
	server_facts maven java '{"action": "maven_fetch", "goals": "validate"}' 'mvn --offline --batch-mode validate' || return 0
	server_ends
}
