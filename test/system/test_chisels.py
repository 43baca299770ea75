#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""
Chisels and --top live: a table on a terminal is drawn anew, lists see what is there, the picture of
who talks to whom has both ends of a connection on this machine, and only root may look.
"""
import json
import os
import pty
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import koban

koban.need_root()
tap = koban.Tap()


class Talk:
    """A server and a client that send each other bytes, in threads of this process."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = False
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.serve, self.call)]
        for t in self.threads:
            t.start()

    def serve(self):
        while not self.over:
            connection, _ = self.listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"y" * 1000)

    def call(self):
        while not self.over:
            with socket.create_connection(("127.0.0.1", self.port)) as s:
                s.sendall(b"x" * 100)
                while s.recv(4096):
                    pass
            time.sleep(0.02)

    def end(self):
        self.over = True
        self.threads[1].join(5)


def read(*args, seconds="2"):
    done = subprocess.run([koban.BINARY, "read", "--live", "-M", seconds, *args],
                          capture_output=True, text=True, check=False, timeout=60)
    return done


def objects(*args):
    done = read("--json", *args)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def topology():
    talk = Talk()
    edges, err = objects("-c", "topology")
    talk.end()
    mine = [e for e in edges if e["service"] == str(talk.port)]
    me = open("/proc/self/comm", encoding="ascii").read().strip()
    tap.ok(len(mine) == 1 and mine[0]["from"] == mine[0]["to"] == {"outside": False, "name": me},
           "topology: both ends of a connection are one edge", f"{edges} {err}")
    tap.ok(mine and mine[0]["connections"] >= 5 and mine[0]["bytes_in"] > mine[0]["bytes_out"] > 0,
           "with how many connections and bytes", mine)


def lists():
    with tempfile.NamedTemporaryFile() as f, socket.create_server(("127.0.0.1", 0)) as server:
        open_files, err = objects("-c", "lsof", f"proc.pid={os.getpid()}")
        names = {r["NAME"]: r for r in open_files}
        tap.ok(f.name in names and names[f.name]["TYPE"] == "file", "lsof: a file of ours",
               f"{list(names)} {err}")
        sockets, err = objects("-c", "netstat")
        port = server.getsockname()[1]
        tap.ok(any(r["SPORT"] == port and r["PID"] == os.getpid() for r in sockets),
               "netstat: a socket that listens", f"{sockets} {err}")
    threads, err = objects("-c", "ps")
    tap.ok(any(r["TID"] == 1 for r in threads), "ps: process 1", err)


def tables():
    loop = subprocess.Popen(["sh", "-c", "while :; do cat /etc/hostname; done"],
                            stdout=subprocess.DEVNULL)
    try:
        rows, err = objects("--top", "key=proc.name,value=count,filter=fd.name=/etc/hostname")
        tap.ok(rows and rows[0]["proc.name"] == "cat", "--top: who reads a file",
               f"{rows} {err}")
        rows, err = objects("--top", "key=proc.name,filter=proc.name=cat,every=1")
        tap.ok(len({r["time_ns"] for r in rows}) >= 2, "every=1: a table a second", f"{rows} {err}")
        rows, err = objects("-c", "topprocs_cpu")
        tap.ok(rows and rows[0]["CPU%"] > 0, "topprocs_cpu: who uses the CPU", f"{rows} {err}")
        screen()
    finally:
        loop.kill()
        loop.wait()


def screen():
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(koban.BINARY, [koban.BINARY, "read", "--live", "-M", "3", "-c", "topscalls"])
    out = b""
    while True:
        try:
            got = os.read(fd, 65536)
        except OSError:
            break
        if not got:
            break
        out += got
    status = os.waitpid(pid, 0)[1]
    os.close(fd)
    tap.ok(status == 0 and out.count(b"\x1b[H\x1b[2J") >= 2, "on a terminal it is drawn anew",
           out[-300:])
    tap.ok(b"CALLS  CALL" in out and b"openat" in out, "and has rows", out[-300:])


def nobody():
    """Without root nothing is seen, and it says so."""
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           koban.BINARY, "read", "--live", "-M", "1", "-c", "topscalls"],
                          capture_output=True, text=True, check=False, timeout=60)
    tap.ok(done.returncode == 2 and "koban: error:" in done.stderr, "without root", done)


topology()
lists()
tables()
nobody()
tap.done()
