#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""
The scripts that Debian's sysdig ships, run by sysdig and by koban over the capture corpus: the same
lines must come out. Tables made of hashes have no order of their own, so lines are compared as a set;
of a table that is cut after so many rows, those that tie with its last row may be any.

A difference is allowed only if a row of CAUSES explains it, and only as often as the row says: a new
one fails, and so does one that went away (then the number is lowered here). --verbose prints all.
"""
import collections
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import fcntl
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KOBAN = Path(os.environ.get("KOBAN_BUILD", ROOT / "build")).resolve() / "src/cmd/koban"
CORPUS = Path(os.environ.get("KOBAN_SHARED", ROOT.parent / "shared")) / "corpora/scap"
SCRIPTS = Path("/usr/share/sysdig/chisels")
VERSION = "0.29.3"
ENV = {"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": "/", "TERM": "xterm-256color"}

FILES = ["sample.scap", "alpine-alpine-b1cbcc.scap", "files-filesat-e49f26.scap",
         "mpm-worker-cold_start_capture-36c51d.scap", "client-server-tcp-client-server-418cac.scap",
         "rename-rename2at-3fc358.scap", "namespaces-setns-cc7fd9.scap"]

# The script and its arguments, as they follow -c.
RUNS = ["bottlenecks", "echo_fds", "fdbytes_by proc.name", "fdbytes_by fd.name",
        "fdcount_by proc.name", "fdcount_by fd.type", "fdtime_by proc.name", "fileslower 0",
        "httplog", "httptop", "httptop time", "httptop bytes", "iobytes", "iobytes_file",
        "iobytes_net", "list_login_shells", "lscontainers", "lscontainers desc", "lsof",
        "lsof fd.type=ipv4", "memcachelog", "netlower 0", "netstat", "netstat fd.sport=80",
        "proc_exec_time", "ps", "ps fd.type=ipv4", "scallslower 0", "spy_file", "spy_file R",
        "spy_ip 127.0.0.1", "spy_logs", "spy_port 80", "spy_users", "stderr", "stdin", "stdout",
        "topconns", "topcontainers_cpu", "topcontainers_error", "topcontainers_file",
        "topcontainers_net", "topfiles_bytes", "topfiles_errors", "topfiles_time",
        "topports_server", "topprocs_cpu", "topprocs_errors", "topprocs_file", "topprocs_net",
        "topscalls", "topscalls_time"]
# With options in front: containers in the lines, a filter behind them, tables as JSON.
MORE = [("-pc topprocs_file", "alpine-alpine-b1cbcc.scap"),
        ("-pc echo_fds", "alpine-alpine-b1cbcc.scap"),
        ("-pc proc_exec_time", "alpine-alpine-b1cbcc.scap"),
        ("-j topfiles_bytes", "alpine-alpine-b1cbcc.scap"),
        ("-j topprocs_net", "client-server-tcp-client-server-418cac.scap")]
# They draw on a terminal only.
DRAWN = ["spectrogram", "subsecoffset", "spectrogram 1000"]
# What koban does not run, and why.
REFUSED = {
    "around x": "its on_init() did not return true",  # it wants a filter and a capture to write
    "flame": "unknown field 'span.tag'",
    "shellshock_detect": "no event has an argument \"environment\"",  # nor does sysdig's
    "spy_syslog": "unknown field 'syslog.facility.str'",
    "tracers_2_statsd": "sysdig.udp_setpeername is not there for scripts",
    "udp_extract": "os.execute is not there for scripts",
    "wsysdig_summary": "sysdig.run_app is not there for scripts",
}
# Some scripts write files where they stand.
WORK = tempfile.TemporaryDirectory(prefix="koban-lua-")
MODULES = {"ansiterminal", "common", "dkjson", "http", "statsd", "table_generator"}


def run(command):
    done = subprocess.run(command, capture_output=True, timeout=120, env=ENV, cwd=WORK.name)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode()


def run_on_terminal(command):
    """The same with a terminal of 80 by 24 as its output."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stdout=slave, stderr=subprocess.PIPE, env=ENV, cwd=WORK.name) as p:
        os.close(slave)
        out = b""
        while True:
            try:
                part = os.read(master, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            out += part
        os.close(master)
        errors = p.stderr.read().decode()
    return p.returncode, out.decode("utf-8", "replace"), errors


def both(file, call, how=run):
    *options, name, args = (call + " ").split(" ", call.count(" -") + call.startswith("-") + 1)
    args = args.strip().split(" ") if args.strip() else []
    theirs = how(["sysdig", "-r", str(CORPUS / file), *options, "-c", name, *args])
    ours = how([str(KOBAN), "read", "-r", str(CORPUS / file), *options, "-c",
                str(SCRIPTS / f"{name}.lua"), *args])
    return theirs, ours


COLOUR = re.compile(r"\x1b\[[\d;]*m")
RULE = "-" * 80
ROWS = {"fdbytes_by": 30, "fdtime_by": 30, "topscalls": 30, "topscalls_time": 30, "httptop": 30,
        "netlower": 30, "topconns": 30, "topports_server": 30}


def split_lines(text):
    return [COLOUR.sub("", line).rstrip() for line in text.splitlines()]


def drop_ties(call, lines):
    """A full table without the rows that have the last one's value; what they are is chance."""
    name = call.split(" ")[-1] if call.startswith("-") else call.split(" ")[0]
    if RULE not in lines:
        return lines
    at = lines.index(RULE) + 1
    rows = lines[at:]
    if len(rows) < ROWS.get(name, 10):
        return lines
    last = rows[-1].split(" ")[0]
    return lines[:at] + [row for row in rows if row.split(" ")[0] != last]


# ---- causes ------------------------------------------------------------------------------------

NUMBER = re.compile(r"\d+\.\d+")


def halves(t, o):
    """1.625 to two places: C rounds to even (1.62), LuaJIT up (1.63)."""
    a, b = NUMBER.findall(t.line), NUMBER.findall(o.line)
    return (NUMBER.sub("#", t.line) == NUMBER.sub("#", o.line) and len(a) == len(b)
            and all(x == y or abs(float(x) - float(y) - 0.01) < 1e-6 for x, y in zip(a, b)))


def joined(t, o):
    """koban's exit has the arguments of the enter too, and its sockets tell their protocol."""
    ours = o.line.replace("=NULL", "=").replace("(<4t>)", "(<4>)").replace("<NA>", "-100")
    return t.call == "bottlenecks" and ours.startswith(t.line.replace("accept ", "accept4 "))


def without_names(line):
    return re.sub(r" +", " ", re.sub(r"pipe:\[\d+\]|[0-9a-f]{16}->[0-9a-f]{16} ", "", line)).strip()


RENAMED = {"accept ": "accept4 ", "sysdigevent": "scapevent", "accept": "accept4"}

# id, how often, does it explain these two lines, why
PAIRS = [
    ("half", 30, halves, halves.__doc__),
    ("joined", 60, joined, joined.__doc__),
    ("pipe-name", 54, lambda t, o: without_names(t.line) == without_names(o.line),
     "0.29.3 forgets the name of a pipe that pipe() made, and shows both kernel addresses of a "
     "unix socket with a path"),
    ("user", 4, lambda t, o: re.sub(r" \S+\) ", " ) ", t.line) == re.sub(r" \S+\) ", " ) ", o.line)
     and "<NA>)" in t.line,
     "0.29.3 does not know the user of a process that it did not see begin"),
    ("engine", 2, lambda t, o: t.line.replace("unknown", "podman ").split() == o.line.split()
     or t.line.replace("unknown", "podman") == o.line, "0.29.3 has no name for podman"),
    ("null", 74, lambda t, o: t.line == re.sub(r" NULL$", "", o.line),
     "no data: the libs of today print NULL, 0.29.3 nothing"),
    ("renamed", 24, lambda t, o: any(t.line.replace(a, b) == o.line for a, b in RENAMED.items()),
     "libs have renamed the event since"),
    ("memory", 1, lambda t, o: t.name == "ps" and t.line.split()[-1] == o.line.split()[-1]
     == "sysdig", "sysdig keeps the memory of each thread as its own switches told it; koban that "
     "of the process"),
    ("thread-name", 1, lambda t, o: t.name == "topprocs_cpu" and t.line.split()[0] ==
     o.line.split()[0] and t.line.split()[-1] == o.line.split()[-1],
     "proc.name is the thread's own name in sysdig, the process's in koban"),
]
ONE = [
    ("switch", 66, lambda d: d.is_theirs and d.line.split()[-1:] == ["switch"],
     "sysdig gives the latency of the thread's last call to the switch behind it"),
    ("empty", 5, lambda d: d.is_theirs and d.name == "stdin" and d.line == "",
     "a read of no bytes: sysdig has an empty value, koban none"),
    ("closed", 1, lambda d: d.is_theirs and d.call == "topfiles_errors",
     "a call on a descriptor that is not open: sysdig has the name of what it was last"),
    ("counted", 27, lambda d: d.name == "fdcount_by",
     "koban knows the folders that *at calls are relative to, and pipes by their names"),
    ("cut", 1, lambda d: d.call == "topscalls_time" and not d.is_theirs and "namespaces" in d.file,
     "where the switches are not, one row more fits into the table"),
    ("pipe-rows", 8, lambda d: d.call == "fdbytes_by fd.name" and "namespaces" in d.file,
     "pipes have names here, and rows of their own"),
    ("renamed-rows", 3, lambda d: d.name.startswith("topscalls") and "mpm-worker" in d.file
     and "accept" in d.line, "accept and accept4 are two events now"),
]

Difference = collections.namedtuple("Difference", "file call name line is_theirs")


class Causes:
    def __init__(self):
        self.counts = collections.Counter()
        self.unexplained = []

    def take(self, file, call, theirs, ours):
        name = call.split(" ")[-1] if call.startswith("-") else call.split(" ")[0]
        a, b = collections.Counter(theirs), collections.Counter(ours)
        left = [Difference(file, call, name, x, True) for x in (a - b).elements()]
        right = [Difference(file, call, name, x, False) for x in (b - a).elements()]
        for cause, _, explains, _ in PAIRS:
            for t in list(left):
                o = next((o for o in right if explains(t, o)), None)
                if o:
                    left.remove(t)
                    right.remove(o)
                    self.count(cause, t, o)
        for d in left + right:
            cause = next((c for c, _, explains, _ in ONE if explains(d)), None)
            if cause:
                self.count(cause, d)
            else:
                self.unexplained.append(d)

    def count(self, cause, *differences):
        self.counts[cause] += 1
        if "--verbose" in sys.argv:
            for d in differences:
                print(f"# {cause}: {d.call} {d.file} {'-' if d.is_theirs else '+'} {d.line}")


# ---- the test ----------------------------------------------------------------------------------

class Tap:
    def __init__(self):
        self.n = self.bad = 0

    def check(self, good, what, *details):
        self.n += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {what}")
        for detail in details if not good else ():
            print(f"#   {detail}")

    def end(self):
        print(f"1..{self.n}")
        return self.bad != 0


def without_reset(text):
    """sysdig itself resets the terminal before it calls on_capture_end()."""
    return text.replace("\x1b[00m", "")


def compare_drawn(tap, file, call):
    """Byte for byte: the colours are what it is about."""
    theirs, ours = both(file, call, run_on_terminal)
    tap.check(theirs[0] == ours[0] == 0 and len(ours[1]) > 1000
              and without_reset(theirs[1]) == ours[1], f"{call} on a terminal: {file}", ours[2])


def compare_json(tap, file, call):
    theirs, ours = (json.loads(text) for _, text, _ in both(file, call))
    for table in theirs, ours:
        table["data"].sort(key=str)
    tap.check(theirs == ours and theirs["data"], f"{call}: {file}", theirs, ours)


def compare(tap, causes, file, call, how=run):
    before = len(causes.unexplained)
    theirs, ours = both(file, call, how)
    causes.take(file, call, drop_ties(call, split_lines(theirs[1])),
                drop_ties(call, split_lines(ours[1])))
    new = causes.unexplained[before:]
    tap.check(theirs[0] == ours[0] and not new, f"{call}: {file}",
              f"exit {theirs[0]} and {ours[0]}: {ours[2].strip()}",
              *(f"{'-' if d.is_theirs else '+'} {d.line}" for d in new[:20]))


def check_all_are_here(tap):
    """A script that nobody runs here would be one that nobody knows of."""
    known = {r.split(" ")[0] for r in RUNS + DRAWN + list(REFUSED)} | MODULES
    found = {p.stem for p in SCRIPTS.glob("*.lua") if not p.stem.startswith("v_")}
    tap.check(found == known, "every script is in a list here", sorted(found ^ known))


def check_views(tap):
    for view in sorted(SCRIPTS.glob("v_*.lua")):
        code, out, errors = run([str(KOBAN), "read", str(CORPUS / FILES[0]), "-c", str(view)])
        # one is switched off by another name
        why = "is no chisel" if view.stem == "v_cpus" else "is a view of csysdig"
        tap.check(code == 2 and why in errors and not out, f"{view.name} is named as a view",
                  errors.strip())


def check_refused(tap):
    for call, why in REFUSED.items():
        _, ours = both(FILES[0], call)
        tap.check(ours[0] == 2 and why in ours[2], f"{call} is refused with a reason",
                  ours[2].strip())


def main():
    missing = [what for what, there in (
        ("../shared/corpora/scap", CORPUS.is_dir()), ("sysdig", shutil.which("sysdig")))
        if not there]
    if missing or VERSION not in run(["sysdig", "--version"])[1]:
        print(f"1..0 # skipped: needs {missing[0] if missing else 'sysdig ' + VERSION}")
        return 0
    tap, causes = Tap(), Causes()
    check_all_are_here(tap)
    for call in RUNS:
        for file in FILES:
            compare(tap, causes, file, call)
    for call, file in MORE:
        (compare_json if "-j" in call else lambda *a: compare(a[0], causes, *a[1:]))(
            tap, file, call)
    for call in DRAWN:
        compare_drawn(tap, FILES[1], call)
    for cause, expected, _, why in PAIRS + ONE:
        found = causes.counts[cause]
        tap.check(found == expected, f"{cause}: {expected} differences: {why}",
                  f"there are {found}")
    check_refused(tap)
    check_views(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
