#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# run-args: read
# run-args: write
# run-args: exec
# run-args: remove
# run-args: container
# timeout: 240
"""Thirteen ways to the same file: however it is asked for, the rule about it fires.

remove: a file below /etc, with a rule on the prefix. read: /etc/shadow, with the public rule "Read sensitive file untrusted" (and for an impostor with a
trusted name, a rule of koban's own). write: a file below /etc, with a rule on the prefix. exec: a
program in /dev/shm, with the public rule "Execution from /dev/shm". Ways that do not apply to a
deed say why. container: reading again, in a privileged container, where the findings must name it.
All files are the test's own, but /etc/shadow, which is only opened for reading.
"""
import os
import shutil
import subprocess
import sys

import koban

WAIT_S = 6

# name, shell text; $FILE is the absolute path, $DIR its folder, $NAME its last part
READ_WAYS = [
    ("plain", 'cat "$FILE"'),
    ("with ..", 'cat "$DIR/../${DIR#/}/$NAME"'),
    ("cd, then relative", 'cd "$DIR" && cat "$NAME"'),
    ("dirfd and openat", '"$KBTRIG" openat "$DIR" "$NAME" r'),
    ("/proc/self/root", 'cat "/proc/self/root$FILE"'),
    ("/proc/self/fd/3", 'exec 3<"$DIR"; cat "/proc/self/fd/3/$NAME"'),
    ("symbolic link", 'ln -s "$FILE" link && cat link'),
    ("cd through a symbolic link", 'ln -s "$DIR" dirlink && cd dirlink && cat "$NAME"'),
    ("hard link", 'ln "$FILE" "$SAMEFS/kbhard" && cat "$SAMEFS/kbhard"'),
    ("io_uring", '"$KBTRIG" iouring-open "$FILE"'),
    ("chroot", '"$KBTRIG" chrootopen "$DIR" "/$NAME" r'),
    ("bind mount of the folder", 'mkdir -p bind && mount --bind "$DIR" bind && cat "bind/$NAME"'),
    ("impostor's name", '"$KBTRIG" as sshd --do open "$FILE" r'),
]
WRITE_WAYS = [
    ("plain", 'echo x >"$FILE"'),
    ("with ..", 'echo x >"$DIR/../${DIR#/}/$NAME"'),
    ("cd, then relative", 'cd "$DIR" && echo x >"$NAME"'),
    ("dirfd and openat", '"$KBTRIG" openat "$DIR" "$NAME" w'),
    ("/proc/self/root", 'echo x >"/proc/self/root$FILE"'),
    ("/proc/self/fd/3", 'exec 3<"$DIR"; echo x >"/proc/self/fd/3/$NAME"'),
    ("symbolic link", 'ln -s "$FILE" link && echo x >link'),
    ("cd through a symbolic link", 'ln -s "$DIR" dirlink && cd dirlink && echo x >"$NAME"'),
    ("hard link", None),
    ("io_uring", '"$KBTRIG" iouring-open "$FILE" w'),
    ("chroot", '"$KBTRIG" chrootopen "$DIR" "/$NAME" w'),
    ("bind mount of the folder", 'mkdir -p bind && mount --bind "$DIR" bind && echo x >"bind/$NAME"'),
    ("impostor's name", '"$KBTRIG" as sshd --do open "$FILE" w'),
]
EXEC_WAYS = [
    ("plain", '"$FILE"'),
    ("with ..", '"$DIR/../shm/$NAME"'),
    ("cd, then relative", 'cd "$DIR" && "./$NAME"'),
    ("dirfd and execveat", '"$KBTRIG" execat "$DIR" "$NAME"'),
    ("/proc/self/root", '"/proc/self/root$FILE"'),
    ("/proc/self/fd/3", 'exec 3<"$DIR"; "/proc/self/fd/3/$NAME"'),
    ("symbolic link", 'ln -s "$FILE" link && ./link'),
    ("cd through a symbolic link", 'ln -s "$DIR" dirlink && cd dirlink && "./$NAME"'),
    ("hard link", 'ln "$FILE" "$DIR/kbhard" && "$DIR/kbhard"'),
    ("io_uring", None),
    ("chroot", '"$KBTRIG" chrootexec "$DIR" "/$NAME"'),
    ("bind mount of the folder", 'mkdir -p bind && mount --bind "$DIR" bind && "./bind/$NAME"'),
    ("impostor's name", '(exec -a sshd "$FILE")'),
]
REMOVE_WAYS = [
    ("plain", 'rm "$FILE"'),
    ("with ..", 'rm "$DIR/../${DIR#/}/$NAME"'),
    ("cd, then relative", 'cd "$DIR" && rm "$NAME"'),
    ("/proc/self/root", 'rm "/proc/self/root$FILE"'),
    ("/proc/self/fd/3", None),
    ("symbolic link", None),
    ("a folder's symbolic link", 'ln -s "$DIR" dirlink && rm "dirlink/$NAME"'),
    ("a folder's symbolic link, absolute", 'ln -s "$DIR" dirlink && rm "$PWD/dirlink/$NAME"'),
    ("a folder's link of this very moment",
     'python3 -c \'import os; os.symlink(os.environ["DIR"], "l"); '
     'os.unlink("l/" + os.environ["NAME"])\''),
    ("cd through a symbolic link", 'ln -s "$DIR" dirlink && cd dirlink && rm "$NAME"'),
    ("moved away by a folder's link", 'ln -s "$DIR" dirlink && mv "dirlink/$NAME" dirlink/kbgone'),
    ("hard link", None),
]
NOT_APPLICABLE = {
    ("remove", "/proc/self/fd/3"): "the descriptor went with its process before it could be asked",
    ("remove", "symbolic link"): "the link is removed, not the file",
    ("remove", "hard link"): "another name of the file is removed, not the file",
    ("write", "hard link"): "a new name of a file that a rule does not name is no file below /etc",
    ("exec", "io_uring"): "io_uring has no exec",
}
WRITE_RULE = """
- rule: Write below etc in the test
  desc: a file below /etc is opened for writing
  condition: evt.type in (open, openat, openat2, creat) and evt.is_open_write=true and fd.name startswith /etc/
  output: written %fd.name by %proc.name
  priority: WARNING
"""


