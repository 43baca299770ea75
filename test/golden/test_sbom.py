#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The lists of packages, CycloneDX 1.6 and SPDX 2.3: valid by their official schemas, complete, the same
each time, with package URLs that any reader can split. The report that is written
(test/unit/face/report/sample_report.h) has packages named to break out of them.
"""
import json
import os
import re
import subprocess
import sys
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test", "system"))
import koban

BUILD = os.environ.get("KOBAN_BUILD", os.path.join(ROOT, "build"))
PROGRAM = os.path.join(BUILD, "test", "write-sample")
SCHEMAS = os.path.join(ROOT, "test", "data", "schemas")
NASTY = "/opt/<b>&\"'|`\\ \ufffd\n\x1b[31m\u202e]]>:%41"
PURL = re.compile(r"pkg:[a-z]+/([A-Za-z0-9._~%:-]+/)*[A-Za-z0-9._~%:-]+(@[A-Za-z0-9._~%:-]+)?"
                  r"(\?[a-z_]+=[A-Za-z0-9._~%:/-]+(&[a-z_]+=[A-Za-z0-9._~%:/-]+)*)?")


def write(*args):
    return subprocess.run([PROGRAM, *args], capture_output=True, check=True).stdout


def load(name):
    with open(os.path.join(SCHEMAS, name), encoding="utf-8") as f:
        return json.load(f)


def validate(document, name):
    sys.path.append("/usr/lib/python3/dist-packages")  # where Debian has it, whatever python3 this is
    import jsonschema
    schema = load(name)
    store = {urllib.parse.urljoin(schema["$id"], n): load(n) for n in ("spdx.schema.json", "jsf-0.82.schema.json")}
    checker = jsonschema.Draft7Validator(
        schema, format_checker=jsonschema.draft7_format_checker,
        resolver=jsonschema.RefResolver(schema["$id"], schema, store=store))
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in checker.iter_errors(document)]


def purls_of_spdx(package):
    return [r["referenceLocator"] for r in package.get("externalRefs", [])]


def test_cyclonedx(tap):
    out = write("cyclonedx")
    doc = json.loads(out)
    tap.ok(not (why := validate(doc, "bom-1.6.schema.json")), "CycloneDX is valid by its schema", "\n".join(why))
    broken = json.loads(out)
    broken["components"][1]["type"] = "thing"
    tap.ok(validate(broken, "bom-1.6.schema.json"), "the schema sees a fault")
    packages = [c for c in doc["components"] if c["type"] == "library"]
    tap.ok([c["name"] for c in packages] == ["libc6", NASTY, "left-pad"],
           "each package once, sorted; none that was deleted", packages)
    tap.ok(doc["components"][0]["type"] == "operating-system" and doc["components"][0]["version"] == "12",
           "the distribution is a component")
    tap.ok(all(PURL.fullmatch(c["purl"]) for c in packages), "package URLs", [c["purl"] for c in packages])
    raw = urllib.parse.unquote_to_bytes(packages[1]["purl"])
    tap.ok(raw.startswith(b"pkg:maven//opt/<b>&") and b"\xff" in raw, "and any name in them, byte by byte", raw)
    refs = [c["bom-ref"] for c in doc["components"]] + [doc["metadata"]["component"]["bom-ref"]]
    tap.ok(len(set(refs)) == len(refs), "every reference is unique", refs)
    image = doc["metadata"]["component"]
    tap.ok(image["hashes"][0]["content"].endswith("01") and
           image["purl"] == "pkg:oci/ubuntu@sha256%3A" + "0" * 63 + "1?arch=amd64"
           "&repository_url=localhost:5000/evil/ubuntu&tag=22.04", "the image by its digest", image)
    properties = {p["name"]: p["value"] for p in packages[0]["properties"]}
    tap.ok(properties["koban:layer"] == "1" and properties["koban:layer:digest"] == "sha256:aa" and
           properties["koban:source"] == "glibc", "which layer brought a package", properties)
    everything = json.loads(write("cyclonedx", "0", "plain", "all"))
    tap.ok(not validate(everything, "bom-1.6.schema.json") and len(everything["components"]) == 5,
           "--all has what a later layer deleted")


def test_spdx(tap):
    out = write("spdx")
    doc = json.loads(out)
    tap.ok(not (why := validate(doc, "spdx-2.3.json")), "SPDX is valid by its schema", "\n".join(why))
    broken = json.loads(out)
    del broken["packages"][0]["downloadLocation"]
    tap.ok(validate(broken, "spdx-2.3.json"), "the schema sees a fault")
    ids = [p["SPDXID"] for p in doc["packages"]]
    tap.ok(len(set(ids)) == len(ids) == 5 and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids),
           "every package has an id", ids)
    related = [(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in doc["relationships"]]
    tap.ok(related[0] == ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-image") and
           sorted(r[2] for r in related[1:]) == sorted(ids[1:]) and
           all(r[:2] == ("SPDXRef-image", "CONTAINS") for r in related[1:]), "the image contains all of them", related)
    same = json.loads(write("cyclonedx"))
    tap.ok([u for p in doc["packages"][2:] for u in purls_of_spdx(p)] ==
           [c["purl"] for c in same["components"][1:]], "the same packages as in CycloneDX")
    tap.ok(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", doc["creationInfo"]["created"]) and
           doc["creationInfo"]["creators"] == ["Tool: koban-0.1.0"], "who made it and when", doc["creationInfo"])


def main():
    tap = koban.Tap()
    test_cyclonedx(tap)
    test_spdx(tap)
    for form in ("cyclonedx", "spdx"):
        tap.ok(write(form) == write(form), f"{form}: the same report, the same bytes")
    tap.done()


if __name__ == "__main__":
    main()
