#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What the sensor says of a call, field by field, for calls that are asked in every way there is: by
io_uring, openat2, execveat, relative to folders, in a chroot, below a bind mount, from a thread, with
names that are no text. One koban watches this test's own processes and prints their fields.
"""
import ctypes
import errno
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import koban

FIELDS = ("evt.type evt.res evt.arg.flags evt.arg.filename evt.is_open_create fd.name fd.realpath "
          "fd.knownpath fd.type fd.num fd.cip fd.cport fd.sip fd.sport fd.l4proto fs.path.name "
          "fs.path.source fs.path.target proc.name proc.exe proc.exepath proc.cmdline proc.pid "
          "proc.pname thread.tid user.uid user.name proc.is_exe_from_memfd proc.cwd evt.buffer").split()
TYPES = ("open, openat, openat2, creat, execve, execveat, connect, sendto, sendmsg, unlink, unlinkat, "
         "rename, renameat, renameat2, prctl, setuid, setresuid")
RULES = """
- rule: One of ours
  desc: what this test's processes do
  condition: evt.type in ({types}) and (proc.pid = {pid} or proc.apid = {pid})
  output: "{fields}"
  priority: INFO
"""
libc = ctypes.CDLL(None, use_errno=True)
SYS_OPENAT2, SYS_EXECVEAT, SYS_CLONE3, SYS_MEMFD_CREATE = 437, 322, 435, 319


def child(act, wait=True):
    """Runs act() in a forked child; its pid."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        except OSError as e:
            print(f"# child: {e}", flush=True)
        finally:
            os._exit(code)
    if wait:
        os.waitpid(pid, 0)
    return pid


def touch(path, flags=os.O_RDONLY | os.O_CREAT):
    os.close(os.open(path, flags, 0o644))


class Case:
    """The watch, and the place in it from which the next expectation looks."""

    def __init__(self, tap, folder):
        self.tap = tap
        self.folder = folder
        rules = os.path.join(folder, "rules.yaml")
        with open(rules, "w", encoding="utf-8") as f:
            f.write(RULES.format(types=TYPES, pid=os.getpid(),
                                 fields=" ".join("%" + x for x in FIELDS)))
        self.watch = koban.Koban([rules])
        self.mark = self.steps = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def begin(self):
        """From here on; what was done before has arrived."""
        self.steps += 1
        path = self.path(f"begin-{self.steps}")
        touch(path)
        if not self.watch.wait(lambda f: koban.field(f, "fd.name") == path, 10, self.mark):
            raise OSError("koban does not see this test")
        self.mark = self.watch.mark()

    def expect(self, name, select, **wanted):
        """The event that select() picks has exactly these values; `_` stands for a dot."""
        wanted = {FIELD_OF[k]: v for k, v in wanted.items()}
        f = self.watch.wait(lambda f: select(f.get("output_fields", {})), 5, self.mark)
        if not f:
            seen = "\n".join(f"{koban.field(x, 'evt.type')} {koban.field(x, 'evt.res')} "
                             f"{koban.field(x, 'fd.name')!s:.200} {koban.field(x, 'proc.name')} "
                             f"{koban.field(x, 'fs.path.name')!s:.100}"
                             for x in self.watch.since(self.mark)[-25:])
            self.tap.ok(False, name, "no such event; seen:\n" + seen)
            return None
        got = {k: koban.field(f, k) for k in wanted}
        bad = {k: (v, wanted[k]) for k, v in got.items() if v != wanted[k]}
        self.tap.ok(not bad, name, "\n".join(f"{k}: got {g!r:.500}, wanted {w!r:.500}"
                                             for k, (g, w) in bad.items()))
        return f["output_fields"]


FIELD_OF = {x.replace(".", "_"): x for x in FIELDS}


def opens(path):
    return lambda f: f["evt.type"].startswith("open") and f["fd.name"] == path


def of(kind, **fields):
    return lambda f: f["evt.type"] == kind and all(f[FIELD_OF[k]] == v for k, v in fields.items())


# ---- files -----------------------------------------------------------------------------------


