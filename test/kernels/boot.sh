#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Boots a Linux kernel in QEMU, without KVM, runs one script there as root and prints what the
# script prints; ends with the script's exit status, or 124 when the time is up.
#
#   test/kernels/boot.sh [--kernel IMAGE] [--mem 512M] [--cpus 1] [--timeout SECONDS]
#                        [--file SRC:DST]… --script FILE [ARG…]
#
# The guest has BusyBox and what --file brings (files or folders; the shared libraries of programs
# come along), proc, sys, cgroup v2, bpf and tracefs mounted, and a loopback network. The script's
# output has a serial line for itself, so that no kernel message can mix with its TAP.
# not-a-test: the kernel tests call it
set -eu

die() {
	printf '%s\n' "boot.sh: $*" >&2
	exit 2
}

kernel='' mem=512M cpus=1 limit=150 script=''
work=$(mktemp -d)
root=$work/root
trap 'rm -rf "$work"' EXIT
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/run" "$root/etc" \
	"$root/root" "$root/var/log"

# The libraries that the loader would take, at the places where it looks.
copy_libraries() {
	ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
		[ -e "$root$library" ] && continue
		mkdir -p "$root$(dirname "$library")"
		cp -L "$library" "$root$library"
	done
}

copy_in() {
	from=${1%%:*} to=${1#*:}
	[ -e "$from" ] || die "no file $from"
	mkdir -p "$root$(dirname "$to")"
	cp -RL "$from" "$root$to"
	[ -f "$from" ] && copy_libraries "$from"
	return 0
}

while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernel=$2 ;;
	--mem) mem=$2 ;;
	--cpus) cpus=$2 ;;
	--timeout) limit=$2 ;;
	--file) copy_in "$2" ;;
	--script)
		script=$2
		shift 2
		break
		;;
	*) die "unknown option $1" ;;
	esac
	shift 2
done
[ -n "$script" ] || die "which --script?"
if [ -z "$kernel" ]; then
	kernel=$(find /boot -name 'vmlinuz-6.1*-cloud-amd64' 2>/dev/null | sort -V | tail -n 1)
	[ -n "$kernel" ] || die "no kernel: install linux-image-cloud-amd64, or give --kernel"
fi
[ -r "$kernel" ] || die "cannot read $kernel"
[ -x /bin/busybox ] || die "no /bin/busybox: install busybox-static"

cp /bin/busybox "$root/bin/busybox"
cp "$script" "$root/script"
chmod +x "$root/script"
printf '%s\n' "$@" >"$root/args"
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'root:*:1::::::\n' >"$root/etc/shadow"
cat >"$root/init" <<'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd
ip link set lo up
stty -F /dev/ttyS1 raw
set --
while IFS= read -r arg; do
	[ -n "$arg" ] && set -- "$@" "$arg"
done </args
rm /args
cd /root
/script "$@" >/dev/ttyS1 2>&1 </dev/null
printf '\nboot.sh: status %d\n' $? >/dev/ttyS1
sync
poweroff -f
END
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) >"$work/initramfs"
rm -rf "$root"

status=0
timeout -k 5 "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp "$cpus" -m "$mem" \
	-nodefaults -no-user-config -display none -no-reboot -kernel "$kernel" \
	-initrd "$work/initramfs" -serial "file:$work/console" -serial "file:$work/out" \
	-append 'console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on' \
	>&2 </dev/null || status=$?
last=$(grep -a '^boot.sh: status ' "$work/out" 2>/dev/null | tail -n 1)
if [ -z "$last" ]; then
	cat "$work/out" 2>/dev/null || true
	printf '%s\n' "boot.sh: the guest did not come to its end; its console:" >&2
	tail -n 60 "$work/console" >&2 || true
	[ "$status" = 124 ] || status=3
	exit "$status"
fi
# without the empty line and the status that init added
head -n -2 "$work/out"
exit "${last##* }"
