#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# run-args: host
# run-args: podman
# run-args: containerd
# timeout: 420
"""Provokes each rule with its harmless trigger, on the host or in a container of its own.

triggers.yaml says how. A rule passes when it fires with the right process, file, image and container
name: on the host container.id is "host"; in a container the names must be there on the very first
event, since each trigger starts a container of its own.
"""
import os
import subprocess
import sys

import yaml

import koban

WAIT_S = 6


def load_triggers():
    with open(os.path.join(koban.ROOT, "test", "system", "triggers.yaml"), encoding="utf-8") as f:
        return yaml.safe_load(f)


def enabled_rules(paths):
    """Names of the enabled rules, and in which of the paths."""
    out = {}
    for path in paths:
        import json
        r = koban.run([koban.BINARY, "rules", "list", "--json", path])
        for rule in json.loads(r.stdout)["rules"]:
            if rule["info"]["enabled"]:
                out[rule["info"]["name"]] = path
    return out


def missing(trigger, in_container):
    for need in trigger.get("needs", []):
        if need.startswith("/"):
            if not os.path.exists(need):
                return f"needs {need}"
        elif not in_container and not koban.have(need):
            return f"needs the command {need}"
    return None


def wrong(finding, trigger, container):
    """What is not as it should be, or None."""
    expect = trigger.get("expect", {})
    for key, name in (("proc", "proc.name"), ("file", "fd.name")):
        got = koban.field(finding, name)
        if key in expect and got is not None and got != expect[key]:
            return f"{name} is {got!r}, not {expect[key]!r}"
    if koban.field(finding, "container.id") is None:
        return "no container.id in the finding"
    if container is None:
        if koban.field(finding, "container.id") != "host":
            return f"container.id is {koban.field(finding, 'container.id')!r} on the host"
        return None
    name, repository = container
    if koban.field(finding, "container.name") != name:
        return f"container.name is {koban.field(finding, 'container.name')!r}, not {name!r}"
    if koban.field(finding, "container.image.repository") != repository:
        return f"image is {koban.field(finding, 'container.image.repository')!r}, not {repository!r}"
    return None


def matches(finding, trigger, container):
    return finding["rule"] == trigger["rule"] and wrong(finding, trigger, container) is None


def run_shell(text, folder, kbtrig):
    env = {**os.environ, "SCRATCH": folder, "KBTRIG": kbtrig}
    return subprocess.run(["sh", "-euc", text], cwd=folder, env=env, capture_output=True, text=True,
                          errors="replace", timeout=60, stdin=subprocess.DEVNULL, check=False)


def on_host(k, tap, trigger, kbtrig):
    mark = k.mark()
    folder = koban.scratch()
    r = run_shell(trigger["run"], folder, kbtrig)
    found = k.wait(lambda f: matches(f, trigger, None), WAIT_S, mark)
    if trigger.get("undo"):
        run_shell(trigger["undo"], folder, kbtrig)
    report(k, tap, trigger, found, mark, r, None, "host")


def podman_options(trigger):
    options = []
    if trigger.get("privileged"):
        options.append("--privileged")
    for cap in trigger.get("caps", []):
        options.append(f"--cap-add={cap}")
    for mount in trigger.get("mounts", []):
        options += ["-v", mount]
    if trigger.get("tty"):
        options.append("-t")
    return options


def ctr_options(trigger):
    options = []
    if trigger.get("privileged"):
        options.append("--privileged")
    for cap in trigger.get("caps", []):
        options.append(f"--cap-add=CAP_{cap}")
    for mount in trigger.get("mounts", []):
        src, dst, mode = (mount.split(":") + ["rw"])[:3]
        options.append(f"--mount=type=bind,src={src},dst={dst},options=rbind:{mode}")
    if trigger.get("tty"):
        options.append("-t")
    return options


def in_container(k, tap, trigger, engine, number):
    mark = k.mark()
    # a test beside this one, or one that was killed, may have the same containers
    name = f"kbtest-{engine.name}-{os.getpid()}-{number}"
    image = trigger.get("image")
    if image:
        image = engine.tag(image)
    repository = (image or engine.image).rsplit(":", 1)[0]
    options = (podman_options if engine.name == "podman" else ctr_options)(trigger)
    # a shell's own children are the container's first processes; the trigger text is the command
    text = trigger["run"] + ("\n" + trigger["undo"] if trigger.get("undo") else "")
    env = ["--env", "SCRATCH=/scratch", "--env", "KBTRIG=/bin/kbtrig"]
    command = ["/bin/sh", "-c", "cd /scratch && " + text]
    r = engine.run(name, command, *options, *env, image=image)
    found = k.wait(lambda f: matches(f, trigger, (name, repository)), WAIT_S, mark)
    report(k, tap, trigger, found, mark, r, (name, repository), engine.name)


def report(k, tap, trigger, found, mark, result, container, where):
    if found:
        tap.ok(True, f"{trigger['rule']} ({where})")
        return
    near = [f for f in k.since(mark) if f["rule"] == trigger["rule"]]
    lines = [f"fired, but {wrong(f, trigger, container)}" for f in near[:3]]
    lines += [f"other finding: {f['rule']}: {f['output'][:200]}" for f in k.since(mark)[:5]]
    lines += [f"exit {result.returncode}", result.stdout[-500:], result.stderr[-800:]]
    tap.ok(False, f"{trigger['rule']} ({where})", "\n".join(lines))


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else "host"
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    koban.need_root()
    tap = koban.Tap()
    rules = [koban.OWN_RULES]
    public = os.path.join(koban.PUBLIC_RULES, "falco_rules.yaml")
    if os.path.exists(public):
        rules.append(public)
    else:
        tap.skip("triggers of the public rules", "skipped: needs ../shared/corpora/falco-rules")
    enabled = enabled_rules(rules)
    triggers = load_triggers()
    if where == "host":
        covered = {t["rule"] for t in triggers}
        for name in sorted(set(enabled) - covered):
            tap.ok(False, f"{name} has no trigger")
    folder = koban.scratch()
    kbtrig = os.path.join(folder, "kbtrig")
    if not koban.compile_c("kbtrig.c", kbtrig):
        tap.ok(False, "kbtrig.c builds")
        tap.done()
    engine = None
    if where != "host":
        if not koban.have("podman" if where == "podman" else "ctr"):
            print(f"1..0 # SKIP needs {where}")
            return
        koban.make_rootfs(os.path.join(folder, "rootfs"), kbtrig)
        engine = {"podman": koban.Podman, "containerd": koban.Containerd}[where](
            os.path.join(folder, "rootfs"))
    k = koban.Koban(rules, "--no-fold")
    for number, trigger in enumerate(triggers):
        if trigger["rule"] not in enabled or only not in trigger["rule"]:
            continue
        if "impossible" in trigger:
            if where == "host":
                tap.skip(trigger["rule"], trigger["impossible"])
            continue
        if trigger["where"] not in ("both", "host" if where == "host" else "container"):
            continue
        why = missing(trigger, engine is not None)
        if not why and trigger.get("image") and where == "containerd":
            why = "the image's name is tried with podman"
        if why:
            tap.skip(f"{trigger['rule']} ({where})", why)
        elif engine:
            in_container(k, tap, trigger, engine, number)
        else:
            on_host(k, tap, trigger, kbtrig)
    said = k.stop()
    tap.ok("not accounted for" not in said, "every event is accounted for", said)
    tap.done()


main()
