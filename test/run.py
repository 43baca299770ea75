#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The one test runner. It builds, runs every test program in order, and counts TAP points.

  unit     cmocka programs, from Meson          house    the tree's own rules, test/house/
  corpus   fuzz targets over their corpus       golden   cases as data, test/golden/
  system   a real kernel and real containers    kernels  other kernels under QEMU
  web      the console in a real browser, test/web/

A program of house, golden, web, system and kernels is an executable file there that ends in .py or .sh
and prints TAP on stdout. In its first lines it may say

  # run-args: fast 3      one run with these arguments (several lines: several runs)
  # timeout: 300          seconds, instead of its group's
  # needs: root           skipped as a whole for other users (system tests always are)
  # beside: others        it may run while other tests do (unit, corpus, house, golden and web always may)
  # not-a-test: why       a tool that the tests use

Those that may run beside others go first, as many at once as there are processors; then the rest, which
watch or load the whole machine, one by one.

Programs find in the environment KOBAN_BUILD (the build folder), KOBAN_SOURCE (the source tree) and
KOBAN_SHARED (test data beside the tree, only if there is such a folder).
"""
import argparse
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
GROUPS = ["unit", "corpus", "house", "golden", "web", "system", "kernels"]
TIMEOUT_S = {"unit": 120, "corpus": 120, "house": 120, "golden": 120, "web": 600,
             "system": 180, "kernels": 300}
NEEDS_ROOT = {"system"}
ALONE = {"system", "kernels"}  # unless they say otherwise
MAX_OUTPUT_BYTES = 16 << 20
SHOWN_LINES = 120
WHY_LINES, WHY_CHARS = 4, 240  # of a failed point, in the list at the end


class Program:
    """One run of one test program."""

    def __init__(self, group, name, cmd, timeout_s, env=None, cwd=SOURCE, head=None):
        self.group, self.name, self.cmd = group, name, [str(c) for c in cmd]
        self.timeout_s, self.env, self.cwd = timeout_s, env or {}, str(cwd)
        head = head or {"needs": [], "beside": []}
        self.needs_root = group in NEEDS_ROOT or "root" in head["needs"]
        self.alone = group in ALONE and "others" not in head["beside"]

    def __str__(self):
        return f"{self.group}/{self.name}"


class Outcome:
    """What a program's TAP says, and what became of the program itself."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []  # reasons
        self.faults = []   # why it counts as failed beyond its "not ok" points
        self.failures = [] # the "not ok" points: a name, and the first lines of why

    def fault(self, why):
        self.faults.append(why)
        self.failed += 1


POINT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:-\s*)?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$")
SKIP = re.compile(r"#\s*skip\S*\s*:?\s*(.*)$", re.I)


def parse_tap(text):
    """TAP 13: points, plans, skips. cmocka prints one plan a group, so that plans add up."""
    out = Outcome()
    planned = None
    points = 0
    reason = ""
    failed = False
    for line in text.splitlines():
        if m := PLAN.match(line):
            planned = (planned or 0) + int(m[1])
            if m[1] == "0":
                why = SKIP.search(line)
                out.skipped.append(why[1] if why and why[1] else "no reason given")
        elif m := POINT.match(line):
            points += 1
            skip = SKIP.search(m[3])
            if skip:
                out.skipped.append(reason or skip[1] or "no reason given")
            elif m[1]:
                out.failed += 1
                out.failures.append([m[3]])
            else:
                out.passed += 1
            reason = ""
            failed = bool(m[1]) and not skip
        elif line.startswith("Bail out!"):
            out.fault(line)
        elif m := re.match(r"^(?:#\s*)?(skipped: .*)$", line):
            reason = m[1][len("skipped: "):]  # cmocka's skip() has no place for a reason
        elif failed and line.startswith("#") and len(out.failures[-1]) <= WHY_LINES:
            out.failures[-1].append(line[1:].strip()[:WHY_CHARS])
    if planned is None:
        out.fault("printed no plan (1..N)")
    elif planned != points:
        out.fault(f"planned {planned} points and printed {points}")
    return out


