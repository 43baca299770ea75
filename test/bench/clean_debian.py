#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
A clean Debian 12 (minbase with python3, nodejs, a JDK, golang and build-essential: 1.3 GB of software
that nobody tampered with) must give no malicious finding and at most three secrets. mmdebstrap fetches
it; KOBAN_ROOT=FILE.tar takes one that is there. Every finding is printed, to be looked at.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KOBAN = Path(os.environ.get("KOBAN_BUILD", ROOT / "build")) / "src" / "cmd" / "koban"
PACKAGES = "python3,nodejs,default-jdk-headless,golang,build-essential"
SECRETS_MAX = 3


def main():
    with tempfile.TemporaryDirectory(prefix="koban-clean-", dir="/var/tmp") as d:
        tar = os.environ.get("KOBAN_ROOT")
        if not tar:
            if not shutil.which("mmdebstrap"):
                sys.exit("this needs mmdebstrap: apt-get install mmdebstrap")
            tar = f"{d}/root.tar"
            subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", tar], check=True)
        layout = f"{d}/layout"
        for command in (["init", "--layout", layout], ["new", "--image", f"{layout}:clean"],
                        ["raw", "add-layer", "--image", f"{layout}:clean", tar]):
            subprocess.run(["umoci", *command], check=True)
        text = subprocess.run([KOBAN, "image", "scan", "--json", "-q", "--no-cache", f"oci:{layout}:clean"],
                              capture_output=True, check=True).stdout
    report = json.loads(text)
    findings = report.get("findings", [])
    for f in findings:
        print(f"{f['severity']:9} {f['check']:28} {f.get('path', '')}\n          {f['title']}")
    secrets = [f for f in findings if f["check"].startswith("secret-")]
    grave = [f for f in findings if f["severity"] in ("critical", "high")]
    print(f"verdict {report['verdict']}: {report['reason']}\n{len(report['packages'])} packages, "
          f"{report['coverage']['files']} files, {len(findings)} findings, {len(grave)} of them grave, {len(secrets)} secrets")
    return 0 if report["verdict"] == "clean" and not grave and len(secrets) <= SECRETS_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
