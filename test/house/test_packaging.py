#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What is shipped to run koban elsewhere: systemd's own judgement of the units, a DaemonSet that asks
for no more than it says, an image recipe that names every library of the binary. No cluster and no
init system is needed; what is checked of the manifest are the rules below, each with its reason.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KOBAN_BUILD", ROOT / "build"))
KOBAN = BUILD / "src/cmd/koban"
UNITS = ROOT / "packaging/systemd"
MANIFEST = ROOT / "packaging/kubernetes/koban.yaml"
# what src/cmd/privileges.c keeps, and what attaching takes on old kernels
SENSOR_CAPS = {"BPF", "PERFMON", "SYS_RESOURCE", "SYS_PTRACE", "DAC_READ_SEARCH", "DAC_OVERRIDE"}
# systemd-analyze security: at most so exposed
EXPOSED = {"koban-watch.service": 3.5, "koban-serve.service": 1.7}


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, errors="replace", check=False,
                          timeout=120)


# ---- systemd --------------------------------------------------------------------------------


def rendered(folder):
    """The units with a program that is there."""
    program = Path(folder) / "bin" / "koban"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    units = []
    for unit in sorted([*UNITS.glob("*.service"), *UNITS.glob("*.socket")]):
        to = Path(folder) / unit.name
        to.write_text(unit.read_text().replace("@bindir@", str(program.parent)))
        units.append(to)
    return units


def check_units():
    if not shutil.which("systemd-analyze"):
        return None, "needs systemd-analyze"
    with tempfile.TemporaryDirectory() as folder:
        units = rendered(folder)
        env = dict(os.environ, SYSTEMD_UNIT_PATH=folder + ":")
        r = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, units)], env=env,
                           capture_output=True, text=True, check=False, timeout=120)
        said = [x for x in (r.stdout + r.stderr).splitlines() if "koban" in x]
    return len(units) == 3 and not said, "\n".join(said)


def check_exposure():
    if not shutil.which("systemd-analyze"):
        return None, "needs systemd-analyze"
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for unit in rendered(folder):
            if unit.name not in EXPOSED:
                continue
            out = run("systemd-analyze", "security", "--offline=true", str(unit)).stdout
            level = re.search(r"exposure level for \S+: ([0-9.]+)", out)
            if not level:
                return None, "this systemd-analyze judges no files"
            if float(level[1]) > EXPOSED[unit.name]:
                wrong.append(f"{unit.name}: {level[1]} is more than {EXPOSED[unit.name]}")
    return not wrong, "\n".join(wrong)


def check_unit_rights():
    watch = (UNITS / "koban-watch.service").read_text()
    serve = (UNITS / "koban-serve.service").read_text()
    socket = (UNITS / "koban-ingest.socket").read_text()
    caps = set(re.search(r"^CapabilityBoundingSet=(.*)$", watch, re.M)[1].split())
    wrong = [f"the sensor needs no {c}" for c in caps - {"CAP_" + c for c in SENSOR_CAPS}]
    if not re.search(r"^CapabilityBoundingSet=$", serve, re.M) or "User=koban" not in serve:
        wrong.append("the console is koban's, without capabilities")
    if "SocketMode=0600" not in socket or "SocketUser=root" not in socket:
        wrong.append("only root may bring findings")
    return not wrong, "\n".join(wrong)


def check_folders():
    """The user and the folders that the units and the configuration name are made."""
    users = (UNITS / "koban.sysusers.conf").read_text()
    made = {}
    for line in (UNITS / "koban.tmpfiles.conf").read_text().splitlines():
        words = line.split()
        if words and words[0] == "d":
            made[words[1]] = words[2:5]
    wrong = [] if re.search(r"^u koban ", users, re.M) else ["no user koban"]
    if made.get("/var/lib/koban/console") != ["0700", "koban", "koban"]:
        wrong.append("the console's folder is its own")
    text = (UNITS / "koban-watch.service").read_text()
    for path in re.findall(r"=(/(?:run|var)/\S+?)(?=[\s\"]|$)", text):
        if not any(path == p or path.startswith(p + "/") for p in made):
            wrong.append(f"nobody makes {path}")
    for path, (_, user, group) in made.items():
        above = str(Path(path).parent)
        if above in made and user != "root" and made[above][0] != "0711" and made[above][1] != user:
            wrong.append(f"{user} cannot reach {path}")
    return not wrong, "\n".join(wrong)


