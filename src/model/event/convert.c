/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel numbers to .scap numbers. Nearly every converter is a flag table and how to read it: bits
 * are translated one by one, an enumerator is looked up. What remains is by hand below. Nothing is
 * converted back, and nothing here knows an event.
 */
#include "model/event/flags.h"

enum rule {
	RULE_SAME, /* kernel and disk agree */
	RULE_BITS, /* every row whose kernel bits are all set; the rest is dropped */
	RULE_ENUM, /* the row with this kernel value, else `other` */
	RULE_HAND,
};

struct converter {
	enum rule rule;
	const struct flag_name *table;
	uint64_t mask; /* what of the value counts; 0 = all */
	uint64_t other;
};

enum { K_NONBLOCK = 04000, K_CREAT = 0100, K_TMPFILE_BIT = 020000000, K_CLOEXEC = 02000000 };

#define FD_BITS (K_NONBLOCK | K_CLOEXEC)

static const struct converter converters[CONV_COUNT] = {
	[CONV_access_flags] = {RULE_BITS, flags_access_flags},
	[CONV_chmod_mode] = {RULE_BITS, flags_chmod_mode},
	[CONV_clone_flags] = {RULE_BITS, flags_clone_flags},
	[CONV_close_range_flags] = {RULE_BITS, flags_close_range_flags},
	[CONV_creat_mode] = {RULE_BITS, flags_chmod_mode},
	[CONV_delete_module_flags] = {RULE_BITS, flags_delete_module_flags},
	[CONV_dup3_flags] = {RULE_BITS, flags_file_flags, K_CLOEXEC},
	[CONV_epoll_create1_flags] = {RULE_BITS, flags_epoll_create1_flags},
	[CONV_eventfd2_flags] = {RULE_BITS, flags_file_flags, FD_BITS},
	[CONV_fchownat_flags] = {RULE_BITS, flags_fchownat_flags},
	[CONV_fcntl_cmd] = {RULE_ENUM, flags_fcntl_commands, UINT32_MAX, 0},
	[CONV_finit_module_flags] = {RULE_BITS, flags_finit_module_flags},
	[CONV_flock_flags] = {RULE_BITS, flags_flock_flags},
	[CONV_fsconfig_cmd] = {RULE_SAME},
	[CONV_futex_op] = {RULE_HAND},
	[CONV_inotify_flags] = {RULE_BITS, flags_file_flags, FD_BITS},
	[CONV_io_uring_enter_flags] = {RULE_BITS, flags_io_uring_enter_flags},
	[CONV_io_uring_register_op] = {RULE_SAME},
	[CONV_io_uring_setup_feats] = {RULE_BITS, flags_io_uring_setup_feats},
	[CONV_io_uring_setup_flags] = {RULE_BITS, flags_io_uring_setup_flags},
	[CONV_keyctl_op] = {RULE_SAME},
	[CONV_linkat_flags] = {RULE_BITS, flags_linkat_flags},
	[CONV_lseek_whence] = {RULE_SAME},
	[CONV_memfd_create_flags] = {RULE_BITS, flags_memfd_create_flags},
	[CONV_mknod_mode] = {RULE_HAND},
	[CONV_mlock2_flags] = {RULE_BITS, flags_mlock2_flags},
	[CONV_mlockall_flags] = {RULE_BITS, flags_mlockall_flags},
	[CONV_mmap_flags] = {RULE_BITS, flags_mmap_flags},
	[CONV_mount_flags] = {RULE_HAND},
	[CONV_newfstatat_flags] = {RULE_BITS, flags_newfstatat_flags},
	[CONV_open_flags] = {RULE_HAND},
	[CONV_open_mode] = {RULE_HAND},
	[CONV_openat2_resolve] = {RULE_BITS, flags_openat2_flags},
	[CONV_page_fault_flags] = {RULE_HAND},
	[CONV_pair] = {RULE_SAME},
	[CONV_pidfd_open_flags] = {RULE_BITS, flags_pidfd_open_flags},
	[CONV_pipe2_flags] = {RULE_HAND},
	[CONV_poll_events] = {RULE_BITS, flags_poll_flags},
	[CONV_prctl_option] = {RULE_SAME},
	[CONV_prot_flags] = {RULE_BITS, flags_prot_flags},
	[CONV_ptrace_request] = {RULE_ENUM, flags_ptrace_requests, 0, 0},
	[CONV_quotactl_cmd] = {RULE_HAND},
	[CONV_quotactl_type] = {RULE_ENUM, flags_quotactl_types, 0xff, 0},
	[CONV_rlimit_resource] = {RULE_ENUM, flags_rlimit_resources, UINT32_MAX, 0xff},
	[CONV_s32] = {RULE_HAND},
	[CONV_semctl_cmd] = {RULE_ENUM, flags_semctl_commands, 0xff, 0},
	[CONV_semget_flags] = {RULE_BITS, flags_semget_flags},
	[CONV_semop_flags] = {RULE_BITS, flags_semop_flags},
	[CONV_shutdown_how] = {RULE_ENUM, flags_shutdown_how, UINT32_MAX, 0xff},
	[CONV_signalfd4_flags] = {RULE_BITS, flags_file_flags, FD_BITS},
	[CONV_socket_family] = {RULE_SAME, NULL, 0xff},
	[CONV_socket_flags] = {RULE_BITS, flags_file_flags, FD_BITS},
	[CONV_sockopt_level] = {RULE_ENUM, flags_sockopt_levels, UINT32_MAX, 0},
	[CONV_sockopt_name] = {RULE_HAND},
	[CONV_splice_flags] = {RULE_BITS, flags_splice_flags},
	[CONV_timerfd_flags] = {RULE_BITS, flags_file_flags, FD_BITS},
	[CONV_umount2_flags] = {RULE_BITS, flags_umount_flags},
	[CONV_unlinkat_flags] = {RULE_BITS, flags_unlinkat_flags},
	[CONV_userfaultfd_flags] = {RULE_BITS, flags_file_flags, FD_BITS},
	[CONV_zero] = {RULE_HAND},
};

