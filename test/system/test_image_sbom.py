#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
koban image sbom, from the reference to the document: layers in which a distribution's packages are
installed, upgraded and removed, and whose database is deleted; packages of languages that come and
go; a database larger than a window; documents valid by their schemas. With it the analyzer's part of
a scan: what belongs to which package, when the distribution has ended.
"""
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SOURCE = Path(os.environ.get("KOBAN_SOURCE", Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(SOURCE / "test" / "golden"))
from test_sbom import validate

BUILD = Path(os.environ.get("KOBAN_BUILD", SOURCE / "build"))
KOBAN = BUILD / "src" / "cmd" / "koban"
POINTS = []


def point(ok, name, why=""):
    POINTS.append(bool(ok))
    print(f"{'ok' if ok else 'not ok'} {len(POINTS)} - {name}", flush=True)
    if why and not ok:
        print("# " + "\n# ".join(str(why).strip().splitlines()[:20]), flush=True)


def layer_of(files):
    """A gzipped tar; a value of None deletes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in files.items():
            if content is None:
                path, content = os.path.join(os.path.dirname(path), ".wh." + os.path.basename(path)), b""
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(out.getvalue(), mtime=0), hashlib.sha256(out.getvalue()).hexdigest()


def write_blob(folder, data):
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs" / "sha256" / digest).write_bytes(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def make_image(folder, layers):
    (folder / "blobs" / "sha256").mkdir(parents=True)
    made = [layer_of(files) for files in layers]
    config = {"architecture": "amd64", "os": "linux", "config": {},
              "rootfs": {"type": "layers", "diff_ids": [f"sha256:{d}" for _, d in made]}}
    kind = "application/vnd.oci.image."
    manifest = {"schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
                "config": {"mediaType": kind + "config.v1+json",
                           **write_blob(folder, json.dumps(config).encode())},
                "layers": [{"mediaType": kind + "layer.v1.tar+gzip", **write_blob(folder, data)}
                           for data, _ in made]}
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": kind + "manifest.v1+json",
        "annotations": {"org.opencontainers.image.ref.name": "1"},
        **write_blob(folder, json.dumps(manifest).encode())}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci:{folder}:1"


def paragraphs(*packages):
    return "".join(f"Package: {n}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {v}\n\n"
                   for n, v in packages).encode()


def run(*args):
    return subprocess.run([str(KOBAN), "image", *map(str, args)], capture_output=True, check=False)


def components(ref, is_validated=True):
    out = run("sbom", "-q", ref)
    if out.returncode:
        raise RuntimeError(out.stderr.decode())
    doc = json.loads(out.stdout)
    if is_validated:
        why = "\n".join(validate(doc, "bom-1.6.schema.json"))
        point(not why, "valid CycloneDX", why)
    return {c["purl"]: {p["name"]: p["value"] for p in c["properties"]}
            for c in doc["components"] if c["type"] == "library"}


OS_RELEASE = b'ID=debian\nVERSION_ID="9"\nPRETTY_NAME="Debian GNU/Linux 9 (stretch)"\n'
INFO = "var/lib/dpkg/info/"


def layers():
    base = {"usr/lib/os-release": OS_RELEASE,
            "var/lib/dpkg/status": paragraphs(("a", "1"), ("b", "1"), ("c", "1")),
            INFO + "a.list": b"/usr\n/usr/bin\n/usr/bin/a\n", "usr/bin/a": b"a",
            INFO + "b.list": b"/usr/bin/b\n", "usr/bin/b": b"b", INFO + "c.list": b"/usr/bin/c\n"}
    upper = {"var/lib/dpkg/status": paragraphs(("a", "1"), ("b", "2"), ("d", "1")),
             INFO + "b.list": b"/usr/bin/b2\n",
             INFO + "d.list": b"/usr/bin/d\n/usr/share/nodejs/of-d/package.json\n",
             "usr/share/nodejs/of-d/package.json": b'{"name": "of-d", "version": "2.0.0"}',
             "app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.3.0"}',
             "app/node_modules/old/package.json": b'{"name": "old", "version": "1.0.0"}'}
    top = {"app/node_modules/old/package.json": None,
           "app/node_modules/left-pad/package.json": b'{"name": "left-pad", "version": "1.3.1"}'}
    return [base, upper, top]


def deb(name, version):
    return f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-9"