# ---- Kubernetes -----------------------------------------------------------------------------


def documents():
    docs = list(yaml.safe_load_all(MANIFEST.read_text()))
    return {d["kind"]: d for d in docs}, docs


def pod():
    return documents()[0]["DaemonSet"]["spec"]["template"]["spec"]


def check_kinds():
    """Everything in one namespace, with the versions of today's API."""
    versions = {"Namespace": "v1", "ServiceAccount": "v1", "ConfigMap": "v1", "Service": "v1",
                "DaemonSet": "apps/v1", "NetworkPolicy": "networking.k8s.io/v1"}
    _, docs = documents()
    wrong = [f"{d['kind']}: {d['apiVersion']}" for d in docs
             if versions.get(d["kind"]) != d["apiVersion"]]
    wrong += [f"{d['kind']}: no namespace" for d in docs
              if d["kind"] != "Namespace" and d["metadata"].get("namespace") != "koban"]
    return not wrong and len(docs) == len(versions), "\n".join(wrong)


def container_faults(c):
    """Of every container."""
    s = c.get("securityContext", {})
    added = set(s.get("capabilities", {}).get("add", []))
    allowed = {"sensor": SENSOR_CAPS, "console": set(),
               "folders": {"CHOWN", "DAC_OVERRIDE", "FOWNER"}}[c["name"]]
    rules = {
        "is privileged": s.get("privileged", False) is False,
        "may gain privileges": s.get("allowPrivilegeEscalation") is False,
        "may write its root": s.get("readOnlyRootFilesystem") is True,
        "keeps capabilities": s.get("capabilities", {}).get("drop") == ["ALL"],
        f"adds {added - allowed}": added <= allowed,
        "has no seccomp profile": s.get("seccompProfile") == {"type": "RuntimeDefault"},
        "has no memory limit": "memory" in c.get("resources", {}).get("limits", {}),
        "says no user": "runAsUser" in s and s.get("runAsNonRoot") is (s["runAsUser"] != 0),
        "is of any version": re.search(r":\d", c["image"]) is not None,
    }
    return [f"{c['name']} {why}" for why, good in rules.items() if not good]


def check_containers():
    p = pod()
    wrong = []
    for c in [*p["initContainers"], *p["containers"]]:
        wrong += container_faults(c)
    for c in p["containers"]:
        wrong += [f"{c['name']} has no {x}" for x in ("livenessProbe", "readinessProbe")
                  if x not in c]
    console = next(c for c in p["containers"] if c["name"] == "console")
    if console["securityContext"]["runAsUser"] == 0:
        wrong.append("the console is root")
    return not wrong, "\n".join(wrong)


def check_pod():
    """It sees the node's processes; it shares neither its network nor its IPC, nor asks the API."""
    p = pod()
    wrong = []
    if p.get("hostPID") is not True or p.get("hostNetwork") or p.get("hostIPC"):
        wrong.append("of the host it needs the processes, and nothing else")
    if p.get("automountServiceAccountToken") is not False:
        wrong.append("it needs no token")
    volumes = {v["name"]: v for v in p["volumes"]}
    for c in [*p["initContainers"], *p["containers"]]:
        for m in c.get("volumeMounts", []):
            if m["name"] not in volumes:
                wrong.append(f"{c['name']}: no volume {m['name']}")
                continue
            path = volumes[m["name"]].get("hostPath", {}).get("path")
            if path and path != "/var/lib/koban" and not m.get("readOnly"):
                wrong.append(f"{c['name']} may write {path}")
            if path and path != "/var/lib/koban" and c["name"] != "sensor":
                wrong.append(f"{c['name']} sees {path}")
    return not wrong, "\n".join(wrong)


