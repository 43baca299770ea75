#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
The console's API against a running `koban serve` with a real database: who may ask for what, route
by route from the document that the server itself gives; every answer against its schema; sessions,
tokens, triage, mutes, rules, the live stream.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from console import (BINARY, OWN_RULES, PASSWORD, Client, Sender, Server, Stream, Tap, fill, finding, metrics,
                     random_token)
from schema import Schema

T = Tap()
ROLES = ["public", "signed", "viewer", "analyst", "admin"]
ITEM = {"id": "nothing-here", "name": "nothing-here.yaml"}
# What a route has to be asked with; others take no parameter, or do without.
QUERY = {"/api/v1/findings/groups": "by=rule", "/api/v1/graph": "root=host:node-1",
         "/api/v1/graph/path": "from=host:node-1"}


def routes(document):
    for path, item in document["paths"].items():
        for method, op in item.items():
            yield method.upper(), path, op


def address(path):
    for name, value in ITEM.items():
        path = path.replace("{%s}" % name, value)
    base = path.split("?")[0]
    return f"{path}?{QUERY[base]}" if base in QUERY else path


def check_document(document):
    wrong, ids = [], []
    for key in ("openapi", "info", "paths", "components"):
        if key not in document:
            wrong.append(f"no {key}")
    for method, path, op in routes(document):
        ids.append(op["operationId"])
        wanted = {p[1:-1] for p in path.split("/") if p.startswith("{")}
        told = {p["name"] for p in op["parameters"] if p["in"] == "path"}
        if wanted != told:
            wrong.append(f"{method} {path}: parameters {told}")
        if op["x-role"] not in ROLES:
            wrong.append(f"{method} {path}: role {op.get('x-role')}")
        if bool(op["security"]) != (op["x-role"] != "public"):
            wrong.append(f"{method} {path}: security")
        wrong += [f"{method} {path}: {p['name']} has no description" for p in op["parameters"]
                  if not p.get("description")]
    wrong += [f"twice: {i}" for i in set(ids) if ids.count(i) > 1]
    T.ok(not wrong, "the OpenAPI document is whole", "\n".join(wrong))
    check_schemas(document)


def check_schemas(document):
    sys.path.append("/usr/lib/python3/dist-packages")
    try:
        import jsonschema
    except ImportError:
        T.skip("every schema is a JSON schema 2020-12", "needs python3-jsonschema")
        return
    wrong = []
    for name, schema in document["components"]["schemas"].items():
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as e:
            wrong.append(f"{name}: {e.message}")
    T.ok(not wrong, "every schema is a JSON schema 2020-12", "\n".join(wrong))


def check_matrix(document, clients):
    """Every route, as everybody: who may not is told so before anything is looked at."""
    for method, path, op in routes(document):
        if path == "/api/v1/logout":
            continue  # would end the session that the others need
        needed, wrong = ROLES.index(op["x-role"]), []
        for who, client in clients.items():
            has = ROLES.index(who)
            r = client.ask(method, address(path), body={} if method in ("POST", "PUT") else None)
            if has < needed and r.status != (401 if who == "public" else 403):
                wrong.append(f"{who}: {r.status} {r.text[:100]}")
            if has >= needed and r.status in (401, 403) and path not in (
                    "/api/v1/login", "/api/v1/me/password"):
                wrong.append(f"{who}: {r.status} {r.text[:100]}")
            if r.status >= 500:
                wrong.append(f"{who}: {r.status} {r.text[:100]}")
        T.ok(not wrong, f"{method} {path}: from {op['x-role']} on", "\n".join(wrong))


def check_answers(document, admin, ids):
    """The answer of each GET route is what its schema says."""
    schema = Schema(document)
    for method, path, op in routes(document):
        content = op["responses"]["200"]["content"]
        if method != "GET" or "application/json" not in content:
            continue
        where = path
        for name, value in ids.items():
            where = where.replace(name, value)
        if path in QUERY:
            where += "?" + QUERY[path]
        r = admin.get(where)
        faults = [f"{r.status} {r.text[:300]}"] if r.status != 200 else list(
            schema.faults(r.json, content["application/json"]["schema"]))
        T.ok(not faults, f"GET {path}: the answer has its shape", "\n".join(faults[:20]))


