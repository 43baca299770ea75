#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Who may include whom. A room has one door: from elsewhere only WING/ROOM/ROOM.h is included (and
model/event/schema.def; of base/ any header), and only downwards: rooms of lower wings, and inside
engine/ the rooms before it. Every #include in src/ and bpf/ is read; the file that breaks a rule
is printed with the file that it includes. First the test proves on invented trees that it sees
each fault.
"""
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WINGS = ["base", "model", "engine", "source", "scan", "research", "sink", "face", "cmd"]
ENGINE = ["filter", "state", "indicator", "secret", "package", "field", "rules", "detect", "group", "around"]
ONE_ROOM = ("base", "cmd")  # wings without rooms: every header is shared inside
SHARED = "model/event/schema.def"
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>|(\S.*))')
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def without_comments(text):
    """Comments become blanks, so that line numbers stay; strings stay as they are."""
    return COMMENT.sub(lambda m: m[0] if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0]), text)


def place_of(path):
    """(wing, room) of a path below src/, room "" in a wing without rooms; None outside."""
    parts = path.split("/")
    if parts[0] not in WINGS or len(parts) < 2:
        return None
    if parts[0] in ONE_ROOM:
        return parts[0], ""
    return (parts[0], parts[1]) if len(parts) > 2 else None


def fault_of(source, target):
    """Why the file src/`source` may not include src/`target`, or None."""
    me, them = place_of(source), place_of(target)
    if me is None:
        return "lies in no room"
    if them is None:
        return "includes what lies in no room"
    if me == them:
        return None
    (wing, room), (their_wing, their_room) = me, them
    if target == SHARED and WINGS.index(wing) >= WINGS.index("model"):
        return None
    if WINGS.index(their_wing) > WINGS.index(wing):
        return f"climbs from {wing}/ to {their_wing}/"
    if their_wing == wing:
        if wing != "engine":
            return f"enters a neighbour room, {their_wing}/{their_room}"
        for name in (room, their_room):
            if name not in ENGINE:
                return f"engine/{name} is not in the order of engine's rooms"
        if ENGINE.index(their_room) > ENGINE.index(room):
            return f"climbs from engine/{room} to engine/{their_room}"
    if their_wing == "base":
        return None
    if their_wing == "cmd":
        return "includes cmd/, which only wires"
    door = f"{their_wing}/{their_room}/{their_room}.h"
    return None if target == door else f"enters by a window; the door is src/{door}"


def check_include(root, path, name, is_angle):
    """A fault of one #include in `path` (relative to root), or None."""
    if name.startswith("."):
        return "is included by a relative path; write it from src/"
    in_bpf = path.parts[0] == "bpf"
    inner = (root / "src" / name).is_file()
    if is_angle and not inner and not (root / name).is_file():
        return None  # a system header; <bpf/…> are libbpf's
    if name.endswith(".skel.h") and "/" not in name:
        ok = path.parts[:2] == ("src", "source") or path.parts[:3] == ("src", "scan", "detonate")
        return None if ok else "is a BPF skeleton, which only source/ and scan/detonate load"
    if name.startswith("bpf/"):
        if not (root / name).is_file():
            return "does not exist"
        ok = in_bpf or path.parts[:2] == ("src", "source")
        return None if ok else "is the kernel side's, which only source/ knows"
    if in_bpf:
        if inner and name == SHARED:
            return None
        if inner:
            return "is user space's, and this is the kernel's side"
        return None if (root / path.parent / name).is_file() else "does not exist"
    source = path.relative_to("src").as_posix()
    if inner:
        return fault_of(source, name)
    if (root / path.parent / name).is_file():
        return fault_of(source, (path.parent / name).relative_to("src").as_posix())
    return "does not exist below src/"


def faults_in(root):
    faults, nfiles, nincludes = [], 0, 0
    files = sorted(p for top in ("src", "bpf") for p in (root / top).rglob("*")
                   if p.suffix in (".c", ".h", ".def") and p.is_file())
    for file in files:
        nfiles += 1
        path = file.relative_to(root)
        text = without_comments(file.read_text(encoding="utf-8", errors="replace"))
        for number, line in enumerate(text.splitlines(), 1):
            m = INCLUDE.match(line)
            if not m:
                continue
            nincludes += 1
            name = m[1] or m[2]
            if not name:
                faults.append(f"{path}:{number} includes {m[3]}: a macro hides what is included")
            elif why := check_include(root, path, name, m[2] is not None):
                faults.append(f"{path}:{number} includes {name}: {why}")
    return faults, nfiles, nincludes


