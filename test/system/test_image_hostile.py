#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# beside: others
"""
Images that are made to harm who reads them: bombs by ratio, size, count and depth; names, links and
devices that reach out; streams that are cut or damaged. Each must end in a finding or a gap of its
own, within the limits, with the host untouched, and what can be read must have been read.
"""
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from koban import Tap
from layers import NOT_KNOWN, PEAK_MIB, Layout, Scan, check_peak, diff_id_of, member, tar

tap = Tap()
work = Path(tempfile.mkdtemp(prefix="koban-hostile-"))
FINE = member("etc/fine", b"nothing here\n")


def layout(name):
    return Layout(work / name)


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, content in members:
            z.writestr(name, content)
    return out.getvalue()


def scan(image, config=None, *options):
    image.write(config)
    return Scan(f"oci:{image.folder}", *options)


def of_tar(name, *members, config=None):
    image = layout(name)
    image.add_tar(tar(*members))
    return scan(image, config)


def of_archives(s):
    return [c for c in s.checks() if c.startswith("archive-")]


def bounded(s, name):
    tap.ok(s.code == 0, f"{name}: a report was made", s)
    check_peak(tap, s, f"{name}: at most {PEAK_MIB} MiB")


# ---- bombs ----------------------------------------------------------------------------------------

def write_zeros(path, head, size):
    """A gzip of a tar whose only member is so many zeros."""
    block = bytes(1 << 20)
    with gzip.open(path, "wb", 9) as g:
        g.write(head)
        for _ in range(size >> 20):
            g.write(block)


def bomb_by_ratio():
    image = layout("ratio")
    info = tarfile.TarInfo("zeros")
    info.size = 2 << 30
    path = work / "zeros.gz"
    write_zeros(path, tar(FINE)[:1024] + info.tobuf(), 1 << 30)
    image.add(image.blob_file(path))
    s = scan(image)
    bounded(s, "a layer of zeros")
    tap.ok(s.find("archive-bomb") and s.find("archive-bomb")[0]["label"] == "hostile-archive",
           "a layer that unpacks to too many times its size is a bomb", s)
    tap.ok(s.report.get("verdict") == "suspicious" and s.files() >= 2,
           "what came before it was read, and the image is suspicious", s)
    tap.ok(any(g.get("is_serious") for g in s.gaps()), "that it was not read on is a serious gap", s)


def bomb_inside():
    inner = zipped(("zeros", bytes(400 << 20)))
    s = of_tar("zip", FINE, member("a.zip", inner), member("after", b"text"))
    bounded(s, "a bomb in a zip")
    tap.ok(s.find("archive-bomb") and s.find("archive-bomb")[0]["path"].startswith("/a.zip!/"),
           "a bomb inside an archive is found where it is", s)
    tap.ok(s.files() >= 4, "members behind the archive were read", s)
    nested = zipped(*[(f"{i}.zip", inner) for i in range(40)], method=zipfile.ZIP_STORED)
    s = of_tar("zips", member("many.zip", nested))
    bounded(s, "forty bombs in one")
    tap.ok(s.find("archive-bomb"), "bombs beside one another are found", s)


def bomb_by_depth():
    deep = b"the bottom"
    for i in range(12):
        deep = zipped((f"{i}.zip", deep))
    s = of_tar("depth", member("deep.zip", deep))
    bounded(s, "twelve archives deep")
    tap.ok(s.find("archive-depth"), "archives deeper than the limit are said", s)
    deep = b"the bottom"
    for _ in range(12):
        deep = gzip.compress(deep)
    s = of_tar("gzips", member("deep.gz", deep))
    tap.ok(s.find("archive-depth"), "so are compressed files in one another", s)


def header(name, template):
    """A tar header like the template's, with another name of the same length."""
    head = bytearray(template)
    head[: len(name)] = name
    head[148:156] = b"        "
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def million():
    image = layout("million")
    info = tarfile.TarInfo("d/0000000")
    template = info.tobuf(tarfile.USTAR_FORMAT)
    base = sum(template[:2]) + sum(template[9:148]) + 8 * 32 + sum(template[156:])
    head, mid, rest = template[:2], template[9:148], template[156:]
    path, plain = work / "million.gz", hashlib.sha256()
    with gzip.open(path, "wb", 1) as g:
        for start in range(0, 1_000_000, 10_000):
            out = []
            for i in range(start, start + 10_000):
                digits = b"%07d" % i
                out.append(b"%b%b%b%06o\0 %b" % (head, digits, mid, base + sum(digits), rest))
            g.write(b"".join(out))
            plain.update(b"".join(out))
        g.write(bytes(1024))
        plain.update(bytes(1024))
    image.add(image.blob_file(path), "sha256:" + plain.hexdigest())
    s = scan(image)
    bounded(s, "a million members")
    tap.ok(s.files() == 1_000_000, "a million members are all seen", s)