def has_shape(document, path, method, answer):
    content = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    return answer.status == 200 and not list(Schema(document).faults(answer.json, content["schema"]))


def check_errors(document, admin):
    schema, error = Schema(document), document["components"]["schemas"]["Error"]
    wrong = []
    for r in (admin.get("/api/v1/findings/nope"), admin.get("/api/v1/nope"),
              admin.get("/api/v1/findings?limit=0"), admin.get("/api/v1/findings?nope=1"),
              admin.get("/api/v1/findings?filter=%28"), admin.ask("PATCH", "/api/v1/me"),
              admin.post("/api/v1/rules/check", raw=b"{"), Client(admin.server).get("/api/v1/me")):
        wrong += [f"{r.status} {r.text[:200]} {f}" for f in schema.faults(r.json, error)]
    T.ok(not wrong, "errors have one shape", "\n".join(wrong))
    r = admin.get("/api/v1/findings?filter=finding.rule%20%3D%20%28")
    T.ok(r.status == 400 and r.json["error"]["code"] == "bad_filter" and
         r.json["error"]["place"]["line"] == 1, "a bad filter is told with its place", r.text)


def check_findings(document, admin):
    first = admin.get("/api/v1/findings?limit=10&total=true").json
    seen, cursor = [f["id"] for f in first["items"]], first["next"]
    while cursor:
        page = admin.get(f"/api/v1/findings?limit=10&cursor={cursor}").json
        seen += [f["id"] for f in page["items"]]
        cursor = page["next"]
    T.ok(len(seen) == len(set(seen)) == first["total"] == 30, "pages give each finding once",
         f"{len(seen)} of {first['total']}")
    n = admin.get("/api/v1/findings?priority=Critical,Warning&total=true").json["total"]
    T.ok(n == 20, "several priorities at once", n)
    n = admin.get("/api/v1/findings?q=shadow&technique=T1059&total=true").json["total"]
    T.ok(n == 20, "words and a technique", n)
    d = admin.get(f"/api/v1/findings/{1:032x}").json
    T.ok("Here it was cat" in d["why"] and "image" in d["why"] and d["advice"] and
         d["technique"][0]["name"] == "Unix Shell", "a finding says why it matters and what to do",
         d)
    events = admin.get(f"/api/v1/findings/{1:032x}/events").json["items"]
    T.ok(any(e["is_finding"] for e in events) and len(events) >= 5, "events around a finding", events)


def check_triage(admin, analyst, viewer):
    one = f"{5:032x}"
    r = analyst.post("/api/v1/findings/actions", {"ids": [one], "action": "acknowledge", "text": "mine"})
    d = admin.get(f"/api/v1/findings/{one}").json
    T.ok(r.status == 200 and d["state"] == "acknowledged" and d["comments"][0]["text"] == "mine" and
         d["history"][0]["who"] == "ann", "an analyst acknowledges with a comment", (r.text, d))
    r = analyst.post("/api/v1/findings/actions",
                     {"filter": "finding.priority = Notice", "action": "assign", "assignee": "ann"})
    T.ok(r.status == 200 and r.json["changed"] == 10, "and assigns all that a filter selects", r.text)
    T.ok(viewer.post("/api/v1/findings/actions",
                     {"ids": [one], "action": "resolve"}).status == 403, "a viewer may not")
    for bad in ({"ids": [], "action": "resolve"}, {"ids": [one], "filter": "x", "action": "resolve"},
                {"ids": [one], "action": "mute"}, {"ids": [one], "action": "comment"},
                {"ids": ["x" * 65], "action": "resolve"}, {"action": "resolve", "filter": ""}):
        r = analyst.post("/api/v1/findings/actions", bad)
        T.ok(r.status == 400, f"refused: {str(bad)[:60]}", r.text)


def check_mutes(server, analyst):
    r = analyst.post("/api/v1/mutes", {"fingerprint": f"{1:016x}", "reason": "known", "existing": True})
    T.ok(r.status == 200 and r.json["changed"] >= 1, "a mute, of what is there already too", r.text)
    mute = r.json["id"]
    s = Sender(server)
    s.send(finding(31))  # fingerprint 1
    s.answers()
    d = analyst.get(f"/api/v1/findings/{31:032x}").json
    T.ok(d["state"] == "muted" and d["mute"] == mute, "what comes later is muted", d["state"])
    T.ok(analyst.delete(f"/api/v1/mutes/{mute}").status == 200 and
         analyst.delete(f"/api/v1/mutes/{mute}").status == 404, "a mute ends, once")
    s.close()


