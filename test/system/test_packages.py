#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
Packages as koban reads them beside what the package managers themselves say: dpkg and its file
lists on this machine, rpm databases in all three forms, gems, Python packages, Java archives, npm
modules, and the modules of a Go program. Nothing is mocked: the databases are made by rpm, libdb's
db_load, go and objcopy; only ndb, which Debian's rpm cannot write, is put together here from rpm's
own headers.
"""
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

SOURCE = Path(os.environ.get("KOBAN_SOURCE", Path(__file__).resolve().parents[2]))
BUILD = Path(os.environ.get("KOBAN_BUILD", SOURCE / "build"))
READ = BUILD / "test" / "packages-read"
SUBPACKAGES = 60
POINTS = []


def point(ok, name, why=""):
    POINTS.append(bool(ok))
    print(f"{'ok' if ok else 'not ok'} {len(POINTS)} - {name}", flush=True)
    if why and not ok:
        print("# " + "\n# ".join(str(why).strip().splitlines()[:20]), flush=True)


def same(mine, theirs, name):
    mine, theirs = sorted(mine), sorted(theirs)
    only = [f"only koban: {x}" for x in mine if x not in set(theirs)]
    only += [f"only {name.split()[0]}: {x}" for x in theirs if x not in set(mine)]
    point(mine == theirs and theirs, f"{name}: {len(theirs)}", "\n".join(only) or "none at all")


def run(*cmd, **more):
    return subprocess.run([str(c) for c in cmd], text=True, capture_output=True, check=True,
                          **more).stdout


def read(files, owners=()):
    """Lines of fields; files is a list of (path in the image, file here)."""
    out = []
    for i in range(0, len(files), 500):
        cmd = [READ, *(f"{at}={f}" for at, f in files[i:i + 500])]
        out += run(*cmd, *(["--owner", *owners] if owners else [])).splitlines()
    return [line.split("\t") for line in out]


def check_dpkg():
    fmt = "${db:Status-Status}\\t${Package}\\t${Version}\\t${Architecture}\\t${source:Package}\\t" \
          "${source:Version}\\n"
    theirs = [line.split("\t", 1) for line in run("dpkg-query", "-W", "-f", fmt).splitlines()]
    status = "/var/lib/dpkg/status"
    same(["\t".join(f[1:6]) for f in read([(status, status)])],
         [rest for state, rest in theirs if state not in ("config-files", "not-installed")],
         "dpkg-query's packages")

    lists = sorted(Path("/var/lib/dpkg/info").glob("*.list"))
    files = [p for line in lists[::7] for p in line.read_text().splitlines()
             if os.path.isfile(p) and not os.path.islink(p)][::20][:300]
    theirs = set()
    for line in run("dpkg", "-S", *files).splitlines():
        if line.startswith("diversion by "):
            continue
        names, path = line.rsplit(": ", 1)
        theirs |= {(n.split(":")[0], path) for n in names.split(", ")}
    same({tuple(f) for f in read([(p, p) for p in lists], files)}, theirs, "dpkg's owners of files")


def spec():
    s = "Name: many\nVersion: 1.0~rc1\nRelease: 2.el9\nEpoch: 3\nSummary: x\nLicense: MIT\n" \
        "Vendor: Example\nBuildArch: noarch\n%description\nx\n"
    for i in range(SUBPACKAGES):
        s += f"%package -n sub-{i}\nSummary: x\n%description -n sub-{i}\nx\n"
    s += "%install\nmkdir -p %{buildroot}/usr/share/many %{buildroot}/etc/many.d\n"
    s += f"for i in $(seq 0 {SUBPACKAGES - 1}); do for k in $(seq 1 $((i * 4 + 1))); do\n" \
         "echo $i > %{buildroot}/usr/share/many/$i-with-a-long-name-$k; done; done\n"
    for i in range(SUBPACKAGES):
        s += f"%files -n sub-{i}\n/usr/share/many/{i}-*\n%dir /etc/many.d\n"
    return s


def make_rpmdb(tmp):
    (tmp / "many.spec").write_text(spec())
    (tmp / "home").mkdir()
    env = dict(os.environ, HOME=str(tmp / "home"))
    run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp}/build", "--define",
        "_build_id_links none", "--define", "_binary_payload w0.gzdio", tmp / "many.spec", env=env)
    db = tmp / "sqlite"
    db.mkdir()
    run("rpm", "--dbpath", db, "--initdb", env=env)
    run("rpm", "--dbpath", db, "-i", "--justdb", "--nodeps", "--noscripts", "--force-debian",
        *(tmp / "build").rglob("*.rpm"), env=env)
    return db / "rpmdb.sqlite"


QUERY = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\n"


def rpm_says(dbpath, backend):
    return run("rpm", "--define", f"_db_backend {backend}", "--dbpath", dbpath, "-qa", "--qf",
               QUERY).splitlines()


def make_bdb(tmp, blobs):
    """What db_load makes of the headers: keys are numbers, key 0 is the largest."""
    bdb = tmp / "bdb"
    bdb.mkdir()
    text = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n"
    rows = [(0, struct.pack("<I", len(blobs)))] + blobs
    text += "".join(f" {struct.pack('<I', k).hex()}\n {v.hex()}\n" for k, v in rows)
    run("db5.3_load", "-f", "/dev/stdin", bdb / "Packages", input=text + "DATA=END\n")
    return bdb / "Packages"


def make_ndb(tmp, blobs):
    """rpm's lib/backend/ndb/rpmpkg.c: a page of slots, then the blobs in blocks of 16 bytes."""
    slots = b"RpmP" + struct.pack("<IIII", 0, 1, 1, len(blobs) + 1) + bytes(12)
    body, at = b"", 4096 // 16
    for index, blob in blobs:
        one = b"BlbS" + struct.pack("<III", index, 1, len(blob)) + blob
        one += bytes(-(len(one) + 12) % 16)
        one += struct.pack("<II", zlib.adler32(one), len(blob)) + b"BlbE"
        slots += b"Slot" + struct.pack("<III", index, at, len(one) // 16)
        body += one
        at += len(one) // 16
    slots += (b"Slot" + bytes(12)) * ((4096 - len(slots)) // 16)
    (tmp / "Packages.db").write_bytes(slots + body)
    return tmp / "Packages.db"


def check_rpm(tmp):
    db = make_rpmdb(tmp)
    theirs = rpm_says(db.parent, "sqlite")
    with sqlite3.connect(db) as c:
        blobs = c.execute("select hnum, blob from Packages order by hnum").fetchall()
    c.close()
    shapes = [("/var/lib/rpm/rpmdb.sqlite", db, "sqlite", theirs)]
    bdb = make_bdb(tmp, blobs)
    shapes.append(("/var/lib/rpm/Packages", bdb, "Berkeley DB", rpm_says(bdb.parent, "bdb_ro")))
    shapes.append(("/usr/lib/sysimage/rpm/Packages.db", make_ndb(tmp, blobs), "ndb", theirs))
    path = f"/usr/share/many/{SUBPACKAGES - 1}-with-a-long-name-7"
    owner = run("rpm", "--dbpath", db.parent, "-qf", "--qf", "%{NAME}", path)
    for at, file, name, expected in shapes:
        same(["\t".join(f[1:4]) for f in read([(at, file)])], expected, f"rpm's packages, {name}")
        mine = read([(at, file)], [path, "/etc/many.d"])
        point(mine == [[owner, path]], f"rpm's owner of a file, {name}; a folder has none", mine)
    one = next(f for f in read([shapes[0][:2]]) if f[1] == "sub-1")
    point(one[4:8] == ["many", "1.0~rc1-2.el9", "MIT", "Example"], "source, licence and vendor", one)


def check_gems():
    specs = [p for d in ("/usr/share/rubygems-integration", "/var/lib/gems", "/usr/lib/ruby/gems")
             for p in Path(d).rglob("specifications/**/*.gemspec")]
    mine = {f"{f[1]} {f[2]}" for f in read([(p, p) for p in specs])}
    theirs = run("ruby", "-e", "ARGV.each { |f| s = Gem::Specification.load(f); "
                 "puts \"#{s.name} #{s.version}\" }", *specs)
    same(mine, set(theirs.splitlines()), "RubyGems' gems")


def check_python():
    site = "/usr/lib/python3/dist-packages"
    script = "import importlib.metadata as m, sys\n" \
             "for d in m.distributions(path=sys.argv[1:]): print(d.metadata['Name'], d.version)"
    theirs = run("/usr/bin/python3", "-c", script, site).splitlines()
    found = [p for p in Path(site).iterdir() if p.name.endswith((".dist-info", ".egg-info"))]
    found = [f if f.is_file() else f / name for f in found for name in ("METADATA", "PKG-INFO")
             if f.is_file() or (f / name).exists()]
    same({f"{f[1]} {f[2]}" for f in read([(p, p) for p in found])}, set(theirs),
         "Python's packages")


def check_npm():
    found = [p for d in ("/usr/share/nodejs", "/usr/local/lib/node_modules", SOURCE / "web" / "node_modules")
             for p in Path(d).rglob("package.json")]
    theirs = set()
    for p in found:
        module = p.parent.parent
        module = module.parent if module.name.startswith("@") else module
        said = json.loads(p.read_text(encoding="utf-8-sig"))
        if module.name in ("node_modules", "nodejs") and said.get("name") and said.get("version"):
            theirs.add(f"{said['name']} {said['version']}")
    listed = read([(p, p) for p in found
                   if str(p).startswith("/usr/share/nodejs") or "node_modules" in p.parts])
    mine = {f"{f[1]} {f[2]}" for f in listed if f[0] == "npm"}
    if theirs:
        same(mine, theirs, "Node.js' modules")
    else:
        print("# no modules are installed here")


def check_jars(tmp):
    mine, theirs = set(), set()
    for jar in sorted(Path("/usr/share/java").glob("*.jar")):
        if jar.is_symlink():
            continue
        with zipfile.ZipFile(jar) as z:
            for name in z.namelist():
                if not name.endswith("/pom.properties"):
                    continue
                (tmp / "pom").write_bytes(z.read(name))
                mine |= {f"{f[1]} {f[2]}" for f in read([(f"{jar}!/{name}", tmp / "pom")])}
                said = dict(line.split("=", 1) for line in z.read(name).decode().splitlines()
                            if "=" in line)
                theirs.add(f"{said['groupId']}/{said['artifactId']} {said['version']}")
    same(mine, theirs, "Maven's artifacts in jars")


def check_go(tmp):
    for name, module in (("hello", "example.invalid/hello"), ("dep", "example.invalid/Dep/sub")):
        (tmp / name).mkdir()
        (tmp / name / "go.mod").write_text(f"module {module}\n\ngo 1.19\n")
    (tmp / "dep" / "dep.go").write_text('package sub\n\nfunc Say() string { return "hi" }\n')
    (tmp / "hello" / "main.go").write_text(
        'package main\n\nimport "example.invalid/Dep/sub"\n\nfunc main() { println(sub.Say()) }\n')
    vendor = tmp / "hello" / "vendor"
    shutil.copytree(tmp / "dep", vendor / "example.invalid" / "Dep" / "sub")
    (tmp / "hello" / "go.mod").write_text(
        "module example.invalid/hello\n\ngo 1.19\n\nrequire example.invalid/Dep/sub v1.2.3\n")
    (vendor / "modules.txt").write_text(
        "# example.invalid/Dep/sub v1.2.3\n## explicit; go 1.19\nexample.invalid/Dep/sub\n")
    env = dict(os.environ, HOME=str(tmp), GOFLAGS="-mod=vendor", GOPROXY="off")
    for mode in ("exe", "pie"):
        run("go", "build", f"-buildmode={mode}", "-o", tmp / mode, ".", cwd=tmp / "hello", env=env)
        said = [line.split("\t") for line in run("go", "version", "-m", tmp / mode).splitlines()]
        version = said[0][0].rsplit(": go", 1)[1]
        theirs = [f"stdlib {version}"] + [f"{f[2]} {f[3] if f[3] != '(devel)' else ''}"
                                          for f in said[1:] if f[1] in ("mod", "dep")]
        same([f"{f[1]} {f[2]}" for f in read([("/app", tmp / mode)])], theirs,
             f"go's modules in a program ({mode})")


def check_cargo(tmp):
    listed = {"packages": [
        {"name": "app", "version": "0.1.0", "source": "local", "root": True, "dependencies": [1]},
        {"name": "serde", "version": "1.0.190", "source": "crates.io"},
        {"name": "cc", "version": "1.0.83", "source": "crates.io", "kind": "build"}]}
    (tmp / "deps").write_bytes(zlib.compress(json.dumps(listed).encode()))
    run("objcopy", "--add-section", f".dep-v0={tmp}/deps", "/bin/true", tmp / "rust")
    same([f"{f[1]} {f[2]}" for f in read([("/app", tmp / "rust")])], ["app 0.1.0", "serde 1.0.190"],
         "cargo-auditable's packages in a program")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        check_dpkg()
        check_rpm(tmp)
        check_gems()
        check_python()
        check_npm()
        check_jars(tmp)
        check_go(tmp)
        check_cargo(tmp)
    print(f"1..{len(POINTS)}")
    return 0 if all(POINTS) else 1


if __name__ == "__main__":
    sys.exit(main())
