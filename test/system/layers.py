# SPDX-License-Identifier: Apache-2.0
# not-a-test: what the tests of images share
"""OCI layouts made byte by byte, so that they may be as wrong as a test wants; and koban over them."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KOBAN_BUILD", ROOT / "build"))
KOBAN = BUILD / "src/cmd/koban"
OCI = "application/vnd.oci.image."


PEAK_MIB = 256  # of a scan and its workers, whatever the image
NOT_KNOWN = "sha256:" + "0" * 64  # of a layer that has no end


def diff_id_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Blob:
    """Bytes in a layout: their digest and size."""

    def __init__(self, digest, size):
        self.digest, self.size = digest, size


class Layout:
    """An OCI image layout with one image."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "blobs/sha256").mkdir(parents=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.layers = []

    def blob(self, data):
        h = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs/sha256" / h).write_bytes(data)
        return Blob("sha256:" + h, len(data))

    def blob_file(self, path):
        """Moves a file into the layout."""
        h = hashlib.sha256()
        with open(path, "rb") as f:
            while block := f.read(1 << 20):
                h.update(block)
        size = os.path.getsize(path)
        os.rename(path, self.folder / "blobs/sha256" / h.hexdigest())
        return Blob("sha256:" + h.hexdigest(), size)

    def add(self, blob, diff_id=NOT_KNOWN, kind="gzip", created_by="step"):
        self.layers.append((blob, diff_id, kind, created_by))

    def add_tar(self, data, **more):
        """A layer as it should be."""
        self.add(self.blob(gzip.compress(data, 1, mtime=0)), diff_id_of(data), **more)

    def write(self, config=None):
        about = {"architecture": "amd64", "os": "linux", "config": config or {},
                 "rootfs": {"type": "layers", "diff_ids": [d for _, d, _, _ in self.layers]},
                 "history": [{"created_by": c} for _, _, _, c in self.layers]}
        c = self.blob(json.dumps(about).encode())
        manifest = {
            "schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
            "config": {"mediaType": OCI + "config.v1+json", "digest": c.digest, "size": c.size},
            "layers": [{"mediaType": f"{OCI}layer.v1.tar+{kind}", "digest": b.digest,
                        "size": b.size} for b, _, kind, _ in self.layers]}
        m = self.blob(json.dumps(manifest).encode())
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
            {"mediaType": manifest["mediaType"], "digest": m.digest, "size": m.size,
             "annotations": {"org.opencontainers.image.ref.name": "latest"}}]}))
        return self


def member(name, content=b"", kind=tarfile.REGTYPE, **more):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = kind, len(content), 0o644
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def tar(*members, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as t:
        for info, content in members:
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Scan:
    """What `koban image scan --json` said, and how much memory its processes had at their peak."""

    def __init__(self, ref, *options, timeout=600, env=None):
        self.peaks = {}
        cmd = [str(KOBAN), "image", "scan", "--json", "-q", "--no-cache", *map(str, options), str(ref)]
        begun = time.monotonic()
        self.process = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, **(env or {})})
        watcher = threading.Thread(target=self.watch)
        watcher.start()
        try:
            out, err = self.process.communicate(timeout=timeout)
        finally:
            self.process.kill()
            watcher.join()
        self.seconds = time.monotonic() - begun
        self.code, self.stderr = self.process.returncode, err.decode(errors="replace")
        self.report = json.loads(out) if out.strip() else {}

    def watch(self):
        """Peaks by process, as the kernel counts them."""
        while self.process.poll() is None:
            for pid in [self.process.pid, *children(self.process.pid)]:
                peak = peak_kib(pid)
                if peak:
                    self.peaks[pid] = max(peak, self.peaks.get(pid, 0))
            time.sleep(0.02)

    @property
    def peak_mib(self):
        return sum(self.peaks.values()) / 1024

    def checks(self):
        return sorted({f["check"] for f in self.report.get("findings", [])})

    def find(self, check):
        return [f for f in self.report.get("findings", []) if f["check"] == check]

    def gaps(self):
        return self.report.get("coverage", {}).get("gaps", [])

    def files(self):
        return self.report.get("coverage", {}).get("files", 0)

    def says(self, text):
        return any(text in g["why"] for g in self.gaps())

    def __str__(self):
        return json.dumps({"code": self.code, "stderr": self.stderr, "checks": self.checks(),
                           "gaps": self.gaps(), "files": self.files(),
                           "verdict": self.report.get("verdict"),
                           "reason": self.report.get("reason"),
                           "seconds": round(self.seconds, 1), "peak_mib": round(self.peak_mib)},
                          indent=1)


def children(pid):
    try:
        return [int(p) for p in
                Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def peak_kib(pid):
    try:
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def check_peak(tap, s, name):
    """What a scan and its workers held at once, at most."""
    if os.environ.get("KOBAN_ASAN"):
        tap.skip(name, "a sanitised build needs several times the memory")
    else:
        tap.ok(s.peak_mib <= PEAK_MIB, name, s)
