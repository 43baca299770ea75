#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Replay cases as data. A case is a folder test/golden/replay/NAME:

  case.yaml       capture: and rules: (a list), as paths from the source tree, or shared/… for data
                  beside it; optional: exit:, options:, summary: (text that stderr must hold)
  expected.jsonl  one finding a line, as `koban replay --json` prints it; absent = none
  README.md       where it comes from and why these findings are right

Run with --write after a change that is meant: it writes expected.jsonl anew, to be looked at.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
KOBAN = Path(os.environ.get("KOBAN_BUILD", ROOT / "build")) / "src/cmd/koban"
SHARED = Path(os.environ.get("KOBAN_SHARED", ROOT.parent / "shared"))


def resolve(path):
    return SHARED / path.removeprefix("shared/") if path.startswith("shared/") else ROOT / path


def run(case, capture):
    rules = [part for r in case["rules"] for part in ("-r", str(resolve(r)))]
    with tempfile.NamedTemporaryFile(suffix=".yaml") as config:  # not this machine's
        cmd = [str(KOBAN), "replay", str(capture), "--json", "-c", config.name, *rules,
               *case.get("options", [])]
        return subprocess.run(cmd, capture_output=True, text=True, check=False,
                              env={**os.environ, "TZ": "UTC"})


def differences(expected, got):
    for i in range(max(len(expected), len(got))):
        a = expected[i] if i < len(expected) else None
        b = got[i] if i < len(got) else None
        if a == b:
            continue
        if a is None or b is None:
            yield f"finding {i + 1}: {'not expected' if a is None else 'missing'}: {a or b}"
            continue
        for key in sorted(a.keys() | b.keys()):
            if a.get(key) != b.get(key):
                yield f"finding {i + 1}: {key}: expected {a.get(key)!r}, got {b.get(key)!r}"


def check(folder, capture, write):
    case = yaml.safe_load((folder / "case.yaml").read_text())
    done = run(case, capture)
    got = [json.loads(line) for line in done.stdout.splitlines()]
    file = folder / "expected.jsonl"
    if write and got:
        file.write_text("".join(json.dumps(f, sort_keys=True) + "\n" for f in got))
    elif write:
        file.unlink(missing_ok=True)
    lines = file.read_text().splitlines() if file.exists() else []
    wrong = list(differences([json.loads(line) for line in lines], got))
    if done.returncode != case.get("exit", 0):
        wrong.append(f"exit {done.returncode}: {done.stderr}")
    wrong += [f"stderr lacks {t!r}: {done.stderr}" for t in case.get("summary", [])
              if t not in done.stderr]
    return wrong


def main():
    write = "--write" in sys.argv
    points = []
    for folder in sorted(p for p in (ROOT / "test/golden/replay").iterdir() if p.is_dir()):
        case = yaml.safe_load((folder / "case.yaml").read_text())
        captures = case["capture"] if isinstance(case["capture"], list) else [case["capture"]]
        for name in captures:
            points.append((folder, name, [name, *case["rules"]]))
    print(f"1..{len(points)}")
    failed = 0
    for i, (folder, name, needs) in enumerate(points, 1):
        title = f"{folder.name}: {Path(name).name}"
        missing = [n for n in needs if not resolve(n).exists()]
        if missing:
            print(f"ok {i} - {title} # SKIP skipped: needs ../{missing[0]}")
            continue
        wrong = check(folder, resolve(name), write)
        failed += bool(wrong)
        for line in wrong:
            print(f"# {line}")
        print(f"{'not ok' if wrong else 'ok'} {i} - {title}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
