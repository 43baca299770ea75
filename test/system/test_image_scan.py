#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
`koban image scan` as its user sees it: exit codes, exceptions, remembered layers, what upper layers
delete, what would run, and errors that say what to do.
"""
import json
import subprocess
import tempfile
from pathlib import Path

from koban import Tap
from layers import KOBAN, Layout, member, tar

tap = Tap()
work = Path(tempfile.mkdtemp(prefix="koban-scan-"))
# a finding that needs no rules: a link through which a container reaches its runtime
LINK = member("opt/link", kind=b"2", linkname="/proc/self/exe")


def scan(*args, cwd=work):
    done = subprocess.run([KOBAN, "image", "scan", *map(str, args)], capture_output=True, text=True,
                          cwd=cwd, check=False)
    return done.returncode, done.stdout, done.stderr


def report(*args, **more):
    code, out, err = scan("--json", *args, **more)
    return json.loads(out) if out.strip() else {"error": err, "code": code}


def links(r):
    return [f for f in r.get("findings", []) if f["check"] == "archive-proc-link"]


def exit_codes(ref):
    tap.ok(scan("--no-cache", ref)[0] == 0, "findings alone are no failure")
    tap.ok(scan("--no-cache", "--fail-on", "high", ref)[0] == 1, "--fail-on a severity")
    tap.ok(scan("--no-cache", "--fail-on", "critical", ref)[0] == 0, "--fail-on a graver one")
    tap.ok(scan("--no-cache", "--fail-on", "suspicious", ref)[0] == 1, "--fail-on a verdict")
    tap.ok(scan("--no-cache", "--fail-on", "malicious", ref)[0] == 0, "--fail-on a worse one")
    for args, words in (((), "which image"), (("--fail-on", "bad", ref), "a severity"),
                        (("--format", "nothing", ref), "no form"),
                        (("--only", "nobody", ref), "no analyzer 'nobody'"),
                        (("oci:/nowhere",), "/nowhere"),
                        (("--format", "sarif", ref, ref), "one image")):
        code, out, err = scan(*args)
        tap.ok(code == 2 and words in err and not out, f"an error that says so: {words}", err)
    code, out, err = scan("--no-cache", "--json", "oci:/nowhere", ref)
    tap.ok(code == 2 and json.loads(out)["verdict"], "the others are scanned nevertheless", err)


def exceptions(ref):
    found = links(report("--no-cache", ref))
    folder = work / "ignoring"
    folder.mkdir()
    (folder / ".kobanignore").write_text("archive-proc-link /opt/*  # known\n")
    r = report("--no-cache", ref, cwd=folder)
    tap.ok(links(r)[0].get("is_ignored") and links(r)[0]["ignored_why"] == "known",
           "an exception with its reason", r)
    tap.ok(scan("--no-cache", "--fail-on", "high", ref, cwd=folder)[0] == 0, "does not fail")
    (folder / ".kobanignore").write_text("archive-proc-link  # old, until: 2001-01-01\n")
    code, _, err = scan("--no-cache", "--fail-on", "high", ref, cwd=folder)
    tap.ok(code == 1 and ".kobanignore:1 ended on 2001-01-01" in err, "one that ended is said", err)
    (folder / ".kobanignore").write_text("archive-proc-link\n")
    code, _, err = scan("--no-cache", ref, cwd=folder)
    tap.ok(code == 2 and ".kobanignore:1:" in err, "one without a reason is refused", err)
    tap.ok(len(found) == 1, "and without any the finding is there", found)


def remembered(ref):
    cache = work / "cache"
    first = report("--cache", cache, ref)
    second = report("--cache", cache, ref)
    tap.ok(all(x.get("from_cache") for x in second["image"]["layers"]) and
           not any(x.get("from_cache") for x in first["image"]["layers"]),
           "layers that were read are remembered", second["image"])
    for r in (first, second):
        r["image"]["layers"] = r["scanned_ns"] = None
    tap.ok(first == second, "and say the same")
    third = report("--cache", cache, "--only", "packages", ref)
    tap.ok(not any(x.get("from_cache") for x in third["image"]["layers"]),
           "with other knowledge they are read again", third)
    for f in cache.iterdir():
        f.write_bytes(f.read_bytes()[:-1])
    fourth = report("--cache", cache, ref)
    tap.ok(not any(x.get("from_cache") for x in fourth["image"]["layers"]) and links(fourth),
           "damaged ones are not there", fourth)


def layers_of_an_image():
    image = Layout(work / "layers")
    image.add_tar(tar(LINK, member("opt/gone", kind=b"2", linkname="/proc/self/exe"),
                      member("run.sh", b"#!/bin/sh\nexec /opt/link\n")), created_by="COPY first")
    image.add_tar(tar(member("opt/.wh.gone")), created_by="RUN rm")
    image.write({"Entrypoint": ["/run.sh"]})
    by_path = {f["path"]: f for f in links(report("--no-cache", f"oci:{image.folder}"))}
    tap.ok(by_path["/opt/gone"].get("deleted_in") == 1 and "deleted_in" not in by_path["/opt/link"],
           "what an upper layer deletes is found, and says so", by_path)
    tap.ok(by_path["/opt/link"]["created_by"] == "COPY first", "with the step that brought it")
    tap.ok(by_path["/opt/link"]["reach"] == "entrypoint", "and what would run it", by_path)


def main():
    image = Layout(work / "image")
    image.add_tar(tar(LINK))
    image.write()
    ref = f"oci:{image.folder}"
    exit_codes(ref)
    exceptions(ref)
    remembered(ref)
    layers_of_an_image()


try:
    main()
finally:
    subprocess.run(["rm", "-rf", str(work)], check=False)
tap.done()
