/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The blocks of a .scap file: pcapng framing (u32 type, u32 length, body, padding to four bytes,
 * the same length again; the length counts all of it), little-endian. Numbers and layouts are those
 * of libs' userspace/libscap/scap_savefile.h; since version 1.2 they are fixed, and what is new is
 * appended to entries that carry their own length.
 *
 *	event          u16 cpu, [u32 flags], then the header below, u16 (events marked EF_LARGE:
 *	               u32) length of each parameter, the parameters without gaps
 *	event header   u64 ts_ns, s64 tid, u32 length (header and all), u16 code, u32 nparams;
 *	               the oldest blocks have no nparams
 *	machine        u32 cpus, u64 memory, u64 max pid, char hostname[128], u64 boot time, u64
 *	               flags, 2 u64 reserved
 *	interface      [u32 length without itself], u16 kind, u16 length of the name, address, mask,
 *	               broadcast (4 or 16 bytes each), [u64 speed], name
 *	user           [u32 length], u8 kind, u32 uid, u32 gid, name, home, shell (u16 + bytes)
 *	group          [u32 length], u8 kind, u32 gid, name
 *	process, fd    see read_process.c and read_fds.c
 */
#define BLOCK_SECTION 0x0A0D0D0Au
#define BLOCK_MACHINE 0x201u

#define BLOCK_PROCESSES_V1 0x202u
#define BLOCK_PROCESSES_V2 0x207u
#define BLOCK_PROCESSES_V3 0x209u
#define BLOCK_PROCESSES_V4 0x210u
#define BLOCK_PROCESSES_V5 0x211u
#define BLOCK_PROCESSES_V6 0x212u
#define BLOCK_PROCESSES_V7 0x213u
#define BLOCK_PROCESSES_V8 0x214u
#define BLOCK_PROCESSES_V9 0x215u

#define BLOCK_FDS_V1 0x203u
#define BLOCK_FDS_V2 0x218u

#define BLOCK_EVENT_V1       0x204u
#define BLOCK_EVENT_FLAGS_V1 0x208u
#define BLOCK_EVENT          0x216u
#define BLOCK_EVENT_FLAGS    0x217u
/* the same, larger than 64 KiB */
#define BLOCK_EVENT_LARGE       0x221u
#define BLOCK_EVENT_FLAGS_LARGE 0x222u

#define BLOCK_INTERFACES_V1 0x205u
#define BLOCK_INTERFACES_V2 0x219u
#define BLOCK_USERS_V1      0x206u
#define BLOCK_USERS_V2      0x220u

/* numbers from before the first release; the blocks are the same */
#define BLOCK_MACHINE_OLD      0x8002ABCDu
#define BLOCK_PROCESSES_V1_OLD 0x8000ABCDu
#define BLOCK_PROCESSES_V2_OLD 0x8013ABCDu
#define BLOCK_PROCESSES_V3_OLD 0x8014ABCDu
#define BLOCK_FDS_OLD          0x8001ABCDu
#define BLOCK_EVENT_OLD        0x8010ABCDu
#define BLOCK_INTERFACES_OLD   0x8011ABCDu
#define BLOCK_USERS_OLD        0x8012ABCDu

#define SECTION_MAGIC         0x1A2B3C4Du
#define SECTION_MAGIC_SWAPPED 0x4D3C2B1Au

enum {
	SCAP_MAJOR = 1,
	SCAP_MINOR = 2,

	BLOCK_HEADER_BYTES = 8,
	BLOCK_TRAILER_BYTES = 4,
	BLOCK_MIN_BYTES = BLOCK_HEADER_BYTES + BLOCK_TRAILER_BYTES,
	SECTION_BYTES = BLOCK_MIN_BYTES + 16, /* without options */
	MACHINE_BYTES = 180,
	HOSTNAME_BYTES = 128,

