#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
koban chisels, koban read -c, --top and -R as their users meet them, over the demo capture: where
chisels are found, whose word is an argument, what is said when something is wrong, and that what
docs/chisels.md shows works.
"""
import gzip
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KOBAN_BUILD", ROOT / "build"))
KOBAN = str(BUILD / "src/cmd/koban")
SHARED = Path(os.environ.get("KOBAN_SHARED", ROOT.parent / "shared")) / "corpora/scap"
DEMO = str(ROOT / "data/demo/intruder.scap.gz")
DOC = (ROOT / "docs/chisels.md").read_text()
# the search for leaks would need /proc, which is out of reach from the cell
ENV = dict(os.environ, TZ="UTC", HOME="/nonexistent",
           ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
ENV.pop("SYSDIG_CHISEL_DIR", None)


def koban(*args, code=0, env=None, cwd=ROOT):
    done = subprocess.run([KOBAN, *args], capture_output=True, text=True, check=False,
                          env={**ENV, **(env or {})}, cwd=cwd)
    assert done.returncode == code, f"{args}: exit {done.returncode}: {done.stderr}{done.stdout}"
    return done.stdout if code == 0 else done.stderr


def rows(*args):
    return [json.loads(line) for line in koban("read", DEMO, "--json", *args).splitlines()]


def check_list():
    text = koban("chisels")
    files = sorted(p.stem for p in (ROOT / "data/chisels").glob("*.yaml"))
    names = re.findall(r"^  (\S+) ", text, re.M)
    assert set(files) <= set(names), set(files) - set(names)
    categories = re.findall(r"^(\S.*)$", text, re.M)
    assert categories == sorted(set(categories)) and "Net" in categories, categories
    assert text.index("\nNet\n") < text.index("\n  spy_ip ") < text.index("\nPerformance\n"), text
    assert koban("read", "-cl") == text
    every = [json.loads(line) for line in koban("chisels", "--json").splitlines()]
    assert sorted(c["name"] for c in every) == sorted(names)
    for c in every:
        assert c["summary"] and Path(c["path"]).is_file(), c
        assert c["description"] or c["kind"] == "script", c


def check_one():
    text = koban("chisels", "fileslower")
    assert koban("read", "-i", "fileslower") == text
    assert text.startswith("fileslower: Slow reads and writes of files\n"), text
    assert "  min_ms (ms)\n" in text and "  disable_color (nocolour, optional)\n" in text, text
    assert all(len(line) <= 80 for line in text.splitlines() if "file:" not in line), text
    said = koban("chisels", "filesslower", code=2)
    assert 'no chisel "filesslower": did you mean "fileslower"?' in said, said


def check_run():
    found = rows("-c", "topprocs_file")
    assert found[0]["PROCESS"] == "cp" and found[0]["BYTES"] > 70000, found
    text = koban("read", DEMO, "-c", "topprocs_file").splitlines()
    assert text[0].split() == ["BYTES", "PROCESS", "PID"] and text[1].split()[1] == "cp", text
    # a filter of the command line, in front or behind
    assert rows("-c", "topfiles_bytes", "proc.name=find") == \
        rows("proc.name=find", "-c", "topfiles_bytes") != rows("-c", "topfiles_bytes")
    # two at once: a list is printed at the first event; events themselves are not printed
    both = koban("read", DEMO, "-c", "topprocs_errors", "-c", "lscontainers")
    assert both.index("TYPE") < both.index("ERRORS") and "openat" not in both, both
    # -n stops after so many events
    assert sum(r["CALLS"] for r in rows("-n", "10", "-c", "topscalls")) == 10
    assert koban("read", DEMO, "-pc", "-c", "topprocs_file").split()[3:4] == ["VPID"]


def check_arguments():
    by = rows("-c", "fdbytes_by", "proc.name")
    assert list(by[0]) == ["BYTES", "proc.name"], by
    # needed: the next word, whatever it is; optional: not a condition, an option, or the capture
    assert rows("-c", "count_by", "evt.type", "proc.name=cp")[0].keys() == {"EVENTS", "evt.type"}
    assert rows("-c", "spy_file", "evt.num>0") == rows("evt.num>0", "-c", "spy_file")
    only = rows("-c", "spy_file", "W /srv/www/none")
    assert only == [], only
    assert koban("read", "-c", "spy_file", DEMO) == koban("read", DEMO, "-c", "spy_file")
    assert koban("read", "-c", "ps", "-r", DEMO) == koban("read", DEMO, "-c", "ps")
    assert len(rows("-c", "ps", "proc.name=sh or proc.pid=1")) < len(rows("-c", "ps"))


def check_mistakes():
    cases = [
        (["-c", "fileslower"], "chisel fileslower: its argument min_ms is missing"),
        (["-c", "fileslower", "x"], 'must be a number of milliseconds, not "x"'),
        (["-c", "topprocs_net", "-c", "nosuch"], 'there is no chisel "nosuch"'),
        (["-c", "spy_ip", "host"], 'must be an IPv4 or IPv6 address, not "host"'),
        (["-c", "lsof", "fd.nam=x"], "its argument filter:1:1: unknown field 'fd.nam'"),
        (["-c", "/nowhere/x.yaml"], "/nowhere/x.yaml"),
        (["--top", "key=proc.nam"], "--top:1:5:"),
        (["-c", "ps", "--chisel-dir", "/tmp"], "must stand in front of -c"),
        (["--chisel-dir", "/nowhere"], "the chisel folder /nowhere: No such file"),
    ]
    for args, says in cases:
        said = koban("read", DEMO, *args, code=2)
        assert says in said, (args, said)


CHISEL = """kind: table
category: Mine
summary: {}
description: d
columns:
  - {{name: CALL, field: evt.type, key: true}}
