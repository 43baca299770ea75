#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""koban store: stats, check, backup, and a damaged database that is moved aside on request."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("KOBAN_SOURCE", Path(__file__).resolve().parents[2]))
KOBAN = Path(os.environ.get("KOBAN_BUILD", ROOT / "build")) / "src/cmd/koban"
POINTS = []


def point(ok, name, done):
    POINTS.append(ok)
    print(f"{'ok' if ok else 'not ok'} {len(POINTS)} - {name}", flush=True)
    if not ok:
        print(f"# exit {done.returncode}\n# {done.stdout}\n# {done.stderr}", flush=True)


def store(*args):
    return subprocess.run([KOBAN, "store", *map(str, args)], capture_output=True, text=True,
                          timeout=60, check=False)


def damage(path):
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 8192):
        data[at:at + 32] = b"rubbish " * 4
    path.write_bytes(data)


def main():
    with tempfile.TemporaryDirectory(prefix="koban-store-") as name:
        folder = Path(name)
        db, copy = folder / "koban.db", folder / "copy.db"
        done = store("stats", db)
        point(done.returncode == 2 and str(db) in done.stderr and not db.exists(),
              "a store that is not there is said and not made", done)
        done = store("move-aside", db)
        point(done.returncode == 0 and db.exists() and db.stat().st_mode & 0o777 == 0o600,
              "a new store is its owner's alone", done)
        done = store("stats", db, "--json")
        point(done.returncode == 0 and json.loads(done.stdout)["findings"] == 0,
              "stats for machines", done)
        done = store("stats", db)
        point(done.returncode == 0 and "findings   0" in done.stdout, "stats for people", done)
        done = store("check", db)
        point(done.returncode == 0 and "sound" in done.stdout, "a sound store is sound", done)
        done = store("backup", db)
        point(done.returncode == 2 and "-o FILE" in done.stderr, "a backup asks for a file", done)
        done = store("backup", db, "-o", copy)
        point(done.returncode == 0 and store("check", copy).returncode == 0,
              "a backup is a sound store", done)
        done = store("backup", db, "-o", copy)
        point(done.returncode == 2 and "there already" in done.stderr,
              "a backup overwrites nothing", done)
        damage(db)
        done = store("check", db)
        point(done.returncode == 2 and "damaged" in done.stderr and "move-aside" in done.stderr,
              "a damaged store is said, with what to do", done)
        done = store("move-aside", db)
        point(done.returncode == 0 and store("check", db).returncode == 0 and
              len(list(folder.glob("koban.db.damaged-*"))) >= 1,
              "it is moved aside on request", done)
        done = store("eat", db)
        point(done.returncode == 2 and "koban store --help" in done.stderr,
              "an unknown word is said", done)
        done = store("--help")
        point(done.returncode == 0 and done.stdout.startswith("usage: koban store"), "help", done)
    print(f"1..{len(POINTS)}")
    return 0 if all(POINTS) else 1


if __name__ == "__main__":
    sys.exit(main())
