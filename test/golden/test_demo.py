#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The shipped demo capture holds nothing of the machine that recorded it: an invented host and users,
no environment, no control group's name, no path but the demo's own and the system's below /usr.
The checks are first tried on bytes that break them.
"""
import gzip
import re
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data/demo/intruder.scap.gz"
MAX_BYTES = 200 << 10
TOP = set("bin dev etc home keep lib lib64 opt proc root sbin srv sys tmp usr var".split())
TMP = {b"/tmp", b"/tmp/", b"/tmp/.cache-x", b"/tmp/.cache-x/xmrig", b"/tmp/lib.so", b"/tmp/preload"}
HOMES = {b"/home/mina/.ssh/id_rsa", b"/home/mina", b"/home", b"/home/mina/.ssh", b"/home/"}
CGROUPS = re.compile(rb"\b(?:cpu|memory|pids|cpuset|unified|name=systemd)=(/[^\0]*)")


def strange_paths(data):
    """Absolute paths of at least two parts that begin a string, and are not the demo's."""
    for path in set(re.findall(rb"(?<=\0)/[\w.-]{2,}(?:/[\w.-]+)+(?=\0)", data)):
        top = path.split(b"/")[1].decode()
        if top not in TOP or (top == "tmp" and path not in TMP) or \
                (top == "home" and path not in HOMES):
            yield f"path {path!r}"


def environment(data):
    for name in set(re.findall(rb"(?<=\0)(?:PATH|HOME|USER|SHELL|PWD|OLDPWD|LANG|TERM|SUDO_\w+|"
                               rb"SSH_\w+|INSIDE|KOBAN_\w+)=", data)):
        yield f"environment {name!r}"


def control_groups(data):
    return (f"control group {g!r}" for g in set(CGROUPS.findall(data)) if g != b"/")


def find_faults(data):
    return [*strange_paths(data), *environment(data), *control_groups(data)]


def main():
    data = gzip.decompress(FILE.read_bytes())
    here = socket.gethostname().encode()
    broken = b"\0/work/secret/file\0PATH=/bin\0memory=/user.slice/x\0/tmp/else.sh\0"
    points = [
        ("the checks find what is wrong", len(find_faults(broken)) == 4, find_faults(broken)),
        ("small", FILE.stat().st_size < MAX_BYTES, [FILE.stat().st_size]),
        ("the host is invented", b"kiosk\0" in data, []),
        ("users are invented", b"mina" in data and b"daemon\0" not in data, []),
        ("this machine's name is not in it",
         here == b"kiosk" or b"\0" + here + b"\0" not in data, [here]),
        ("no path, environment or control group of another machine", not find_faults(data),
         find_faults(data)),
    ]
    print(f"1..{len(points)}")
    for i, (name, good, notes) in enumerate(points, 1):
        for n in [] if good else notes:
            print(f"# {n}")
        print(f"{'ok' if good else 'not ok'} {i} - {name}")
    return 0 if all(p[1] for p in points) else 1


if __name__ == "__main__":
    sys.exit(main())