def test_open(c):
    path = c.path("created")
    c.begin()
    touch(path, os.O_WRONLY | os.O_CREAT)
    touch(path, os.O_RDONLY)
    f = c.expect("an open that makes a file says so", of("openat", fd_name=path), evt_res="SUCCESS",
                 fd_type="file", evt_is_open_create=True, proc_pid=os.getpid())
    c.tap.ok(f and {"O_CREAT", "O_WRONLY", "O_F_CREATED"} <= set(f["evt.arg.flags"].split("|")),
             "its flags", f)
    f = c.expect("a later open does not", lambda f: f["fd.name"] == path and
                 "O_WRONLY" not in f["evt.arg.flags"], evt_is_open_create=False)
    c.tap.ok(f and "O_F_CREATED" not in f["evt.arg.flags"], "nor do its flags", f)
    missing = c.path("missing")
    try:
        touch(missing, os.O_RDONLY)
    except FileNotFoundError:
        pass
    c.expect("a file that is not there", opens(missing), evt_res="ENOENT")
    how = struct.pack("QQQ", os.O_RDONLY | os.O_CLOEXEC, 0, 0)
    dirfd = os.open(c.folder, os.O_PATH)
    fd = libc.syscall(SYS_OPENAT2, dirfd, b"created", how, len(how))
    os.close(fd)
    os.close(dirfd)
    f = c.expect("openat2 from a folder's descriptor", of("openat2", fd_name=path),
                 evt_res="SUCCESS", fd_num=fd, fd_type="file")
    c.tap.ok(f and "O_CLOEXEC" in f["evt.arg.flags"], "its flags", f)


def test_relative(c):
    os.makedirs(c.path("there/below"))

    def act():
        os.chdir(c.path("there"))
        touch("relative")
        touch("below/../.././there//twice")
        fd = os.open("below", os.O_RDONLY)
        os.fchdir(fd)
        touch("after-fchdir")
        touch("../up")
    c.begin()
    child(act)
    for name, path in (("chdir, then a relative path", "there/relative"),
                       ("dots and slashes are resolved", "there/twice"),
                       ("fchdir, then a relative path", "there/below/after-fchdir"),
                       ("one folder up", "there/up")):
        c.expect(name, opens(c.path(path)), evt_res="SUCCESS")
    f = c.expect("the working folder is known", opens(c.path("there/up")))
    c.tap.ok(f and f["proc.cwd"].rstrip("/") == c.path("there/below"), "proc.cwd", f)


def test_links(c):
    os.symlink(c.path("created"), c.path("link"))
    c.begin()
    touch(c.path("link"), os.O_RDONLY)
    c.expect("a symbolic link: what was asked, and what it is", opens(c.path("link")),
             fd_realpath=c.path("created"))
    path = c.path("unlinked")
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    os.unlink(path)
    again = f"/proc/self/fd/{fd}"
    os.close(os.open(again, os.O_RDONLY))
    f = c.expect("a file without a name, through /proc/self/fd", opens(again), evt_res="SUCCESS",
                 fd_type="file")
    c.tap.ok(f and f["fd.realpath"] in (path, path + " (deleted)"), "and its last name",
             f and f["fd.realpath"])
    os.close(fd)


def test_long(c):
    deep = c.folder
    c.begin()
    os.makedirs(os.path.join(deep, *["d"] * 60))
    deep = os.path.join(deep, *["d"] * 60)
    touch(deep + "/leaf")
    c.expect("a path of 60 folders", opens(deep + "/leaf"), evt_res="SUCCESS")

    def act():
        os.chdir(deep)
        touch("leaf2")
    child(act)
    # the sensor resolves the last 48 parts of a folder (sensor_counters.path_cut)
    c.expect("a relative path below 60 folders: the end of it is right",
             lambda f: f["fd.name"].endswith("/d" * 40 + "/leaf2"), evt_res="SUCCESS")
    long = c.folder + "/" + "/".join(["x" * 200] * 19)
    long += "/" + "y" * (4000 - len(long) - 1)
    os.makedirs(os.path.dirname(long))
    touch(long)
    f = c.expect("a path of 4,000 bytes", opens(long), evt_res="SUCCESS")
    c.tap.ok(f and len(f["fd.name"]) == 4000, "all of it")


def test_names(c):
    c.begin()
    names = (("a newline", b"new\nline", "new\nline"), ("control bytes", b"\x01\x1b[31mred\x7f", None),
             ("bytes that are no UTF-8", b"bad\xff\xfe\xc3", None), ("a quote", b'say "hi"\\', 'say "hi"\\'),
             ("JSON in it", b'","rule":"x', '","rule":"x'), ("UTF-8", "кобан小判".encode(), "кобан小判"))
    for i, (name, raw, text) in enumerate(names):
        folder = c.path(f"name{i}")
        os.mkdir(folder)
        touch(folder.encode() + b"/" + raw)
        f = c.expect(f"a name with {name}", lambda f: f["evt.type"] == "openat" and
                     f["fd.name"].startswith(folder + "/"), evt_res="SUCCESS", fd_type="file")
        if text and f:
            c.tap.ok(f["fd.name"] == folder + "/" + text, f"{name} is kept", repr(f["fd.name"]))
    c.tap.ok("not JSON" not in c.watch.stderr, "every line is JSON", c.watch.stderr)


