#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# beside: others
"""
What somebody can try against the console, at a running server: getting in without a right, making a
browser do it, leaving the folder, speaking SQL, pretending names, being slow, being large, being
many. Each has to be refused or bounded, and the server has to answer others all the while.
"""
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

from console import (BINARY, PASSWORD, Client, Sender, Server, Stream, Tap, fill, finding,
                     random_token, self_signed)

T = Tap()
IDLE_CLIENTS = 1000


class Raw:
    """A socket on which one can say anything."""

    def __init__(self, server, source=None, timeout=40):
        self.s = socket.socket()
        if source:
            self.s.bind((source, 0))
        self.s.settimeout(timeout)
        self.s.connect(("127.0.0.1", server.port))

    def send(self, data):
        self.s.sendall(data if isinstance(data, bytes) else data.encode())

    def status(self):
        """The status of one answer, or None when the connection ends."""
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                part = self.s.recv(65536)
                if not part:
                    break
                data += part
        except OSError:
            pass
        m = re.match(rb"HTTP/1\.[01] (\d+)", data)
        return int(m[1]) if m else None

    def is_closed(self):
        """Whether the other side ends it."""
        try:
            while self.s.recv(65536):
                pass
            return True
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self):
        self.s.close()


def ask(server, text, source=None):
    r = Raw(server, source)
    try:
        r.send(text)
        return r.status()
    except OSError:
        return None
    finally:
        r.close()


