#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
"""
koban under as many events as this machine can make: it must live, stay small, and account for every
single one. A second run with a tiny ring buffer must lose events, name them, and still add up.

Environment: KOBAN_STORM_SECONDS, how long each storm is, in one piece (default 10; 60 for a
release).
"""
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban

SECONDS = int(os.environ.get("KOBAN_STORM_SECONDS", "10"))
TINY_SECONDS = 5
RSS_CAP_BYTES = 512 << 20
FORKS_MAX = 20000
SUM = re.compile(r"(\d+) events in = (\d+ .+?)(?: \(|;)")
PARTS = {"matched", "unmatched", "state", "ring full", "too large", "undecodable"}


def rules():
    for path in (os.path.join(koban.PUBLIC_RULES, "falco_rules.yaml"), koban.OWN_RULES):
        if os.path.exists(path):
            return path
    print("1..0 # SKIP skipped: needs ../shared/corpora/falco-rules or data/rules")
    sys.exit(0)


def build_loops(folder):
    out = os.path.join(folder, "loops")
    if not koban.compile_c(os.path.join("..", "bench", "loops.c"), out):
        print("1..0 # SKIP test/bench/loops.c does not build here")
        sys.exit(0)
    return out


def status_bytes(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        for line in f:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    return 0


def storm(watch, loops, seconds):
    """Runs openers on two cores and a fork loop; the greatest resident size of koban meanwhile."""
    load = [subprocess.Popen([loops, "storm", "2", str(seconds)], stdout=subprocess.DEVNULL),
            subprocess.Popen([loops, "forks", str(FORKS_MAX), "1"], stdout=subprocess.DEVNULL)]
    end = time.monotonic() + seconds + 0.5
    peak = 0
    while time.monotonic() < end and watch.process.poll() is None:
        peak = max(peak, status_bytes(watch.process.pid, "VmRSS"))
        time.sleep(0.2)
    for p in load:
        if p.poll() is None and p is load[1]:
            p.terminate()
        p.wait(30)
    return peak


def check_sum(tap, name, text):
    """The final sentence adds up to the last event; its parts by name ("in" too), or None."""
    found = SUM.search(text)
    parts = {}
    for part in found[2].split(" + ") if found else ():
        count, _, what = part.partition(" ")
        parts[what] = int(count)
    if not tap.ok(parts.keys() >= PARTS, f"{name}: the last sentence says where all events went",
                  text[-2000:]):
        return None
    print(f"# {found[0]}")
    tap.ok(int(found[1]) == sum(parts.values()) and "not accounted for" not in text,
           f"{name}: every event is accounted for", text[-2000:])
    parts["in"] = int(found[1])
    return parts


def run_once(tap, name, loops, seconds, *options):
    watch = koban.Koban([rules()], *options)
    started = time.monotonic()
    peak = storm(watch, loops, seconds)
    tap.ok(watch.process.poll() is None, f"{name}: koban lives", watch.stderr[-2000:])
    text = watch.stop()
    tap.ok(watch.process.returncode == 0, f"{name}: it ends well", watch.process.returncode)
    print(f"# {name}: {peak >> 20} MiB at most, {time.monotonic() - started:.1f} s")
    tap.ok(0 < peak < RSS_CAP_BYTES, f"{name}: memory stays under {RSS_CAP_BYTES >> 20} MiB", peak)
    return check_sum(tap, name, text)


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    loops = build_loops(folder)
    for name, options in (("storm", ()), ("storm, all to user space", ("--all-events",))):
        n = run_once(tap, name, loops, SECONDS, *options)
        if n:
            tap.ok(n["in"] > SECONDS * 20000, f"{name}: there were many events", n)
            tap.ok(not n["undecodable"] and not n["too large"], f"{name}: no record was malformed", n)
    n = run_once(tap, "tiny ring", loops, TINY_SECONDS, "--all-events",
                 "-o", "sensor.ring_bytes=65536")
    if n:
        tap.ok(n["ring full"] > 0, "tiny ring: what was lost is named", n)
    shutil.rmtree(folder, True)
    tap.done()


if __name__ == "__main__":
    main()
