#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
"""
koban top on a real pseudo-terminal, live and over a capture: what is drawn at 80×24 and smaller,
what keys do, and that the terminal is given back, also after a signal. Needs python3-pyte.
"""
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import koban

try:
    from terminal_svg import Terminal
except ImportError:
    print("1..0 # SKIP needs python3-pyte (setup/install.sh)")
    sys.exit(0)

koban.need_root()
CAPTURE = os.path.join(koban.SHARED, "corpora", "scap",
                       "mpm-worker-cold_start_capture-36c51d.scap")
tap = koban.Tap()
screen_of = lambda t: "\n".join(t.lines())


def given_back(t):
    """The main screen, the cursor and the mouse are as they were."""
    return b"\x1b[?1049l" in t.raw and t.raw.rfind(b"\x1b[?1049l") > t.raw.rfind(b"\x1b[?1049h")


def live():
    t = Terminal([koban.BINARY, "top", "-d", "500"])
    tap.ok(t.until("koban top Processes of this machine", 20), "live: the processes", screen_of(t))
    tap.ok(t.until(lambda lines: any("ev/s" in l for l in lines[:1])), "events are counted")
    names = [l for l in t.lines()[3:23] if l.strip()]
    tap.ok(len(names) == 20, "processes that do nothing have rows too", screen_of(t))
    tap.ok(t.lines()[23].startswith("F1Help"), "the keys are in the last line", t.lines()[23])

    sleeper = subprocess.Popen(["sh", "-c", "while :; do cat /etc/hostname; sleep 0.05; done"],
                               stdout=subprocess.DEVNULL)
    try:
        t.type("fproc.name = cat\\r")
        tap.ok(t.until(lambda l: any("Filter: proc.name = cat" in x for x in l)),
               "a filter is shown", screen_of(t))
        t.type("v")
        t.until("Views (Enter")
        t.type("q")
        t.type("f")
        t.type("\\x15proc.nam = cat\\r")
        tap.ok(t.until("did you mean"), "a filter's mistake is shown where it is typed", screen_of(t))
        t.type("\\x1b")
        t.read(0.3)
        t.type("q")
    finally:
        sleeper.kill()
        sleeper.wait()
    tap.ok(t.end() == 0 and given_back(t), "q gives the terminal back")


def files_live():
    t = Terminal([koban.BINARY, "top", "files", "-d", "500"])
    t.until("koban top Files", 20)
    end = time.monotonic() + 15
    seen = False
    while not seen and time.monotonic() < end:
        subprocess.run(["cat", "/etc/services"], stdout=subprocess.DEVNULL, check=False)
        t.read(0.2)
        seen = any("/etc/services" in l for l in t.lines())
    tap.ok(seen, "a file that is read appears", screen_of(t))
    t.resize(10, 40)
    tap.ok(t.until(lambda l: len(l) == 10 and l[9].startswith("F1Help")), "40×10 works", screen_of(t))
    t.resize(3, 12)
    t.read(1)
    t.resize(30, 120)
    tap.ok(t.until(lambda l: len(l) == 30 and l[29].startswith("F1Help")), "and 120×30 again",
           screen_of(t))
    os.kill(t.pid, signal.SIGTERM)
    tap.ok(t.end() == 0 and given_back(t), "SIGTERM gives the terminal back")


def crash():
    t = Terminal([koban.BINARY, "top"])
    t.until("koban top Processes", 20)
    os.kill(t.pid, signal.SIGSEGV)
    code = t.end()
    tap.ok(code == -signal.SIGSEGV and given_back(t), "a crash gives the terminal back", code)


def capture():
    if not os.path.exists(CAPTURE):
        tap.skip("over a capture", "skipped: needs ../shared/corpora/scap")
        return
    t = Terminal([koban.BINARY, "top", "syscalls", "-r", CAPTURE])
    tap.ok(t.until("gettimeofday", 20), "capture: system calls", screen_of(t))
    first = t.lines()[3]
    t.type("s\\r")  # by the first column
    tap.ok(t.until(lambda l: l[3] != first), "sorted by another column", screen_of(t))
    t.type("/gettime\\r")
    t.read(0.5)
    t.type("\\r")
    tap.ok(t.until("In CALL gettimeofday"), "Enter goes into the row", screen_of(t))
    tap.ok(t.until("koban top Processes by system calls"), "to the view that it leads to",
           screen_of(t))
    t.type("d")
    tap.ok(t.until("koban top Events") and t.until("gettimeofday"), "d shows its events", screen_of(t))
    t.type("\\x7f")
    tap.ok(t.until("koban top Processes by system calls"), "Backspace goes back", screen_of(t))
    t.type("\\x7f")
    t.until("koban top System calls")
    t.type("?")
    tap.ok(t.until("Backspace"), "? helps", screen_of(t))
    t.type("q")
    t.type("v")
    t.until("Views (Enter")
    t.type("\\x1bOH\\r")
    tap.ok(t.until("koban top CPUs"), "another view", screen_of(t))
    t.type("q")
    tap.ok(t.end() == 0 and given_back(t), "q gives the terminal back")

    t = Terminal([koban.BINARY, "top", "spectro_all", "-r", CAPTURE])
    t.until("a line is", 20)
    t.read(0.5)
    colours = {t.screen.buffer[y][x].bg for y in range(3, 22) for x in range(80)}
    tap.ok(len(colours - {"default"}) > 3, "a spectrogram has colours", colours)
    t.type("q")
    t.end()
    t = Terminal([koban.BINARY, "top", "spectro_all", "-r", CAPTURE], env={"NO_COLOR": "1"})
    t.until("a line is", 20)
    t.read(0.5)
    colours = {c.fg for row in t.screen.buffer.values() for c in row.values()}
    tap.ok(colours == {"default"} and "#" in "".join(t.lines()[3:22]), "NO_COLOR: characters", colours)
    t.type("q")
    t.end()


def once():
    done = subprocess.run([koban.BINARY, "top", "--once", "-M", "1", "--json", "procs"],
                          capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    tap.ok(done.returncode == 0 and any(r["PID"] == 1 for r in rows), "--json lists process 1",
           done.stderr)
    wrong = subprocess.run([koban.BINARY, "top", "--once", "prcs"], capture_output=True, text=True,
                           check=False)
    tap.ok(wrong.returncode == 2 and 'did you mean "procs"' in wrong.stderr, "a misspelt view",
           wrong.stderr)
    wrong = subprocess.run([koban.BINARY, "top"], capture_output=True, text=True, check=False,
                           stdin=subprocess.DEVNULL)
    tap.ok(wrong.returncode == 2 and "--once" in wrong.stderr, "without a terminal it says --once",
           wrong.stderr)


live()
files_live()
crash()
capture()
once()
tap.done()
