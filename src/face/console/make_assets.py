#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Builds the web application and turns its files into what the program is linked with: a table in C
and an object with the bodies, plain and compressed.

  make_assets.py --mode auto|enabled|disabled --web DIR --work DIR --table OUT.c --data OUT.S
                 --depfile OUT.d

auto: without Node.js and npm, or when npm cannot fetch its packages, the program is built with a
page that says how to get the application, and a warning says so here.
"""
import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

NODE_MAJOR_MIN = 18
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json",
    ".wasm": "application/wasm",
}
PACKED = {".woff2", ".png", ".ico"}  # compressed already
HASHED = re.compile(r"-[0-9A-Za-z_]{8,}\.[a-z0-9]+$")


class NoConsole(Exception):
    """Why the application cannot be built."""


def check_tools():
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            raise NoConsole(f"there is no {tool}; install nodejs ({NODE_MAJOR_MIN} or newer) and npm")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < NODE_MAJOR_MIN:
        raise NoConsole(f"node is {version.strip()}; {NODE_MAJOR_MIN} or newer is needed")


def install(web):
    """npm ci, unless the packages are those of the lock file already."""
    lock = (web / "package-lock.json").read_bytes()
    stamp = web / "node_modules/.koban-lock"
    wanted = hashlib.sha256(lock).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("console: npm ci (fetches the packages of web/package-lock.json)", file=sys.stderr)
    done = subprocess.run(
        ["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=web,
        capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoConsole(f"npm ci failed:\n{done.stderr.strip()[-2000:]}")
    stamp.write_text(wanted)


def build(web, dist):
    if not (web / "package.json").exists():
        raise NoConsole(f"there is no {web}/package.json")
    check_tools()
    install(web)
    shutil.rmtree(dist, ignore_errors=True)
    done = subprocess.run(["node", "build.mjs", "--outdir", str(dist)], cwd=web,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"console: node build.mjs failed:\n{done.stdout}{done.stderr}")
    print(done.stdout.strip(), file=sys.stderr)


def placeholder(web, dist):
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir(parents=True)
    shutil.copy(web / "placeholder.html", dist / "index.html")


def brotli(body):
    """With Node.js, which has it; without it browsers get gzip."""
    if not shutil.which("node"):
        return None
    script = ("const z=require('zlib'),c=[];process.stdin.on('data',d=>c.push(d)).on('end',()=>"
              "process.stdout.write(z.brotliCompressSync(Buffer.concat(c))))")
    done = subprocess.run(["node", "-e", script], input=body, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 and done.stdout else None


class Asset:
    def __init__(self, dist, file, work, number):
        body = file.read_bytes()
        self.path = "/" + file.relative_to(dist).as_posix()
        self.type = TYPES[file.suffix]
        self.etag = hashlib.sha256(body).hexdigest()[:24]
        self.immutable = self.path.startswith("/assets/") and bool(HASHED.search(file.name))
        self.forms = {"plain": body}
        if file.suffix not in PACKED:
            self.forms["gzip"] = gzip.compress(body, 9, mtime=0)
            self.forms["brotli"] = brotli(body)
        self.forms = {k: v for k, v in self.forms.items()
                      if v and (k == "plain" or len(v) < len(body) * 0.95)}
        self.symbols = {}
        for form, data in self.forms.items():
            name = f"asset_{number}_{form}"
            (work / name).write_bytes(data)
            self.symbols[form] = (name, len(data))


def write_data(out, assets, work):
    lines = ["/* Made by make_assets.py. */", "\t.section .rodata"]
    for a in assets:
        for name, _ in a.symbols.values():
            lines += [f"\t.global {name}", "\t.balign 16", f"{name}:", f'\t.incbin "{work / name}"']
    lines.append('\t.section .note.GNU-stack,"",%progbits')
    out.write_text("\n".join(lines) + "\n")


def c_text(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_table(out, assets, is_placeholder):
    lines = ["/* Made by make_assets.py: the files of the web application. */",
             '#include "face/console/assets.h"', ""]
    for a in assets:
        lines += [f"extern const unsigned char {n}[];" for n, _ in a.symbols.values()]
    lines += ["", "const struct asset assets[] = {"]
    for a in assets:
        fields = [c_text(a.path), c_text(a.type), c_text(f'"{a.etag}"'),
                  "true" if a.immutable else "false"]
        row = [f".{f} = {n}, .{f}_len = {size}" for f, (n, size) in a.symbols.items()]
        lines.append("\t{" + ", ".join(fields + row) + "},")
    lines += ["};", "const size_t nassets = sizeof(assets) / sizeof(assets[0]);",
              f"const bool assets_are_placeholder = {'true' if is_placeholder else 'false'};"]
    out.write_text("\n".join(lines) + "\n")


def sources(web):
    for folder, names, files in os.walk(web):
        names[:] = [n for n in names if n not in ("node_modules", "dist", "test", "dev")]
        yield from (Path(folder) / f for f in files)


def main():
    p = argparse.ArgumentParser()
    for name in ("mode", "web", "work", "table", "data", "depfile"):
        p.add_argument(f"--{name}", required=True)
    o = p.parse_args()
    web, work = Path(o.web).resolve(), Path(o.work).resolve()
    dist = work / "dist"
    work.mkdir(parents=True, exist_ok=True)
    is_placeholder = o.mode == "disabled"
    if not is_placeholder:
        try:
            build(web, dist)
        except NoConsole as e:
            if o.mode == "enabled":
                raise SystemExit(f"console: {e}") from e
            print(f"console: WARNING: koban is built WITHOUT its web application: {e}",
                  file=sys.stderr)
            is_placeholder = True
    if is_placeholder:
        placeholder(web, dist)
    files = sorted(f for f in dist.rglob("*") if f.is_file())
    assets = [Asset(dist, f, work, i) for i, f in enumerate(files)]
    assets.sort(key=lambda a: a.path.encode())
    write_data(Path(o.data), assets, work)
    write_table(Path(o.table), assets, is_placeholder)
    deps = " ".join(str(s).replace(" ", "\\ ") for s in sorted(sources(web)))
    Path(o.depfile).write_text(f"{o.table} {o.data}: {deps}\n")


if __name__ == "__main__":
    main()
