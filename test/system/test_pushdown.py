#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""The pushdown changes nothing but the cost: the same deeds, with and without it, the same findings.

Two kobans watch at once, one with sensor.pushdown=false. The deeds are made to fool the memory of
dull opens: a name that was harmless ten times leads elsewhere after a rename of its folder, a new
link, a mount, another root, a symbolic link turned round; a port that was harmless at one address
and is not at another, or once somebody listens on it.
"""
import collections
import contextlib
import ctypes
import os
import socket
import time

import koban

RULES = """
- rule: Named file opened
  desc: d
  condition: evt.type in (open, openat, openat2, creat) and fd.name = %(dir)s/secret/file
  output: "%%proc.name %%fd.name"
  priority: WARNING
- rule: Below the folder
  desc: d
  condition: evt.type in (open, openat, openat2) and evt.is_open_read=true and fd.name startswith %(dir)s/secret/
  output: "%%proc.name %%fd.name"
  priority: WARNING
- rule: Written in the folder
  desc: d
  condition: evt.type in (open, openat, openat2) and evt.is_open_write=true and fd.directory = %(dir)s/secret
  output: "%%proc.name %%fd.name"
  priority: WARNING
- rule: Asked with dots
  desc: d
  condition: evt.type in (open, openat) and fd.nameraw contains "../secret" and not proc.name = "nobody"
  output: "%%proc.name %%fd.name"
  priority: WARNING
- rule: Looked for and not found
  desc: d
  condition: evt.type = openat and evt.res = ENOENT and fd.name endswith secret/none
  output: "%%proc.name %%fd.name"
  priority: WARNING
- rule: Emptied
  desc: d
  condition: evt.type in (open, openat, creat) and fd.name = %(dir)s/plain/log and evt.arg.flags contains O_TRUNC
  output: "%%proc.name %%fd.name"
  priority: WARNING
- rule: A name that tells, in any folder
  desc: d
  condition: >
    evt.type in (open, openat) and evt.is_open_read=true and fd.name startswith %(dir)s/many/ and
    (fd.name endswith .pem or fd.name contains id_rsa or fd.name endswith /netrc or
    fd.filename in (one-secret, x) or fd.filename startswith privkey-of- or fd.name glob "*/token-*")
  output: "%%proc.name %%fd.name"
  priority: WARNING
- rule: Connected to the named address
  desc: d
  condition: evt.type = connect and fd.typechar in (4, 6) and fd.sip in (127.0.0.2, "::1") and (evt.rawres >= 0 or evt.res = EINPROGRESS) and proc.pid = %(pid)d
  output: "%%proc.name %%fd.sip %%fd.sport"
  priority: WARNING
- rule: Connected to the named port
  desc: d
  condition: evt.type = connect and fd.sport = %(named)d and evt.rawres >= 0 and proc.pid = %(pid)d
  output: "%%proc.name %%fd.sip %%fd.sport"
  priority: WARNING
- rule: Refused
  desc: d
  condition: evt.type = connect and evt.arg.res = ECONNREFUSED and evt.arg.tuple exists and fd.sip = 127.0.0.2 and proc.pid = %(pid)d
  output: "%%proc.name %%evt.res"
  priority: WARNING
- rule: Datagrams to the named host
  desc: d
  condition: evt.type = connect and fd.l4proto = udp and fd.rip.name = localhost and proc.pid = %(pid)d
  output: "%%proc.name %%fd.sip %%fd.sport"
  priority: WARNING
- rule: Somebody connected
  desc: d
  condition: evt.type = connect and fd.typechar in (4, 6) and proc.name = kb-renamed
  output: "%%proc.name %%fd.sip %%fd.sport"
  priority: WARNING
- rule: Kind of socket
  desc: d
  condition: evt.type = socket and (evt.arg.domain contains AF_NETLINK or (evt.rawarg.type in (3, 524291) and evt.rawres >= 0)) and proc.pid = %(pid)d
  output: "%%proc.name %%evt.arg.domain"
  priority: WARNING
