#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""
koban up as a whole: one process tree with as few rights as each part needs, a first login, a finding
that is in the store within seconds, parts that are started again, ends that leave nothing behind.
The sensor and the store are the real ones.
"""
import http.cookiejar
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban

RULES = """
- rule: Marked file opened
  desc: the test opens a file of its own
  condition: evt.type in (open, openat) and fd.name contains /koban-up-hit
  output: "opened %fd.name by %proc.name"
  priority: WARNING
  tags: [T1083]
- rule: Nothing
  desc: asks for all programs that are started, so that they come
  condition: evt.type = execve and proc.name = no-such-program
  output: "never"
  priority: DEBUG
"""
SECOND = """
- rule: Second file opened
  desc: written in the console
  condition: evt.type in (open, openat) and fd.name contains /koban-up-second
  output: "second %fd.name"
  priority: NOTICE
"""
PASSWORD = "a test of koban up 4711"
# of the supervisor: to end and to start parts as others
SUPERVISOR_CAPS = {5, 6, 7, 8}  # CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP
# of the sensor: DAC_OVERRIDE, DAC_READ_SEARCH, SYS_PTRACE, PERFMON, BPF
SENSOR_CAPS = {1, 2, 19, 38, 39}


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def caps(text):
    return {i for i in range(64) if int(text, 16) >> i & 1}


def niceness(pid):
    """Of each thread, the first one before all others."""
    tasks = sorted(os.listdir(f"/proc/{pid}/task"), key=lambda t: (t != str(pid), int(t)))
    return [os.getpriority(os.PRIO_PROCESS, int(t)) for t in tasks]


def children_of(pid):
    """verb -> pid of koban's children."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as f:
                args = f.read().split("\0")
        except OSError:
            continue
        if parent == pid and args[0].endswith("koban"):
            found[args[1]] = int(name)
    return found


