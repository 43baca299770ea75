#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
"""
Chisels beside Debian's sysdig over the capture corpus: for every chisel that koban has under
sysdig's name, both run on each file, and the rows are compared: keys and values, not the form of
headings and units.

A difference is allowed only if a row of CAUSES explains it, and only as often as the row says: a new
one fails, and so does one that went away (then the number is lowered here). --verbose prints all.
"""
import collections
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KOBAN = Path(os.environ.get("KOBAN_BUILD", ROOT / "build")) / "src/cmd/koban"
CORPUS = Path(os.environ.get("KOBAN_SHARED", ROOT.parent / "shared")) / "corpora/scap"
VERSION = "0.29.3"
PRINTED = re.compile(r"\[[0-9;]*m|[^!-~]")  # colours, what koban does not print, blanks
LIMITS = (10, 30, 100)  # rows that a table shows at most
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

# The files in which the most kinds of things happen.
RICH = ("alpine", "client", "curl_google.", "files", "mpm", "namespaces", "ping", "privileged",
        "run_as_user_0", "test_ipv6")


def run(cmd):
    out = subprocess.run([str(c) for c in cmd], capture_output=True, check=False,
                         env={**os.environ, "TZ": "UTC"})
    return ESCAPES.sub("", out.stdout.decode(errors="replace"))


def objects(file, *args):
    """koban's rows as JSON objects."""
    return [json.loads(line) for line in run([KOBAN, "read", file, "--json", *args]).splitlines()]


# ---- both sides of each kind of chisel: file, name, arguments -> Counter of rows -----------------

class Table:
    """Keys and a number; sysdig's enters count too, so koban reads them where calls are counted."""

    def __init__(self, scale=1, enters=False, digits=None, keyed=True):
        self.scale, self.enters, self.digits, self.keyed = scale, enters, digits, keyed

    def number(self, value):
        return round(value * self.scale, self.digits) if self.digits is not None else int(value)

    def theirs(self, file, args):
        text = run(["sysdig", "-j", "-r", file, "-c", *args])
        data = json.loads(text)["data"] if text.strip() else []
        return collections.Counter((*map(str, row[:-1]), self.number(row[-1])) for row in data)

    def ours(self, file, args):
        rows = objects(file, *(["--enters"] if self.enters else []), "-c", *args)
        found = collections.Counter()
        for row in rows:
            value, *keys = row.values()
            found[(*map(str, keys), self.number(value))] += 1
        return found


class Cpu(Table):
    """Both in percent of the capture's length, with two digits: sysdig has no more."""

    def theirs(self, file, args):
        found = collections.Counter()
        for line in run(["sysdig", "-r", file, "-c", *args]).splitlines()[2:]:
            value, rest = line.split("%", 1)
            keys = [k for k in re.split(r"\s{2,}", rest.strip()) if k]
            if float(value) > 0:
                found[(*keys, float(value))] += 1
        return found

    def ours(self, file, args):
        found = collections.Counter()
        for row in objects(file, "-c", *args):
            value, *keys = row.values()
            if round(value, 2) > 0:
                found[(*map(str, keys), round(value, 2))] += 1
        return found


class Seconds:
    """iobytes: sysdig prints a line a second, also when nothing moved; koban only when it did."""

    def theirs(self, file, args):
        lines = re.findall(r"^(\S+) in:(\d+) out:(\d+) tot:(\d+)$",
                           run(["sysdig", "-r", file, "-c", *args]), re.M)
        total = [sum(int(x[i]) for x in lines) for i in (1, 2, 3)]
        return collections.Counter([("in", total[0]), ("out", total[1]), ("total", total[2])])

    def ours(self, file, args):
        rows = objects(file, "-c", *args)
        return collections.Counter(
            [(name.lower(), sum(r[name] or 0 for r in rows)) for name in ("IN", "OUT", "TOTAL")])


class Lines:
    """sysdig's lines by a pattern; koban's objects by names of columns."""

    def __init__(self, pattern, *columns, flags=re.M, options=()):
        self.pattern, self.columns, self.options = re.compile(pattern, flags), columns, options

    def theirs(self, file, args):
        text = run(["sysdig", *self.options, "-r", file, "-c", *args])
        return collections.Counter(tuple(x.strip() for x in m.groups())
                                   for m in self.pattern.finditer(text))

    def ours(self, file, args):
        found = collections.Counter()
        for row in objects(file, *self.options, "-c", *args):
            found[tuple(c(row) if callable(c) else str(row[c])
                        for c in self.columns)] += 1
        return collections.Counter(
            {tuple(x.strip() for x in row): n for row, n in found.items()})


