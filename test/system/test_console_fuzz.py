#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# beside: others
"""
Random requests at a running console, made from its own OpenAPI document and broken in many ways, for
a fixed number of rounds from a fixed seed (KOBAN_FUZZ_ROUNDS and KOBAN_FUZZ_SEED change them). No
answer may be a 5xx, none may be without the shape that the document promises, and afterwards the
server has to be the same process and its store whole.
"""
import json
import os
import random
import re
import socket
import time
import urllib.parse

from console import Client, Server, Tap, fill
from schema import Schema

ROUNDS = int(os.environ.get("KOBAN_FUZZ_ROUNDS", "3000"))
SEED = int(os.environ.get("KOBAN_FUZZ_SEED", "20261128"))
# What would end the test itself.
LEFT_OUT = {"/api/v1/logout", "/api/v1/stream", "/api/v1/system/backup", "/api/v1/rules/try",
            "/api/v1/me/password", "/api/v1/login"}
WORDS = ["", "x", "null", "true", "-1", "0", "1", "999999999999999999999", "1e400", "NaN", "é€𝄞", "\u202e",
         "\u0000", "a" * 300, "a" * 70000, "../../etc/passwd", "' OR 1=1 --", "<script>", "%s%n", "{{7*7}}",
         "2026-01-31T12:00:00Z", "1969-12-31T23:59:59Z", "admin", "finding.rule = \"x\"", "(", "not not not",
         "a or b and (c", "finding.time > now", "host:node-1", "container:0123456789ab", "\n\r\n", "\\", "\"",
         f"{1:032x}", "rule", "Critical", "open", "evt.type in (a, b", "*", "\ufeff", "\U0010ffff"]


class Maker:
    """Values by a schema, mostly; sometimes anything."""

    def __init__(self, schema, rng):
        self.schema, self.rng = schema, rng

    def anything(self, depth=0):
        kind = self.rng.randrange(7 if depth < 4 else 5)
        if kind == 5:
            return [self.anything(depth + 1) for _ in range(self.rng.randrange(4))]
        if kind == 6:
            return {self.rng.choice(WORDS)[:40]: self.anything(depth + 1)
                    for _ in range(self.rng.randrange(4))}
        return self.rng.choice([None, True, self.rng.choice(WORDS), self.rng.randrange(-2**63, 2**63),
                                self.rng.random() * 1e300])

    def value(self, schema, depth=0):
        rng, s = self.rng, self.schema.resolve(schema)
        if rng.random() < 0.07 or depth > 6:
            return self.anything()
        if "anyOf" in s:
            return self.value(rng.choice(s["anyOf"]), depth)
        if "enum" in s:
            return rng.choice(s["enum"])
        kind = s.get("type", "string")
        kind = rng.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            out = {k: self.value(v, depth + 1) for k, v in s.get("properties", {}).items()
                   if k in s.get("required", []) and rng.random() < 0.95 or rng.random() < 0.5}
            if rng.random() < 0.05:
                out[rng.choice(WORDS)[:40]] = self.anything()
            return out
        if kind == "array":
            return [self.value(s.get("items", {}), depth + 1) for _ in range(rng.randrange(4))]
        if kind == "integer":
            return rng.choice([0, 1, 2, 50, -1, 10**6, s.get("maximum", 7), s.get("maximum", 7) + 1])
        if kind == "number":
            return rng.random() * 100
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "null":
            return None
        if s.get("format") == "date-time":
            return rng.choice(["2026-01-31T12:00:00Z", "2099-01-01T00:00:00+01:00", "yesterday"])
        return rng.choice(WORDS)


def text_of(value):
    return value if isinstance(value, str) else json.dumps(value)


def make(rng, maker, routes):
    method, path, op = rng.choice(routes)
    where = re.sub(r"\{.*?\}", lambda m: urllib.parse.quote(rng.choice(WORDS)[:100], safe=""), path)
    query = [(p["name"], text_of(maker.value(p["schema"]))) for p in op["parameters"]
             if p["in"] == "query" and (p["required"] or rng.random() < 0.3)]
    if rng.random() < 0.05:
        query.append((rng.choice(WORDS)[:20], rng.choice(WORDS)[:200]))
    if query:
        where += "?" + urllib.parse.urlencode([(k, v[:6000]) for k, v in query])
    body = None
    if "requestBody" in op:
        schema = op["requestBody"]["content"]["application/json"]["schema"]
        body = json.dumps(maker.value(schema)).encode("utf-8", "surrogatepass")
        if rng.random() < 0.15:
            body = mutate(rng, body)
    return method, path, where, body, op


