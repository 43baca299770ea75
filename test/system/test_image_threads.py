#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""
One thread or several: the report is the same to the byte. An image with every plant that
test_image_set.py scans one by one, in three layers among much else, is scanned with 1 to 4 threads,
and some times more with those that overtake one another.
"""
import difflib
import json
import random
import shutil
import tempfile
from pathlib import Path

import image_plants
from koban import Tap
from layers import KOBAN, Layout, Scan, member, tar

FILLER, LARGE = 300, 20 << 20
tap = Tap()
work = Path(tempfile.mkdtemp(prefix="koban-threads-"))


def entry(path, what):
    """A plant's file as a member of a tar."""
    mode = 0o644
    if isinstance(what, tuple) and what[0] == "->":
        return member(path.lstrip("/"), kind=b"2", linkname=what[1])
    if isinstance(what, tuple):
        what, mode = what
    return member(path.lstrip("/"), what.encode() if isinstance(what, str) else what, mode=mode)


def layer(rng, plants):
    members = [entry(p, w) for plant in plants for p, w in {**plant.files, **plant.under}.items()]
    program = KOBAN.read_bytes()
    for i in range(FILLER):
        at, size = rng.randrange(len(program) - 70000), rng.choice([200, 3000, 60000])
        text = b"".join(b"line %d of %d says nothing\n" % (k, i) for k in range(size // 30))
        members.append(member(f"data/{i}.bin", program[at:at + size]))
        members.append(member(f"data/{i}.txt", text))
    members.append(member("opt/program", program, mode=0o755))
    members.append(member("opt/large", (program * (1 + LARGE // len(program)))[:LARGE]))
    rng.shuffle(members)
    return tar(*members)


def make_image():
    rng = random.Random(20)
    layout = Layout(work / "image")
    groups = (image_plants.secrets() + image_plants.malware(),
              image_plants.miners() + image_plants.network(),
              image_plants.settings() + image_plants.secrets())
    for plants in groups:
        layout.add_tar(layer(rng, plants))
    return layout.write({"Env": ["PATH=/bin", "DB_PASSWORD=Xk29vQ71mLpZ"], "Entrypoint": ["/opt/program"]})


def scan(ref, threads):
    """The report as text, and as an object, without the time of day."""
    report = Scan(ref, "--threads", threads).report
    report.pop("scanned_ns", None)
    return json.dumps(report, indent=1), report


def main():
    layout = make_image()
    ref = f"oci:{layout.folder}"
    expected, report = scan(ref, 1)
    n = len(report.get("findings", []))
    tap.ok(n > 50, f"one thread finds much: {n}")
    for threads in (2, 3, 4, 2, 3, 4):
        said, _ = scan(ref, threads)
        differs = [d for d in difflib.unified_diff(expected.split("\n"), said.split("\n"), n=0)][:20]
        tap.ok(said == expected, f"{threads} threads say the same", "\n".join(differs))
    shutil.rmtree(work)
    tap.done()


main()
