#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
koban read over small captures that this test writes itself, over the real ones of ../shared, and,
where sysdig is installed, beside it: data in its five forms, times, the order of JSON members.
"""
import gzip
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KOBAN_BUILD", ROOT / "build"))
KOBAN = str(BUILD / "src/cmd/koban")
SHARED = Path(os.environ.get("KOBAN_SHARED", ROOT.parent / "shared")) / "corpora/scap"
# the search for leaks would need /proc, which is out of reach from the cell
ENV = dict(os.environ, TZ="UTC",
           ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
EPOCH = 1_600_000_000_000_000_000  # 2020-09-13 12:26:40
OPENAT, WRITE_ENTER, WRITE = 307, 8, 9


# ---- captures --------------------------------------------------------------------------------

def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def event(num, code, *params, tid=42, cpu=1):
    """As block 0x216: cpu, then time, thread, length, code, number of parameters, lengths, values."""
    values = b"".join(params)
    lengths = struct.pack(f"<{len(params)}H", *map(len, params))
    size = 26 + len(lengths) + len(values)
    head = struct.pack("<HQQIHI", cpu, EPOCH + num * 1_000_001_000, tid, size, code, len(params))
    return block(0x216, head + lengths + values)


def s64(n):
    return struct.pack("<q", n)


def u32(n):
    return struct.pack("<I", n)


def text(s):
    return s + b"\0"


def capture(*events):
    magic = struct.pack("<IHHQ", 0x1A2B3C4D, 1, 2, 2**64 - 1)
    return block(0x0A0D0D0A, magic) + b"".join(events)


def openat(num, name, fd=3):
    return event(num, OPENAT, s64(fd), s64(-100), text(name), u32(4097), u32(0), u32(8), b"\0" * 8)


def write(num, data, **kwargs):
    return event(num, WRITE, s64(len(data)), data, s64(3), u32(len(data)), **kwargs)


DATA = bytes(range(256)) + b"line one\r\nline two\nend"
SMALL = capture(openat(0, b"/etc/passwd"), write(1, b"hello\n"), write(2, DATA),
                openat(3, b"/none", fd=-2), write(4, b"x" * 200, tid=43))


# ---- running ---------------------------------------------------------------------------------

def run(*args, stdin=None, prog=KOBAN, env=None):
    cmd = [prog, "read", *args] if prog == KOBAN else [prog, *args]
    return subprocess.run(cmd, input=stdin, capture_output=True, check=False, env=env or ENV,
                          timeout=60)


def lines(*args, **kwargs):
    done = run(*args, **kwargs)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


def same(got, wanted):
    assert got == wanted, f"got {got!r}\nnot {wanted!r}"


class Files:
    def __init__(self, folder):
        self.folder = Path(folder)

    def put(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return str(path)


# ---- cases -----------------------------------------------------------------------------------

def usual_line(f):
    got = lines(f.put("a.scap", SMALL))
    same(len(got), 5)
    same(got[0], "1 12:26:40.000000000 1 <NA> (42) < openat fd=3(<f>/etc/passwd) "
                 "dirfd=-100(AT_FDCWD) name=/etc/passwd flags=4097(O_RDONLY|O_CLOEXEC) mode=0 "
                 "dev=8 ino=0")
    same(got[1], "2 12:26:41.000001000 1 <NA> (42) < write res=6 data=hello. "
                 "fd=3(<f>/etc/passwd) size=6")
    assert "fd=-2(ENOENT)" in got[3], got[3]


def data_is_cut(f):
    path = f.put("a.scap", SMALL)
    same(lines(path, "-p", "%evt.arg.data", "evt.num=5"), ["x" * 77 + "..."])
    same(lines(path, "-v", "-p", "%evt.arg.data", "evt.num=5"), ["x" * 200])


def hex_rows():
    out = ""
    for at in range(0, len(DATA), 16):
        row = DATA[at:at + 16]
        pairs = [row[i:i + 2].hex() for i in range(0, len(row), 2)]
        shown = "".join(chr(c) if 32 <= c < 127 else "." for c in row)
        out += f"\n\t0x{at:04x}: {' '.join(pairs)}" + "     " * (8 - len(pairs)) + f"  {shown}"
    return out + "\n"


def data_forms(f):
    import base64
    path, form = f.put("a.scap", SMALL), ["-p", "%evt.buffer", "evt.num=3"]
    same(run(path, "-X", *form).stdout.decode(), hex_rows() + "\n")
    same(run(path, "-b", *form).stdout.decode(), base64.b64encode(DATA).decode() + "\n")
    plain = run(path, "-A", *form).stdout.decode()
    assert plain.endswith("~line one\nline two\nend\n"), plain
    first = run(path, "-x", *form).stdout.decode().splitlines()[1]
    same(first, "\t0x0000: 0001 0203 0405 0607 0809 0a0b 0c0d 0e0f")


def formats(f):
    path = f.put("a.scap", SMALL)
    same(lines(path, "-p", r"%evt.num\t%evt.type|%3evt.type|%10evt.type|", "-n", "1"),
         ["1\topenat|ope|openat    |"])
    same(lines(path, "-p", "%evt.num %evt.buffer"),
         lines(path, "-p", "%evt.num %evt.buffer", "evt.buffer exists"))
    same(len(lines(path, "-p", "*%evt.num %evt.buffer")), 5)
    same(lines("-pp"), ["*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir "
                        "%evt.type %evt.info"])
    assert " (42:" in lines(path, "-pc", "-n", "1")[0]


def times(f):
    path = f.put("a.scap", SMALL)
    for kind, wanted in (("h", "12:26:41.000001000"), ("a", "1600000001.000001000"),
                         ("r", "1.000001000"), ("D", "1.000001000"), ("d", "0.000000000")):
        same(lines(path, "-t", kind, "-p", "%evt.outputtime", "evt.num=2"), [wanted])


def latency(f):
    path = f.put("a.scap", capture(openat(0, b"/a"), event(1, WRITE_ENTER, s64(3), u32(5)),
                                   event(2, WRITE, s64(5), b"hello")))
    got = lines(path, "-td", "-p", "%evt.num %evt.outputtime %evt.latency %evt.args",
                "evt.type=write")
    same(got, ["3 1.000001000 1000001000 res=5 data=hello fd=3(<f>/a) size=5"])
    both = lines(path, "--enters", "-p", "*%evt.num %evt.dir %evt.type")
    same(both, ["1 < openat", "2 > write", "3 < write"])


def filters(f):
    path = f.put("a.scap", SMALL)
    same(lines(path, "-p", "%evt.num", "evt.type=write", "and", "thread.tid=43"), ["5"])
    same(lines(path, "-p", "%evt.num", "evt.type=openat and evt.failed=true"), ["4"])
    same(lines("-r", path, "-p", "%evt.num", "-n", "2", "evt.type=write"), ["2", "3"])
    same(lines(path, "-d", "thread.tid=43", "-n", "4", "-q"), [])
    same(lines(path, "-d", "thread.tid=43", "-p", "%evt.num"), ["5"])
    same(lines(path, "-M", "2", "-p", "%evt.num"), ["1", "2"])


def mistakes(f):
    path = f.put("a.scap", SMALL)
    for args, wanted in (
            ((path, "proc.nme=x"), r"filter:1:1: .*did you mean 'proc\.name'"),
            ((path, "evt.type=open and"), r"filter:1:15: "),
            ((path, "-d", "x.y=1"), r"-d:1:1: "),
            ((path, "-p", "%evt.num %proc.nmae"), r"format:1:11: .*'proc\.name'"),
            ((path, "-t", "q"), r"-t takes h, a, r, d or D"),
            ((path, "-n", "many"), r"not a number of events: 'many'"),
            (("/none/such.scap",), r"/none/such\.scap: No such file"),
            (("nosuch",), r"nosuch: No such file"),
            ((path, "--nonsense"), r"--nonsense")):
        done = run(*args)
        same(done.returncode, 2)
        assert re.search(wanted, done.stderr.decode()), (args, done.stderr)
        same(done.stdout, b"")


def json_lines(f):
    path = f.put("a.scap", SMALL)
    done = run(path, "-j", "-p", "*%proc.name %evt.num %evt.failed %evt.time %evt.arg.name %fd.num "
                                 "%evt.num")
    got = [json.loads(x) for x in done.stdout.decode().splitlines()]
    same(got[0], {"evt.arg.name": "/etc/passwd", "evt.failed": False, "evt.num": 1,
                  "evt.time": EPOCH, "fd.num": 3, "proc.name": "<NA>"})
    same(list(got[0]), sorted(got[0]))
    same(json.loads(lines(path, "-j", "-v", "evt.num=5")[0])["evt.outputtime"],
         EPOCH + 4 * 1_000_001_000)


def hostile_names(f):
    evil = b'/tmp/a\nb\x1b[31m\xff\xc2\x9b"\\\xc3\xa9'
    path = f.put("a.scap", capture(openat(0, evil)))
    got = run(path, "-p", "%evt.arg.name").stdout.decode()
    same(got, '/tmp/a\\nb\\x1b[31m\\xff\\xc2\\x9b"\\é\n'.replace("\\\\", "\\"))
    value = json.loads(run(path, "-j", "-p", "%evt.arg.name").stdout)["evt.arg.name"]
    same(value, '/tmp/a\nb\x1b[31m\ufffd\u009b"\\é')


def summary(f):
    path = f.put("a.scap", SMALL)
    got = "\n".join(lines(path, "-S", "-q"))
    assert re.search(r"^\s+write\s+3\s+484 B", got, re.M), got
    assert re.search(r"^\s+openat\s+2\s+1\s", got, re.M), got
    assert re.search(r"events\s+5\b", got), got
    s = json.loads(lines(path, "-S", "-q", "-j")[0])["summary"]
    same((s["events"], s["bytes_written"], s["types"][0]["type"]), (5, 484, "write"))


def from_pipe(f):
    same(lines("-", "-p", "%evt.num", stdin=SMALL), list("12345"))
    same(lines("-", "-p", "%evt.num", stdin=gzip.compress(SMALL)), list("12345"))


def reader_goes(f):
    path = f.put("a.scap", capture(*(write(i, b"x" * 70) for i in range(20000))))
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {KOBAN} read {path} | head -n 2"],
                          capture_output=True, check=False, env=ENV)
    same((done.returncode, done.stderr, len(done.stdout.splitlines())), (0, b"", 2))


def damaged(f):
    for cut in (SMALL[:-30], SMALL + b"\xff" * 40):
        done = run(f.put("a.scap", cut), "-p", "%evt.num")
        same(done.returncode, 2)
        assert done.stdout.decode().split()[:4] == list("1234"), done.stdout
        assert re.search(r"a\.scap: at byte \d+", done.stderr.decode()), done.stderr


def terminal(f):
    path = f.put("a.scap", SMALL)

    def shown(**env):
        master, slave = pty.openpty()
        subprocess.run([KOBAN, "read", path], stdout=slave, check=False, env=dict(ENV, **env))
        os.close(slave)
        out = b""
        try:
            while part := os.read(master, 65536):
                out += part
        except OSError:
            pass
        os.close(master)
        return out.decode().replace("\r\n", "\n")

    got = shown(NO_COLOR="")
    assert "\x1b[34mwrite\x1b[0m res=6" in got, got
    assert "\x1b[31mopenat\x1b[0m \x1b[31mfd=-2(ENOENT)\x1b[0m dirfd" in got, got
    same(shown(NO_COLOR="1"), run(path).stdout.decode())


# ---- real captures ---------------------------------------------------------------------------

def corpus():
    return sorted(SHARED.glob("*.scap"))


def needs(path=None, tool=None):
    if path and not path.exists():
        return f"skipped: needs ../shared/{path.relative_to(path.parents[1])}"
    return f"skipped: needs {tool}" if tool and not shutil.which(tool) else None


def corpus_reads(f):
    for path in corpus():
        done = run(str(path))
        assert done.returncode == 0 and not done.stderr, (path, done.stderr)
        assert all(re.match(r"\d+ \d\d:\d\d:\d\d\.\d{9} \d+ ", x)
                   for x in done.stdout.decode().splitlines()), path
        n = len(done.stdout.splitlines())
        parsed = [json.loads(x) for x in lines(str(path), "-j", "-p", "*%evt.num %evt.args")]
        same(len(parsed), n)


SYSDIG_EVENTS = "evt.is_io=true and evt.buffer exists"


def beside_sysdig(f):
    """The data of every event that sysdig shows, in each form; and all of it in JSON."""
    compared = 0
    for path in corpus():
        for form in ("-X", "-x", "-A", "-b", None):
            args = [*([form] if form else []), "-p", "%evt.num|%evt.buffer|", SYSDIG_EVENTS]
            theirs = run("-r", str(path), *args, prog="sysdig").stdout
            if not theirs:
                continue
            ours = run(str(path), *args).stdout
            same(blocks(ours, theirs), blocks(theirs, theirs))
            compared += 1
    assert compared > 20, compared


def blocks(out, wanted):
    """Event number to text, of the events that `wanted` has; koban has no empty buffers."""
    def split(b):
        return {m[1]: m[2] for m in re.finditer(r"^(\d+)\|(.*?)\|$", b.decode("latin-1"),
                                                re.M | re.S)}
    numbers = {k for k, v in split(wanted).items() if v.strip()}
    return {k: v for k, v in split(out).items() if k in numbers}


def lines_of_sysdig(f):
    """Each parameter that sysdig prints of an exit stands in koban's line of that event."""
    different = total = 0
    for path in corpus():
        form = ["-p", "*%evt.num %evt.type %proc.name %evt.args"]
        theirs = run("-r", str(path), *form, "evt.dir=<", prog="sysdig").stdout.decode("latin-1")
        ours = {x.split(" ", 1)[0]: x for x in
                run(str(path), *form).stdout.decode("latin-1").splitlines()}
        for line in theirs.splitlines():
            num = line.split(" ", 1)[0]
            if not num.isdigit() or num not in ours:
                continue
            total += 1
            words = line.split()
            different += not set(words[:3]) <= set(ours[num].split())
    assert total > 5000 and different * 50 < total, (different, total)