def check_network():
    kinds, _ = documents()
    labels = kinds["DaemonSet"]["spec"]["template"]["metadata"]["labels"].items()
    policy, service = kinds["NetworkPolicy"]["spec"], kinds["Service"]["spec"]
    ports = {x["name"]: x["containerPort"] for c in pod()["containers"] for x in c.get("ports", [])}
    wrong = []
    if set(policy["policyTypes"]) != {"Ingress", "Egress"} or not (
            policy["podSelector"]["matchLabels"].items() <= labels):
        wrong.append("the policy is not about these pods, both ways")
    if not all(x.get("from") and x.get("ports") for x in policy["ingress"]):
        wrong.append("the policy lets anybody in")
    if not service["selector"].items() <= labels or not all(
            x["targetPort"] in ports for x in service["ports"]):
        wrong.append("the service leads nowhere")
    return not wrong, "\n".join(wrong)


def check_arguments():
    """Verbs and options are the program's, and the configuration loads."""
    wrong = []
    for c in pod()["containers"]:
        verb, *options = c["args"]
        known = run(str(KOBAN), verb, "--help").stdout
        wrong += [f"koban {verb}: no {o}" for o in options if o.split("=")[0] + " " not in known]
    config = documents()[0]["ConfigMap"]["data"]["koban.yaml"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "koban.yaml"
        # what is commented out there must load as well
        path.write_text(re.sub(r"^( *)# ((?:listen|tls_\w+|store): )", r"\1\2", config, flags=re.M)
                        .replace("listen: 127.0.0.1:8766", ""))
        r = run(str(KOBAN), "replay", str(ROOT / "data/demo/intruder.scap.gz"), "-c", str(path),
                "-r", str(ROOT / "data/rules"), "-q")
        if r.returncode or "koban.yaml" in r.stderr:
            wrong.append(r.stderr)
    return not wrong, "\n".join(wrong)


# ---- the image ------------------------------------------------------------------------------


def check_image():
    """Runs as nobody of importance, and has every library that the binary asks for."""
    text = (ROOT / "packaging/Containerfile").read_text()
    final = text[text.rindex("FROM "):]
    user = re.search(r"^USER (\d+):(\d+)$", final, re.M)
    wrong = [] if user and user[1] != "0" else ["it runs as root"]
    if not shutil.which("dpkg"):
        return None, "needs dpkg"
    if os.environ.get("KOBAN_ASAN"):
        return None, "a build under sanitizers wants their libraries too"
    listed = set(re.findall(r"[a-z0-9.+-]+", final[final.index("install -y"):final.index("&&",
                                                   final.index("install -y"))]))
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", str(KOBAN)).stdout)
    paths = dict(re.findall(r"^\t(\S+) \(.*\) => (\S+)$", run("ldconfig", "-p").stdout, re.M))
    for library in needed:
        real = os.path.realpath(paths.get(library, library))
        owner = run("dpkg", "-S", "*/" + os.path.basename(real)).stdout.split(":")[0]
        if owner.startswith("libc6"):  # of any architecture that is installed here
            continue
        if owner not in listed | {"libtinfo6"}:  # which libncursesw6 brings
            wrong.append(f"{library} is of {owner}, which the image does not install")
    return bool(needed) and not wrong, "\n".join(wrong)


CHECKS = [
    ("systemd takes the units", check_units),
    ("systemd finds them little exposed", check_exposure),
    ("each unit has the rights that it needs", check_unit_rights),
    ("users and folders are made", check_folders),
    ("the manifest is of today's API", check_kinds),
    ("every container is held back", check_containers),
    ("the pod takes of the node what it needs", check_pod),
    ("the network is closed but for what is said", check_network),
    ("what the pods run is what koban offers", check_arguments),
    ("the image has the libraries, and another user", check_image),
]


def main():
    print(f"1..{len(CHECKS)}")
    failed = 0
    for n, (name, check) in enumerate(CHECKS, 1):
        good, details = check()
        if good is None:
            print(f"ok {n} - {name} # SKIP {details}")
            continue
        failed += not good
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        for line in details.splitlines() if not good else []:
            print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
