#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Lua chisels as their users meet them, over the demo capture: the script that docs/chisels-lua.md
shows, modules beside a script, what is said of a mistake, and what a script that means harm gets.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KOBAN = str(Path(os.environ.get("KOBAN_BUILD", ROOT / "build")) / "src/cmd/koban")
DEMO = str(ROOT / "data/demo/intruder.scap.gz")
DOC = (ROOT / "docs/chisels-lua.md").read_text()
ENV = dict(os.environ, TZ="UTC", HOME="/nonexistent",
           ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
ENV.pop("SYSDIG_CHISEL_DIR", None)
HEAD = "description = 'd' short_description = 's' category = 'c' args = {} "


def koban(*args, code=0):
    done = subprocess.run([KOBAN, *args], capture_output=True, text=True, check=False, env=ENV)
    assert done.returncode == code, f"{args}: exit {done.returncode}: {done.stderr}{done.stdout}"
    return done.stdout if code == 0 else done.stderr


def write(folder, name, text):
    path = Path(folder) / name
    path.write_text(text)
    return str(path)


def check_doc_example(tmp):
    """The example of the guide, and koban's own table of the same."""
    path = write(tmp, "slow_files.lua", re.search(r"```lua\n(.*?)```", DOC, re.S)[1])
    lines = koban("read", DEMO, "-c", path, "3").splitlines()
    assert len(lines) == 3 and all(re.fullmatch(r" *[\d.]+ ms  \S.*", x) for x in lines), lines
    rows = koban("read", DEMO, "--top", "key=fd.name,value=evt.latency:sum:plain,n=1,filter="
                 "evt.is_io=true and fd.type=file").splitlines()
    assert rows[-1].split()[0] == lines[0].split()[2], (rows, lines)
    said = koban("read", DEMO, "-c", path, "many", code=2)
    assert "the argument top is not accepted: \"many\"" in said, said


def check_list(tmp):
    write(tmp, "mine.lua", HEAD)
    write(tmp, "module.lua", "return {}")
    write(tmp, "broken.lua", "x = = 1")
    text = koban("chisels", "--chisel-dir", tmp)
    assert re.search(r"^  mine +s$", text, re.M) and "module" not in text, text
    said = koban("read", DEMO, "--chisel-dir", tmp, "-c", "broken", code=2)
    assert "broken.lua:1: unexpected symbol near '='" in said, said


def check_modules(tmp):
    """They are found beside the script, also when the process can open nothing else any more."""
    write(tmp, "helper.lua", "return {greet = function(x) return 'hello ' .. x end}")
    path = write(tmp, "late.lua", HEAD + "function on_capture_end() "
                 "print(require('helper').greet(7 / 7)) end")
    assert koban("read", DEMO, "-c", path) == "hello 1\n"


def check_mistake(tmp):
    path = write(tmp, "wrong.lua", HEAD + "\nfunction on_event()\n  local x\n  return x.y\nend")
    said = koban("read", DEMO, "-c", path, code=2)
    assert said == f"koban: error: wrong: {path}:4: attempt to index a nil value (local 'x')\n", said


def check_harm(tmp):
    for text, answer in (
            ("io.open('/etc/passwd')", "io.open is not there for scripts"),
            ("os.execute('id')", "os.execute is not there for scripts"),
            ("local t, k = {}, ('x'):rep(1e4) while true do t[#t + 1] = k:rep(100) .. #t end", "more memory"),
            ("function on_init() while true do pcall(error) end end", "ran longer than 5000 ms")):
        said = koban("read", DEMO, "-c", write(tmp, "harm.lua", HEAD + text), code=2)
        assert answer in said and "harm.lua" in said or "more memory" in said, said


def check_filters(tmp):
    """The command line's and the script's own."""
    path = write(tmp, "count.lua", HEAD + "n = 0 chisel.set_filter('evt.dir=<') function on_event() "
                 "n = n + 1 return true end function on_capture_end() print(n) end")
    some = int(koban("read", DEMO, "-c", path, "evt.type=execve"))
    lines = koban("read", DEMO, "evt.type=execve").splitlines()
    assert some == len(lines) > 0, (some, len(lines))


def main():
    checks = [check_doc_example, check_list, check_modules, check_mistake, check_harm,
              check_filters]
    failed = 0
    print(f"1..{len(checks)}")
    for n, check in enumerate(checks, 1):
        with tempfile.TemporaryDirectory() as tmp:
            try:
                check(tmp)
                print(f"ok {n} - {check.__name__}")
            except AssertionError as e:
                failed += 1
                print("\n".join("# " + x for x in str(e).splitlines()[:30]))
                print(f"not ok {n} - {check.__name__}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