def check_session(server, admin):
    c = Client(server)
    r = c.login("admin")
    T.ok(r.status == 200, "signing in", r.text)
    flags = r.headers["Set-Cookie"]
    T.ok("HttpOnly" in flags and "SameSite=Strict" in flags and "Path=/" in flags, "the cookie's flags",
         flags)
    old = c.cookie
    c.login("admin")
    again = Client(server)
    again.cookie = old
    T.ok(again.get("/api/v1/me").status == 401, "signing in again ends the session before")
    s = Stream(c)
    r = c.post("/api/v1/logout")
    dead = Client(server)
    dead.cookie, dead.csrf = old, c.csrf
    T.ok(r.status == 200 and c.get("/api/v1/me").status == 401, "signing out", r.text)
    while s.next():
        pass
    T.ok(True, "and ends its live stream")
    s.close()
    T.ok(admin.get("/api/v1/me").status == 200, "and no other session")
    T.ok(Client(server).post("/api/v1/login", {"token": server.token}).status == 401,
         "the one-time token is good once")
    audit = admin.get("/api/v1/audit?limit=500").text
    T.ok('"login"' in audit and '"login_failed"' in audit and '"logout"' in audit and
         PASSWORD not in audit and server.token not in audit, "the audit log has it, without secrets")


def check_users(server, admin):
    r = admin.post("/api/v1/users", {"name": "bob", "role": "viewer", "password": "short"})
    T.ok(r.status == 400 and r.json["error"]["code"] == "weak_password", "a weak password", r.text)
    for name in ("../x", "a b", "", "-x", "a" * 65, "é", "x\n"):
        r = admin.post("/api/v1/users", {"name": name, "role": "viewer", "password": PASSWORD})
        T.ok(r.status == 400, f"no user's name: {name[:10]!r}", r.text)
    bob = server.user(admin, "bob", "viewer")
    first = Client(server)
    admin.put("/api/v1/users/bob", {"password": "another long passphrase"})
    T.ok(bob.get("/api/v1/me").status == 401, "a password that an admin sets ends the user's sessions")
    r = first.login("bob", "another long passphrase")
    T.ok(r.json["must_change_password"] and
         first.get("/api/v1/findings").json["error"]["code"] == "password_first",
         "and has to be changed before anything else", r.text)
    admin.put("/api/v1/users/bob", {"disabled": True})
    T.ok(first.get("/api/v1/me").status == 401 and
         Client(server).login("bob", "another long passphrase").status == 401, "locked out")
    T.ok(admin.put("/api/v1/users/admin", {"role": "viewer"}).status == 409, "the last admin stays one")
    T.ok(admin.delete("/api/v1/users/admin").status == 409, "nobody removes themselves")
    T.ok(admin.delete("/api/v1/users/bob").status == 200, "a user is removed")


def check_tokens(server, admin):
    t = admin.post("/api/v1/tokens", {"name": "ci", "role": "viewer"}).json
    c = Client(server, token=t["token"])
    T.ok(c.get("/api/v1/findings").status == 200, "a bearer token reads")
    T.ok(c.get("/metrics").status == 200 and "koban_console_requests_total" in c.get("/metrics").text,
         "Prometheus metrics with it")
    T.ok(c.post("/api/v1/findings/actions", {"ids": ["x"], "action": "resolve"}).status == 403,
         "and has no more than its role")
    a = admin.post("/api/v1/tokens", {"name": "bot", "role": "analyst"}).json
    bot = Client(server, token=a["token"])
    r = bot.post("/api/v1/findings/actions", {"ids": [f"{6:032x}"], "action": "resolve"})
    T.ok(r.status == 200, "changes with a token need no CSRF token", r.text)
    T.ok(Client(server, token=random_token()).get("/api/v1/me").status == 401, "a made-up token")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    e = admin.post("/api/v1/tokens", {"name": "brief", "role": "viewer", "expires": soon}).json
    brief = Client(server, token=e["token"])
    good = brief.get("/api/v1/me").status
    time.sleep(3)
    T.ok(good == 200 and brief.get("/api/v1/me").status == 401, "a token ends when it said")
    T.ok(admin.delete(f"/api/v1/tokens/{t['id']}").status == 200 and
         c.get("/api/v1/me").status == 401, "a revoked token")
    listed = admin.get("/api/v1/tokens").text
    T.ok(a["token"] not in listed, "the list does not show it again")


