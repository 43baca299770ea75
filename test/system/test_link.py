#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
"""
From the sensor to a store: a finding arrives with who acted, the file, the container and what
happened around it; what runs on the machine and what the sensor costs come beside it. A sensor that
is killed loses nothing that it had found, and a store that is killed nothing at all. The store is
one of the test's own that speaks the protocol; test_up.py has the real one.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban
from ingest_peer import Peer

RULES = """
- rule: Marked file opened
  desc: the test opens a file of its own
  condition: evt.type in (open, openat) and fd.name contains /koban-link-hit
  output: "opened %fd.name by %proc.name"
  priority: WARNING
  tags: [T1083]
- rule: Marked connection
  desc: the test connects to itself
  condition: evt.type = connect and fd.sport = {port}
  output: "connected to %fd.name by %proc.name"
  priority: NOTICE
- macro: everything
  condition: evt.type in (execve, openat, connect)
- rule: Nothing
  desc: asks for all events of these types, so that they come
  condition: everything and proc.name = no-such-program
  output: "never"
  priority: DEBUG
"""


def is_finding(text):
    return lambda r: r.get("type") == "finding" and text in r["output"]


def start(rules, peer_path, folder, *more):
    return koban.Koban([rules], "-o", "store_output.enabled=true", "-o",
                       f"store_output.address=unix:{peer_path}", "-o",
                       f"spool.dir={folder}/spool", "-o", f"spool.memory_dir={folder}/memory",
                       "-o", "outputs_queue.capacity=2000", *more)


def texts(record):
    return [e["text"] for e in record["events"]]


# ---- what arrives ---------------------------------------------------------------------------


def test_finding(tap, peer, folder):
    hit = os.path.join(folder, "koban-link-hit-1")
    link = os.path.join(folder, "to")
    open(hit, "w", encoding="ascii").close()
    os.symlink(hit, link)
    script = f"cat /etc/hostname; cat {link} --; exec sleep 0.01"
    subprocess.run(["sh", "-c", script], start_new_session=True, cwd="/usr",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    f = peer.wait(lambda r: is_finding("opened")(r) and r["processes"][0]["name"] == "cat")
    if not tap.ok(f is not None, "a finding arrives", [r["type"] for r in peer.records]):
        return
    first, parent = f["processes"][:2]
    tap.ok(len(f["id"]) == 32 and f["priority"] == "Warning" and f["tags"] == ["T1083"] and
           f["rule"] == "Marked file opened" and f["source"] == "syscall" and
           abs(f["time_ns"] / 1e9 - time.time()) < 60, "with its rule", f)
    tap.ok(f["event"]["type"] == "openat" and f["event"]["res"] >= 3 and
           "O_RDONLY" in f["event"]["args"], "with its event", f["event"])
    tap.ok(f["file"].get("asked") == link and f["file"].get("real") == hit,
           "with the names of the file", f["file"])
    tap.ok(first["cmdline"] == f"cat {link} --" and first["exe"].endswith("/cat") and
           first["cwd"] == "/usr" and first["user"] == "root" and first["uid"] == 0 and
           first["start_ns"] > 0, "with who acted", first)
    tap.ok(parent["cmdline"] == f"sh -c {script}" and parent["name"] == "sh" and
           len(f["processes"]) >= 3, "and who started that", parent)
    tap.ok("container" not in f, "on the host there is no container", f.get("container"))
    around = peer.wait(lambda r: r.get("type") == "around" and r["finding"] == f["id"])
    if tap.ok(around is not None, "events around it arrive"):
        got = texts(around)
        place = [next((i for i, t in enumerate(got) if t.startswith(want)), None) for want in
                 (f"sh -c {script}", "cat /etc/hostname", "/etc/hostname O_RDONLY", f"cat {link}",
                  link + " O_RDONLY")]
        tap.ok(None not in place and place == sorted(place) and len(got) <= 200,
               "in their order, up to the finding itself", (place, got[-30:]))
    order = [r for r in peer.records if r.get("id") == f["id"] or r.get("finding") == f["id"]]
    tap.ok(order[0] is f, "the finding comes first")


def test_after(tap, peer, folder):
    """The same session goes on after its finding."""
    hit = os.path.join(folder, "koban-link-hit-2")
    open(hit, "w", encoding="ascii").close()
    subprocess.run(["sh", "-c", f"cat {hit}; sleep 1; head -c 0 /etc/services"],
                   start_new_session=True, stdout=subprocess.DEVNULL, check=False)
    f = peer.wait(lambda r: is_finding(hit)(r) and r["processes"][0]["name"] == "cat")
    later = peer.wait(lambda r: r.get("type") == "around" and f and r["finding"] == f["id"] and
                      any(t.startswith("head -c 0") for t in texts(r)), 12)
    tap.ok(later is not None, "what the session did afterwards arrives too",
           [texts(r) for r in peer.of("around")[-3:]])
    if later:
        tap.ok(all(e["time_ns"] > f["time_ns"] for e in later["events"]), "and only that", later)


def test_connection(tap, peer, listener):
    import socket
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as c:
        local = "127.0.0.1:%d" % c.getsockname()[1]
        f = peer.wait(is_finding("connected to"))
    want = {"proto": "tcp", "local": local, "remote": f"127.0.0.1:{port}", "role": "client",
            "domain": "ipv4"}
    tap.ok(f is not None and f["connection"] == want, "a finding tells both ends of a connection",
           f and f.get("connection"))


def test_numbers(tap, peer):
    m = peer.wait(lambda r: r.get("type") == "metrics" and r["values"].get("findings_total"), 5)
    tap.ok(m is not None and m["values"]["events_total"] > 0 and m["values"]["rules"] == 3 and
           m["values"]["rss_bytes"] > 1 << 20 and "ring" in m["values"]["drops"] and m["version"],
           "the sensor tells its own numbers", m)
    before = len(peer.of("metrics"))
    time.sleep(2.5)
    tap.ok(2 <= len(peer.of("metrics")) - before <= 4, "every second")


def test_host_inventory(tap, peer, listener):
    """The port that this test listens on is the test's."""
    local = "127.0.0.1:%d" % listener.getsockname()[1]
    inventory = peer.wait(lambda r: r.get("type") == "inventory" and any(
        x["local"] == local for x in r["host"]["listening"]), 15)
    port = next((x for x in inventory["host"]["listening"] if x["local"] == local),
                None) if inventory else None
    tap.ok(port and port["pid"] == os.getpid() and port["proto"] == "tcp" and
           port["role"] == "server", "what listens on the host is in the inventory", port)
    tap.ok(inventory and inventory["host"]["nprocesses"] > 3 and inventory["kernel"] ==
           os.uname().release and inventory["boot_id"] and inventory["os"],
           "with the machine that it is", inventory and {k: v for k, v in inventory.items()
                                                         if k not in ("host", "containers")})


