#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
What people read must be true: man pages are well-formed and installed, every verb of the program
has one and is completed, an example that is shown works.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KOBAN_BUILD", ROOT / "build"))
KOBAN = BUILD / "src/cmd/koban"


def run(*cmd, **kwargs):
    return subprocess.run(cmd, capture_output=True, text=True, check=False, cwd=ROOT, **kwargs)


def man_pages():
    return sorted((ROOT / "man").glob("*.[1-9]"))


def check_mandoc():
    if not shutil.which("mandoc"):
        return None, "needs mandoc (setup/install.sh lint)"
    done = run("mandoc", "-Tlint", "-Wwarning", *map(str, man_pages()))
    return done.returncode == 0 and man_pages() != [], done.stdout + done.stderr


def check_man_installed():
    listed = set(re.findall(r"'([^']+\.[1-9])'", (ROOT / "man/meson.build").read_text()))
    there = {p.name for p in man_pages()}
    return listed == there, f"not in both man/ and man/meson.build: {listed ^ there}"


def check_man_references():
    """A page that another names, and that would be koban's, exists."""
    wrong = []
    for page in man_pages():
        for name, section in re.findall(r"^\.Xr (koban\S*) (\d)", page.read_text(), re.M):
            if not (ROOT / "man" / f"{name}.{section}").exists():
                wrong.append(f"{page.name}: {name}({section})")
    return not wrong, "\n".join(wrong)


def verbs_of_pages():
    return {p.stem.removeprefix("koban-") for p in man_pages() if p.name.startswith("koban-")}


def check_verbs():
    """`koban --help` names each verb that has a page, and each page's verb is there."""
    text = run(str(KOBAN), "--help").stdout
    missing = [v for v in sorted(verbs_of_pages()) if not re.search(rf"^\s+{v}\b", text, re.M)]
    return not missing, f"koban --help does not name {missing}:\n{text}"


def complete(*words):
    script = ('source data/completion/koban.bash; compopt() { :; }; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); _koban; printf "%s\\n" "${COMPREPLY[@]}"')
    done = run("bash", "-c", script, "bash", *words)
    return set(done.stdout.split()), done.stderr


def check_completion():
    verbs, errors = complete("koban", "")
    missing = verbs_of_pages() - verbs
    return not missing and not errors, f"not completed: {missing} {errors}"


def check_completion_options():
    wrong = []
    for verb in sorted(verbs_of_pages()):
        page = (ROOT / "man" / f"koban-{verb}.1").read_text()
        written = re.findall(r"^\.It Fl (?:\w , )?-([a-z0-9-]+)", page, re.M)
        words = complete("koban", verb, "-")[0] | complete("koban", verb, "x", "-")[0]
        wrong += [f"{verb} --{o}" for o in written if f"--{o}" not in words]
    return not wrong, f"in the man page and not completed: {wrong}"


def literals(page):
    text = (ROOT / "man" / page).read_text()
    return re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.S | re.M)


def check_rule_example():
    """The rule file that koban-rules(1) shows loads without a warning."""
    with tempfile.TemporaryDirectory() as d:
        file = Path(d) / "example.yaml"
        file.write_text(literals("koban-rules.1")[0])
        done = run(str(KOBAN), "rules", "check", "--json", str(file))
    try:
        results = json.loads(done.stdout)["falco_load_results"]
    except (ValueError, KeyError) as e:
        return False, f"no load results ({e}): {done.stdout}{done.stderr}"
    good = all(r["successful"] and not r["warnings"] for r in results) and done.returncode == 0
    return good, done.stdout + done.stderr


def check_config_example():
    try:
        import yaml
    except ImportError:
        return None, "needs python3-yaml (setup/install.sh test)"
    config = yaml.safe_load(literals("koban.yaml.5")[0])
    page = (ROOT / "man/koban.yaml.5").read_text()
    unknown = [k for k in config if not re.search(rf"^\.It Cm .*\b{k}\b", page, re.M)]
    return not unknown, f"shown in the example and not explained: {unknown}"


def check_config_keys():
    """Every key that koban.yaml(5) explains and that completion offers is a row of the reader."""
    rows = (ROOT / "src/cmd/config_rows.c").read_text()
    known = set(re.findall(r'"([a-z0-9_]+)"', rows))
    page = (ROOT / "man/koban.yaml.5").read_text()
    written = set()
    for line in re.findall(r"^\.It Cm (.*)$", page, re.M):
        written |= set(re.findall(r"[a-z][a-z0-9_]+", line))
    offered = complete("koban", "watch", "-o", "")[0]
    written |= {part for key in offered for part in re.findall(r"[a-z][a-z0-9_]+", key)}
    return bool(offered) and written <= known, f"not known to the reader: {written - known}"


