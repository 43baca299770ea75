#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The mixed load of the benchmark: what a developer's machine does, the same work each time.
# Usage: test/bench/mixed.sh tar|mixed
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
server=''
clean() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap clean EXIT

pack() {
	# through a pipe: GNU tar reads nothing when it sees that it writes to /dev/null
	tar -cf - -C / usr/include | cat >/dev/null
}

search() {
	find /usr/include /usr/lib -name '*.h' -newer /etc/hostname >/dev/null
}

compile() {
	for file in "$top"/src/base/*.c; do
		gcc -std=gnu17 -D_GNU_SOURCE= -O1 -I "$top/src" -c "$file" -o "$work/out.o"
	done
}

download() {
	mkdir "$work/www"
	head -c 100000 /dev/zero >"$work/www/file"
	python3 -u -m http.server --bind 127.0.0.1 --directory "$work/www" 0 \
		>"$work/port" 2>/dev/null &
	server=$!
	until port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$work/port") && [ -n "$port" ]; do
		sleep 0.02
	done
	i=0
	while [ $i -lt 30 ]; do
		curl -sf -o /dev/null "http://127.0.0.1:$port/file"
		i=$((i + 1))
	done
}

shells() {
	i=0
	while [ $i -lt 100 ]; do
		sh -c 'echo one two | tr " " "\n" | grep -c two' >/dev/null
		i=$((i + 1))
	done
}

clone() {
	git clone -q --no-hardlinks "$top" "$work/clone"
	git -C "$work/clone" log --stat >/dev/null
}

case ${1:-mixed} in
tar) pack ;;
mixed)
	pack
	search
	compile
	download
	shells
	clone
	;;
*)
	echo "usage: mixed.sh tar|mixed" >&2
	exit 2
	;;
esac