# ---- a container ----------------------------------------------------------------------------


def test_container(tap, peer, folder):
    if not koban.have("podman") or not os.path.exists("/bin/busybox"):
        tap.skip("a container", "skipped: needs podman and busybox-static")
        return
    root = os.path.join(folder, "rootfs")
    koban.make_rootfs(root)
    podman = koban.Podman(root, f"link{os.getpid()}")
    name = f"koban-link-{os.getpid()}"
    command = ["sh", "-c", "cat /etc/hosts; : > /koban-link-hit-3; cat /koban-link-hit-3; "
               "nc -l -p 4321 & sleep 25"]
    run = threading.Thread(target=podman.run, args=(name, command, "-v", "/srv:/data:ro"),
                           daemon=True)
    run.start()
    f = peer.wait(lambda r: is_finding("koban-link-hit-3")(r) and r["processes"][0]["name"] == "cat",
                  30)
    k = f and f.get("container")
    if tap.ok(k, "a finding in a container arrives", f):
        tap.ok(k["name"] == name and podman.image in k["image"] and k["engine"] == "podman" and
               len(k["id"]) == 12 and k["full_id"].startswith(k["id"]) and
               k["privileged"] is False, "with the container", k)
        mount = next((m for m in k["mounts"] if m["dest"] == "/data"), None)
        tap.ok(mount == {"source": "/srv", "dest": "/data", "rw": False}, "and its mounts",
               k["mounts"])
        tap.ok(f["processes"][0]["vpid"] != f["processes"][0]["pid"], "and both process numbers")
        around = peer.wait(lambda r: r.get("type") == "around" and r["finding"] == f["id"])
        tap.ok(around and any("/etc/hosts" in t for t in texts(around)) and
               {e["process"] for e in around["events"]} <= {"sh", "cat", "nc", "sleep", "exe",
                                                            "runc:[2:INIT]"},
               "and what it did before, and nobody else",
               around and [(e["process"], e["text"]) for e in around["events"]])
        mine = peer.wait(lambda r: r.get("type") == "inventory" and any(
            c["name"] == name and c["connections"] for c in r["containers"]), 20)
        c = next((c for c in mine["containers"] if c["name"] == name), None) if mine else None
        tap.ok(c and c["nprocesses"] >= 2 and c["rss_bytes"] > 0 and c["cpu_ns"] > 0 and
               c["started_ns"] > f["time_ns"] - 60e9,
               "the inventory has it with its resources", c or [
                   (x["name"], x["nprocesses"], x["connections"]) for r in peer.of("inventory")[-1:]
                   for x in r["containers"]])
        tap.ok(c and any(x["local"].endswith(":4321") and x["state"] == "listen" and
                         x.get("process") == "nc" for x in c["connections"]),
               "and its ports", c and c["connections"])
    koban.run(["podman", "rm", "-f", "-t", "0", name])
    run.join(30)
    gone = peer.wait(lambda r: r.get("type") == "inventory" and r["time_ns"] >
                     (f["time_ns"] if f else 0) + 5e9 and
                     not any(c["name"] == name for c in r["containers"]), 40)
    tap.ok(gone is not None, "a container that has ended leaves the inventory")
    koban.run(["podman", "rmi", "-f", podman.image])


