#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# beside: others
"""
More than sixty images, each a clean base with one thing planted (image_plants.py), made with umoci,
served by a real registry on loopback or handed over as archives: every plant is found, none is
invented, and no secret's value is printed. Then the same images as a crawl: stopped by SIGKILL and by
SIGTERM, gone on with, and the tables of what it found.
"""
import gzip
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import image_plants
import koban
from images import Registry, run

TAP = koban.Tap()
# What every image has that somebody built quickly: notes, not plants.
USUAL = re.compile(r"config-(root|no-healthcheck|latest|unpinned-base|step-.*) ")
PACKAGES = ("base-files 12.4+deb12u5", "busybox-static 1:1.35.0-4+b3", "libc6 2.36-9+deb12u9")


def dpkg_status():
    return "\n".join(f"Package: {p.split()[0]}\nStatus: install ok installed\nArchitecture: amd64\n"
                     f"Version: {p.split()[1]}\nMaintainer: Nobody <nobody@example.invalid>\n" for p in PACKAGES)


def bases():
    busybox = Path("/bin/busybox").read_bytes()
    common = {"/bin/busybox": (busybox, 0o755), "/bin/sh": ("->", "busybox"), "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
              "/etc/shadow": ("root:*:19000:0:99999:7:::\n", 0o640), "/etc/hostname": "base\n"}
    return {
        "debian": {**common, "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
                   "/var/lib/dpkg/status": dpkg_status(),
                   "/var/lib/dpkg/info/busybox-static.list": "/.\n/bin\n/bin/busybox\n"},
        "alpine": {**common, "/etc/os-release": 'ID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME="Alpine Linux v3.22"\n',
                   "/lib/apk/db/installed": "P:busybox\nV:1.37.0-r18\nA:x86_64\nL:GPL-2.0-only\nF:bin\nR:busybox\n\n"},
    }


def write_tar(path, files, gone=()):
    with tarfile.open(path, "w") as t:
        for name in sorted({str(p) for f in [*files, *gone] for p in Path(f).parents if str(p) != "/"}):
            info = tarfile.TarInfo(name.lstrip("/"))
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            t.addfile(info)
        for name, what in files.items():
            info = tarfile.TarInfo(name.lstrip("/"))
            if isinstance(what, tuple) and what[0] == "->":
                info.type, info.linkname = tarfile.SYMTYPE, what[1]
                t.addfile(info)
                continue
            data, info.mode = what if isinstance(what, tuple) else (what, 0o644)
            data = data.encode() if isinstance(data, str) else data
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
        for name in gone:
            t.addfile(tarfile.TarInfo(os.path.join(os.path.dirname(name), ".wh." + os.path.basename(name)).lstrip("/")))


class Factory:
    """Images with umoci in one layout; handed over in any form."""

    def __init__(self, folder, registry):
        self.folder, self.registry, self.layout = folder, registry, folder / "layout"
        run("umoci", "init", "--layout", self.layout)
        for name, files in bases().items():
            run("umoci", "new", "--image", f"{self.layout}:base-{name}")
            self.add_layer(f"base-{name}", files, step="ADD rootfs.tar /")

    def add_layer(self, tag, files, gone=(), step="COPY . /"):
        path = self.folder / "layer.tar"
        write_tar(path, files, gone)
        run("umoci", "raw", "add-layer", "--image", f"{self.layout}:{tag}", "--history.created_by", step, path)

    def make(self, plant):
        """The tag in the layout."""
        tag = plant.name.replace("/", "-")
        run("umoci", "tag", "--image", f"{self.layout}:base-{plant.base}", tag)
        if plant.under:
            self.add_layer(tag, plant.under)
        if plant.files or plant.gone:
            self.add_layer(tag, plant.files, plant.gone, plant.step)
        if plant.config:
            run("umoci", "config", "--image", f"{self.layout}:{tag}", *plant.config)
        return tag

    def hand_over(self, plant, tag):
        """A reference that koban takes."""
        source, out = f"oci:{self.layout}:{tag}", self.folder / tag
        if plant.form == "registry":
            run("skopeo", "copy", "-q", "--dest-tls-verify=false", source, f"docker://{self.registry.host}/{plant.name}:1")
            return f"{self.registry.host}/{plant.name}:1"
        if plant.form == "dir":
            run("umoci", "raw", "unpack", "--image", f"{self.layout}:{tag}", out)
            return f"dir:{out}"
        if plant.form.startswith("docker-archive"):
            run("skopeo", "copy", "-q", source, f"docker-archive:{out}.tar:{plant.name}:1")
            if plant.form.endswith("gz"):
                Path(f"{out}.tar.gz").write_bytes(gzip.compress(Path(f"{out}.tar").read_bytes(), 1))
                return f"docker-archive:{out}.tar.gz"
            return f"docker-archive:{out}.tar"
        if plant.form == "oci-archive":
            run("skopeo", "copy", "-q", source, f"oci-archive:{out}.tar:1")
            return f"oci-archive:{out}.tar"
        return source