def check_secrets(server, *secrets):
    """Nothing that opens a door stands in the database or the log."""
    found = []
    for folder, _, files in os.walk(server.dir):
        for f in files:
            path = os.path.join(folder, f)
            if os.path.isfile(path):
                data = open(path, "rb").read()
                found += [f"{path}: {s[:8]}…" for s in secrets if s.encode() in data]
    T.ok(not found, "no secret in clear in the database or the log", "\n".join(found))


RULE = """- rule: Test of the console
  desc: a rule that a test wrote
  condition: evt.type = openat and fd.name startswith /etc
  output: read (file=%fd.name)
  priority: NOTICE
"""


def check_rules(admin, analyst):
    r = analyst.post("/api/v1/rules/check", {"text": "- rule: x\n  desc: d\n  condition: evt.type = \n"
                                                     "  output: o\n  priority: NOTICE\n"})
    T.ok(r.status == 200 and not r.json["ok"] and r.json["issues"][0]["line"] >= 2,
         "a check tells the place of an error", r.text)
    T.ok(analyst.post("/api/v1/rules/check", {"text": RULE}).json["ok"], "a good text is good")
    own = "- macro: m\n  condition: spawned_process\n- rule: Own\n  desc: d\n  condition: m\n" \
          "  output: o\n  priority: NOTICE\n"
    r = admin.put("/api/v1/rulefiles/one.yaml", {"text": RULE})
    T.ok(r.status == 200 and admin.get("/api/v1/rulefiles/one.yaml").json["text"] == RULE,
         "an admin writes a rule file", r.text)
    r = admin.get("/api/v1/rules/Test%20of%20the%20console")
    T.ok(r.status == 200 and r.json["own"] and r.json["text"] == RULE.rstrip("\n"),
         "the rule is there, with its text", r.text)
    r = admin.put("/api/v1/rulefiles/two.yaml", {"text": "- rule: broken\n"})
    T.ok(r.status == 422 and admin.get("/api/v1/rulefiles/two.yaml").status == 404,
         "a broken one is not written", r.text)
    name = "Test%20of%20the%20console"
    admin.put(f"/api/v1/rules/{name}/enabled", {"enabled": False})
    off = admin.get(f"/api/v1/rules/{name}").json["enabled"]
    admin.put(f"/api/v1/rules/{name}/enabled", {"enabled": True})
    T.ok(not off and admin.get(f"/api/v1/rules/{name}").json["enabled"], "rules are switched")
    T.ok(admin.put("/api/v1/rules/none/enabled", {"enabled": True}).status == 404,
         "not one that is not there")
    r = analyst.post("/api/v1/rules/try", {"text": RULE.replace("/etc", "/")})
    T.ok(r.status == 200 and r.json["source"] == "demo" and r.json["events"] > 1000 and
         r.json["findings"] and r.json["findings"][0]["rule"] == "Test of the console",
         "a rule is tried over recorded events", r.text[:500])
    admin.delete("/api/v1/rulefiles/one.yaml")
    T.ok(admin.get(f"/api/v1/rules/{name}").status == 404, "and is gone with its file")
    T.ok(own and admin.get("/api/v1/rules").json["total"] > 100, "the sensor's rules are listed")


