#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the topmost layers of official images as a list for `koban image scan --feed`.

usage: official_layers.py NAME[:TAG]… > official-layers.txt

Asks the registry through skopeo (Debian's package), for amd64. Of each tag it takes the topmost
layer that is not empty: an image that is built on it has that layer. --registry asks a mirror.
"""
import argparse
import json
import subprocess
import sys

# the tar of a layer without members: 1024 and 10240 zero bytes
EMPTY = {"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
         "sha256:84ff92691f909a05b224e1c56abb4864f01b4f8e3c854e4bb4c7baf1d3f6d652"}


def top_layer(config):
    """The last diff id that is of a layer with something in it, or None."""
    layers = [d for d in config.get("rootfs", {}).get("diff_ids", []) if d not in EMPTY]
    return layers[-1] if layers else None


def inspect(ref):
    done = subprocess.run(["skopeo", "inspect", "--override-arch=amd64", "--override-os=linux",
                           "--config", ref], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{ref}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("images", nargs="+", metavar="NAME[:TAG]")
    ap.add_argument("--registry", default="docker://docker.io/library/",
                    help="what stands in front of the names (%(default)s)")
    args = ap.parse_args()
    print("#! kind: layer\n#! name: official layers")
    for image in args.images:
        name, _, tag = image.partition(":")
        layer = top_layer(inspect(f"{args.registry}{name}:{tag or 'latest'}"))
        if layer:
            print(f"{name} {layer}")


if __name__ == "__main__":
    main()
