#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
A console that is killed while batches of findings are on their way into its store: one is being
put, the next is read already, and the entities of those before are not all written. Every finding
that it had acknowledged is there, the store is sound, and entities, relations and counts are what
putting the same records again, a few at a time, makes of them.
"""
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import console

SOURCE = Path(os.environ.get("KOBAN_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("KOBAN_BUILD", SOURCE / "build"))
WRITER = BUILD / "test" / "store-writer"
KILLS = 8
BURST = 12000
POINTS = []

DERIVED = {
    "entities": "SELECT kind, key, name, attrs, findings, open, worst, first_ns, last_ns FROM entity",
    "relations": "SELECT s.kind, s.key, r.kind, t.kind, t.key, r.count, r.first_ns, r.last_ns "
                 "FROM relation r JOIN entity s ON s.id = r.source JOIN entity t ON t.id = r.target",
}


def point(ok, name, why=""):
    POINTS.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(POINTS)} - {name}", flush=True)
    if why and not ok:
        print("# " + "\n# ".join(str(why).strip().splitlines()[:20]), flush=True)


def finding(n):
    record = console.finding(n)
    record["time_ns"] = 1800000000000000000 + n * 1000
    record["processes"][0].update(start_ns=5000 + n // 3, pid=4000 + n // 3, started_ns=1)
    record["processes"][1].update(started_ns=1)
    record["file"] = {"asked": f"/etc/{n % 700}", "real": f"/etc/{n % 700}", "known": ""}
    record["connection"]["remote"] = f"93.184.{n % 50}.{n % 7}:443"
    record["container"].update(id=f"{n % 9:012x}", full_id=f"{n % 9:064x}")
    return record


def burst_and_kill(server, first, delay_s):
    """Sends a burst, kills the server delay_s after its first answer; how many it acknowledged."""
    sender = console.Sender(server)
    records = [finding(n) for n in range(first, first + BURST)]

    def send():
        try:
            sender.send(*records)
        except OSError:
            pass  # it was killed

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    acknowledged, end = 0, None
    try:
        while end is None or time.monotonic() < end:
            line = sender.file.readline()
            if not line.endswith(b"\n"):
                break
            word, number = line.split()[:2]
            if word != b"ok":
                raise RuntimeError(line)
            acknowledged = int(number)
            end = end or time.monotonic() + delay_s
        server.process.kill()
        while (line := sender.file.readline()).endswith(b"\n"):
            acknowledged = int(line.split()[1])
    except OSError:
        pass
    thread.join()
    sender.close()
    server.stop()
    return acknowledged


def check(url, ids):
    r = subprocess.run([WRITER, "check", url], input="".join(f"{i}\n" for i in ids),
                       capture_output=True, text=True, timeout=200, check=False)
    return r.stdout.strip() or r.stderr


def rows(path, sql):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return sorted(db.execute(sql).fetchall())
    finally:
        db.close()


def mentions(path):
    """(finding's id, [(role, kind, key of an entity)]) of each finding."""
    entity = {i: (kind, key) for i, kind, key in rows(path, "SELECT id, kind, key FROM entity")}
    out = []
    for i, names in rows(path, "SELECT f.id, m.entities FROM finding f JOIN mention m ON m.n = f.n"):
        pairs = [x.split(":") for x in names.split()]
        out.append((i, [(role, *entity[int(number)]) for number, role in pairs]))
    return out


def difference(a, b):
    a, b = set(map(str, a)), set(map(str, b))
    return f"only after kills: {list(a - b)[:3]}\nonly anew: {list(b - a)[:3]}"


def test_kills(folder):
    rng = random.Random(9)
    first, in_flight, underived, acknowledged = 0, 0, 0, []
    rules = folder / "rules.yaml"
    rules.write_text("[]\n")
    path = folder / "console" / "koban.db"
    for _ in range(KILLS):
        server = console.Server(data=str(folder))
        n = burst_and_kill(server, first, rng.uniform(0, 0.4))
        acknowledged += [f"{i:032x}" for i in range(first, first + n)]
        in_flight += n < BURST
        underived += rows(path, "SELECT count(*) FROM underived")[0][0] > 0
        first += BURST
    point(len(acknowledged) > KILLS * 1000, f"{len(acknowledged)} findings were acknowledged")
    point(in_flight >= KILLS // 2, "most kills came while batches were on their way", in_flight)
    point(underived > 0, "some kills came before entities were written", underived)
    said = check(str(path), acknowledged)
    point(said.startswith("ok"), "all of them are there, and the store is sound", said)
    anew = folder / "anew.db"
    lines = "".join(r + "\n" for _, r in rows(path, "SELECT n, record FROM evidence"))
    subprocess.run([WRITER, "lines", anew], input=lines, text=True, check=True, timeout=200)
    for name, sql in DERIVED.items():
        a, b = rows(path, sql), rows(anew, sql)
        point(a == b and len(a) > 100, f"{len(a)} {name} are what they are when made anew",
              difference(a, b))
    a, b = mentions(path), mentions(anew)
    point(a == b and len(a) >= len(acknowledged), "so is what each finding names", difference(a, b))


def main():
    with tempfile.TemporaryDirectory(prefix="koban-ingest-kill-", dir="/var/tmp") as name:
        test_kills(Path(name))
    print(f"1..{len(POINTS)}")
    return 0 if all(POINTS) else 1


if __name__ == "__main__":
    sys.exit(main())
