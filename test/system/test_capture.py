#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
`koban capture` on the real kernel: a container works with files, the network, forks and signals
while it runs. sysdig opens the file and sees the same events; secrets are not in it. Then the
flight recorder: a rule fires, the finding names a file, the file has what came before and after.
"""
import collections
import gzip
import os
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban

# BusyBox runs its own programs without an exec unless they have a path
WORK = ("echo one > /tmp/f; cat /tmp/f; mv /tmp/f /tmp/g; rm /tmp/g; mkdir /tmp/d; rmdir /tmp/d; "
        "(sleep 1 & kill -TERM $!); nc -w 1 127.0.0.1 9 </dev/null; ls /proc/self/fd; "
        "/bin/echo --password kept-to-itself; /bin/cat /etc/passwd")
OLD_CODES = 336  # sysdig 0.29.3 skips later ones
RULES = """
- rule: Marker is read
  desc: this test reads it
  condition: evt.type in (open, openat, openat2) and fd.name = {marker}
  output: "%proc.name read the marker"
  priority: WARNING
"""


def blocks(path):
    """(type, body) of each block."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        data = f.read()
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        yield kind, data[at + 8:at + length - 4]
        at += length
    if at != len(data):
        raise ValueError("the file ends within a block")


def codes(path):
    """How many events of each code."""
    n = collections.Counter()
    for kind, body in blocks(path):
        if kind in (0x216, 0x221):
            n[struct.unpack_from("<H", body, 2 + 20)[0]] += 1
    return n


