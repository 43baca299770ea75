#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# beside: others
"""
A store that is killed, and a disk that is full. 200 times a program that puts findings is killed in
the middle of it: every finding that was acknowledged is there, the database is sound. Then the same
on a small file system that fills up: a clear error, nothing acknowledged lost, and it goes on once
there is room.
"""
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(os.environ.get("KOBAN_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("KOBAN_BUILD", SOURCE / "build"))
WRITER = BUILD / "test" / "store-writer"
KILLS = 200
POINTS = []


def point(ok, name, why=""):
    POINTS.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(POINTS)} - {name}", flush=True)
    if why and not ok:
        print("# " + "\n# ".join(str(why).strip().splitlines()[:20]), flush=True)


def acknowledged_ids(text):
    """The ids of the whole lines "A B"; a line that was cut by the kill does not count."""
    for line in text[:text.rfind("\n") + 1].splitlines():
        if line.startswith("failed"):
            raise RuntimeError(line)
        first, end = map(int, line.split())
        yield from range(first, end)


def run_and_kill(url, first, delay_s):
    """Starts a writer, kills it delay_s after its first acknowledgement; what it acknowledged."""
    with subprocess.Popen([WRITER, "put", url, str(first), "1000000"], stdout=subprocess.PIPE,
                          text=False) as p:
        out = os.read(p.stdout.fileno(), 1 << 16)
        end = time.monotonic() + delay_s
        while out and (left := end - time.monotonic()) > 0:
            if select.select([p.stdout], [], [], left)[0]:
                chunk = os.read(p.stdout.fileno(), 1 << 16)
                if not chunk:
                    break
                out += chunk
        p.send_signal(signal.SIGKILL)
        while chunk := os.read(p.stdout.fileno(), 1 << 16):
            out += chunk
    return set(acknowledged_ids(out.decode()))


def check(url, ids):
    """"ok FINDINGS UNCLEAN", or what is wrong."""
    r = subprocess.run([WRITER, "check", url], input="".join(f"k{i}\n" for i in sorted(ids)),
                       capture_output=True, text=True, timeout=300, check=False)
    return r.stdout.strip() or r.stderr


def test_kills(folder):
    url = str(folder / "koban.db")
    rng = random.Random(4)
    acknowledged, first, empty = set(), 0, 0
    for _ in range(KILLS):
        got = run_and_kill(url, first, rng.uniform(0, 0.12))
        empty += not got
        acknowledged |= got
        first = max(acknowledged, default=0) + 1000  # ids in flight are not used again
    point(empty == 0, f"each of {KILLS} runs acknowledged something before it was killed", empty)
    said = check(url, acknowledged)
    words = said.split()
    point(words[:1] == ["ok"], f"all {len(acknowledged)} acknowledged findings are there", said)
    point(words[:1] == ["ok"] and int(words[1]) >= len(acknowledged), "the count says so", said)
    point(words[-1:] == ["1"], "the unclean end was seen and looked into", said)
    said = check(url, [])
    point(said.split()[-1:] == ["0"], "after a clean end there is nothing to look into", said)


def test_full_disk(folder):
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "koban-test", disk], check=True)
    try:
        url = str(disk / "koban.db")
        r = subprocess.run([WRITER, "put", url, "0", "1000000"], capture_output=True, text=True,
                           timeout=300, check=False)
        lines = r.stdout.splitlines()
        failed = [x for x in lines if x.startswith("failed")]
        point(bool(failed) and "disk is full" in failed[0] and "Make room" in failed[0],
              "a full disk is said clearly", r.stdout[-500:] + r.stderr)
        acknowledged = set(acknowledged_ids("\n".join(x for x in lines if x not in failed) + "\n"))
        point(len(acknowledged) > 500, "it took findings before it was full", len(acknowledged))
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        said = check(url, acknowledged)
        point(said.startswith("ok"), f"all {len(acknowledged)} acknowledged findings are there",
              said)
        r = subprocess.run([WRITER, "put", url, "2000000", "500"], capture_output=True, text=True,
                           timeout=300, check=False)
        more = set(acknowledged_ids(r.stdout)) if "failed" not in r.stdout else set()
        point(len(more) >= 500, "with room it goes on", r.stdout[-300:])
        said = check(url, acknowledged | more)
        point(said.startswith("ok"), "and all is there", said)
    finally:
        subprocess.run(["umount", disk], check=False)


def main():
    with tempfile.TemporaryDirectory(prefix="koban-store-kill-", dir="/var/tmp") as name:
        test_kills(Path(name))
        test_full_disk(Path(name))
    print(f"1..{len(POINTS)}")
    return 0 if all(POINTS) else 1


if __name__ == "__main__":
    sys.exit(main())