REMOVE_RULE = """
- rule: Remove below etc in the test
  desc: a file below /etc is removed or renamed
  condition: >
    evt.type in (unlink, unlinkat, rename, renameat, renameat2) and
    (fs.path.name startswith /etc/kbtrig or fs.path.source startswith /etc/kbtrig)
  output: removed %fs.path.name %fs.path.source by %proc.name
  priority: WARNING
"""


class Deed:
    """One of read, write, exec: what is touched, and which rules must say so."""

    def __init__(self, name, folder):
        self.name = name
        self.samefs = "/etc"
        self.rules = [os.path.join(koban.PUBLIC_RULES, "falco_rules.yaml"), koban.OWN_RULES]
        if name == "read":
            self.file, self.ways = "/etc/shadow", READ_WAYS
            self.expected = {"Read sensitive file untrusted"}
            self.impostor = self.own_rules()
        elif name == "write":
            self.file, self.ways = "/etc/kbtrig-thirteen", WRITE_WAYS
            path = os.path.join(folder, "write.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(WRITE_RULE)
            self.rules = [path]
            self.expected = self.impostor = {"Write below etc in the test"}
        elif name == "remove":
            self.file, self.ways = "/etc/kbtrig-thirteen", REMOVE_WAYS
            path = os.path.join(folder, "remove.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(REMOVE_RULE)
            self.rules = [path]
            self.expected = self.impostor = {"Remove below etc in the test"}
        else:
            self.file, self.ways = "/dev/shm/thirteen", EXEC_WAYS
            self.expected = self.impostor = {"Execution from /dev/shm"}

    @staticmethod
    def own_rules():
        """Rules of koban's own that know an impostor."""
        r = koban.run([koban.BINARY, "rules", "list", "--json", koban.OWN_RULES])
        import json
        return {x["info"]["name"] for x in json.loads(r.stdout)["rules"]
                if "mpost" in x["info"]["name"] + x["info"]["description"]}

    def undo(self):
        for path in ("/etc/kbhard", "/dev/shm/kbhard", "/etc/kbtrig-thirteen", "/etc/kbgone",
                     "/dev/shm/thirteen"):
            if os.path.exists(path):
                os.unlink(path)


def try_way(k, tap, deed, way, text, kbtrig):
    label = f"{deed.name}: {way}"
    if text is None:
        tap.skip(label, NOT_APPLICABLE[(deed.name, way)])
        return
    folder = koban.scratch()
    env = {**os.environ, "FILE": deed.file, "DIR": os.path.dirname(deed.file), "SAMEFS": deed.samefs,
           "NAME": os.path.basename(deed.file), "KBTRIG": kbtrig}
    expected = deed.impostor if way == "impostor's name" else deed.expected
    if deed.name == "remove":
        with open(deed.file, "w", encoding="ascii"):
            pass
    mark = k.mark()
    # unshare: a bind mount ends with the shell; a removal's name is looked up after it, and the
    # mounts of a shell that ended are gone
    shell = ["bash", "-c"] if deed.name == "remove" else ["unshare", "-m", "bash", "-c"]
    r = subprocess.run([*shell, text], cwd=folder, env=env,
                       capture_output=True, text=True, timeout=30, check=False)
    found = k.wait(lambda f: f["rule"] in expected, WAIT_S, mark)
    if not tap.ok(found, label, f"exit {r.returncode}: {r.stderr}\n" + "\n".join(
            f["output"][:160] for f in k.since(mark))):
        return
    got = koban.field(found, "fd.name")
    if deed.name == "read" and way != "impostor's name":
        tap.ok(got == deed.file, f"{label}: the finding names the file", f"fd.name={got}")
    hard = os.path.join(deed.samefs, "kbhard")
    if os.path.exists(hard):
        os.unlink(hard)


def try_in_container(k, tap, engine, way, text, number):
    name = f"kbtest-thirteen-{os.getpid()}-{number}"
    label = f"container: {way}"
    mark = k.mark()
    # a process before it: what rules name is learnt at the container's first event
    r = engine.run(name, ["/bin/sh", "-c", "cd /scratch; sleep 0.2; " + text], "--privileged",
                   *[x for kv in ("FILE=/etc/shadow", "DIR=/etc", "NAME=shadow", "SAMEFS=/etc",
                                  "KBTRIG=/bin/kbtrig") for x in ("--env", kv)])
    found = k.wait(lambda f: f["rule"] in ("Read sensitive file untrusted", "Password file read")
                   and koban.field(f, "fd.name") == "/etc/shadow"
                   and koban.field(f, "container.name") == name, WAIT_S, mark)
    tap.ok(found, label, f"exit {r.returncode}: {r.stderr}\n" + "\n".join(
        f["output"][:200] for f in k.since(mark)))


def in_container(tap, kbtrig):
    folder = koban.scratch()
    koban.make_rootfs(os.path.join(folder, "rootfs"), kbtrig)
    engine = koban.Podman(os.path.join(folder, "rootfs"))
    k = koban.Koban([os.path.join(koban.PUBLIC_RULES, "falco_rules.yaml")])
    for number, (way, text) in enumerate(READ_WAYS[:-1]):
        try_in_container(k, tap, engine, way, text, number)
    k.stop()
    tap.done()


def main():
    koban.need_root()
    name = sys.argv[1] if len(sys.argv) > 1 else "read"
    if name not in ("write", "remove"):
        koban.need_shared(os.path.join(koban.PUBLIC_RULES, "falco_rules.yaml"))
    tap = koban.Tap()
    folder = koban.scratch()
    kbtrig = os.path.join(folder, "kbtrig")
    if not koban.compile_c("kbtrig.c", kbtrig):
        tap.ok(False, "kbtrig.c builds")
        tap.done()
    if name == "container":
        in_container(tap, kbtrig)
    deed = Deed(name, folder)
    if name == "exec":
        shutil.copy(kbtrig, deed.file)  # under another name it does nothing
    try:
        k = koban.Koban(deed.rules)
        for way, text in deed.ways:
            try_way(k, tap, deed, way, text, kbtrig)
        k.stop()
    finally:
        deed.undo()
    tap.done()


main()
