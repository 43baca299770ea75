#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The forms of an image's report, by the rules of each form: SARIF by its schema, JUnit as XML, Markdown
without markup of strangers, JSON as it was, the table within the terminal's columns. The report that
is written (test/unit/face/report/sample_report.h) has paths made to break out of every one of them.
"""
import json
import os
import re
import subprocess
import sys
import unicodedata
import urllib.parse
import xml.etree.ElementTree as ET

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test", "system"))
import koban

BUILD = os.environ.get("KOBAN_BUILD", os.path.join(ROOT, "build"))
PROGRAM = os.path.join(BUILD, "test", "write-sample")
NASTY = "/opt/<b>&\"'|`\\ \ufffd\n\x1b[31m\u202e]]>:%41"


def write(*args):
    r = subprocess.run([PROGRAM, *args], capture_output=True, check=False)
    return r.returncode, r.stdout, r.stderr.decode()


def validate(document, schema):
    sys.path.append("/usr/lib/python3/dist-packages")  # where Debian has it, whatever python3 this is
    import jsonschema
    with open(os.path.join(ROOT, "test", "data", "schemas", schema), encoding="utf-8") as f:
        schema = json.load(f)
    checker = jsonschema.Draft7Validator(schema, format_checker=jsonschema.draft7_format_checker)
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in checker.iter_errors(document)]


def test_sarif(tap):
    _, out, _ = write("sarif")
    doc = json.loads(out)
    tap.ok(not (why := validate(doc, "sarif-2.1.0.json")), "SARIF is valid by its schema", "\n".join(why))
    broken = json.loads(out)
    broken["runs"][0]["results"][0]["level"] = "loud"
    tap.ok(validate(broken, "sarif-2.1.0.json"), "the schema sees a fault")
    run = doc["runs"][0]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    tap.ok(len(rules) == 3 and len(results) == 4 and
           all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in results), "each result has its rule", rules)
    places = [r["locations"][0]["physicalLocation"]["artifactLocation"] for r in results]
    tap.ok(places[0] == {"uri": "opt/x/config.json", "uriBaseId": "IMAGE"}, "paths are below the image", places[0])
    raw = urllib.parse.unquote_to_bytes(places[1]["uri"])
    tap.ok(re.fullmatch(r"[A-Za-z0-9._~/%-]+", places[1]["uri"]) and b"\xff" in raw and raw.endswith(b":%41"),
           "a URI has any path, byte by byte", places[1])
    tap.ok([("suppressions" in r) for r in results] == [False, False, True, False] and
           "a test key" in results[2]["suppressions"][0]["justification"], "what is ignored is suppressed, with why")
    notes = run["invocations"][0]["toolExecutionNotifications"]
    tap.ok([n["level"] for n in notes] == ["warning", "note"] and "1 GiB" in notes[0]["message"]["text"],
           "what was not read is told", notes)
    ids = {r["partialFingerprints"]["koban/v1"] for r in results}
    tap.ok(len(ids) == 4 and all(re.fullmatch("[0-9a-f]{16}", i) for i in ids), "fingerprints", ids)


def test_junit(tap):
    _, out, _ = write("junit")
    suite = ET.fromstring(out).find("testsuite")
    cases = suite.findall("testcase")
    n = {k: int(suite.get(k)) for k in ("tests", "failures", "skipped")}
    tap.ok(n == {"tests": 5, "failures": 2, "skipped": 1} and len(cases) == 5 and
           len(suite.findall("testcase/failure")) == 2 and len(suite.findall("testcase/skipped")) == 1,
           "JUnit: a case a finding, counted as it says", n)
    tap.ok(cases[0].get("name").startswith("malicious: "), "the verdict is a case", cases[0].attrib)
    text = cases[2].find("failure").get("message")
    tap.ok(text == NASTY.replace("\x1b", "\ufffd"), "XML keeps what it can hold", repr(text))


def test_markdown(tap):
    _, out, _ = write("markdown")
    text = out.decode()
    rows = [x for x in text.splitlines() if x.startswith("|")]
    tap.ok(len(rows) == 4 and all(len(re.findall(r"(?<!\\)\|", x)) == 6 for x in rows),
           "Markdown: a row a finding, five cells", text)
    tap.ok("<b>" not in text and not re.search(r"(?<!\\)[`\[]", text) and "\x1b" not in text,
           "no markup of strangers", text)
    tap.ok("2 more are notes or ignored" in text and "1 GiB" in text, "what is left out and not read is told", text)


def test_json(tap):
    _, out, _ = write("json")
    doc = json.loads(out)
    tap.ok([f["check"] for f in doc["findings"]] == ["miner-config", *["secret-private-key"] * 2,
                                                    "config-no-healthcheck"], "JSON has every finding")
    tap.ok(doc["verdict"] == "malicious" and doc["labels"][0] == "cryptomining" and
           doc["findings"][1]["path"] == NASTY and "deleted_in" not in doc["findings"][0], "and its values", doc)


def columns(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def test_table(tap):
    for width in (60, 80, 132):
        _, out, _ = write("table", str(width), "plain", "all")
        lines = out.decode().splitlines()
        wide = [x for x in lines if columns(x) > width]
        tap.ok(not wide and len(lines) > 25, f"the table fits {width} columns", "\n".join(wide))
        tap.ok(not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", out.decode()), "nothing speaks to the terminal")
    text = out.decode()
    tap.ok("libc6" in text and "It has no HEALTHCHECK" in text and "ignored: a test key" in text,
           "--all has packages, notes and what is ignored", text)
    _, out, _ = write("table", "80")
    tap.ok("HEALTHCHECK" not in out.decode() and "2 more are notes or ignored" in out.decode(), "else they are counted")
    _, out, _ = write("table", "80", "colour")
    tap.ok("\x1b[31mcritical\x1b[0m" in out.decode(), "severities have colours")
    _, out, _ = write("explain", "80")
    text = out.decode()
    tap.ok(all(x in text for x in ("what to do", "COPY x /opt/x", "started with the container", "pool.example.invalid",
                                   ".kobanignore", "sure to 99 %")), "explain says all of it", text)


def main():
    tap = koban.Tap()
    test_sarif(tap)
    test_junit(tap)
    test_markdown(tap)
    test_json(tap)
    test_table(tap)
    code, _, err = write("yaml")
    tap.ok(code == 2 and "table, json, sarif" in err, "an unknown form names the known ones", err)
    tap.done()


if __name__ == "__main__":
    main()