def check_stream(server, admin):
    s = Stream(admin)
    sender = Sender(server)
    began = time.monotonic()
    sender.send(finding(100))
    sender.answers()
    event, eid, data = s.next("finding")
    T.ok(data["id"] == f"{100:032x}" and data["rule"], "a finding comes live", data)
    T.ok(time.monotonic() - began < 15, "before the page would have asked again")
    sender.send(metrics(events_per_s=7.5))
    sender.answers()
    T.ok(s.next("metrics")[2]["values"]["events_per_s"] == 7.5, "metrics come live")
    s.close()
    sender.send(finding(101), finding(102))
    sender.answers()
    s = Stream(admin, last_id=eid)
    got = [s.next("finding")[2]["id"] for _ in range(2)]
    T.ok(got == [f"{101:032x}", f"{102:032x}"], "who comes back gets what was missed", got)
    s.close()
    # a place of another run: from the store, by time
    late = eid.split("-")
    s = Stream(admin, last_id=f"1-5-{late[2]}")
    got = {s.next("finding")[2]["id"] for _ in range(3)}
    T.ok(f"{101:032x}" in got and f"{102:032x}" in got, "also from another run of the server", got)
    s.close()
    for bad in ("x", "1-2", "-", "1-2-3-4", "zz-1-1", "9" * 400):
        s = Stream(admin, last_id=bad)
        T.ok(s.status == 200 and s.next()[0] == "ping", f"a made-up place: {bad[:12]}")
        s.close()
    sender.close()


def check_ingest(server, admin):
    s = Sender(server)
    s.send(finding(200), b"no json", finding(200), b'{"v":1,"type":"nope"}', b"", finding(201))
    refused = s.answers()
    T.ok(set(refused) >= {2, 4} and 1 not in refused and 6 not in refused,
         "lines that can never be stored are refused by number", refused)
    T.ok(admin.get(f"/api/v1/findings/{201:032x}").status == 200, "those around them are stored")
    s.send(*[finding(1000 + i) for i in range(3000)])
    T.ok(not s.answers(), "three thousand at once")
    s.close()
    s = Sender(server)
    try:
        s.socket.sendall(b"x" * (3 << 20))
        gone = s.socket.recv(10) == b""
    except OSError:
        gone = True
    T.ok(gone, "a line without an end is cut off")
    s.close()
    T.ok(Sender(server).send(finding(4)) is None and server.is_alive(), "and nobody else is")


