#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# beside: others
"""
The registry client against docker-registry with logins (htpasswd, and tokens from a token server that
the test plays), with TLS, and against a server that does everything wrong that a server can: other
bytes than promised, connections that break, "too many requests", redirects to strangers, documents
without end, a byte now and then. Nothing leaks, nothing hangs, every error says what was wrong.
"""
import base64
import gzip
import http.server
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from images import Registry, free_port, read, run, sha256, umoci
from koban import BINARY, Tap

TAP = Tap()
PASSWORD = "correct horse " + "battery"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def failed(name, said, code, *words):
    TAP.ok(said.get("error") == code and all(w in said["message"] for w in words) and
           PASSWORD not in json.dumps(said), name, said)


def docker_config(folder, config):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return ("--docker-config", folder)


# ---- real registries with logins ----

def bcrypt(password):
    return run("perl", "-e", 'print crypt($ARGV[0], q($2b$05$abcdefghijklmnopqrstuu))', password)


def push(t, registry, name, *login):
    run("skopeo", "copy", "-q", "--dest-tls-verify=false", *login, f"oci:{t}/layout:v1",
        f"docker://{registry.host}/{name}")


def test_basic(t):
    passwords = t / "htpasswd"
    passwords.write_text(f"anna:{bcrypt(PASSWORD)}\n", "utf-8")
    registry = Registry(t / "basic", f"auth:\n  htpasswd:\n    realm: koban\n    path: {passwords}\n")
    try:
        push(t, registry, "app:v1", "--dest-creds", f"anna:{PASSWORD}")
        plain, ref = ("--insecure", registry.host), f"{registry.host}/app:v1"
        good = {"auth": b64(f"anna:{PASSWORD}")}
        none = docker_config(t / "none", {})
        failed("no login: it says how to", read(*plain, *none, "open", ref), "EACCES", "docker login")
        said = read(*plain, "--user", "anna", "--password", PASSWORD, "open", ref)
        TAP.ok("layers" in said, "--user and a password", said)
        failed("a wrong password", read(*plain, "--user", "anna", "--password", "x", "open", ref), "EACCES")
        said = read(*plain, *docker_config(t / "auths", {"auths": {registry.host: good}}), "open", ref)
        TAP.ok("layers" in said, "Docker's config.json", said)
        said = read(*plain, *docker_config(t / "auths", {"auths": {f"http://{registry.host}/v1/": good}}),
                    "open", ref)
        TAP.ok("layers" in said, "the key of an old Docker", said)
        said = read(*plain, *docker_config(t / "auths", {"auths": {registry.host + "0": good}}), "open", ref)
        failed("another registry's login is not used", said, "EACCES")
        said = read(*plain, *docker_config(t / "auths", {"auths": {registry.host: {"auth": "%%%"}}}), "open", ref)
        failed("a login that is no base64", said, "EINVAL", "config.json")
        (t / "auth.json").write_text(json.dumps({"auths": {f"{registry.host}/app": good}}), "utf-8")
        home = {"HOME": str(t / "nohome"), "DOCKER_CONFIG": "", "XDG_RUNTIME_DIR": "",
                "REGISTRY_AUTH_FILE": str(t / "auth.json")}
        said = read(*plain, "open", ref, env=home)
        TAP.ok("layers" in said, "auth.json of podman, with a key for the repository", said)
        said = read(*plain, "--user", "anna", "--password", PASSWORD, "catalog", registry.host)
        TAP.ok(said.get("names") == ["app"], "the catalogue with a login", said)
        test_helpers(t, plain, registry, ref)
        test_options(t, registry, ref)
    finally:
        registry.close()


def koban_sbom(*args, text=""):
    """What `koban image sbom` says: its exit code, and its errors or its text."""
    p = subprocess.run([BINARY, "image", "sbom", "--no-cache", *map(str, args)], input=text, text=True,
                       capture_output=True, env={**os.environ, "DOCKER_CONFIG": "/nowhere"}, timeout=60)
    return p.returncode, p.stderr or p.stdout


