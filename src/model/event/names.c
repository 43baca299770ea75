/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for numbers that no parameter table has: errno values, signals, capabilities, kinds of
 * descriptors. Linux on x86-64 and arm64 share them all.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "model/event/event.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* errno.h knows what user space can see; from 512 on are the kernel's own (linux/errno.h). */
#define E(name) [name] = #name
static const char *const errno_names[] = {
	E(EPERM),
	E(ENOENT),
	E(ESRCH),
	E(EINTR),
	E(EIO),
	E(ENXIO),
	E(E2BIG),
	E(ENOEXEC),
	E(EBADF),
	E(ECHILD),
	E(EAGAIN),
	E(ENOMEM),
	E(EACCES),
	E(EFAULT),
	E(ENOTBLK),
	E(EBUSY),
	E(EEXIST),
	E(EXDEV),
	E(ENODEV),
	E(ENOTDIR),
	E(EISDIR),
	E(EINVAL),
	E(ENFILE),
	E(EMFILE),
	E(ENOTTY),
	E(ETXTBSY),
	E(EFBIG),
	E(ENOSPC),
	E(ESPIPE),
	E(EROFS),
	E(EMLINK),
	E(EPIPE),
	E(EDOM),
	E(ERANGE),
	E(EDEADLK),
	E(ENAMETOOLONG),
	E(ENOLCK),
	E(ENOSYS),
	E(ENOTEMPTY),
	E(ELOOP),
	E(ENOMSG),
	E(EIDRM),
	E(ECHRNG),
	E(EL2NSYNC),
	E(EL3HLT),
	E(EL3RST),
	E(ELNRNG),
	E(EUNATCH),
	E(ENOCSI),
	E(EL2HLT),
	E(EBADE),
	E(EBADR),
	E(EXFULL),
	E(ENOANO),
	E(EBADRQC),
	E(EBADSLT),
	E(EBFONT),
	E(ENOSTR),
	E(ENODATA),
	E(ETIME),
	E(ENOSR),
	E(ENONET),
	E(ENOPKG),
	E(EREMOTE),
	E(ENOLINK),
	E(EADV),
	E(ESRMNT),
	E(ECOMM),
	E(EPROTO),
	E(EMULTIHOP),
	E(EDOTDOT),
	E(EBADMSG),
	E(EOVERFLOW),
	E(ENOTUNIQ),
	E(EBADFD),
	E(EREMCHG),
	E(ELIBACC),
	E(ELIBBAD),
	E(ELIBSCN),
	E(ELIBMAX),
	E(ELIBEXEC),
	E(EILSEQ),
	E(ERESTART),
	E(ESTRPIPE),
	E(EUSERS),
	E(ENOTSOCK),
	E(EDESTADDRREQ),
	E(EMSGSIZE),
	E(EPROTOTYPE),
	E(ENOPROTOOPT),
	E(EPROTONOSUPPORT),
	E(ESOCKTNOSUPPORT),
	E(EOPNOTSUPP),
	E(EPFNOSUPPORT),
	E(EAFNOSUPPORT),
	E(EADDRINUSE),
	E(EADDRNOTAVAIL),
	E(ENETDOWN),
	E(ENETUNREACH),
	E(ENETRESET),
	E(ECONNABORTED),
	E(ECONNRESET),
	E(ENOBUFS),
	E(EISCONN),
	E(ENOTCONN),
	E(ESHUTDOWN),
	E(ETOOMANYREFS),
	E(ETIMEDOUT),
	E(ECONNREFUSED),
	E(EHOSTDOWN),
	E(EHOSTUNREACH),
	E(EALREADY),
	E(EINPROGRESS),
	E(ESTALE),
	E(EUCLEAN),
	E(ENOTNAM),
	E(ENAVAIL),
	E(EISNAM),
	E(EREMOTEIO),
	E(EDQUOT),
	E(ENOMEDIUM),
	E(EMEDIUMTYPE),
	E(ECANCELED),
	E(ENOKEY),
	E(EKEYEXPIRED),
	E(EKEYREVOKED),
	E(EKEYREJECTED),
	E(EOWNERDEAD),
	E(ENOTRECOVERABLE),
	E(ERFKILL),
	E(EHWPOISON),
	[512] = "ERESTARTSYS",
	[513] = "ERESTARTNOINTR",
	[514] = "ERESTARTNOHAND",
	[515] = "ENOIOCTLCMD",
	[516] = "ERESTART_RESTARTBLOCK",
	[517] = "EPROBE_DEFER",
	[518] = "EOPENSTALE",
	[519] = "ENOPARAM",
	[521] = "EBADHANDLE",
	[522] = "ENOTSYNC",
	[523] = "EBADCOOKIE",
	[524] = "ENOTSUPP",
	[525] = "ETOOSMALL",
	[526] = "ESERVERFAULT",
	[527] = "EBADTYPE",
	[528] = "EJUKEBOX",
	[529] = "EIOCBQUEUED",
	[530] = "EIOCBRETRY",
};
#undef E

