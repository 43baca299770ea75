#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
Impostors through a real registry that plays Docker Hub: names that imitate official images, with and
without the official image's layers, which tools/official_layers.py learnt from an image; honest names
beside them; settings for mining that are spread over the environment.
"""
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from images import BUILD, ROOT, Registry, run, umoci
from koban import Tap

TAP = Tap()
WALLET = ("44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVG"
          "QBEP3A")


def writes(name, text):
    return lambda rootfs: (rootfs / name).write_text(text, "utf-8")


def scan(registry, name, *args):
    done = subprocess.run([BUILD / "src/cmd/koban", "image", "scan", "--json", "--no-cache",
                           "--mirror", f"docker.io={registry.host}", "--insecure", registry.host,
                           *args, name], capture_output=True, text=True, check=False, timeout=120)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"error": done.stderr}


def masquerade(report):
    return [f for f in report.get("findings", []) if f["check"].startswith("masquerade-") and
            f["check"] != "masquerade-account"]


def push(t, registry, tag, *names):
    for name in names:
        run("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{t}/ubuntu:{tag}",
            f"docker://{registry.host}/{name}")


def make(t, registry):
    layout = t / "ubuntu"
    umoci(layout, "22.04", t / "w", writes("etc-issue", "a base\n"))
    run("umoci", "tag", "--image", f"{layout}:22.04", "child")
    run("umoci", "unpack", "--image", f"{layout}:child", t / "w")
    writes("app", "mine\n")(t / "w/rootfs")
    run("umoci", "repack", "--image", f"{layout}:child", t / "w")
    shutil.rmtree(t / "w")
    umoci(layout, "other", t / "w", writes("etc-issue", "something else\n"))
    umoci(layout, "env", t / "w", writes("a", "b\n"),
          config=("--config.env", "POOL=xmr.2miners.com:2222", "--config.env", f"WALLET={WALLET}",
                  "--config.entrypoint", "/a"))
    push(t, registry, "22.04", "library/ubuntu:latest")
    push(t, registry, "child", "someone/ubuntu:latest")
    push(t, registry, "other", "vibersastra/ubuntu:latest", "vibersastra/golang:latest",
         "c43602f9cc95/openjdk:latest", "someone/ng1nx:latest", "bitnami/nginx:latest",
         "someone/website:latest")
    push(t, registry, "env", "someone/tool:latest")


def test_names(registry):
    for name, severity in (("vibersastra/golang", "low"), ("c43602f9cc95/openjdk", "medium"),
                           ("someone/ng1nx", "low")):
        report = scan(registry, name)
        f = masquerade(report)
        TAP.ok(len(f) == 1 and f[0]["check"] == "masquerade-name" and f[0]["severity"] == severity and
               "masquerade" in report["labels"] and report["verdict"] != "malicious",
               f"{name} is called an imitation ({severity}), and not malicious for that", report)
    for name in ("library/ubuntu", "bitnami/nginx", "someone/website"):
        report = scan(registry, name)
        TAP.ok("findings" in report and not masquerade(report), f"{name} is not", report)


def test_lineage(t, registry):
    feed = t / "layers.txt"
    done = subprocess.run([sys.executable, ROOT / "tools/official_layers.py", "--registry", f"oci:{t}/",
                           "ubuntu:22.04"], capture_output=True, text=True, check=False)
    feed.write_text(done.stdout, "utf-8")
    TAP.ok(done.returncode == 0 and "\nubuntu sha256:" in done.stdout, "the tool lists a layer",
           done.stderr)
    report = scan(registry, "someone/ubuntu", "--feed", feed)
    TAP.ok("findings" in report and not masquerade(report), "an image that is built on it is honest",
           report)
    report = scan(registry, "vibersastra/ubuntu", "--feed", feed)
    f = masquerade(report)
    TAP.ok(len(f) == 1 and f[0]["severity"] == "medium" and "none of its layers" in f[0]["title"],
           "one that has none of its layers is an impostor", report)


def test_env(registry):
    report = scan(registry, "someone/tool")
    f = [f for f in report.get("findings", []) if f["check"] == "miner-settings"]
    TAP.ok(len(f) == 1 and {"key": "wallet", "value": WALLET} in f[0]["facts"] and
           "cryptomining" in report["labels"] and report["verdict"] in ("malicious", "suspicious"),
           "a pool and a wallet in two variables are seen together", report)


def main():
    for tool in ("docker-registry", "skopeo", "umoci"):
        if not shutil.which(tool):
            print(f"1..0 # SKIP needs {tool} (setup/install.sh test)")
            return
    with tempfile.TemporaryDirectory(prefix="koban-impostors-") as tmp:
        t = Path(tmp)
        registry = Registry(t / "registry")
        try:
            make(t, registry)
            test_names(registry)
            test_lineage(t, registry)
            test_env(registry)
        finally:
            registry.close()
    TAP.done()


main()
