#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 1200
# beside: others
"""
The memory of a scan does not grow with the image. The image is made here: noise, text and programs,
in files small and large, in four layers; one GiB of it, or as many as KOBAN_IMAGE_GIB says (`make
image-memory`: 8). Its parts are compressed once and put together as gzip members, so that making it
is quicker than reading it.
"""
import gzip
import hashlib
import os
import random
import subprocess
import tarfile
import tempfile
from pathlib import Path

from koban import Tap
from layers import KOBAN, PEAK_MIB, Layout, Scan, check_peak

GIB = int(os.environ.get("KOBAN_IMAGE_GIB", "1"))
LAYERS = 4
tap = Tap()


def packed(data):
    return gzip.compress(data, 1, mtime=0)


class Part:
    """A file's content, as it is and compressed, with the padding that a tar wants."""

    def __init__(self, name, data):
        self.name, self.size = name, len(data)
        self.plain = data + bytes(-len(data) % 512)
        self.packed = packed(self.plain)


def make_text(rng, size):
    words = [bytes(rng.choices(b"etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(2000)]
    line = b" ".join(rng.choices(words, k=200000)).replace(b" e", b"\n")
    return (line * (size // len(line) + 1))[:size]


def make_parts(rng):
    elf = KOBAN.read_bytes()
    return [
        (Part("noise-small", rng.randbytes(3000)), 40),
        (Part("text-small", make_text(rng, 5000)), 60),
        (Part("noise.bin", rng.randbytes(700_000)), 20),
        (Part("text.log", make_text(rng, 2_000_000)), 10),
        (Part("program", elf[: 8 << 20]), 4),
        (Part("large.log", make_text(rng, 60 << 20)), 1),
        (Part("large.bin", rng.randbytes(30 << 20)), 1),
    ]


class LayerFile:
    """A layer that is written: stored bytes to a file, both digests on the way."""

    def __init__(self, path):
        self.path, self.file = path, open(path, "wb")
        self.plain = hashlib.sha256()
        self.size = self.n = 0

    def add(self, part):
        info = tarfile.TarInfo(f"data/{self.n // 1000}/{self.n}-{part.name}")
        info.size, info.mode = part.size, 0o755
        head = info.tobuf(tarfile.USTAR_FORMAT)
        self.plain.update(head)
        self.plain.update(part.plain)
        self.file.write(packed(head))
        self.file.write(part.packed)
        self.size += len(head) + len(part.plain)
        self.n += 1

    def end(self):
        self.plain.update(bytes(1024))
        self.file.write(packed(bytes(1024)))
        self.file.close()


def make_layer(layout, parts, size, rng, path):
    layer = LayerFile(path)
    choices = [p for p, n in parts for _ in range(n)]
    # a file larger than any window, of all kinds one after the other
    while layer.size < size:
        layer.add(rng.choice(choices))
    layer.end()
    layout.add(layout.blob_file(path), "sha256:" + layer.plain.hexdigest())
    return layer.n, layer.size


def main():
    rng = random.Random(5)
    work = Path(tempfile.mkdtemp(prefix="koban-memory-", dir=os.environ.get("TMPDIR", "/var/tmp")))
    try:
        layout = Layout(work / "image")
        parts = make_parts(rng)
        made = [make_layer(layout, parts, (GIB << 30) // LAYERS, rng, work / "layer")
                for _ in range(LAYERS)]
        layout.write()
        s = Scan(f"oci:{layout.folder}", timeout=1100)
        files, size = sum(n for n, _ in made), sum(b for _, b in made)
        print(f"# {size >> 20} MiB in {files} files: {s.seconds:.0f} s, peak {s.peak_mib:.0f} MiB"
              f" of {len(s.peaks)} processes ({', '.join(str(k >> 10) for k in s.peaks.values())})",
              flush=True)
        tap.ok(s.code == 0 and s.files() == files, f"all of {GIB} GiB was read", s)
        tap.ok(not s.gaps(), "and nothing of it left out", s)
        check_peak(tap, s, f"with at most {PEAK_MIB} MiB")
    finally:
        subprocess.run(["rm", "-rf", str(work)], check=False)
    tap.done()


main()
