/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * The wire between the probe and user space: one record an event, in the ring buffer.
 *
 *   struct record_head | what was read, back to back | facts: u8 tag, u8 0, u16 len, bytes
 *
 * The syscall's six arguments and its result come raw; "reads" are the pieces of memory that the
 * plan of the event asks for (strings, data, arrays), still raw; facts are what the schema has no
 * parameter for: resolved paths, the socket, the file's identity. source/sensor/decode.c makes
 * schema parameters of all that. Little-endian. The includer provides __u8 … __u64.
 */

enum {
	RECORD_READS_MAX = 4,
	RECORD_STR_MAX = 4096,  /* one string, vector or path, with its NUL */
	RECORD_MAX = 21 * 1024, /* the whole record */
	RECORD_FORK = 1000,     /* = EVENT_FORK, EVENT_CGROUP of model/event */
	RECORD_CGROUP = 1001,
	PROBE_SYSCALLS = 512,        /* syscall numbers: 0 … 511 */
	PROBE_CODES = 512,           /* event codes, rounded up */
	PROBE_SOCKETCALLS = 32,      /* calls that i386 multiplexes */
	PROBE_CODE_SOCKETCALL = 510, /* stands for that call; which one is its argument */
	PROBE_CODE_EPOCH = 511,      /* stands for syscalls without an event that move names */
	PROBE_VERDICTS = 32768,      /* that are remembered of opens */
	PROBE_SOCK_VERDICTS = 8192,  /* … and of sockets */
	PROBE_KNOWN_MAX = 4096,      /* files and folders that rules name */
	PROBE_KNOWN_INSIDE = 32768,  /* the same in containers */
};

/* What an open's names follow from, or those of all ordinary names in its folder, or what is known
 * of a socket: as two hashes. */
struct verdict_key {
	__u64 a, b;
};

struct record_head {
	__u64 ts_ns;    /* CLOCK_BOOTTIME, at the end */
	__u64 enter_ns; /* 0 = not recorded */
	__u64 start_ns; /* start_boottime of the thread group leader */
	__s64 ret;
	__u32 pid, tid; /* thread group, thread; host's pid namespace */
	__u32 uid, gid; /* effective */
	__u32 len;      /* of the whole record */
	__u16 code, cpu;
	__u16 flags;                       /* enum record_flags */
	__u16 nr;                          /* the syscall's number */
	__u16 read_lens[RECORD_READS_MAX]; /* bytes, strings with their NUL; 0 = not readable */
	__u64 args[6];
	char comm[16]; /* exec only */
	/* zero = none. The second is of an open's folder, or of a call on a socket by this process:
	 * see verdict.h, verdict_sock.h */
	struct verdict_key verdict, second;
};

enum record_flags {
	RECORD_IO_URING = 1 << 0,
	RECORD_COMPAT = 1 << 1,
	RECORD_CUT = 1 << 2, /* something did not fit and was left out */
};

enum record_fact {
	FACT_FILE = 1, /* struct fact_file: the descriptor's file */
	FACT_REAL,   /* its path, as the kernel resolves it from the root of the mount namespace */
	FACT_FSPATH, /* of a file below a bind mount: its path from the root of its file system … */
	FACT_FSPATH_ROOT, /* … which is the root file system of the container, or of the host */
	FACT_DIR,         /* folder that the first relative path argument starts from */
	FACT_DIR2,        /* the second's */
	FACT_KNOWN,       /* struct fact_known */
	FACT_SOCK,        /* struct fact_sock */
	FACT_UNIX,        /* path of a unix socket: the peer's if it has one, else its own */
	FACT_ADDR,        /* a user sockaddr: destination or source of one message */
	FACT_CGROUPS, /* "subsys=path" NUL-separated; an empty path = the same as the one before */
	FACT_FORK,    /* struct fact_fork */
	FACT_CWD,     /* the working folder, after the call */
	FACT_EXE,     /* struct fact_exe */
	FACT_MNTNS,   /* struct fact_mntns, of a call that names a file and opens none */
	FACT_MAX,
};

struct fact_file {
	__s64 fd; /* number; S64_MIN = none */
	__u64 ino;
	__u32 dev;     /* the kernel's dev_t: major << 20 | minor */
	__u32 f_flags; /* open flags, the kernel's */
	__u16 mode;    /* i_mode */
	__u8 layer;    /* 0 no overlay, 1 upper, 2 lower */
	__u8 kind;     /* enum fact_kind, for what has no inode type of its own */
	__u32 magic;   /* of the file system */
	__u32 f_mode;  /* FMODE_*: whether this open made the file */
};

enum fact_kind {
	KIND_INODE,
	KIND_EVENTFD,
	KIND_EVENTPOLL,
	KIND_SIGNALFD,
	KIND_TIMERFD,
	KIND_INOTIFY,
	KIND_IO_URING,
	KIND_USERFAULT,
	KIND_BPF,
	KIND_PIDFD,
	KIND_ANON,
	KIND_MEMFD,
	KIND_FANOTIFY,
};

/* The file, or a folder above it, is one that a rule names: number `id` + the last `tail` bytes
 * of FACT_REAL (0: the file itself). */
struct fact_known {
	__u32 id, tail;
};

struct fact_sock {
	__u64 sock, peer;           /* kernel addresses: identities of unix sockets */
	__u16 family, lport, rport; /* host order */
	__u8 type, proto, state;
	__u8 is_accepted : 1; /* by this host, since the sensor started */
	__u8 is_bound : 1;    /* the caller chose the local port */
	__u8 reserved : 6;
	__u8 laddr[16], raddr[16];
};

