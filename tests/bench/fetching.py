# SPDX-License-Identifier: Apache-2.0
"""Rows of `bench` about machines that fetch: cargo_fetch against the same cargo on the host.

The registry is made here and is static, behind nginx with TLS and HTTP/2, as the real one. On the host, cargo runs in the
file system of the machine's image, and asks the server without a proxy. The time of the action is by the guest's clock,
without the boot. The processor time of either shows what an emulated processor costs.
"""

import gzip
import hashlib
import io
import json
import os
import pwd
import shutil
import statistics
import subprocess
import sys
import tarfile

import trusted

COUNT = 100
VERSION = "1.0.0"
REGISTRY = "https://registry.test/"
MANIFEST = '[package]\nname = "{}"\nversion = "{}"\nedition = "2021"\n'
NGINX = """daemon off; user {user}; pid {top}/nginx.pid; error_log {top}/nginx.errors;
events {{}}
http {{
  access_log off;
  client_body_temp_path {top}/tmp; proxy_temp_path {top}/tmp; fastcgi_temp_path {top}/tmp;
  uwsgi_temp_path {top}/tmp; scgi_temp_path {top}/tmp;
  server {{
    listen 127.0.0.1:443 ssl http2; root {top}/www/registry;
    ssl_certificate {top}/certificate; ssl_certificate_key {top}/key;
  }}
}}
"""
SERVE = """nginx -e stderr -c "$1/nginx.conf" &
trap "kill $!" EXIT
until [ -s "$1/nginx.pid" ]; do kill -0 $! || exit; sleep 0.05; done
shift
"$@"
"""
CONFIG = f'[source.crates-io]\nreplace-with = "bench"\n[source.bench]\nregistry = "sparse+{REGISTRY}"\n'


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())


def crate(name):
    """Some kilobytes that do not compress well, as crates have them."""
    text = "".join(f"// {hashlib.sha256(f'{name} {i}'.encode()).hexdigest()}\n" for i in range(300))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in (("Cargo.toml", MANIFEST.format(name, VERSION).encode()), ("src/lib.rs", text.encode())):
            entry = tarfile.TarInfo(f"{name}-{VERSION}/{path}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


def make_registry(www):
    """Its crates' names, with their checksums."""
    top = os.path.join(www, "registry")
    sums = {}
    write(os.path.join(top, "config.json"), json.dumps({"dl": REGISTRY + "crates/{crate}"}))
    for name in (f"crate{i:03}" for i in range(COUNT)):
        data = crate(name)
        sums[name] = hashlib.sha256(data).hexdigest()
        write(os.path.join(top, "crates", name), data)
        write(os.path.join(top, name[:2], name[2:4], name), json.dumps(
            {"name": name, "vers": VERSION, "deps": [], "cksum": sums[name], "features": {}, "yanked": False}) + "\n")
    return sums


def make_source(source, sums):
    write(os.path.join(source, "Cargo.toml"), MANIFEST.format("bench", VERSION) + "[dependencies]\n" +
          "".join(f'{name} = "={VERSION}"\n' for name in sums))
    write(os.path.join(source, "src/main.rs"), "fn main() {}\n")
    write(os.path.join(source, "Cargo.lock"), "version = 4\n" + "".join(
        f'[[package]]\nname = "{name}"\nversion = "{VERSION}"\n'
        f'source = "registry+https://github.com/rust-lang/crates.io-index"\nchecksum = "{checksum}"\n'
        for name, checksum in sums.items()) +
        f'[[package]]\nname = "bench"\nversion = "{VERSION}"\ndependencies = {json.dumps(list(sums))}\n')


def make_server(net):
    """Every command of `net` finds it running."""
    write(net.path("nginx.conf"), NGINX.format(top=net.top, user=pwd.getpwuid(os.geteuid()).pw_name))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=registry.test",
                    "-addext", "subjectAltName=DNS:registry.test", "-keyout", net.path("key"), "-out",
                    net.path("certificate")], check=True, stderr=subprocess.DEVNULL)
    return ["bash", "-c", SERVE, "serve", net.top]


def on_host(net, server, source, root):
    home = net.path("home")
    write(os.path.join(home, "config.toml"), CONFIG)
    started = net.path("started")
    script = 'date +%s.%N >/ci/started && cargo fetch --locked --quiet && date +%s.%N >>/ci/started && times >>/ci/started'
    write(started, "")
    done = trusted.in_network(net.top, 0, [
        *server, "bwrap", "--ro-bind", root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
        "--ro-bind", net.path("hosts"), "/etc/hosts", "--tmpfs", "/ci", "--bind", source, "/ci/src",
        "--bind", home, "/ci/home", "--bind", started, "/ci/started",
        "--ro-bind", net.path("certificate"), "/ci/certificate", "--chdir", "/ci/src",
        "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp",
        "--setenv", "CARGO_HTTP_CAINFO", "/ci/certificate", "--setenv", "CARGO_HOME", "/ci/home", "sh", "-c", script])
    if done.returncode != 0:
        sys.exit(f"bench: cargo fetch on the host ended with {done.returncode}")
    shutil.rmtree(home)
    with open(started, encoding="ascii") as f:
        begin, end, *times = f.read().split()
    return float(end) - float(begin), sum(seconds(t) for t in times)


def seconds(text):
    """Of a time as `times` of a shell prints it, "0m0.42s"."""
    minutes, rest = text.split("m")
    return 60 * int(minutes) + float(rest.rstrip("s"))


def in_machine(net, server, source):
    result, events = net.run({"image": "rust", "source": source, "pre_plan": [{"action": "cargo_fetch"}], "plan": []},
                             command=server,
                             settings={"registries": {"cargo": {"address": "sparse+" + REGISTRY}},
                                       "egress": {"allow_private": ["registry.test"]},
                                       "ca_certificates": net.path("certificate")})
    if [vm["kind"] for vm in result["vms"]][:1] != ["fetch"]:
        sys.exit("bench: cargo_fetch did not run in a machine that fetches")
    return next((e["duration_ms"] / 1000, e["cpu_ms"] / 1000) for e in events
                if e["type"] == "action_finished" and e["source"] == "pre_plan")


def cargo_fetch(net, rounds):
    source, root = net.path("crates"), net.path("root")
    image = os.path.join(net.images, "rust", "root.squashfs")
    if not os.path.exists(image):
        sys.exit("bench: the image rust is not there: ambient image build rust")
    make_source(source, make_registry(net.path("www")))
    server = make_server(net)
    subprocess.run(["unsquashfs", "-no-progress", "-quiet", "-no-xattrs", "-ignore-errors", "-d", root, image],
                   check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(in_machine(net, server, source))
        theirs.append(on_host(net, server, source, root))
    shutil.rmtree(root)
    columns = [statistics.median(column) for rows in (ours, theirs) for column in zip(*rows)]
    return dict(zip(("cargo_fetch_s", "cargo_fetch_cpu_s", "cargo_fetch_on_host_s", "cargo_fetch_on_host_cpu_s"), columns))
