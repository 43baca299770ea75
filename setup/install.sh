#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing. Usage: setup/install.sh [build] [test] [lint]
# (no argument: build). Run again, it finds nothing to do and asks for no network.
set -eu

# What the compiler and the program need.
build='gcc libc6-dev pkg-config meson ninja-build clang-14 llvm-14 bpftool libbpf-dev libelf-dev
zlib1g-dev libjansson-dev libyaml-dev libpcre2-dev libcurl4-openssl-dev
libmicrohttpd-dev libgnutls28-dev libssl-dev libcap-dev libseccomp-dev libncurses-dev liblua5.4-dev
libsqlite3-dev libpq-dev libarchive-dev libisal-dev libzstd-dev libyara-dev libvectorscan-dev libcmocka-dev ca-certificates'

# The console's web application is bundled at build; a Node.js from elsewhere brings its own npm.
node='nodejs npm'

# What the tests start: containers, a second kernel, other ways of asking for a file.
test='libclang-rt-14-dev python3 python3-yaml python3-jsonschema podman runc crun containerd
qemu-system-x86 busybox-static linux-image-cloud-amd64 liburing-dev gcc-multilib iproute2 procps
sysdig python3-pyte chromium isal pigz yara xz-utils zstd
cpio curl git psmisc postgresql sqlite3 docker-registry skopeo umoci buildah mmdebstrap util-linux mount netcat-openbsd strace
rpm db5.3-util golang-go ruby libjackson2-core-java binutils'

lint='clang-format-14 clang-format clang-tidy cppcheck shellcheck mandoc git'

say() {
	printf '%s\n' "setup: $*" >&2
}

die() {
	say "$*"
	exit 1
}

list_installed() {
	# shellcheck disable=SC2016 # dpkg-query's own variables
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p'
}

is_installed() {
	printf '%s\n' "$installed" | grep -qxF "$1"
}

wanted=
for list in "${@:-build}"; do
	case $list in
	build)
		wanted="$wanted $build"
		command -v npm >/dev/null || wanted="$wanted $node"
		;;
	test) wanted="$wanted $test" ;;
	lint) wanted="$wanted $lint" ;;
	*) die "unknown list '$list'; known are build, test, lint" ;;
	esac
done

{ command -v dpkg && command -v apt-get; } >/dev/null ||
	die "this is no Debian-like system (no dpkg and apt-get): install by hand what the lists" \
		"at the top of setup/install.sh name"

installed=$(list_installed)
missing=
for p in $wanted; do
	is_installed "$p" && continue
	missing="$missing $p"
done
[ -n "$missing" ] || exit 0

[ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || exec sudo "$0" "$@"
[ "$(id -u)" = 0 ] || die "these packages are missing and only root can install them; run:" \
	"setup/install.sh $* (as root)"

export DEBIAN_FRONTEND=noninteractive

# The package lists are fetched only when a package cannot be found in them.
for p in $missing; do
	if ! apt-cache show "$p" >/dev/null 2>&1; then
		say "fetching the package lists (apt-get update)"
		apt-get -qq update || die "apt-get update failed: check the network and" \
			"/etc/apt/sources.list"
		break
	fi
done
for p in $missing; do
	apt-cache show "$p" >/dev/null 2>&1 || die "no package '$p': koban is built and tested on" \
		"Debian 12 (bookworm); on another release find its name and edit setup/install.sh"
done

count=0
for p in $missing; do
	count=$((count + 1))
done
say "installing $count packages:$missing"

try_install() {
	# shellcheck disable=SC2086 # a list of words
	apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef \
		-o Dpkg::Options::=--force-confold install --no-install-recommends $missing </dev/null |
		awk '/^Unpacking|^Setting up/ { sub(/ \(.*/, ""); print "setup:   " $0; fflush() }' >&2
}

# Old lists name package files that the mirror no longer has: fetch them once and try again.
for attempt in 1 2; do
	try_install || true
	installed=$(list_installed)
	left=
	for p in $missing; do
		is_installed "$p" || left="$left $p"
	done
	[ -n "$left" ] || break
	missing=$left
	[ "$attempt" = 2 ] && die "apt-get could not install:$left (its messages are above)"
	say "trying again with fresh package lists"
	apt-get -qq update || die "apt-get update failed: check the network and /etc/apt/sources.list"
done
say "done"
