#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# beside: others
"""
The same image in every form that it can lie in: a registry, OCI layouts, archives of docker save and
podman save, packed ones, skopeo's folders, the stores of Podman, Docker and containerd, an unpacked
root file system. Each time the same layers, the same digests, the same content; and what is damaged
is found out.
"""
import base64
import gzip
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from images import Registry, read, run, sha256, umoci
from koban import Tap, need_root

TAP = Tap()
LONG = "very-long-name-" * 12  # longer than a plain tar header has room for


def first_layer(root):
    (root / "etc" / "sub").mkdir(parents=True)
    (root / "etc" / "hello").write_text("hello\n", "utf-8")
    os.link(root / "etc" / "hello", root / "etc" / "hard")
    os.symlink("hello", root / "etc" / "soft")
    (root / "etc" / "sub" / "below").write_text("below\n", "utf-8")
    (root / "etc" / LONG).write_text("long\n", "utf-8")
    (root / "bin").mkdir()
    (root / "bin" / "big").write_bytes(os.urandom(1 << 21))
    (root / "bin" / "zeros").write_bytes(bytes(1 << 20))
    run("setcap", "cap_net_raw+ep", root / "bin" / "big")
    os.chmod(root / "bin" / "zeros", 0o4755)


def second_layer(root):
    (root / "etc" / "hello").unlink()
    shutil.rmtree(root / "etc" / "sub")
    (root / "etc" / "sub").mkdir()
    (root / "etc" / "sub" / "new").write_text("new\n", "utf-8")
    (root / "etc" / "two").write_text("two\n", "utf-8")


def unpacked(path):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True).stdout
    return data


def look(folder, *args):
    """What the reader says; "tars": the unpacked tar of each layer."""
    out = Path(tempfile.mkdtemp(dir=folder))
    said = read("--to", out, *args)
    said["tars"] = [unpacked(out / str(i)) for i in range(len(said.get("layers", [])))]
    shutil.rmtree(out)
    return said


def is_same(said, want, has_manifest):
    """Why it is another image than `want`, or ""."""
    if "error" in said:
        return said["message"]
    for key in ("config_digest", "platform", "env", "cmd", "labels", "history"):
        if said[key] != want[key]:
            return f"{key}: {said[key]} instead of {want[key]}"
    if has_manifest and said["digest"] != want["digest"]:
        return f"digest: {said['digest']}"
    if [l["diff_id"] for l in said["layers"]] != [l["diff_id"] for l in want["layers"]]:
        return "other diffIDs"
    for layer, tar, other in zip(said["layers"], said["tars"], want["layers"]):
        if sha256(tar) != layer["diff_id"]:
            return f"the tar of {layer['digest']} is not its diffID's"
        if not layer["digest"] or layer["digest"] != "sha256:" + layer["sha256"]:
            return f"the digest {layer['digest']} of a stream that is {layer['sha256']}"
        if layer["created_by"] != other["created_by"]:
            return f"made by {layer['created_by']}"
    return ""


def check(folder, name, want, *args, has_manifest=True):
    said = look(folder, *args)
    TAP.ok(not (why := is_same(said, want, has_manifest)), name, why)
    return said


# ---- forms ----