struct fact_fork {
	__u64 child_start_ns, parent_start_ns;
	__u64 clone_flags;
	__u32 child_pid, child_tid, vtid, vpid, parent_pid, reserved;
};

struct fact_mntns {
	__u32 inum, parent_pid; /* the parent often outlives the caller */
};

/* What an exec event says beyond strings; see fill_exec() in exec.h. */
struct fact_exe {
	__u64 ino, ctime_ns, mtime_ns;
	__u64 cap_inheritable, cap_permitted, cap_effective;
	__u64 pidns_start_ns;
	__u64 fdlimit, pgft_maj, pgft_min, vm_pages;
	__u32 tty, loginuid, vpid, vtid, pgid, vpgid, sid, ptid;
	__u32 dev;
	__u8 writable, layer, memfd, deleted;
};

/* ---- what user space tells the probe ----------------------------------------------------- */

/* The events that a syscall number stands for, as a native and as a 32-bit call; 0 = not wanted. */
struct wanted {
	__u16 native, compat;
};

/* One call behind socketcall(2). */
struct socketcall {
	__u16 code, nargs;
};

enum { NAMES_STARTS_MAX = 4, NAMES_ENDS_MAX = 8, NAMES_HAS_MAX = 4, NAMES_IS_BITS = 16384 };

/* Eight bytes of a name, and what they must be. */
struct name_word {
	__u64 mask, value;
};

/*
 * File names that rules tell from others, whatever the folder: a name that none of these may mean
 * is ordinary, and goes with its folder (verdict.h). May, not does: longer texts are told by 8
 * bytes.
 */
struct names {
	__u32 is_on; /* the rules allow verdicts over folders */
	__u32 nstarts, nends, nhas;
	struct name_word starts[NAMES_STARTS_MAX]; /* at the name's begin */
	struct name_word ends[NAMES_ENDS_MAX];     /* at its end */
	struct name_word has[NAMES_HAS_MAX];       /* anywhere */
	__u8 is[NAMES_IS_BITS / 8];                /* bit name_bit(): the whole name */
};

/* First and last 8 bytes of a name (of a shorter one all, zeros behind or before), its length. */
static inline __attribute__((always_inline)) __u32 name_bit(__u64 first, __u64 last, __u32 len)
{
	__u64 h = (first * 0x9e3779b97f4a7c15ULL ^ last) * 0xd6e8feb86659fd93ULL + len;

	return (__u32)((h ^ h >> 29) * 0x9fb21c651e98df25ULL >> 50);
}

enum read_kind {
	READ_NONE,
	READ_STR,      /* a: argument that points to a NUL-terminated string */
	READ_DATA,     /* a: pointer, b: size argument; the result is the length if it is > 0 */
	READ_IOV,      /* a: struct iovec array, b: how many; the data of the first ones */
	READ_MSG,      /* a: struct msghdr; its data */
	READ_FIXED,    /* a: pointer, b: that many bytes */
	READ_SOCKADDR, /* a: pointer, b: length argument */
	READ_CONTROL,  /* a: struct msghdr; its control data */
	READ_POLL,     /* a: struct pollfd array, b: how many */
};

struct plan_read {
	__u8 kind, a, b, reserved;
};

/* the descriptor is the result; the second of the two that read 0 found (pipe, socketpair) */
enum { PLAN_NONE = 0xff, PLAN_FD_RET = 0xfe, PLAN_FD_PAIR = 0xfd };

enum plan_flags {
	PLAN_CWD_AFTER = 1 << 0, /* chdir and kin: send the working folder */
	PLAN_FAIL_ONLY = 1 << 1, /* exec: success has a tracepoint of its own */
	PLAN_ADDR = 1 << 2,      /* send the message's address as FACT_ADDR */
	PLAN_OK_ONLY = 1 << 3,   /* no rule wants failed calls */
	PLAN_VERDICT = 1 << 4,   /* leave out what user space has found dull before */
	PLAN_EPOCH = 1 << 5,     /* names of files may change: forget all verdicts */
	PLAN_QUIET = 1 << 6,     /* no event: only for its epoch */
	PLAN_OF_ONE = 1 << 7,    /* with PLAN_VERDICT: also by who calls */
};

struct plan {
	__u8 fd; /* argument that is the descriptor, or PLAN_NONE, PLAN_FD_* */
	__u8 flags;
	__u8 nreads, npaths;
	/* reads[path_read[i]] is a path that starts from the folder in argument path_dir[i],
	 * PLAN_NONE = the working folder */
	__u8 path_read[2], path_dir[2];
	__u8 addr_arg, addr_len_arg; /* sockaddr pointer and length; PLAN_NONE: in the msghdr … */
	__u8 msg_arg;                /* … of this argument */
	__u8 verdict_flags;          /* argument with the open flags, or PLAN_NONE */
	struct plan_read reads[RECORD_READS_MAX];
};

/* The generation tells an inode from the next one that gets its number. */
struct known_key {
	__u64 ino;
	__u32 dev, generation;
};

enum probe_counter {
	COUNT_IN, /* events that rules or state asked for and that happened */
	COUNT_SENT,
	COUNT_DROP_RING,    /* the ring buffer was full */
	COUNT_DROP_SIZE,    /* no scratch buffer or an impossible size */
	COUNT_STATE_IN,     /* of COUNT_IN: fork, exit, cgroup records */
	COUNT_DROP_STATE,   /* of COUNT_DROP_RING: such records */
	COUNT_PATH_CUT,     /* a path with more parts than the walk may take */
	COUNT_IGNORED_SELF, /* koban's own syscalls, not among COUNT_IN */
	COUNT_DULL,         /* of COUNT_IN: judged before, no rule can match */
	COUNT_MAX
};
