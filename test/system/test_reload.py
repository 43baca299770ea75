#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Rules change while koban runs: new ones act without a restart, what is known of processes stays, and
a broken file changes nothing. Files rotate on SIGUSR1.
"""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban

RULE = """
- rule: {name}
  desc: a file of the test is opened
  condition: evt.type in (open, openat) and fd.name = {path}
  output: "{name}: %fd.name %proc.name %proc.pname %proc.aname[2] %proc.cmdline"
  priority: INFO
"""


def write(path, text):
    """As editors and ConfigMaps do: another file, renamed over the old one."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


def rule(name, path):
    return RULE.format(name=name, path=path)


def touch(path):
    with open(path, "a", encoding="ascii"):
        pass


def says(watch, text, since, seconds=10):
    """Waits for `text` on stderr behind position `since`."""
    with watch.lock:
        return watch.lock.wait_for(lambda: re.search(text, watch.stderr[since:]), seconds)


def fired(watch, name, path, seconds=5):
    mark = watch.mark()
    touch(path)
    return watch.wait(lambda f: f["rule"] == name and koban.field(f, "fd.name") == path,
                      seconds, mark)


class Lineage:
    """sh -> sh -> sh, which opens a file when it is told to: it began before the reload."""

    def __init__(self, folder):
        self.fifo = os.path.join(folder, "go")
        os.mkfifo(self.fifo)
        inner = f'read path < {self.fifo}; : > "$path"; exit 0'
        middle = f"sh -c '{inner}' inner; exit 0"
        self.process = subprocess.Popen(["sh", "-c", 'sh -c "$1" middle; exit 0', "outer", middle])

    def open(self, path):
        with open(self.fifo, "w", encoding="ascii") as f:
            f.write(path + "\n")
        self.process.wait(10)


def test_change(tap, watch, rules, a, b, folder):
    tap.ok(fired(watch, "First", a), "the first rule acts", watch.stderr)
    tap.ok(not fired(watch, "Second", b, 0.5), "the second is not there yet")
    lineage = Lineage(folder)
    time.sleep(0.3)
    at = len(watch.stderr)
    write(rules, rule("First", a) + rule("Second", b))
    tap.ok(says(watch, "reload: 2 rules are on", at), "the changed file is loaded", watch.stderr)
    tap.ok(fired(watch, "Second", b), "the new rule acts without a restart", watch.stderr)
    tap.ok(fired(watch, "First", a), "the old one still acts")
    mark = watch.mark()
    lineage.open(b)
    f = watch.wait(lambda f: koban.field(f, "proc.name") == "sh", 5, mark)
    tap.ok(f and koban.field(f, "proc.pname") == "sh" and koban.field(f, "proc.aname[2]") == "sh" and
           "inner" in koban.field(f, "proc.cmdline"),
           "a process from before the reload keeps its ancestors", f)


def test_broken(tap, watch, rules, a):
    at = len(watch.stderr)
    good = rule("First", a)
    write(rules, good + "- rule: Broken\n  desc: d\n  condition: evt.type = = open\n"
          "  output: x\n  priority: INFO\n")
    line = good.count("\n") + 3
    tap.ok(says(watch, "the rules from before go on", at), "a broken file is refused", watch.stderr)
    tap.ok(re.search(re.escape(rules) + rf":{line}:\d+", watch.stderr[at:]),
           "with file:line:column", watch.stderr[at:])
    tap.ok(fired(watch, "First", a), "the rules from before go on", watch.stderr)
    os.unlink(rules)
    time.sleep(2)
    tap.ok(fired(watch, "First", a) and watch.process.poll() is None,
           "so they do when the file is gone", watch.stderr)


def test_signal(tap, rules, a, b):
    watch = koban.Koban([rules], "-o", "watch_config_files=false")
    try:
        at = len(watch.stderr)
        write(rules, rule("Third", b))
        tap.ok(not says(watch, "reload:", at, 2), "not watched: nothing is loaded by itself")
        watch.process.send_signal(signal.SIGHUP)
        tap.ok(says(watch, "reload: 1 rules are on", at), "SIGHUP loads the rules", watch.stderr)
        tap.ok(fired(watch, "Third", b), "the new rule acts")
        tap.ok(not fired(watch, "First", a, 0.5), "the one that is gone does not")
        text = watch.stop()
        tap.ok("not accounted for" not in text, "reloads lose no event", text)
    finally:
        watch.stop()


def lines_of(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def wait_lines(path, n, seconds=5):
    end = time.monotonic() + seconds
    while len(lines_of(path)) < n and time.monotonic() < end:
        time.sleep(0.05)
    return len(lines_of(path))


def test_rotation(tap, rules, a, folder):
    write(rules, rule("First", a))
    out = os.path.join(folder, "findings")
    watch = koban.Koban([rules], "-o", "file_output.enabled=true", "-o", f"file_output.filename={out}",
                        "-o", "file_output.keep_alive=true")
    try:
        touch(a)
        tap.ok(wait_lines(out, 1) == 1, "a finding goes to the file")
        os.rename(out, out + ".old")
        touch(a)
        tap.ok(wait_lines(out + ".old", 2) == 2 and not os.path.exists(out),
               "moved away, the file that is open takes on (keep_alive)")
        watch.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 3
        time.sleep(1.2)
        while time.monotonic() < end and not os.path.exists(out):
            touch(a)
            time.sleep(0.2)
        touch(a)
        n = watch.mark()
        tap.ok(os.path.exists(out), "SIGUSR1 opens the file anew", watch.stderr)
        time.sleep(0.5)
        total = len(lines_of(out)) + len(lines_of(out + ".old"))
        tap.ok(total == watch.mark() >= n, "and no finding is lost between the two",
               f"{total} lines, {watch.mark()} findings")
    finally:
        watch.stop()


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    rules = os.path.join(folder, "rules.yaml")
    a, b = os.path.join(folder, "a"), os.path.join(folder, "b")
    write(rules, rule("First", a))
    watch = koban.Koban([rules])
    try:
        test_change(tap, watch, rules, a, b, folder)
        test_broken(tap, watch, rules, a)
    finally:
        watch.stop()
    write(rules, rule("First", a))
    test_signal(tap, rules, a, b)
    test_rotation(tap, rules, a, folder)
    tap.done()


if __name__ == "__main__":
    main()
