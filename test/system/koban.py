# SPDX-License-Identifier: Apache-2.0
"""What the system tests share: a running koban, containers, TAP.
# not-a-test: what the system tests share

A test starts koban on the real kernel, does something harmless and waits for the finding. Needs
root. Environment: KOBAN_BUILD (build folder), KOBAN_SHARED (where ../shared is).
"""
import atexit
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("KOBAN_BUILD", os.path.join(ROOT, "build")))
SHARED = os.environ.get("KOBAN_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
BINARY = os.path.join(BUILD, "src", "cmd", "koban")
PUBLIC_RULES = os.path.join(SHARED, "corpora", "falco-rules")
OWN_RULES = os.path.join(ROOT, "data", "rules")
IMAGE = "localhost/koban-test"


class Tap:
    """Counts and prints test points."""

    def __init__(self):
        self.n = 0
        self.failed = 0

    def ok(self, good, name, detail=""):
        self.n += 1
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}", flush=True)
        if not good:
            self.failed += 1
            for line in str(detail).splitlines()[:40]:
                print(f"# {line}", flush=True)
        return good

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}", flush=True)

    def done(self):
        print(f"1..{self.n}", flush=True)
        sys.exit(1 if self.failed else 0)


def need_root():
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        sys.exit(0)


def need_shared(path):
    """Says so and ends when ../shared is not there."""
    if not os.path.exists(path):
        print(f"1..0 # SKIP skipped: needs ../shared/{os.path.relpath(path, SHARED)}")
        sys.exit(0)


