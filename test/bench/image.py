#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What a scan of an image costs: beside the floor (inflating and hashing the same layers with the
fastest tools at hand), beside yara alone over the unpacked files, and what each analyzer adds. All
in one run over one image, which is made of this machine's own files. CPU time is what processes
used; the clock is what passed, with two cores at hand. usage: test/bench/image.py [MiB]
"""
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/system"))
from layers import KOBAN, Layout, Scan  # noqa: E402

RUNS = int(os.environ.get("RUNS", "3"))
SOURCES = ["usr/bin", "usr/lib", "usr/share", "etc", "opt", "usr/sbin", "var/lib/dpkg"]
WORK = Path(tempfile.mkdtemp(prefix="koban-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")))


def say(text):
    print(text, flush=True)


def measure(run):
    """The best of some runs: seconds of CPU, seconds of the clock."""
    best = (1e9, 1e9)
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.monotonic()
        run()
        clock = time.monotonic() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = (min(best[0], cpu), min(best[1], clock))
    return best


def pick_files(limit):
    """Files of this machine, without links and odd ones, up to so many bytes."""
    files, size = [], 0
    for source in SOURCES:
        share = 0
        for folder, _, names in os.walk("/" + source):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                n = os.path.getsize(path)
                if share + n > limit // 3 or size + n > limit:
                    continue
                files.append(path[1:])
                share += n
                size += n
    return files


def make_image(limit):
    layout, tars = Layout(WORK / "image"), []
    files = pick_files(limit)
    for i in range(2):
        part = WORK / f"list-{i}"
        part.write_text("\n".join(files[i::2]) + "\n", encoding="utf-8", errors="surrogateescape")
        tar = WORK / f"layer-{i}.tar"
        subprocess.run(["tar", "-C", "/", "-cf", tar, "-T", part], check=True,
                       stderr=subprocess.DEVNULL)
        h = hashlib.sha256()
        with open(tar, "rb") as f:
            while block := f.read(1 << 20):
                h.update(block)
        with open(f"{tar}.gz", "wb") as out:
            tool = ["pigz", "-6", "-c"] if shutil.which("pigz") else ["gzip", "-6", "-c"]
            subprocess.run([*tool, tar], stdout=out, check=True)
        layout.add(layout.blob_file(f"{tar}.gz"), "sha256:" + h.hexdigest())
        tars.append(tar)
    layout.write()
    return layout, tars, len(files)


# ---- the floor ------------------------------------------------------------------------------------

def blobs(layout):
    return [str(layout.folder / "blobs/sha256" / b.digest.split(":")[1])
            for b, _, _, _ in layout.layers]


def shell(command):
    subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL)


def fastest(candidates, what):
    """The tool that needs least CPU time, of those that are here."""
    best = None
    for name, run in candidates:
        if not shutil.which(name.split()[0]):
            continue
        cpu, clock = measure(run)
        say(f"  {what}: {name:<28} {cpu:7.2f} s CPU {clock:7.2f} s")
        if best is None or cpu < best[1]:
            best = (name, cpu)
    return best[0]


def measure_floor(layout, tars):
    files = " ".join(blobs(layout))
    first = files.split()[0]
    inflate = fastest([(c, lambda c=c: shell(f"{c} < {first} > /dev/null")) for c in (
        "igzip -d -c", "libdeflate-gunzip -c", "pigz -d -c", "gunzip -c")], "inflate")
    sha = fastest([(c, lambda c=c: shell(f"{c} {tars[0]}")) for c in (
        "sha256sum", "openssl dgst -sha256")], "hash")
    each = "; ".join(f"{inflate} < {b} | {sha}; {sha} {b}" for b in files.split())
    say(f"floor: {inflate} | {sha}, and {sha} of what is stored")
    return measure(lambda: shell(each))


# ---- the others -----------------------------------------------------------------------------------

def scan(layout, *options):
    done = subprocess.run([KOBAN, "image", "scan", "--json", "-q", "--no-cache", *options,
                           f"oci:{layout.folder}"], capture_output=True, check=True)
    return json.loads(done.stdout)


def analyzers():
    text = subprocess.run([KOBAN, "image", "scan", "--help"], capture_output=True, text=True,
                          check=True).stdout
    return [line.split()[0] for line in text.split("\nanalyzers:\n")[1].split("\n\n")[0].splitlines()]


def measure_yara(tars):
    """yara over the files, with the rules that koban has."""
    if not shutil.which("yara"):
        return None
    root = WORK / "root"
    root.mkdir()
    for tar in tars:
        subprocess.run(["tar", "-C", root, "--no-same-owner", "-xf", tar], check=True)
    rules = sorted(str(p) for p in (ROOT / "data/yara").rglob("*.yar*"))
    return measure(lambda: subprocess.run(
        ["yara", "-r", "-N", "-w", "-p", "2", *rules, root], check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))


def row(name, cost, floor):
    say(f"{name:<34} {cost[0]:7.2f} s CPU {cost[1]:7.2f} s   "
        f"{cost[0] / floor[0]:5.2f} × {cost[1] / floor[1]:5.2f} ×")


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
    layout, tars, n = make_image(limit << 20)
    unpacked = sum(t.stat().st_size for t in tars)
    stored = sum(b.size for b, _, _, _ in layout.layers)
    say(f"image: {n} files of this machine, {unpacked >> 20} MiB, stored as {stored >> 20} MiB; "
        f"best of {RUNS} runs")
    floor = measure_floor(layout, tars)
    say(f"\n{'':<34} {'':>7}         {'':>7}     beside the floor (CPU, clock)")
    row("floor", floor, floor)
    all_of_it = measure(lambda: scan(layout))
    row("koban image scan", all_of_it, floor)
    for name in analyzers():
        row(f"  --only {name}", measure(lambda name=name: scan(layout, "--only", name)), floor)
    yara = measure_yara(tars)
    if yara:
        row("yara, unpacked, same rules", yara, floor)
        say(f"koban with all analyzers uses {all_of_it[0] / yara[0]:.2f} × the CPU time of yara alone")
    s = Scan(f"oci:{layout.folder}")
    say(f"peak memory: {s.peak_mib:.0f} MiB in {len(s.peaks)} processes, counting shared pages twice")
    say(f"unpacked MB a second of the clock: {unpacked / 1e6 / all_of_it[1]:.0f}")


try:
    main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
