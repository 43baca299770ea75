# SPDX-License-Identifier: Apache-2.0
# not-a-test: what the tests of images share
"""An image made by umoci, a real registry on loopback, and asking koban's reader about images."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KOBAN_BUILD", ROOT / "build"))
READER = BUILD / "test" / "image-reader"


def run(*cmd, **more):
    """The stdout of a command that must succeed."""
    done = subprocess.run([str(c) for c in cmd], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, cmd))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def read(*args, timeout=120, env=None):
    """What image-reader says, as an object; "stderr" is added."""
    done = subprocess.run([str(READER), *map(str, args)], capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, **(env or {})}, check=False)
    try:
        if done.returncode not in (0, 1):  # a signal, or a sanitizer
            raise ValueError
        said = json.loads(done.stdout)
    except ValueError:
        said = {"error": f"exit {done.returncode}", "message": done.stdout[-500:] + done.stderr[:3000]}
    said["stderr"] = done.stderr
    return said


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def umoci(layout, tag, work, *steps, config=()):
    """An image with a layer for each step, which is a function of the root file system's folder."""
    if not layout.exists():
        run("umoci", "init", "--layout", layout)
    ref = f"{layout}:{tag}"
    run("umoci", "new", "--image", ref)
    run("umoci", "unpack", "--image", ref, work)
    for i, step in enumerate(steps):
        step(work / "rootfs")
        run("umoci", "repack", "--refresh-bundle", "--image", ref,
            "--history.created_by", f"step {i}", work)
    if config:
        run("umoci", "config", "--image", ref, *config)
    shutil.rmtree(work)


class Registry:
    """docker-registry with a configuration of its own, on a port of its own."""

    def __init__(self, folder, auth=""):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        config = folder / "config.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nstorage:\n  filesystem:\n"
            f"    rootdirectory: {folder}/data\n  delete:\n    enabled: true\n"
            f"http:\n  addr: {self.host}\n{auth}", encoding="utf-8")
        self.log = open(folder / "log", "w", encoding="utf-8")
        self.process = subprocess.Popen(["docker-registry", "serve", str(config)],
                                        stdout=self.log, stderr=self.log)
        self.wait()

    def wait(self):
        for _ in range(200):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                raise RuntimeError("docker-registry ended: " + Path(self.log.name).read_text("utf-8"))
            time.sleep(0.05)
        raise RuntimeError("docker-registry does not listen")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
