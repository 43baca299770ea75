#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Joins the SYSCALL and SYSCALL_ID rows of schema.def with the numbers in the kernel's headers.

usage: syscalls.py SCHEMA.DEF CC NATIVE_HEADER COMPAT_HEADER|- OUT.c

A name that an architecture lacks is left out. A syscall without an event of its own yields event 1.
"""
import re
import subprocess
import sys


def numbers(cc, header):
    if header == "-":
        return {}
    out = subprocess.run([cc, "-E", "-dM", "-include", header, "-x", "c", "/dev/null"],
                         check=True, capture_output=True, text=True).stdout
    return {m[1]: int(m[2]) for m in re.finditer(r"#define __NR_(\w+) (\d+)$", out, re.M)}


def table(name, numbers_, codes):
    rows = [f'\t{{{nr}, {codes.get(sys, 1)}, "{sys}"}},'
            for sys, nr in sorted(numbers_.items(), key=lambda x: x[1]) if nr < 512]
    return [f"const struct syscall_row {name}[] = {{", *rows, "\t{0, 0, NULL},", "};"]


def main():
    schema, cc, native, compat, out = sys.argv[1:]
    text = open(schema, encoding="utf-8").read()
    codes = {m[1]: int(m[2]) for m in re.finditer(r"^SYSCALL\((\w+), (\d+)\)", text, re.M)}
    lines = ["/* SPDX-License-Identifier: Apache-2.0 */",
             "/* Made by tools/syscalls.py from schema.def and the kernel's headers. */",
             '#include "source/sensor/plan.h"', "",
             *table("syscalls_native", numbers(cc, native), codes), "",
             *table("syscalls_compat", numbers(cc, compat), codes), ""]
    open(out, "w", encoding="utf-8").write("\n".join(lines))


main()