def below(folder):
    """All processes that name this test's folder: what may not be left."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/cmdline", encoding="utf-8", errors="replace") as f:
                    if folder in f.read():
                        found.append(int(name))
            except OSError:
                pass
    return found


def until(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return condition()


class Up:
    """A running `koban up`; its messages are collected."""

    def __init__(self, rules, folder, *options, listen="127.0.0.1:0"):
        self.folder = folder
        self.stderr = ""
        self.stdout = ""
        args = [koban.BINARY, "up", "--data-dir", f"{folder}/data", "--run-dir", f"{folder}/run",
                "-r", rules, "-o", "webserver.enabled=false", "-o", "resolve_names=false", *options]
        if listen:
            args += ["--listen", listen]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, errors="replace")
        for name in ("stdout", "stderr"):
            threading.Thread(target=self._read, args=(name,), daemon=True).start()

    def _read(self, name):
        for line in getattr(self.process, name):
            setattr(self, name, getattr(self, name) + line)

    def wait_for(self, text, seconds=30, times=1):
        until(lambda: self.stderr.count(text) >= times or self.process.poll() is not None, seconds)
        return self.stderr.count(text) >= times

    def is_ready(self):
        return self.wait_for("console: http") and self.wait_for("watching:")

    def address(self):
        return re.findall(r"console: (http://\S+)", self.stderr)[-1]

    def children(self):
        return children_of(self.process.pid)

    def end(self, sig=signal.SIGTERM, seconds=30):
        self.process.send_signal(sig)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it did not end"


class Browser:
    def __init__(self, address):
        self.address = address.rstrip("/")
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def ask(self, path, body=None, method=None, csrf=""):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.address + path, data=data, method=method, headers={
            "Content-Type": "application/json", "X-CSRF-Token": csrf})
        try:
            with self.opener.open(request, timeout=10) as r:
                return json.loads(r.read() or b"null")
        except urllib.error.HTTPError as e:
            if e.code == 429:  # this test asks more often than people do
                time.sleep(0.5)
                return self.ask(path, body, method, csrf)
            return {"status": e.code, "body": e.read().decode(errors="replace")}

    def findings(self):
        return self.ask("/api/v1/findings?limit=200").get("items", [])

    def wait_finding(self, text, seconds=10):
        return until(lambda: next((f for f in self.findings() if text in f["output"]), None),
                     seconds)


def touch(folder, name):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii"):
        pass
    return path


# ---- tests ----------------------------------------------------------------------------------


def test_privileges(tap, up):
    own, children = status_of(up.process.pid), up.children()
    tap.ok(set(children) == {"watch", "serve"}, "two parts run below it", children)
    tap.ok(caps(own["CapEff"]) == caps(own["CapPrm"]) == SUPERVISOR_CAPS,
           "the supervisor may start and end parts, and nothing else", own["CapEff"])
    sensor, console = status_of(children["watch"]), status_of(children["serve"])
    tap.ok(caps(sensor["CapEff"]) <= SENSOR_CAPS and caps(sensor["CapPrm"]) <= SENSOR_CAPS,
           "the sensor keeps what it needs to watch", sensor["CapEff"])
    nice = niceness(children["watch"])
    first = max(os.getpriority(os.PRIO_PROCESS, 0) - 10, -20)
    tap.ok(nice[0] == first and len(nice) > 1 and set(nice[1:]) == {max(first, 0)},
           "its reader comes before others, its other threads do not", nice)
    uid = console["Uid"].split()[0]
    tap.ok(uid != "0" and set(console["Uid"].split()) == {uid} and
           "0" not in console["Gid"].split(), "the console is another user", console["Uid"])
    tap.ok(not any(caps(console[f"Cap{x}"]) for x in ("Inh", "Prm", "Eff", "Bnd", "Amb")),
           "without any capability, and none to be had", console["CapBnd"])
    tap.ok(console["NoNewPrivs"] == "1" and console["Seccomp"] == "2",
           "and confined to its system calls", (console["NoNewPrivs"], console["Seccomp"]))
    bound = os.path.join(up.folder, "data", "console")
    tap.ok(os.stat(bound).st_uid == int(uid) and os.stat(bound).st_mode & 0o777 == 0o700 and
           os.stat(os.path.join(up.folder, "run", "ingest.sock")).st_mode & 0o777 == 0o600,
           "its folder is its own, the socket is root's")
    fds = [os.readlink(f"/proc/{children['serve']}/fd/{x}")
           for x in os.listdir(f"/proc/{children['serve']}/fd")]
    tap.ok(not any("up.lock" in x for x in fds), "it holds nothing of the supervisor's", fds)


def first_login(tap, up):
    path = os.path.join(up.folder, "data", "console", "first-login")
    with open(path, encoding="ascii") as f:
        text = f.read()
    mode = os.stat(path).st_mode & 0o777
    tap.ok(mode == 0o600 and path in up.stderr, "the first login is in a file that one user reads",
           (oct(mode), up.stderr))
    token = text.split("token=")[1].strip()
    tap.ok(token not in up.stderr, "and not in the journal")
    browser = Browser(up.address())
    tap.ok(browser.ask("/api/v1/findings").get("status") == 401, "nobody else is let in")
    me = browser.ask("/api/v1/login", {"token": token})
    tap.ok(me.get("role") == "admin", "the token signs an administrator in", me)
    tap.ok("status" in Browser(up.address()).ask("/api/v1/login", {"token": token}),
           "once")
    said = browser.ask("/api/v1/me/password", {"password": PASSWORD}, "PUT",
                       me.get("csrf", ""))
    tap.ok("status" not in (said or {}), "who then sets a password", said)
    return browser


def test_finding(tap, up, browser, folder):
    path = os.path.join(folder, "koban-up-hit-1")
    touch(folder, "koban-up-hit-1")
    started = time.monotonic()
    subprocess.run(["sh", "-c", f"cat {path}; :"], start_new_session=True, check=False)
    f = browser.wait_finding(f"opened {path} by cat")
    took = time.monotonic() - started
    if not tap.ok(f is not None, "a finding is in the store", browser.findings()):
        return
    print(f"# after {took:.2f} s")
    whole = browser.ask(f"/api/v1/findings/{f['id']}")
    names = [p["name"] for p in whole.get("processes", [])]
    tap.ok(names[:2] == ["cat", "sh"] and whole["processes"][0]["cmdline"] == f"cat {path}",
           "with its processes", whole)
    events = until(lambda: (lambda x: x if len(x) > 2 else None)(
        browser.ask(f"/api/v1/findings/{f['id']}/events").get("items", [])), 5) or []
    tap.ok(any(e["text"].startswith("sh -c") for e in events), "and what happened around it", events)
    now = browser.ask("/api/v1/now")
    tap.ok(until(lambda: browser.ask("/api/v1/now")["sensor"].get("up"), 5), "the sensor is up there",
           now.get("sensor"))


def test_browser(tap, up, folder):
    """The page of a person who has it open: what happens on the machine comes up by itself."""
    web = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "web")
    if not os.path.isdir(f"{web}/node_modules/playwright-core") or not os.access("/usr/bin/chromium", os.X_OK):
        tap.skip("a finding in a browser", "skipped: needs Chromium, and what test/web/test_console.py installs")
        return
    pictures = os.path.join(os.path.dirname(koban.BINARY), "../../test-web")
    os.makedirs(pictures, exist_ok=True)
    path = touch(folder, "koban-up-hit-browser")
    page = subprocess.Popen(["node", f"{web}/live.mjs", up.address(), PASSWORD, f"opened {path} by cat",
                             f"{pictures}/up.png"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ready = page.stdout.readline().strip()
    done = time.time()
    subprocess.run(["sh", "-c", f"cat {path}; :"], start_new_session=True, check=False)
    shown, err = page.communicate(timeout=60)
    if tap.ok(ready == "ready" and shown.strip().isdigit(), "a finding comes up in an open browser", err):
        print(f"# after {int(shown) / 1000 - done:.2f} s")


def test_container(tap, up, browser, folder):
    if not koban.have("podman") or not os.path.exists("/bin/busybox"):
        tap.skip("a container", "skipped: needs podman and busybox-static")
        return
    root = os.path.join(folder, "rootfs")
    koban.make_rootfs(root)
    podman = koban.Podman(root, f"up{os.getpid()}")
    name = f"koban-up-{os.getpid()}"
    podman.run(name, ["sh", "-c", ": > /koban-up-hit-2; cat /koban-up-hit-2; sleep 3"])
    f = browser.wait_finding("opened /koban-up-hit-2 by cat")
    tap.ok(f and f["container"] and f["container"]["name"] == name and
           podman.image in f["container"]["image"], "a finding in a container says which", f)
    koban.run(["podman", "rmi", "-f", podman.image])


def test_restarts(tap, up, browser, folder):
    """What is found while the console is down is there afterwards."""
    before = up.children()
    os.kill(before["serve"], signal.SIGKILL)
    touch(folder, "koban-up-hit-down")
    tap.ok(up.wait_for("the console was ended by signal 9 (Killed); it starts again"),
           "a part that was killed is missed", up.stderr)
    tap.ok(up.wait_for("the console runs again"), "and started again", up.stderr)
    f = browser.wait_finding("koban-up-hit-down", 20)
    tap.ok(f is not None, "what was found meanwhile is in the store; the session still holds",
           up.stderr[-500:])
    os.kill(before["watch"], signal.SIGKILL)
    tap.ok(up.wait_for("the sensor runs again") and up.wait_for("watching:", times=2),
           "so is the sensor", up.stderr)
    touch(folder, "koban-up-hit-again")
    tap.ok(browser.wait_finding("koban-up-hit-again") is not None, "and watches")
    now = up.children()
    tap.ok(now["serve"] != before["serve"] and now["watch"] != before["watch"] and
           not [p for p in before.values() if os.path.exists(f"/proc/{p}")],
           "no zombie is left", (before, now))


def test_store_is_killed(tap, up, browser, folder):
    """Over and over, while findings come: all of them are there, once."""
    n, stop = [0], threading.Event()

    def find():
        while not stop.is_set():
            touch(folder, f"koban-up-hit-n{n[0]}.")
            n[0] += 1
            time.sleep(0.01)

    finder = threading.Thread(target=find)
    finder.start()
    for _ in range(4):
        pid = until(lambda: up.children().get("serve"))
        time.sleep(1.2)
        os.kill(pid, signal.SIGKILL)
        until(lambda: up.children().get("serve") not in (None, pid))
    stop.set()
    finder.join()
    want = {f"koban-up-hit-n{i}." for i in range(n[0])}

    def stored():
        got, cursor = [], ""
        while True:
            page = browser.ask(f"/api/v1/findings?limit=100{cursor}")
            got += re.findall(r"koban-up-hit-n\d+\.", " ".join(
                f["output"] for f in page.get("items", [])))
            if not page.get("next"):
                return got
            cursor = "&cursor=" + page["next"]

    got, end = [], time.monotonic() + 40
    while not want <= set(got) and time.monotonic() < end:
        time.sleep(1)
        got = stored()
    tap.ok(want <= set(got), f"a store that is killed four times has all {n[0]} findings",
           sorted(want - set(got))[:10])
    tap.ok(len(got) == len(set(got)), "each once", len(got) - len(set(got)))


def test_rules_of_console(tap, up, browser, folder):
    rules = os.path.join(folder, "data", "console", "rules")
    owner = os.stat(rules)
    path = os.path.join(rules, "mine.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(SECOND)
    os.chown(path, owner.st_uid, owner.st_gid)
    tap.ok(up.wait_for("reload: 3 rules are on"), "a rule of the console reaches the sensor", up.stderr)
    touch(folder, "koban-up-second")
    tap.ok(browser.wait_finding("second ") is not None, "and finds")


def test_end(tap, up):
    tap.ok(up.end() == 0, "SIGTERM ends it with 0", up.stderr)
    tap.ok(" findings" in up.stderr and "not accounted" not in up.stderr, "the sums are right",
           up.stderr[-2000:])
    tap.ok(until(lambda: not below(up.folder)), "no process is left", below(up.folder))
    tap.ok(not os.path.exists(f"{up.folder}/run/ingest.sock"), "and no socket")


def test_killed(tap, rules, folder):
    up = Up(rules, folder)
    up.is_ready()
    second = Up(rules, folder)
    code = second.process.wait(30)
    tap.ok(code == 2 and "another koban up runs here" in second.stderr,
           "two in the same place are one too many", second.stderr)
    up.process.kill()
    up.process.wait()
    tap.ok(until(lambda: not below(folder), 20), "no part outlives a supervisor that is killed",
           below(folder))
    up = Up(rules, folder)
    tap.ok(up.is_ready(), "and the next one starts as ever", up.stderr)
    up.process.send_signal(signal.SIGINT)
    tap.ok(up.process.wait(30) == 0, "SIGINT ends it with 0", up.stderr)


def test_errors(tap, rules, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = Up(rules, f"{folder}/e", listen=f"127.0.0.1:{port}")
        tap.ok(up.process.wait(30) == 2 and f"cannot listen on 127.0.0.1:{port}" in up.stderr and
               "--listen" in up.stderr, "a port that is taken is said", up.stderr)
    with socket.socket() as usual:
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            usual.bind(("127.0.0.1", 8766))
            usual.listen()
        except OSError:
            pass  # somebody else has it: as good
        up = Up(rules, f"{folder}/e", "-M", "3", listen=None)
        tap.ok(up.wait_for("port 8766 is taken; the console listens on 87"),
               "the usual port may be another's: then it is the next", up.stderr)
        tap.ok(up.process.wait(40) == 0, "it ends by itself after so many seconds", up.stderr)
    broken = os.path.join(folder, "broken.yaml")
    with open(broken, "w", encoding="ascii") as f:
        f.write("- rule: x\n  condition: proc.nmae = y\n")
    up = Up(broken, f"{folder}/e")
    tap.ok(up.process.wait(40) == 2 and "broken.yaml" in up.stderr and
           "starts again" not in up.stderr, "rules that are wrong are said once", up.stderr)
    up = Up(rules, f"{folder}/e", listen="0.0.0.0:0")
    tap.ok(up.process.wait(40) == 2 and "--tls-cert" in up.stderr, "beyond loopback it asks for TLS",
           up.stderr)
    tap.ok(until(lambda: not below(f"{folder}/e")), "and nothing is left of any of them")


def test_terminal(tap, rules, folder):
    """On a terminal: the panel, everybody's messages above it, and the token."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(koban.BINARY, [koban.BINARY, "up", "--data-dir", f"{folder}/t", "--run-dir",
                                f"{folder}/tr", "-r", rules, "--listen", "127.0.0.1:0", "-o",
                                "webserver.enabled=false", "-o", "resolve_names=false"])
    text = ""

    def read():
        nonlocal text
        while select.select([fd], [], [], 0.1)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                return
            text += data.decode(errors="replace")

    def shows(*wanted):
        read()
        return all(w in text for w in wanted)

    tap.ok(until(lambda: shows("watches", "found", "costs", "watching:"), 30), "the panel is drawn", text)
    tap.ok(until(lambda: shows("login#token=", "console: http://127.0.0.1:"), 15),
           "the first login is on the terminal", text)
    touch(folder, "koban-up-hit-3")
    tap.ok(until(lambda: shows("koban-up-hit-3 by"), 10), "findings go by", text[-2000:])
    serve = children_of(pid).get("serve")
    os.kill(serve, signal.SIGKILL)
    tap.ok(until(lambda: shows("the console was ended by signal 9", "the console runs again"), 15),
           "so do messages", text[-2000:])
    os.write(fd, b"\x03")
    ended = until(lambda: (read(), os.waitpid(pid, os.WNOHANG))[1] if True else None, 1)
    end = time.monotonic() + 30
    while ended[0] == 0 and time.monotonic() < end:
        read()
        time.sleep(0.1)
        ended = os.waitpid(pid, os.WNOHANG)
    read()
    tap.ok(ended[0] == pid and os.WIFEXITED(ended[1]) and os.WEXITSTATUS(ended[1]) == 0,
           "Ctrl-C ends it", (ended, text[-500:]))
    tap.ok(until(lambda: not below(f"{folder}/t")), "and all parts", below(f"{folder}/t"))
    os.close(fd)


