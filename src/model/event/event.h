/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * An event: one thing that the kernel did for a thread, arguments and result together, as the
 * engine sees it. A live sensor and a capture reader both produce exactly this. Everything that an
 * event points to is borrowed from its source and stays valid until the source's next call.
 *
 * Codes, names and parameters are those of the Falco libs event schema 4.5.1 (Appendix B of the
 * runtime reference), declared once in schema.def. Parameter values are in .scap encoding:
 * little-endian numbers, NUL-terminated strings, NUL-separated vectors, sockaddr and tuple layouts
 * of .scap; an empty value (length 0) means "not available".
 */
#include "base/arena.h"
#include "base/buf.h"

enum {
	EVENT_CODE_MAX = 454, /* codes of the schema: 0 … 453 */
	EVENT_PARAMS_MAX = 32,
	EVENT_NAMES_MAX = 3, /* asked, real, known */
	PARAM_LABEL_MAX = 24,
	/* koban's own, never judged, never in a capture: they only change state */
	EVENT_FORK = 1000,   /* a thread or process was made; the event's facts.fork */
	EVENT_CGROUP = 1001, /* a process was moved to another cgroup; facts.cgroup */
};

/*
 * Current events by name, "openat" is EV_OPENAT; the enter events that are still current end in _E.
 */
enum event_code {
#define EVENT(code, ID, ...) EV_##ID = code,
#include "model/event/schema.def"
};

/* The on-disk type numbers of .scap. */
enum param_type {
	PT_NONE = 0,
	PT_INT8 = 1,
	PT_INT16 = 2,
	PT_INT32 = 3,
	PT_INT64 = 4,
	PT_UINT8 = 5,
	PT_UINT16 = 6,
	PT_UINT32 = 7,
	PT_UINT64 = 8,
	PT_CHARBUF = 9,
	PT_BYTEBUF = 10,
	PT_ERRNO = 11,
	PT_SOCKADDR = 12,
	PT_SOCKTUPLE = 13,
	PT_FD = 14,
	PT_PID = 15,
	PT_FDLIST = 16,
	PT_FSPATH = 17,
	PT_SYSCALLID = 18,
	PT_SIGTYPE = 19,
	PT_RELTIME = 20,
	PT_ABSTIME = 21,
	PT_PORT = 22,
	PT_L4PROTO = 23,
	PT_SOCKFAMILY = 24,
	PT_BOOL = 25,
	PT_IPV4ADDR = 26,
	PT_DYN = 27,
	PT_FLAGS8 = 28,
	PT_FLAGS16 = 29,
	PT_FLAGS32 = 30,
	PT_UID = 31,
	PT_GID = 32,
	PT_DOUBLE = 33,
	PT_SIGSET = 34,
	PT_IPV6ADDR = 38,
	PT_MODE = 42,
	PT_FSRELPATH = 43,
	PT_ENUMFLAGS8 = 44,
	PT_ENUMFLAGS16 = 45,
	PT_ENUMFLAGS32 = 46,
	PT_FD32 = 47,
	PT_PID32 = 48,
	/* a PT_BYTEBUF that holds NUL-separated strings: not a .scap number, koban's mark */
	PT_STRINGS = 100,
};

enum event_category {
	EC_OTHER,
	EC_FILE,
	EC_NET,
	EC_IPC,
	EC_MEMORY,
	EC_PROCESS,
	EC_SLEEP,
	EC_SYSTEM,
	EC_SIGNAL,
	EC_USER,
	EC_TIME,
	EC_IO_READ,
	EC_IO_WRITE,
	EC_IO_OTHER,
	EC_WAIT,
	EC_SCHEDULER,
	EC_INTERNAL,
};

enum event_flags {
	EF_USES_FD = 1 << 0,    /* has a descriptor that the event is about (fd.*) */
	EF_CREATES_FD = 1 << 1, /* its result is a new descriptor */
	EF_OPEN = 1 << 2,       /* open, openat, openat2, open_by_handle_at, creat */
	EF_READS_FD = 1 << 3,
	EF_WRITES_FD = 1 << 4,
	EF_STATE = 1 << 5, /* engine/state needs it whatever the rules say */
	EF_WAITS = 1 << 6,
	EF_META = 1 << 7,  /* no syscall: drop, container, useradded, asyncevent … */
	EF_ENTER = 1 << 8, /* an enter event of old captures */
	EF_LARGE = 1 << 9, /* .scap parameter lengths are 32 bits */
	EF_OLD = 1 << 10,  /* read from captures only */
};

struct flag_name; /* name and value; a table ends in a NULL name (schema.c) */