def check_layers(tmp):
    ref = make_image(tmp / "three", layers())
    found = components(ref)
    point(set(found) == {deb("a", 1), deb("b", 2), deb("d", 1), "pkg:npm/left-pad@1.3.1", "pkg:npm/of-d@2.0.0"},
          "what the uppermost layer has, and no more", sorted(found))
    point(found["pkg:npm/left-pad@1.3.1"]["koban:layer"] == "3", "which layer brought it", found)
    point(found["pkg:npm/of-d@2.0.0"].get("koban:owner") == "d" and
          "koban:owner" not in found["pkg:npm/left-pad@1.3.1"], "which package of Debian brought it", found)

    gone = make_image(tmp / "gone", layers() + [{"var/lib/dpkg/status": None, "var/lib/dpkg/info": None}])
    found = components(gone)
    point({deb("a", 1), deb("b", 2), deb("d", 1)} <= set(found),
          "packages of a database that was deleted are still there", sorted(found))
    point(found[deb("a", 1)].get("koban:deleted_in_layer") == "4", "and it is told", found)

    doc = json.loads(run("sbom", "-q", "--format", "spdx", ref).stdout)
    point(not (why := validate(doc, "spdx-2.3.json")), "valid SPDX", "\n".join(why))
    point(len(doc["packages"]) == 7, "SPDX has the image, its distribution and the packages",
          [p["name"] for p in doc["packages"]])

    scan = run("scan", "--no-cache", "--only", "packages", "--json", "-q", ref)
    report = json.loads(scan.stdout)
    ended = [f for f in report.get("findings", []) if f["check"] == "distro-ended"]
    point(len(ended) == 1 and ended[0]["path"] == "/usr/lib/os-release" and
          "2022-06-30" in ended[0]["title"], "a distribution that has ended", report.get("findings", []))


def check_large(tmp):
    """A database of 20 MiB comes in two windows."""
    many = [(f"package-{i}", f"{i}.0") for i in range(30000)]
    text = b"".join(paragraphs(p)[:-1] + b"Description: " + b"x" * 600 + b"\n\n" for p in many)
    ref = make_image(tmp / "large", [{"usr/lib/os-release": OS_RELEASE, "var/lib/dpkg/status": text}])
    point(len(text) > 20 << 20, "more than one window", len(text))
    found = components(ref, is_validated=False)
    point(len(found) == 30000 and deb("package-29999", "29999.0") in found,
          "every package of it is found", len(found))
    huge = {"usr/lib/os-release": OS_RELEASE, "var/lib/dpkg/status": text * 4}
    out = run("sbom", make_image(tmp / "huge", [huge]))
    point(out.returncode == 0 and b"64 MiB" in out.stderr, "one that is too large is a gap",
          out.stderr.decode())


def check_old(tmp):
    """From before os-release: said at the end of the layer, by the right file."""
    ref = make_image(tmp / "old", [{"etc/redhat-release": b"CentOS release 6.10 (Final)\n",
                                    "zzz": b"the last member"}])
    report = json.loads(run("scan", "--no-cache", "--only", "packages", "--json", "-q", ref).stdout)
    point([(f["check"], f["path"]) for f in report.get("findings", [])] == [("distro-ended", "/etc/redhat-release")] and
          report["distro"]["path"] == "/etc/redhat-release", "CentOS 6 has ended", report.get("findings", []))


def check_upgraded(tmp):
    """Debian 9 in the layer below, Debian 12 above: nothing has ended. Without any above, it has."""
    new = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
    for name, upper, ended in (("upgraded", new, 0), ("deleted", None, 1)):
        ref = make_image(tmp / name, [{"usr/lib/os-release": OS_RELEASE}, {"usr/lib/os-release": upper}])
        report = json.loads(run("scan", "--no-cache", "--only", "packages", "--json", "-q", ref).stdout)
        point(sum(f["check"] == "distro-ended" for f in report.get("findings", [])) == ended and
              ("outdated" in report.get("labels", [])) == bool(ended), f"an ended distribution that was {name}",
              report.get("findings", []))


def check_usage(tmp):
    for args, words in ((("--format", "xml", "x"), b"cyclonedx and spdx"), ((), b"which image?"),
                        (("a", "b"), b"one image at a time"), (("dir:/nowhere/at/all",), b"/nowhere")):
        out = run("sbom", *args)
        point(out.returncode == 2 and words in out.stderr and not out.stdout,
              f"sbom {' '.join(args)}: an error that helps", out.stderr.decode())
    again = [run("sbom", "-q", *more, make_image(tmp / f"again{i}", layers())).stdout
             for i, more in enumerate(((), (), ("--no-cache",)))]
    same = [[c["purl"] for c in json.loads(a)["components"] if "purl" in c] for a in again]
    point(same[0] == same[1] == same[2], "a remembered layer has the same packages", same)
    out = run("sbom", "--help")
    point(out.returncode == 0 and b"examples:" in out.stdout, "--help")
    ref = make_image(tmp / "file", layers())
    out = run("sbom", "-q", "-o", tmp / "out.json", ref)
    point(out.returncode == 0 and not out.stdout and
          json.loads((tmp / "out.json").read_text())["bomFormat"] == "CycloneDX", "-o writes a file")


def main():
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        os.environ["XDG_CACHE_HOME"] = str(tmp / "cache")
        check_layers(tmp)
        check_large(tmp)
        check_old(tmp)
        check_upgraded(tmp)
        check_usage(tmp)
    print(f"1..{len(POINTS)}")
    return 0 if all(POINTS) else 1


if __name__ == "__main__":
    sys.exit(main())