static uint64_t convert_bits(const struct flag_name *t, uint64_t value)
{
	uint64_t out = 0;

	for (; t->name; t++)
		if (t->kernel && t->kernel != KERNEL_NONE && (value & t->kernel) == t->kernel)
			out |= t->value;
	return out;
}

static uint64_t convert_enum(const struct flag_name *t, uint64_t value, uint64_t other)
{
	for (; t->name; t++)
		if (t->kernel != KERNEL_NONE && t->kernel == value)
			return t->value;
	return other;
}

/* The access mode is an enumeration in two bits; O_TMPFILE is set only when its own bit is. */
static uint64_t convert_open_flags(uint64_t value)
{
	static const uint8_t access[] = {1, 2, 3, 1}; /* O_RDONLY, O_WRONLY, O_RDWR on disk */

	return access[value & 3] | convert_bits(flags_file_flags, value & UINT32_MAX);
}

static uint64_t convert_open_mode(uint64_t mode_and_flags)
{
	if (!((mode_and_flags >> 32) & (K_CREAT | K_TMPFILE_BIT)))
		return 0; /* the argument was not there: whatever the register held */
	return convert_bits(flags_chmod_mode, mode_and_flags & UINT32_MAX);
}

static uint64_t convert_mknod_mode(uint64_t mode)
{
	enum { TYPE = 0170000, REGULAR = 0100000 };
	uint64_t type = mode & TYPE;

	return (mode & 07777) | (type ? type : REGULAR);
}

static uint64_t convert_mount_flags(uint64_t flags)
{
	enum { MAGIC = 0xc0ed };

	flags &= UINT32_MAX;
	return flags >> 16 == MAGIC ? flags & 0xffff : flags;
}

static uint64_t convert_page_fault(uint64_t code)
{
	uint64_t out = code & 1 ? 0x1 : 0x2;

	out |= code & 2 ? 0x4 : 0x8;
	out |= code & 4 ? 0x10 : 0x20;
	return out | (code & 0x8 ? 0x40 : 0) | (code & 0x10 ? 0x80 : 0);
}

static uint64_t convert_futex_op(uint64_t op)
{
	enum { COMMAND = 0x7f, LAST = 12, FLAGS = 0x180 };

	return ((op & COMMAND) <= LAST ? op & COMMAND : 0) | (op & FLAGS);
}

static uint64_t convert_by_hand(enum event_converter what, uint64_t value)
{
	switch (what) {
	case CONV_futex_op:
		return convert_futex_op(value);
	case CONV_mknod_mode:
		return convert_mknod_mode(value);
	case CONV_mount_flags:
		return convert_mount_flags(value);
	case CONV_open_flags:
		return convert_open_flags(value);
	case CONV_open_mode:
		return convert_open_mode(value);
	case CONV_page_fault_flags:
		return convert_page_fault(value);
	case CONV_pipe2_flags: /* O_DIRECT differs between architectures: by the table, then cut */
		return convert_bits(flags_file_flags, value & UINT32_MAX) & (0x40 | 0x200 | 0x1000);
	case CONV_quotactl_cmd:
		return convert_enum(flags_quotactl_cmds, (value & UINT32_MAX) >> 8, 0);
	case CONV_s32:
		return (uint64_t)(int64_t)(int32_t)value;
	case CONV_sockopt_name:
		return value >> 32 == 1 ? convert_enum(flags_sockopt_options, value & UINT32_MAX, 0)
					: 0;
	default: /* CONV_zero */
		return 0;
	}
}

uint64_t event_convert(enum event_converter what, uint64_t value)
{
	if ((unsigned)what >= CONV_COUNT)
		return value;
	const struct converter *c = &converters[what];

	if (c->rule == RULE_HAND)
		return convert_by_hand(what, value);
	if (c->mask)
		value &= c->mask;
	if (c->rule == RULE_BITS)
		return convert_bits(c->table, value);
	return c->rule == RULE_ENUM ? convert_enum(c->table, value, c->other) : value;
}