def sparse():
    image = layout("sparse")
    (work / "s").mkdir()
    with open(work / "s/large", "wb") as f:
        f.seek(10 << 30)
        f.write(b"the end")
    (work / "s/zz").write_text("behind it")
    for form in ("gnu", "pax"):
        out = work / f"sparse-{form}.tar"
        subprocess.run(["tar", "-C", work / "s", "--sparse", f"--format={form}", "-cf", out,
                        "large", "zz"], check=True)
        image.add_tar(out.read_bytes())
    s = scan(image)
    bounded(s, "a sparse member of 10 GiB")
    tap.ok(len(s.find("archive-bomb")) >= 1 or s.says("larger than"),
           "a hole of 10 GiB is said to be too much", s)
    tap.ok(s.files() == 4, "what lies behind it was read, in both forms of sparse files", s)


# ---- reaching out ---------------------------------------------------------------------------------

def escapes():
    target = work / "outside"
    target.mkdir()
    s = of_tar("escape", member("../../../../../../../.." + str(target) + "/a", b"x"), FINE)
    bounded(s, "a name that climbs")
    tap.ok(s.find("archive-escape") and s.files() == 2, "a name that climbs out is found", s)
    s = of_tar("through",
               member("up", kind=tarfile.SYMTYPE, linkname="../../../../../../../.." + str(target)),
               member("up/b", b"x"))
    tap.ok(len(s.find("archive-escape")) == 1, "so is a member behind a link that climbs", s)
    s = of_tar("hard", member("h", kind=tarfile.LNKTYPE, linkname="../../../etc/passwd"))
    tap.ok(s.find("archive-escape"), "so is a hard link that climbs", s)
    s = of_tar("inside", member("a/b/../c", b"x"), member("./d", b"y"), member("/abs", b"z"),
               member("a/l", kind=tarfile.SYMTYPE, linkname="../../../../etc/x"),
               member("lib", kind=tarfile.SYMTYPE, linkname="usr/lib"), member("lib/x", b"x"))
    tap.ok(of_archives(s) == [] and s.report.get("verdict") == "clean",
           "names and links of ordinary images say nothing", s)
    s = of_tar("zipslip", member("a.zip", zipped(("../../evil.sh", b"x"))))
    tap.ok(s.find("archive-escape"), "a name that climbs out of a zip is found", s)
    tap.ok(list(target.iterdir()) == [] and not os.path.exists("/evil.sh"),
           "and nothing was written anywhere")


def proc_links():
    s = of_tar("links", *[member(f"l{i}", kind=tarfile.SYMTYPE, linkname=t) for i, t in enumerate(
        ("/proc/self/exe", "/proc/1/root", "../../proc/self/fd/7", "/proc/sysrq-trigger"))])
    bounded(s, "links into /proc")
    tap.ok(len(s.find("archive-proc-link")) == 4, "links into /proc that reach out are found", s)
    ordinary = [("dev/fd", "/proc/self/fd"), ("dev/stdin", "/proc/self/fd/0"),
                ("etc/mtab", "/proc/self/mounts"), ("var/log/nginx/access.log", "/dev/stdout"),
                ("dev/core", "/proc/kcore/../kcore"), ("var/log/x", "/proc/1/fd/1")]
    ordinary = ordinary[:4]
    s = of_tar("fds", *[member(n, kind=tarfile.SYMTYPE, linkname=t) for n, t in ordinary])
    tap.ok(of_archives(s) == [], "dev/fd and the like say nothing", s)


