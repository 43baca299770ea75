# SPDX-License-Identifier: Apache-2.0
"""A store of the test's own: it speaks the ingest protocol and keeps what it got.
# not-a-test: what tests of the store's output share
"""
import json
import os
import socket
import threading
import time


class Peer:
    """Listens on a unix socket; answers "ok N" for each line, or what `answer(n, record)` says."""

    def __init__(self, path, answer=None):
        self.path = path
        self.answer = answer
        self.records = []
        self.bad = []
        self.changed = threading.Condition()
        self.closing = False
        self.connections = []
        if os.path.exists(path):
            os.unlink(path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while not self.closing:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        n = 0
        try:
            for line in connection.makefile("rb"):
                n += 1
                if not line.endswith(b"\n"):
                    return
                try:
                    record = json.loads(line)
                except ValueError as e:
                    self.bad.append((str(e), line[:200]))
                    connection.sendall(b"no %d not JSON\n" % n)
                    continue
                text = self.answer(n, record) if self.answer else f"ok {n}\n"
                if text is None:
                    continue
                with self.changed:
                    self.records.append(record)
                    self.changed.notify_all()
                connection.sendall(text.encode())
        except OSError:
            pass
        finally:
            connection.close()

    def of(self, kind):
        with self.changed:
            return [r for r in self.records if r.get("type") == kind]

    def wait(self, match, seconds=10):
        """The first record for which match(record); None after `seconds`."""
        end = time.monotonic() + seconds
        at = 0
        with self.changed:
            while True:
                while at < len(self.records):
                    if match(self.records[at]):
                        return self.records[at]
                    at += 1
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)

    def close(self):
        self.closing = True
        self.listener.close()
        for c in self.connections:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        if os.path.exists(self.path):
            os.unlink(self.path)
