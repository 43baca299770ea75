#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
The event path of a running koban allocates nothing once it is warm, and the metrics endpoint tells
what somebody who runs koban has to know: events, losses by cause, rules and their cost, CPU, memory,
queues.
"""
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban
from ingest_peer import Peer

EVENTS = 200000
RULES = """
- rule: Marked file opened
  desc: d
  condition: >
    evt.type in (open, openat) and fd.name startswith {folder}/hit and
    proc.name != nobody and not proc.aname in (sshd, crond)
  output: "opened %fd.name by %proc.name %proc.cmdline %user.name %container.id"
  priority: INFO
- rule: True was run
  desc: d
  condition: evt.type in (execve, execveat) and proc.exepath endswith /true and proc.args = --marked
  output: "ran %proc.exepath by %proc.pname"
  priority: INFO
- rule: Nobody opened
  desc: asks who opens, so that no open is known beforehand not to match
  condition: evt.type in (open, openat) and proc.name = nobody-is-called-this
  output: "never"
  priority: INFO
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"

    def get(self, path):
        """Status, content type, body."""
        try:
            with urllib.request.urlopen(self.base + path, timeout=5) as r:
                return r.status, r.headers.get("Content-Type", ""), r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers.get("Content-Type", ""), e.read().decode()

    def metrics(self):
        """Metric with labels -> value."""
        lines = self.get("/metrics")[2].splitlines()
        return {k: float(v) for k, v in (x.rsplit(" ", 1) for x in lines if x and x[0] != "#")}


def settle(server):
    """The numbers are taken once a second."""
    time.sleep(2.2)
    return server.metrics()


def load(loops, server, events):
    """Opens and runs programs until `events` more were read; how many were."""
    start = server.metrics()["koban_events_total"]
    for _ in range(20):
        for args in (["open_close", "30000", "1"], ["fork_exec", "200", "1"],
                     ["connect_accept_close", "2000", "1"]):
            subprocess.run([loops, *args], stdout=subprocess.DEVNULL, check=True, timeout=60)
        seen = settle(server)["koban_events_total"] - start
        if seen >= events:
            break
    return seen


