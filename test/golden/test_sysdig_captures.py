#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""
koban read beside Debian's sysdig over the capture corpus: the same event numbers, and for each event
the same type, direction, process, thread, descriptor name, time and arguments (those that sysdig
knows, by name); and filters that must select the same numbers in both.

A difference is allowed only if a row of CAUSES explains it, and only as often as the row says: a new
one fails, and so does one that went away (then the number is lowered here). --verbose prints all.
"""
import collections
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
BASE = ["evt.num", "evt.type", "evt.dir", "evt.rawtime", "proc.name", "proc.pid", "thread.tid",
        "fd.name"]

# sysdig 0.29.3 cannot read pcapng comments.
UNREADABLE = {"curl_google_comments.scap"}

# What 0.29.3 shows under a name that libs have changed since.
RENAMED = {"sigreturn": "rt_sigreturn", "<unknown>": "unknown", "accept": "accept4"}


class Difference:
    """One field of one event."""

    def __init__(self, file, field, theirs, ours):
        self.file, self.field = file, field
        self.theirs, self.ours = theirs.get(field), ours.get(field)
        self.type, self.dir = theirs["evt.type"], theirs["evt.dir"]
        self.num = theirs["evt.num"]

    def __str__(self):
        return (f"{self.file} {self.num} {self.type} {self.dir} {self.field}: "
                f"sysdig {self.theirs!r}, koban {self.ours!r}")


def is_arg(d, *names):
    return d.field in tuple(f"evt.arg.{n}" for n in names)


def adds_detail(d):
    """<p> and <p>pipe:[1], <6> and <6t>: the same kind, more known."""
    m = re.fullmatch(r"<(\w)>", str(d.theirs))
    return d.field.startswith("evt.arg.") and m and str(d.ours).startswith("<" + m[1])


# id, how often over the whole corpus, predicate, explanation. The first that holds counts.
CAUSES = [
    ("renamed", 85, lambda d: d.field in ("evt.type", "evt.arg.ID")
     and RENAMED.get(d.theirs) == d.ours,
     "libs have renamed the event since"),
    ("nobody", 390, lambda d: d.field in ("proc.name", "proc.pid") and d.type == "switch"
     and d.theirs is None,
     "the idle task is no process: sysdig has no value, koban an unnamed one"),
    ("namespace", 6, lambda d: is_arg(d, "vpid", "vtid") and d.theirs == "systemd" and d.ours == "1",
     "1 of a container is its own first process: sysdig names it after the machine's"),
    ("container-event", 2, lambda d: d.type == "container",
     "a container event has no thread: sysdig makes one up after the container's id"),
    ("unknown-name", 815, lambda d: d.field == "fd.name" and d.theirs is None
     and d.ours == "",
     "a descriptor of which nothing is known: sysdig has no value, koban an empty one"),
    ("map-file", 642, lambda d: d.field == "fd.name" and d.theirs is None
     and d.type == "mmap",
     "koban knows which file a mapping is of; sysdig does not look"),
    ("pipe-name", 322, lambda d: d.field == "fd.name" and d.theirs == ""
     and str(d.ours).startswith("pipe:["),
     "0.29.3 forgets the name of a pipe that pipe() made"),
    ("newline", 15, lambda d: d.field in ("fd.name", "evt.arg.fd")
     and str(d.ours).strip() == d.theirs,
     "the file's own name of a socket ends in a newline: sysdig drops it, koban keeps what is there"),
    ("reconnect", 16, lambda d: d.field in ("fd.name", "evt.arg.fd")
     and (d.field == "fd.name" or re.match("<[46]u>", str(d.theirs)))
     and d.type in ("connect", "sendto", "sendmsg", "close")
     and re.match("[0-9:<.]+[^ ]*->[^ ]*$", str(d.theirs)) and "->" in str(d.ours),
     "koban takes the ends of a datagram socket from the newest call; sysdig keeps the first"),
    ("raw-name", 19, lambda d: d.field == "fd.name" and d.type == "sendmsg"
     and str(d.ours).endswith("->128.32.41.1:0"),
     "as raw-socket, in the field"),
    ("raw-socket", 9, lambda d: d.type == "sendmsg" and is_arg(d, "fd"),
     "the socket is older than the capture: koban knows it from the call's own addresses"),
    ("entry-name", 8, lambda d: d.field == "fd.name" and d.type == "openat"
     and d.dir == ">" and d.theirs is None,
     "koban names the file that is to be opened"),
    ("at-name", 9, lambda d: d.field == "fd.name" and d.theirs is None
     and d.type in ("unlinkat", "mkdirat", "symlinkat"),
     "koban names the file of calls that take a folder; sysdig's field is for descriptors"),
    ("slashes", 2, lambda d: d.field == "fd.name"
     and re.sub("/+", "/", str(d.theirs)) == d.ours,
     "koban joins repeated slashes"),
    ("closed-at-exec", 3, lambda d: d.type == "fcntl" and d.file.startswith("namespaces")
     and d.num in (3369, 3370) and d.field in ("fd.name", "evt.arg.fd"),
     "exec closed descriptor 255, as the EBADF of this very call shows; sysdig still has it"),
    ("no-begin", 1, lambda d: d.field == "fd.name" and d.ours == "" and d.dir == "<",
     "the begin of the call is not in the file: sysdig takes the thread's last descriptor for it"),
    ("thread-name", 47, lambda d: d.field == "proc.name" and d.theirs == "gmain",
     "koban's proc.name is the process's; sysdig's is the thread's own"),
    ("number-base", 471, lambda d: is_arg(d, "res") and d.type == "mmap"
     and str(d.theirs).lower() == f"{int(d.ours):x}",
     "results are decimal in libs since; 0.29.3 prints this one in hexadecimal"),
    ("detail", 218, adds_detail,
     "koban knows a pipe's name and a socket's protocol already"),
    ("empty", 147, lambda d: d.theirs in ("", "NULL") and d.ours in ("NULL", "<NA>"),
     "an empty value is NULL or <NA> in libs since"),
    ("flag-names", 29, lambda d: is_arg(d, "domain", "flags")
     and (str(d.theirs) in str(d.ours) or str(d.theirs).isdigit()),
     "libs name both of AF_LOCAL|AF_UNIX, and newer clone flags"),
    ("parameter-name", 20, lambda d: d.type == "execve" and is_arg(d, "pgid"),
     "what 0.29.3 calls pgid is vpgid today; pgid is a newer parameter"),
    ("login-name", 7, lambda d: is_arg(d, "loginuid"),
     "a login user is a user since: it has a name"),
    ("unix-ends", 28, lambda d: d.field in ("fd.name", "evt.arg.fd")
     and re.fullmatch("(<u>)?[0-9a-f]+->[0-9a-f]+ /.*", str(d.theirs))
     and str(d.theirs).endswith(" " + str(d.ours).removeprefix("<u>")),
     "koban leaves the kernel's addresses out of a unix socket's name"),
    ("not-there", 1, lambda d: d.theirs == "0" and d.ours == "<NA>",
     "a path that could not be read is not available; 0.29.3 prints 0"),
    ("protocol", 1, lambda d: is_arg(d, "fd") and re.match("<[46]>", str(d.theirs))
     and re.sub("^<([46])[tu]>", r"<\1>", str(d.ours)) == d.theirs,
     "as detail, with an address behind it"),
]

# Filters are tried on the files in which the most kinds of things happen.
RICH = ("alpine", "curl_google.", "files", "mpm", "namespaces", "run_as_user_0", "sample",
        "test_ipv6")

# Each must select the same events in both. What the causes above explain is left out of some.
FILTERS = [
    "evt.type=open", "evt.type=openat", "evt.type=read", "evt.type in (read, write)",
    "evt.type=execve", "evt.type=clone", "evt.type=close", "evt.type=connect and evt.dir=<",
    "evt.type=switch", "evt.type=procexit", "evt.type=stat", "evt.type=mmap",
    "evt.num<=600", "evt.num>=1000 and evt.num<1100", "evt.cpu=0 and evt.type!=container", "evt.cpu>0",
    "proc.name=sh", "proc.name contains sysd", "proc.name startswith ba", "proc.name in (vi, touch)",
    "thread.tid=120512", "proc.pid=19747", "proc.name=curl and evt.type=read",
    "evt.dir=< and evt.type=open and fd.name startswith /etc", "fd.name=/etc/passwd and evt.dir=< and evt.type!=mmap",
    "fd.name contains libc and evt.type=read", "evt.type=open and evt.dir=< and fd.num=3",
    "evt.arg.res=0 and evt.dir=< and evt.type!=fcntl", "evt.failed=true", "evt.rawres<0 and evt.type=open",
    "evt.type=open and evt.arg.flags contains O_CREAT and evt.dir=<",
    "proc.name!=sh and evt.type=ioctl", "not evt.type in (open, read, switch, mmap) and evt.dir=<",
    "evt.is_open_write=true", "proc.pname=bash and evt.type=execve", "proc.cmdline contains touch",
    "(evt.type=read or evt.type=lseek) and fd.name startswith /etc and evt.dir=<",
    "fd.type=ipv4 and evt.type=connect and evt.dir=<",
    "evt.type=sendto and evt.dir=<", "user.name=root and evt.type=execve",
]


def run(cmd):
    return subprocess.run(cmd, capture_output=True, check=False,
                          env={**os.environ, "TZ": "UTC"}).stdout


def argument_names():
    names = set()
    for line in run(["sysdig", "-L"]).decode().splitlines():
        if m := re.match(r"[<>] \w+\((.*)\)", line):
            names.update(p.split()[-1] for p in m[1].split(",") if p.strip())
    return sorted(names)


def events(cmd):
    return {e["evt.num"]: e for e in map(json.loads, run(cmd).splitlines())}


def read_both(file, fields):
    form = "*" + " ".join("%" + f for f in fields)
    return (events(["sysdig", "-j", "-r", file, "-p", form]),
            events([KOBAN, "read", file, "--enters", "-j", "-p", form]))


def compare(file, fields):
    """Numbers that only one has, and the differences of the rest."""
    theirs, ours = read_both(file, fields)
    # sysdig keeps the containers that a file begins with to itself
    only_ours = [n for n in ours.keys() - theirs.keys() if ours[n]["evt.type"] != "container"]
    found = []
    for num in sorted(theirs.keys() & ours.keys()):
        a, b = theirs[num], ours[num]
        for f in fields:
            if a.get(f) != b.get(f) and not (f.startswith("evt.arg.") and a.get(f) is None):
                found.append(Difference(file.name, f, a, b))
    return sorted(theirs.keys() - ours.keys()), sorted(only_ours), found


def cause_of(d):
    return next((c[0] for c in CAUSES if c[2](d)), None)


def selected(cmd):
    out = run(cmd).split()
    return {int(n) for n in out}


def compare_filter(text, files):
    """The numbers that differ, by file; and how many both select."""
    wrong, both = [], 0
    for f in (f for f in files if f.name.startswith(RICH)):
        theirs = selected(["sysdig", "-r", f, "-p", "%evt.num", text])
        ours = selected([KOBAN, "read", f, "--enters", "-p", "%evt.num",
                         f"({text}) and evt.type!=container"])
        both += len(theirs & ours)
        if theirs != ours:
            wrong.append(f"{f.name}: only sysdig {sorted(theirs - ours)[:8]}, "
                         f"only koban {sorted(ours - theirs)[:8]}")
    return wrong, both


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


def check_events(tap, files, verbose):
    fields = BASE + [f"evt.arg.{n}" for n in argument_names()]
    counts = collections.Counter()
    for f in files:
        only_theirs, only_ours, found = compare(f, fields)
        tap.point(not only_theirs and not only_ours, f"{f.name}: the same events",
                  [f"only sysdig: {only_theirs[:20]}", f"only koban: {only_ours[:20]}"])
        unexplained = []
        for d in found:
            cause = cause_of(d)
            counts[cause] += 1
            if cause is None:
                unexplained.append(str(d))
            if verbose:
                print(f"# {cause}: {d}")
        tap.point(not unexplained, f"{f.name}: every difference is explained", unexplained[:40])
    for cause, expected, _, why in CAUSES:
        tap.point(counts[cause] == expected, f"{cause}: {expected} times ({why})",
                  [f"expected {expected}, found {counts[cause]}"])


def main():
    why = None
    if not CORPUS.is_dir():
        why = "needs ../shared/corpora/scap"
    elif not shutil.which("sysdig"):
        why = "needs sysdig"
    elif VERSION not in run(["sysdig", "--version"]).decode():
        why = f"needs sysdig {VERSION}"
    if why:
        print(f"1..0 # SKIP skipped: {why}")
        return 0
    files = [f for f in sorted(CORPUS.glob("*.scap")) if f.name not in UNREADABLE]
    tap = Tap()
    check_events(tap, files, "--verbose" in sys.argv)
    some = 0
    for text in FILTERS:
        wrong, both = compare_filter(text, files)
        some += both > 0
        tap.point(not wrong, f"filter {text} ({both} events)", wrong)
    tap.point(some >= 30, f"{some} filters select something")
    print(f"1..{tap.n}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