def test_places(c):
    jail = c.path("jail")
    os.makedirs(jail + "/etc")
    touch(jail + "/etc/inside")

    def act():
        os.chroot(jail)
        os.chdir("/")
        touch("/etc/inside", os.O_RDONLY)
    c.begin()
    child(act)
    c.expect("in a chroot: the path as asked, and the real one", opens("/etc/inside"),
             evt_res="SUCCESS", fd_realpath=jail + "/etc/inside")
    a, b = c.path("bound"), c.path("mountpoint")
    os.mkdir(a)
    os.mkdir(b)
    touch(a + "/file")
    r = koban.run(["mount", "--bind", a, b])
    if r.returncode:
        c.tap.skip("below a bind mount", r.stderr.strip())
        return
    try:
        time.sleep(1.5)
        c.begin()
        touch(b + "/file", os.O_RDONLY)
        c.expect("below a bind mount: the path, and the one without the mount", opens(b + "/file"),
                 evt_res="SUCCESS", fd_knownpath=a + "/file")
    finally:
        koban.run(["umount", b])


# ---- processes -------------------------------------------------------------------------------


def test_identity(c):
    path = c.path("by-nobody")
    os.chmod(c.folder, 0o755)
    touch(path)

    def act():
        os.setuid(65534)
        touch(path, os.O_RDONLY)
    c.begin()
    child(act)
    c.expect("setuid: the user is the new one", opens(path), user_uid=65534, user_name="nobody")

    def rename():
        libc.prctl(15, b"other-name", 0, 0, 0)
        touch(c.path("renamed-process"))
    c.begin()
    child(rename)
    c.expect("prctl: the process has its new name", opens(c.path("renamed-process")),
             proc_name="other-name")
    tids = []

    def in_thread():
        tids.append(threading.get_native_id())
        touch(c.path("by-thread"))
    c.begin()
    t = threading.Thread(target=in_thread)
    t.start()
    t.join()
    c.expect("a thread's file: its own tid, the process's pid", opens(c.path("by-thread")),
             proc_pid=os.getpid(), thread_tid=tids[0])
    c.tap.ok(tids[0] != os.getpid(), "which are two")


