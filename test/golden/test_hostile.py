#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""
Captures that ask for much: each is streamed into `koban read` and is several times as large as what
koban may keep of it (docs/internals/capture.md). The peak of its memory is asked of the kernel. And
what is odd is counted or named by its place, also in a pipe.
"""
import os
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KOBAN_BUILD", ROOT / "build"))
KOBAN = BUILD / "src/cmd/koban"
MIB = 1 << 20
PROCESSES, FDS, USERS, EVENT, LARGE_EVENT = 0x215, 0x218, 0x220, 0x216, 0x221
EXECVE, OPENAT_ENTER, CONTAINER, ASYNCEVENT, CLOSE = 293, 306, 324, 402, 5


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


HEAD = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 2, -1))


def text(s):
    return struct.pack("<H", len(s)) + s


def entry(body):
    return struct.pack("<I", len(body) + 4) + body


def process(tid, size):
    args = b"%08d" % tid + b"a" * (size - 8)
    return entry(struct.pack("<5Q", tid, tid, 1, 0, 0) + text(b"%08d" % tid) + text(b"x") + text(b"x")
                 + text(args) + text(b"/") + struct.pack("<Q6I2Q", *[0] * 9) + text(b"E=1")
                 + struct.pack("<QQ", tid, tid) + text(b"") + text(b"/"))


def event(code, tid, params, kind=EVENT):
    lengths = b"".join(struct.pack("<H" if kind == EVENT else "<I", len(p)) for p in params)
    data = b"".join(params)
    return block(kind, struct.pack("<HQQIHI", 0, 10**18, tid, 26 + len(lengths) + len(data), code,
                                   len(params)) + lengths + data)


def processes():
    """A process list of strings, each process its own."""
    for i in range(0, 200000, 200):
        yield block(PROCESSES, b"".join(process(10 + i + j, 4000) for j in range(200)))


def descriptors():
    """More descriptors than all processes together may have."""
    yield block(PROCESSES, process(10, 100))
    for i in range(0, 1200000, 1000):
        yield block(FDS, struct.pack("<Q", 10) + b"".join(
            entry(struct.pack("<QQBI", j, j, 16, 0) + text(b"/%07d" % j + b"n" * 600) + b"\0\0\0\0")
            for j in range(i, i + 1000)))


def enters():
    """Calls that begin and never end, each of a thread of its own."""
    for i in range(20000):
        yield event(OPENAT_ENTER, 10 + i, [struct.pack("<q", -100), b"/" + b"x" * 20000 + b"\0",
                                           b"\0\0\0\0", b"\0\0\0\0"])


def users():
    for i in range(0, 1000000, 1000):
        yield block(USERS, b"".join(
            entry(struct.pack("<BII", 0, j, j) + text(b"u%07d" % j) + text(b"/home/" + b"h" * 200)
                  + text(b"/bin/sh" + b"s" * 200)) for j in range(i, i + 1000)))


def containers():
    """Megabytes of labels each."""
    labels = b",".join(b'"k%06d":"%s"' % (k, b"v" * 1000) for k in range(900))
    for i in range(600):
        json = b'{"container":{"id":"%012d","type":0,"labels":{%s}}}\0' % (i, labels)
        yield event(ASYNCEVENT, 2**64 - 1, [b"\0\0\0\0", b"container\0", json], LARGE_EVENT)


def execs():
    """Each of a thread that nobody told of."""
    for i in range(400000):
        yield event(EXECVE, 10 + i, [b"\0" * 8, b"x\0", b"%08d" % i + b"y" * 2000 + b"\0"])


def feed(blocks, *args):
    """(peak in MiB, exit code, what it said)"""
    p = subprocess.Popen([KOBAN, "read", "-q", "-v", *args, "-"], stdin=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    try:
        p.stdin.write(HEAD)
        for b in blocks:
            p.stdin.write(b)
        p.stdin.close()
    except BrokenPipeError:
        pass
    said = p.stderr.read().decode()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss >> 10, p.returncode, said


# What is asked for, and the MiB that reading may take at most.
ASKED = [(processes, 800), (descriptors, 900), (enters, 160), (users, 160), (containers, 400),
         (execs, 800)]


def main():
    n = failed = 0
    is_asan = "asan" in BUILD.name

    def point(good, name, detail=""):
        nonlocal n, failed
        n += 1
        failed += not good
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            print(f"# {detail}")

    for what, most in ASKED:
        if is_asan:
            n += 1
            print(f"ok {n} - {what.__name__} # SKIP the sanitizer's own memory would count")
            continue
        peak, code, said = feed(what())
        print(f"# {what.__name__}: {peak} MiB")
        point(code == 0 and peak < most, f"{what.__name__}: less than {most} MiB",
              f"exit {code}, {peak} MiB: {said}")
    _, code, said = feed([event(460, 5, []), event(CLOSE, 5, [b"\0" * 8]), event(9999, 5, [])])
    point(code == 0 and "3 events in the file" in said and "2 unknown" in said,
          "events of the future are counted", said)
    good = event(CLOSE, 5, [b"\0" * 8])
    _, code, said = feed([good, good, struct.pack("<II", EVENT, 7)])
    at = len(HEAD) + 2 * len(good)
    point(code == 2 and f"at byte {at}" in said, "damage in a pipe is named by its place",
          f"wanted {at}: {said}")
    print(f"1..{n}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