def test_allocations(tap, loops, server, name):
    load(loops, server, EVENTS // 4)
    before = settle(server)
    seen = load(loops, server, EVENTS)
    after = settle(server)
    tap.ok(seen >= EVENTS, f"{name}: {EVENTS} events came", seen)
    grown = after["koban_event_path_mallocs_total"] - before["koban_event_path_mallocs_total"]
    tap.ok(grown == 0, f"{name}: the event path allocated nothing", grown)
    rss = after["koban_memory_rss_bytes"] - before["koban_memory_rss_bytes"]
    print(f"# {name}: {seen:.0f} events, memory {before['koban_memory_rss_bytes'] / 2**20:.1f} MiB, "
          f"grown by {rss / 1024:.0f} KiB")
    tap.ok(rss < 8 << 20, f"{name}: memory stands still", rss)


def test_pages(tap, server):
    status, kind, body = server.get("/healthz")
    tap.ok(status == 200 and json.loads(body) == {"status": "ok"} and "json" in kind,
           "/healthz says ok", body)
    status, kind, body = server.get("/versions")
    said = json.loads(body)
    tap.ok(status == 200 and re.match(r"\d+\.\d+", said.get("koban_version", "")) and
           re.fullmatch(r"\d+\.\d+\.\d+", said.get("engine_version_semver", "")),
           "/versions names koban and the language of its rules", body)
    tap.ok(server.get("/nothing")[0] == 404, "what is not there is 404")
    status, kind, body = server.get("/metrics")
    tap.ok(status == 200 and kind.startswith("text/plain; version=0.0.4"),
           "/metrics is Prometheus text", kind)
    names = re.findall(r"^([a-z_]+)(?:\{[^}]*\})? [-+0-9.e]+$", body, re.M)
    lines = [x for x in body.splitlines() if x and not x.startswith("#")]
    tap.ok(len(names) == len(lines), "every line is a sample",
           [x for x in lines if not re.match(r"^[a-z_]+(\{.*\})? [-+0-9.e]+$", x)])
    typed = set(re.findall(r"^# TYPE ([a-z_]+) (?:counter|gauge)$", body, re.M))
    tap.ok(typed >= set(names), "every metric has a type", set(names) - typed)


def test_contents(tap, server, watch, folder):
    path = os.path.join(folder, "hit")
    for _ in range(3):
        with open(path, "a", encoding="ascii"):
            pass
    watch.wait(lambda f: koban.field(f, "fd.name") == path, 5)
    m = settle(server)
    rule = 'rule="Marked file opened",priority="Informational"'
    parts = ("matched", "unmatched", "state")
    tap.ok(m["koban_events_total"] == sum(m[f"koban_events_{p}_total"] for p in parts),
           "read = matched + unmatched + state")
    drops = {k: v for k, v in m.items() if k.startswith("koban_drops_total")}
    causes = {re.search(r'cause="(\w+)"', k)[1] for k in drops}
    tap.ok(causes >= {"ring_full", "record_size", "undecodable"}, "losses are named by cause", causes)
    left = (m["koban_events_in_total"] - m["koban_events_total"] - m["koban_events_dull_total"] -
            sum(drops.values()))
    tap.ok(0 <= left < 2000, "what happened = read + lost, but for what waits", left)
    tap.ok(m[f"koban_rule_matches_total{{{rule}}}"] == 3, "matches of a rule", m)
    asking = rule.replace("Marked file opened", "Nobody opened")
    tap.ok(m[f"koban_rule_evaluations_total{{{asking}}}"] > EVENTS / 2, "how often a rule was looked at")
    tap.ok(m[f"koban_rule_cost_nanoseconds_total{{{asking}}}"] > 0, "what a rule costs")
    tap.ok(3 <= m[f"koban_rule_evaluations_total{{{rule}}}"] < EVENTS / 2,
           "a rule that looks at names is not asked of the same open for ever")
    tap.ok(0 <= m["koban_cpu_percent"] < 400, "CPU", m["koban_cpu_percent"])
    with open(f"/proc/{watch.process.pid}/statm", encoding="ascii") as f:
        rss = int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")
    tap.ok(abs(m["koban_memory_rss_bytes"] - rss) < 4 << 20, "memory is the kernel's number",
           f"{m['koban_memory_rss_bytes']} {rss}")
    tap.ok(m['koban_output_sent_total{output="stdout"}'] == m["koban_findings_total"] == 3,
           "findings, and what was sent")
    tap.ok(m['koban_output_queue_depth{output="stdout"}'] == 0 and "koban_ring_bytes_used" in m and
           m["koban_ring_bytes_size"] == 16 << 20, "depths of the queues")
    tap.ok(m["koban_processes"] > 5 and m["koban_uptime_seconds"] > 5, "processes and uptime")


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    loops = os.path.join(folder, "loops")
    if not koban.compile_c(os.path.join("..", "bench", "loops.c"), loops):
        print("1..0 # SKIP test/bench/loops.c does not build here")
        sys.exit(0)
    own = os.path.join(folder, "rules.yaml")
    with open(own, "w", encoding="utf-8") as f:
        f.write(RULES.format(folder=folder))
    port = free_port()
    # without the pushdown, so that the events come to user space in bulk
    options = ("-o", "webserver.enabled=true", "-o", f"webserver.listen_port={port}",
               "-o", "sensor.pushdown=false")
    server = Server(port)
    watch = koban.Koban([own], *options)
    test_allocations(tap, loops, server, "two rules")
    test_contents(tap, server, watch, folder)
    test_pages(tap, server)
    watch.stop()
    # with a store: findings with context, and every event is kept for a while
    peer = Peer(os.path.join(folder, "ingest.sock"))
    watch = koban.Koban([own], *options, "-o", "store_output.enabled=true",
                        "-o", f"store_output.address=unix:{peer.path}")
    test_allocations(tap, loops, server, "two rules and a store")
    tap.ok(not peer.bad, "every record is JSON", peer.bad[:3])
    watch.stop()
    peer.close()
    public = os.path.join(koban.PUBLIC_RULES, "falco_rules.yaml")
    if os.path.exists(public):
        watch = koban.Koban([public], *options)
        test_allocations(tap, loops, server, "the public rules")
        watch.stop()
    else:
        tap.skip("the public rules", "skipped: needs ../shared/corpora/falco-rules")
    tap.done()


if __name__ == "__main__":
    main()