def start_with(folder, args, sockets=(), out=None):
    """koban serve as a service manager starts it, with sockets from descriptor 3 on; the pid."""
    pid = os.fork()
    if pid:
        return pid
    for i, s in enumerate(sockets):
        os.dup2(s.fileno(), 100 + i)
    for i in range(len(sockets)):
        os.dup2(100 + i, 3 + i)
    os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()))
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(os.path.join(folder, "log") if os.path.isdir(folder) else os.devnull,
                  os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(null, 0)
    os.dup2(out if out is not None else null, 1)
    os.dup2(log, 2)
    os.execv(BINARY, [BINARY, "serve", "-d", os.path.join(folder, "console"), "-r", OWN_RULES, *args])


def wait_for(path, what="", seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.path.exists(path):
            text = open(path, encoding="utf-8").read()
            if what in text:
                return text
        time.sleep(0.1)
    return ""


def check_services():
    """Sockets that are handed over, and where the token goes when nobody sits before it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        web, records = socket.socket(), socket.socket(socket.AF_UNIX)
        web.bind(("127.0.0.1", 0))
        path = os.path.join(folder, "ingest.sock")
        records.bind(path)
        web.listen()
        records.listen()
        pid = start_with(folder, [], [records, web])
        first = os.path.join(folder, "console", "first-login")
        text = wait_for(first, "token")
        T.ok(f":{web.getsockname()[1]}/login#token=" in text and os.stat(first).st_mode & 0o077 == 0,
             "sockets are taken over, and the token is in a file for the user alone", text)
        log = open(os.path.join(folder, "log"), encoding="utf-8").read()
        T.ok(text and text.split("token=")[1].strip() not in log, "and not in the log", log)
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(path)
        s.sendall(json.dumps(finding(1)).encode() + b"\n")
        T.ok(s.recv(100) == b"ok 1\n", "records come through the socket that was handed over")
        os.kill(pid, 15)
        T.ok(os.waitpid(pid, 0)[1] == 0 and os.path.exists(path) and not os.path.exists(first),
             "at the end the socket stays, the token goes")
        out, back = os.pipe()
        os.set_inheritable(back, True)
        folder = os.path.join(folder, "made", "by")
        if os.geteuid() != 0:
            os.makedirs(folder)
        pid = start_with(folder, ["-l", "127.0.0.1:0", "--ready-fd", str(back), "--show-token"])
        os.close(back)
        said = json.loads(os.read(out, 4096))
        T.ok(said["address"].startswith("http://127.0.0.1:") and len(said["token"]) == 43 and
             os.read(out, 10) == b"", "--ready-fd says where it is, and is closed", said)
        os.kill(pid, 15)
        os.waitpid(pid, 0)


def check_together(server, admin, analyst):
    """Readers, triage, rules, streams and a sensor, all at once."""
    paths = ["/api/v1/now", "/api/v1/findings?limit=20", "/api/v1/findings/groups?by=rule", "/api/v1/rules",
             "/api/v1/system", "/api/v1/attack", "/api/v1/containers", "/api/v1/entities", "/metrics",
             "/api/v1/graph?root=host:node-1", f"/api/v1/findings/{7:032x}", "/api/v1/metrics"]
    wrong = []

    def read(k):
        for i in range(30):
            r = admin.get(paths[(i + k) % len(paths)])
            if r.status != 200:
                wrong.append(f"{r.status} {r.text[:100]}")

    def triage():
        for i in range(20):
            r = analyst.post("/api/v1/findings/actions", {"ids": [f"{i:032x}"], "action": "comment",
                                                          "text": f"at once {i}"})
            if r.status != 200:
                wrong.append(f"{r.status} {r.text[:100]}")

    def edit():
        for i in range(4):
            r = admin.put("/api/v1/rulefiles/many.yaml", {"text": f"- list: l{i}\n  items: [a]\n"})
            if r.status != 200:
                wrong.append(f"{r.status} {r.text[:100]}")

    def listen():
        s = Stream(admin)
        for _ in range(20):
            s.next("finding")
        s.close()

    def send():
        s = Sender(server)
        for i in range(40):
            s.send(finding(70000 + i), metrics())
            s.answers()
        s.close()

    threads = [threading.Thread(target=read, args=(k,)) for k in range(5)]
    threads += [threading.Thread(target=f) for f in (triage, edit, listen, listen, send)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(120)
    T.ok(not any(t.is_alive() for t in threads) and not wrong, "all of it at once", "\n".join(wrong[:10]))


def mount_small(path, size, *more):
    options = ",".join([f"size={size}", *more])
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)


def fill_up(sender):
    """Sends until nothing is acknowledged any more; the records sent."""
    sender.socket.settimeout(4)
    n = 0
    try:
        while n < 4000:
            sender.send(*[finding(90000 + n + k, output="x" * 20000) for k in range(20)])
            n += 20
            sender.answers()
    except (TimeoutError, OSError):
        pass
    return n


def check_full():
    """A disk that is full: records wait, the server says so, and goes on when there is room."""
    if os.geteuid() != 0:
        T.skip("a full disk", "needs root")
        return
    folder = tempfile.mkdtemp(prefix="koban-console-")
    os.mkdir(os.path.join(folder, "console"))
    mount_small(os.path.join(folder, "console"), "6m")
    try:
        server = Server(data=folder)
        admin = server.admin()
        T.ok(admin.get("/healthz").json["status"] == "ok", "a small disk: well")
        sender = Sender(server)
        n = fill_up(sender)
        health = admin.get("/healthz").json["status"]
        system = admin.get("/api/v1/system")
        T.ok(health == "degraded" and system.status == 200 and system.json["ingest"]["stuck"] and
             system.json["ingest"]["why"], f"full after {n}: it says so", (health, system.text))
        mount_small(os.path.join(folder, "console"), "400m", "remount")
        sender.socket.settimeout(60)
        sender.file = sender.socket.makefile("rb")
        refused = sender.answers()
        health = admin.get("/healthz").json["status"]
        found = admin.get(f"/api/v1/findings/{90000 + n - 1:032x}").status
        T.ok(not refused and health == "ok" and found == 200, "with room it goes on, nothing is lost",
             (refused, health, found, server.messages()[-500:]))
        sender.close()
        T.ok(server.stop() == 0, "and ends well", server.messages()[-500:])
    finally:
        subprocess.run(["umount", "-l", os.path.join(folder, "console")], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def check_restart(server):
    code = server.stop()
    T.ok(code == 0, "it ends when it is asked to", server.messages()[-500:])
    again = Server(data=server.dir)
    c = Client(again)
    T.ok(again.token is None, "a second start needs no token")
    T.ok(c.login("admin").status == 200 and
         c.get(f"/api/v1/findings/{201:032x}").status == 200, "and everything is there")
    again.stop()


def main():
    server = Server()
    public = Client(server)
    document = public.get("/openapi.json").json
    check_document(document)
    admin = server.admin()
    refused = fill(server)
    T.ok(not refused, "records are taken", refused)
    analyst, viewer = server.user(admin, "ann", "analyst"), server.user(admin, "vic", "viewer")
    clients = {"public": public, "viewer": viewer, "analyst": analyst, "admin": admin}
    check_answers(document, admin, {
        "/findings/{id}": f"/findings/{1:032x}", "/containers/{id}": "/containers/0123456789ab",
        "/rules/{name}": "/rules/" + admin.get("/api/v1/rules").json["items"][0]["name"].replace(
            " ", "%20"),
        "/rulefiles/{name}": "/rulefiles/" + make_file(admin), "/images/{id}": "/images/" + make_image(admin)})
    check_errors(document, admin)
    check_findings(document, admin)
    check_triage(admin, analyst, viewer)
    check_mutes(server, analyst)
    check_session(server, admin)
    check_users(server, admin)
    check_tokens(server, admin)
    check_rules(admin, analyst)
    check_images(admin, viewer)
    check_stream(server, admin)
    check_ingest(server, admin)
    check_together(server, admin, analyst)
    r = admin.post("/api/v1/system/backup")
    T.ok(has_shape(document, "/api/v1/system/backup", "post", r) and
         os.path.getsize(r.json["path"]) > 1000, "a backup while it runs", r.text)
    check_matrix(document, clients)
    check_secrets(server, PASSWORD, server.token, admin.cookie.split("=")[1], admin.csrf)
    T.ok(server.is_alive(), "the server is still the same", server.messages()[-2000:])
    check_restart(server)
    check_services()
    check_full()
    T.done()


def check_images(admin, viewer):
    """Reports that are none, too large, or somebody's who may not; scans of what is no registry's."""
    for text in ('{"image":{}}', "[]", '{"verdict":"fine","image":{"ref":"x"}}', '{"image":{"ref":"x"},"findings":[7]}', "{"):
        r = admin.post("/api/v1/images", raw=text)
        T.ok(r.status == 400 and r.json["error"]["message"], f"no report: {text}", r.text)
    try:
        status = admin.post("/api/v1/images", raw="{" + " " * (9 << 20) + "}").status
    except (BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
        status = 413
    T.ok(status == 413, "a report has a bound", status)
    T.ok(viewer.post("/api/v1/images", raw='{"image":{"ref":"x"}}').status == 403, "a viewer keeps none")
    big = {"image": {"ref": "big:1"}, "verdict": "clean", "packages": [
        {"type": "npm", "name": f"p{i}", "version": "1", "path": "/a" * 40} for i in range(12000)]}
    r = admin.post("/api/v1/images", raw=json.dumps(big))
    kept = admin.get("/api/v1/images/" + r.json["id"]).json if r.status == 200 else {}
    T.ok(kept.get("packages") == 12000 and kept["left_out"] and not kept["report"].get("packages"),
         "of a large report the packages are left out, and that is said", r.text)
    for ref in ("dir:/etc", "docker-archive:/x", "/etc/passwd", "-h", "a b", "x" * 501, "oci:x", "containerd:a"):
        r = admin.post("/api/v1/image-scans", {"ref": ref})
        T.ok(r.status == 400, f"no image of a registry: {ref[:20]}", r.text)
    for n in range(20):
        r = admin.post("/api/v1/image-scans", {"ref": f"localhost:1/none:{n}"})
        if r.status != 200:
            break
    T.ok(r.status == 503 and "wait already" in r.text, "only so many scans wait", r.text)


def make_image(admin):
    r = admin.post("/api/v1/images", raw=json.dumps({"image": {"ref": "example.com/a:1"}, "verdict": "risky",
                                                     "reason": "because", "labels": ["embedded-secrets"]}))
    assert r.status == 200, r.text
    return r.json["id"]


def make_file(admin):
    r = admin.put("/api/v1/rulefiles/shape.yaml", {"text": "- list: shape_of_things\n  items: [a]\n"})
    assert r.status == 200, r.text
    return "shape.yaml"


if __name__ == "__main__":
    main()