def test_files(t, want):
    layout = t / "layout"
    oci = f"oci:{layout}:v1"
    run("skopeo", "copy", "-q", oci, f"docker-archive:{t}/da.tar:localhost/app:v1")
    run("skopeo", "copy", "-q", oci, f"oci-archive:{t}/oa.tar:v1")
    run("skopeo", "copy", "-q", oci, f"dir:{t}/skopeo")
    run("skopeo", "copy", "-q", "--dest-compress-format", "zstd", oci, f"oci:{t}/zstd:v1")
    run("gzip", "-k", t / "da.tar")
    run("zstd", "-q", t / "da.tar", "-o", t / "da.tar.zst")
    (t / "two.gz").write_bytes(b"".join(  # one file of several members, as pigz and cat make them
        gzip.compress(part) for part in ((t / "da.tar").read_bytes()[:100000],
                                         (t / "da.tar").read_bytes()[100000:])))
    run("tar", "-xf", t / "da.tar", "-C", make(t / "da"))
    for name, ref, has_manifest in [
            ("an OCI layout", oci, True),
            ("an OCI layout without a tag", f"oci:{layout}", True),
            ("an OCI layout by digest", f"oci:{layout}@{want['digest']}", True),
            ("an OCI layout called dir:", f"dir:{layout}", True),
            ("an OCI archive", f"oci-archive:{t}/oa.tar", True),
            ("an OCI archive with a tag", f"oci-archive:{t}/oa.tar:v1", True),
            ("an OCI archive called docker-archive:", f"docker-archive:{t}/oa.tar", True),
            ("docker-archive", f"docker-archive:{t}/da.tar", False),
            ("docker-archive with a name", f"docker-archive:{t}/da.tar:localhost/app:v1", False),
            ("docker-archive with a place", f"docker-archive:{t}/da.tar:@0", False),
            ("docker-archive with gzip", f"docker-archive:{t}/da.tar.gz", False),
            ("docker-archive with gzip in two members", f"docker-archive:{t}/two.gz", False),
            ("docker-archive with zstd", f"docker-archive:{t}/da.tar.zst", False),
            ("docker-archive unpacked into a folder", f"docker-archive:{t}/da", False),
            ("skopeo's dir:", f"dir:{t}/skopeo", True)]:
        check(t, name, want, "open", ref, has_manifest=has_manifest)
    said = look(t, "open", f"oci:{t}/zstd:v1")
    TAP.ok([sha256(x) for x in said["tars"]] == [l["diff_id"] for l in want["layers"]],
           "layers packed with zstd", said.get("message"))
    save_with_oci_inside(t, want)


def make(folder):
    folder.mkdir(parents=True)
    return folder


def save_with_oci_inside(t, want):
    """What docker save writes since Docker 25: a layout with a manifest.json beside it."""
    folder = t / "both"
    shutil.copytree(t / "layout", folder)
    blob = lambda d: "blobs/" + d.replace(":", "/")
    (folder / "manifest.json").write_text(json.dumps([{
        "Config": blob(want["config_digest"]), "RepoTags": ["app:v1"],
        "Layers": [blob(l["digest"]) for l in want["layers"]]}]), "utf-8")
    run("tar", "-C", folder, "-cf", t / "both.tar", ".")
    check(t, "docker-archive with an OCI layout in it", want, "open",
          f"docker-archive:{t}/both.tar", has_manifest=False)


def test_old_save(t, want):
    """The layout of Docker before 25: ID/layer.tar, where a layer that is there twice is a link."""
    folder = t / "old"
    tars = look(t, "open", f"oci:{t}/layout:v1")["tars"]
    for i, tar in enumerate(tars):
        make(folder / f"{i:064x}").joinpath("layer.tar").write_bytes(tar)
    make(folder / ("f" * 64))
    os.symlink(f"../{0:064x}/layer.tar", folder / ("f" * 64) / "layer.tar")
    config = Path(t / "layout" / "blobs" / want["config_digest"].replace(":", "/")).read_bytes()
    name = want["config_digest"][7:] + ".json"
    (folder / name).write_bytes(config)
    paths = [f"{'f' * 64 if i == 0 else f'{i:064x}'}/layer.tar" for i in range(len(tars))]
    (folder / "manifest.json").write_text(json.dumps(
        [{"Config": name, "RepoTags": None, "Layers": paths}]), "utf-8")
    run("tar", "-C", folder, "-cf", t / "old.tar", ".")
    check(t, "docker-archive of an old Docker, with a link", want, "open",
          f"docker-archive:{t}/old.tar", has_manifest=False)
    # two images in one archive
    (folder / "manifest.json").write_text(json.dumps(
        [{"Config": name, "RepoTags": [f"app:{i}"], "Layers": paths} for i in (1, 2)]), "utf-8")
    run("tar", "-C", folder, "-cf", t / "two.tar", ".")
    said = read("open", f"docker-archive:{t}/two.tar")
    TAP.ok(said.get("error") == "ENOENT" and "app:1, app:2" in said["message"],
           "several images in an archive are listed", said)
    check(t, "one of them by its name", want, "open", f"docker-archive:{t}/two.tar:docker.io/library/app:2",
          has_manifest=False)


