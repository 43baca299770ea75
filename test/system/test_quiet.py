#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
"""
koban's own rules say nothing of what an administrator does every day. A rule that shouts at
apt-get is switched off within a week, and then it is of no use to anybody. Every finding that comes
is printed, so that the rule can be mended.
"""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban

CONFIGURE = """#!/bin/sh
# as configure scripts are: small programs compiled, run and thrown away
for header in stdio.h stdlib.h string.h unistd.h sys/socket.h no/such/header.h; do
	printf '#include <%s>\\nint main(void) { return 0; }\\n' "$header" > conftest.c
	if cc -o conftest conftest.c 2> conftest.err && ./conftest; then echo "checking for $header... yes"
	else echo "checking for $header... no"; fi
	rm -rf conftest conftest.c conftest.err
done
for f in socket connect dlopen ptrace; do
	printf 'char %s(void); int main(void) { return 0 && %s(); }\\n' "$f" "$f" > conftest.c
	cc -fno-builtin -o conftest conftest.c 2> /dev/null && ./conftest
	rm -f conftest*
done
"""

MAKEFILE = """all: hello
	./hello > out.txt
	chmod 755 out.txt && install -m 755 hello installed && strip installed
hello: a.o b.o
	cc -o $@ a.o b.o
%.o: %.c
	cc -O1 -g -c -o $@ $<
"""


class Watch:
    """koban over one kind of daily work at a time."""

    def __init__(self, tap, rules):
        self.tap = tap
        self.koban = koban.Koban(rules)
        self.noise = {}

    def settle(self):
        time.sleep(1.2)

    def step(self, name, work):
        """work() returns why it was skipped, or nothing."""
        self.settle()
        mark = self.koban.mark()
        try:
            why = work()
        except (subprocess.TimeoutExpired, OSError, RuntimeError) as e:
            why = str(e).splitlines()[0]
        self.settle()
        came = self.koban.since(mark)
        for f in came:
            self.noise.setdefault(f["rule"], set()).add(name)
            print(f"# {name}: {f['priority']} {f['rule']}: {f['output']}"[:600])
        if why and not came:
            self.tap.skip(f"quiet: {name}", why)
        else:
            self.tap.ok(not came, f"quiet: {name}", "\n".join(sorted({f["rule"] for f in came})))


def loud(watch):
    """That koban is not deaf: an account made by hand is what it shall tell, and nothing else."""
    mark = watch.koban.mark()
    why = shell("adduser --system --group --quiet --no-create-home --home /nonexistent kobantest2")
    if why:
        watch.tap.skip("an account made by hand", why)
        return
    watch.settle()
    rules = {f["rule"] for f in watch.koban.since(mark)}
    watch.tap.ok(rules == {"Account added or changed"}, "an account made by hand is told", rules)


def shell(command, timeout=120, **kw):
    r = koban.run(["sh", "-c", command], timeout, **kw)
    return None if r.returncode == 0 else (r.stderr.strip() or f"exit {r.returncode}").splitlines()[-1]


def reinstall(package):
    def work():
        if koban.run(["dpkg-query", "-W", "-f", "${Status}", package]).stdout != "install ok installed":
            return f"{package} is not installed"
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        return shell(f"apt-get install -y --reinstall {package}", env=env)
    return work


def idle():
    time.sleep(5)


def build(folder):
    path = os.path.join(folder, "project")
    os.mkdir(path)
    for name, text in (("configure", CONFIGURE), ("Makefile", MAKEFILE),
                       ("a.c", 'int puts(const char *); const char *b(void);\n'
                        'int main(void) { puts(b()); return 0; }\n'),
                       ("b.c", 'const char *b(void) { return "hello"; }\n')):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            f.write(text)
    return shell("sh ./configure && make", cwd=path)


def clone(folder):
    return shell(f"git -c safe.directory='*' clone -q --no-local '{koban.ROOT}' clone && "
                 "git -C clone log --oneline | head -3 && git -C clone status --short", cwd=folder)


CONTROL = """Package: koban-test-account
Version: 1
Architecture: all
Maintainer: koban <koban@example.com>
Description: makes an account when installed, as many packages do
"""


