#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What goes wrong must be said: each refusal names the thing, the place and the mend, and ends with 2;
what can be lived with is lived with, and counted. Nothing stays in the kernel, however koban ends.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban

RULE = """
- rule: Marked file opened
  desc: the test opens a file of its own
  condition: evt.type in (open, openat) and fd.name startswith {folder}/hit
  output: "opened %fd.name by %proc.name {filler}"
  priority: INFO
"""

WRONG_RULES = """- rule: no condition
  desc: d
  output: x
  priority: INFO
- rule: unknown field
  desc: d
  condition: proc.nmae = bash
  output: x
  priority: INFO
- macro: broken
  condition: (evt.type = open
- rule: unknown priority
  desc: d
  condition: evt.type = open
  output: x
  priority: LOUD
- rule: wrong output
  desc: d
  condition: evt.type = open
  output: "%no.such"
  priority: INFO
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def watch_args(*args):
    return [koban.BINARY, "watch", *args]


def refused(tap, name, args, *texts, before=()):
    """koban must end by itself with 2 and say all of `texts`, in one line each or anywhere."""
    r = koban.run([*before, *args], 30)
    said = all(re.search(t, r.stderr) for t in texts)
    tap.ok(r.returncode == 2 and said and not r.stdout, name,
           f"exit {r.returncode}; wanted {texts}\n{r.stderr}")
    return r


class Plain:
    """koban with a standard output of our choice and stderr in a file."""

    def __init__(self, args, stdout=subprocess.DEVNULL):
        self.err = tempfile.TemporaryFile()
        self.process = subprocess.Popen(args, stdout=stdout, stderr=self.err)
        self.wait_text("watching:", 60)

    def text(self):
        self.err.seek(0)
        return self.err.read().decode("utf-8", "replace")

    def wait_text(self, text, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if re.search(text, self.text()):
                return True
            time.sleep(0.05)
        return re.search(text, self.text()) is not None

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.text()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def metrics(port):
    """Metric with labels -> value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as r:
        lines = r.read().decode().splitlines()
    return {k: float(v) for k, v in (x.rsplit(" ", 1) for x in lines if x and x[0] != "#")}


def wait_metric(port, name, good, seconds):
    end = time.monotonic() + seconds
    value = None
    while time.monotonic() < end:
        value = metrics(port).get(name)
        if value is not None and good(value):
            break
        time.sleep(0.2)
    return value


# ---- refusals --------------------------------------------------------------------------------


def test_privileges(tap, rules):
    # nobody must be able to reach the binary wherever the tree lies: it is handed over as fd 3
    binary = os.open(koban.BINARY, os.O_RDONLY)
    rule_fd = os.open(rules, os.O_RDONLY)
    r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        f"/proc/self/fd/{binary}", "watch", "-r", f"/dev/fd/{rule_fd}"],
                       capture_output=True, text=True, timeout=30, check=False,
                       pass_fds=(binary, rule_fd))
    os.close(binary)
    os.close(rule_fd)
    if "Permission denied" in r.stderr and "koban: error" not in r.stderr:
        tap.skip("without privileges", "nobody cannot run the built binary here")
        return
    tap.ok(r.returncode == 2 and "needs root" in r.stderr and "sudo koban" in r.stderr,
           "without privileges koban says that it needs root", f"{r.returncode} {r.stderr}")


