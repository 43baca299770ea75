#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
"""
The console's front end: its logic under Node (web/test/), then every page in Chromium against a
real `koban serve` (console.mjs). Both print TAP; here they are started, and their points numbered
through.
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(os.environ.get("KOBAN_SOURCE") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("KOBAN_BUILD") or SOURCE / "build").resolve()
NODE_MAJOR_MIN = 18
# Plans and what node:test adds to each point.
NOISE = re.compile(r"1\.\.\d|TAP version|  (---|\.\.\.|duration_ms:)"
                   r"|# (Subtest|tests|suites|pass|fail|cancelled|skipped|todo|duration_ms)\b")


def skip(why):
    print(f"1..0 # skip {why}")
    sys.exit(0)


def check_tools():
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            skip(f"there is no {tool}: setup/install.sh test")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True,
                             check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < NODE_MAJOR_MIN:
        skip(f"node {version.strip()} is older than {NODE_MAJOR_MIN}")
    chromium = os.environ.get("KOBAN_CHROMIUM", "/usr/bin/chromium")
    if not os.access(chromium, os.X_OK):
        skip(f"there is no {chromium}: setup/install.sh test")


def install(folder):
    """npm ci, unless the packages are those of the lock file already."""
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules/.koban-lock"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"],
        cwd=folder, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        skip(f"npm cannot fetch the packages of {folder.name}/package-lock.json")
    stamp.write_text(wanted)


class Points:
    """Two TAP streams as one."""

    def __init__(self):
        self.n = self.failed = 0

    def add(self, text):
        for line in text.splitlines():
            if m := re.match(r"(not )?ok \d+ - (.*)", line):
                self.n += 1
                self.failed += bool(m[1])
                print(f"{m[1] or ''}ok {self.n} - {m[2]}", flush=True)
            elif not NOISE.match(line):
                print(line if line.startswith("#") else f"# {line}", flush=True)


def main():
    check_tools()
    if "are_placeholder = true" in (BUILD / "src/face/console/console_assets.c").read_text():
        skip("this koban was built without the web application (-Dconsole=enabled says why)")
    install(SOURCE / "web")
    install(SOURCE / "test/web")
    points = Points()
    env = dict(os.environ, KOBAN_BUILD=str(BUILD), KOBAN_SOURCE=str(SOURCE))
    broken = False
    for program in (SOURCE / "web/test/run.mjs", SOURCE / "test/web/console.mjs"):
        before = points.n
        child = subprocess.Popen(["node", str(program)], env=env, stdout=subprocess.PIPE, text=True)
        for line in child.stdout:
            points.add(line)
        broken |= child.wait() not in (0, 1) or points.n == before
    print(f"1..{points.n}")
    sys.exit(1 if points.failed or broken else 0)


if __name__ == "__main__":
    main()
