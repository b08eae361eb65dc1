# SPDX-License-Identifier: Apache-2.0
"""Rows of `bench` about trusted machines: http_get against curl by hand, the proxy, the stages of three plans.

All of it happens in a network of its own, with tests/tools/test-httpd as files.test on its loopback. What is done
"by hand" is done in the same machine through the same proxy: a script, with the host's curl in it, takes the
place of ambient-net. Times are of the action, by the guest's clock.

AMBIENT_BENCH_MIB and AMBIENT_BENCH_FILES make the transfers smaller, for trying.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys

MIB = 1 << 20
HERE = os.path.dirname(os.path.abspath(__file__))
HTTPD = os.path.join(HERE, "..", "tools", "test-httpd")
TUNNELS = os.path.join(HERE, "..", "tools", "test-tunnels")
BLOCK = bytes(i * 131 % 251 for i in range(251 * 256))  # of which test-httpd makes its files

NETWORK = """set -eu
ip link set lo up
mount --bind "$1/hosts" /etc/hosts
python3 "$2" --port 80 --latency "$3" --ready "$1/ready" &
trap "kill $!" EXIT
until [ -e "$1/ready" ]; do kill -0 $!; sleep 0.05; done
rm "$1/ready"
shift 3
"$@"
"""

# The work of http_get comes on standard input; curl is what follows the last line.
BY_HAND = """#!/bin/bash
set -eu
cat > /dev/null
sed '1,/^END_OF_SCRIPT$/d' "$0" > /run/curl; chmod 755 /run/curl
export http_proxy=http://127.0.0.1:3128
%s
exit 0
END_OF_SCRIPT
"""


def checksum(size):
    digest = hashlib.sha256()
    for at in range(0, size, len(BLOCK)):
        digest.update(BLOCK[:size - at])
    return "sha256:" + digest.hexdigest()


def in_network(top, latency, command, **more):
    own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    with open(os.path.join(top, "hosts"), "w", encoding="ascii") as f:
        f.write("127.0.0.1 localhost files.test registry.test\n")
    return subprocess.run(["unshare", *own, "--net", "--mount", "bash", "-c", NETWORK, "network", top, HTTPD,
                           str(latency), *command], check=False, stdin=subprocess.DEVNULL, **more)


class Trusted:
    """A configuration and a state directory of its own; without `keep`, every run is the first of its project."""

    def __init__(self, program, images, top):
        self.program, self.images = program, images
        self.top = os.path.join(top, "trusted")
        self.empty = os.path.join(self.top, "empty")
        os.makedirs(self.empty)

    def path(self, *names):
        return os.path.join(self.top, *names)

    def executor(self, by_hand):
        """The executor's path; with a script in the place of ambient-net where one is given."""
        real = os.path.dirname(os.path.realpath(self.program))
        if by_hand is None:
            return os.path.join(real, "ambient-execute-plan")
        os.makedirs(self.path("tools"), exist_ok=True)
        shutil.copy(os.path.join(real, "ambient-execute-plan"), self.path("tools"))
        with open(self.path("tools", "ambient-net"), "wb") as f, open(shutil.which("curl"), "rb") as curl:
            f.write((BY_HAND % by_hand).encode() + curl.read())
        return self.path("tools", "ambient-execute-plan")

    def run(self, plans, latency=0, by_hand=None, keep=False, options=(), command=(), settings=None):
        """Result and events of a run that passed."""
        for name, content in (
                ("config.yaml", {"image_store": self.images, "state": self.path("state"), "tmpdir": self.top,
                                 "executor": self.executor(by_hand), "egress": {"allow_private": ["files.test"]},
                                 **(settings or {})}),
                ("projects.yaml", {"projects": {"bench": {"image": "tiny", "source": self.empty, **plans}}})):
            with open(self.path(name), "w", encoding="utf-8") as f:
                json.dump(content, f)
        done = in_network(self.top, latency, [
            *command, self.program, "--no-config", "--config", self.path("config.yaml"), "run", "--force", "--quiet", *options,
            "--projects", self.path("projects.yaml"), "--result", self.path("result"), "bench"])
        if done.returncode != 0:
            sys.exit(f"bench: ambient run ended with {done.returncode}")
        with open(self.path("result"), encoding="utf-8") as f:
            result = json.loads(f.read())
        with open(result["log"], encoding="utf-8") as f:
            events = [json.loads(line) for line in f]
        os.unlink(self.path("result"))
        if not keep:
            shutil.rmtree(self.path("state"))
        return result, events

    def fetch_seconds(self, items, latency, by_hand=None):
        _, events = self.run({"pre_plan": [{"action": "http_get", "items": items}], "plan": []}, latency, by_hand)
        return next(e["duration_ms"] for e in events
                    if e["type"] == "action_finished" and e["source"] == "pre_plan") / 1000


