#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What a reader may rely on in every file: a licence line, an opening paragraph, headers that compile
alone, links that lead somewhere, files that one can hold in mind. Each check is first tried on an
invented file that breaks it.
"""
import functools
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 900
# Longer because they are tables of data, path: why.
LONG_TABLES = {}
LICENSED = (".c", ".h", ".sh", ".py", ".yaml", ".def")
# Inputs of tests are data as they came: some are broken on purpose.
INPUTS = ("test/fuzz/corpus/", "test/golden/")
SPDX = re.compile(r"SPDX-License-Identifier: (Apache-2\.0|\(?GPL-2\.0-only OR BSD-2-Clause\)?)")


def all_files(root):
    for folder, names, files in os.walk(root):
        if Path(folder) == root:
            names[:] = [n for n in names if n != ".git" and not n.startswith("build")]
        names[:] = [n for n in names if n not in ("__pycache__", "node_modules")]
        for f in files:
            yield (Path(folder) / f).relative_to(root)


def read(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace")


def check_spdx(root, files):
    for path in files:
        name = path.as_posix()
        if path.suffix not in LICENSED or name.startswith(INPUTS):
            continue
        lines = read(root, path).splitlines()
        first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
        m = SPDX.search(first[0]) if first else None
        if not m:
            yield f"{name}: the first line is no SPDX-License-Identifier that this tree uses"
        elif name.startswith("bpf/") and path.suffix in (".c", ".h") and "GPL" not in m[1]:
            yield f"{name}: what the kernel loads is GPL-2.0-only OR BSD-2-Clause"
        elif not name.startswith("bpf/") and "GPL" in m[1]:
            yield f"{name}: only bpf/ is under the GPL"


def check_opening(root, files):
    for path in files:
        if path.suffix != ".c" or path.parts[0] not in ("src", "bpf", "test"):
            continue
        text = read(root, path).split("\n", 1)[-1].lstrip()
        end = text.find("*/")
        words = text[2:end].replace("*", " ").split() if text.startswith("/*") and end > 0 else []
        if len(words) < 4:
            yield f"{path}: does not open with a paragraph on what it is"


@functools.cache
def library_flags():
    """Where the libraries' headers are that lie in folders of their own."""
    done = subprocess.run(["pkg-config", "--cflags", "lua5.4", "libpq", "libhs"], text=True, capture_output=True,
                          check=False)
    return done.stdout.split()


def compile_header(root, path):
    include = path.relative_to("src") if path.parts[0] == "src" else path
    # twice: a header also has to stand being included again
    text = f'#include "{include}"\n' * 2
    if path.parts[0] == "bpf":
        text = "#include <linux/types.h>\n" + text  # the kernel side has the __u8 … of its own
    cmd = [os.environ.get("CC", "gcc"), "-std=gnu17", "-D_GNU_SOURCE=", "-Wall", "-Wextra",
           "-Werror", "-Wno-unused-parameter", "-Wno-unused-function", "-Isrc", "-I.",
           *library_flags(), "-fsyntax-only", "-xc", "-"]
    done = subprocess.run(cmd, cwd=root, input=text, text=True, capture_output=True, check=False)
    return done.stderr.splitlines()[:6] if done.returncode else []


def check_headers(root, files):
    headers = [p for p in files if p.suffix == ".h" and
               (p.parts[0] == "src" or p.as_posix() == "bpf/record.h")]
    with ThreadPoolExecutor(2) as pool:
        for path, errors in zip(headers, pool.map(lambda p: compile_header(root, p), headers)):
            if errors:
                yield f"{path}: does not compile alone"
                yield from (f"  {e}" for e in errors)


def slug_of(heading):
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", lambda m: m[1] or "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def prose_of(text):
    """Markdown without its code, where brackets mean other things."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.S | re.M)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors_of(text):
    code_free = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.S | re.M)
    return {slug_of(h) for h in re.findall(r"^#+\s+(.*)$", code_free, re.M)}


def check_links(root, files):
    link = re.compile(r'\]\(\s*<?([^)\s>]+)|(?:src|href|srcset)="([^"\s]+)"')
    for path in files:
        if path.suffix != ".md":
            continue
        for m in link.finditer(prose_of(read(root, path))):
            target = m[1] or m[2]
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            name, _, anchor = target.partition("#")
            file = root / path.parent / name if name else root / path
            if not file.exists():
                yield f"{path}: the link to {target} leads nowhere"
            elif anchor and file.suffix == ".md":
                if anchor not in anchors_of(file.read_text(encoding="utf-8")):
                    yield f"{path}: {target}: there is no such heading"


def check_length(root, files):
    for path in files:
        name = path.as_posix()
        if path.parts[0] not in ("src", "bpf") or path.suffix not in (".c", ".h"):
            continue
        lines = read(root, path).count("\n")
        if lines > MAX_LINES and name not in LONG_TABLES:
            yield f"{name}: {lines} lines; nobody holds more than {MAX_LINES} in mind: split it"


def check_dividers(root, files):
    """A line too long by a dash is wrapped by the formatter, and divides nothing."""
    for path in files:
        if path.suffix not in (".c", ".h"):
            continue
        for n, line in enumerate(read(root, path).split("\n"), 1):
            if line.startswith("/* ---- ") and not line.endswith("*/"):
                yield f"{path.as_posix()}:{n}: a line between parts ends where it begins: shorten it"


CHECKS = [
    ("every file names its licence", check_spdx, {
        "src/a.c": "/* A thing. */\n", "x.sh": "#!/bin/sh\n", "data/r.yaml": "- rule: x\n",
        "bpf/a.c": "/* SPDX-License-Identifier: Apache-2.0 */\n"}),
    ("every .c opens with a paragraph", check_opening, {
        "src/a.c": "/* SPDX-License-Identifier: Apache-2.0 */\n#include <stdio.h>\n",
        "src/b.c": "/* SPDX-License-Identifier: Apache-2.0 */\n/* */\nint x;\n"}),
    ("every header compiles alone", check_headers, {
        "src/base/a.h": "#pragma once\nsize_t f(void);\n",
        "src/base/b.h": "enum e { A };\n"}),
    ("every relative link leads somewhere", check_links, {
        "README.md": "[a](docs/none.md)\n", "docs/b.md": "# One\n[up](../none) [x](#two)\n"}),
    ("lines between parts are lines", check_dividers, {"src/a.c": "/* ---- a ---\n * --- */\n"}),
    ("no file is too long to hold in mind", check_length, {"src/a.c": "\n" * (MAX_LINES + 1)}),
]


def self_test(check, broken):
    """Every invented file must be complained of by name."""
    with tempfile.TemporaryDirectory() as d:
        for name, text in broken.items():
            path = Path(d) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        faults = list(check(Path(d), [Path(n) for n in broken]))
    return all(any(f.startswith(n + ":") for f in faults) for n in broken), faults


def main():
    files = sorted(all_files(ROOT))
    points = []
    for name, check, broken in CHECKS:
        points.append((f"seen when broken: {name}", *self_test(check, broken)))
        faults = list(check(ROOT, files))
        points.append((name, not faults, faults))
    print(f"1..{len(points)}")
    for n, (name, good, details) in enumerate(points, 1):
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            for line in details:
                print(f"# {line}")
    return 0 if all(p[1] for p in points) else 1


if __name__ == "__main__":
    sys.exit(main())
