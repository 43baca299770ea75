#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Runs a program in a terminal of its own, types keys, and writes what is on its screen as SVG:

    tools/terminal_svg.py [-o FILE.svg] [--rows N] [--columns N] [--wait S] [--keys TEXT]…
        [--text] -- PROGRAM [ARG]…

Each --keys is typed after a wait; \\r, \\x1b and the like are understood. --text prints the screen
instead. Needs python3-pyte. The pictures in docs/ are made with it.
"""
import argparse
import codecs
import fcntl
import html
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte

NAMED = {"black": "#1d1f21", "red": "#cc6666", "green": "#8abf70", "brown": "#f0c674",
         "blue": "#5f87d7", "magenta": "#b294bb", "cyan": "#70c0b1", "white": "#e0e0e0"}
BACKGROUND, FOREGROUND = "#1d1f21", "#d8d8d8"
WIDTH, HEIGHT = 8.4, 17


class Terminal:
    """A program behind a pseudo-terminal, and the screen that it has drawn."""

    def __init__(self, command, rows=24, columns=80, term="xterm-256color", env=None):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": term, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"})
            os.environ.update(env or {})
            os.execvp(command[0], command)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def read(self, seconds):
        """Takes what comes for a while; False when the program is gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.raw += data
            self.stream.feed(data)
        return True

    def type(self, text):
        os.write(self.fd, codecs.decode(text, "unicode_escape").encode("latin-1"))

    def until(self, wanted, seconds=10):
        """Reads until the screen shows a text (or a predicate of the lines holds)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            alive = self.read(0.1)
            lines = self.lines()
            if wanted(lines) if callable(wanted) else any(wanted in line for line in lines):
                return True
            if not alive:
                break
        return False

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def end(self):
        """Waits for the program; its exit code, or minus the signal."""
        for _ in range(50):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if not self.read(0.1):
                time.sleep(0.1)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


def colour(name, default):
    if name == "default":
        return default
    return NAMED.get(name, "#" + name if len(name) == 6 else default)


def runs_of(row, columns):
    """(column, text, style) for cells of one style beside each other."""
    runs = []
    for x in range(columns):
        c = row[x]
        fg, bg = colour(c.fg, FOREGROUND), colour(c.bg, BACKGROUND)
        if c.reverse:
            fg, bg = bg, fg
        style = (fg, bg, c.bold)
        if runs and runs[-1][2] == style:
            runs[-1][1].append(c.data)
        else:
            runs.append((x, [c.data], style))
    return runs


def svg(screen):
    w, h = screen.columns * WIDTH + 16, screen.lines * HEIGHT + 16
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h:.0f}" '
           f'viewBox="0 0 {w:.0f} {h:.0f}">',
           f'<rect width="100%" height="100%" rx="6" fill="{BACKGROUND}"/>',
           '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" '
           'xml:space="preserve">']
    for y in range(screen.lines):
        for x, text, (fg, bg, bold) in runs_of(screen.buffer[y], screen.columns):
            text = "".join(text)
            left, top = 8 + x * WIDTH, 8 + y * HEIGHT
            length = len(text) * WIDTH
            if bg != BACKGROUND:
                out.append(f'<rect x="{left:.1f}" y="{top}" width="{length:.1f}" '
                           f'height="{HEIGHT}" fill="{bg}"/>')
            if text.strip():
                weight = ' font-weight="bold"' if bold else ""
                out.append(f'<text x="{left:.1f}" y="{top + 13}" fill="{fg}"{weight} '
                           f'textLength="{length:.1f}">{html.escape(text)}</text>')
    out += ["</g>", "</svg>", ""]
    return "\n".join(out)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-o", "--output")
    p.add_argument("--rows", type=int, default=24)
    p.add_argument("--columns", type=int, default=80)
    p.add_argument("--wait", type=float, default=2.0)
    p.add_argument("--term", default="xterm-256color")
    p.add_argument("--keys", action="append", default=[])
    p.add_argument("--text", action="store_true")
    p.add_argument("command", nargs="+")
    a = p.parse_args()
    t = Terminal(a.command, a.rows, a.columns, a.term)
    t.read(a.wait)
    for keys in a.keys:
        t.type(keys)
        t.read(a.wait)
    if a.text:
        print("\n".join(t.lines()))
    picture = svg(t.screen)
    if a.output:
        with open(a.output, "w", encoding="utf-8") as f:
            f.write(picture)
    os.kill(t.pid, signal.SIGTERM)
    t.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
