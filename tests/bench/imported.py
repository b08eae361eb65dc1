# SPDX-License-Identifier: Apache-2.0
"""Rows of `bench` about images: an import against skopeo and umoci, and whether a start depends on an image's size.

AMBIENT_BENCH_IMAGE_MIB and AMBIENT_BENCH_LARGE_MIB make the images smaller, for trying.
"""

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

MIB = 1 << 20
SETTLED_S = 45  # the digest of a file that changed later is not remembered (src/os/settled.h)
HERE = os.path.dirname(os.path.abspath(__file__))
LAYOUT = os.path.join(HERE, "..", "tools", "oci-layout")


def timed(argv, **keywords):
    began = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **keywords)
    return time.monotonic() - began


def measured(argv, peak_of):
    """Its seconds, and the most memory of the program itself in MiB."""
    began = time.monotonic()
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        peak = peak_of(process)
    if process.returncode != 0:
        sys.exit(f"bench: {argv} ended with {process.returncode}")
    return time.monotonic() - began, peak


def copy_store(images, store):
    """A store with the image tiny alone, whose files are other names of the same."""
    os.mkdir(store)
    subprocess.run(["cp", "-Rl", os.path.join(images, "tiny"), os.path.join(store, "tiny")], check=True)


def write_config(top, store):
    path = os.path.join(top, "images.yaml")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"image_store": store, "state": os.path.join(top, "images-state"), "tmpdir": top}, f)
    return path


def make_layer(top, size):
    """A tar archive of `size` bytes of the host's own files: programs, libraries, documentation."""
    tree, total = os.path.join(top, "layer"), 0
    for directory, names, files in os.walk("/usr"):
        names.sort()
        for name in sorted(files):
            path = os.path.join(directory, name)
            if total >= size:
                break
            if os.path.islink(path) or not os.access(path, os.R_OK):
                continue
            target = tree + path
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)
            total += os.path.getsize(path)
    subprocess.run(["tar", "-C", tree, "--owner=0", "--group=0", "-cf", os.path.join(top, "layer.tar"), "."], check=True)
    shutil.rmtree(tree)
    return os.path.join(top, "layer.tar")


def importing(program, images, top, rounds, peak_of):
    layer = make_layer(top, int(os.environ.get("AMBIENT_BENCH_IMAGE_MIB", "500")) * MIB)
    layout, store = os.path.join(top, "layout"), os.path.join(top, "store")
    subprocess.run([LAYOUT, layout, "--tag", "big", f"{layer}:gz"], check=True)
    os.unlink(layer)
    copy_store(images, store)
    config = write_config(top, store)
    ours, theirs, peaks = [], [], []
    rootless = [] if os.getuid() == 0 else ["--rootless"]
    for _ in range(rounds):
        seconds, peak = measured([program, "--no-config", "--config", config, "image", "import", f"oci:{layout}:big"], peak_of)
        ours.append(seconds)
        peaks.append(peak)
        copied, bundle = os.path.join(top, "copied"), os.path.join(top, "bundle")
        theirs.append(timed(["skopeo", "copy", "-q", f"oci:{layout}:big", f"oci:{copied}:big"]) +
                      timed(["umoci", "unpack", *rootless, "--image", f"{copied}:big", bundle]))
        for path in (copied, bundle):
            subprocess.run(["rm", "-rf", path], check=True)
    shutil.rmtree(layout)
    return {"import_500_mib_s": statistics.median(ours), "skopeo_umoci_500_mib_s": statistics.median(theirs),
            "import_peak_mib": max(peaks)}


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def enlarge(store, name, size, top):
    """The image tiny with a file of so many bytes that no packing makes smaller."""
    tree, image = os.path.join(top, "tree"), os.path.join(store, name)
    subprocess.run(["cp", "-Rl", os.path.join(store, "tiny"), image], check=True)
    root = os.path.join(image, "root.squashfs")
    subprocess.run(["unsquashfs", "-q", "-n", "-d", tree, root], check=True, stdout=subprocess.DEVNULL)
    with open("/dev/urandom", "rb") as random, open(os.path.join(tree, "large"), "wb") as f:
        for _ in range(size // MIB):
            f.write(random.read(MIB))
    os.unlink(root)
    subprocess.run(["mksquashfs", tree, root, "-noD", "-comp", "lz4", "-quiet", "-no-progress", "-all-root"], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    described = os.path.join(image, "image.yaml")
    with open(described, encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"(root:\n  file: .*\n)  bytes: .*\n  sha256: .*\n",
                  rf"\g<1>  bytes: {os.path.getsize(root)}\n  sha256: {sha256(root)}\n", text)
    os.unlink(described)
    with open(described, "w", encoding="utf-8") as f:
        f.write(text.replace("name: tiny\n", f"name: {name}\n"))


def starting(program, images, top, rounds):
    """The second and later runs: the first one reads every byte of the image once, and remembers its digest."""
    store, large = os.path.join(top, "sizes"), int(os.environ.get("AMBIENT_BENCH_LARGE_MIB", "10240"))
    copy_store(images, store)
    config, sizes = write_config(top, store), {"tenth": large // 10, "large": large}
    projects = os.path.join(top, "sizes.yaml")
    os.makedirs(os.path.join(top, "nothing"))
    with open(projects, "w", encoding="utf-8") as f:
        json.dump({"projects": {name: {"image": name, "source": os.path.join(top, "nothing"),
                                       "plan": [{"action": "shell", "shell": "true"}]} for name in sizes}}, f)
    times = {name: [] for name in sizes}
    for name, size in sizes.items():
        enlarge(store, name, size * MIB, top)
    time.sleep(SETTLED_S)
    for _ in range(rounds + 1):
        for name in sizes:
            times[name].append(timed([program, "--no-config", "--config", config, "run", "--force", "--quiet", "--projects", projects, name]))
    shutil.rmtree(store)
    return {"run_image_of_1_gib_s": statistics.median(times["tenth"][1:]),
            "run_image_of_10_gib_s": statistics.median(times["large"][1:]),
            "first_run_image_of_10_gib_s": times["large"][0]}
