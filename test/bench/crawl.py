#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
How many images an hour `koban image crawl` scans on this machine: synthetic images in a real registry
on loopback that share base layers, as images of a registry do. A base is 170 MB of this machine's own
programs and libraries (about 60 MB packed, as Debian's minbase is); on it lie one or two layers of an
image's own: text, a program, a package database, noise. Printed: images an hour with the shared layers
known after their first scan, and with no layer shared (each image read whole), both in one run.

usage: crawl.py [IMAGES [BASES]]      500 images on 5 bases; KOBAN_BUILD chooses the program
"""
import gzip
import hashlib
import http.client
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "system"))
from images import Registry

KOBAN = Path(os.environ.get("KOBAN_BUILD", ROOT / "build")) / "src" / "cmd" / "koban"
BASE_BYTES = 170 << 20
WHOLE = 12  # images that are read whole
RANDOM = random.Random(7)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def make_base(n, folder):
    """A tar of this machine's files, another choice for each base; packed once."""
    out = io.BytesIO()
    size = 0
    files = sorted(p for d in ("/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/share/doc") for p in Path(d).rglob("*")
                   if p.is_file() and not p.is_symlink())
    random.Random(n).shuffle(files)
    with tarfile.open(fileobj=out, mode="w") as t:
        release = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n'
        info = tarfile.TarInfo("etc/os-release")
        info.size = len(release)
        t.addfile(info, io.BytesIO(release))
        for p in files:
            if size >= BASE_BYTES:
                break
            if p.stat().st_size < 20 << 20:
                t.add(p, str(p).lstrip("/"), recursive=False)
                size += p.stat().st_size
    plain = folder / f"base{n}.tar"
    plain.write_bytes(out.getvalue())
    packed = subprocess.run(["gzip", "-c", "-6", plain], capture_output=True, check=True).stdout
    diff = digest(plain.read_bytes())
    plain.unlink()
    return packed, diff


def make_top(n):
    out = io.BytesIO()
    noise = RANDOM.randbytes(200_000)
    with tarfile.open(fileobj=out, mode="w") as t:
        for k in range(40):
            text = (f"# module {n}.{k}\n" + f"value_{k} = compute({n}, '{k}')\n" * 400).encode()
            info = tarfile.TarInfo(f"app/m{k}.py")
            info.size = len(text)
            t.addfile(info, io.BytesIO(text))
        info = tarfile.TarInfo("app/data.bin")
        info.size = len(noise)
        t.addfile(info, io.BytesIO(noise))
    return gzip.compress(out.getvalue(), 6), digest(out.getvalue())


class Pusher:
    def __init__(self, host):
        self.http = http.client.HTTPConnection(host)

    def ask(self, method, path, body=b"", headers=None):
        self.http.request(method, path, body, headers or {})
        r = self.http.getresponse()
        text = r.read()
        if r.status >= 300 and method != "HEAD":
            raise RuntimeError(f"{method} {path}: {r.status} {text[:200]}")
        return r

    def blob(self, repo, data, of=None):
        d = digest(data)
        if of:
            self.ask("POST", f"/v2/{repo}/blobs/uploads/?mount={d}&from={of}")
            return d
        r = self.ask("POST", f"/v2/{repo}/blobs/uploads/")
        where = re.sub(r"^https?://[^/]+", "", r.headers["Location"])
        self.ask("PUT", f"{where}{'&' if '?' in where else '?'}digest={d}", data)
        return d

    def image(self, repo, layers, diffs):
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/app/run"]},
                             "rootfs": {"type": "layers", "diff_ids": diffs},
                             "history": [{"created_by": f"COPY {i} /"} for i in range(len(diffs))]}).encode()
        kind = "application/vnd.oci.image."
        manifest = {"schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
                    "config": {"mediaType": kind + "config.v1+json", "digest": self.blob(repo, config), "size": len(config)},
                    "layers": [{"mediaType": kind + "layer.v1.tar+gzip", "digest": d, "size": n} for d, n in layers]}
        self.ask("PUT", f"/v2/{repo}/manifests/1", json.dumps(manifest).encode(),
                 {"Content-Type": manifest["mediaType"]})


def fill(host, bases, count):
    push = Pusher(host)
    homes = {}
    refs = []
    for n in range(count):
        packed, diff = bases[n % len(bases)]
        repo = f"team{n % 17}/app{n}"
        base = push.blob(repo, packed, homes.get(diff))
        homes.setdefault(diff, repo)
        top, top_diff = make_top(n)
        push.image(repo, [(base, len(packed)), (push.blob(repo, top), len(top))], [diff, top_diff])
        refs.append(f"{host}/{repo}:1")
    return refs


def crawl(folder, name, host, refs, *options):
    listing = folder / f"{name}.txt"
    listing.write_text("\n".join(refs), "utf-8")
    db = folder / f"{name}.db"
    begun = time.monotonic()
    subprocess.run([KOBAN, "image", "crawl", db, "--list", listing, "--insecure", host, "-q", *options], check=True)
    seconds = time.monotonic() - begun
    stats = json.loads(subprocess.run([KOBAN, "image", "stats", db, "--json"], capture_output=True, check=True).stdout)
    if stats["names"] != len(refs) or stats["failed"]:
        raise RuntimeError(f"{stats['names']} of {len(refs)} scanned, {stats['failed']} failed")
    return seconds


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    nbases = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory(prefix="koban-crawl-", dir="/var/tmp") as d:
        folder = Path(d)
        registry = Registry(folder / "registry")
        try:
            print(f"making {nbases} bases and {count} images …", file=sys.stderr, flush=True)
            bases = [make_base(n, folder) for n in range(nbases)]
            refs = fill(registry.host, bases, count)
            packed = sum(len(b[0]) for b in bases) / len(bases) / 1e6
            shared = crawl(folder, "shared", registry.host, refs)
            # one of each base, again and again, with nothing remembered
            seconds = 0.0
            for n in range(0, WHOLE, nbases):
                seconds += crawl(folder, f"whole{n}", registry.host, refs[:min(nbases, WHOLE - n)])
            print(f"{count} images on {nbases} bases of {packed:.0f} MB packed, {os.cpu_count()} processors")
            print(f"layers shared:  {3600 * count / shared:8.0f} images an hour ({shared:.1f} s)")
            print(f"nothing shared: {3600 * WHOLE / seconds:8.0f} images an hour ({WHOLE} images in {seconds:.1f} s, "
                  "with starting the program)")
        finally:
            registry.close()


if __name__ == "__main__":
    main()