def large_file(trusted):
    size = int(os.environ.get("AMBIENT_BENCH_MIB", "512")) * MIB
    items = [{"url": f"http://files.test/bytes/{size}", "filename": "large", "checksum": checksum(size)}]
    by_hand = (f"/run/curl -sS -f -o large {items[0]['url']}\n"
               f"echo '{items[0]['checksum'][7:]}  large' | sha256sum --quiet -c -")
    ours = trusted.fetch_seconds(items, 0)
    theirs = trusted.fetch_seconds(items, 0, by_hand)
    return {"http_get_mib_per_s": size / MIB / ours, "curl_and_sha256sum_mib_per_s": size / MIB / theirs,
            "http_get_of_curl_percent": 100 * theirs / ours}


def small_files(trusted):
    """As many as a project has packages, from a server that is some milliseconds away."""
    count, size = int(os.environ.get("AMBIENT_BENCH_FILES", "500")), 20000
    items = [{"url": f"http://files.test/bytes/{size + i}", "filename": f"f{i}", "checksum": checksum(size + i)}
             for i in range(count)]
    lines = "".join(f'url = "{item["url"]}"\noutput = "{item["filename"]}"\n' for item in items)
    sums = "".join(f"{item['checksum'][7:]}  {item['filename']}\n" for item in items)
    by_hand = (f"/run/curl -sS -f %s -K - <<'LIST'\n{lines}LIST\n"
               f"sha256sum --quiet -c - <<'LIST'\n{sums}LIST")
    ours = trusted.fetch_seconds(items, 20)
    one_by_one = trusted.fetch_seconds(items, 20, by_hand % "")
    parallel = trusted.fetch_seconds(items, 20, by_hand % "--parallel --proxytunnel --parallel-max 32")
    return {"small_files_s": ours, "small_files_one_by_one_s": one_by_one, "small_files_curl_parallel_s": parallel,
            "small_files_times_faster": one_by_one / ours, "small_files_of_curl_parallel": ours / parallel}


def proxy_memory(trusted, run_proxy):
    """As tests/cli/proxy.test does: no client reads until all are open and the proxy has filled what it has."""
    script = """set -eu
mkfifo "$1/stop"
"$2" 127.0.0.1:3128 --allow files.test --allow-private files.test <"$1/stop" >"$1/events" &
exec 9>"$1/stop"
until pid=$(sed -n 's/^pid //p' "$1/events") && [ -n "$pid" ]; do sleep 0.05; done
python3 "$3" 3128 files.test:80 200 1500000 "$pid"
exec 9>&-
wait $!"""
    done = in_network(trusted.top, 0, ["bash", "-c", script, "proxy", trusted.top, run_proxy, TUNNELS],
                      stdout=subprocess.PIPE, encoding="ascii")
    if done.returncode != 0:
        sys.exit(f"bench: 200 connections ended with {done.returncode}")
    return {"proxy_200_connections_mib": int(done.stdout) / 1024}


def three_plans(trusted):
    result, events = trusted.run({"pre_plan": [{"action": "pwd"}], "plan": [{"action": "shell", "shell": "true"}],
                                  "post_plan": [{"action": "pwd"}]})
    rows = {"three_plans_s": result["duration_ms"] / 1000}
    for vm in result["vms"]:
        rows[f"{vm['kind']}_until_hello_s"] = vm["boot_ms"] / 1000
        rows[f"{vm['kind']}_actions_s"] = sum(
            e["duration_ms"] for e in events if e["type"] == "action_finished" and e["source"] == vm["kind"]) / 1000
        rows[f"{vm['kind']}_in_all_s"] = vm["duration_ms"] / 1000
    return rows


def unchanged_deps(trusted, rounds, files=200):
    """A run whose dependencies are unchanged, against one that may not fetch: both have one machine, and the same in it."""
    for i in range(files):
        os.makedirs(trusted.path("empty", f"d{i}"))
        with open(trusted.path("empty", f"d{i}", "lock"), "w", encoding="ascii") as f:
            f.write(f"{i}\n" * 1000)
    items = [{"url": f"http://files.test/bytes/{MIB}", "filename": "file", "checksum": checksum(MIB)}]
    plans = {"pre_plan": [{"action": "http_get", "items": items},
                          {"action": "fetch", "run": "true", "hosts": ["files.test"], "reads": ["**/lock"]}],
             "plan": [{"action": "shell", "shell": "true"}]}
    trusted.run(plans, keep=True)
    ours, offline = [], []
    for _ in range(rounds):
        for times, options in ((ours, ()), (offline, ("--offline",))):
            result, _ = trusted.run(plans, keep=True, options=options)
            if len(result["vms"]) != 1:
                sys.exit("bench: a run with unchanged dependencies has started more than one machine")
            times.append(result["duration_ms"])
    shutil.rmtree(trusted.path("state"))
    for i in range(files):
        shutil.rmtree(trusted.path("empty", f"d{i}"))
    return {"unchanged_deps_s": statistics.median(ours) / 1000, "offline_s": statistics.median(offline) / 1000,
            "unchanged_deps_more_ms": statistics.median(a - b for a, b in zip(ours, offline))}