def test_no_btf(tap, rules):
    for path in ("/boot/vmlinux-" + os.uname().release,
                 f"/lib/modules/{os.uname().release}/build/vmlinux"):
        if os.path.exists(path):
            tap.skip("without BTF", f"{path} gives it all the same")
            return
    refused(tap, "without BTF the message names it", watch_args("-r", rules),
            r"BTF \(/sys/kernel/btf/vmlinux\)", "CONFIG_DEBUG_INFO_BTF",
            before=["unshare", "-m", "--propagation", "private", "sh", "-c",
                    'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"])


def test_rule_mistakes(tap, folder, rules):
    wrong = write(folder, "wrong.yaml", WRONG_RULES)
    r = refused(tap, "a rule file full of mistakes loads nothing",
                watch_args("-r", rules, "-r", wrong), "the rules have [45] errors",
                "nothing was changed")
    places = re.findall(re.escape(wrong) + r":(\d+):(\d+)", r.stderr)
    lines = {int(line) for line, _ in places}
    wanted = {"no condition": 1, "unknown field": 7, "broken": 11, "unknown priority": 16,
              "wrong output": 20}
    for name, line in wanted.items():
        tap.ok(any(abs(at - line) <= (4 if name == "no condition" else 0) for at in lines),
               f"the mistake '{name}' is shown with file:line:column", r.stderr)


def test_refusals(tap, folder, rules):
    config = write(folder, "config.yaml", "json_output: true\nprority: debug\n")
    refused(tap, "an unknown key of the configuration", watch_args("-c", config, "-r", rules),
            re.escape(config) + r":2:1: .*prority.*priority")
    refused(tap, "an unknown key of -o", watch_args("-r", rules, "-o", "webserver.prt=1"),
            r"webserver.*prt")
    missing = os.path.join(folder, "missing.yaml")
    refused(tap, "a rule file that is not there", watch_args("-r", missing), re.escape(missing))
    refused(tap, "no rules at all", watch_args("-c", write(folder, "no.yaml", "rules_files: []\n")),
            "no rules: give a file or a folder with -r")
    refused(tap, "an impossible ring size",
            watch_args("-r", rules, "-o", "sensor.ring_bytes=70000"), r"ring_bytes.*power of two")
    refused(tap, "a file output that cannot be made",
            watch_args("-r", rules, "-o", "file_output.enabled=true", "-o",
                       "file_output.filename=/proc/no/such/file"), r"/proc/no/such/file")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        refused(tap, "a port in use", watch_args("-r", rules, "-o", "webserver.enabled=true", "-o",
                                                 f"webserver.listen_port={port}"),
                rf"webserver: cannot listen on 127\.0\.0\.1 port {port}: Address already in use")


# ---- the kernel ------------------------------------------------------------------------------


def kernel_ids(pid):
    """What a process holds of BPF: {("prog", 17), …}, from /proc/PID/fdinfo."""
    held = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as f:
                text = f.read()
        except OSError:
            continue
        for kind, pattern in (("prog", r"^prog_id:\s*(\d+)"), ("map", r"^map_id:\s*(\d+)"),
                              ("link", r"^link_id:\s*(\d+)")):
            held |= {(kind, int(n)) for n in re.findall(pattern, text, re.M)}
    return held


def kernel_has():
    """Every BPF program, map and link of the kernel."""
    have = set()
    for kind in ("prog", "map", "link"):
        r = koban.run(["bpftool", "-j", kind, "list"])
        have |= {(kind, row["id"]) for row in json.loads(r.stdout or "[]")}
    return have


def wait_gone(held, seconds=10):
    """What of `held` is still in the kernel after a while; it frees behind our back."""
    end = time.monotonic() + seconds
    while True:
        left = held & kernel_has()
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def test_kernel(tap, folder, rules):
    if not koban.have("bpftool"):
        tap.skip("what stays in the kernel", "no bpftool")
        return
    for sig, name in ((signal.SIGKILL, "SIGKILL"), (signal.SIGTERM, "SIGTERM")):
        watch = koban.Koban([rules])
        held = kernel_ids(watch.process.pid)
        tap.ok(held and held <= kernel_has() and {k for k, _ in held} == {"prog", "map", "link"},
               f"before {name} koban has programs, maps and links", sorted(held))
        started = time.monotonic()
        watch.stop(sig)
        took = time.monotonic() - started
        left = wait_gone(held)
        tap.ok(not left, f"after {name} nothing stays in the kernel", sorted(left))
        if sig == signal.SIGTERM:
            tap.ok(took < 3 and watch.process.returncode == 0, "SIGTERM ends it within 3 s",
                   f"{took:.1f} s, exit {watch.process.returncode}")
    watch = koban.Koban([rules])
    with open(os.path.join(folder, "hit-again"), "w", encoding="ascii"):
        pass
    tap.ok(watch.wait(lambda f: True, 5), "started again at once, it works", watch.stderr)
    watch.stop()


def test_two(tap, folder, rules):
    one, two = koban.Koban([rules]), koban.Koban([rules])
    path = os.path.join(folder, "hit-two")
    with open(path, "w", encoding="ascii"):
        pass
    for name, watch in (("first", one), ("second", two)):
        tap.ok(watch.wait(lambda f: koban.field(f, "fd.name") == path, 5),
               f"of two at the same time, the {name} sees it", watch.stderr)
    one.stop()
    mark = two.mark()
    with open(path, "r", encoding="ascii"):
        pass
    tap.ok(two.wait(lambda f: True, 5, mark), "the second goes on when the first has ended")
    text = two.stop()
    tap.ok("not accounted for" not in text, "and its numbers add up", text)


# ---- outputs that fail -----------------------------------------------------------------------


def make_hits(folder, numbers):
    for i in numbers:
        with open(os.path.join(folder, f"hit-{i}"), "w", encoding="ascii"):
            pass


def test_full_disk(tap, folder, rules):
    disk = os.path.join(folder, "disk")
    os.mkdir(disk)
    if koban.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", disk]).returncode:
        tap.skip("a full disk", "no tmpfs can be mounted here")
        return
    try:
        port = free_port()
        watch = koban.Koban([rules], "-o", "file_output.enabled=true",
                            "-o", f"file_output.filename={disk}/findings",
                            "-o", f"spool.dir={disk}/spool", "-o", "outputs_queue.capacity=200",
                            "-o", "webserver.enabled=true", "-o", f"webserver.listen_port={port}")
        # an output that keeps up is never more than half its queue behind
        kept_up = True
        for first in range(0, 400, 100):
            make_hits(folder, range(first, first + 100))
            kept_up &= bool(watch.wait(
                lambda f, n=first + 99: str(koban.field(f, "fd.name")).endswith(f"/hit-{n}"), 5))
        tap.ok(watch.wait_stderr("No space left on device", 10),
               "a full disk is said", watch.stderr)
        dropped = wait_metric(port, 'koban_output_dropped_total{output="file"}',
                              lambda v: v > 0, 10)
        tap.ok(dropped, "what the disk did not take is counted", dropped)
        tap.ok(kept_up and len(watch.findings) >= 400, "the other output got everything",
               len(watch.findings))
        koban.run(["mount", "-o", "remount,size=4m", disk])
        watch.process.send_signal(signal.SIGUSR1)
        tap.ok(watch.wait_stderr("works again", 10), "room again: it works again", watch.stderr)
        text = watch.stop()
        tap.ok(watch.process.returncode == 0 and "not accounted for" not in text,
               "koban ends well", text)
        with open(f"{disk}/findings", "rb") as f:
            lines = f.read().splitlines()
        whole = [x for x in lines if x.startswith(b"{") and x.endswith(b"}")]
        tap.ok(lines and whole == lines, "no line of the file is torn", lines[-1:] or "empty")
    finally:
        koban.run(["umount", "-l", disk])


def test_full_stdout(tap, folder, rules):
    port = free_port()
    with open("/dev/full", "wb") as full:
        watch = Plain(watch_args("--json", "-r", rules, "-o", "outputs_queue.capacity=16",
                                 "-o", "webserver.enabled=true",
                                 "-o", f"webserver.listen_port={port}"), full)
    make_hits(folder, range(100))
    tap.ok(watch.wait_text("standard output: No space left on device", 10),
           "/dev/full as standard output is said", watch.text())
    dropped = wait_metric(port, 'koban_output_dropped_total{output="stdout"}', lambda v: v > 0, 10)
    tap.ok(dropped, "what it did not take is counted", dropped)
    tap.ok(watch.process.poll() is None, "koban goes on", watch.text())
    watch.stop()
    tap.ok(watch.process.returncode == 0, "and ends well", watch.text())


def test_closed_stdout(tap, folder, rules):
    port = free_port()
    out, into = os.pipe()
    watch = Plain(watch_args("--json", "-r", rules, "-o", "webserver.enabled=true",
                             "-o", f"webserver.listen_port={port}"), into)
    os.close(into)
    os.close(out)
    make_hits(folder, range(20))
    tap.ok(watch.wait_text("standard output: Broken pipe; this output ends", 10),
           "a reader that went away is said", watch.text())
    dropped = wait_metric(port, 'koban_output_dropped_total{output="stdout"}',
                          lambda v: v >= 20, 10)
    tap.ok(dropped == 20, "and all it missed is counted", dropped)
    tap.ok(watch.process.poll() is None, "koban goes on without it", watch.text())
    watch.stop()


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    rules = write(folder, "rules.yaml", RULE.format(folder=folder, filler="x" * 700))
    test_privileges(tap, rules)
    test_no_btf(tap, rules)
    test_rule_mistakes(tap, folder, rules)
    test_refusals(tap, folder, rules)
    test_kernel(tap, folder, rules)
    test_two(tap, folder, rules)
    test_full_disk(tap, folder, rules)
    test_full_stdout(tap, folder, rules)
    test_closed_stdout(tap, folder, rules)
    tap.done()


if __name__ == "__main__":
    main()
