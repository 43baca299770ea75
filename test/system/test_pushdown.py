#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
"""The pushdown changes nothing but the cost: the same deeds, with and without it, the same findings.

Two kobans watch at once, one with sensor.pushdown=false. The deeds are made to fool the memory of
dull opens: a name that was harmless ten times leads elsewhere after a rename of its folder, a new
link, a mount, another root, a symbolic link turned round.
"""
import collections
import os
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
"""

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
    return collections.Counter((f["rule"], koban.field(f, "fd.name")) for f in findings
                               if koban.field(f, "proc.name") != "koban")


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
    rules = os.path.join(folder, "rules.yaml")
    with open(rules, "w", encoding="utf-8") as f:
        f.write(RULES % {"dir": place})
    both = [koban.Koban([rules], "--no-fold", "-o", f"sensor.pushdown={on}") for on in ("true", "false")]
    env = {**os.environ, "D": place, "KBTRIG": kbtrig}
    for deed in DEEDS.strip().splitlines():
        marks = [k.mark() for k in both]
        r = koban.run(["bash", "-c", deed], cwd=place, env=env, timeout=30)
        time.sleep(0.4)
        with_it, without = (counted(k.since(m)) for k, m in zip(both, marks))
        is_harmless = deed.startswith("for i in 1 2 3 4 5")
        tap.ok(with_it == without and bool(without) != is_harmless, f"the same findings: {deed[:60]}",
               f"only with: {with_it - without}\nonly without: {without - with_it}\n{r.stderr}")
    said = [k.stop() for k in both]
    tap.ok(number(said[0], "dull") > 20, "the pushdown kept opens in the kernel", said[0])
    tap.ok(number(said[1], "dull") == 0, "without it none", said[1])
    for text in said:
        tap.ok("not accounted for" not in text, "every event is accounted for", text)
    tap.done()


main()