"""


def check_folders():
    with tempfile.TemporaryDirectory() as tmp:
        one, two = Path(tmp) / "one", Path(tmp) / "two"
        for d in (one, two):
            d.mkdir()
            (d / "mine.yaml").write_text(CHISEL.format(d.name))
            (d / "topscalls.yaml").write_text(CHISEL.format(d.name))
        (two / "broken.yaml").write_text("kind: [")
        said = koban("read", DEMO, "-c", "mine", code=2)
        assert 'no chisel "mine"' in said, said
        env = {"SYSDIG_CHISEL_DIR": f"/nowhere;{two}:{one}"}
        assert koban("chisels", "mine", env=env).startswith("mine: two\n")
        assert koban("chisels", "topscalls", env=env).startswith("topscalls: two\n")
        assert koban("chisels", "--chisel-dir", str(one), "mine", env=env) \
            .startswith("mine: one\n")
        assert koban("read", DEMO, "--chisel-dir", str(one), "-c", "mine").startswith("CALL\n")
        assert koban("read", DEMO, "-c", str(two / "mine.yaml")).startswith("CALL\n")
        # a broken one is told of, and hides no other; the current folder is not searched
        done = subprocess.run([KOBAN, "chisels"], capture_output=True, text=True, check=False,
                              env={**ENV, **env})
        assert done.returncode == 0 and "broken.yaml:" in done.stderr, done
        assert 'no chisel "mine"' in koban("read", DEMO, "-c", "mine", code=2, cwd=one)
        # ~/.chisels stands behind koban's own
        home = Path(tmp) / "home"
        (home / ".chisels").mkdir(parents=True)
        for name in ("mine", "topscalls"):
            (home / ".chisels" / f"{name}.yaml").write_text(CHISEL.format("home"))
        assert koban("chisels", "mine", env={"HOME": str(home)}).startswith("mine: home\n")
        assert "home" not in koban("chisels", "topscalls", env={"HOME": str(home)})


def check_top():
    found = rows("--top", "key=proc.name,value=evt.buflen:sum,count,n=2,filter=fd.type=file")
    assert [r["proc.name"] for r in found] == ["cp", "sh"], found
    total = rows("--top", "key=evt.source")
    assert total[0]["count"] == len(rows("-p", "*%evt.num")), total
    # each interval by the events' own time
    every = rows("--top", "key=evt.source,every=1")
    seconds = {r["evt.time.s"] for r in rows("--top", "key=evt.time.s,n=1000")}
    assert len(every) == len(seconds), (every, seconds)
    assert sum(r["count"] for r in every) == total[0]["count"], every
    assert all(r["time_ns"] % 10**9 == 0 for r in every[:-1]), every


def check_ports():
    if not SHARED.is_dir():
        return "needs ../shared/corpora/scap"
    if not re.search(r"^domain\s+53/udp", Path("/etc/services").read_text(), re.M):
        return "needs /etc/services"
    file = str(SHARED / "curl_google.scap")
    plain = koban("read", file, "fd.sport=53")
    named = koban("read", "-R", file, "fd.sport=53")
    assert ":domain)" in named and ":53)" not in named, named
    assert named.replace(":domain", ":53") == plain
    assert koban("read", file, "-R", "-p", "%fd.sproto %fd.sport", "fd.sport=53") \
        .splitlines()[0] == "domain 53"
    assert "->2001:4860:4860::8888:domain" in koban("read", file, "-R", "-c", "topconns")
    return None


def check_damaged():
    """What was read before the damage is summed up; the message names the place."""
    with tempfile.NamedTemporaryFile(suffix=".scap") as f:
        whole = gzip.decompress(Path(DEMO).read_bytes())
        f.write(whole[:len(whole) // 2 + 5])
        f.flush()
        done = subprocess.run([KOBAN, "read", f.name, "-c", "topscalls"], capture_output=True,
                              text=True, check=False, env=ENV)
    assert done.returncode == 2 and "at byte" in done.stderr, done
    assert done.stdout.startswith("CALLS  CALL\n") and len(done.stdout.splitlines()) > 5, done


def check_terminal():
    """On a terminal over a capture: colours, no bars between the lines, and it ends."""
    master, slave = pty.openpty()
    with subprocess.Popen([KOBAN, "read", DEMO, "-c", "errors"], stdout=slave, stderr=slave,
                          env={**ENV, "TERM": "xterm"}) as p:
        os.close(slave)
        out = b""
        while True:
            try:
                got = os.read(master, 65536)
            except OSError:
                break
            if not got:
                break
            out += got
        assert p.wait(30) == 0
    os.close(master)
    assert b"PROCESS" in out and b"ENOENT" in out, out[:300]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", DOC, re.M | re.S)


def check_doc_example():
    """The chisel that the guide shows, with and without its argument."""
    example = blocks("yaml")
    assert len(example) == 1
    with tempfile.TemporaryDirectory() as tmp:
        (Path(tmp) / "slow_reads.yaml").write_text(example[0])
        run = ["read", DEMO, "--chisel-dir", tmp, "-c", "slow_reads"]
        lines = koban(*run).splitlines()
        assert lines[0].split() == ["SLOWEST", "READS", "FILE"] and len(lines) == 11, lines
        assert len(koban(*run, "1000").splitlines()) == 1
        assert "CONTAINER" in koban(*run, "-pc")


def check_doc_commands():
    """Every command of the guide that reads a capture runs on the demo."""
    lines = [x.split("#")[0].strip() for b in blocks("sh") for x in b.splitlines()]
    some = [x for x in lines if x.startswith(("koban chisels", "koban read trace.scap"))
            and "--chisel-dir" not in x]
    assert len(some) >= 8, some
    for line in some:
        command = line.replace("koban", KOBAN, 1).replace("trace.scap", DEMO)
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False,
                              env=ENV)
        assert done.returncode == 0, (line, done.stderr)


def check_doc_script():
    kinds = {json.loads(line)["kind"] for line in koban("chisels", "--json").splitlines()}
    if "script" not in kinds:
        return "needs scripts, which this build does not run"
    with tempfile.TemporaryDirectory() as tmp:
        (Path(tmp) / "failures.lua").write_text(blocks("lua")[0])
        out = koban("read", DEMO, "--chisel-dir", tmp, "-c", "failures")
        assert int(out) == sum(r["ERRORS"] for r in rows("-c", "topprocs_errors")), out
    return None


def main():
    checks = [check_list, check_one, check_run, check_arguments, check_mistakes, check_folders,
              check_top, check_ports, check_damaged, check_terminal, check_doc_example, check_doc_commands,
              check_doc_script]
    failed = 0
    print(f"1..{len(checks)}")
    for n, check in enumerate(checks, 1):
        name = check.__name__.removeprefix("check_").replace("_", " ")
        try:
            why = check()
        except AssertionError as e:
            failed += 1
            print("\n".join("# " + x for x in str(e).splitlines()[:30]))
            print(f"not ok {n} - {name}")
            continue
        print(f"ok {n} - {name}" + (f" # SKIP skipped: {why}" if why else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