def test_registry(t, want):
    registry = Registry(t / "registry")
    try:
        plain = ("--insecure", registry.host)
        for tag in ("v1", "v2"):
            run("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{t}/layout:v1",
                f"docker://{registry.host}/team/app:{tag}")
        run("skopeo", "copy", "-q", "--dest-tls-verify=false", "--format", "v2s2", f"oci:{t}/layout:v1",
            f"docker://{registry.host}/team/docker:v1")
        name = f"{registry.host}/team/app"
        check(t, "a registry", want, *plain, "open", f"{name}:v1")
        check(t, "a registry by digest", want, *plain, "open", f"{name}@{want['digest']}")
        check(t, "a registry, written docker://", want, *plain, "open", f"docker://{name}:v1")
        check(t, "a registry with Docker's manifest (schema 2)", want, *plain, "open",
              f"{registry.host}/team/docker:v1", has_manifest=False)
        check(t, "a mirror of docker.io", want, *plain, "--mirror", registry.host, "open", "team/app:v1")
        check(t, "blobs that are kept by digest", want, *plain, "--blobs", t / "layout" / "blobs",
              "open", f"{name}:v1")
        said = read(*plain, "catalog", registry.host)
        TAP.ok(sorted(said["names"]) == ["team/app", "team/docker"], "the catalogue", said)
        said = read(*plain, "tags", name)
        TAP.ok(sorted(said["names"]) == ["v1", "v2"], "the tags", said)
        said = read("open", f"{name}:v1")
        TAP.ok(said.get("error") == "EPROTO" and "--insecure" in said["message"],
               "plain http only when it was asked for", said)
        said = read(*plain, "open", f"{name}:v9")
        TAP.ok(said.get("error") == "ENOENT", "a tag that is not there", said)
        test_platforms(t, registry, plain)
    finally:
        registry.close()


def test_platforms(t, registry, plain):
    """An index as buildx pushes it: two platforms and an attestation."""
    layout = t / "index"
    digests = {}
    for arch in ("amd64", "arm64"):
        umoci(layout, arch, t / "work", lambda root, a=arch: (root / a).write_text(a, "utf-8"),
              config=("--architecture", arch))
        run("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:{arch}",
            f"docker://{registry.host}/multi:{arch}")
        digests[arch] = read("--platform", f"linux/{arch}", "open", f"oci:{layout}:{arch}")["digest"]
    blobs = layout / "blobs" / "sha256"
    size = lambda d: (blobs / d[7:]).stat().st_size
    manifest = "application/vnd.oci.image.manifest.v1+json"
    index = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
        {"mediaType": manifest, "digest": digests["arm64"], "size": size(digests["arm64"]),
         "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        {"mediaType": manifest, "digest": digests["amd64"], "size": size(digests["amd64"]),
         "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": manifest, "digest": digests["amd64"], "size": size(digests["amd64"]),
         "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
         "platform": {"os": "unknown", "architecture": "unknown"}}]})
    run("curl", "-sf", "-X", "PUT", "-H", "Content-Type: application/vnd.oci.image.index.v1+json", "-d", index,
        f"http://{registry.host}/v2/multi/manifests/all")
    ref = f"{registry.host}/multi:all"
    for asked, arch in (("linux/amd64", "amd64"), ("linux/arm64", "arm64"), ("arm64", "arm64"),
                        ("linux/aarch64", "arm64"), ("linux/arm64/v8", "arm64"), ("linux/amd64/v3", "amd64")):
        said = read(*plain, "--platform", asked, "open", ref)
        TAP.ok(said.get("digest") == digests[arch], f"--platform {asked}", said)
    said = read(*plain, "--platform", "linux/s390x", "open", ref)
    TAP.ok(said.get("error") == "ENOENT" and "linux/amd64" in said["message"],
           "a platform that is not there: the message lists those that are", said)
    said = read(*plain, "platforms", ref)
    TAP.ok(said.get("names") == ["linux/arm64/v8", "linux/amd64"], "the platforms of an index", said)
    said = read(*plain, "--platform", "linux/arm64", "open", f"{registry.host}/multi:amd64")
    TAP.ok(said.get("error") == "ENOENT", "an image for one platform, asked for another", said)
    said = read(*plain, "open", f"{registry.host}/multi:arm64")
    TAP.ok(said.get("platform") == "linux/arm64", "an image for another machine, when nobody asked", said)


