#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: setup/make-demo-capture.sh [BUILD [FILE]]. Records data/demo/intruder.scap.gz: a machine that
# does not exist, made of namespaces (process, mount, network, host name, cgroup) with an invented
# /etc and a file system in memory, and in it a harmless intruder. Nothing of this machine goes into
# the capture but the programs' own paths below /usr: it is recorded from inside, where no other
# process, user, address or host name can be seen, and only what has the demo's mark in its
# environment is written. Needs root.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-build}
case $build in
/*) ;;
*) build=$top/$build ;;
esac
out=${2:-$top/data/demo/intruder.scap.gz}

outside() {
	[ "$(id -u)" = 0 ] || {
		echo "make-demo-capture: needs root: sudo setup/make-demo-capture.sh $*" >&2
		exit 1
	}
	# a control group's name would tell where this shell runs
	for group in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
		(echo $$ >"$group") 2>/dev/null || true
	done
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	unshare --pid --fork --mount --uts --net --ipc --cgroup --propagation private \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin INSIDE=1 "$0" "$build" "$work" \
		>"$work/log" 2>&1 </dev/null || {
		cat "$work/log" >&2
		exit 1
	}
	install -m 644 "$work/capture" "$out"
	ls -l "$out"
}

# The root of the machine that is not there.
make_root() {
	mount -t tmpfs demo "$root"
	cd "$root"
	mkdir usr etc proc sys dev tmp root home srv var old opt etc/cron.d dev/shm home/mina \
		home/mina/.ssh srv/www var/tmp
	mount --bind /usr usr
	mount -o remount,bind,ro usr
	for name in bin sbin lib lib64; do
		[ -e "/$name" ] && ln -s "usr/$name" "$name"
	done
	mount --rbind /sys sys
	touch opt/koban
	mount --bind "$build/src/cmd/koban" opt/koban
	for device in null zero urandom; do
		touch "dev/$device"
		mount --bind "/dev/$device" "dev/$device"
	done
	cp /etc/ld.so.cache etc/
	printf 'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33:www:/srv/www:/bin/sh\nmina:x:1000:1000:Mina:/home/mina:/bin/sh\n' >etc/passwd
	printf 'root:*:20000:0:99999:7:::\nmina:*:20000:0:99999:7:::\n' >etc/shadow
	printf 'root:x:0:\nwww:x:33:\nmina:x:1000:\n' >etc/group
	printf 'not a key\n' >home/mina/.ssh/id_rsa
	chmod 1777 tmp var/tmp dev/shm
}

inside() {
	out=$2
	hostname kiosk
	ip link set lo up 2>/dev/null || true
	root=$(mktemp -d)
	make_root
	mkdir keep
	mount --bind "$out" keep
	cp "$top/setup/demo-intruder.sh" srv/intruder.sh
	cp "$top/setup/make-demo-capture.sh" srv/record.sh
	pivot_root . old
	cd /
	mount -t proc proc /proc
	exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin INSIDE=2 /bin/sh /srv/record.sh \
		>/keep/log 2>&1 </dev/null
}

# From here on nothing is left of the machine outside, not even this script's path.
record() {
	cd /
	umount -l /old
	/opt/koban capture -z -q -w /keep/capture --no-env 'proc.env contains KOBAN_DEMO' \
		</dev/null &
	koban=$!
	sleep 3
	env -i PATH=/usr/bin:/bin HOME=/root KOBAN_DEMO=1 sh -c 'cd /srv/www && exec sh /srv/intruder.sh' \
		>/dev/null 2>&1 </dev/null || true
	sleep 1
	kill -INT "$koban"
	wait "$koban"
}

case ${INSIDE:-0} in
1) inside "$@" ;;
2) record ;;
*) outside "$@" ;;
esac