def devices():
    s = of_tar("devices", member("tmp/disk", kind=tarfile.BLKTYPE, devmajor=8, devminor=0),
               member("tmp/mem", kind=tarfile.CHRTYPE, devmajor=1, devminor=1),
               member("dev/null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
               member("dev/console", kind=tarfile.CHRTYPE, devmajor=5, devminor=1),
               member("run/pipe", kind=tarfile.FIFOTYPE))
    bounded(s, "devices")
    tap.ok(sorted(f["path"] for f in s.find("archive-device")) == ["/tmp/disk", "/tmp/mem"],
           "devices outside /dev are found, those in it say nothing", s)


# ---- damage ---------------------------------------------------------------------------------------

def zstd(data, *options):
    return subprocess.run(["zstd", "-q", "-c", *options], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


def damaged(name, stored, text, files, kind="gzip", diff_id=NOT_KNOWN):
    image = layout(name)
    image.add(image.blob(stored), diff_id, kind)
    s = scan(image)
    bounded(s, name)
    tap.ok(s.says(text), f"{name}: said as \"{text}\"", s)
    tap.ok(any(g.get("is_serious") for g in s.gaps()) and s.report.get("verdict") == "unknown",
           f"{name}: the image is not called clean", s)
    tap.ok(s.files() >= files, f"{name}: what came before was read", s)


def damaged_tar(name, plain, text, files):
    damaged(name, gzip.compress(plain), text, files, diff_id=diff_id_of(plain))


def damages():
    noise = os.urandom(300000)
    plain = tar(FINE, member("noise", noise), member("last", b"x"))
    packed = gzip.compress(plain, 6, mtime=0)
    damaged("gzip cut short", packed[: len(packed) // 2], "cut short", 2)
    flipped = bytearray(packed)
    flipped[-6] ^= 0xFF
    damaged("gzip with a wrong checksum", bytes(flipped), "checksum", 3)
    text = gzip.compress(tar(FINE, member("t", b"all work and no play " * 100000)), 6, mtime=0)
    wrong = bytearray(text)
    for i in range(len(wrong) // 2, len(wrong) // 2 + 40):
        wrong[i] = 0xFF
    damaged("gzip damaged in the middle", bytes(wrong), "gzip stream", 1)
    packed = zstd(plain)
    damaged("zstd cut short", packed[: len(packed) // 2], "cut short", 1, "zstd")
    flipped = bytearray(packed)
    flipped[-3] ^= 0xFF
    damaged("zstd with a wrong checksum", bytes(flipped), "checksum", 2, "zstd")
    damaged_tar("a tar cut short", plain[:100000], "content was not read", 2)
    garbage = bytearray(plain)
    garbage[1024:1536] = os.urandom(512)
    damaged_tar("a tar with a damaged header", bytes(garbage), "damaged archive", 1)
    damaged_tar("no tar at all", os.urandom(100000), "damaged archive", 0)
    damaged("a zstd that wants 2 GiB of memory",
            zstd(os.urandom(200 << 20), "-1", "--long=31"), "128 MiB", 0, "zstd")


def archives_inside():
    whole = zipped(("a", os.urandom(5000)), ("b", b"text " * 1000))
    gz = gzip.compress(os.urandom(50000))
    s = of_tar("inside-damaged", member("cut.zip", whole[:3000]), member("cut.gz", gz[:20000]),
               member("no.zip", b"PK\x03\x04" + os.urandom(2000)), FINE)
    bounded(s, "damaged archives inside")
    tap.ok(len(s.gaps()) >= 2 and s.report.get("verdict") == "clean",
           "damaged archives inside are said, and do not make all unknown: test suites have them", s)
    xz = subprocess.run(["xz", "-9e", "-c", "--lzma2=dict=1536MiB"], input=b"x" * 1000000,
                        stdout=subprocess.PIPE, check=False)
    if xz.returncode == 0:
        s = of_tar("xz", member("a.xz", xz.stdout), FINE)
        bounded(s, "an xz that asks for 1.5 GiB")


def digests():
    image = layout("digest")
    image.add_tar(tar(FINE))
    image.write()
    blob = image.layers[0][0]
    path = image.folder / "blobs/sha256" / blob.digest.split(":")[1]
    other = gzip.compress(tar(member("etc/evil", b"other bytes!\n")), 1, mtime=0)
    path.write_bytes(other[: blob.size].ljust(blob.size, b"\0"))
    s = Scan(f"oci:{image.folder}")
    tap.ok(s.code == 0 and s.find("archive-digest"), "bytes that are not what their digest says", s)
    image = layout("diff-id")
    image.add_tar(tar(FINE))
    image.layers[0] = (image.layers[0][0], "sha256:" + "0" * 64, "gzip", "step")
    s = scan(image)
    tap.ok(s.find("archive-diff-id"), "content that is not what the config says", s)


def compressed_forms():
    plain = tar(FINE, member("b", b"x" * 100000), member("c", b"y"))
    several = b"".join(gzip.compress(plain[i : i + 700], 6, mtime=0)
                       for i in range(0, len(plain), 700))
    skippable = b"\x50\x2a\x4d\x18\x05\0\0\0abcde"
    frames = skippable + zstd(plain[:5000]) + skippable + zstd(plain[5000:]) + skippable
    for name, stored, kind in (("several gzip members", several, "gzip"),
                               ("zstd frames and skippable ones", frames, "zstd"),
                               ("gzip that is called zstd", gzip.compress(plain), "zstd"),
                               ("no compression, called gzip", plain, "gzip")):
        image = layout(name.replace(" ", "-"))
        image.add(image.blob(stored), diff_id_of(plain), kind)
        s = scan(image)
        tap.ok(s.files() == 3 and not s.gaps() and s.report.get("verdict") == "clean", name, s)


def whole_scan():
    for test in (escapes, proc_links, devices, damages, archives_inside, digests, compressed_forms,
                 bomb_by_ratio, bomb_inside, bomb_by_depth, sparse, million):
        test()


if __name__ == "__main__":
    try:
        whole_scan()
    finally:
        subprocess.run(["rm", "-rf", str(work)], check=False)
    tap.done()
    sys.exit(0)