struct param_def {
	const char *name;
	const struct flag_name *flags; /* names for flag and enumeration types, or NULL */
	uint8_t type;                  /* enum param_type */
	uint8_t base;                  /* PT_DEC/HEX/OCT as `enum param_base` */
	uint8_t name_len;
	char label[PARAM_LABEL_MAX]; /* " name=", as evt.args has it */
};

enum param_base { PB_DEC, PB_HEX, PB_OCT };

/* One flag or enumerator; for PT_DYN, one kind of value: its index is the row's, value its type. */
struct flag_name {
	const char *name;
	uint64_t value;  /* on disk */
	uint64_t kernel; /* what the kernel's interface calls it, for event_convert() */
};

struct event_def {
	uint16_t code;
	uint8_t nparams;
	uint8_t category; /* enum event_category */
	uint8_t name_len;
	uint16_t next;  /* of old and of enter events: the current exit event that says it now; 0 =
			   none */
	uint32_t flags; /* enum event_flags */
	const char *name; /* "openat": what evt.type prints and rules say */
	const struct param_def *params;
};

/* NULL for a code that the schema does not know. */
const struct event_def *event_def(uint16_t code);
/*
 * Codes of current (exit) events with this name, e.g. "openat" → 307; at most `max` are written;
 * the number found. Several codes can share a name (old versions).
 */
size_t event_codes_by_name(struct str name, uint16_t *codes, size_t max);
/*
 * Event 1 stands for every syscall without an event of its own; its parameter ID says which, by
 * Falco's numbering. The name for such a number, or NULL; the number for a name, or -1 (which
 * syscalls with an event of their own have too).
 */
const char *syscall_id_name(unsigned id);
int syscall_id_by_name(struct str name);
/*
 * The number that the kernel gave for a flag or an enumeration, as .scap stores it. The tables
 * hold the values of x86-64, or of arm64 when built there; both share them with asm-generic.
 */
enum event_converter {
#define CONVERTER(name) CONV_##name,
#include "model/event/schema.def"
	CONV_COUNT
};
uint64_t event_convert(enum event_converter what, uint64_t value);
/* The index of a parameter by name, or -1. */
int event_param_index(const struct event_def *def, struct str name);
/* "file", "net", "process" …; input and output depend on the descriptor: "unknown" here. */
const char *event_category_name(enum event_category c);

enum fd_type {
	FD_UNKNOWN,
	FD_FILE,
	FD_DIRECTORY,
	FD_IPV4,
	FD_IPV6,
	FD_UNIX,
	FD_FIFO,
	FD_EVENT,
	FD_SIGNAL,
	FD_EVENTPOLL,
	FD_INOTIFY,
	FD_TIMER,
	FD_NETLINK,
	FD_PACKET,
	FD_BPF,
	FD_USERFAULT,
	FD_IO_URING,
	FD_MEMFD,
	FD_PIDFD,
	FD_DEVICE,
	FD_OTHER,
	FD_IPV4_SERVER,
	FD_IPV6_SERVER, /* a listening socket of a capture's fd list */
};
/* fd.type ("file", "ipv4", "pipe" …) and fd.typechar ('f', '4', 'p' …). */
const char *fd_type_name(enum fd_type t);
char fd_type_char(enum fd_type t);
/* The type of a socket by its family, AF_INET …; FD_OTHER for families without a type. */
enum fd_type fd_type_of_family(uint16_t family);

/*
 * The names of one file. `name` is what was asked for, made absolute and normalised (Falco's
 * fd.name); `real` is what the kernel opened; `known` is the name under which a rule knows this
 * very inode (device and inode matched), or empty. Equal names are not repeated: `real` and
 * `known` are empty when they add nothing.
 */
struct event_path {
	struct str raw; /* the argument as given */
	struct str name, real, known;
};

enum sock_role { ROLE_NONE, ROLE_CLIENT, ROLE_SERVER };

/* Both ends of a socket. Addresses in network byte order (4 or 16 bytes), ports in host order. */
struct event_sock {
	uint16_t family; /* AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET … */
	uint8_t type;    /* SOCK_STREAM … */
	uint8_t l4proto; /* IPPROTO_TCP …; 0 = none */
	uint8_t role;    /* enum sock_role: of the local end */
	bool has_local, has_remote;
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint64_t unix_local, unix_peer; /* kernel addresses, as .scap stores them */
	struct str unix_path;
};

enum file_layer { LAYER_NONE, LAYER_UPPER, LAYER_LOWER }; /* of an overlay file system */

