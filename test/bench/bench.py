#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What koban costs, as ratios within one run: every load runs without a sensor, with koban, and with
each other sensor that --against names, one after the other and again and again, so that a machine
that warms up or slows down does so for all of them. The least time of the repeats counts. It prints
a table and judges nothing.

  KOBAN_BUILD  the build folder (a release build says most)     RULES  default: data/rules

Another sensor is a command that prints a line an alert on stdout. "{rules}" in it becomes the file
or folder of the rules: RULES, or for the time to the first alert a file with one rule of its own.
Its CPU and memory are read from /proc; what it has lost only it knows: --against-metrics says which
two counters of a Prometheus endpoint tell.

  bench.py --against 'peer --rules {rules} --json' \\
      --against-metrics 'http://127.0.0.1:8765/metrics peer_events_total peer_drops_total'

Needs root. Add nothing else to the machine while it runs.
"""
import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PORT = int(os.environ.get("PORT", "18765"))
TICK = os.sysconf("SC_CLK_TCK")
LOADS = ["getppid", "stat", "read_write", "open_close", "connect_accept_close", "fork_exec",
         "forks", "tar", "mixed", "storm2", "storm4"]


def say(text):
    print(text, file=sys.stderr, flush=True)


# ---- the sensors ---------------------------------------------------------------------------------


class Bare:
    """No sensor."""
    name = "bare"
    settle_s = 0

    def start(self):
        pass

    def stop(self):
        pass

    def sample(self):
        return {}


class Metrics:
    """Two counters of a Prometheus endpoint: events, and what was lost of them."""

    def __init__(self, url, events, drops):
        self.url, self.events, self.drops = url, events, drops

    def read(self):
        """Each summed over its labels."""
        with urllib.request.urlopen(self.url, timeout=5) as answer:
            text = answer.read().decode()
        sums = {}
        for m in re.finditer(r"^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)", text, re.M):
            sums[m[1]] = sums.get(m[1], 0.0) + float(m[2])
        return {"events": sums.get(self.events, 0.0), "drops": sums.get(self.drops, 0.0)}


class Sensor:
    """A process that watches: what it costs is read from /proc, what it lost from its metrics."""

    def __init__(self, name, command, rules, metrics=None):
        self.name, self.command, self.rules, self.metrics = name, command, rules, metrics
        # its work may end a little after the load; metrics are brought up to date once a second
        self.settle_s = 1.2 if metrics else 0.2
        self.process = None
        self.alerts = 0
        self.log = None

    def start(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command_with(self.rules), stdout=subprocess.PIPE,
                                        stderr=self.log, stdin=subprocess.DEVNULL,
                                        start_new_session=True)
        threading.Thread(target=self.count_alerts, daemon=True).start()
        self.wait_until_ready()

    def command_with(self, rules):
        return [word.replace("{rules}", str(rules)) for word in self.command]

    def count_alerts(self):
        for _ in self.process.stdout:
            self.alerts += 1

    def wait_until_ready(self):
        if not self.metrics:
            time.sleep(4)
            self.check_alive()
            return
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            self.check_alive()
            try:
                if self.metrics.read()["events"] > 0:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.stop()
        sys.exit(f"bench: {self.name}'s metrics endpoint counted no event within 20 s")

    def check_alive(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            tail = self.log.read().decode("utf-8", "replace")[-3000:]
            sys.exit(f"bench: {self.name} ended with {self.process.returncode}:\n{tail}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def sample(self):
        self.check_alive()
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return {"cpu_s": (int(stat[11]) + int(stat[12])) / TICK, "alerts": self.alerts,
                "rss_kb": int(re.search(r"VmRSS:\s*(\d+)", status)[1]),
                **(self.metrics.read() if self.metrics else {})}


def make_koban(build, rules):
    return Sensor("koban", [
        str(build / "src/cmd/koban"), "watch", "-r", "{rules}", "--json",
        "-o", "stdout_output.enabled=true", "-o", "webserver.enabled=true",
        "-o", "webserver.listen_address=127.0.0.1", "-o", f"webserver.listen_port={PORT}"], rules,
        Metrics(f"http://127.0.0.1:{PORT}/metrics", "koban_events_total", "koban_drops_total"))


def make_others(against, metrics, rules):
    """One for each --against, with the --against-metrics of the same place."""
    others = []
    for i, text in enumerate(against):
        command = shlex.split(text)
        words = metrics[i].split() if i < len(metrics) else []
        if not command or len(words) not in (0, 3):
            sys.exit("bench: --against wants a command, --against-metrics 'URL EVENTS DROPS'")
        others.append(Sensor(Path(command[0]).name, command, rules,
                             Metrics(*words) if words else None))
    return others


# ---- the loads -----------------------------------------------------------------------------------


def run_load(load, loops, scale):
    """Nanoseconds of one call, one pair or the whole script."""
    if load in ("tar", "mixed"):
        started = time.monotonic_ns()
        subprocess.run([ROOT / "test/bench/mixed.sh", load], check=True, stdin=subprocess.DEVNULL)
        return float(time.monotonic_ns() - started)
    if load.startswith("storm"):
        cmd = [loops, "storm", load[len("storm"):], str(max(1, round(3 * scale)))]
    else:
        counts = {"getppid": 400000, "stat": 200000, "read_write": 200000, "open_close": 100000,
                  "connect_accept_close": 10000, "fork_exec": 300, "forks": 1500}
        cmd = [loops, load, str(max(1, int(counts[load] * scale))), "2"]
    return float(subprocess.check_output(cmd, text=True).split()[1])


class Figures:
    """Of one load under one sensor, over all repeats."""

    def __init__(self):
        self.ns = []
        self.cpu_s = self.wall_s = self.events = self.drops = self.alerts = 0.0
        self.rss_kb = 0
        self.counts = False  # does the sensor tell its events?

    def add(self, ns, wall_s, before, after):
        self.ns.append(ns)
        self.wall_s += wall_s
        self.counts = "events" in after
        self.rss_kb = max(self.rss_kb, after.get("rss_kb", 0))
        for key in ("cpu_s", "events", "drops", "alerts"):
            setattr(self, key, getattr(self, key) + after.get(key, 0) - before.get(key, 0))


def measure(sensors, loads, repeats, loops, scale):
    figures = {(s.name, load): Figures() for s in sensors for load in loads}
    for r in range(repeats):
        # the order turns with each repeat, so that no sensor always comes first
        turn = r % len(sensors)
        for s in sensors[turn:] + sensors[:turn]:
            say(f"repeat {r + 1}/{repeats}: {s.name}")
            s.start()
            try:
                for load in loads:
                    before, started = s.sample(), time.monotonic()
                    ns = run_load(load, loops, scale)
                    wall_s = time.monotonic() - started
                    time.sleep(s.settle_s)
                    figures[s.name, load].add(ns, wall_s, before, s.sample())
            finally:
                s.stop()
    return figures


def measure_idle(sensor, seconds):
    sensor.start()
    try:
        before, started = sensor.sample(), time.monotonic()
        time.sleep(seconds)
        after, took = sensor.sample(), time.monotonic() - started
    finally:
        sensor.stop()
    return {"cpu_percent": 100 * (after["cpu_s"] - before["cpu_s"]) / took,
            "rss_mb": after["rss_kb"] / 1024,
            "events_per_s": (after.get("events", 0) - before.get("events", 0)) / took}


def first_alert_ms(sensor, work):
    """From the start of the program to the line of its first alert."""
    trigger = work / "trigger"
    trigger.write_text("x")
    rules = work / "first.yaml"
    rules.write_text("- rule: first alert\n  desc: the benchmark opens its file\n"
                     "  condition: evt.type in (open, openat, openat2) and "
                     f"fd.name = {trigger}\n"
                     "  output: first %fd.name\n  priority: INFO\n")
    started = time.monotonic()
    process = subprocess.Popen(sensor.command_with(rules), stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    done = threading.Event()

    def pull():
        while not done.wait(0.002):
            trigger.read_text()

    threading.Thread(target=pull, daemon=True).start()
    watchdog = threading.Timer(20, process.kill)
    watchdog.start()
    # what else it says there is no alert
    line = next((line for line in process.stdout if b"first alert" in line), b"")
    took_ms = (time.monotonic() - started) * 1000
    done.set()
    watchdog.cancel()
    process.terminate()
    process.stdout.close()
    process.wait()
    return took_ms if line else None


def least(values):
    return min((v for v in values if v is not None), default=None)


# ---- the report ----------------------------------------------------------------------------------


def ns_text(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(ns) >= size:
            return f"{ns / size:.2f} {unit}"
    return f"{ns:.0f} ns"


def row_of(name, load, bare, f):
    ns, base = min(f.ns), min(bare.ns)
    seen = f.events + f.drops
    return {"load": load, "sensor": name, "bare_ns": base, "with_ns": ns, "ratio": ns / base,
            "added_ns": ns - base, "cpu_percent": 100 * f.cpu_s / f.wall_s,
            "rss_mb": f.rss_kb / 1024, "events_per_s": f.events / f.wall_s if f.counts else None,
            "lost_percent": 100 * f.drops / max(seen, 1) if f.counts else None, "alerts": f.alerts}


def print_table(rows):
    print(f"{'load':21} {'sensor':7} {'bare':>9} {'with':>9} {'ratio':>6} {'added':>9} "
          f"{'CPU':>6} {'RSS':>7} {'events/s':>9} {'lost':>7} {'alerts':>7}")
    for r in rows:
        events = "-" if r["events_per_s"] is None else f"{r['events_per_s']:.0f}"
        lost = "-" if r["lost_percent"] is None else f"{r['lost_percent']:.2f} %"
        print(f"{r['load']:21} {r['sensor']:7} {ns_text(r['bare_ns']):>9} "
              f"{ns_text(r['with_ns']):>9} {r['ratio']:6.2f} {ns_text(r['added_ns']):>9} "
              f"{r['cpu_percent']:4.1f} % {r['rss_mb']:4.0f} MB {events:>9} {lost:>7} "
              f"{r['alerts']:7.0f}")


def arguments():
    a = argparse.ArgumentParser(description="what koban costs, against a bare machine")
    a.add_argument("--repeats", type=int, default=5)
    a.add_argument("--scale", type=float, default=1.0, help="of the loops' counts and times")
    a.add_argument("--only", metavar="PATTERN", default="", help="only loads that match")
    a.add_argument("--against", metavar="COMMAND", action="append", default=[],
                   help="another sensor to run beside, in turn; may be given again")
    a.add_argument("--against-metrics", metavar="'URL EVENTS DROPS'", action="append", default=[],
                   help="where it counts events and losses, and under which names")
    a.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    return a.parse_args()


def main():
    args = arguments()
    if os.geteuid() != 0:
        sys.exit("bench: needs root, as koban does")
    build = Path(os.environ.get("KOBAN_BUILD", "build-release"))
    build = build if build.is_absolute() else ROOT / build
    rules = Path(os.environ.get("RULES", ROOT / "data/rules"))
    loads = [load for load in LOADS if re.search(args.only, load)]
    sensors = [Bare(), make_koban(build, rules),
               *make_others(args.against, args.against_metrics, rules)]
    with tempfile.TemporaryDirectory() as d:
        work = Path(d)
        loops = work / "loops"
        subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE=", "-O2", "-o", loops,
                        ROOT / "test/bench/loops.c"], check=True)
        say("start to first alert")
        first = {s.name: least(first_alert_ms(s, work) for _ in range(3)) for s in sensors[1:]}
        say("idle")
        idle = {s.name: measure_idle(s, 10 * args.scale) for s in sensors[1:]}
        figures = measure(sensors, loads, args.repeats, loops, args.scale)
    rows = [row_of(s.name, load, figures["bare", load], figures[s.name, load])
            for load in loads for s in sensors[1:]]
    if args.json:
        print(json.dumps({"kernel": os.uname().release, "cpus": os.cpu_count(),
                          "repeats": args.repeats, "first_alert_ms": first, "idle": idle,
                          "rows": rows}))
        return
    print(f"kernel {os.uname().release}, {os.cpu_count()} CPUs, {args.repeats} repeats, "
          f"least of them; rules: {rules}")
    for name, ms in first.items():
        print(f"start to first alert, {name}: " + (f"{ms:.0f} ms" if ms else "no alert came"))
    for name, f in idle.items():
        print(f"idle, {name}: {f['cpu_percent']:.1f} % CPU, {f['rss_mb']:.0f} MB resident")
    print_table(rows)


if __name__ == "__main__":
    main()