def get(server, path, *headers, method="GET"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close", *headers]
    return ask(server, "\r\n".join(lines) + "\r\n\r\n")


# ---- getting in ------------------------------------------------------------------------------------

def check_paths(server):
    """Other spellings of a path lead to the same guard, or nowhere."""
    wrong = []
    for path in ("//api/v1/me", "/api/v1/me/", "/api/v1//me", "/API/v1/me", "/api/v1/%6de", "/api/v1/me%00",
                 "/api/v1/me;a=b", "/api/v1/./me", "/api/v1/x/../me", "/api/v1/%2e%2e/v1/me",
                 "/api%2fv1%2fme", "/api/v1/me%2f", "/api/v1/me?x=/healthz", "/healthz/../api/v1/me",
                 "/api/v1/me%20", "/api/v1/me#/healthz", "http://127.0.0.1/api/v1/me", "\\api\\v1\\me",
                 "/assets/../api/v1/me", "/api/v1/login/../me", "/api/v1/me.json", "/api/v1/me/healthz"):
        r = Raw(server)
        r.send(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        data = b""
        try:
            while part := r.s.recv(65536):
                data += part
        except OSError:
            pass
        r.close()
        if b'"user"' in data or b'"csrf"' in data or data.startswith(b"HTTP/1.1 5"):
            wrong.append(f"{path}: {data[:100]}")
    T.ok(not wrong, "spellings of a path open no door", "\n".join(wrong))


def check_credentials(server, admin, token):
    session = admin.cookie.split("=")[1]
    name = admin.cookie.split("=")[0]
    tries = {
        "a token as a cookie": [f"Cookie: {name}={token}"],
        "a session as a token": [f"Authorization: Bearer {session}"],
        "the one-time token as a token": [f"Authorization: Bearer {server.token}"],
        "the CSRF token as a cookie": [f"Cookie: {name}={admin.csrf}"],
        "a made-up session": [f"Cookie: {name}={random_token()}"],
        "two sessions": [f"Cookie: {name}={random_token()}; {name}={session}"],
        "an empty session": [f"Cookie: {name}="],
        "an empty token": ["Authorization: Bearer "],
        "basic authentication": ["Authorization: Basic YWRtaW46YWRtaW4="],
        "another cookie's name": [f"Cookie: {name}x={session}"],
        "another case": [f"Cookie: {name}={session.swapcase()}"],
        "a session with something behind": [f"Cookie: {name}={session}x"],
        "a wildcard": [f"Cookie: {name}=%"],
        "SQL as a session": [f"Cookie: {name}=' OR '1'='1"],
        "trusted headers": ["X-Forwarded-User: admin", "X-Remote-User: admin", "X-Forwarded-For: 127.0.0.1"],
        "a long token": ["Authorization: Bearer " + "a" * 5000],
    }
    for what, headers in tries.items():
        status = get(server, "/api/v1/me", *headers)
        T.ok(status == 401, f"not signed in: {what}", status)
    T.ok(get(server, "/api/v1/me", f"Cookie: {name}={session}") == 200, "the real one is")
    status = get(server, "/api/v1/users", f"Authorization: Bearer {token}", "X-HTTP-Method-Override: GET",
                 "X-Original-URL: /api/v1/me")
    T.ok(status == 403, "no header changes what is asked for", status)


def check_guessing(server):
    c = Client(server, source="127.0.0.3")
    known, unknown = c.login("admin", "wrong wrong wrong"), c.login("nobody-here", "wrong wrong wrong")
    T.ok(known.status == unknown.status == 401 and known.text == unknown.text,
         "a wrong name and a wrong password look alike", (known.text, unknown.text))
    codes = [c.login("target", f"guess {i} guess guess").status for i in range(12)]
    T.ok(429 in codes and codes[0] == 401, "guessing at one account is slowed down", codes)
    other = Client(server, source="127.0.0.4").login("target", "once more, from elsewhere")
    T.ok(other.status == 429 and int(other.headers["Retry-After"]) >= 1, "from other addresses too",
         other.text)
    codes = [Client(server, source="127.0.0.5").login(f"user{i}", "guess guess guess").status
             for i in range(40)]
    T.ok(codes[-1] == 429, "so is guessing at many from one address", codes)
    T.ok(Client(server, source="127.0.0.6").login("admin").status == 200, "others sign in meanwhile")


# ---- making a browser do it ------------------------------------------------------------------------

def check_csrf(server, admin):
    body = {"ids": [f"{3:032x}"], "action": "resolve"}
    path = "/api/v1/findings/actions"
    good = admin.csrf
    cases = {
        "without the token": (403, {}, None), "with a wrong one": (403, {}, "0" * 64),
        "from another site": (403, {"Origin": "http://evil.example"}, good),
        "from a page without origin": (403, {"Origin": "null"}, good),
        "from another port": (403, {"Origin": "http://127.0.0.1:1"}, good),
        "from a name that begins alike": (403, {"Origin": f"http://127.0.0.1:{server.port}.evil.example"},
                                          good),
        "from another site, as the browser says": (403, {"Sec-Fetch-Site": "cross-site"}, good),
        "from a sibling": (403, {"Sec-Fetch-Site": "same-site"}, good),
        "as a form": (415, {"Content-Type": "application/x-www-form-urlencoded"}, good),
        "as plain text": (415, {"Content-Type": "text/plain"}, good),
        "from the console's own page": (200, {"Origin": f"http://127.0.0.1:{server.port}",
                                              "Sec-Fetch-Site": "same-origin"}, good)}
    for what, (wanted, headers, csrf) in cases.items():
        c = Client(server)
        c.cookie, c.csrf = admin.cookie, csrf
        r = c.post(path, body, headers=headers)
        T.ok(r.status == wanted, f"a change {what}: {wanted}", f"{r.status} {r.text}")
    r = Client(server).post("/api/v1/login", {"user": "admin", "password": PASSWORD},
                            headers={"Origin": "http://evil.example"})
    T.ok(r.status == 403, "nobody is signed in from another site", r.text)
    before = admin.get(f"/api/v1/findings/{4:032x}").json["state"]
    admin.get(path + "?ids=x&action=resolve")
    T.ok(admin.get(f"/api/v1/findings/{4:032x}").json["state"] == before, "a GET changes nothing")


def check_headers(server, admin):
    wrong = []
    for path in ("/", "/findings", "/api/v1/me", "/api/v1/nope", "/openapi.json", "/assets/none.js"):
        h = admin.get(path).headers
        for name, part in {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
                           "Content-Security-Policy": "frame-ancestors 'none'",
                           "Cross-Origin-Opener-Policy": "same-origin",
                           "Cross-Origin-Resource-Policy": "same-origin"}.items():
            if part not in (h.get(name) or ""):
                wrong.append(f"{path}: {name}: {h.get(name)}")
        csp = h.get("Content-Security-Policy")
        if "unsafe" in csp or "*" in csp or "default-src 'none'" not in csp:
            wrong.append(f"{path}: {csp}")
        if path.startswith("/api") and h.get("Cache-Control") != "no-store":
            wrong.append(f"{path}: Cache-Control: {h.get('Cache-Control')}")
        if "Access-Control-Allow-Origin" in h:
            wrong.append(f"{path}: is open to other sites")
    T.ok(not wrong, "every answer tells the browser what it must not do", "\n".join(wrong))


def check_hosts(server):
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "localhost.evil",
                 "[::ffff:1.2.3.4]", "0.0.0.0", "2130706433"):
        status = ask(server, f"GET /api/v1/me HTTP/1.1\r\nHost: {host}\r\n\r\n")
        T.ok(status in (400, 421), f"a rebound name: {host}", status)
    for text in ("GET /healthz HTTP/1.1\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: \r\n\r\n",
                 "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
                 "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:99999\r\n\r\n",
                 "GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n",
                 "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1@evil.example\r\n\r\n"):
        status = ask(server, text)
        T.ok(status in (None, 400, 421), f"no proper name: {text[22:60]!r}", status)
    for host in ("127.0.0.1", "localhost", f"localhost:{server.port}", "[::1]", "LOCALHOST:80"):
        T.ok(ask(server, f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n") == 200, f"this machine: {host}")


# ---- leaving the folder, speaking SQL --------------------------------------------------------------

def check_traversal(server, admin):
    secret = os.path.join(server.dir, "secret.yaml")
    with open(secret, "w", encoding="utf-8") as f:
        f.write("the secret of the test\n")
    wrong = []
    for up in ("../" * 8, "..%2f" * 8, "%2e%2e/" * 8, "%252e%252e%252f" * 4, "..\\" * 8, "..%5c" * 8,
               "....//" * 8, "%c0%ae%c0%ae/" * 8, "..;/" * 8, "%2e%2e%2f" * 2, "../../"):
        for base in ("/", "/assets/", "/api/v1/rulefiles/", "/api/v1/rulefiles/x/"):
            for file in ("etc/passwd", "secret.yaml", secret.lstrip("/")):
                r = Raw(server)
                r.send(f"GET {base}{up}{file} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {admin.cookie}\r\n"
                       "Connection: close\r\n\r\n")
                data = b""
                try:
                    while part := r.s.recv(65536):
                        data += part
                except OSError:
                    pass
                r.close()
                if b"root:" in data or b"the secret" in data:
                    wrong.append(base + up + file)
    T.ok(not wrong, "no path leaves its folder", "\n".join(wrong))
    os.symlink(secret, os.path.join(server.data, "rules", "link.yaml"))
    wrong = []
    for name in ("../x.yaml", "..%2fx.yaml", ".hidden.yaml", "x.txt", "zz-toggles.yaml", "zzz.yaml",
                 "a%00.yaml", "a%0a.yaml", "-rf.yaml", "x.yaml/", "con%2f..%2f..%2fx.yaml", "a" * 70 + ".yaml",
                 "é.yaml", "x_test.yaml"):
        for method in ("PUT", "DELETE", "GET"):
            r = admin.ask(method, f"/api/v1/rulefiles/{urllib.parse.quote(name, safe='%/')}",
                          {"text": "- list: a\n  items: [b]\n"} if method == "PUT" else None)
            if r.status not in (400, 404, 405):
                wrong.append(f"{method} {name}: {r.status} {r.text[:80]}")
    T.ok(not wrong, "rule files have plain names", "\n".join(wrong))
    os.unlink(os.path.join(server.data, "rules", "link.yaml"))
    outside = [f for f in os.listdir(server.dir) if f not in ("console", "log", "secret.yaml")]
    T.ok(not outside, "nothing was written elsewhere", outside)


INJECTIONS = ["' OR '1'='1", "'; DROP TABLE finding; --", '" OR ""="', "%' UNION SELECT 1,2,3 --",
              "1; SELECT pg_sleep(9)", "x' AND (SELECT count(*) FROM sqlite_master) > 0 --",
              "\\'; DELETE FROM users; --", "0 UNION ALL SELECT sql FROM sqlite_master", "${jndi:x}",
              "a*b^c~d\"e(f)g:h", "NEAR(a b, 3)", "finding.rule = \"x\" or 1=1"]


def inject_everywhere(server, admin):
    """Each payload through each parameter of each route; the answers with 5xx."""
    document = admin.get("/openapi.json").json
    wrong, n = [], 0
    for path, item in document["paths"].items():
        for method, op in item.items():
            if path in ("/api/v1/stream", "/api/v1/logout", "/api/v1/system/backup", "/api/v1/login"):
                continue
            for p in op["parameters"]:
                for text in INJECTIONS:
                    where = path
                    query = {q["name"]: "2026-01-01T00:00:00Z" if q["schema"].get("format") else "rule"
                             for q in op["parameters"] if q["in"] == "query" and q["required"]}
                    if p["in"] == "path":
                        where = re.sub(r"\{.*?\}", urllib.parse.quote(text, safe=""), path)
                    else:
                        where = re.sub(r"\{.*?\}", "x", path)
                        query[p["name"]] = text
                    if query:
                        where += "?" + urllib.parse.urlencode(query)
                    r = admin.ask(method.upper(), where, {} if method in ("post", "put") else None)
                    n += 1
                    if r.status == 429:
                        time.sleep(1)
                    elif r.status >= 500:
                        wrong.append(f"{method} {where}: {r.status} {r.text[:200]}")
    return wrong, n


def check_injection(server, admin):
    before = admin.get("/api/v1/findings?total=true").json["total"]
    wrong, n = inject_everywhere(server, admin)
    for text in INJECTIONS:
        quoted = urllib.parse.quote(text)
        for name in ("rule", "container", "image", "host", "user", "technique", "assignee"):
            r = admin.get(f"/api/v1/findings?{name}={quoted}")
            if r.status == 200 and r.json["items"]:
                wrong.append(f"{name}={text} finds {len(r.json['items'])}")
        for body in ({"ids": [text[:60]], "action": "resolve"}, {"filter": text, "action": "resolve"},
                     {"ids": ["x"], "action": "assign", "assignee": text}):
            r = admin.post("/api/v1/findings/actions", body)
            if r.status >= 500 or (r.status == 200 and r.json["changed"] and "filter" in body):
                wrong.append(f"{body}: {r.status} {r.text[:100]}")
        for body in ({"rule": text, "reason": text}, {"filter": text, "reason": "x"}):
            r = admin.post("/api/v1/mutes", body)
            if r.status >= 500:
                wrong.append(f"{body}: {r.status} {r.text[:100]}")
        time.sleep(0.3)
    T.ok(not wrong, f"SQL in {n} places stays text", "\n".join(wrong[:20]))
    time.sleep(3)
    after = admin.get("/api/v1/findings?total=true").json["total"]
    users = admin.get("/api/v1/users").json["total"]
    T.ok(after == before and users >= 1, "and the database is what it was", (before, after, users))


# ---- being slow ------------------------------------------------------------------------------------

def drip(connections, text, seconds):
    """Sends a byte a second on each; how many of them are still open."""
    for i in range(seconds):
        for r in connections[:]:
            try:
                r.send(text[i % len(text)])
                r.s.setblocking(False)
                try:
                    if r.s.recv(10) == b"":
                        raise OSError
                except BlockingIOError:
                    pass
                r.s.setblocking(True)
            except OSError:
                connections.remove(r)
        if not connections:
            return 0
        time.sleep(1)
    return len(connections)


def check_slow(server, admin):
    heads = [Raw(server, "127.0.0.7") for _ in range(60)]
    bodies = [Raw(server, "127.0.0.8") for _ in range(30)]
    for r in heads:
        r.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    for r in bodies:
        r.send("POST /api/v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
               "Content-Length: 4000\r\n\r\n")
    T.ok(admin.get("/api/v1/me").status == 200, "slow heads and bodies: others are answered")
    left = drip(heads + bodies, "a", 40)
    T.ok(left == 0, "who drips bytes is cut off", f"{left} of 90 are left")
    T.ok(server.is_alive() and admin.get("/api/v1/me").status == 200, "and the server lives")
    n = re.search(r'refused_total\{cause="deadline"\} (\d+)', admin.get("/metrics").text)
    T.ok(n and int(n[1]) >= 90, "they are counted", n and n[0])


def check_slow_reader(server, admin):
    """A stream that nobody reads must not hold the server's memory."""
    s = Stream(admin)
    s.next()
    s.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    before = int(re.search(r"streams_slow_total (\d+)", admin.get("/metrics").text)[1])
    sender = Sender(server)
    for i in range(60):
        sender.send(*[finding(50000 + 50 * i + k, output="x" * 6000) for k in range(50)])
        sender.answers()
    now = int(re.search(r"streams_slow_total (\d+)", admin.get("/metrics").text)[1])
    T.ok(now > before, "a live stream that is not read is ended", (before, now))
    T.ok(admin.get("/api/v1/me").status == 200, "and nobody else's")
    sender.close()
    s.close()


# ---- being large -----------------------------------------------------------------------------------

def check_large(server, admin):
    host = f"Host: 127.0.0.1\r\nCookie: {admin.cookie}\r\nX-CSRF-Token: {admin.csrf}\r\n"
    post = f"POST /api/v1/findings/actions HTTP/1.1\r\n{host}Content-Type: application/json\r\n"
    cases = {
        "a body of ten gigabytes, announced": f"{post}Content-Length: 10737418240\r\n\r\n",
        "more than a number can hold": f"{post}Content-Length: 99999999999999999999999\r\n\r\n",
        "a negative length": f"{post}Content-Length: -1\r\n\r\n",
        "two lengths": f"{post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
        "a length and chunks": f"{post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a chunk of no size": f"{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "a chunk larger than all": f"{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "a header of a megabyte": f"GET /healthz HTTP/1.1\r\n{host}X: {'a' * (1 << 20)}\r\n\r\n",
        "ten thousand headers": "GET /healthz HTTP/1.1\r\n" + host + "X: a\r\n" * 10000 + "\r\n",
        "a path of a megabyte": f"GET /{'a' * (1 << 20)} HTTP/1.1\r\n{host}\r\n",
        "a method of a megabyte": "A" * (1 << 20) + f" / HTTP/1.1\r\n{host}\r\n",
        "no HTTP": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 100,
        "an unknown version": f"GET / HTTP/9.9\r\n{host}\r\n",
    }
    for what, text in cases.items():
        status = ask(server, text)
        T.ok(status is None or 400 <= status <= 505, f"{what}: refused", status)
        T.ok(server.is_alive(), f"{what}: and survived")
    r = Raw(server)
    sent = 0
    try:
        r.send(f"{post}Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(2000):
            r.send(b"10000\r\n" + b"a" * 65536 + b"\r\n")
            sent += 65536
        status = r.status()
    except OSError:
        status = None
    r.close()
    T.ok(sent < 2000 * 65536 or status == 413, "a body without an end is cut off", (sent, status))


def check_json(server, admin):
    deep = b"[" * 30000 + b"]" * 30000
    many = b'{"ids":[' + b",".join(b'"%d"' % i for i in range(20000)) + b'],"action":"resolve"}'
    for what, body in {"deep": b'{"ids":' + deep + b"}", "many": many, "double": b'{"action":1,"action":2}',
                       "cut": b'{"ids":["', "bytes": bytes(range(256)), "number": b"1e999999",
                       "NUL": b'{"ids":["a\\u0000b"],"action":"resolve"}',
                       "lone": b'{"ids":["\\ud800"],"action":"resolve"}', "empty": b"", "array": b"[]",
                       "text": b'"x"', "BOM": b"\xef\xbb\xbf{}"}.items():
        r = admin.ask("POST", "/api/v1/findings/actions", raw=body,
                      headers={"Content-Type": "application/json"})
        T.ok(r.status in (400, 413), f"JSON that is {what}: refused", f"{r.status} {r.text[:200]}")
    query = "&".join(f"a{i}=1" for i in range(200))
    T.ok(admin.get(f"/api/v1/findings?{query}").status == 400, "too many parameters")
    T.ok(admin.get("/api/v1/findings?limit=1&limit=2").status == 400, "a parameter twice")
    nested = urllib.parse.quote("(" * 5000 + "finding.rule = x" + ")" * 5000)
    r = admin.get(f"/api/v1/findings?filter={nested}")
    T.ok(r.status in (400, 414, 431), "a filter that is nested deeply", r.text[:200])


# ---- being many ------------------------------------------------------------------------------------

def check_idle(server, admin):
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
                                                resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    idle = []
    for i in range(IDLE_CLIENTS):
        try:
            idle.append(Raw(server, f"127.0.1.{i % 4}"))
        except OSError:
            break
    time.sleep(1)
    held = admin.get("/api/v1/system").json["server"]["connections"]
    T.ok(held <= 512, f"of {len(idle)} idle connections at most 512 are held", held)
    T.ok(all(admin.get("/api/v1/findings?limit=1").status == 200 for _ in range(5)), "others are answered")
    for r in idle:
        r.close()
    pipeline = Raw(server)
    pipeline.send("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50)
    data, end = b"", time.monotonic() + 20
    while data.count(b'"status"') < 50 and time.monotonic() < end:
        data += pipeline.s.recv(65536)
    T.ok(data.count(b'"status"') == 50, "requests one behind the other are answered in order")
    pipeline.close()


def check_streams(server, admin):
    streams = [Stream(admin) for _ in range(20)]
    T.ok(all(s.status == 200 and s.next() for s in streams[8:]), "a new live stream always has room")
    over = [s for s in streams[:8] if s.next() and s.next() is None]
    T.ok(len(over) == 8, "as the oldest of a user ends for it", len(over))
    for s in streams:
        s.close()


def check_flood(server):
    c = Client(server, source="127.0.0.9")
    codes = [c.get("/healthz").status for _ in range(1500)]
    T.ok(429 in codes, "who asks without end is slowed down", set(codes))
    T.ok(Client(server, source="127.0.0.10").get("/healthz").status == 200, "others are not")


# ---- the process, the socket, the network ----------------------------------------------------------

def check_process(server):
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    T.ok(status["CapEff"].strip() == "0" * 16 and status["CapPrm"].strip() == "0" * 16, "no capabilities",
         status["CapEff"])
    T.ok(status["Seccomp"].strip() == "2" and status["NoNewPrivs"].strip() == "1", "in its cell", status)
    T.ok(status["Uid"].split()[0] != "0" or os.geteuid() != 0, "not root", status["Uid"])


def check_helper(server):
    """Those that run koban replay and koban image scan have nothing of the console's but a pair of sockets."""
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children", encoding="utf-8") as f:
        helpers = f.read().split()
    fds = [sorted(os.listdir(f"/proc/{pid}/fd"), key=int) for pid in helpers]
    T.ok(fds == [["0", "1", "2", "3"]] * 2, "the helpers hold no port and no socket", fds)


def check_socket(server):
    """Another user may not speak to the ingest socket."""
    if os.geteuid() != 0:
        T.skip("the socket for records is not for others", "needs root")
        return
    for mode in (0o600, 0o666):
        os.chmod(server.ingest, mode)
        os.chmod(server.data, 0o711)
        said = as_user(1234, lambda: speak(server.ingest))
        T.ok(said in ("refused", "shut"),
             f"the socket for records is not for others, whatever its mode ({mode:o})", said)
    os.chmod(server.data, 0o700)


def speak(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    try:
        s.connect(path)
        s.sendall(b"{}\n")
        return "spoke" if s.recv(9) else "shut"
    except OSError:
        return "refused"


def as_user(uid, call):
    """What `call` returns, called by a process of this user."""
    out, back = os.pipe()
    if os.fork() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.write(back, call().encode())
        os._exit(0)
    os.close(back)
    os.wait()
    with os.fdopen(out) as f:
        return f.read()


def refused_start(*extra, data=None):
    s = Server(*extra, listen="0.0.0.0:0", data=data, wait=False)
    code = s.process.wait(20)
    return code, s.messages()


def check_beyond(folder):
    code, said = refused_start(data=os.path.join(folder, "a"))
    T.ok(code == 2 and "--tls-cert" in said, "beyond loopback it does not start without TLS", said)
    cert, key = self_signed(folder)
    tls = ("--tls-cert", cert, "--tls-key", key)
    code, said = refused_start(*tls, data=os.path.join(folder, "b"))
    T.ok(code == 2 and "--add-user" in said, "nor when nobody can sign in", said)
    data = os.path.join(folder, "b")
    done = subprocess.run([BINARY, "serve", "-d", os.path.join(data, "console"), "--add-user", "root-admin",
                           "--role", "admin"], input=PASSWORD + "\n", text=True, capture_output=True,
                          check=False)
    T.ok(done.returncode == 0, "an admin is added without a server", done.stderr)
    made = subprocess.run([BINARY, "serve", "-d", os.path.join(data, "console"), "--add-token", "probe",
                           "--role", "viewer"], text=True, capture_output=True, check=False)
    s = Server(*tls, listen="0.0.0.0:0", data=data, rules=os.path.join(folder, "none"))
    c = Client(s)
    r = c.login("root-admin")
    T.ok(r.status == 200 and c.cookie.startswith("__Host-") and "Secure" in r.headers["Set-Cookie"],
         "with both it does, with cookies for TLS alone", r.text)
    T.ok("max-age" in (r.headers["Strict-Transport-Security"] or ""), "and says so to the browser")
    T.ok(Client(s, token=made.stdout.strip()).get("/api/v1/me").status == 200,
         "a token that was made without a server is good")
    check_versions(s)
    check_renewal(s, folder, cert, key)
    T.ok(ask(s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") is None, "plain HTTP gets no answer there")
    s.stop()


def handshake(server, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
        try:
            with context.wrap_socket(raw) as s:
                return s.version(), s.getpeercert(True)
        except (ssl.SSLError, OSError):
            return None, None


def check_versions(server):
    import warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    for version, wanted in ((ssl.TLSVersion.TLSv1, None), (ssl.TLSVersion.TLSv1_1, None),
                            (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        got = handshake(server, version)[0]
        T.ok(got == wanted, f"{version.name}: {'spoken' if wanted else 'refused'}", got)


def check_renewal(server, folder, cert, key):
    before = handshake(server, ssl.TLSVersion.TLSv1_3)[1]
    new_cert, new_key = self_signed(folder, "renewed")
    with open(cert, "w", encoding="utf-8") as f:
        f.write("half a certificate")
    time.sleep(7)
    T.ok(handshake(server, ssl.TLSVersion.TLSv1_3)[1] == before, "a broken certificate changes nothing")
    for path in (new_cert, new_key):
        os.chmod(path, 0o644)
    os.replace(new_key, key)
    os.replace(new_cert, cert)
    end, after = time.monotonic() + 30, before
    while after == before and time.monotonic() < end:
        time.sleep(0.5)
        after = handshake(server, ssl.TLSVersion.TLSv1_3)[1]
    T.ok(after and after != before, "a renewed certificate is taken up", server.messages()[-500:])


def check_reports(server, admin):
    report = {"csp-report": {"document-uri": "http://x/", "effective-directive": "script-src",
                             "blocked-uri": "inline", "source-file": "x" * 5000}}
    r = Client(server).ask("POST", "/api/v1/csp-report", raw=json.dumps(report).encode(),
                           headers={"Content-Type": "application/csp-report"})
    got = admin.get("/api/v1/csp-reports").json
    T.ok(r.status == 200 and got["total"] == 1 and len(got["items"][0]["source"]) < 300,
         "a breach of the policy is kept, cut short", got)
    for raw in (b"", b"[]", b"{}", b"x" * 9000, b'[{"body":1}]', b'{"csp-report":[]}'):
        r = Client(server).ask("POST", "/api/v1/csp-report", raw=raw)
        T.ok(r.status == 400, f"no report: {raw[:12]!r}", r.text)


def main():
    server = Server()
    admin = server.admin()
    fill(server)
    token = admin.post("/api/v1/tokens", {"name": "t", "role": "viewer"}).json["token"]
    check_process(server)
    check_helper(server)
    check_paths(server)
    check_credentials(server, admin, token)
    check_csrf(server, admin)
    check_headers(server, admin)
    check_hosts(server)
    check_traversal(server, admin)
    check_injection(server, admin)
    check_large(server, admin)
    check_json(server, admin)
    check_reports(server, admin)
    check_streams(server, admin)
    check_slow_reader(server, admin)
    check_slow(server, admin)
    check_idle(server, admin)
    check_flood(server)
    check_socket(server)
    check_guessing(server)
    T.ok(server.is_alive() and admin.get("/api/v1/now").status == 200, "after all of it, it answers",
         server.messages()[-2000:])
    T.ok("error" not in server.messages(), "and had nothing to complain of", server.messages()[-2000:])
    server.stop()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for name in ("a", "b", "none"):
            os.mkdir(os.path.join(folder, name))
        check_beyond(folder)
    T.done()


if __name__ == "__main__":
    main()