class Koban:
    """A running `koban watch --json`; findings are collected as dicts."""

    def __init__(self, rules, *options, all_rules=True, wait=True):
        args = [BINARY, "watch", "--json"]
        for r in rules:
            args += ["-r", r]
        if all_rules:
            args += ["-o", "rule_matching=all"]
        args += ["-o", "webserver.enabled=false", "-o", "resolve_names=false", *options]
        self.findings = []
        self.stderr = ""
        self.lock = threading.Condition()
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, errors="replace")
        self.threads = [threading.Thread(target=self._read_out, daemon=True),
                        threading.Thread(target=self._read_err, daemon=True)]
        for t in self.threads:
            t.start()
        atexit.register(self.stop)
        if wait and not self.wait_stderr("watching:", 60):
            self.stop()
            raise RuntimeError("koban did not start: " + self.stderr)

    def _read_out(self):
        for line in self.process.stdout:
            with self.lock:
                try:
                    self.findings.append(json.loads(line))
                except ValueError:
                    self.stderr += "not JSON: " + line
                self.lock.notify_all()

    def _read_err(self):
        for line in self.process.stderr:
            with self.lock:
                self.stderr += line
                self.lock.notify_all()

    def wait_stderr(self, text, seconds):
        with self.lock:
            return self.lock.wait_for(lambda: text in self.stderr or self.process.poll() is not None,
                                      seconds) and text in self.stderr

    def mark(self):
        """A place in the findings; pass it to wait()."""
        with self.lock:
            return len(self.findings)

    def wait(self, match, seconds=5, since=0):
        """The first finding from `since` on for which match(finding); None after `seconds`."""
        end = time.monotonic() + seconds
        at = since
        with self.lock:
            while True:
                while at < len(self.findings):
                    if match(self.findings[at]):
                        return self.findings[at]
                    at += 1
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.lock.wait(left)

    def since(self, mark):
        with self.lock:
            return self.findings[mark:]

    def stop(self, sig=signal.SIGTERM):
        """Ends it and returns what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for t in self.threads:
            t.join(5)
        return self.stderr


def field(finding, name):
    return finding.get("output_fields", {}).get(name)


def run(command, timeout=60, **kw):
    return subprocess.run(command, capture_output=True, text=True, errors="replace",
                          timeout=timeout, check=False, **kw)


def scratch():
    path = tempfile.mkdtemp(prefix="koban-test-")
    os.chmod(path, 0o755)
    atexit.register(shutil.rmtree, path, True)
    return path


def compile_c(source, out, *flags):
    """A static helper program from test/system/; False when it does not build."""
    r = run(["gcc", "-O1", "-static", *flags, "-o", out, os.path.join(ROOT, "test", "system", source)])
    return r.returncode == 0


# ---- containers ---------------------------------------------------------------------------

APPLETS = ("sh cat ls ln cp mv rm rmdir mkdir touch chmod chown sleep echo env id head tail nc dd "
           "mount umount ps wget crontab sed grep find tar true ip mkfifo vi ash adduser mknod "
           "kill pkill killall sysctl insmod chroot chattr date sync xargs nohup setsid tee").split()


def make_rootfs(path, kbtrig=None):
    """A root file system of static BusyBox, and the helper if it is given."""
    for d in ("bin", "etc", "dev", "proc", "sys", "tmp", "root", "var/log", "usr/bin", "scratch"):
        os.makedirs(os.path.join(path, d), exist_ok=True)
    shutil.copy("/bin/busybox", os.path.join(path, "bin", "busybox"))
    for a in APPLETS:
        os.link(os.path.join(path, "bin", "busybox"), os.path.join(path, "bin", a))
    for name, text in (("passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"),
                       ("group", "root:x:0:\n"), ("shadow", "root:*:1::::::\n"),
                       ("hosts", "127.0.0.1 localhost\n")):
        with open(os.path.join(path, "etc", name), "w", encoding="utf-8") as f:
            f.write(text)
    if kbtrig:
        shutil.copy(kbtrig, os.path.join(path, "bin", "kbtrig"))


PODMAN = ["podman", "--runtime", "runc", "run", "--rm", "--network=none", "--ulimit",
          "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]


class Podman:
    name = "podman"
    type = "podman"

    def __init__(self, rootfs, tag="1"):
        self.image = f"{IMAGE}:{tag}"
        r = run(f"tar -C '{rootfs}' -c . | podman import - {self.image}", shell=True)
        if r.returncode:
            raise RuntimeError(r.stderr)

    def run(self, name, command, *options, timeout=60, image=None):
        return run([*PODMAN, "--name", name, *options, image or self.image, *command], timeout)

    def tag(self, image):
        run(["podman", "tag", self.image, image])
        return image


class Containerd:
    """containerd started for the test, in a folder of its own; `ctr` runs containers."""
    name = "containerd"
    type = "containerd"

    def __init__(self, rootfs):
        self.dir = scratch()
        self.socket = "/run/containerd/containerd.sock"
        self.daemon = None
        if run(["ctr", "version"]).returncode:
            self.daemon = subprocess.Popen(["containerd"], stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL)
            atexit.register(self.close)
            for _ in range(100):
                if run(["ctr", "version"]).returncode == 0:
                    break
                time.sleep(0.1)
        tar = os.path.join(self.dir, "image.tar")
        run(f"tar -C '{rootfs}' -c . | podman import - {IMAGE}:ctr && "
            f"podman save --format docker-archive -o '{tar}' {IMAGE}:ctr", shell=True, timeout=120)
        r = run(["ctr", "image", "import", "--no-unpack", tar], 120)
        if r.returncode:
            r = run(["ctr", "image", "import", tar], 120)
        if r.returncode:
            raise RuntimeError(r.stdout + r.stderr)
        self.image = f"{IMAGE}:ctr"

    def run(self, name, command, *options, timeout=60, image=None):
        args = ["ctr", "run", "--rm", *options, image or self.image, name, *command]
        if "-t" in options:  # ctr wants a terminal of its own
            return run(["script", "-qec", shlex.join(args), "/dev/null"], timeout,
                       stdin=subprocess.DEVNULL)
        return run(args, timeout)

    def close(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(10)


def have(command):
    return shutil.which(command) is not None