def test_options(t, registry, ref):
    """The same from the command line."""
    (t / "secret").write_text(PASSWORD + "\n", "utf-8")
    plain = ("--insecure", registry.host)
    code, said = koban_sbom(*plain, "--user", "anna", "--password-file", t / "secret", ref)
    TAP.ok(code == 0 and "CycloneDX" in said, "a user, and a password from a file", said)
    code, said = koban_sbom(*plain, "--user", "anna", "--password-file", "-", ref, text=PASSWORD)
    TAP.ok(code == 0 and "CycloneDX" in said, "a password from standard input", said)
    code, said = koban_sbom(*plain, "--user", "anna", "--password-file", "-", ref, text="wrong")
    TAP.ok(code == 2 and "with this login" in said and "wrong" not in said, "a wrong password is refused and not shown", said)
    code, said = koban_sbom(*plain, "--user", f"{registry.host}=anna", "--password-file", t / "secret", ref)
    TAP.ok(code == 0 and "CycloneDX" in said, "a user of this registry", said)
    for others in (("--user", "registry.example.org=anna", "--password-file", t / "secret", ref),
                   ("--user", "anna", "--password-file", t / "secret", "--mirror", f"127.0.0.1:1={registry.host}",
                    "127.0.0.1:1/app:v1")):
        code, said = koban_sbom(*plain, "--insecure", "127.0.0.1:1", *others)
        TAP.ok(code == 2, "another registry, and a mirror, are not told a password", said)
    p = subprocess.run([BINARY, "image", "scan", "--user", "anna", "--password-file", t / "secret", ref, ref],
                       capture_output=True, text=True, timeout=60)
    TAP.ok(p.returncode == 2 and "--user REGISTRY=anna" in p.stderr, "nor those of several images", p.stderr)
    for args, what in ((("--user", "anna"), "--password-file"), (("--password-file", t / "secret"), "--user"),
                       (("--user", "anna", "--password-file", t / "missing"), "missing: No such file"),
                       (("--user", "anna", "--password-file", "/dev/null"), "nothing in its first line")):
        code, said = koban_sbom(*plain, *args, ref)
        TAP.ok(code == 2 and what in said, f"half a login: {what}", said)


def helper(folder, name, script):
    folder.mkdir(exist_ok=True)
    path = folder / f"docker-credential-{name}"
    path.write_text("#!/bin/sh\n" + script, "utf-8")
    path.chmod(0o755)


def test_helpers(t, plain, registry, ref):
    path = {"PATH": f"{t}/helpers:{os.environ['PATH']}"}
    answer = json.dumps({"ServerURL": registry.host, "Username": "anna", "Secret": PASSWORD})
    helper(t / "helpers", "good", f"read server; [ \"$1\" = get ] && [ \"$server\" = {registry.host} ] && "
           f"echo '{answer}'\n")
    helper(t / "helpers", "empty", "echo 'credentials not found in native keychain'; exit 1\n")
    helper(t / "helpers", "broken", f"echo 'my secret is {PASSWORD}'\n")
    helper(t / "helpers", "endless", "yes\n")

    def ask(config):
        return read(*plain, *docker_config(t / "helped", config), "open", ref, env=path)

    said = ask({"credHelpers": {registry.host: "good"}, "credsStore": "broken"})
    TAP.ok("layers" in said, "a credential helper of one registry", said)
    said = ask({"credsStore": "good"})
    TAP.ok("layers" in said, "the credential store of all", said)
    said = ask({"credsStore": "empty", "auths": {registry.host: {"auth": b64(f"anna:{PASSWORD}")}}})
    TAP.ok("layers" in said, "what the store does not have may be in the file", said)
    failed("a helper that does not answer in JSON is not quoted", ask({"credsStore": "broken"}), "EBADMSG",
           "docker-credential-broken")
    failed("a helper that does not stop", ask({"credsStore": "endless"}), "EFBIG")
    failed("a helper that is not there", ask({"credsStore": "lost"}), "ENOENT", "docker-credential-lost")
    failed("a helper with a path", ask({"credsStore": "../evil"}), "EINVAL")


