#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Usage: setup/demo.sh [BUILD]. Watches this machine with the shipped rules while it does, harmlessly,
# what an intruder does; prints the alerts. It changes nothing but a folder of its own in /dev/shm.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-build}
case $build in
/*) ;;
*) build=$top/$build ;;
esac
[ "$(id -u)" = 0 ] || {
	echo "demo: needs root, as every sensor in the kernel does: sudo setup/demo.sh $*" >&2
	exit 1
}

work=$(mktemp -d /dev/shm/koban-demo.XXXXXX)
"$build/src/cmd/koban" watch -r "$top/data/rules" -o stdout_output.enabled=true \
	2>"$work/log" &
koban=$!
trap 'kill "$koban" 2>/dev/null || true; wait "$koban" 2>/dev/null || true; rm -rf "$work"' EXIT
sleep 2
kill -0 "$koban" 2>/dev/null || {
	echo "demo: koban did not start:" >&2
	cat "$work/log" >&2
	exit 1
}

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m')
	plain=$(printf '\033[0m')
fi

try() {
	printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
	sh -c "$1" >/dev/null 2>&1 || true
	sleep 0.5
}

try 'cat /etc/shadow'
try 'cd /etc && cat ../etc/./shadow'
try "ln -s /etc/shadow $work/innocent && cat $work/innocent"
try "cp /bin/true $work/miner && $work/miner"
try 'find / -xdev -maxdepth 3 -name id_rsa'
try 'ln -s /etc/shadow /tmp/koban-demo-link; rm -f /tmp/koban-demo-link'
sleep 1