def package_account(folder):
    """A package whose postinst makes a system account and whose postrm removes it."""
    tree = os.path.join(folder, "package", "DEBIAN")
    os.makedirs(tree)
    scripts = (("control", CONTROL, 0o644),
               ("postinst", "#!/bin/sh\nset -e\nadduser --system --group --quiet --no-create-home "
                "--home /nonexistent kobantest\n", 0o755),
               ("postrm", "#!/bin/sh\nset -e\ndeluser --system --quiet kobantest\n", 0o755))
    for name, text, mode in scripts:
        with open(os.path.join(tree, name), "w", encoding="ascii") as f:
            f.write(text)
        os.chmod(os.path.join(tree, name), mode)
    deb = os.path.join(folder, "koban-test-account.deb")
    return shell(f"dpkg-deb -q --build '{folder}/package' '{deb}' && dpkg -i '{deb}' && "
                 "getent passwd kobantest && dpkg -r koban-test-account; "
                 "dpkg --purge koban-test-account; ! getent passwd kobantest")


def remove_account():
    """By hand: it takes away what a program once needed."""
    return shell("deluser --system --quiet kobantest2")


def services():
    tried = [shell(c) for c in ("command -v service && service --status-all", "systemctl list-units",
                                "journalctl -n 1", "ldconfig", "update-ca-certificates")]
    return None if None in tried else tried[0]


def housekeeping(folder):
    return shell("ps aux; df -h; du -sh /etc; free; uptime; id; who; w; last -n 3; ls -la /root /tmp;"
                 "find /etc -name '*.conf' | head; tar -czf etc.tgz /etc/default && tar -xzf etc.tgz;"
                 "grep -r koban /etc/hosts /etc/default; cp /etc/hosts . && rm hosts; sleep 0.1;"
                 "ip addr; ss -ltn; getent hosts localhost; date; hostname; crontab -l; mount;"
                 "python3 -c 'import json, ssl, socket, ctypes'; perl -e 'print 1'; true", cwd=folder)


def make_containers(folder):
    rootfs = os.path.join(folder, "rootfs")
    os.makedirs(rootfs)
    koban.make_rootfs(rootfs)
    engines = []
    for kind, tool in ((koban.Podman, "podman"), (koban.Containerd, "ctr")):
        why = None if koban.have(tool) and os.path.exists("/bin/busybox") else f"no {tool}, no busybox"
        engine = None
        try:
            engine = None if why else kind(rootfs)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
            why = str(e).splitlines()[0] if str(e) else tool
        engines.append((tool, engine, why))
    return engines


def container(engine, why):
    def work():
        if not engine:
            return why
        r = engine.run("koban-quiet", ["/bin/sh", "-c", "echo hello; cat /etc/hosts; ls /; id; "
                                       "touch /tmp/x; sleep 0.3; true"])
        return None if r.returncode == 0 else (r.stderr or "it failed").splitlines()[-1]
    return work


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    if not os.path.isdir(koban.OWN_RULES):
        print("1..0 # SKIP no data/rules yet")
        sys.exit(0)
    engines = make_containers(folder)
    watch = Watch(tap, [koban.OWN_RULES])
    watch.step("an idle machine", idle)
    for package in ("hostname", "man-db"):
        watch.step(f"apt-get install --reinstall {package}", reinstall(package))
    watch.step("configure and make", lambda: build(folder))
    watch.step("git clone", lambda: clone(folder))
    for tool, engine, why in engines:
        watch.step(f"a container of {tool}", container(engine, why))
    watch.step("a package that makes an account", lambda: package_account(folder))
    loud(watch)
    watch.step("deluser by hand", remove_account)
    watch.step("services", services)
    watch.step("looking around, archives, scripts", lambda: housekeeping(folder))
    text = watch.koban.stop()
    tap.ok("not accounted for" not in text, "every event is accounted for", text)
    for rule, steps in sorted(watch.noise.items()):
        print(f"# noisy: {rule}: {', '.join(sorted(steps))}")
    shutil.rmtree(folder, True)
    tap.done()


if __name__ == "__main__":
    main()
