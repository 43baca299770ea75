# SPDX-License-Identifier: Apache-2.0
"""What the tests of the console share: a running `koban serve`, clients, senders of records.
# not-a-test: what the tests of the console share

The server is the real one with a real database, in a folder of its own, on a port of its own.
"""
import atexit
import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from koban import BINARY, OWN_RULES, Tap  # noqa: F401 (Tap is for those who import this)

PASSWORD = "a long enough passphrase"
CHUNK = 65536


class Server:
    """A running console; `extra` are more arguments."""

    def __init__(self, *extra, data=None, listen="127.0.0.1:0", rules=OWN_RULES, wait=True):
        self.dir = data or tempfile.mkdtemp(prefix="koban-console-")
        os.chmod(self.dir, 0o755)  # when root runs the test, another user has to get in
        self.data = os.path.join(self.dir, "console")
        self.log = open(os.path.join(self.dir, "log"), "ab")
        args = [BINARY, "serve", "-d", self.data, "-l", listen, "-r", rules, "--json",
                "--captures", os.path.join(self.dir, "captures"), *extra]
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=self.log)
        atexit.register(self.stop)
        if not data:
            atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        if wait:
            self.ready()

    def ready(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError(f"koban serve did not start: {self.messages()}")
        said = json.loads(line)
        self.address, self.token = said["address"], said["token"]
        self.tls = self.address.startswith("https")
        self.port = int(self.address.rsplit(":", 1)[1].strip("/"))
        self.ingest = os.path.join(self.data, "ingest.sock")

    def messages(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self, sig=15):
        if self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        return self.process.returncode

    def is_alive(self):
        return self.process.poll() is None

    def admin(self):
        """Signs in with the one-time token and sets a password; once a server."""
        c = Client(self)
        r = c.post("/api/v1/login", {"token": self.token})
        assert r.status == 200, r.text
        c.csrf = r.json["csrf"]
        r = c.put("/api/v1/me/password", {"password": PASSWORD})
        assert r.status == 200, r.text
        return c

    def user(self, admin, name, role, password=None):
        """A user who has set a password already."""
        first = "an initial passphrase"
        r = admin.post("/api/v1/users", {"name": name, "role": role, "password": first})
        assert r.status == 200, r.text
        c = Client(self)
        assert c.login(name, first).status == 200
        r = c.put("/api/v1/me/password", {"password": password or PASSWORD, "current_password": first})
        assert r.status == 200, r.text
        return c


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.text)


class Client:
    """A browser's manners: one cookie, the CSRF token with every change."""

    def __init__(self, server, token=None, source=None):
        self.server, self.token, self.source = server, token, source
        self.cookie = self.csrf = None

    def connect(self, timeout=30):
        source = (self.source, 0) if self.source else None
        if self.server.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=timeout,
                                               context=context, source_address=source)
        return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout,
                                          source_address=source)

    def headers(self, method, more):
        h = {}
        if self.token:
            h["Authorization"] = f"Bearer {self.token}"
        if self.cookie:
            h["Cookie"] = self.cookie
        if method not in ("GET", "HEAD") and self.csrf:
            h["X-CSRF-Token"] = self.csrf
        h.update(more or {})
        return h

    def ask(self, method, path, body=None, headers=None, raw=None, timeout=30):
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        h = self.headers(method, headers)
        if body is not None:
            h.setdefault("Content-Type", "application/json")
        c = self.connect(timeout)
        try:
            c.request(method, path, body=data, headers=h)
            r = c.getresponse()
            # a stream has no end: its head is enough
            stream = r.getheader("Content-Type", "").startswith("text/event-stream")
            a = Answer(r.status, r.headers, b"" if stream else r.read())
        finally:
            c.close()
        for value in a.headers.get_all("Set-Cookie") or []:
            self.cookie = value.split(";")[0]
        return a

    def get(self, path, **kw):
        return self.ask("GET", path, **kw)

    def post(self, path, body=None, **kw):
        return self.ask("POST", path, {} if body is None else body, **kw)

    def put(self, path, body=None, **kw):
        return self.ask("PUT", path, {} if body is None else body, **kw)

    def delete(self, path, **kw):
        return self.ask("DELETE", path, **kw)

    def login(self, user, password=PASSWORD):
        r = self.post("/api/v1/login", {"user": user, "password": password})
        if r.status == 200:
            self.csrf = r.json["csrf"]
        return r


