#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The test runner under test: what it must count as a failure, on programs made to fail."""
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True  # a test leaves nothing in the tree
spec = importlib.util.spec_from_file_location("run", ROOT / "test" / "run.py")
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

CASES = [  # name, shell program, (passed, failed, skipped), words of a fault
    ("two points", "echo 1..2; echo ok 1; echo ok 2", (2, 0, 0), ""),
    ("plan at the end", "echo ok 1 - a; echo 1..1", (1, 0, 0), ""),
    ("two groups with a plan each", "echo 1..1; echo ok 1; echo 1..1; echo ok 1", (2, 0, 0), ""),
    ("a point that fails", "echo 1..2; echo ok 1; echo not ok 2 - b; exit 1", (1, 1, 0), ""),
    ("a failed point and exit 0", "echo 1..1; echo not ok 1 - b", (0, 1, 0), ""),
    ("no output", "true", (0, 1, 0), "printed no plan"),
    ("too few points", "echo 1..3; echo ok 1", (1, 1, 0), "planned 3 points and printed 1"),
    ("too many points", "echo 1..1; echo ok 1; echo ok 2", (2, 1, 0), "planned 1 points"),
    ("a crash after all points", "echo 1..1; echo ok 1; kill -SEGV $$", (1, 1, 0), "SIGSEGV"),
    ("an exit status alone", "echo 1..1; echo ok 1; exit 3", (1, 1, 0), "exited with 3"),
    ("bail out", "echo 1..1; echo ok 1; echo 'Bail out! no disk'", (1, 1, 0), "no disk"),
    ("a skipped point", "echo 1..1; echo 'ok 1 - x # SKIP needs a moon'", (0, 0, 1), ""),
    ("all skipped", "echo '1..0 # SKIP needs a moon'", (0, 0, 1), ""),
    ("not ok with skip, as old cmocka", "echo 1..1; echo 'not ok 1 # SKIP x'", (0, 0, 1), ""),
    ("words that only look like TAP", "echo okay 1; echo 1..1; echo ok 1", (1, 0, 0), ""),
]


def outcome_of(script, timeout_s=20):
    program = run.Program("house", "case", ["sh", "-c", script], timeout_s)
    return run.run_program(program, dict(os.environ))


def check_case(script, wanted, words):
    outcome = outcome_of(script)[0]
    got = (outcome.passed, outcome.failed, len(outcome.skipped))
    return got == wanted and words in " ".join(outcome.faults), f"{got} {outcome.faults}"


def check_hang():
    """A hung program is killed with its children, also one that left for a session of its own."""
    with tempfile.TemporaryDirectory() as d:
        mark = Path(d) / "pids"
        script = f"(sleep 60 & echo $! >>{mark}; setsid sh -c 'echo $$ >>{mark}; sleep 60')"
        started = time.monotonic()
        outcome = outcome_of(script + "; echo 1..1; echo ok 1", timeout_s=1)[0]
        took_s = time.monotonic() - started
        alive = [p for p in mark.read_text().split() if Path(f"/proc/{p}").exists()]
    good = outcome.failed and "hung" in " ".join(outcome.faults) and took_s < 20 and not alive
    return bool(good), f"{outcome.faults} {took_s:.1f} s, alive: {alive}"


def check_leftover():
    with tempfile.TemporaryDirectory() as d:
        mark = Path(d) / "pid"
        outcome_of(f"setsid sh -c 'echo $$ >{mark}; exec sleep 60' & while [ ! -s {mark} ]; do :; "
                   "done; echo 1..1; echo ok 1")
        alive = Path(f"/proc/{mark.read_text().strip()}").exists()
    return not alive, "a daemon of a finished test was left alive"


def check_skip_reason():
    outcome = outcome_of("echo 1..1; echo 'skipped: needs ../shared/x'; echo 'ok 1 # SKIP t'")[0]
    return outcome.skipped == ["needs ../shared/x"], str(outcome.skipped)


def check_missing_program():
    program = run.Program("house", "case", ["/nonexistent/program"], 5)
    outcome = run.run_program(program, dict(os.environ))[0]
    return outcome.failed == 1, str(outcome.faults)


def check_header():
    with tempfile.TemporaryDirectory() as d:
        folder = Path(d) / "test" / "system"
        folder.mkdir(parents=True)
        script = folder / "test_x.sh"
        script.write_text("#!/bin/sh\n# run-args: a 1\n# run-args: b\n# timeout: 7\n")
        (folder / "lib.sh").write_text("# not executable: no program\n")
        tool = folder / "tool.sh"
        tool.write_text("#!/bin/sh\n# not-a-test: starts a server\n")
        for file in (script, tool):
            file.chmod(0o755)
        found = [(p.name, p.timeout_s, p.needs_root) for p in run.find_scripts("system", Path(d))]
    return found == [("test_x a 1", 7, True), ("test_x b", 7, True)], str(found)


def main():
    run.become_reaper()
    checks = [(name, lambda s=s, w=w, f=f: check_case(s, w, f)) for name, s, w, f in CASES]
    checks += [("a hung program", check_hang), ("a daemon left behind", check_leftover),
               ("the reason of a skip", check_skip_reason), ("header lines", check_header),
               ("a program that is not there", check_missing_program)]
    print(f"1..{len(checks)}")
    failed = 0
    for n, (name, check) in enumerate(checks, 1):
        good, details = check()
        if not good:
            failed += 1
            print(f"# {name}: {details}")
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