# ---- stores of this machine ----

def test_podman(t, want):
    root = t / "podman-root"
    store = f"containers-storage:[overlay@{root}/var/lib/containers/storage+{t}/podman-run]localhost/app:v1"
    run("skopeo", "copy", "-q", f"oci:{t}/layout:v1", store)
    for ref in ("localhost/app:v1", "app:v1", want["config_digest"], want["config_digest"][7:19]):
        check(t, f"podman:{ref[:20]}", want, "--root", root, "open", f"podman:{ref}")
    other = t / "podman-other"
    make(other / "srv")
    os.symlink(root / "var/lib/containers/storage", other / "srv" / "images")  # leads out: must not be followed
    make(other / "etc/containers").joinpath("storage.conf").write_text('[storage]\ngraphroot = "/srv/images"\n', "utf-8")
    said = read("--root", other, "open", "podman:app:v1")
    TAP.ok(said.get("error") == "ENOENT", "podman: no link leads out of --root", said)
    (other / "srv" / "images").unlink()
    run("cp", "-a", root / "var/lib/containers/storage", other / "srv" / "images")
    check(t, "podman: a graphroot of one's own", want, "--root", other, "open", "podman:app:v1")
    said = read("--root", root, "open", "podman:nothing")
    TAP.ok(said.get("error") == "ENOENT", "podman: a name that is not there", said)
    overlay = root / "var/lib/containers/storage"
    layers = json.loads((overlay / "overlay-layers/layers.json").read_text("utf-8"))
    top = next(l for l in layers if l.get("parent"))["id"]
    new = overlay / "overlay" / top / "diff" / "etc" / "two"
    new.write_text("TWO\n", "utf-8")
    said = read("--root", root, "open", "podman:app:v1")
    TAP.ok(said.get("error") == "EBADMSG", "podman: a file that was changed in the store is found out", said)
    new.unlink()
    said = read("--root", root, "open", "podman:app:v1")
    TAP.ok(said.get("error") == "EBADMSG" and "etc/two" in said["message"],
           "podman: so is one that is gone", said)
    new.write_text("two\n", "utf-8")
    (overlay / "overlay-layers" / f"{top}.tar-split.gz").unlink()
    os.setxattr(overlay / "overlay" / top / "diff" / "etc" / "sub", "trusted.overlay.opaque", b"y")
    said = look(t, "--root", root, "open", "podman:app:v1")
    names = tarfile.open(fileobj=io.BytesIO(said["tars"][1])).getnames() if said["tars"] else []
    TAP.ok(not said["layers"][1]["digest"] and said["gaps"] and "verified" in said["gaps"][0]["why"],
           "podman: without tar-split it says that nothing was verified", said["layers"])
    TAP.ok({"etc/.wh.hello", "etc/two", "etc/sub/new", "etc/sub/.wh..wh..opq"} <= set(names),
           "podman: whiteouts of overlayfs become those of OCI", names)


def tar_split(tar):
    """A recipe as Docker writes it: bytes and names in turn."""
    lines, last, entries = [], 0, []
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        entries = [(m.name, m.offset_data, m.size) for m in archive if m.isreg()]

    def segment(data):
        lines.append({"type": 2, "payload": base64.b64encode(data).decode(), "position": len(lines)})

    for name, offset, size in entries:
        segment(tar[last:offset])
        lines.append({"type": 1, "name": name, "size": size, "payload": "AAAAAAAAAAA=", "position": len(lines)})
        last = offset + size
    segment(tar[last:])
    return gzip.compress(b"".join(json.dumps(l).encode() + b"\n" for l in lines))


