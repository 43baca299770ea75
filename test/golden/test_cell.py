#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Every verb that reads a capture is in its cell before it parses one: with the file open and its
first bytes there, but not a whole block of it, the kernel says that a seccomp filter is on.
"""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KOBAN = Path(os.environ.get("KOBAN_BUILD", ROOT / "build")) / "src/cmd/koban"
BEGINNING = b"\x0a\x0d\x0d\x0a\x1c\0\0\0"  # of a section block, eight of its 28 bytes
WAIT_S = 10


def has_filter(pid):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "\nSeccomp:\t2\n" in status


def is_in_cell(args):
    """(does it get a filter, what it said)"""
    p = subprocess.Popen([KOBAN, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    p.stdin.write(BEGINNING)
    p.stdin.flush()
    end = time.monotonic() + WAIT_S
    while not (found := has_filter(p.pid)) and p.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    p.stdin.close()
    p.stdin = None
    _, err = p.communicate(timeout=WAIT_S)
    return found, f"exit {p.returncode}: {err.decode()}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        verbs = [["read", "-"], ["replay", "-", "-r", str(ROOT / "data/rules")],
                 ["top", "--once", "-r", "-"], ["capture", "-r", "-", "-w", f"{folder}/x.scap"]]
        print(f"1..{len(verbs)}")
        failed = 0
        for i, args in enumerate(verbs, 1):
            found, said = is_in_cell(args)
            failed += not found
            print(f"{'ok' if found else 'not ok'} {i} - {args[0]} parses in a cell")
            if not found:
                print(f"# {said}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
