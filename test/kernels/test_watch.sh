#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# run-args: 5.10
# run-args: 6.1
# koban on Debian's own kernels, that of Debian 12 (6.1) and the oldest with BTF, of Debian 11 (5.10):
# does every program load, and is what happens seen?
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${KOBAN_BUILD:-$top/build}
koban=$build/src/cmd/koban

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

[ -x "$koban" ] || { echo "Bail out! $koban is not built"; exit 1; }
command -v qemu-system-x86_64 >/dev/null || skip_all "needs qemu-system-x86"
case $1 in
5.10)
	kernel=/var/cache/koban-test/vmlinuz-5.10-debian11
	[ -r "$kernel" ] || skip_all "needs Debian 11's kernel (setup/old_kernel.sh)"
	;;
6.1)
	kernel=$(find /boot -name 'vmlinuz-6.1*-cloud-amd64' 2>/dev/null | sort -V | tail -n 1)
	[ -n "$kernel" ] || skip_all "needs linux-image-cloud-amd64"
	;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
set -- --file "$koban:/bin/koban" --file "$here/guest_watch.yaml:/rules.yaml"

# A 32-bit program: the same open through the kernel's other system call table.
cat >"$work/open32.c" <<'END'
#include <fcntl.h>
int main(int argc, char **argv)
{
	return argc < 2 || open(argv[1], O_RDONLY) < 0;
}
END
if gcc -m32 -static -O -o "$work/open32" "$work/open32.c" 2>/dev/null; then
	set -- "$@" --file "$work/open32:/bin/open32"
fi

mem=768M
[ -z "${KOBAN_ASAN:-}" ] || mem=2G
"$here/boot.sh" --kernel "$kernel" --mem "$mem" --timeout 380 "$@" --script "$here/guest_watch.sh"