def capture(path, *options):
    args = [koban.BINARY, "capture", "-w", path, *options]
    p = subprocess.Popen(args, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    return p


def finish(p):
    p.terminate()
    _, err = p.communicate(timeout=30)
    return err


def sysdig(path, *args):
    r = koban.run(["sysdig", "-r", path, *args], 120)
    return r.returncode, r.stdout.splitlines()


def test_sysdig(tap, path):
    if not koban.have("sysdig"):
        tap.skip("sysdig reads it", "skipped: needs sysdig")
        return
    wanted = sum(n for code, n in codes(path).items() if code < OLD_CODES)
    code, lines = sysdig(path, "-p", "%evt.num %evt.type")
    tap.ok(code == 0 and len(lines) == wanted, "sysdig sees every event that it knows",
           f"exit {code}, {len(lines)} lines, {wanted} written")
    # its own idea of Podman's cgroups does not know all of them: not by container.name
    _, lines = sysdig(path, "-p", "%proc.name %evt.type %evt.args",
                      "thread.cgroups contains libpod- and not proc.name startswith runc")
    text = "\n".join(lines)
    for name, what in (("files of the container", "openat fd=3(<f>/tmp/f)"),
                       ("its renames", "rename"), ("its programs", "args=/etc/passwd"),
                       ("its signals", "sig=15(SIGTERM)"), ("its network", "connect")):
        tap.ok(what in text, f"sysdig knows {name}", text[-3000:])


def test_same_as_read(tap, path):
    """koban read numbers and names the events as sysdig does."""
    r = koban.run([koban.BINARY, "read", path, "-p", "%evt.num %evt.type"], 120)
    lines = r.stdout.splitlines()
    tap.ok(r.returncode == 0 and len(lines) == sum(codes(path).values()),
           "koban read sees every event", f"{len(lines)} {r.stderr}")
    r = koban.run([koban.BINARY, "read", path, "-p", "%evt.type %evt.latency",
                   "container.name=koban-capture and evt.latency > 0"], 120)
    tap.ok(len(r.stdout.splitlines()) > 10, "latency is kept", r.stderr)


def test_container(tap, folder, engine):
    path = os.path.join(folder, "a.scap")
    p = capture(path, "--redact", "AWS_*", "--redact", "--password")
    r = engine.run("koban-capture", ["sh", "-c", WORK], "-e", "AWS_SECRET=kept-to-itself", timeout=60)
    time.sleep(1)
    err = finish(p)
    tap.ok(p.returncode == 0 and " events, " in err and "lost: 0 ring full" in err,
           "a capture is written and summed up", err + r.stderr)
    tap.ok("arguments and environment" in err, "what it carries is said", err)
    n = codes(path)
    tap.ok(n[324] >= 1, "the container is in it", n)
    env = sum(b"AWS_SECRET=(redacted)" in body for _, body in blocks(path))
    leaks = [body for kind, body in blocks(path) if kind != 0x216 or
             struct.unpack_from("<H", body, 22)[0] in (223, 293, 335) if b"=kept-to-itself" in body]
    arg = sum(b"--password\0(redacted)" in body for _, body in blocks(path))
    tap.ok(env > 0 and arg > 0 and not leaks, "values are redacted", f"{env} and {arg} redacted, not: {leaks[:2]}")
    test_sysdig(tap, path)
    test_same_as_read(tap, path)
    return path


def test_options(tap, folder):
    base = os.path.join(folder, "ring")
    p = capture(base, "-z", "-e", "200", "-W", "3", "evt.type != futex")
    for _ in range(20):
        koban.run(["ls", "-R", "/etc/apt"])
    err = finish(p)
    names = sorted(x for x in os.listdir(folder) if x.startswith("ring"))
    tap.ok(names == ["ring0", "ring1", "ring2"], "a ring of files", f"{names} {err}")
    if koban.have("sysdig"):
        lines = [len(sysdig(os.path.join(folder, x))[1]) for x in names]
        tap.ok(max(lines) >= 150 and max(lines) <= 300, "each is a capture of its own", lines)
    r = koban.run([koban.BINARY, "capture", "-w", "/dev/full", "-M", "2"], 30)
    tap.ok(r.returncode == 2 and "No space left on device" in r.stderr, "a full disk is said",
           r.stderr)
    r = koban.run([koban.BINARY, "capture"], 30)
    tap.ok(r.returncode == 2 and "koban read" in r.stderr, "without -w it points to koban read",
           r.stderr)
    r = koban.run(f"{koban.BINARY} capture -w - -M 2 | head -c 100 | od -A n -t x4 -N 4", 30,
                  shell=True)
    tap.ok("0a0d0d0a" in r.stdout and "Broken pipe" in r.stderr, "a closed pipe is said",
           r.stdout + r.stderr)


def test_again(tap, folder, path):
    """A capture into another: filtered."""
    out = os.path.join(folder, "b.scap")
    r = koban.run([koban.BINARY, "capture", "-r", path, "-w", out, "evt.type=execve"], 60)
    before, after = codes(path), codes(out)
    tap.ok(r.returncode == 0 and after[293] == before[293] and
           sum(after.values()) - after[324] == after[293],
           "a capture is filtered into another", f"{r.stderr} {before[293]} {after}")


def test_recorder(tap, folder):
    marker, rules = os.path.join(folder, "marker"), os.path.join(folder, "rules.yaml")
    records = os.path.join(folder, "records")
    for path, text in ((marker, ""), (rules, RULES.format(marker=marker))):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    watch = koban.Koban([rules], "-o", "recorder.enabled=true", "-o", f"recorder.dir={records}",
                        "-o", "recorder.after=2s")
    before = os.path.join(folder, "before")
    koban.run(["touch", before])
    time.sleep(1)
    koban.run(["cat", marker])
    f = watch.wait(lambda x: x["rule"] == "Marker is read", 10)
    path = f and koban.field(f, "capture.file")
    tap.ok(path and path.startswith(records) and f["output"].endswith("capture=" + path),
           "the finding names the file", f)
    if not path:
        watch.stop()
        return
    koban.run(["touch", os.path.join(folder, "after")])
    time.sleep(4)
    watch.stop()
    names = [body for kind, body in blocks(path) if kind == 0x216]
    at = {x: [i for i, body in enumerate(names) if os.path.join(folder, x).encode() in body]
          for x in ("before", "marker", "after")}
    tap.ok(all(at.values()) and at["before"][0] < at["marker"][0] < at["after"][-1],
           "the file has what came before it and after it", at)
    tap.ok(any(kind == 0x215 and b"touch" in body for kind, body in blocks(path)),
           "and processes that had ended")
    if koban.have("sysdig"):
        _, lines = sysdig(path, "-p", "%proc.name %fd.name", f"fd.name={marker}")
        tap.ok(f"cat {marker}" in lines, "sysdig reads it", lines)


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    if koban.have("podman"):
        rootfs = os.path.join(folder, "rootfs")
        koban.make_rootfs(rootfs)
        engine = koban.Podman(rootfs, "capture")
        path = test_container(tap, folder, engine)
        test_again(tap, folder, path)
        shutil.rmtree(rootfs, True)
    else:
        tap.skip("a container is captured", "skipped: needs podman")
    test_options(tap, folder)
    test_recorder(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
