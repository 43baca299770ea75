#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Writes the seeds of the fuzz target `record`: one record of each kind, as bpf/record.h lays it out.

  record_seeds.py FOLDER        usually test/fuzz/corpus/record
"""
import os
import socket
import struct
import sys

HEAD = struct.Struct("<QQQqIIIIIHHHH4H4x6Q16s32x")
(FILE, REAL, FSPATH, DIR, DIR2, KNOWN, SOCK, UNIX, ADDR, CGROUPS, FORK, CWD, EXE) = range(1, 14)
CODES = {"openat": 307, "connect": 23, "execve": 293, "exit": 186, "fork": 1000, "cgroup": 1001,
         "renameat2": 319, "sendto": 31, "chdir": 95, "prctl": 401, "symlinkat": 181}


def fact(tag, data):
    return struct.pack("<BBH", tag, 0, len(data)) + data


def record(code, ret=0, args=(), reads=(), facts=(), comm=b"", flags=0):
    body = b"".join(reads) + b"".join(fact(t, d) for t, d in facts)
    lens = [len(r) for r in reads] + [0] * (4 - len(reads))
    args = list(args) + [0] * (6 - len(args))
    head = HEAD.pack(5000, 4000, 1000, ret, 42, 43, 1000, 100, HEAD.size + len(body), code, 1, flags,
                     0, *lens, *args, comm)
    return head + body


def file(kind=0, layer=0, mode=0o100644):
    return FILE, struct.pack("<qQIIHBBII4x", 3, 77, 8 << 20 | 1, 0o2000000, mode, layer, kind, 0x794c7630,
                             0x100000)


def sock(family, local, remote, lport=40000, rport=443, kind=1, proto=6, peer=0):
    return SOCK, struct.pack("<QQHHHBBBB16s16s6x", 0x11, peer, family, lport, rport, kind, proto, 1, 0,
                             local, remote)


def seeds():
    v4 = struct.pack("<H", socket.AF_INET) + struct.pack(">H", 443) + b"\1\2\3\4" + b"\0" * 8
    v6 = struct.pack("<H", socket.AF_INET6) + struct.pack(">HI", 443, 0) + b"\x20\1" + b"\0" * 18
    exe = struct.pack("<QQQQQQQQQQQ8II4B", 9, 1, 2, 0, 3, 3, 100, 1024, 0, 5, 10, 34816, 1000, 7, 7, 40,
                      5, 41, 40, 8 << 20 | 1, 1, 1, 1, 0)
    yield "open", record(CODES["openat"], 3, (0xffffff9c, 1, 0x80000), (b"../a/file\0",),
                         (file(layer=1), (REAL, b"/home/a/file"), (DIR, b"/home/me"),
                          (KNOWN, struct.pack("<II", 1, 5))))
    yield "open-bound", record(CODES["openat"], 3, (0xffffff9c,), (b"/mnt/f\0",),
                               (file(), (REAL, b"/mnt/f"), (FSPATH, b"/srv/f")))
    yield "open-failed", record(CODES["openat"], -2, (5,), (b"no\0",), ((DIR, b"/"),), flags=2)
    for i in range(13):
        yield f"kind-{i}", record(CODES["openat"], 3, (), (b"x\0",), (file(i, 2, 0o010000),))
    yield "connect4", record(CODES["connect"], 0, (5,), (v4,), (sock(2, b"\x0a\0\0\1", b"\1\2\3\4"),))
    yield "connect6", record(CODES["connect"], -115, (5,), (v6,), (sock(10, b"\1", b"", rport=0),))
    yield "connect-unix", record(CODES["connect"], 0, (5,), (b"\1\0/run/x.sock",),
                                 (sock(1, b"", b"", peer=0x22), (UNIX, b"/run/x.sock\0")))
    yield "connect-abstract", record(CODES["connect"], 0, (5,), (b"\1\0\0abstract",),
                                     (sock(1, b"", b""),))
    yield "sendto", record(CODES["sendto"], 4, (6,), (b"data",),
                           ((ADDR, v4), sock(2, b"", b"", rport=0, kind=2, proto=17)))
    yield "exec", record(CODES["execve"], 0, (), (b"ls\0-l\0/tmp\0", b"A=1\0B=2\0", b"bin/ls\0"),
                         ((EXE, exe), (REAL, b"/usr/bin/ls (deleted)"), (CWD, b"/usr"),
                          (CGROUPS, b"=/a\0cpu=\0memory=/b\0")), b"ls")
    yield "exec-failed", record(CODES["execve"], -2, (), (b"/no/such\0",))
    yield "fork", record(CODES["fork"], 0, (), (), ((FORK, struct.pack("<QQ6I", 2000, 1000, 50, 50, 3, 3,
                                                                      42, 0)),))
    yield "exit", record(CODES["exit"], 0x8b, (1,))
    yield "cgroup", record(CODES["cgroup"], 0, (), (), ((CGROUPS, b"=/x\0"),))
    yield "rename", record(CODES["renameat2"], 0, (0xffffff9c, 1, 4), (b"old\0", b"../new\0"),
                           ((DIR, b"/a"), (DIR2, b"/b/c")), flags=1)
    yield "symlink", record(CODES["symlinkat"], 0, (1, 0xffffff9c, 2), (b"to\0", b"link\0"),
                            ((DIR, b"/a"),))
    yield "chdir", record(CODES["chdir"], 0, (1,), (b"x\0",), ((CWD, b"/a/x"),))
    yield "prctl", record(CODES["prctl"], 0, (15, 1), (b"name\0",))
    for code in range(1, 430, 2):
        if code % 12 == 1:
            yield f"event-{code}", record(code, 7, (1, 2, 3, 4, 5, 6), (b"text\0", b"\1\0\0\0" * 4),
                                          (file(), (REAL, b"/r")))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, data in seeds():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