const char *errno_name(int err)
{
	unsigned n = err < 0 ? 0u - (unsigned)err : (unsigned)err;

	return n < COUNT(errno_names) ? errno_names[n] : NULL;
}

const char *signal_name(int sig)
{
#define S(name) [name] = #name
	static const char *const names[] = {
		S(SIGHUP),
		S(SIGINT),
		S(SIGQUIT),
		S(SIGILL),
		S(SIGTRAP),
		S(SIGABRT),
		S(SIGBUS),
		S(SIGFPE),
		S(SIGKILL),
		S(SIGUSR1),
		S(SIGSEGV),
		S(SIGUSR2),
		S(SIGPIPE),
		S(SIGALRM),
		S(SIGTERM),
		S(SIGSTKFLT),
		S(SIGCHLD),
		S(SIGCONT),
		S(SIGSTOP),
		S(SIGTSTP),
		S(SIGTTIN),
		S(SIGTTOU),
		S(SIGURG),
		S(SIGXCPU),
		S(SIGXFSZ),
		S(SIGVTALRM),
		S(SIGPROF),
		S(SIGWINCH),
		S(SIGIO),
		S(SIGPWR),
		S(SIGSYS),
	};
#undef S

	return sig > 0 && (size_t)sig < COUNT(names) ? names[sig] : NULL;
}

/* linux/capability.h, in bit order; bits beyond the last are of a newer kernel and have no name. */
static const char *const capability_names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

void capabilities_format(uint64_t caps, struct buf *out)
{
	const char *separator = "CAP_";

	for (size_t i = 0; i < COUNT(capability_names); i++) {
		if (!(caps >> i & 1))
			continue;
		buf_add_cstr(out, separator);
		buf_add_cstr(out, capability_names[i]);
		separator = " CAP_";
	}
}

struct fd_kind {
	const char *name;
	char letter;
};

/* Falco's words and letters; a device is a file to it, and it has none for packet sockets. */
static const struct fd_kind fd_kinds[] = {
	[FD_UNKNOWN] = {"<NA>", 'o'},
	[FD_FILE] = {"file", 'f'},
	[FD_DIRECTORY] = {"directory", 'd'},
	[FD_IPV4] = {"ipv4", '4'},
	[FD_IPV6] = {"ipv6", '6'},
	[FD_UNIX] = {"unix", 'u'},
	[FD_FIFO] = {"pipe", 'p'},
	[FD_EVENT] = {"event", 'e'},
	[FD_SIGNAL] = {"signalfd", 's'},
	[FD_EVENTPOLL] = {"eventpoll", 'l'},
	[FD_INOTIFY] = {"inotify", 'i'},
	[FD_TIMER] = {"timerfd", 't'},
	[FD_NETLINK] = {"netlink", 'n'},
	[FD_PACKET] = {"packet", 'k'},
	[FD_BPF] = {"bpf", 'b'},
	[FD_USERFAULT] = {"userfaultfd", 'u'},
	[FD_IO_URING] = {"io_uring", 'r'},
	[FD_MEMFD] = {"memfd", 'm'},
	[FD_PIDFD] = {"pidfd", 'P'},
	[FD_DEVICE] = {"file", 'f'},
	[FD_OTHER] = {"<NA>", 'X'},
	[FD_IPV4_SERVER] = {"ipv4", '4'},
	[FD_IPV6_SERVER] = {"ipv6", '6'},
};

const char *fd_type_name(enum fd_type t)
{
	return (size_t)t < COUNT(fd_kinds) ? fd_kinds[t].name : "<NA>";
}

char fd_type_char(enum fd_type t)
{
	return (size_t)t < COUNT(fd_kinds) ? fd_kinds[t].letter : '?';
}
