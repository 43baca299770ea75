#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The one test runner. It builds, runs every test program in order, and counts TAP points.

  unit     cmocka programs, from Meson          house    the tree's own rules, test/house/
  corpus   fuzz targets over their corpus       golden   cases as data, test/golden/
  system   a real kernel and real containers    kernels  other kernels under QEMU

A program of house, golden, system and kernels is an executable file there that ends in .py or .sh
and prints TAP on stdout. In its first lines it may say

  # run-args: fast 3      one run with these arguments (several lines: several runs)
  # timeout: 300          seconds, instead of its group's
  # needs: root           skipped as a whole for other users (system tests always are)
  # not-a-test: why       a tool that the tests use

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
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
GROUPS = ["unit", "corpus", "house", "golden", "system", "kernels"]
TIMEOUT_S = {"unit": 120, "corpus": 120, "house": 120, "golden": 120, "system": 180, "kernels": 300}
NEEDS_ROOT = {"system"}
MAX_OUTPUT_BYTES = 16 << 20
SHOWN_LINES = 120


class Program:
    """One run of one test program."""

    def __init__(self, group, name, cmd, timeout_s, env=None, cwd=SOURCE, needs_root=False):
        self.group, self.name, self.cmd = group, name, [str(c) for c in cmd]
        self.timeout_s, self.env, self.cwd = timeout_s, env or {}, str(cwd)
        self.needs_root = needs_root

    def __str__(self):
        return f"{self.group}/{self.name}"


class Outcome:
    """What a program's TAP says, and what became of the program itself."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []  # reasons
        self.faults = []   # why it counts as failed beyond its "not ok" points
        self.failures = [] # the names of "not ok" points

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
                out.failures.append(m[3])
            else:
                out.passed += 1
            reason = ""
        elif line.startswith("Bail out!"):
            out.fault(line)
        elif m := re.match(r"^(?:#\s*)?(skipped: .*)$", line):
            reason = m[1][len("skipped: "):]  # cmocka's skip() has no place for a reason
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
    found = {"run-args": [], "timeout": [], "needs": [], "not-a-test": []}
    with open(path, encoding="utf-8", errors="replace") as f:
        for _, line in zip(range(30), f):
            if m := re.match(r"^(?:#|//)\s*(run-args|timeout|needs|not-a-test):\s*(.*?)\s*$", line):
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
        needs_root = group in NEEDS_ROOT or "root" in head["needs"]
        for args in head["run-args"] or [""]:
            name = " ".join([path.stem, *args.split()])
            programs.append(Program(group, name, [path, *args.split()], timeout_s, cwd=source,
                                    needs_root=needs_root))
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
    subprocess.run(["ninja", "-C", str(build), "all", "meson-test-prereq"], check=True)


# ---- the report ----------------------------------------------------------------------------------


def print_failure(p, outcome, stdout, stderr):
    print(f"---- {p} failed: {' '.join(p.cmd)}")
    for why in outcome.faults:
        print(f"     {why}")
    for title, text in (("stdout", stdout), ("stderr", stderr)):
        lines = text.splitlines()
        if len(lines) > SHOWN_LINES:
            print(f"  {title}: … {len(lines) - SHOWN_LINES} lines before")
        for line in lines[-SHOWN_LINES:]:
            print(f"  {title}: {line}")
    print("----", flush=True)


def run_all(programs, environ):
    passed = failed = 0
    skips, failures = [], []
    width = len(str(len(programs)))
    for i, p in enumerate(programs, 1):
        print(f"[{i:{width}}/{len(programs)}] {p} … ", end="", flush=True)
        if p.needs_root and os.geteuid() != 0:
            print("skipped (needs root)", flush=True)
            skips.append((p, "needs root"))
            continue
        outcome, stdout, stderr, took_s = run_program(p, environ)
        passed += outcome.passed
        failed += outcome.failed
        skips += [(p, why) for why in outcome.skipped]
        words = [f"{outcome.passed} ok"]
        if outcome.failed:
            words.append(f"{outcome.failed} FAILED")
        if outcome.skipped:
            words.append(f"{len(outcome.skipped)} skipped")
        print(f"{', '.join(words)} ({took_s:.1f} s)", flush=True)
        if outcome.failed:
            failures += [(p, why) for why in outcome.faults + outcome.failures]
            print_failure(p, outcome, stdout, stderr)
    return passed, failed, skips, failures


def print_skips(skips):
    counts = {}
    for p, why in skips:
        counts[(str(p), why)] = counts.get((str(p), why), 0) + 1
    for (name, why), n in counts.items():
        print(f"# skip {name}: {why}" + (f" ({n} times)" if n > 1 else ""))


def print_failures(failures):
    """Once more, where one looks first: at the end."""
    for p, why in failures:
        print(f"# FAILED {p}: {why}")


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
        env.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1")
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
    become_reaper()
    passed, failed, skips, failures = run_all(programs, environment(build, args.asan))
    print_skips(skips)
    print_failures(failures)
    return print_end(passed, failed, len(skips))


if __name__ == "__main__":
    sys.exit(main())