def cut(column, width):
    """sysdig's columns have a width; what is missing is nil or <NA>."""
    return lambda row: str("<NA>" if row[column] is None else row[column])[:width].strip()


def known(column, width):
    """The same, where what is missing is nothing."""
    return lambda row: (row[column] or "").replace("<NA>", "")[:width]


def size(column):
    """As sysdig's scripts print bytes."""
    def text(row):
        n = row[column] or 0
        for unit, shift in (("G", 30), ("M", 20), ("KB", 10)):
            if n > 1 << shift:
                # its Lua rounds halves up
                return f"{int(n * 100 / (1 << shift) + 0.5) / 100:.2f}{unit}"
        return f"{n}B"
    return text


def took(column):
    """A time as sysdig's scripts print it."""
    def text(row):
        ns = row[column]
        if ns >= 10**9:
            return f"{ns // 10**9}.{ns % 10**9 // 10**7:02}s"
        for unit, one in (("ms", 10**6), ("us", 10**3)):
            if ns >= one * 10:
                return f"{ns // one}{unit}"
            if ns >= one:
                return f"{ns // one}.{ns % one * 100 // one:02}{unit}"
        return f"{ns}ns"
    return text


def milliseconds(row):
    return f"{row['TOOK'] / 1e6:.14g}"


class Text:
    """Data that is printed: all of it, without the line ends that either adds."""

    def __init__(self, *fields):
        self.fields = fields

    def theirs(self, file, args):
        text = run(["sysdig", "-r", file, "-c", *args])
        return collections.Counter([PRINTED.sub("", text)])

    def ours(self, file, args):
        return collections.Counter(
            [PRINTED.sub("", run([KOBAN, "read", file, "-c", *args]))])