def test_no_console(tap, rules, folder):
    p = subprocess.Popen([koban.BINARY, "up", "--no-console", "-r", rules, "-M", "4", "-o",
                          "webserver.enabled=false", "-o", "resolve_names=false"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2.5)
    alone = not children_of(p.pid)
    touch(folder, "koban-up-hit-4")
    out, err = p.communicate(timeout=40)
    tap.ok(alone and p.returncode == 0 and "koban-up-hit-4" in out and "watching:" in err,
           "--no-console is the sensor alone, as lines", (alone, p.returncode, out, err))


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    rules = os.path.join(folder, "rules.yaml")
    with open(rules, "w", encoding="utf-8") as f:
        f.write(RULES)
    up = Up(rules, folder)
    if not tap.ok(up.is_ready(), "it starts", up.stderr):
        up.end()
        tap.done()
    browser = first_login(tap, up)
    test_privileges(tap, up)
    test_finding(tap, up, browser, folder)
    test_browser(tap, up, folder)
    test_container(tap, up, browser, folder)
    test_restarts(tap, up, browser, folder)
    test_store_is_killed(tap, up, browser, folder)
    test_rules_of_console(tap, up, browser, folder)
    test_end(tap, up)
    test_killed(tap, rules, folder)
    test_errors(tap, rules, folder)
    test_terminal(tap, rules, folder)
    test_no_console(tap, rules, folder)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