class TokenServer:
    """Issues what docker-registry's token authentication accepts (JWT, RS256, x5c)."""

    def __init__(self, folder):
        self.key, self.cert = folder / "token.key", folder / "token.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=koban-test",
            "-keyout", self.key, "-out", self.cert)
        self.requests, self.busy = [], 0
        outer = self

        class Handler(Quiet):
            def do_GET(self):
                outer.answer(self, urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.answer(self, urllib.parse.parse_qs(body))

        self.server = serve(Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"

    def answer(self, handler, query):
        who = handler.headers.get("Authorization")
        self.requests.append((query, who))
        if self.busy:
            self.busy -= 1
            handler.reply(503, b"", {"Retry-After": "0"})
            return
        token = query.get("refresh_token") == ["identity"]
        if who not in (None, f"Basic {b64('anna:' + PASSWORD)}"):
            handler.reply(401, b"{}")
            return
        access = []
        for scope in query.get("scope", []):
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            if who or token or name.startswith("public/"):
                access.append({"type": kind, "name": name, "actions": actions.split(",")})
        handler.reply(200, json.dumps({"token": self.token(query["service"][0], access)}).encode())

    def token(self, service, access):
        def part(value):
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        now = int(time.time())
        cert = "".join(l for l in self.cert.read_text().splitlines() if "-----" not in l)
        text = part({"typ": "JWT", "alg": "RS256", "x5c": [cert]}) + b"." + part(
            {"iss": "koban-test", "sub": "", "aud": service, "exp": now + 300, "nbf": now - 10, "iat": now,
             "jti": "1", "access": access})
        signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text,
                                capture_output=True, check=True).stdout
        return (text + b"." + part(signed)).decode()

    def config(self):
        return (f"auth:\n  token:\n    realm: {self.url}\n    service: koban-registry\n"
                f"    issuer: koban-test\n    rootcertbundle: {self.cert}\n")


def test_token(t):
    tokens = TokenServer(t)
    registry = Registry(t / "token", tokens.config())
    plain, none = ("--insecure", registry.host), docker_config(t / "none", {})
    login = ("--user", "anna", "--password", PASSWORD)
    try:
        for name in ("public/app:v1", "private/app:v1"):
            push(t, registry, name, "--dest-creds", f"anna:{PASSWORD}")
        tokens.requests.clear()
        said = read(*plain, *none, "open", f"{registry.host}/public/app:v1")
        TAP.ok("layers" in said, "a token for anybody", said)
        TAP.ok(len(tokens.requests) == 1 and tokens.requests[0] == (
            {"service": ["koban-registry"], "scope": ["repository:public/app:pull"]}, None),
            "one token for the whole image, for pulling it and no more", tokens.requests)
        failed("what is private stays so", read(*plain, *none, "open", f"{registry.host}/private/app:v1"), "EACCES")
        said = read(*plain, *login, "open", f"{registry.host}/private/app:v1")
        TAP.ok("layers" in said, "a token for a name and password", said)
        failed("a wrong password at the token server", read(
            *plain, "--user", "anna", "--password", "no", "open", f"{registry.host}/private/app:v1"), "EACCES",
            "docker login")
        tokens.requests.clear()
        said = read(*plain, *docker_config(t / "identity", {"auths": {registry.host: {"identitytoken": "identity"}}}),
                    "open", f"{registry.host}/private/app:v1")
        TAP.ok("layers" in said and tokens.requests[0][0]["grant_type"] == ["refresh_token"],
               "an identity token is exchanged", said)
        said = read(*plain, *login, "catalog", registry.host)
        TAP.ok(said.get("names") == ["private/app", "public/app"], "the catalogue with a token", said)
        tokens.busy = 1
        said = read(*plain, *login, "open", f"{registry.host}/private/app:v1")
        TAP.ok("layers" in said and "waiting" in said["stderr"], "a token server that is busy is asked again", said)
    finally:
        registry.close()
        tokens.server.shutdown()


def test_tls(t):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", t / "tls.key", "-out", t / "tls.pem")
    registry = Registry(t / "tls", f"  tls:\n    certificate: {t}/tls.pem\n    key: {t}/tls.key\n")
    try:
        push(t, registry, "app:v1")
        ref = f"{registry.host}/app:v1"
        failed("a certificate that nobody vouches for", read("open", ref), "EPROTO", "certs.d")
        said = read("--ca-file", t / "tls.pem", "open", ref)
        TAP.ok("layers" in said, "--ca-file", said)
        code, said = koban_sbom("--ca-file", t / "tls.pem", ref)
        TAP.ok(code == 0 and "CycloneDX" in said, "--ca-file of the command", said)
        if os.geteuid() == 0:
            place = Path("/etc/docker/certs.d") / registry.host
            place.mkdir(parents=True)
            shutil.copy(t / "tls.pem", place / "ca.crt")
            try:
                said = read("open", ref)
            finally:
                shutil.rmtree(place)
            TAP.ok("layers" in said, "an authority that Docker would take", said)
    finally:
        registry.close()


# ---- a server that does everything wrong ----

class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self):
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, format, *args):
        pass

    def reply(self, status, body, headers=(), length=None):
        self.send_response(status)
        for key, value in dict(headers).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def make_image():
    """Manifest, and blobs by digest: one layer of 3 MiB."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        info = tarfile.TarInfo("big")
        info.size = 3 << 20
        archive.addfile(info, io.BytesIO(os.urandom(3 << 20)))
    layer = gzip.compress(tar.getvalue(), 1)
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": [sha256(tar.getvalue())]}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(config), "size": len(config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": sha256(layer),
                    "size": len(layer)}]}).encode()
    return manifest, {sha256(config): config, sha256(layer): layer}, sha256(layer)


class Hostile:
    """A registry whose repositories are called after what is wrong with them."""

    def __init__(self):
        self.manifest, self.blobs, self.layer = make_image()
        self.seen, self.counts = [], {}
        outer = self

        class Stranger(Quiet):  # another host, to which redirects lead
            def do_GET(self):
                outer.seen.append(("stranger", self.path, self.headers.get("Authorization")))
                digest = self.path.rsplit("/", 1)[-1].split("?")[0]
                self.reply(200, outer.blobs[digest])

        class Handler(Quiet):
            def do_GET(self):
                outer.seen.append(("own", self.path, self.headers.get("Authorization")))
                outer.answer(self)

        self.stranger, self.server = serve(Stranger), serve(Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"

    def count(self, key):
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]

    def answer(self, h):
        _, _, name, kind, what = (h.path.split("?")[0].split("/") + ["", "", ""])[:5]
        act = getattr(self, "at_" + name.strip("_").replace("-", "_"), None)
        if act and act(h, kind, what):
            return
        if kind == "manifests":
            h.reply(200, self.manifest, {"Content-Type": MANIFEST})
        elif what in self.blobs:
            self.send_blob(h, self.blobs[what])
        else:
            h.reply(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"no such thing \\u001b[31m"}]}')

    def send_blob(self, h, blob, cut=None, ranges=True):
        asked = h.headers.get("Range")
        start = int(asked[6:].rstrip("-")) if asked and ranges else 0
        headers = {"Content-Range": f"bytes {start}-{len(blob) - 1}/{len(blob)}"} if asked and ranges else {}
        body = blob[start:]
        if cut is None:
            h.reply(206 if headers else 200, body, headers)
            return
        h.reply(206 if headers else 200, body[:cut], headers, length=len(body))
        h.wfile.flush()
        h.close_connection = True

    # blobs

    def at_wrong(self, h, kind, what):
        if what == self.layer:
            blob = bytearray(self.blobs[what])
            blob[1000] ^= 1
            h.reply(200, bytes(blob))
            return True
        return False

    def at_wrong_config(self, h, kind, what):
        if kind == "blobs" and what != self.layer:
            h.reply(200, self.blobs[what].replace(b"amd64", b"arm64"))
            return True
        return False

    def at_cut(self, h, kind, what):
        """Breaks off after 1 MiB, each time."""
        if what == self.layer:
            self.send_blob(h, self.blobs[what], cut=1 << 20)
        return what == self.layer

    def at_cut_always(self, h, kind, what):
        if what == self.layer:
            self.send_blob(h, self.blobs[what], cut=1000)
        return what == self.layer

    def at_cut_no_ranges(self, h, kind, what):
        if what == self.layer:
            self.send_blob(h, self.blobs[what], cut=1 << 20 if self.count("no-ranges") == 1 else None, ranges=False)
        return what == self.layer

    def at_cut_other(self, h, kind, what):
        """Goes on with other bytes than it began with."""
        if what == self.layer:
            blob = self.blobs[what]
            if h.headers.get("Range"):
                blob = blob[:-10] + bytes(10)
            self.send_blob(h, blob, cut=None if h.headers.get("Range") else 1 << 20)
        return what == self.layer

    def at_wrong_range(self, h, kind, what):
        if what != self.layer:
            return False
        if h.headers.get("Range"):
            h.reply(206, self.blobs[what], {"Content-Range": f"bytes 0-9/{len(self.blobs[what])}"})
        else:
            self.send_blob(h, self.blobs[what], cut=1 << 20)
        return True

    def at_endless_blob(self, h, kind, what):
        if what != self.layer:
            return False
        self.endless(h, self.blobs[what])
        return True

    def endless(self, h, start):
        h.send_response(200)
        h.send_header("Content-Type", MANIFEST)
        h.send_header("Connection", "close")
        h.end_headers()
        h.close_connection = True
        h.wfile.write(start)
        for _ in range(2000):
            h.wfile.write(b" " * 65536)

    def at_drip(self, h, kind, what):
        """A byte now and then."""
        if what != self.layer:
            return False
        h.send_response(200)
        h.send_header("Content-Length", str(len(self.blobs[what])))
        h.end_headers()
        for i in range(600):
            h.wfile.write(self.blobs[what][i:i + 1])
            h.wfile.flush()
            time.sleep(0.1)
        return True

    def at_drip_head(self, h, kind, what):
        if kind != "manifests":
            return False
        h.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(600):
            h.wfile.write(b"X-%d: y\r\n" % i)
            h.wfile.flush()
            time.sleep(0.1)
        return True

    # manifests

    def at_endless_manifest(self, h, kind, what):
        if kind == "manifests":
            self.endless(h, b"{")
        return kind == "manifests"

    def at_endless_head(self, h, kind, what):
        h.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(100000):
            h.wfile.write(b"X-%d: %s\r\n" % (i, b"y" * 500))
        return True

    def at_schema1(self, h, kind, what):
        h.reply(200, json.dumps({"schemaVersion": 1, "name": "x", "fsLayers": [], "history": []}).encode())
        return True

    def at_deep(self, h, kind, what):
        h.reply(200, b'{"layers":' + b"[" * 100000 + b"]" * 100000 + b"}")
        return True

    def at_both(self, h, kind, what):
        both = {**json.loads(self.manifest), "manifests": []}
        del both["mediaType"]
        h.reply(200, json.dumps(both).encode())
        return True

    def at_case(self, h, kind, what):
        two = {**json.loads(self.manifest), "Layers": []}
        h.reply(200, json.dumps(two).encode())
        return True

    def at_no_json(self, h, kind, what):
        h.reply(200, b"<html>log in</html>", {"Content-Type": "text/html"})
        return True

    def at_many_layers(self, h, kind, what):
        many = json.loads(self.manifest)
        many["layers"] *= 1001
        h.reply(200, json.dumps(many).encode())
        return True

    def at_other_layers(self, h, kind, what):
        if kind != "manifests":
            return False
        other = json.loads(self.manifest)
        other["layers"] *= 2
        h.reply(200, json.dumps(other).encode())
        return True

    def at_big_config(self, h, kind, what):
        if kind != "manifests":
            return False
        big = json.loads(self.manifest)
        big["config"]["size"] = 9 << 20
        h.reply(200, json.dumps(big).encode())
        return True

    def at_chart(self, h, kind, what):
        chart = json.loads(self.manifest)
        chart["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"
        h.reply(200, json.dumps(chart).encode())
        return True

    def at_wrong_header(self, h, kind, what):
        if kind == "manifests":
            h.reply(200, self.manifest, {"Docker-Content-Digest": sha256(b"other")})
        return kind == "manifests"

    # patience

    def at_busy(self, h, kind, what):
        if self.count(h.path) > 1:
            return False
        h.reply(429, b'{"errors":[{"code":"TOOMANYREQUESTS"}]}', {"Retry-After": "1"})
        return True

    def at_busy_503(self, h, kind, what):
        if self.count(h.path) > 1:
            return False
        h.reply(503, b"", {"Retry-After": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 2))})
        return True

    def at_busy_always(self, h, kind, what):
        h.reply(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"pull rate limit"}]}')
        return True

    def at_busy_for_days(self, h, kind, what):
        h.reply(429, b"", {"Retry-After": "864000"})
        return True

    # redirects

    def at_redirect(self, h, kind, what):
        """As S3 and CDNs are used: blobs lie elsewhere."""
        if h.headers.get("Authorization") != f"Basic {b64('anna:' + PASSWORD)}":
            h.reply(401, b"{}", {"WWW-Authenticate": 'Basic realm="x"'})
            return True
        if kind == "manifests":
            return False
        h.reply(307, b"", {"Location": f"http://127.0.0.1:{self.stranger.server_port}/{what}?signature=abc"})
        return True

    def at_redirect_back(self, h, kind, what):
        h.reply(302, b"", {"Location": f"/v2/redirect-back/{kind}/{what}"})
        return True

    def at_redirect_file(self, h, kind, what):
        h.reply(302, b"", {"Location": "file:///etc/passwd"})
        return True

    def at_redirect_user(self, h, kind, what):
        h.reply(302, b"", {"Location": f"http://user:pw@{self.host}/v2/x/manifests/y"})
        return True

    # logins

    def at_token_file(self, h, kind, what):
        h.reply(401, b"{}", {"WWW-Authenticate": 'Bearer realm="file:///etc/passwd",service="x"'})
        return True

    def at_token_no_json(self, h, kind, what):
        if kind == "token":
            h.reply(200, b"hello")
        else:
            h.reply(401, b"{}", {"WWW-Authenticate": f'Bearer realm="http://{self.host}/v2/token-no-json/token"'})
        return True

    def at_token_lines(self, h, kind, what):
        if kind == "token":
            h.reply(200, json.dumps({"token": "a\r\nX-Evil: 1"}).encode())
        else:
            h.reply(401, b"{}", {"WWW-Authenticate": f'Bearer realm="http://{self.host}/v2/token-lines/token"'})
        return True

    def at_token_in_vain(self, h, kind, what):
        if kind == "token":
            h.reply(200, b'{"token":"abc"}')
        else:
            h.reply(401, b"{}", {"WWW-Authenticate": f'Bearer realm="http://{self.host}/v2/token-in-vain/token"'})
        return True

    def at_kerberos(self, h, kind, what):
        h.reply(401, b"{}", {"WWW-Authenticate": "Negotiate"})
        return True

    # lists

    def at_catalog(self, h, kind, what):
        """Two pages, with names that are none."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(h.path).query)
        if "last" in query:
            h.reply(200, b'{"repositories":["b/c"]}')
        else:
            h.reply(200, json.dumps({"repositories": ["a", "../../etc", "A B", "x\n", "a:b", "a@b", "", None, 7]}).encode(),
                    {"Link": '</v2/_catalog?last=a&n=9>; rel="next"'})
        return True

    def at_pages_away(self, h, kind, what):
        h.reply(200, b'{"tags":["one"]}', {"Link": f'<http://127.0.0.1:{self.stranger.server_port}/x>; rel="next"'})
        return True