CASES = [
    ("the usual line", usual_line, None),
    ("data is cut at 80, -v does not", data_is_cut, None),
    ("-A -b -x -X", data_forms, None),
    ("-p: widths, tabs, missing fields, -pp, -pc", formats, None),
    ("-t h a r d D", times, None),
    ("enter and exit are one line, with the time between", latency, None),
    ("filters, -r -n -d -M", filters, None),
    ("mistakes are named with their place, exit 2", mistakes, None),
    ("JSON lines", json_lines, None),
    ("names cannot break a line or speak to a terminal", hostile_names, None),
    ("-S, also as JSON", summary, None),
    ("from a pipe, plain and packed", from_pipe, None),
    ("| head ends it quietly", reader_goes, None),
    ("what is before the damage is printed, then where it is", damaged, None),
    ("colours on a terminal, none with NO_COLOR", terminal, None),
    ("every capture of the corpus", corpus_reads, needs(SHARED)),
    ("data as sysdig prints it", beside_sysdig, needs(SHARED) or needs(tool="sysdig")),
    ("lines as sysdig prints them", lines_of_sysdig, needs(SHARED) or needs(tool="sysdig")),
]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    for n, (name, case, skip) in enumerate(CASES, 1):
        if skip:
            print(f"ok {n} - {name} # SKIP {skip}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(Files(folder))
                print(f"ok {n} - {name}")
            except (AssertionError, ValueError, KeyError, IndexError, OSError) as e:
                failed += 1
                print(f"not ok {n} - {name}")
                for line in f"{type(e).__name__}: {e}".splitlines()[:40]:
                    print(f"# {line[:400]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