def feeds(folder):
    """Lists of the user: what the plants of network and hashes are known by."""
    made = folder / "feeds"
    made.mkdir()
    bad = next(p for p in image_plants.all_plants() if p.name == "plants/malware-hash")
    texts = {
        "bad.txt": "#! category: malicious\nc2.koban-plant.com\n",
        "new.csv": f"domain,created\nfresh.koban-plant.com,{time.strftime('%Y-%m-%d', time.gmtime(time.time() - 86400))}\n",
        "hashes.txt": f"{bad.facts['sha256']} test marker\n",
    }
    for name, text in texts.items():
        (made / name).write_text(text, "utf-8")
    return made


def scan(ref, *options):
    r = subprocess.run([koban.BINARY, "image", "scan", "--json", "-q", ref, *options], capture_output=True,
                       text=True, timeout=300, check=False)
    try:
        return json.loads(r.stdout), r
    except ValueError:
        return {"findings": [], "verdict": f"exit {r.returncode}"}, r


def judge(plant, report):
    """What is wrong, or nothing."""
    found = [(f"{f['check']} {f.get('path', '')}", f) for f in report.get("findings", [])]
    wrong = [f"not found: {w}" for w in plant.wants if not any(re.match(w, x) for x, _ in found)]
    wrong += [f"invented: {f['severity']} {x}: {f['title']}" for x, f in found if f["severity"] != "info" and
              not USUAL.match(x) and not any(re.match(w, x) for w in plant.wants + plant.may)]
    if report["verdict"] not in plant.verdict:
        wrong.append(f"verdict {report['verdict']} ({report.get('reason')}), not {'/'.join(plant.verdict)}")
    facts = {(x["key"], x["value"]) for _, f in found for x in f.get("facts", [])}
    wrong += [f"no fact {k}={v}" for k, v in plant.facts.items() if (k, v) not in facts]
    if plant.reach and not any(f.get("reach") == plant.reach for _, f in found):
        wrong.append(f"not seen that {plant.reach} reaches it: {[f.get('reach') for _, f in found]}")
    if plant.gone and not any(f.get("deleted_in", -1) >= 0 for _, f in found):
        wrong.append("not said that a later layer deletes it")
    return wrong


VALUE = re.compile(r"(gh" r"p_|np" r"m_|sk_" r"live_|gl" r"pat-)[0-9A-Za-z]{12}|BEGIN [A-Z ]*PRIVATE KEY-----\n?[A-Za-z0-9+/]{20}")


def test_plants(factory, plants, folder):
    options = ["--insecure", factory.registry.host, "--feed", str(feeds(folder)), "--cache", str(folder / "cache")]
    refs = [(p, factory.hand_over(p, factory.make(p))) for p in plants]
    with ThreadPoolExecutor(2) as pool:
        for (plant, _), (report, r) in zip(refs, pool.map(lambda x: scan(x[1], *options), refs)):
            wrong = judge(plant, report)
            if VALUE.search(r.stdout + r.stderr):
                wrong.append("a secret's value is printed")
            TAP.ok(not wrong, f"{plant.name}{'' if plant.form == 'registry' else ' as ' + plant.form}",
                   "\n".join(wrong + ([r.stderr[-300:]] if r.stderr.strip() else [])))
    return options


