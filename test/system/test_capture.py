#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
`koban capture` on the real kernel: a container works with files, the network, forks and signals
while it runs. sysdig opens the file and sees the same events; secrets are not in it; read back, every
field of every event is what the sensor that wrote it showed at that moment (`--print`). Then the flight recorder: a
rule fires, the finding names a file, the file has what came before and after.
"""
import collections
import gzip
import json
import os
import re
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
# and what goes beyond names and numbers of the calls: links, a relative folder, descriptors
MORE_WORK = ("cd /tmp; ln -s /etc/passwd l; cat l; echo two > k; ln k h; mkfifo p; (echo x > p &) ; "
             "cat < p; rm l k h p; ls /proc/self/fd; ")
# What is counted or measured anew when the file is read.
OWN = re.compile("evt[.](num|.*time.*|.*latency.*)|util[.]cnt|.*duration.*|proc[.]p?pid[.]ts|user[.].*")
# Differences of a captured event and the same one live: field, predicate, why. The first that holds counts.
EXPLAINED = [
    (lambda f, a, b: f.startswith(("fd.dev", "fd.ino")) and a["fd.type"] == "unix" and not b[f],
     "the end of a socket pair that another process used first, unseen by the filter"),
    (lambda f, a, b: "(unreachable)" in f"{a[f]}{b[f]}",
     "after pivot_root the kernel finds no way to the working folder; the tables know its name"),
    (lambda f, a, b: a["evt.type"].startswith("clone") and f in ("evt.args", "evt.info")
     and re.sub(r"^(res=\d+)\([^ ]*\)", r"\1", a[f]) == b[f],
     "the child told of itself before its parent's call returned"),
    (lambda f, a, b: f in ("proc.nthreads", "proc.nchilds") and 0 < int(a[f]) - int(b[f]) <= 2,
     "threads told of themselves, by events that the filter leaves out, before their clone returned"),
]
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
    with open(path, "rb") as f:
        data = f.read()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12:
            raise ValueError(f"a block of {length} bytes")
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


def said(p):
    with open(p.log, encoding="utf-8", errors="replace") as f:
        return f.read()


def capture(path, *options, stdout=None):
    """A running `koban capture` whose sensor is attached."""
    args = [koban.BINARY, "capture", "-w", path, *options]
    with open(path + ".log", "w", encoding="utf-8") as log:
        p = subprocess.Popen(args, stdout=stdout, stderr=log)
    p.log = path + ".log"
    while "recording to" not in said(p) and p.poll() is None:
        time.sleep(0.05)
    return p


def finish(p):
    p.terminate()
    p.wait(30)
    return said(p)


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


def plain_fields():
    """Every field that needs no argument and can be printed."""
    r = koban.run([koban.BINARY, "fields", "--json"])
    return [f["name"] for c in json.loads(r.stdout) for f in c["fields"]
            if f["argument"] != "required" and not f["filter_only"]]


def lines_of(path):
    """The events of a listing in JSON, in order."""
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            e = json.loads(line)
            # a user's name may be gone with the container before somebody asks
            for k in ("evt.args", "evt.info"):
                e[k] = re.sub(r"([ug]id=\d+)\([^ )]*\)", r"\1", e[k])
            yield e


def record_and_list(folder, engine, name):
    """What one sensor showed while it wrote the file, and the file read back; None when it lost something."""
    path, live, back = (os.path.join(folder, x) for x in ("both.scap", "live", "back"))
    form = ["-j", "-p", "*" + " ".join("%" + f for f in plain_fields()), f"container.name={name}"]
    with open(live, "w", encoding="utf-8") as out:
        p = capture(path, "-F", *form, stdout=out)
        engine.run(name, ["sh", "-c", MORE_WORK + WORK], timeout=60)
        told = finish(p)
    with open(back, "w", encoding="utf-8") as out:
        subprocess.run([koban.BINARY, "read", path, *form], stdout=out, check=False, timeout=120)
    return (live, back) if "lost: 0 ring full" in told else None


def test_round_trip(tap, folder, engine):
    files = None
    for i in range(3):  # another test may fill the ring
        files = files or record_and_list(folder, engine, f"koban-round-trip-{os.getpid()}-{i}")
    if not files:
        tap.skip("the file has what the live listing has", "events were lost, three times")
        return
    live, back = (list(lines_of(f)) for f in files)
    odd, explained = [], collections.Counter()
    if [e["evt.type"] for e in live] != [e["evt.type"] for e in back]:
        at = next((i for i, (a, b) in enumerate(zip(live, back)) if a["evt.type"] != b["evt.type"]),
                  min(len(live), len(back)))
        odd.append(f"{len(live)} live, {len(back)} in the file; from event {at} on: "
                   f"{[[(e['proc.name'], e['evt.type']) for e in x[at:at + 4]] for x in (live, back)]}")
    for a, b in zip(live, back) if not odd else ():
        for f in (f for f in a if a[f] != b.get(f) and not OWN.fullmatch(f)):
            why = next((w for test, w in EXPLAINED if test(f, a, b)), None)
            explained[why] += 1
            if not why:
                odd.append(f"{a['evt.type']} {a['proc.name']} {f}: live {a[f]!r}, file {b.get(f)!r}")
    for why, n in explained.items():
        print(f"# {n} times: {why}")
    tap.ok(len(live) > 500 and not odd, "the file has what the live listing has, field by field",
           "\n".join([f"{len(live)} events", *odd]))
    used = {e["evt.type"] for e in live}
    tap.ok({"openat", "clone", "execve", "connect", "kill", "procexit", "symlink", "close"} <= used,
           "files, network, forks and signals were among it", sorted(used))


def test_print(tap, folder):
    r = koban.run([koban.BINARY, "capture", "-w", "-", "--print"], 30)
    tap.ok(r.returncode == 2 and "give -w a file" in r.stderr, "lines and the capture need two places", r.stderr)
    path = os.path.join(folder, "printed.scap")
    r = koban.run(f"{koban.BINARY} capture -w {path} --print -n 300 | head -n 5", 60, shell=True)
    tap.ok(len(r.stdout.splitlines()) == 5 and sum(codes(path).values()) >= 300,
           "the capture goes on when nobody reads the lines any more", r.stdout + r.stderr)


def test_options(tap, folder):
    base = os.path.join(folder, "ring")
    p = capture(base, "-z", "-e", "200", "-W", "3", "evt.type != futex")
    for _ in range(20):
        koban.run(["ls", "-R", "/etc/apt"])
    err = finish(p)
    names = sorted(x for x in os.listdir(folder) if re.fullmatch(r"ring\d+", x))
    tap.ok(names == ["ring0", "ring1", "ring2"], "a ring of files", f"{names} {err}")
    per_file = [codes(os.path.join(folder, x)) for x in names]
    tap.ok(150 <= max(sum(n.values()) for n in per_file) <= 300, "a file has as many events as was asked", per_file)
    if koban.have("sysdig"):
        lines = [len(sysdig(os.path.join(folder, x))[1]) for x in names]
        known = [sum(n for code, n in x.items() if code < OLD_CODES) for x in per_file]
        tap.ok(lines == known, "each is a capture of its own", f"{lines} {known}")
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
    older = subprocess.Popen(["cat"], stdin=subprocess.PIPE, cwd=folder)
    watch = koban.Koban([rules], "-o", "recorder.enabled=true", "-o", f"recorder.dir={records}",
                        "-o", "recorder.after=2s")
    before = os.path.join(folder, "before")
    koban.run(["touch", before])
    older.communicate(b"")
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
    lists = [body for kind, body in blocks(path) if kind == 0x215]
    tap.ok(any(folder.encode() in body for body in lists), "and processes that had ended")
    tap.ok(not any(b"touch" in body for body in lists), "but not those whose begin it has")
    if koban.have("sysdig"):
        _, lines = sysdig(path, "-p", "%proc.name %fd.name", f"fd.name={marker}")
        tap.ok(f"cat {marker}" in lines, "sysdig reads it", lines)


def main():
    koban.need_root()
    if len(sys.argv) == 1:  # whoever started the test may have more arguments than are kept
        os.execv(sys.executable, [sys.executable, __file__, "an ancestor with long arguments " * 200])
    tap = koban.Tap()
    folder = koban.scratch()
    if koban.have("podman"):
        rootfs = os.path.join(folder, "rootfs")
        koban.make_rootfs(rootfs)
        engine = koban.Podman(rootfs, "capture")
        path = test_container(tap, folder, engine)
        test_round_trip(tap, folder, engine)
        test_again(tap, folder, path)
        shutil.rmtree(rootfs, True)
    else:
        tap.skip("a container is captured", "skipped: needs podman")
    test_options(tap, folder)
    test_print(tap, folder)
    test_recorder(tap, folder)
    tap.done()


if __name__ == "__main__":
    main()
