#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs inside the guest of test_watch.sh, as root with BusyBox alone, and prints TAP.
# shellcheck disable=SC2317 # functions that other functions are given
alerts=/tmp/alerts
log=/tmp/log
number=0
failed=0
container=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

point() { # point NAME COMMAND…: one TAP point, true when the command is
	name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		failed=1
		echo "not ok $number - $name"
	fi
}

# within SECONDS COMMAND…: tries until the command is true
within() {
	seconds=$1
	shift
	until "$@"; do
		seconds=$((seconds - 1))
		[ "$seconds" -gt 0 ] && is_alive || return 1
		sleep 1
	done
}

is_alive() {
	kill -0 "$pid" 2>/dev/null
}

alerted() { # alerted RULE [TEXT]: is there an alert of this rule with this text?
	grep "\"rule\":\"$1\"" "$alerts" 2>/dev/null | grep -q -- "${2:-}"
}

is_ready() {
	cat /tmp/ready >/dev/null
	alerted ready
}

ends_well() {
	is_alive || return 1
	kill -TERM "$pid"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		is_alive || break
		sleep 1
	done
	! is_alive && wait "$pid"
}

is_recording() {
	grep -q 'recording to' /tmp/record
}

recorded() { # recorded FILTER: is such an event in the capture?
	koban read /tmp/all.scap "$1" 2>&1 | grep -q .
}

echo 1..11
echo x >/tmp/ready
koban watch -r /rules.yaml -o stdout_output.enabled=true --json >"$alerts" 2>"$log" &
pid=$!
point "the programs load and the first event arrives" within 60 is_ready

/bin/busybox echo of the guest >/dev/null
(cd /etc && cat ../etc/./shadow >/dev/null)
nc -w 1 127.0.0.1 9 </dev/null >/dev/null 2>&1

mkdir -p "/sys/fs/cgroup/system.slice/docker-$container.scope"
sh -c "echo \$\$ >/sys/fs/cgroup/system.slice/docker-$container.scope/cgroup.procs
	cat /etc/shadow >/dev/null"

point "an exec with its arguments" within 10 alerted exec "of the guest"
point "an open through a relative path, on the host" within 10 alerted open "/etc/shadow"
point "the user's name" alerted open "as root"
point "a connect with its address" within 10 alerted connect "127.0.0.1:9"
point "the container's id, without any engine" within 10 alerted container "0123456789ab"
if [ -x /bin/open32 ]; then
	/bin/open32 /etc/group
	point "an open by a 32-bit system call" within 10 alerted compat "/etc/group"
else
	number=$((number + 1))
	echo "ok $number - an open by a 32-bit system call # SKIP needs gcc-multilib"
fi

point "ends with status 0 on SIGTERM" ends_well

koban capture -w /tmp/all.scap 2>/tmp/record &
pid=$!
point "every program of every event loads" within 60 is_recording
mkdir /tmp/made
point "and ends" ends_well
point "what was done meanwhile is in the capture" recorded "evt.type = mkdir and evt.args contains /tmp/made"

if [ "$failed" = 1 ]; then
	sed 's/^/# log: /' "$log" /tmp/record
	head -n 40 "$alerts" | sed 's/^/# alert: /'
	dmesg | tail -n 20 | sed 's/^/# kernel: /'
fi
exit "$failed"