def become_reaper():
    """Orphans of a test become our children (prctl(2), PR_SET_CHILD_SUBREAPER), to be ended."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def own_children():
    pids = []
    for task in Path("/proc/self/task").iterdir():
        try:
            pids += [int(p) for p in (task / "children").read_text().split()]
        except OSError:
            pass
    return pids


def end_leftovers(before, grace_s=1.0):
    """Ends what a test left behind: its daemons have become our children."""
    left = []
    deadline = time.monotonic() + grace_s
    while pids := [p for p in own_children() if p not in before]:
        hard = time.monotonic() > deadline
        for pid in pids:
            try:
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    if pid not in left:
                        left.append(pid)
                    os.kill(pid, signal.SIGKILL if hard else signal.SIGTERM)
            except (ChildProcessError, ProcessLookupError):
                pass
        time.sleep(0.02)
    return left


def run_program(p, environ):
    """Runs it in a session of its own; on its timeout the whole process group is killed."""
    before = own_children()
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(p.cmd, cwd=p.cwd, env={**environ, **p.env}, stdout=out,
                                     stderr=err, stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as e:
            outcome = Outcome()
            outcome.fault(f"could not be started: {e}")
            return outcome, "", "", 0.0
        timed_out = False
        try:
            child.wait(p.timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
        try:
            os.killpg(child.pid, signal.SIGKILL)  # also what a finished test left in its group
        except (ProcessLookupError, PermissionError):
            pass
        child.wait()
        end_leftovers(before)
        texts = []
        for f in (out, err):
            f.seek(0)
            texts.append(f.read(MAX_OUTPUT_BYTES).decode("utf-8", "replace"))
    outcome = parse_tap(texts[0])
    if timed_out:
        outcome.fault(f"hung: killed after {p.timeout_s} s")
    elif child.returncode < 0:
        outcome.fault(f"died of {signal.Signals(-child.returncode).name}")
    elif child.returncode > 0 and not outcome.failed:
        outcome.fault(f"exited with {child.returncode}")
    return outcome, texts[0], texts[1], time.monotonic() - started


# ---- which programs there are --------------------------------------------------------------------


def header_of(path):
    found = {"run-args": [], "timeout": [], "needs": [], "beside": [], "not-a-test": []}
    with open(path, encoding="utf-8", errors="replace") as f:
        for _, line in zip(range(30), f):
            if m := re.match(rf"^(?:#|//)\s*({'|'.join(found)}):\s*(.*?)\s*$", line):
                found[m[1]].append(m[2])
    return found


def find_scripts(group, source):
    programs = []
    for path in sorted((source / "test" / group).glob("*")):
        if path.suffix not in (".py", ".sh") or not os.access(path, os.X_OK):
            continue
        head = header_of(path)
        if head["not-a-test"]:
            continue
        timeout_s = int(head["timeout"][0]) if head["timeout"] else TIMEOUT_S[group]
        for args in head["run-args"] or [""]:
            name = " ".join([path.stem, *args.split()])
            programs.append(Program(group, name, [path, *args.split()], timeout_s, cwd=source,
                                    head=head))
    return programs


def find_meson_tests(build):
    tests = json.loads(subprocess.check_output(["meson", "introspect", "--tests", str(build)]))
    programs = []
    for t in tests:
        group = "corpus" if t["name"].startswith("fuzz/") else "unit"
        name = t["name"].removeprefix("fuzz/")
        timeout_s = t["timeout"] or TIMEOUT_S[group]
        programs.append(Program(group, name, t["cmd"], timeout_s, t["env"],
                                t["workdir"] or SOURCE))
    return sorted(programs, key=lambda p: (GROUPS.index(p.group), p.name))


def build_all(build, setup_args):
    if not (build / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(build), *setup_args], cwd=SOURCE, check=True,
                       stdout=sys.stderr)
    subprocess.run(["ninja", "-C", str(build), "all", "meson-test-prereq", "test-programs"], check=True)


# ---- the report ----------------------------------------------------------------------------------


def print_failure(p, outcome, stdout, stderr):
    print(f"---- {p} failed: {' '.join(p.cmd)}")
    for why in outcome.faults:
        print(f"     {why}")
    for title, text in (("stdout", stdout), ("stderr", stderr)):
        lines = text.splitlines()
        if len(lines) > SHOWN_LINES:  # what went well says the least
            lines = [x for x in lines if not re.match(r"ok\b", x)]
        if len(lines) > SHOWN_LINES:
            print(f"  {title}: … {len(lines) - SHOWN_LINES} lines before")
        for line in lines[-SHOWN_LINES:]:
            print(f"  {title}: {line}")
    print("----", flush=True)


class Report:
    """What all programs said, added up and printed as it comes."""

    def __init__(self, total):
        self.total, self.begun = total, 0
        self.passed = self.failed = 0
        self.skips, self.failures = [], []

    def begin(self, p):
        self.begun += 1
        print(f"[{self.begun:{len(str(self.total))}}/{self.total}] {p} … ", end="", flush=True)

    def skip(self, p, why):
        print(f"skipped ({why})", flush=True)
        self.skips.append((p, why))

    def end(self, p, outcome, stdout, stderr, took_s):
        self.passed += outcome.passed
        self.failed += outcome.failed
        self.skips += [(p, why) for why in outcome.skipped]
        words = [f"{outcome.passed} ok"]
        if outcome.failed:
            words.append(f"{outcome.failed} FAILED")
        if outcome.skipped:
            words.append(f"{len(outcome.skipped)} skipped")
        print(f"{', '.join(words)} ({took_s:.1f} s)", flush=True)
        if outcome.failed:
            self.failures += [(p, [why]) for why in outcome.faults]
            self.failures += [(p, point) for point in outcome.failures]
            print_failure(p, outcome, stdout, stderr)


def run_batch(programs, at_once, environ, report):
    """Each worker is a process, so that it can tell the orphans of its test from those of others."""
    with ProcessPoolExecutor(at_once, initializer=become_reaper) as pool:
        results = pool.map(partial(run_program, environ=environ), programs)
        for p in programs:
            report.begin(p)
            report.end(p, *next(results))


def run_all(programs, environ):
    """The long ones first, so that short ones fill the time until the last has ended."""
    report = Report(len(programs))
    runnable = [p for p in programs if os.geteuid() == 0 or not p.needs_root]
    beside = sorted((p for p in runnable if not p.alone), key=lambda p: -p.timeout_s)
    for p in (p for p in programs if p not in runnable):
        report.begin(p)
        report.skip(p, "needs root")
    run_batch(beside, os.cpu_count() or 1, environ, report)
    run_batch([p for p in runnable if p.alone], 1, environ, report)
    return report


def print_skips(skips):
    counts = {}
    for p, why in skips:
        counts[(str(p), why)] = counts.get((str(p), why), 0) + 1
    for (name, why), n in counts.items():
        print(f"# skip {name}: {why}" + (f" ({n} times)" if n > 1 else ""))


def print_failures(failures):
    """Once more, where one looks first: at the end."""
    for p, (what, *why) in failures:
        print("\n#   ".join([f"# FAILED {p}: {what}", *why]))


def print_end(passed, failed, skipped):
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{tail}", flush=True)
    return 1 if failed or not passed + skipped else 0


def arguments():
    a = argparse.ArgumentParser(description="builds koban and runs its tests")
    a.add_argument("--only", metavar="PATTERN", default="",
                   help="only programs whose GROUP/NAME matches this regular expression")
    a.add_argument("--list", action="store_true", help="print the programs and end")
    a.add_argument("--build", metavar="DIR", help="the build folder (default: build)")
    a.add_argument("--asan", action="store_true",
                   help="the build under ASan and UBSan (default folder: build-asan)")
    a.add_argument("--no-build", action="store_true", help="take what is built already")
    return a.parse_args()


def environment(build, asan):
    env = dict(os.environ, KOBAN_BUILD=str(build), KOBAN_SOURCE=str(SOURCE), LC_ALL="C.UTF-8")
    shared = SOURCE.parent / "shared"
    if "KOBAN_SHARED" not in env and shared.is_dir():
        env["KOBAN_SHARED"] = str(shared)
    if asan:
        env.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1:"
                       "allocator_may_return_null=1")
        env.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        env["KOBAN_ASAN"] = "1"
    return env


def main():
    args = arguments()
    build = Path(args.build or os.environ.get("KOBAN_BUILD") or
                 ("build-asan" if args.asan else "build"))
    build = build if build.is_absolute() else SOURCE / build
    setup_args = ["-Db_sanitize=address,undefined", "-Db_lundef=false"] if args.asan else []
    if not args.no_build:
        try:
            build_all(build, setup_args)
        except (subprocess.CalledProcessError, OSError) as e:
            print(f"the build failed: {e}")
            return print_end(0, 1, 0)
    programs = find_meson_tests(build)
    for group in GROUPS[2:]:
        programs += find_scripts(group, SOURCE)
    programs = [p for p in programs if re.search(args.only, str(p))]
    if args.asan:
        for p in programs:
            p.timeout_s *= 3
    if args.list:
        for p in programs:
            print(f"{p}  ({p.timeout_s} s)")
        return 0
    if not programs:
        print(f"no test program matches '{args.only}'")
    report = run_all(programs, environment(build, args.asan))
    print_skips(report.skips)
    print_failures(report.failures)
    return print_end(report.passed, report.failed, len(report.skips))


if __name__ == "__main__":
    sys.exit(main())