def clone_with_pid(pid):
    """fork() with a chosen pid: clone3(2), set_tid. 0 in the child, -errno when it fails."""
    tid = (ctypes.c_int * 1)(pid)
    args = struct.pack("11Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(tid), 1, 0)
    r = libc.syscall(SYS_CLONE3, args, len(args))
    return r if r >= 0 else -ctypes.get_errno()


def reuse_pid(path):
    """In a process of its own, without threads: a raw clone3 in one with threads may find its
    locks held for ever."""
    first = subprocess.Popen(["/bin/sh", "-c", ": first", "first-process"])
    first.wait()
    pid = clone_with_pid(first.pid)
    if pid == 0:
        try:
            touch(path)
        finally:
            os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    print(pid)


def test_pid_reuse(c):
    c.begin()
    path = c.path("by-second")
    r = koban.run([sys.executable, __file__, "--reuse-pid", path], timeout=20)
    pid = int(r.stdout)
    if pid < 0:
        c.tap.skip("a pid that is used again", f"clone3: {os.strerror(-pid)}")
        return
    f = c.expect("a pid that is used again at once is another process", opens(path), proc_pid=pid)
    c.tap.ok(f and "first" not in f["proc.cmdline"] and "test_sensor" in f["proc.cmdline"],
             "with its own command line", f and f["proc.cmdline"])


def test_exec(c):
    script = c.path("script.sh")
    with open(script, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\nexit 0\n")
    os.chmod(script, 0o755)
    c.begin()
    koban.run([script, "an argument"])
    c.expect("a script: the interpreter runs, the script was asked for",
             of("execve", evt_arg_filename=script), proc_exepath=os.path.realpath("/bin/sh"),
             proc_name="script.sh", proc_cmdline=f"script.sh {script} an argument",
             proc_exe="/bin/sh", proc_is_exe_from_memfd=False)
    gone = c.path("goes")
    shutil.copy("/bin/true", gone)
    fd = os.open(gone, os.O_RDONLY)
    os.unlink(gone)
    c.begin()
    child(lambda: os.execve(fd, ["gone-program"], {}))
    c.expect("an executable without a name", of("execve", proc_exe="gone-program"), evt_res="SUCCESS",
             proc_exepath=gone + " (deleted)", proc_is_exe_from_memfd=False)
    os.close(fd)
    fd = libc.syscall(SYS_MEMFD_CREATE, b"hidden", 0)
    with open("/bin/true", "rb") as f:
        os.write(fd, f.read())

    def act():
        argv = (ctypes.c_char_p * 2)(b"from-memory", None)
        libc.syscall(SYS_EXECVEAT, fd, b"", argv, (ctypes.c_char_p * 1)(None), 0x1000)
    c.begin()
    child(act)
    f = c.expect("execveat of a memfd", lambda f: f["evt.type"] in ("execve", "execveat") and
                 f["proc.exe"] == "from-memory", evt_res="SUCCESS", proc_is_exe_from_memfd=True)
    c.tap.ok(f and "memfd:hidden" in f["proc.exepath"], "and its path says so", f)
    os.close(fd)
    missing = c.path("no-program")

    def fail():
        try:
            os.execv(missing, ["no-program"])
        except FileNotFoundError:
            pass
    c.begin()
    pid = child(fail)
    c.expect("an exec that fails: what was to be run", of("execve", evt_res="ENOENT"),
             evt_arg_filename=missing, proc_pid=pid)


# ---- network ---------------------------------------------------------------------------------


def listener(family=socket.AF_INET, address="127.0.0.1", backlog=16):
    """Below the ports that clients get: which end is the server is told by the lower port."""
    for port in random.sample(range(20000, 30000), 20):
        s = socket.socket(family)
        try:
            s.bind((address, port))
        except OSError as e:
            s.close()
            if e.errno != errno.EADDRINUSE:
                raise
            continue
        s.listen(backlog)
        return s, port
    raise OSError("no free port")


def test_connect(c):
    for name, family, address in (("IPv4", socket.AF_INET, "127.0.0.1"),
                                  ("IPv6", socket.AF_INET6, "::1")):
        try:
            server, port = listener(family, address)
        except OSError as e:
            c.tap.skip(f"connect, {name}", str(e))
            continue
        c.begin()
        with socket.socket(family) as s:
            s.connect((address, port))
            mine = s.getsockname()[1]
            c.expect(f"connect, {name}", of("connect", fd_sport=port), evt_res="SUCCESS",
                     fd_cip=address, fd_cport=mine, fd_sip=address, fd_l4proto="tcp",
                     fd_type="ipv4" if name == "IPv4" else "ipv6", fd_num=s.fileno(),
                     fd_name=f"{address}:{mine}->{address}:{port}")
        server.close()
        c.begin()
        with socket.socket(family) as s:
            s.connect_ex((address, port))
        c.expect(f"a connect that is refused, {name}", of("connect", evt_res="ECONNREFUSED"),
                 fd_sip=address, fd_sport=port)
    server, port = listener(backlog=0)
    socks = [socket.socket() for _ in range(4)]
    c.begin()
    for s in socks:
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", port))
    c.expect("a connect that does not wait", of("connect", evt_res="EINPROGRESS"),
             fd_sip="127.0.0.1", fd_sport=port, fd_type="ipv4", fd_l4proto="tcp")
    for s in socks:
        s.close()
    server.close()


def test_other_sockets(c):
    path = c.path("socket")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    c.begin()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        c.expect("connect, unix: the path", of("connect", fd_type="unix"), evt_res="SUCCESS",
                 fd_name=path, fd_num=s.fileno())
    server.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as r, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        r.bind(("127.0.0.1", 0))
        port = r.getsockname()[1]
        c.begin()
        s.sendto(b"a datagram", ("127.0.0.1", port))
        c.expect("sendto, UDP: where it went", of("sendto", fd_sport=port), evt_res="SUCCESS",
                 fd_sip="127.0.0.1", fd_l4proto="udp", fd_type="ipv4", evt_buffer="a datagram")
        c.begin()
        s.sendmsg([b"another"], [], 0, ("127.0.0.1", port))
        c.expect("sendmsg, UDP: where it went", of("sendmsg", fd_sport=port), evt_res="SUCCESS",
                 fd_sip="127.0.0.1", fd_l4proto="udp", evt_buffer="another")


# ---- by other doors --------------------------------------------------------------------------


def test_uring(c):
    helper = c.path("uring")
    if not koban.compile_c("uring.c", helper):
        c.tap.skip("io_uring", "test/system/uring.c does not build here")
        return
    server, port = listener()
    names = [c.path(n) for n in ("uring-file", "uring-old", "uring-new", "uring-gone")]
    for n in (0, 1, 3):
        with open(names[n], "w", encoding="ascii") as f:
            f.write("some text")
    c.begin()
    r = koban.run([helper, *names, str(port)])
    server.close()
    if r.returncode == 77:
        c.tap.skip("io_uring", "this kernel has none, or forbids it")
        return
    did = {k: int(v) for k, v in (x.split() for x in r.stdout.splitlines())}
    c.tap.ok(did.get("send") == 5 and did["openat"] > 0 and did["connect"] == 0, "io_uring works here",
             r.stdout + r.stderr)
    who = {"proc_name": "uring", "proc_exepath": helper}
    c.expect("io_uring: openat", of("openat", fd_name=names[0]), evt_res="SUCCESS",
             fd_num=did["openat"], fd_type="file", **who)
    c.expect("io_uring: renameat", lambda f: f["evt.type"].startswith("rename") and
             f["fs.path.source"] == names[1], evt_res="SUCCESS", fs_path_target=names[2], **who)
    c.expect("io_uring: unlinkat", of("unlinkat", fs_path_name=names[3]), evt_res="SUCCESS", **who)
    c.expect("io_uring: connect", of("connect", fd_sport=port), evt_res="SUCCESS",
             fd_sip="127.0.0.1", fd_cip="127.0.0.1", fd_l4proto="tcp", **who)
    c.expect("io_uring: send", of("sendto", fd_sport=port), evt_res="SUCCESS", fd_sip="127.0.0.1",
             **who)


SMALL = r"""
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sockaddr_in to = {AF_INET, htons(atoi(argv[2])), {htonl(INADDR_LOOPBACK)}};
	long by_socketcall[] = {socket(AF_INET, SOCK_STREAM, 0), (long)&to, sizeof(to)};

	if (argc < 5)
		return 0;
	open(argv[1], O_RDONLY);
	syscall(SYS_connect, socket(AF_INET, SOCK_STREAM, 0), &to, sizeof(to));
	to.sin_port = htons(atoi(argv[4]));
	syscall(SYS_socketcall, 3, by_socketcall);
	return execl(argv[3], "thirty-two", (char *)0);
}
"""


def test_compat(c):
    source, helper = c.path("small.c"), c.path("small")
    with open(source, "w", encoding="ascii") as f:
        f.write(SMALL)
    r = koban.run(["gcc", "-m32", "-static", "-o", helper, source])
    if r.returncode:
        c.tap.skip("32-bit calls", "gcc -m32 does not build a static program here")
        return
    (server, port), (other, other_port) = listener(), listener()
    c.begin()
    try:
        koban.run([helper, c.path("created"), str(port), "/bin/true", str(other_port)])
    except OSError as e:
        c.tap.skip("32-bit calls", f"this kernel runs no 32-bit programs: {e.strerror}")
        return
    finally:
        server.close()
        other.close()
    for kind, select in (("open", opens(c.path("created"))),
                         ("connect", of("connect", fd_sport=port)),
                         ("connect through socketcall", of("connect", fd_sport=other_port)),
                         ("exec", of("execve", proc_exe="thirty-two"))):
        c.expect(f"a 32-bit {kind}", select, evt_res="SUCCESS")


def main():
    koban.need_root()
    tap = koban.Tap()
    c = Case(tap, os.path.realpath(koban.scratch()))
    for test in (test_open, test_relative, test_links, test_long, test_names, test_places,
                 test_identity, test_pid_reuse, test_exec, test_connect, test_other_sockets,
                 test_uring, test_compat):
        try:
            test(c)
        except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as e:
            tap.ok(False, f"{test.__name__} ran to its end", repr(e))
    text = c.watch.stop()
    tap.ok("not accounted for" not in text and "0 undecodable" in text,
           "every event is accounted for", text)
    tap.done()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--reuse-pid"]:
        reuse_pid(sys.argv[2])
    else:
        main()