class Stream:
    """The live stream: events as (event, id, data)."""

    def __init__(self, client, last_id=None, timeout=20):
        headers = client.headers("GET", {"Last-Event-ID": last_id} if last_id else {})
        self.connection = client.connect(timeout)
        self.connection.request("GET", "/api/v1/stream", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def next(self, wanted=None):
        """The next event (of this name); None at the end."""
        event = eid = data = None
        while True:
            line = self.answer.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                event = line[7:]
            elif line.startswith("id: "):
                eid = line[4:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and event:
                if wanted in (None, event):
                    return event, eid, json.loads(data)
                event = eid = data = None

    def close(self):
        self.connection.close()


class Sender:
    """Speaks to the ingest socket as a sensor does."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(server.ingest)
        self.socket.settimeout(30)
        self.file = self.socket.makefile("rb")
        self.sent = 0

    def send(self, *records):
        lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
        self.socket.sendall(b"".join(line + b"\n" for line in lines))
        self.sent += len(lines)

    def answers(self):
        """Until everything sent is answered: the lines that were refused, with their reasons."""
        refused, done = {}, 0
        while done < self.sent:
            word, number, *reason = self.file.readline().decode().split(" ", 2)
            done = int(number)
            if word == "no":
                refused[done] = reason[0].strip()
        return refused

    def close(self):
        self.socket.close()


def finding(n, **more):
    """A record as the sensor makes it; harmless, and different for each n."""
    start = int(time.time() * 1e9) - 10_000_000_000
    processes = [
        {"pid": 4000 + n, "start_ns": start, "started_ns": start, "name": "cat", "exe": "/bin/cat",
         "cmdline": "cat /etc/shadow", "cwd": "/", "user": "root", "uid": 0, "loginuid": 1000,
         "tty": 34816, "vpid": 7, "flags": ["upper_layer"]},
        {"pid": 3000, "start_ns": 1, "started_ns": start, "name": "bash", "exe": "/bin/bash",
         "cmdline": "bash", "cwd": "/", "user": "root", "uid": 0}]
    record = {
        "v": 1, "type": "finding", "id": f"{n:032x}", "time_ns": start + n * 1000,
        "rule": "Terminal shell in container" if n % 3 else "Escape to host",
        "priority": ["Critical", "Warning", "Notice"][n % 3], "source": "syscall",
        "output": f"something was read (n={n} file=/etc/shadow)", "hostname": "node-1",
        "tags": ["container", "mitre_execution", "T1059.004" if n % 3 else "T1611"],
        "fingerprint": f"{n % 5:016x}", "count": 1, "fields": {"fd.name": "/etc/shadow", "proc.pid": n},
        "event": {"type": "openat", "args": "name=/etc/shadow", "res": 3, "cpu": 0},
        "file": {"asked": "/etc/shadow", "real": "/etc/shadow", "known": ""},
        "connection": {"proto": "tcp", "local": "10.0.0.5:40000", "remote": "203.0.113.7:443",
                       "role": "client", "domain": "ipv4"},
        "processes": processes,
        "container": {"id": "0123456789ab", "full_id": "0123456789ab" + "c" * 52, "name": "shop",
                      "image": "docker.io/library/shop:1", "digest": "sha256:" + "d" * 64,
                      "engine": "docker", "privileged": True, "pod": "shop-1", "namespace": "web",
                      "pod_uid": "u", "mounts": [{"source": "/", "dest": "/host", "rw": True}],
                      "host_network": False, "host_pid": False}}
    record.update(more)
    return record


def around(n, count=5):
    now = int(time.time() * 1e9)
    return {"v": 1, "type": "around", "finding": f"{n:032x}",
            "events": [{"time_ns": now + i, "pid": 4000 + n, "process": "cat", "type": "read",
                        "text": f"fd=3 n={i}"} for i in range(count)]}


def inventory():
    box = dict(finding(1)["container"])
    box.update({"started_ns": int(time.time() * 1e9) - 60_000_000_000, "nprocesses": 3, "cpu_ns": 5_000_000,
                "rss_bytes": 1 << 20, "connections": [
                    {"proto": "tcp", "local": "10.0.0.5:40000", "remote": "203.0.113.7:443",
                     "role": "client", "state": "established", "process": "cat", "pid": 4001}]})
    return {"v": 1, "type": "inventory", "time_ns": int(time.time() * 1e9), "hostname": "node-1",
            "boot_id": "b", "kernel": "6.1.0", "os": "Debian 12", "containers": [box],
            "host": {"nprocesses": 100, "listening": [], "connections": []}}


def metrics(**values):
    v = {"events_total": 1000, "events_per_s": 50.5, "cpu_percent": 0.7, "rss_bytes": 30 << 20,
         "findings_total": 3, "drops": {"ring": 2}, "dull_total": 5, "processes": 100, "containers": 1}
    v.update(values)
    return {"v": 1, "type": "metrics", "time_ns": int(time.time() * 1e9), "hostname": "node-1",
            "values": v}


def fill(server, n=30):
    """Some of everything in the store."""
    s = Sender(server)
    s.send(inventory(), metrics(), *[finding(i) for i in range(n)], around(1), around(2))
    refused = s.answers()
    s.close()
    return refused


def self_signed(folder, name="console"):
    """(certificate, key) as files, by openssl(1)."""
    cert, key = (os.path.join(folder, f"{name}.{ext}") for ext in ("crt", "key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}"],
                   check=True, capture_output=True)
    return cert, key


def random_token():
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