def make_docker_store(base, t, want):
    """image/overlay2 and overlay2 as a daemon keeps them, by hand where there is no daemon."""
    tars = look(t, "open", f"oci:{t}/layout:v1")["tars"]
    image, chain = base / "image" / "overlay2", ""
    make(image / "imagedb" / "content" / "sha256").joinpath(want["config_digest"][7:]).write_bytes(
        (t / "layout" / "blobs" / want["config_digest"].replace(":", "/")).read_bytes())
    (image / "repositories.json").write_text(json.dumps(
        {"Repositories": {"localhost/app": {"localhost/app:v1": want["config_digest"]}}}), "utf-8")
    for i, (tar, layer) in enumerate(zip(tars, want["layers"])):
        chain = sha256(f"{chain} {layer['diff_id']}".encode()) if chain else layer["diff_id"]
        row = make(image / "layerdb" / "sha256" / chain[7:])
        (row / "diff").write_text(layer["diff_id"], "utf-8")
        (row / "cache-id").write_text(f"cache{i}", "utf-8")
        (row / "size").write_text(str(len(tar)), "utf-8")
        (row / "tar-split.json.gz").write_bytes(tar_split(tar))
        diff = make(base / "overlay2" / f"cache{i}" / "diff")
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            archive.extractall(diff)


def start_dockerd(t, base):
    dockerd = os.environ.get("KOBAN_DOCKERD") or shutil.which("dockerd")
    if not dockerd:
        return None
    log = open(t / "dockerd.log", "w", encoding="utf-8")
    daemon = subprocess.Popen(
        [dockerd, "--data-root", base, "--exec-root", t / "docker-exec", "-H", f"unix://{t}/docker.sock",
         "-p", t / "docker.pid", "--iptables=false", "--ip6tables=false", "--bridge=none"],
        stdout=log, stderr=log,
        env={**os.environ, "PATH": f"{Path(dockerd).parent}:{os.environ['PATH']}"})
    for _ in range(300):
        with socket.socket(socket.AF_UNIX) as s:
            if s.connect_ex(f"{t}/docker.sock") == 0:
                return daemon
        if daemon.poll() is not None:
            return None
        time.sleep(0.1)
    daemon.kill()
    return None


def test_docker(t, want):
    root = t / "docker-root"
    base = make(root / "var/lib/docker")
    daemon = start_dockerd(t, base)
    if daemon:
        run("skopeo", "--override-os", "linux", "copy", "-q", "--dest-daemon-host", f"unix://{t}/docker.sock",
            f"oci:{t}/layout:v1", "docker-daemon:localhost/app:v1")
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
        TAP.ok(True, "a real Docker daemon made the store")
    else:
        TAP.skip("a real Docker daemon made the store", "no dockerd here (Debian's docker.io)")
        make_docker_store(base, t, want)
    check(t, "docker:NAME", want, "--root", root, "open", "docker:localhost/app:v1", has_manifest=False)
    check(t, "docker:sha256:ID", want, "--root", root, "open", f"docker:{want['config_digest']}",
          has_manifest=False)
    check(t, "docker:ID cut short", want, "--root", root, "open", f"docker:{want['config_digest'][7:19]}",
          has_manifest=False)
    said = read("--root", root, "open", "docker:nothing")
    TAP.ok(said.get("error") == "ENOENT", "docker: a name that is not there", said)
    shutil.move(base, make(root / "srv") / "docker")
    make(root / "etc" / "docker").joinpath("daemon.json").write_text('{"data-root": "/srv/docker"}', "utf-8")
    check(t, "docker: a data root of one's own", want, "--root", root, "open", "docker:localhost/app:v1",
          has_manifest=False)