# ---- being killed ---------------------------------------------------------------------------


def hit_files(folder, first, n):
    paths = [os.path.join(folder, f"koban-link-hit-k{i}") for i in range(first, first + n)]
    for p in paths:
        open(p, "w", encoding="ascii").close()


def printed(watch):
    with watch.lock:
        return {koban.field(f, "fd.name") for f in watch.findings
                if "koban-link-hit-k" in str(koban.field(f, "fd.name"))}


def test_killed_sensor(tap, rules, folder):
    """What it has printed it has found; all of that must reach the store in the end."""
    path = os.path.join(folder, "kill.sock")
    told, at, peer = set(), 0, None
    for round_ in range(6):
        if round_ % 2:
            peer = peer or Peer(path)
        watch = start(rules, path, folder)
        hit_files(folder, at, 150)
        at += 150
        watch.wait(lambda f: f"koban-link-hit-k{at - 40}" in f["output"], 10)
        watch.stop(signal.SIGKILL)
        told |= printed(watch)
    peer = peer or Peer(path)
    watch = start(rules, path, folder)
    deadline = time.monotonic() + 20
    stored = set()
    while time.monotonic() < deadline and not told <= stored:
        time.sleep(0.2)
        stored = {r["fields"]["fd.name"] for r in peer.of("finding")}
    tap.ok(len(told) > 500 and told <= stored,
           "a sensor that is killed loses nothing that it had found",
           f"told {len(told)}, missing {sorted(told - stored)[:10]}")
    ids = [r["id"] for r in peer.of("finding")]
    by_id = {}
    for r in peer.of("finding"):
        by_id.setdefault(r["id"], set()).add(json.dumps(r, sort_keys=True))
    tap.ok(all(len(v) == 1 for v in by_id.values()),
           "what comes twice is the same, under the same id", len(ids) - len(by_id))
    watch.stop()
    peer.close()


def main():
    koban.need_root()
    import socket
    tap = koban.Tap()
    folder = koban.scratch()
    listener = socket.create_server(("127.0.0.1", 0))
    rules = os.path.join(folder, "rules.yaml")
    with open(rules, "w", encoding="utf-8") as f:
        f.write(RULES.format(port=listener.getsockname()[1]))
    peer = Peer(os.path.join(folder, "ingest.sock"))
    watch = start(rules, peer.path, folder)
    test_finding(tap, peer, folder)
    test_after(tap, peer, folder)
    test_connection(tap, peer, listener)
    test_numbers(tap, peer)
    test_host_inventory(tap, peer, listener)
    test_container(tap, peer, folder)
    tap.ok(not peer.bad, "every record is JSON", peer.bad[:3])
    said = watch.stop()
    tap.ok("error" not in said and "not accounted" not in said, "it ends without complaint", said)
    peer.close()
    test_killed_sensor(tap, rules, folder)
    tap.done()


if __name__ == "__main__":
    main()
