#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the kernel of Debian 11 (5.10), the oldest with BTF that Debian has, for the tests under
# QEMU: the package's kernel alone, verified, into a folder of its own. Nothing is installed.
# Usage: setup/old_kernel.sh. Run again, it finds it there and asks for no network.
set -eu

folder=/var/cache/koban-test
kernel=$folder/vmlinuz-5.10-debian11
package=linux-image-5.10.0-32-cloud-amd64_5.10.223-1_amd64.deb
sha256=fb4a1229952d892138532c1d9f40a7fd0bd408e4dcf969c12e4524b6a89fdcb8

[ ! -r "$kernel" ] || exit 0

say() {
	printf '%s\n' "setup: $*" >&2
}

[ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || exec sudo "$0"
[ "$(id -u)" = 0 ] || { say "only root can put Debian 11's kernel into $folder"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for archive in deb.debian.org archive.debian.org; do
	say "fetching Debian 11's kernel from $archive (20 MB)"
	curl -fsSL --retry 2 --max-time 300 -o "$work/package" \
		"http://$archive/debian/pool/main/l/linux-signed-amd64/$package" || continue
	echo "$sha256  $work/package" | sha256sum --check --status && break
	say "what $archive gave is not the package that is meant (SHA-256)"
	rm -f "$work/package"
done
[ -r "$work/package" ] || { say "Debian 11's kernel was not to be had: its tests are skipped"; exit 1; }
dpkg-deb --fsys-tarfile "$work/package" | tar -C "$work" -xf - --wildcards './boot/vmlinuz-*'
mkdir -p "$folder"
# by rename: another run may look at the same moment
cp "$work"/boot/vmlinuz-* "$folder/.new.$$"
chmod 0644 "$folder/.new.$$"
mv "$folder/.new.$$" "$kernel"
say "done"