def test_hostile(t):
    server = Hostile()
    none = docker_config(t / "none", {})
    base = ("--insecure", server.host, "--retries", "3", *none)

    def ask(name, *more):
        return read(*base, *more, "open", f"{server.host}/{name}:v1")

    TAP.ok("layers" in ask("fine"), "the server serves a sound image")
    failed("a layer that is not what its digest says", ask("wrong"), "EBADMSG", "not what its digest says")
    failed("a config that is not", ask("wrong-config"), "EBADMSG")
    failed("a manifest that is not what the server says", ask("wrong-header"), "EBADMSG")
    failed("a manifest that is not what was asked for", read(
        *base, "open", f"{server.host}/fine@{sha256(b'other')}"), "EBADMSG")
    server.seen.clear()
    said = ask("cut")
    TAP.ok("layers" in said and said["stderr"].count("waiting") >= 2, "a blob that breaks off is resumed", said)
    TAP.ok(sum(server.layer in path for _, path, _ in server.seen) == 4, "with one request for each part",
           server.seen)
    said = ask("cut-no-ranges")
    TAP.ok("layers" in said, "a server without ranges: what was had is passed over", said)
    failed("a blob that goes on with other bytes", ask("cut-other"), "EBADMSG")
    failed("a server that sends another part", ask("wrong-range"), "EPROTO")
    failed("a blob that always breaks off is given up", ask("cut-always"), "ECONNRESET", "4 attempts")
    failed("a blob without end", ask("endless-blob"), "EBADMSG", "longer than")
    failed("a byte now and then", ask("drip", "--retries", "1", "--stall", "3"), "ETIMEDOUT")
    failed("a head that drips", ask("drip-head", "--retries", "1", "--stall", "3"), "ETIMEDOUT")
    failed("a manifest without end", ask("endless-manifest"), "EFBIG", "4096 KiB")
    failed("a head without end", ask("endless-head"), "EPROTO", "256 KiB")
    failed("Docker's schema 1", ask("schema1"), "EPROTONOSUPPORT", "schema 1", "skopeo copy")
    failed("JSON that is nested without end", ask("deep"), "EBADMSG", "deep")
    failed("a manifest that is an index, too", ask("both"), "EBADMSG", "at once")
    failed("keys that differ in case", ask("case"), "EBADMSG", '"Layers"')
    failed("a page of HTML", ask("no-json"), "EBADMSG")
    failed("a thousand and one layers", ask("many-layers"), "EBADMSG", "1001 layers")
    failed("a manifest with other layers than its config", ask("other-layers"), "EBADMSG", "belong together")
    failed("a config of 9 MiB", ask("big-config"), "EFBIG")
    failed("a Helm chart", ask("chart"), "EPROTONOSUPPORT", "helm")
    said = ask("busy")
    TAP.ok("layers" in said and "waiting 1 s" in said["stderr"], "429 with Retry-After is waited out", said)
    said = ask("busy-503")
    TAP.ok("layers" in said and "waiting" in said["stderr"], "so is 503 with a date", said)
    failed("429 for ever", ask("busy-always", "--retries", "1"), "EBUSY", "429", "pull rate limit")
    failed("429 for ten days", ask("busy-for-days"), "EBUSY", "864000")
    server.seen.clear()
    said = ask("redirect", "--user", "anna", "--password", PASSWORD)
    away = [auth for who, _, auth in server.seen if who == "stranger"]
    TAP.ok("layers" in said and len(away) == 2 and away == [None] * 2,
           "redirects are followed, and the login stays at home", (said, server.seen))
    failed("redirects in a circle", ask("redirect-back"), "ELOOP")
    failed("a redirect to a file", ask("redirect-file"), "EPROTO")
    failed("a redirect with a password", ask("redirect-user"), "EPROTO")
    login = ("--user", "anna", "--password", PASSWORD)
    failed("a token server that is a file", ask("token-file", *login), "EPROTO")
    said = ask("token-no-json", *login)
    failed("a token server that speaks no JSON", said, "EBADMSG")
    TAP.ok("hello" not in said["message"], "what it says is not quoted: it may be a token", said)
    failed("a token with line ends", ask("token-lines", *login), "EBADMSG")
    failed("a token that is not accepted", ask("token-in-vain", *login), "EACCES")
    failed("a login of another kind", ask("kerberos", *login), "EACCES", "not known")
    said = ask("nothing_")
    TAP.ok("\x1b" not in json.dumps(said), "what a server says cannot rule the terminal", said)
    test_lists(server, base)
    said = read("--insecure", "127.0.0.1:1", "open", f"127.0.0.1:{free_port()}/x")
    failed("nobody there", said, "EHOSTUNREACH")
    said = ask("fine", "--mirror", f"{server.host}=127.0.0.1:1", "--insecure", "127.0.0.1:1")
    TAP.ok("layers" in said, "a mirror that is not there: the registry is asked", said)
    server.server.shutdown()
    server.stranger.shutdown()


def test_lists(server, base):
    server.at__catalog = server.at_catalog
    said = read(*base, "catalog", server.host)
    TAP.ok(said.get("names") == ["a", "b/c"], "the catalogue: all pages, no name that is none", said)
    said = read(*base, "tags", f"{server.host}/pages-away")
    TAP.ok(said.get("names") == ["one"] and not any(w == "stranger" and p == "/x" for w, p, _ in server.seen),
           "pages are asked for at the same server only", said)


def main():
    t = Path(tempfile.mkdtemp(prefix="koban-registry-", dir="/var/tmp"))
    try:
        umoci(t / "layout", "v1", t / "work", lambda root: (root / "a").write_text("a", "utf-8"))
        test_basic(t)
        test_token(t)
        test_tls(t)
        test_hostile(t)
    finally:
        shutil.rmtree(t, ignore_errors=True)
    TAP.done()


if __name__ == "__main__":
    sys.exit(main())