# ---- invented trees ------------------------------------------------------------------------------

GOOD = {
    "src/base/str.h": "#include <string.h>\n",
    "src/base/str.c": '#include "base/str.h"\n',
    "src/model/event/event.h": '#include "base/str.h"\n',
    "src/model/event/schema.def": "",
    "src/engine/filter/filter.h": '#include "base/str.h"\n',
    "src/engine/filter/private.h": '#include "engine/filter/filter.h"\n',
    "src/engine/filter/lex.c": '#include "engine/filter/private.h"\n/* #include "cmd/x.h" */\n',
    "src/engine/rules/rules.h": '#include "engine/filter/filter.h"\n',
    "src/source/sensor/sensor.c": '#include "bpf/record.h"\n#include "exec.skel.h"\n'
                                  '#include "model/event/schema.def"\n',
    "src/sink/output/output.h": '#include "model/event/event.h"\n',
    "src/cmd/cmd.h": "",
    "src/cmd/main.c": '#include "cmd/cmd.h"\n#include "sink/output/output.h"\n',
    "bpf/record.h": "",
    "bpf/exec.bpf.c": '#include "record.h"\n#include "bpf/record.h"\n#include <bpf/bpf_core.h>\n'
                      '#include "model/event/schema.def"\n',
}
# what is added to the good tree, and a word of the fault that must be seen
BAD = [
    ("climbs a wing", "src/base/arena.c", '#include "model/event/event.h"', "climbs from base/"),
    ("climbs inside engine/", "src/engine/filter/x.c", '#include "engine/rules/rules.h"', "climbs"),
    ("climbs into cmd/", "src/sink/output/x.c", '#include "cmd/cmd.h"', "climbs"),
    ("enters by a window", "src/engine/rules/x.c", '#include "engine/filter/private.h"', "window"),
    ("enters by a window, with blanks", "src/cmd/x.c",
     '  #  include   "engine/filter/private.h"', "window"),
    ("enters by a window, with <>", "src/cmd/x.c", "#include <engine/filter/private.h>", "window"),
    ("a neighbour's door", "src/model/finding/x.c", '#include "model/event/event.h"', "neighbour"),
    ("a relative path", "src/engine/rules/x.c", '#include "../filter/private.h"', "relative"),
    ("a header that is not there", "src/cmd/x.c", '#include "base/nothing.h"', "not exist"),
    ("a hidden include", "src/cmd/x.c", "#include HEADER", "macro"),
    ("the kernel side from engine/", "src/engine/rules/x.c", '#include "bpf/record.h"', "kernel"),
    ("a skeleton outside source/", "src/cmd/x.c", '#include "exec.skel.h"', "skeleton"),
    ("user space from the kernel side", "bpf/x.bpf.c", '#include "base/str.h"', "user space"),
    ("a room that the order does not know", "src/engine/new/x.c",
     '#include "engine/filter/filter.h"', "not in the order"),
    ("a file in no room", "src/engine/x.c", '#include "base/str.h"', "no room"),
]


def tree_faults(files):
    with tempfile.TemporaryDirectory() as d:
        for name, text in files.items():
            path = Path(d) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return faults_in(Path(d))[0]


def self_test():
    points = [("an invented tree without fault passes", not (f := tree_faults(GOOD)), f)]
    for name, path, line, word in BAD:
        faults = tree_faults({**GOOD, path: line + "\n"})
        seen = len(faults) == 1 and path in faults[0] and word in faults[0]
        points.append((f"an invented fault is seen: {name}", seen, faults))
    return points


def main():
    points = self_test()
    faults, nfiles, nincludes = faults_in(ROOT)
    points.append((f"{nincludes} includes in {nfiles} files go down and by doors",
                   not faults and nincludes > 0, faults))
    print(f"1..{len(points)}")
    for n, (name, good, details) in enumerate(points, 1):
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            for line in details:
                print(f"# {line}")
    return 0 if all(p[1] for p in points) else 1


if __name__ == "__main__":
    sys.exit(main())
