#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Precision and recall of the search for secrets over a labelled set, which is kept outside this tree.

usage: secrets.py FOLDER LABELS [--program build/test/bench-secrets] [--min N] [--wrong FILE]

LABELS has a line for each labelled place, with tabs between: path in FOLDER, first line, last line,
"T" (a secret), "F" (looks like one and is none) or "-" (says nothing either way), and a name of the
group (the repository). Groups are split into two halves by a hash of their names: "tune" may be
looked at while patterns are written, "held out" may not; all numbers are said for both.

A finding in a line that has a "T" is right; one in any other line, labelled or not, is wrong, but
in lines with "-" it does not count. A "T" without a finding in its lines is missed.
"""
import argparse
import collections
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HALVES = ("tune", "held out")


def half_of(group):
    return HALVES[hashlib.sha256(group.encode()).digest()[0] & 1]


def read_labels(path):
    labels = collections.defaultdict(list)
    groups = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        name, first, last, label, group = line.split("\t")[:5]
        labels[name].append((int(first), int(last), label))
        groups[name] = group
    return labels, groups


def read_findings(program, folder, minimum):
    done = subprocess.run([program, "--list", folder], capture_output=True, check=True)
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        path, number, rule, _, confidence, _, excerpt = line.split("\t", 6)
        if int(confidence) >= minimum:
            yield path.lstrip("/"), int(number), rule, excerpt


def judge(labels, path, line):
    """("T" | "F" | "-", the T rows that the line lies in)"""
    rows = [r for r in labels.get(path, ()) if r[0] <= line <= r[1]]
    hits = [r for r in rows if r[2] == "T"]
    if hits:
        return "T", hits
    return ("-" if any(r[2] == "-" for r in rows) else "F"), []


def score(labels, groups, findings):
    found = {h: set() for h in HALVES}
    right, wrong = collections.Counter(), collections.Counter()
    rules = collections.defaultdict(collections.Counter)
    faults = []
    for path, line, rule, excerpt in findings:
        half = half_of(groups.get(path, path.split("/", maxsplit=1)[0]))
        verdict, hits = judge(labels, path, line)
        if half == "tune":
            rules[rule][verdict] += 1
        if verdict == "T":
            right[half] += 1
            found[half] |= {(path, r) for r in hits}
        elif verdict == "F":
            wrong[half] += 1
            faults.append((half, "wrong", path, line, rule, excerpt))
    missed = {h: 0 for h in HALVES}
    for path, rows in labels.items():
        half = half_of(groups[path])
        for row in rows:
            if row[2] == "T" and (path, row) not in found[half]:
                missed[half] += 1
                faults.append((half, "missed", path, row[0], "", ""))
    return found, right, wrong, missed, rules, faults


def say(name, found, right, wrong, missed):
    precision = right / max(1, right + wrong)
    recall = found / max(1, found + missed)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    print(f"{name:10} precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}   "
          f"({right} right, {wrong} wrong findings; {found} of {found + missed} secrets)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("labels")
    parser.add_argument("--program", default=ROOT / "build/test/bench-secrets")
    parser.add_argument("--min", type=int, default=0, help="confidence, per cent")
    parser.add_argument("--wrong", help="writes what was wrong or missed in the tune half here")
    parser.add_argument("--rules", action="store_true", help="prints right and wrong by rule")
    args = parser.parse_args()
    labels, groups = read_labels(args.labels)
    findings = list(read_findings(args.program, args.folder, args.min))
    found, right, wrong, missed, rules, faults = score(labels, groups, findings)
    for half in HALVES:
        say(half, len(found[half]), right[half], wrong[half], missed[half])
    say("both", sum(map(len, found.values())), sum(right.values()), sum(wrong.values()),
        sum(missed.values()))
    if args.rules:
        for rule, counts in sorted(rules.items(), key=lambda r: -sum(r[1].values())):
            print(f"{rule:32} right {counts['T']:5}  wrong {counts['F']:5}")
    if args.wrong:
        with open(args.wrong, "w", encoding="utf-8") as out:
            for half, *fault in faults:
                if half == "tune":
                    print(*fault, sep="\t", file=out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