/* What is known of the descriptor that the event is about. */
struct event_fd {
	int64_t num; /* INT64_MIN when there is none */
	enum fd_type type;
	uint32_t flags; /* open flags in .scap encoding */
	uint32_t dev;   /* as Falco prints it: major << 20 | minor */
	uint64_t ino;
	uint8_t layer; /* enum file_layer */
	bool connected, name_changed;
	/* live: no earlier event told of it; of a capture: other_name and all are the event's own
	 */
	bool is_news;
	struct event_sock sock;
	/* of what is no file and no socket: "pipe:[123]"; of a folder that a path is relative to */
	struct str other_name;
};

/* What changes for a process beyond the parameters; filled for EVENT_FORK, exec, exit, cgroup. */
struct event_fork {
	uint32_t child_pid, child_tid, parent_pid;
	uint64_t child_start_ns;  /* boot time */
	uint64_t parent_start_ns; /* boot time of the parent's thread group leader */
	uint64_t clone_flags;
	uint32_t vtid, vpid;
	uint32_t cloner_pid; /* of a captured clone: whose copy it is, when that is no parent */
};

/* What an exec says beyond its parameters. */
struct event_exec {
	uint32_t sid;
	uint64_t pidns_init_start_ns; /* since the epoch */
	bool is_deleted;              /* the executed file has no name any more */
};

struct event {
	uint64_t num;      /* counted by the source, from 1 */
	uint64_t ts_ns;    /* when it ended, since the epoch */
	uint64_t enter_ns; /* when it began; 0 = not recorded */
	uint64_t start_ns; /* start of the thread group leader, boot time: with pid, who it is; 0 =
			      unknown */
	uint32_t pid, tid;
	uint32_t uid,
		gid; /* effective, at the event; UINT32_MAX = unknown (captures: from state) */
	uint16_t code, cpu;
	uint8_t nparams;
	bool has_fd;
	bool is_io_uring;            /* asked through io_uring */
	bool is_state_only;          /* a capture says: apply it, do not show it */
	bool is_compat;              /* a 32-bit syscall */
	bool is_thread_exit;         /* live procexit: other threads of the process go on */
	const struct event_def *def; /* NULL for koban's own codes */
	struct str params[EVENT_PARAMS_MAX];
	struct event_fd fd;
	struct event_path path; /* of the fd, or the event's (first, source) path */
	struct event_path
		target; /* the second path: newpath of rename and link, linkpath of symlink */
	struct event_fork fork;
	struct event_exec exec;
	struct str cgroups; /* "subsys=path" NUL-separated, when the source sent it */
	struct str cwd;     /* absolute, when the source sent it (chdir, fchdir, exec) */
	struct str exepath; /* of exec: the real path of the executed file */
};

/*
 * Captures: makes current events of what a file holds, old codes or current ones with fewer
 * parameters than the schema has today. The upgrader is the table of what comes from where: made
 * once by the owner of a file, read-only from then on. NULL when there is no memory.
 */
struct event_upgrader;
struct event_upgrader *event_upgrader_new(void);
void event_upgrader_free(struct event_upgrader *u);
/*
 * Parameters go over by name; what the exit lacks is taken from `enter`, the enter event of the
 * same call of the same thread (NULL when the file has none), which also gives enter_ns; what
 * neither has is empty. An `enter` of another call is not looked at. Everything stays borrowed from
 * both, new bytes are in the arena. False when the event has no current form, as enter events
 * themselves: it is left as it was.
 */
bool event_upgrade(const struct event_upgrader *u, struct event *ev, const struct event *enter,
	struct arena *a);
/*
 * Whether an enter event would give more than its time to an exit with this code and number of
 * parameters. Where not, it needs no parameters: code, def and ts_ns are enough.
 */
bool event_upgrade_wants_enter(const struct event_upgrader *u, uint16_t code, unsigned nparams);
/* Bytes on disk of a numeric type, else 0. */
unsigned param_type_size(enum param_type t, bool *is_signed);
static inline struct str event_param(const struct event *ev, unsigned i)
{
	return i < ev->nparams ? ev->params[i] : STR_NULL;
}
/* Event 1, and event 0, its enter event of old captures. */
static inline bool event_is_generic(const struct event *ev)
{
	return ev->code <= EV_SYSCALL;
}
/* What evt.type prints: the name, of the generic event that of the syscall. */
struct str event_type_name(const struct event *ev);
/* What evt.category prints: of input and output that of the descriptor's kind. */
const char *event_category_text(const struct event *ev);
/* A numeric parameter of any width, sign-extended by its type; false when not available. */
bool event_param_s64(const struct event *ev, unsigned i, int64_t *ret);
bool event_param_u64(const struct event *ev, unsigned i, uint64_t *ret);
/* A string parameter without its NUL; len 0 with s NULL when not available. */
struct str event_param_str(const struct event *ev, unsigned i);
/*
 * The syscall's result: the parameter "res", or "fd" of calls that create one, or procexit's
 * "status"; false when the event has none.
 */