def crawl(db, *args, wait=True):
    p = subprocess.Popen([koban.BINARY, "image", "crawl", str(db), *map(str, args)], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    if not wait:
        return p
    _, err = p.communicate(timeout=600)
    return p.returncode, err


def stats(db):
    r = koban.run([koban.BINARY, "image", "stats", str(db), "--json"])
    return json.loads(r.stdout) if r.returncode == 0 else {"names": 0, "waiting": 0, "failed": 0, "error": r.stderr}


def test_crawl(factory, plants, folder, options):
    db = folder / "survey.db"
    pushed = [p for p in plants if p.form == "registry"]
    options = [x for x in options if x != "--cache" and x != str(folder / "cache")]
    args = ["--registry", factory.registry.host, *options]
    p = crawl(db, *args, wait=False)
    for _ in range(600):
        time.sleep(0.05)
        if db.exists() and 3 <= stats(db)["names"]:
            break
    second = crawl(db, wait=True)
    TAP.ok(second[0] == 2 and "another koban writes" in second[1], "a survey has one writer", second)
    p.send_signal(signal.SIGKILL)
    p.wait()
    killed = stats(db)
    TAP.ok(killed["names"] >= 3, "it may be read while it is made, and after a kill", killed)
    p = crawl(db, *options, wait=False)
    time.sleep(1.5)
    p.send_signal(signal.SIGTERM)
    _, err = p.communicate(timeout=60)
    stopped = stats(db)
    TAP.ok(p.returncode in (0, 1) and stopped["names"] >= killed["names"], "stopped, it ends in order", f"{p.returncode} {err}")
    code, err = crawl(db, *options)
    done = stats(db)
    TAP.ok(code == 0 and done["names"] == len(pushed) and not done["waiting"] and not done["failed"],
           "it goes on where it was, to the end", f"{code} {err} {done['names']} of {len(pushed)}")
    TAP.ok(re.search(r"\d+ of \d+ names scanned", err), "and says how far it came", err)
    rows = {r["name"]: r for r in done["tables"]["categories"]["rows"]}
    mined = sum(any("miner" in w and "stock" not in w for w in p.wants) for p in pushed)
    TAP.ok(rows.get("cryptomining", {}).get("images", 0) == mined and
           all(r["low"] <= r["share"] <= r["high"] for r in rows.values()), "categories by image, with intervals", rows)
    TAP.ok(abs(sum(r["label_share"] for r in rows.values()) - 1) < 1e-3 and done["labels"] >= done["flagged"],
           "and by label", rows)
    wallets = done["tables"]["wallets"]["rows"]
    TAP.ok(wallets and wallets[0]["name"] == image_plants.MONERO and wallets[0]["images"] >= 4,
           "images are linked by their wallet", wallets)
    TAP.ok({"ubuntu", "openjdk", "nginx", "python"} <= {r["name"] for r in done["tables"]["impostors"]["rows"]},
           "impostors by what they imitate", done["tables"]["impostors"])
    r = koban.run([koban.BINARY, "image", "stats", str(db)])
    TAP.ok("What was found, by category" in r.stdout and "95 %" in r.stdout, "tables for people", r.stdout)
    r = koban.run([koban.BINARY, "image", "stats", str(db), "--format", "csv"])
    TAP.ok(r.stdout.startswith("table,name,images") and "categories,\"cryptomining\"" in r.stdout, "and for spreadsheets",
           r.stdout[:500])
    code, err = crawl(db, f"{factory.registry.host}/plants/not-there:1", *options)
    TAP.ok(code == 0 and stats(db)["failed"] == 1, "what is not there is counted as failed, with why", err)
    layers = list((folder / "survey.db.layers").rglob("*"))
    TAP.ok(layers, "layers are remembered beside it")


def main():
    for program in ("docker-registry", "umoci", "skopeo", "ssh-keygen"):
        if not koban.have(program):
            print(f"1..0 # SKIP needs {program}")
            return
    folder = Path(koban.scratch())
    plants = image_plants.all_plants()
    registry = Registry(folder / "registry")
    try:
        factory = Factory(folder, registry)
        options = test_plants(factory, plants, folder)
        TAP.ok(len(plants) >= 60, f"{len(plants)} images")
        test_crawl(factory, plants, folder, options)
    finally:
        registry.close()
        shutil.rmtree(folder, True)
    TAP.done()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