"""

# sockets: each call as "address port tcp|udp|later", or "socket domain type protocol"
SOCKETS = """
127.0.0.1 plain tcp; 127.0.0.1 plain tcp; 127.0.0.1 plain tcp; pause; 127.0.0.1 plain tcp; 127.0.0.1 plain later
127.0.0.1 plain tcp; 127.0.0.1 plain tcp; pause; 127.0.0.2 plain tcp; 127.0.0.1 plain tcp; 127.0.0.2 plain later
127.0.0.1 plain tcp; pause; 127.0.0.1 named tcp; 127.0.0.1 named tcp; 127.0.0.1 plain tcp
127.0.0.1 plain tcp; 127.0.0.2 none tcp; 127.0.0.2 none tcp; pause; listen none; 127.0.0.2 none tcp; 127.0.0.1 none tcp
127.0.0.1 plain udp; 127.0.0.1 plain udp; 127.0.0.4 plain udp; pause; 127.0.0.1 plain udp; 127.0.0.2 plain udp
127.0.0.4 plain tcp; pause; ::1 plain6 tcp; ::1 plain6 tcp; ::ffff:127.0.0.4 plain tcp; ::ffff:127.0.0.2 plain tcp
again 127.0.0.4 127.0.0.2 plain; again 127.0.0.4 127.0.0.4 plain; pause; again 127.0.0.4 127.0.0.2 plain
127.0.0.4 plain udp; 127.0.0.4 plain udp; 127.0.0.4 plain udp; pause; 127.0.0.4 plain udp; rename kb-renamed; 127.0.0.4 plain udp; 127.0.0.4 plain udp; rename kb-other; 127.0.0.4 plain udp
fork kb-renamed 127.0.0.4; fork kb-other 127.0.0.4; fork kb-renamed 127.0.0.4
socket 2 1; socket 2 1; socket 1 1; pause; socket 2 1; socket 16 3; socket 16 2
socket 2 3 0; socket 2 3 0; socket 2 3 0; pause; socket 2 3 1; socket 2 3 0; socket 2 3 255
"""


PR_SET_NAME = 15


class Calls:
    """Makes the calls of a line of SOCKETS, here."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("kb-renamed", "kb-other"):
            os.symlink("/bin/bash", os.path.join(folder, name))
        self.servers = []
        self.ports = {}
        for name, family in (("plain", socket.AF_INET), ("named", socket.AF_INET),
                             ("plain6", socket.AF_INET6)):
            self.ports[name] = self.listen(family, 0)
        none = socket.socket()
        none.bind(("0.0.0.0", 0))
        self.ports["none"] = none.getsockname()[1]
        none.close()

    def listen(self, family, port):
        server = socket.socket(family)
        server.bind(("::1" if family == socket.AF_INET6 else "0.0.0.0", port))
        server.listen(64)
        self.servers.append(server)
        return server.getsockname()[1]

    def run(self, line):
        for words in (call.split() for call in line.split(";")):
            if words[0] == "pause":
                time.sleep(0.3)
            elif words[0] == "listen":
                self.listen(socket.AF_INET, self.ports[words[1]])
            elif words[0] == "socket":
                with contextlib.suppress(OSError):
                    socket.socket(*map(int, words[1:])).close()
            elif words[0] == "rename":
                ctypes.CDLL(None).prctl(PR_SET_NAME, words[1].encode(), 0, 0, 0)
            elif words[0] == "fork":
                self.fork(*words[1:])
            elif words[0] == "again":
                self.connect_twice(*words[1:])
            else:
                self.connect(*words)

    def connect(self, address, port, how):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        kind = socket.SOCK_DGRAM if how == "udp" else socket.SOCK_STREAM
        with socket.socket(family, kind) as s:
            s.setblocking(how != "later")
            s.connect_ex((address, self.ports[port]))

    def fork(self, name, address):
        """A child that connects, then executes a program under another name that does."""
        child = os.fork()
        if child == 0:
            for _ in range(3):
                self.connect(address, "plain", "udp")
            time.sleep(0.3)
            told = f"echo >/dev/udp/{address}/{self.ports['plain']}"
            os.execve(os.path.join(self.folder, name), [name, "-c", told], {})
        os.waitpid(child, 0)

    def connect_twice(self, first, second, port):
        """One socket, and so one kernel address, with two far ends."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for address in (first, second):
                s.connect((address, self.ports[port]))


# each deed is repeated before and after what it names changes; $D is the folder
DEEDS = """
for i in 1 2 3 4 5; do cat plain/file >/dev/null; cat $D/plain/file >/dev/null; done; sleep 0.3
mkdir moved; cp plain/file moved/file; cd moved; for i in 1 2 3; do cat file >/dev/null; done; sleep 0.3; mv ../moved ../secret/; cat file >/dev/null
for i in 1 2 3; do cat link/file >/dev/null; done; sleep 0.3; rm link; ln -s secret link; cat link/file >/dev/null; rm link; ln -s plain link
for i in 1 2 3; do cat hard >/dev/null; done; sleep 0.3; ln -f secret/file hard; cat hard >/dev/null; ln -f plain/file hard
for i in 1 2 3; do cat mnt/file >/dev/null; done; sleep 0.3; mount --bind secret mnt; cat mnt/file >/dev/null; umount mnt; cat mnt/file >/dev/null
for i in 1 2 3; do (cd plain; cat file ../plain/file >/dev/null); done; sleep 0.3; (cd secret; cat file >/dev/null; cd ../plain; cat ../secret/file >/dev/null)
for i in 1 2 3; do echo x >plain/new; done; sleep 0.3; echo x >secret/new; rm -f secret/new plain/new
for i in 1 2 3; do cat plain/none 2>/dev/null; cat secret/none 2>/dev/null; done; true
for i in 1 2 3; do unshare -m sh -c 'cat mnt/file >/dev/null; mount --bind secret mnt; cat mnt/file >/dev/null'; done
for i in 1 2 3; do "$KBTRIG" chrootopen $D/plain /file r; "$KBTRIG" chrootopen $D/secret /file r; done
for i in 1 2 3; do "$KBTRIG" iouring-open plain/file; "$KBTRIG" iouring-open secret/file; done
echo a >plain/log; for i in 1 2 3; do dd if=/dev/null of=plain/log conv=notrunc status=none; done; sleep 0.3; : >plain/log
mkdir many; cd many; for i in $(seq 50); do echo x >f$i; done; for i in $(seq 25); do cat f$i >/dev/null; done; sleep 0.3; for n in a.pem my_id_rsa_2 netrc one-secret x privkey-of-me token-1 xnetrc pem; do echo x >$n; cat $n $D/many/$n >/dev/null; done
cd many; for i in 1 2 3; do cat f1 ../many/f2 $D/many/f3 >/dev/null; done; sleep 0.3; ln ../secret/file innocent; cat innocent $D/many/innocent >/dev/null; ln -s ../secret/file f1-link; cat f1-link >/dev/null; rm innocent f1-link
for i in 1 2 3; do cat many/f1 >/dev/null; done; sleep 0.3; mount --bind secret/file many/f40; cat many/f40 >/dev/null; umount many/f40; mount --bind secret many; cat many/file >/dev/null; umount many; cat many/f41 >/dev/null; true
mkdir gone; echo x >gone/f; for i in 1 2 3; do (cd gone; cat f >/dev/null); done; sleep 0.3; for i in 1 2 3 4 5 6; do rm -r gone; mkdir secret/gone; echo x >secret/gone/f; (cd secret/gone; cat f >/dev/null); rm -r secret/gone; mkdir gone; echo x >gone/f; (cd gone; cat f >/dev/null); done
cd many; for i in $(seq 10); do cat f$i >/dev/null; done; sleep 0.3; mv ../many ../secret/; cat f1 f30 >/dev/null; mv ../../secret/many ../../; cat f2 f31 >/dev/null; true
mkdir deep; mkdir deep/a; cp plain/file deep/a/file; for i in 1 2 3; do cat deep/a/file >/dev/null; done; sleep 0.3; mv deep secret/; cat secret/deep/a/file >/dev/null
"""


def prepare(folder):
    for name in ("plain", "secret", "mnt"):
        os.mkdir(os.path.join(folder, name))
        with open(os.path.join(folder, name, "file"), "w", encoding="utf-8") as f:
            f.write(name)
    os.symlink("plain", os.path.join(folder, "link"))
    os.link(os.path.join(folder, "plain", "file"), os.path.join(folder, "hard"))


def counted(findings):
    # the other koban opens what the rules name, to know it: not one of the deeds
    return collections.Counter((f["rule"], koban.field(f, "fd.name"), koban.field(f, "fd.sip"))
                               for f in findings if koban.field(f, "proc.name") != "koban")


def number(said, name):
    """A number of koban's last sentence: "… 12 dull + …"."""
    words = said.rsplit("events in =", 1)[-1].split()
    return int(words[words.index(name) - 1])


