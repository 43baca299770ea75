#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Makes a large capture of a small one: the same events again and again, each round later by the time
that the capture took. Usage: scap_repeat.py FROM TO EVENTS. Prints how many events TO has.
"""
import gzip
import struct
import sys
from pathlib import Path

# Event blocks, and where the time stands in them (with flags it is four bytes further).
TIME_AT = {0x204: 10, 0x8010ABCD: 10, 0x216: 10, 0x221: 10, 0x208: 14, 0x217: 14, 0x222: 14}
ROUND_BYTES = 8 << 20


def read_blocks(data):
    """(type, offset, length) of each block."""
    at = 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if size < 12 or at + size > len(data):
            break
        yield kind, at, size
        at += size


def split(data):
    """What comes before the first event; all events as bytes; where their times are."""
    head, events, times = bytearray(), bytearray(), []
    for kind, at, size in read_blocks(data):
        if kind in TIME_AT:
            times.append(len(events) + TIME_AT[kind])
            events += data[at:at + size]
        elif not times:
            head += data[at:at + size]
    return bytes(head), events, times


def repeat(source, target, least):
    data = Path(source).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    head, events, times = split(data)
    if not times:
        sys.exit(f"{source} has no events")
    nevents = len(times)
    # an event without a time has zero or all ones there
    times = [t for t in times if 1 << 60 < struct.unpack_from("<Q", events, t)[0] < 1 << 62]
    stamps = [struct.unpack_from("<Q", events, t)[0] for t in times]
    span = max(stamps) - min(stamps) + 1000000
    rounds = max(1, -(-least // nevents))
    with open(target, "wb") as out:
        out.write(head)
        for r in range(rounds):
            for t, ns in zip(times, stamps):
                struct.pack_into("<Q", events, t, ns + r * span)
            out.write(events)
    return rounds * nevents


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(repeat(sys.argv[1], sys.argv[2], int(sys.argv[3])))