CHISELS = [
    (("topprocs_net",), Table()), (("topprocs_file",), Table()), (("topprocs_errors",), Table()),
    (("topfiles_bytes",), Table()), (("topfiles_time",), Table()), (("topfiles_errors",), Table()),
    (("topconns",), Table()), (("topports_server",), Table()),
    (("topscalls",), Table(enters=True)), (("topscalls_time",), Table()),
    (("topcontainers_net",), Table()), (("topcontainers_file",), Table()),
    (("topcontainers_error",), Table()),
    (("topprocs_cpu",), Cpu()), (("topcontainers_cpu",), Cpu()),
    (("fdbytes_by", "fd.name"), Table()), (("fdbytes_by", "proc.name"), Table()),
    (("fdbytes_by", "fd.directory"), Table()), (("fdtime_by", "fd.type"), Table()),
    (("iobytes",), Seconds()), (("iobytes_file",), Seconds()), (("iobytes_net",), Seconds()),
    (("ps",), Lines(r"^(\d.{7})(.{8})(.{12})(.{11})(.{11}).{10}(.*)$",
                    "TID", "PID", cut("USER", 11), size("VIRT"), size("RES"), "COMMAND")),
    (("lsof",), Lines(r"^(.{20})(\d+) +\2 +(\S+) +(\d+) +(\w+) +(.*)$",
                      cut("COMMAND", 19), "PID", cut("USER", 7), "FD", cut("TYPE", 11),
                      cut("NAME", 9999))),
    (("netstat",), Lines(r"^(\w+) +(\S+) +(\S+) +\w+ +(\d+)/\4/(.*)$", "PROTO",
                         lambda r: f"{r['SERVER']}:{r['SPORT']}"[:24],
                         lambda r: f"{r['CLIENT'] or '0.0.0.0'}:{r['CPORT'] or '*'}"[:24],
                         "PID", "PROCESS")),
    (("lscontainers",), Lines(r"^(?!container\.|-)(.{15})(.{16})(.{20})(\w+)\s*$", "TYPE",
                              known("IMAGE", 15), known("NAME", 19), "ID")),
    (("bottlenecks",), Lines(r"^(\d+)\) (\d+\.\d{9}) (.*) \((\d+)\) < (\S+)", "NUMBER",
                             lambda r: f"{r['TOOK'] // 10**9}.{r['TOOK'] % 10**9:09}",
                             "PROCESS", "TID", "CALL")),
    (("fileslower", "0"), Lines(r"^(\d{4}-.{18}) (.{12}) (\S+) +(\d+) (.*)$",
                                cut("TIME", 23), cut("PROCESS", 12), "CALL",
                                lambda r: str(r["TOOK"] // 10**6), "FILE")),
    (("netlower", "0"), Lines(r"^(\d{4}-.{18}) (.{12}) (\S+) +(\d+) (.*)$",
                              cut("TIME", 23), cut("PROCESS", 12), "CALL",
                              lambda r: str(r["TOOK"] // 10**6), "CONNECTION")),
    (("scallslower", "1"), Lines(r"^(\d{4}-.{18}) (.{23}) (\S+) +(\S+)$",
                                 cut("TIME", 23), cut("PROCESS", 23), milliseconds, "CALL")),
    (("proc_exec_time",), Lines(r"^(\d\S*[sS]) +(.{12}) (.*)$", took("RAN"), cut("PROCESS", 12),
                                "ARGUMENTS")),
    (("spy_users",), Lines(r"^ *(\d+) (\d\d:\d\d:\d\d) (\S+)\) (.*)$", "SHELL", "TIME", "USER",
                           lambda r: "cd " + r["FOLDER"] if r["FOLDER"] else r["COMMAND"])),
    (("stdin",), Text()), (("stdout",), Text()), (("stderr",), Text()),
]

# ---- differences --------------------------------------------------------------------------------


class Difference:
    """A row that only one of both has; of a table with the value that the other has instead."""

    def __init__(self, file, name, side, row, other):
        self.file, self.name, self.side, self.row = file, name, side, row
        self.chisel = name.split()[0]
        self.instead = next((r[-1] for r in other if r[:-1] == row[:-1]), None)
        self.other = other

    def __str__(self):
        return f"{self.file} {self.name}: only {self.side} {self.row!r}"


RENAMED = {"accept": "accept4", "sigreturn": "rt_sigreturn", "<unknown>": "unknown"}


def is_renamed(d):
    """A call that libs have renamed since, on either side."""
    return any(old in d.row or new in d.row for old, new in RENAMED.items())


def differs_in(*places):
    """Everything but these columns is the same in a row of the other one."""
    def holds(d):
        mine = [x for i, x in enumerate(d.row) if i not in places]
        return any([x for i, x in enumerate(r) if i not in places] == mine for r in d.other)
    return holds


# id, how often over these files, predicate, explanation. The first that holds counts.
CAUSES = [
    ("no-calls", 11, lambda d: d.chisel == "topscalls" and d.row[0] in ("procinfo", "container"),
     "samples of CPU time and news of containers are no calls"),
    ("switches", 6, lambda d: d.chisel == "topscalls_time" and d.row[0] == "switch",
     "a switch of tasks takes no time that anybody waits for"),
    ("renamed", 59, lambda d: d.chisel in ("topscalls", "topscalls_time", "bottlenecks",
                                          "scallslower") and is_renamed(d),
     "libs have renamed the call since"),
    ("length", 22, lambda d: d.chisel.endswith("_cpu") and d.instead is not None
     and abs(d.row[-1] - d.instead) <= 0.05 * max(d.row[-1], d.instead) + 0.011,
     "koban divides by the time from the first sample to the last"),
    ("raw-socket", 64, lambda d: d.file.startswith("ping"),
     "the socket is older than the capture: koban knows it from the calls' own addresses"),
    ("thread-name", 222, lambda d: d.chisel == "ps" and d.row[0] != d.row[1] and differs_in(5)(d)
     or d.chisel in ("topprocs_errors", "fdbytes_by", "scallslower") and ("gmain" in d.row
                                                           or "accounts-daemon" in d.row),
     "koban's proc.name is the process's; sysdig's is the thread's own"),
    ("pipe-name", 5, lambda d: d.name == "fdbytes_by fd.name" and d.file.startswith("namespaces"),
     "0.29.3 forgets the name of a pipe that pipe() made, so all are one row"),
    ("no-folder", 5, lambda d: d.name == "fdbytes_by fd.directory" and d.row[0] == "/",
     "what has no name lies in no folder; sysdig takes / for it"),
    ("newline", 2, lambda d: d.name == "fdbytes_by fd.name" and "docker.sock" in d.row[0],
     "the file's own name of a socket ends in a newline: sysdig drops it"),
    ("begin", 26, lambda d: d.file.startswith("run_as") and d.chisel in (
        "topprocs_file", "fdbytes_by", "iobytes", "iobytes_file", "iobytes_net", "stdin"),
     "the begin of a read is not in the file, and so not which descriptor it was of: sysdig takes "
     "the thread's last one; and iobytes of sysdig leaves out the second in which a file ends"),
    ("closed-at-exec", 1, lambda d: d.chisel == "topfiles_errors"
     and d.file.startswith("namespaces") and d.row[0] == "/dev/pts/3",
     "exec closed descriptor 255; sysdig still has it"),
    ("reconnect", 8, lambda d: d.file.startswith("test_ipv6") and d.chisel in (
        "topconns", "fdbytes_by", "netlower"),
     "koban takes the ends of a datagram socket from the newest call; sysdig keeps the first"),
    ("memory", 8, lambda d: d.chisel == "ps" and d.row[5] == "sysdig",
     "the file gives the threads of sysdig different sizes, as it grew while it wrote them: koban "
     "shows the process's"),
    ("first-event", 9, lambda d: d.side == "koban" and (d.chisel == "ps" or "8082" in d.row),
     "koban's first event is the end of a call, sysdig's its begin: between the two a process was "
     "cloned or executed a program"),
    ("no-type", 12, lambda d: d.chisel == "lsof" and d.row[4] == "<NA>",
     "a descriptor of a type that the capture does not know: sysdig's line has one word less"),
    ("container-type", 2, lambda d: d.chisel == "lscontainers" and differs_in(0)(d),
     "koban knows a podman container by its cgroup"),
    ("container-event", 1, lambda d: d.chisel == "lscontainers"
     and d.file.startswith("privileged"),
     "a capture that has no event but that of a container: sysdig shows no list"),
    ("user", 10, lambda d: d.chisel == "spy_users" and differs_in(2)(d),
     "koban knows the user at an exec already"),
    ("thread-age", 1, lambda d: d.chisel == "proc_exec_time",
     "the end of a thread: koban knows how long processes ran"),
]


def cause_of(d):
    return next((c[0] for c in CAUSES if c[2](d)), None)


def above(rows, least):
    return collections.Counter({r: n for r, n in rows.items() if r[-1] > least})


def without_ends(theirs, ours):
    """A table that is cut off ends anywhere among equal values, each time elsewhere in sysdig's."""
    ends = [min(r[-1] for r in rows) for rows in (theirs, ours) if len(rows) in LIMITS]
    return (above(theirs, max(ends)), above(ours, max(ends))) if ends else (theirs, ours)


def compare(file, args, kind):
    theirs, ours = kind.theirs(file, args), kind.ours(file, args)
    if isinstance(kind, Table):
        theirs, ours = without_ends(theirs, ours)
    name = " ".join(args)
    found = [Difference(file.name, name, "sysdig", row, ours)
             for row in (theirs - ours).elements()]
    found += [Difference(file.name, name, "koban", row, theirs)
              for row in (ours - theirs).elements()]
    return found, sum((theirs & ours).values())


class Tap:
    """Points are counted as they come; the plan is at the end."""

    def __init__(self):
        self.n = self.failed = 0

    def point(self, good, title, notes=()):
        self.n += 1
        self.failed += not good
        for line in () if good else notes:
            print(f"# {line}")
        print(f"{'ok' if good else 'not ok'} {self.n} - {title}", flush=True)


def main():
    why = None
    if not CORPUS.is_dir():
        why = "needs ../shared/corpora/scap"
    elif not shutil.which("sysdig"):
        why = "needs sysdig"
    elif VERSION not in run(["sysdig", "--version"]):
        why = f"needs sysdig {VERSION}"
    if why:
        print(f"1..0 # SKIP skipped: {why}")
        return 0
    files = [f for f in sorted(CORPUS.glob("*.scap")) if f.name.startswith(RICH)]
    only = [a for a in sys.argv[1:] if not a.startswith("-")]
    tap, counts = Tap(), collections.Counter()
    pool = concurrent.futures.ThreadPoolExecutor(3)
    for args, kind in CHISELS:
        if only and args[0] not in only:
            continue
        same, unexplained = 0, []
        # programs are waited for, most of the time
        for found, both in pool.map(lambda f, a=args, k=kind: compare(f, a, k), files):
            same += both
            for d in found:
                cause = cause_of(d)
                counts[cause] += 1
                if cause is None:
                    unexplained.append(str(d))
                if "--verbose" in sys.argv:
                    print(f"# {cause}: {d}")
        tap.point(not unexplained, f"{' '.join(args)}: {same} rows are the same", unexplained[:40])
    for cause, expected, _, why in () if only else CAUSES:
        tap.point(counts[cause] == expected, f"{cause}: {expected} times ({why})",
                  [f"expected {expected}, found {counts[cause]}"])
    print(f"1..{tap.n}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