	EVENT_HEADER_BYTES = 26,
	EVENT_HEADER_V1_BYTES = 22,
	/* what a block of one event may have; upstream readers have the same two limits */
	EVENT_BLOCK_MAX = (64 << 10) + BLOCK_HEADER_BYTES,
	LARGE_BLOCK_MAX = 16 << 20,

	OPTION_FD_BYTES = 76, /* without the name */

	EVENT_STATE_ONLY = 1, /* of the flags: update the state, don't show */
};

/*
 * What koban knows and no parameter says stands behind the event, in its block, as pcapng's options
 * do: u16 code, u16 length, the value, padding to four bytes. Other readers skip it. (More
 * parameters than the schema has would be an error to libs.)
 */
enum event_option {
	OPTION_ENTER = 0x4B01,   /* u64: when the call began, ns since the epoch */
	OPTION_EMPTY = 0x4B03,   /* u32: bits of parameters that are not available but have zeros */
	OPTION_SYSCALL = 0x4B02, /* u16: parameter ID of event 1, where the event says 0 */
	OPTION_REAL = 0x4B04,    /* the file's path as the kernel found it … */
	OPTION_KNOWN = 0x4B05,   /* … and as rules know that inode; without a NUL */
	OPTION_TARGET_REAL = 0x4B06, /* the same of the second file */
	OPTION_TARGET_KNOWN = 0x4B07,
	OPTION_CGROUPS = 0x4B08, /* "subsys=path" NUL-separated: the process was moved to them */
	/*
	 * What the descriptor is that the event is about, when no event told: u8 enum fd_type, u8
	 * layer, u8 role, u8 (1 local end, 2 remote end, 4 connected), u32 open flags, u32 device,
	 * u64 inode, u16 family, u8 socket type, u8 protocol, u16 local port, u16 remote port, 16
	 * bytes local and 16 remote address, u64 own and u64 peer's kernel address, the name
	 */
	OPTION_FD = 0x4B09,
	OPTION_CHILD = 0x4B0B, /* u32: whom a clone made, where its result is another number */
	OPTION_CLONER =
		0x4B0A, /* u32: whose copy a child is that has another parent (CLONE_PARENT) */
};

enum scap_fd {
	SCAP_FD_UNKNOWN = 0,
	SCAP_FD_FILE = 1,
	SCAP_FD_DIRECTORY = 2,
	SCAP_FD_IPV4 = 3,
	SCAP_FD_IPV6 = 4,
	SCAP_FD_IPV4_SERVER = 5,
	SCAP_FD_IPV6_SERVER = 6,
	SCAP_FD_FIFO = 7,
	SCAP_FD_UNIX = 8,
	SCAP_FD_EVENT = 9,
	SCAP_FD_UNSUPPORTED = 10,
	SCAP_FD_SIGNAL = 11,
	SCAP_FD_EVENTPOLL = 12,
	SCAP_FD_INOTIFY = 13,
	SCAP_FD_TIMER = 14,
	SCAP_FD_NETLINK = 15,
	SCAP_FD_FILE_V2 = 16,
	SCAP_FD_BPF = 17,
	SCAP_FD_USERFAULT = 18,
	SCAP_FD_IO_URING = 19,
	SCAP_FD_MEMFD = 20,
	SCAP_FD_PIDFD = 21,
};

enum scap_l4 {
	SCAP_L4_UNKNOWN = 0,
	SCAP_L4_NONE = 1,
	SCAP_L4_TCP = 2,
	SCAP_L4_UDP = 3,
	SCAP_L4_ICMP = 4,
	SCAP_L4_RAW = 5,
};

enum scap_interface {
	SCAP_IF_IPV4 = 1,
	SCAP_IF_IPV6 = 2,
	SCAP_IF_IPV4_NO_SPEED = 3,
	SCAP_IF_IPV6_NO_SPEED = 4,
};

enum scap_user { SCAP_USER = 0, SCAP_GROUP = 1 };