def mutate(rng, data):
    data = bytearray(data or b"{}")
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0:
            data[at:at] = bytes([rng.randrange(256)])
        elif what == 1:
            del data[at:at + rng.randrange(1, 20)]
        elif what == 2 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        else:
            data[at:at] = data[:rng.randrange(50)]
    return bytes(data)


def faults_of(schema, document, path, method, op, r):
    if r.status >= 500:
        return [f"{r.status}: {r.text[:300]}"]
    if r.status == 200:
        content = op["responses"]["200"]["content"].get("application/json")
        return list(schema.faults(r.json, content["schema"])) if content else []
    return list(schema.faults(r.json, document["components"]["schemas"]["Error"]))


def fuzz_api(T, admin, document, rng):
    schema = Schema(document)
    maker = Maker(schema, rng)
    routes = [(m.upper(), p, op) for p, item in document["paths"].items() for m, op in item.items()
              if p not in LEFT_OUT]
    wrong, statuses = [], {}
    for _ in range(ROUNDS):
        method, path, where, body, op = make(rng, maker, routes)
        r = admin.ask(method, where, raw=body, headers={"Content-Type": "application/json"} if body else None)
        if r.status == 429:
            time.sleep(0.5)
        statuses[r.status] = statuses.get(r.status, 0) + 1
        wrong += [f"{method} {where[:200]} {(body or b'')[:200]}: {f}"
                  for f in faults_of(schema, document, path, method, op, r)]
    print(f"# {ROUNDS} requests from seed {SEED}: " +
          ", ".join(f"{k}: {n}" for k, n in sorted(statuses.items())))
    T.ok(not wrong, "no answer is a fault of the server, or without its shape", "\n".join(wrong[:30]))
    T.ok(statuses.get(200, 0) > ROUNDS / 20, "and enough of them were taken to mean something", statuses)


def fuzz_bytes(T, server, admin, rng):
    """Whole requests as bytes, broken anywhere."""
    seeds = [f"GET /api/v1/findings?limit=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {admin.cookie}\r\n\r\n",
             f"POST /api/v1/findings/actions HTTP/1.1\r\nHost: localhost\r\nCookie: {admin.cookie}\r\n"
             f"X-CSRF-Token: {admin.csrf}\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n"
             '{"ids":["x"],"action":"resolve"}  ',
             "POST /api/v1/login HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: br, gzip;q=0.5\r\nIf-None-Match: *\r\n\r\n"]
    bad = 0
    for i in range(ROUNDS // 5):
        data = mutate(rng, rng.choice(seeds).encode())
        s = socket.socket()
        s.bind((f"127.0.2.{i % 8 + 1}", 0))
        s.settimeout(0.05)
        try:
            s.connect(("127.0.0.1", server.port))
            s.sendall(data)
            bad += s.recv(100).startswith(b"HTTP/1.1 5")
        except OSError:
            pass
        s.close()
    T.ok(not bad, "broken bytes are no fault of the server", bad)


def main():
    T, rng = Tap(), random.Random(SEED)
    server = Server()
    admin = server.admin()
    fill(server)
    document = admin.get("/openapi.json").json
    fuzz_api(T, admin, document, rng)
    fuzz_bytes(T, server, admin, rng)
    T.ok(server.is_alive(), "the server is the same process", server.messages()[-2000:])
    T.ok("error" not in server.messages(), "and had nothing to complain of", server.messages()[-2000:])
    again = Client(server)
    T.ok(again.login("admin").status == 200 and again.get("/api/v1/now").status == 200, "and answers")
    T.ok(server.stop() == 0, "and ends as it should")
    whole = Server(data=server.dir)
    T.ok(Client(whole).login("admin").status == 200, "and its store is whole", whole.messages())
    whole.stop()
    T.done()


if __name__ == "__main__":
    main()