def named_files(text):
    """Paths in backticks that begin with a folder of the tree."""
    return [p for p in re.findall(r"`((?:src|test|man|docs|data|setup)/[^`\s]*)`", text)
            if not (ROOT / p).exists()]


def table_words(text):
    """The first column's words of all tables."""
    return set(re.findall(r"^\| `\.?(\w+)` \|", text, re.M))


def members(header, struct):
    body = re.search(rf"^struct {struct} {{\n(.*?)^}};", (ROOT / header).read_text(), re.S | re.M)[1]
    body = re.sub(r"/\*.*?\*/", "", body, flags=re.S)
    return set(re.findall(r"\(\*(\w+)\)", body)) | set(re.findall(r"(\w+);", body))


def check_adding_field():
    """docs/adding-a-field.md: its files exist, its columns are all of the row's, its row is real."""
    text = (ROOT / "docs/adding-a-field.md").read_text()
    wrong = [f"no such file: {p}" for p in named_files(text)]
    columns, row = table_words(text), members("src/engine/filter/filter.h", "field_def")
    wrong += [f"no column of struct field_def: {c}" for c in columns - row]
    rows = {"name", "type", "flags", "doc", "get", "get_list", "resolve", "compare", "exists"}
    wrong += [f"not explained: {c}" for c in rows - columns]
    known = (ROOT / "src/engine/filter/filter.h").read_text()
    wrong += [f"no such flag: {f}" for f in set(re.findall(r"`(FIELD_\w+)`", text))
              if f not in known]
    private = (ROOT / "src/engine/field/private.h").read_text()
    wrong += [f"not in private.h: {f}" for f in
              set(re.findall(r"\b(give_\w+|process_of|field_buf)\(", text)) if f not in private]
    source = (ROOT / "src/engine/field/proc_ids.c").read_text()
    shown = re.findall(r"^```c\n(.*?)^```", text, re.S | re.M)
    wrong += [f"not in proc_ids.c: {b}" for b in shown if b.strip() not in source]
    if len(shown) != 2:
        wrong.append("the row and its getter are not shown")
    if run(str(KOBAN), "fields", "proc.pid").returncode != 0:
        wrong.append("koban does not know the field of the example")
    return not wrong, "\n".join(wrong)


def check_adding_output():
    """docs/adding-an-output.md: files, operations and answers are those of the code."""
    text = (ROOT / "docs/adding-an-output.md").read_text()
    header = (ROOT / "src/sink/output/private.h").read_text()
    wrong = [f"no such file: {p}" for p in named_files(text)]
    written = table_words(text)
    real = members("src/sink/output/private.h", "output_ops")
    real |= set(re.findall(r"^\t(SEND_\w+)", header, re.M))
    wrong += [f"explained or real, not both: {w}" for w in written ^ real]
    kind = "OUTPUT_PROGRAM"
    for name in ("output.h", "open.c"):
        if kind not in (ROOT / "src/sink/output" / name).read_text():
            wrong.append(f"{name} does not name {kind}")
    for name in ("src/cmd/config_rows.c", "man/koban.yaml.5", "docs/outputs.md",
                 "src/sink/output/meson.build"):
        if "program" not in (ROOT / name).read_text():
            wrong.append(f"{name} does not name the example")
    return not wrong, "\n".join(wrong)


def check_make_help():
    """`make help` names every door, and README and CONTRIBUTING name no other."""
    doors = set(re.findall(r"^  make ([\w-]+)", run("make", "-s", "help").stdout, re.M))
    phony = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split())
    shown = set()
    for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"):
        shown |= set(re.findall(r"`(?:sudo )?make ([\w-]+)", (ROOT / name).read_text()))
    return doors == phony and shown <= doors, f"help {doors}, phony {phony}, shown {shown}"


CHECKS = [
    ("man pages are well-formed", check_mandoc),
    ("man pages are installed", check_man_installed),
    ("man pages name pages that exist", check_man_references),
    ("every verb has a man page", check_verbs),
    ("every verb is completed", check_completion),
    ("options are completed", check_completion_options),
    ("the rules in koban-rules(1) load", check_rule_example),
    ("the keys in the example of koban.yaml(5) are explained", check_config_example),
    ("the keys of koban.yaml(5) and of completion are known", check_config_keys),
    ("docs/adding-a-field.md is true", check_adding_field),
    ("docs/adding-an-output.md is true", check_adding_output),
    ("make help names every door", check_make_help),
]


def main():
    print(f"1..{len(CHECKS)}")
    failed = 0
    for n, (name, check) in enumerate(CHECKS, 1):
        try:
            good, details = check()
        except (OSError, IndexError, TypeError) as e:
            good, details = False, f"could not be checked: {e}"
        if good is None:
            print(f"ok {n} - {name} # SKIP {details}")
            continue
        failed += not good
        print(f"{'ok' if good else 'not ok'} {n} - {name}")
        if not good:
            for line in details.splitlines():
                print(f"# {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
