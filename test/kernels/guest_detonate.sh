#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs inside the guest of test_detonate.sh, as root with BusyBox alone, and prints TAP.
# It changes the root of the machine that it runs on: never to be run outside, and not executable.
# not-a-test: test_detonate.sh brings it into the guest
# shellcheck disable=SC2317 # functions that point is given
if [ "${1:-}" != moved ] && { [ ! -x /init ] || [ ! -e /overlay.ko ]; }; then
	echo "1..0 # SKIP runs only in the guest of test_detonate.sh"
	exit 0
fi
number=0
failed=0

point() { # point NAME COMMAND…: one TAP point, true when the command is
	name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		failed=1
		echo "not ok $number - $name"
		sed 's/^/# /' /tmp/err
		cut -c1-2000 /tmp/out | sed 's/^/# /'
	fi
}

detonate() { # detonate [OPTION…] -- COMMAND…
	koban image detonate oci:/image:x --no-scan --json "$@" >/tmp/out 2>/tmp/err
}

says() {
	grep -q -- "$1" /tmp/out
}

nothing_left() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ -z "$(ls /run/koban/detonate)" ] && [ -z "$(ls -d /sys/fs/cgroup/koban* 2>/dev/null)" ] && return
		sleep 1
	done
	return 1
}

# A runtime changes the root of a container, which the kernel's first file system cannot: the guest
# moves into another one.
if [ "${1:-}" != moved ]; then
	mkdir /new
	mount -t tmpfs tmpfs /new
	for one in bin etc lib lib64 usr sbin root image var script overlay.ko; do
		[ -e "/$one" ] && cp -a "/$one" /new/
	done
	mkdir -p /new/proc /new/sys /new/dev /new/run /new/tmp
	for one in proc sys dev run tmp; do
		mount --rbind "/$one" "/new/$one"
	done
	cd /new && mount --move . / && exec chroot . /script moved
fi

insmod /overlay.ko
runtimes=runc
[ -x /usr/bin/crun ] && runtimes="runc crun"
for runtime in $runtimes; do
	point "$runtime: it runs" detonate --runtime "$runtime" --seconds 60
	point "$runtime: what it downloaded ran, and is found" says '"run-exec-dropped"'
	point "$runtime: its memory was measured or limited" says '"memory_peak_bytes"'
	point "$runtime: nothing is left" nothing_left
done
point "a memory bomb ends" detonate --memory 32 --seconds 100 -- /bin/sh /run.sh memory
point "by the cgroup's limit" grep -q '"out_of_memory":[1-9]' /tmp/out
point "a fork bomb ends" detonate --processes 20 --seconds 4 -- /bin/sh /run.sh bomb
point "nothing is left" nothing_left
echo "1..$number"
exit "$failed"