def test_containerd(t, want):
    root = t / "containerd-root"
    state = make(root / "var/lib/containerd")
    config = t / "containerd.toml"
    config.write_text(f'version = 2\nroot = "{state}"\nstate = "{t}/containerd-run"\n'
                      f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                      f'[grpc]\naddress = "{t}/c.sock"\n', "utf-8")
    log = open(t / "containerd.log", "w", encoding="utf-8")
    daemon = subprocess.Popen(["containerd", "--config", config], stdout=log, stderr=log)
    try:
        for _ in range(200):
            if subprocess.run(["ctr", "-a", f"{t}/c.sock", "version"], capture_output=True,
                              check=False).returncode == 0:
                break
            time.sleep(0.1)
        for ns in ("k8s.io", "moby"):
            run("ctr", "-a", f"{t}/c.sock", "-n", ns, "images", "import", "--no-unpack",
                "--index-name", f"docker.io/library/app-{ns}:v1", t / "oa.tar")
        names = run("ctr", "-a", f"{t}/c.sock", "-n", "k8s.io", "images", "ls", "-q").split()
        check(t, "containerd:NAME, while it runs", want, "--root", root, "open", f"containerd:{names[0]}")
        check(t, "containerd: a name to be completed", want, "--root", root, "open", "containerd:app-k8s.io:v1")
        check(t, "docker: with containerd's store", want, "--root", root, "open", "docker:app-moby:v1")
        said = read("--root", root, "open", "docker:app-k8s.io:v1")
        TAP.ok(said.get("error") == "ENOENT", "docker: does not see other namespaces", said)
        for layer in want["layers"]:
            (state / "io.containerd.content.v1.content/blobs" / layer["digest"].replace(":", "/")).unlink()
        said = read("--root", root, "open", "containerd:app-k8s.io:v1")
        TAP.ok(said.get("error") == "ENOENT" and "ctr content fetch" in said["message"],
               "containerd: a layer that it threw away", said)
        run("ctr", "-a", f"{t}/c.sock", "-n", "unpacked", "images", "import", "--snapshotter", "overlayfs",
            "--index-name", "docker.io/library/unpacked:v1", t / "oa.tar")
    finally:
        daemon.terminate()
        daemon.wait()
    for layer in want["layers"]:
        (state / "io.containerd.content.v1.content/blobs" / layer["digest"].replace(":", "/")).unlink(missing_ok=True)
    said = look(t, "--root", root, "open", "containerd:unpacked:v1")
    if "error" in said:
        TAP.ok(False, "containerd: a layer that is only there unpacked", said["message"])
        return
    names = [set(members(tar)) for tar in said["tars"]]
    TAP.ok({"etc/hello", "bin/big", "etc/sub/below"} <= names[0] and
           {"etc/.wh.hello", "etc/two", "etc/sub/new"} <= names[1],
           "containerd: a layer that is only there unpacked", names)
    TAP.ok(not said["layers"][0]["digest"] and "verified" in said["gaps"][0]["why"],
           "containerd: of which it says that nothing was verified", said["layers"])


# ---- folders ----

def members(tar):
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {m.name: m for m in archive}


def test_folder(t):
    root = make(t / "root")
    first_layer(root)
    (t / "secret").write_text("outside\n", "utf-8")
    os.symlink(t / "secret", root / "etc" / "outside")
    os.symlink("/", root / "everything")
    os.mkfifo(root / "pipe")
    os.mknod(root / "null", 0o666 | 0o020000, os.makedev(1, 3))
    deep = root
    for _ in range(230):
        deep = deep / "d"
        deep.mkdir()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(root / "socket"))
    mounted = make(root / "mnt")
    run("mount", "-t", "tmpfs", "none", mounted)
    try:
        (mounted / "file").write_text("elsewhere\n", "utf-8")
        said = look(t, "open", f"dir:{root}")
    finally:
        run("umount", mounted)
    if "error" in said:
        TAP.ok(False, "a root file system", said["message"])
        return
    got = members(said["tars"][0])
    TAP.ok(got["etc/hello"].size == 6 or got["etc/hard"].size == 6, "a root file system: files", list(got))
    TAP.ok(got["etc/hard"].islnk() != got["etc/hello"].islnk(), "hard links are written once")
    TAP.ok(got["etc/soft"].linkname == "hello" and got["etc/outside"].issym() and got["everything"].issym(),
           "links are written, and not followed")
    TAP.ok(got["pipe"].isfifo() and got["null"].ischr(), "special files are named, and not opened")
    TAP.ok(got["bin/zeros"].mode == 0o4755, "modes", oct(got["bin/zeros"].mode))
    TAP.ok(any("capability" in k for k in got["bin/big"].pax_headers), "file capabilities",
           got["bin/big"].pax_headers)
    TAP.ok(f"etc/{LONG}" in got and "d/" * 100 + "d" in got, "long names")
    TAP.ok("mnt" in got and "mnt/file" not in got and any(
        "another file system" in g["why"] and g["what"] == "/mnt" and not g["is_serious"] for g in said["gaps"]),
        "a mount is a gap, and no serious one", said["gaps"])
    TAP.ok(any("too deep" in g["why"] and g["is_serious"] for g in said["gaps"]),
           "folders nested too deep are a serious one", said["gaps"])
    with tarfile.open(fileobj=io.BytesIO(said["tars"][0])) as archive:
        big = archive.extractfile("bin/big").read()
    TAP.ok(big == (root / "bin" / "big").read_bytes(), "contents")