bool event_result(const struct event *ev, int64_t *ret);
/* What the event's descriptor is called, where it is no socket with two ends; empty when nothing.
 */
struct str event_fd_path(const struct event *ev);
/* How bytes (data of reads and writes, vectors of strings) are written. */
enum event_bytes {
	BYTES_DOTS, /* printable ASCII, dots for the rest */
	BYTES_TEXT, /* on a line of its own, line ends kept, the rest left out */
	BYTES_BASE64,
	BYTES_HEX,      /* lines of 16 */
	BYTES_HEX_TEXT, /* and what they are in ASCII */
};

/*
 * Numbers whose text depends on nothing else, with that text: flags, modes, errors. The same few
 * come again and again, and finding their names is most of the work of printing them. It is zeroed
 * at first and belongs to one thread.
 */
enum { EVENT_MEMO_ROWS = 128, EVENT_MEMO_TEXT = 111 };
struct event_memo {
	struct event_memo_row {
		const struct param_def *def; /* NULL = nothing is known here yet */
		uint64_t n;
		uint8_t len;
		char text[EVENT_MEMO_TEXT]; /* "4097(O_RDONLY|O_CLOEXEC)" */
	} rows[EVENT_MEMO_ROWS];
};

struct event_style {
	enum event_bytes bytes;
	uint32_t max_bytes; /* of BYTES_DOTS: longer ones are cut to this and end in "..."; 0 = none
			     */
	/* the name of the process, user or group of that number (by the parameter's type) */
	struct str (*name_of)(const void *arg, const struct param_def *def, uint32_t id);
	/* any descriptor of the process, with the name of what is no socket; NULL = only the
	 * event's own is known */
	const struct event_fd *(*fd_of)(const void *arg, int64_t num, struct str *name);
	const void *arg;
	/* the name of a port's service ("https"), for l4proto of IPPROTO_; NULL, itself or what it
	 * returns = the number */
	const char *(*service_of)(const void *services, uint16_t port, uint8_t l4proto);
	const void *services;
	struct event_memo *memo; /* of whoever prints many events; NULL = none */
};

/* The same forms for bytes that are no parameter. */
void event_bytes_format(struct str bytes, const struct event_style *style, struct buf *out);
/*
 * The parameter as Falco prints evt.arg.NAME: "O_RDONLY|O_CLOEXEC", "<f>/etc/passwd", "ENOENT"; the
 * plain form when there is no resolved one. "NULL" or "<NA>" when it is not available.
 */
void event_param_format(const struct event *ev, unsigned i, struct buf *out);
void event_param_format_as(
	const struct event *ev, unsigned i, const struct event_style *style, struct buf *out);
/* Its two forms: "4097" and "O_RDONLY|O_CLOEXEC". The resolved one may add nothing. */
void event_param_plain(const struct event *ev, unsigned i, struct buf *out);
void event_param_resolved(const struct event *ev, unsigned i, struct buf *out);
/* All parameters as evt.args: "res=0 fd=3(<f>/etc/passwd)"; nothing for event 1. */
void event_args_format(const struct event *ev, struct buf *out);
void event_args_format_as(const struct event *ev, const struct event_style *style, struct buf *out);
/* The name of an errno ("ENOENT") or of a signal ("SIGKILL"), or NULL. */
const char *errno_name(int err);
const char *signal_name(int sig);
/* Capabilities as Falco prints thread.cap_*: "CAP_CHOWN CAP_KILL", in bit order. */
void capabilities_format(uint64_t caps, struct buf *out);
/*
 * fd.name of any descriptor: the path, "10.0.0.1:40000->1.2.3.4:443" (client first), "::1:80", a
 * unix path, a pipe's name. Falco's form.
 */
void event_fd_name_format(const struct event *ev, struct str path, struct buf *out);
void event_fd_name_format_as(
	const struct event *ev, struct str path, const struct event_style *style, struct buf *out);
/* Which ends are client and server; ports 0 and has_* false when unknown. */
struct sock_ends {
	const uint8_t *client_ip, *server_ip; /* NULL when unknown */
	uint16_t client_port, server_port;
	bool has_client, has_server;
};
struct sock_ends event_sock_ends(const struct event_sock *s);
void ip_format(const uint8_t *ip, bool is_v6, struct buf *out);
/*
 * Joins base and path and removes ".", "..", "//" without looking at the disk; the result starts
 * with '/' when base or path does. Borrowed from the arena, or path itself if it was clean.
 */
struct str path_normalise(struct arena *a, struct str base, struct str path);
