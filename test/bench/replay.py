#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What captures cost: events a CPU second, and memory, of reading, filtering, judging and printing, with
Debian's sysdig beside it in the same run. Each command runs over a large capture and over a short
one of the same events; the short one's CPU time is taken off, so that starting and loading rules do
not count. Commands take turns; the least time of the repeats counts. It judges nothing.

  KOBAN_BUILD   the build folder (a release build says most)
  KOBAN_SHARED  data beside the tree: the corpus and the public rules

Output goes through a pipe to a reader that throws it away: a program may notice /dev/null. As root
it also records a capture of its own, of a mixed load.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KOBAN = str(Path(os.environ.get("KOBAN_BUILD", ROOT / "build-release")) / "src/cmd/koban")
SHARED = Path(os.environ.get("KOBAN_SHARED", ROOT.parent / "shared")) / "corpora"
RULES = SHARED / "falco-rules"
NOBODY = "proc.name=nobody-has-this-name"


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(cmd):
    """CPU seconds and peak memory of one command; its output is read and thrown away."""
    sink = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    child = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=sink.stdin,
                             stderr=subprocess.DEVNULL)
    sink.stdin.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    sink.wait()
    if child.returncode:
        say(f"ended with {child.returncode}: {' '.join(cmd)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def commands():
    """(name, command over FILE)"""
    every = [str(p) for p in sorted(RULES.glob("*.yaml"))]
    rows = [
        ("koban: decode and state", [KOBAN, "read", "-q", "FILE"]),
        ("koban: a filter", [KOBAN, "read", "FILE", NOBODY]),
        ("koban: text", [KOBAN, "read", "FILE"]),
        ("koban: JSON", [KOBAN, "read", "-j", "FILE"]),
        ("koban: its own rules", [KOBAN, "replay", "-q", "FILE", "-r", str(ROOT / "data/rules")]),
    ]
    if every:
        more = [part for p in every for part in ("-r", p)]
        rows += [("koban: 25 stable rules", [KOBAN, "replay", "-q", "FILE", "-r",
                                             str(RULES / "falco_rules.yaml")]),
                 ("koban: 81 public rules", [KOBAN, "replay", "-q", "FILE", *more])]
    if shutil.which("sysdig"):
        rows += [("sysdig: read", ["sysdig", "-r", "FILE", "evt.num=0"]),
                 ("sysdig: a filter", ["sysdig", "-r", "FILE", NOBODY]),
                 ("sysdig: text", ["sysdig", "-r", "FILE"])]
    return rows


def measure(rows, large, short, nevents, repeats):
    """{name: (events a CPU second, peak KiB)}"""
    best, peak = {}, {}
    for r in range(repeats):
        for name, cmd in rows:
            say(f"repeat {r + 1}/{repeats}: {name}")
            for kind, file in (("large", large), ("short", short)):
                cpu_s, rss_kb = run([str(file) if part == "FILE" else part for part in cmd])
                best[name, kind] = min(cpu_s, best.get((name, kind), cpu_s))
                peak[name] = max(rss_kb, peak.get(name, 0))
    return {name: (nevents / max(best[name, "large"] - best[name, "short"], 1e-6), peak[name])
            for name, _ in rows}


def count_lines(cmd, file):
    """What it prints: sysdig leaves out events that it does not know; koban makes one line of a call's begin and
    end where the capture has them as two events."""
    with subprocess.Popen([str(file) if part == "FILE" else part for part in cmd], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as p:
        return sum(1 for _ in p.stdout)


def show(title, figures, lines):
    print(f"\n{title}\n  {'':26} {'M events/CPU s':>14} {'MiB':>6} {'of read-only':>13}")
    base = figures["koban: decode and state"][0]
    for name, (rate, rss_kb) in figures.items():
        print(f"  {name:26} {rate / 1e6:14.2f} {rss_kb / 1024:6.0f} {rate / base:12.2f}x")
    for ours, theirs in (("decode and state", "read"), ("a filter", "a filter"), ("text", "text")):
        if f"sysdig: {theirs}" in figures:
            ratio = figures[f"koban: {ours}"][0] / figures[f"sysdig: {theirs}"][0]
            print(f"  koban / sysdig, {theirs}: {ratio:.2f}")
    if lines.get("sysdig: text"):
        share = lines["koban: text"] / lines["sysdig: text"]
        print(f"  koban / sysdig, lines printed: {ratio * share:.2f} (it prints {share:.2f} times as many)")
    if "koban: 81 public rules" in figures:
        ratio = figures["koban: 25 stable rules"][0] / figures["koban: 81 public rules"][0]
        print(f"  81 rules cost {ratio:.2f} times what 25 cost")


def record(file, seconds):
    """A capture of a mixed load, by koban."""
    child = subprocess.Popen([KOBAN, "capture", "-q", "-w", str(file)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL)
    time.sleep(2)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        subprocess.run([ROOT / "test/bench/mixed.sh", "mixed"], check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    child.terminate()
    child.wait()
    return child.returncode == 0 and file.exists()


def arguments():
    a = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--repeats", type=int, default=3)
    a.add_argument("--events", type=int, default=2000000, help="of the large captures, at least")
    a.add_argument("--source", default="namespaces-setns-cc7fd9.scap", help="a file of the corpus")
    a.add_argument("--no-live", action="store_true", help="record nothing")
    return a.parse_args()


def repeat(source, target, least):
    """Events written. In a process of its own: a child's peak memory counts from its parent's."""
    tool = ROOT / "test/bench/scap_repeat.py"
    return int(subprocess.check_output([sys.executable, tool, source, target, str(least)]))


def bench(title, source, events, repeats, folder):
    large, short = folder / "large.scap", folder / "short.scap"
    once = repeat(source, short, 1)
    say(f"{title}: making {max(events, 2 * once)} events of {source}")
    nevents = repeat(source, large, max(events, 2 * once)) - once
    figures = measure(commands(), large, short, nevents, repeats)
    lines = {name: count_lines(cmd, short) for name, cmd in commands() if name.endswith(": text")}
    show(f"{title}: {nevents} events, {large.stat().st_size >> 20} MiB", figures, lines)
    large.unlink()


def main():
    a = arguments()
    with tempfile.TemporaryDirectory(prefix="koban-bench-", dir="/var/tmp") as folder:
        source = SHARED / "scap" / a.source
        if source.exists():
            bench(f"{a.source}, repeated", source, a.events, a.repeats, Path(folder))
        else:
            print(f"skipped: needs ../shared/corpora/scap/{a.source}")
        live = Path(folder) / "live.scap"
        if a.no_live or os.geteuid() != 0:
            print("\nno live load was recorded" + ("" if a.no_live else ": that needs root"))
        elif record(live, 5):
            bench("a mixed load, recorded by koban, repeated", live, a.events, a.repeats,
                  Path(folder))
        else:
            print("skipped: koban capture recorded nothing")


if __name__ == "__main__":
    main()
