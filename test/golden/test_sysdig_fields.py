#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""
Every field that Debian's sysdig and koban both know, over the capture corpus, event by event; what
test_sysdig_captures.py compares (event types, arguments, names of descriptors) is not repeated.

A difference is allowed only if a row of CAUSES explains it, and only as often as the row says: a new
one fails, and so does one that went away (then the number is lowered here). --verbose prints those
that nothing explains, --count prints how often each row holds.
"""
import collections
import json
import re
import shutil
import subprocess
import sys

import test_sysdig_captures as captures
from test_sysdig_captures import KOBAN, Tap

# sysdig 0.29.3 ends with an error ("wrong event type") when it is to print them.
BROKEN = {"proc.fdusage"}
# Fields that need an argument, with some that events have.
WITH_ARGUMENT = ["thread.cgroup.cpu", "thread.cgroup.blkio", "proc.aname[1]", "proc.aname[2]",
                 "proc.apid[1]"]
NONE = (None, "", "<NA>", "NULL")


def is_field(d, *names):
    return d.field in names


def is_class(d, *classes):
    return d.field.split(".")[0] in classes


def same_text(d):
    return isinstance(d.theirs, str) and isinstance(d.ours, str) \
        and d.theirs.split() == d.ours.split()


def is_hex(d):
    try:
        return int(str(d.theirs), 16) == d.ours
    except ValueError:
        return False


CAUSES = [
    ("category", 4163, lambda d: is_field(d, "evt.category") and d.ours == "other",
     "of calls without an event of their own koban keeps no category"),
    ("renamed", 55, lambda d: is_field(d, "syscall.type") and captures.RENAMED.get(d.theirs) == d.ours,
     "libs have renamed the event since"),
    ("idle", 19122, lambda d: d.type == "switch" and d.theirs is None
     and (is_class(d, "proc", "thread", "container", "user", "group") or is_field(d, "evt.count.exit",
                                                                                 "syscall.type")),
     "of a switch, above all from the idle task, which is no process, sysdig has no value"),
    ("blanks", 17010, same_text, "sysdig ends what it joins in a blank"),
    ("number", 3591, lambda d: is_field(d, "fd.dev") and is_hex(d),
     "a device is text in hexadecimal there and a number here"),
    ("nothing", 129440, lambda d: d.ours in NONE and d.theirs in (0, "0", "0ns", "", False, "NONE", "<NA>", -1),
     "what is not there is missing here, and a zero there"),
    ("empty", 108712, lambda d: d.theirs is None and d.ours in ("", 0, False, "<NA>", ":", -1),
     "the other way round: an empty value here, none there"),
    ("ancestors", 30272, lambda d: is_field(d, "proc.aname", "proc.apid", "proc.loginshellid") and d.theirs is None,
     "without a number libs list all ancestors since; 0.29.3 has no value"),
    ("delta", 33358, lambda d: d.field.startswith("evt.deltatime") and d.theirs in (0, "0"),
     "0.29.3 prints 0 always"),
    ("zero-time", 11225, lambda d: d.field.startswith("evt.reltime"),
     "sysdig's zero lies before the first event of two files, by a part of a second"),
    ("map-file", 5854, lambda d: d.type == "mmap" and is_class(d, "fd") and d.theirs is None,
     "koban knows which file a mapping is of; sysdig does not look"),
    ("arguments", 9642, lambda d: is_field(d, "evt.args", "evt.info"),
     "as test_sysdig_captures.py explains, argument by argument"),
    ("path", 975, lambda d: is_field(d, "evt.abspath") and d.theirs is None,
     "koban has the path of every call that names a file"),
    ("stranger", 26014, lambda d: is_class(d, "proc", "thread", "user", "group")
     and d.theirs in (None, "", -1, 4294967295, "<NA>", 0, "0"),
     "koban knows it from an ancestor, from the process or from the event itself"),
    ("case", 469, lambda d: is_field(d, "evt.category") and str(d.theirs).lower() == d.ours,
     "libs write ipc in small letters since"),
    ("memory", 4723, lambda d: d.ours == 0 and d.field.startswith("fd.dev") or
     is_field(d, "user.loginuid", "proc.is_exe_writable", "group.gid", "fd.name_changed"),
     "older files do not tell it, and 0.29.3 prints what lies in its memory"),
    ("parameter-name", 4297, lambda d: is_field(d, "proc.vpgid"),
     "what 0.29.3 calls pgid is vpgid today, and so the event means another number"),
    ("by-process", 2622, lambda d: is_field(d, "thread.pfminor", "thread.pfmajor", "proc.vmrss",
                                         "proc.vmsize", "proc.cmdline", "proc.nchilds"),
     "koban keeps by process what sysdig keeps by thread, and takes the newest"),
    ("closed", 3005, lambda d: is_field(d, "proc.fdopencount"),
     "a close takes the descriptor away with its event, an exec those that close with it"),
    ("switch-latency", 570, lambda d: d.field.startswith("evt.latency") and d.type == "switch",
     "a switch is no call that takes time: sysdig counts from the thread's last begin of a call"),
    ("begin-latency", 2, lambda d: d.field.startswith("evt.latency") and d.ours is None,
     "the begin of a call has no latency; 0.29.3 prints that of the call before in words"),
    ("latency-words", 808, lambda d: is_field(d, "evt.latency.human")
     and str(d.theirs)[-2:] == str(d.ours)[-2:],
     "0.29.3 leaves the fraction out of some: 11us for 11.82us"),
    ("unknown-kind", 21, lambda d: is_field(d, "evt.category"),
     "the kind of input and output follows from the descriptor, where the two know different ones"),
    ("pipe-name", 2, lambda d: is_field(d, "fdlist.names") and "pipe:[" in str(d.ours),
     "0.29.3 forgets the name of a pipe that pipe() made"),
    ("session", 1989, lambda d: is_field(d, "proc.sname"),
     "koban names the leader of the process's session; sysdig, where it is not known, an ancestor"),
    ("thread-parent", 474, lambda d: is_field(d, "proc.pname", "proc.pcmdline", "proc.duration")
     and d.file.startswith("curl_google"),
     "a thread's parent is that of its process; sysdig's is the process itself"),
    ("own-address", 2448, lambda d: is_field(d, "fd.lip", "fd.rip", "fd.lport", "fd.rport", "fd.lproto",
                                          "fd.rproto"),
     "the local end is that of the call; sysdig asks the addresses of the machine that recorded"),
    ("raw-socket", 171, lambda d: d.file.startswith("ping") and is_class(d, "fd", "evt")
     and d.theirs is None, "the socket is older than the capture: koban knows it from the call's addresses"),
    ("entering", 486, lambda d: is_class(d, "fd") and d.dir == ">",
     "at the begin of a call sysdig still shows the thread's last descriptor, or none"),
    ("failed-open", 56, lambda d: is_field(d, "fd.uid") and str(d.theirs).endswith("-1"),
     "the number of a file that was not opened: here the error, there -1"),
    ("copied", 64, lambda d: is_field(d, "fd.num", "fd.uid") and d.type == "fcntl",
     "of fcntl(F_DUPFD) the event's descriptor is the one that is copied; sysdig's the copy"),
    ("folder-fd", 59, lambda d: is_class(d, "fd") and d.theirs is None
     and d.type in ("unlinkat", "mkdirat", "symlinkat", "openat"),
     "koban knows the descriptor that a path starts from"),
    ("nameless", 373, lambda d: is_field(d, "fd.directory", "fd.containerdirectory", "fd.containername",
                                       "fd.filename"),
     "as the descriptor's name, whose differences test_sysdig_captures.py explains"),
    ("ends", 185, lambda d: is_class(d, "fd"),
     "ends, role and protocol of sockets that koban takes from the newest call"),
    ("meta", 88, lambda d: is_field(d, "evt.count.exit", "evt.res", "evt.rawres")
     and d.type in ("procexit", "signaldeliver") and d.theirs is None,
     "events of no call: koban counts them, and gives a process's status as its result"),
    ("closed-at-exec", 2, lambda d: d.field.startswith("evt.count.error") and d.type == "fcntl",
     "an EBADF of a descriptor that exec had closed, which sysdig takes for a file"),
]


def main():
    if not captures.CORPUS.is_dir():
        print("1..0 # SKIP skipped: needs ../shared/corpora/scap")
        return 0
    if not shutil.which("sysdig") or \
            captures.VERSION not in captures.run(["sysdig", "--version"]).decode():
        print(f"1..0 # SKIP skipped: needs sysdig {captures.VERSION}")
        return 0
    tap = Tap()
    fields = both_know()
    tap.point(len(fields) > 170, f"{len(fields)} fields that both know")
    check(tap, fields)
    print(f"1..{tap.n}")
    return 1 if tap.failed else 0


def both_know():
    theirs = set(re.findall(r"^([a-z0-9]+\.[a-z_.0-9]+)", captures.run(["sysdig", "-l"]).decode(),
                            re.MULTILINE))
    ours = {f["name"]: f for c in json.loads(captures.run([KOBAN, "fields", "--all", "--json"]))
            for f in c["fields"]}
    plain = [f for f in sorted(theirs & ours.keys())
             if ours[f]["argument"] != "required" and not ours[f]["filter_only"]]
    return [f for f in plain + WITH_ARGUMENT if f not in BROKEN and f not in captures.BASE]


def cause_of(d):
    return next((c[0] for c in CAUSES if c[2](d)), None)


def check(tap, fields):
    counts = collections.Counter()
    unexplained, missing = [], []
    files = [f for f in sorted(captures.CORPUS.glob("*.scap")) if f.name not in captures.UNREADABLE]
    for f in files:
        only_theirs, only_ours, found = captures.compare(f, ["evt.num", "evt.type", "evt.dir", *fields])
        missing += [f"{f.name}: {n}" for n in only_theirs + only_ours]
        for d in found:
            if d.field == "evt.type":
                continue
            cause = cause_of(d)
            counts[cause] += 1
            if cause is None:
                unexplained.append(d)
    tap.point(not missing, "both have the same events", missing[:20])
    tap.point(not unexplained, "every difference is explained",
              [str(d) for d in unexplained[:len(unexplained) if "--verbose" in sys.argv else 40]])
    for cause, expected, _, why in CAUSES:
        if "--count" in sys.argv:
            print(f"# {cause} {counts[cause]}")
        tap.point(counts[cause] == expected, f"{cause}: {expected} times ({why})",
                  [f"expected {expected}, found {counts[cause]}"])


if __name__ == "__main__":
    sys.exit(main())