# ---- damage ----

def test_damage(t, want):
    layout = t / "broken"
    shutil.copytree(t / "layout", layout)
    blob = lambda d: layout / "blobs" / d.replace(":", "/")

    def after(digest, change, code, name, words=""):
        whole = blob(digest).read_bytes()
        blob(digest).write_bytes(change(whole))
        said = read("open", f"oci:{layout}:v1")
        TAP.ok(said.get("error") == code and words in said["message"], name, said)
        blob(digest).write_bytes(whole)

    flip = lambda b: b[:-20] + bytes([b[-20] ^ 1]) + b[-19:]
    layer = want["layers"][0]["digest"]
    after(layer, flip, "EBADMSG", "a layer with one bit changed", "not what its digest says")
    after(layer, lambda b: b[:-1], "EBADMSG", "a layer that was cut off", "ends after")
    after(layer, lambda b: b + b"x", "EBADMSG", "a layer that is too long", "longer than")
    after(want["config_digest"], flip, "EBADMSG", "a config with one bit changed")
    after(want["digest"], flip, "EBADMSG", "a manifest with one bit changed")
    for name, size in (("nothing", 0), ("half a header", 300), ("half an archive", 500000)):
        (t / "cut.tar").write_bytes((t / "da.tar").read_bytes()[:size])
        said = read("open", f"docker-archive:{t}/cut.tar")
        TAP.ok(said.get("error") == "EBADMSG", f"docker-archive of which {name} is there", said)
    (t / "cut.gz").write_bytes((t / "da.tar.gz").read_bytes()[:500000])
    said = read("open", f"docker-archive:{t}/cut.gz")
    TAP.ok(said.get("error") == "EBADMSG" and "cut off" in said["message"], "a packed one that was cut off", said)
    for ref in ("oci:/nowhere", "docker-archive:/nowhere", "dir:/nowhere", "dir:/etc/passwd"):
        said = read("open", ref)
        TAP.ok("error" in said and len(said["message"]) > 20, f"{ref} is refused", said)


def main():
    need_root()
    os.umask(0o022)
    t = Path(tempfile.mkdtemp(prefix="koban-images-", dir="/var/tmp"))
    try:
        umoci(t / "layout", "v1", t / "work", first_layer, second_layer,
              config=("--config.env", "A=B", "--config.cmd", "/bin/big", "--config.label", "x=y"))
        want = read("open", f"oci:{t}/layout:v1")
        TAP.ok(len(want.get("layers", [])) == 2, "an image with two layers", want)
        test_files(t, want)
        test_old_save(t, want)
        test_registry(t, want)
        test_podman(t, want)
        test_docker(t, want)
        test_containerd(t, want)
        test_folder(t)
        test_damage(t, want)
    finally:
        subprocess.run(["umount", "-q", str(t / "podman-root/var/lib/containers/storage/overlay")], check=False)
        shutil.rmtree(t, ignore_errors=True)
    TAP.done()


if __name__ == "__main__":
    sys.exit(main())