def main():
    koban.need_root()
    tap = koban.Tap()
    folder = koban.scratch()
    kbtrig = os.path.join(folder, "kbtrig")
    if not tap.ok(koban.compile_c("kbtrig.c", kbtrig), "kbtrig.c builds"):
        tap.done()
    place = os.path.join(folder, "place")
    os.mkdir(place)
    prepare(place)
    calls = Calls(folder)
    rules = os.path.join(folder, "rules.yaml")
    with open(rules, "w", encoding="utf-8") as f:
        f.write(RULES % {"dir": place, "named": calls.ports["named"], "pid": os.getpid()})
    both = [koban.Koban([rules], "--no-fold", "-o", "resolve_names=true", "-o", f"sensor.pushdown={on}")
            for on in ("true", "false")]
    env = {**os.environ, "D": place, "KBTRIG": kbtrig}
    deeds, sockets = DEEDS.strip().splitlines(), SOCKETS.strip().splitlines()
    for deed in deeds + sockets:
        marks = [k.mark() for k in both]
        said = ""
        if deed in sockets:
            calls.run(deed)
        else:
            said = koban.run(["bash", "-c", deed], cwd=place, env=env, timeout=30).stderr
        time.sleep(0.4)
        with_it, without = (counted(k.since(m)) for k, m in zip(both, marks))
        tap.ok(with_it == without and bool(without) != (deed in (deeds[0], sockets[0])),
               f"the same findings: {deed[:60]}",
               f"only with: {with_it - without}\nonly without: {without - with_it}\n{said}")
    for _ in range(3000):
        calls.connect("127.0.0.1", "plain", "udp")
    said = [k.stop() for k in both]
    tap.ok(number(said[0], "dull") > 5000, "the pushdown kept opens and sockets in the kernel", said[0])
    tap.ok(number(said[1], "dull") == 0, "without it none", said[1])
    for text in said:
        tap.ok("not accounted for" not in text, "every event is accounted for", text)
    tap.done()


main()
