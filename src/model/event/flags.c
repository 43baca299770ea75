/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flag names of files, descriptors, mounts and sockets. Data only: event_convert() and the printing
 * of parameters read it. Values on disk are facts of the .scap format and must not change; kernel
 * values are those of asm-generic, which x86-64 and arm64 follow but for what is named below.
 */
#include "model/event/flags.h"

#include <stddef.h>

#define END                                                                                        \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

#ifdef __aarch64__
#define K_DIRECTORY 040000
#define K_DIRECT    0200000
#define K_LARGEFILE 0400000
#else
#define K_DIRECT    040000
#define K_LARGEFILE 0100000
#define K_DIRECTORY 0200000
#endif

/* clang-format off */

const struct flag_name flags_socket_families[] = {
	{"AF_XDP", 0x2c, 0x2c},
	{"AF_SMC", 0x2b, 0x2b},
	{"AF_QIPCRTR", 0x2a, 0x2a},
	{"AF_KCM", 0x29, 0x29},
	{"AF_VSOCK", 0x28, 0x28},
	{"AF_NFC", 0x27, 0x27},
	{"AF_ALG", 0x26, 0x26},
	{"AF_CAIF", 0x25, 0x25},
	{"AF_IEEE802154", 0x24, 0x24},
	{"AF_PHONET", 0x23, 0x23},
	{"AF_ISDN", 0x22, 0x22},
	{"AF_RXRPC", 0x21, 0x21},
	{"AF_IUCV", 0x20, 0x20},
	{"AF_BLUETOOTH", 0x1f, 0x1f},
	{"AF_TIPC", 0x1e, 0x1e},
	{"AF_CAN", 0x1d, 0x1d},
	{"AF_LLC", 0x1a, 0x1a},
	{"AF_WANPIPE", 0x19, 0x19},
	{"AF_PPPOX", 0x18, 0x18},
	{"AF_IRDA", 0x17, 0x17},
	{"AF_SNA", 0x16, 0x16},
	{"AF_RDS", 0x15, 0x15},
	{"AF_ATMSVC", 0x14, 0x14},
	{"AF_ECONET", 0x13, 0x13},
	{"AF_ASH", 0x12, 0x12},
	{"AF_PACKET", 0x11, 0x11},
	{"AF_ROUTE", 0x10, 0x10},
	{"AF_NETLINK", 0x10, 0x10},
	{"AF_KEY", 0xf, 0xf},
	{"AF_SECURITY", 0xe, 0xe},
	{"AF_NETBEUI", 0xd, 0xd},
	{"AF_DECnet", 0xc, 0xc},
	{"AF_ROSE", 0xb, 0xb},
	{"AF_INET6", 0xa, 0xa},
	{"AF_X25", 9, 9},
	{"AF_ATMPVC", 8, 8},
	{"AF_BRIDGE", 7, 7},
	{"AF_NETROM", 6, 6},
	{"AF_APPLETALK", 5, 5},
	{"AF_IPX", 4, 4},
	{"AF_AX25", 3, 3},
	{"AF_INET", 2, 2},
	{"AF_LOCAL", 1, 1},
	{"AF_UNIX", 1, 1},
	{"AF_UNSPEC", 0, 0},
	END
};

const struct flag_name flags_file_flags[] = {
	{"O_LARGEFILE", 0x800, K_LARGEFILE},
	{"O_DIRECTORY", 0x400, K_DIRECTORY},
	{"O_DIRECT", 0x200, K_DIRECT},
	{"O_TRUNC", 0x100, 0x200},
	{"O_SYNC", 0x80, 04010000},
	{"O_NONBLOCK", 0x40, 0x800},
	{"O_EXCL", 0x20, 0x80},
	{"O_DSYNC", 0x10, 010000},
	{"O_APPEND", 8, 0x400},
	{"O_CREAT", 4, 0x40},
	{"O_RDWR", 3, KERNEL_NONE},
	{"O_WRONLY", 2, KERNEL_NONE},
	{"O_RDONLY", 1, KERNEL_NONE},
	{"O_CLOEXEC", 0x1000, 02000000},
	{"O_NONE", 0, KERNEL_NONE},
	{"O_TMPFILE", 0x2000, 020000000 | K_DIRECTORY},
	{"O_F_CREATED", 0x4000, KERNEL_NONE},
	{"FD_UPPER_LAYER", 0x8000, KERNEL_NONE},
	{"FD_LOWER_LAYER", 0x10000, KERNEL_NONE},
	END
};

const struct flag_name flags_creat_flags[] = {
	{"FD_UPPER_LAYER_CREAT", 1, KERNEL_NONE},
	{"FD_LOWER_LAYER_CREAT", 2, KERNEL_NONE},
	END
};

const struct flag_name flags_flock_flags[] = {
	{"LOCK_SH", 1, 1},
	{"LOCK_EX", 2, 2},
	{"LOCK_NB", 4, 4},
	{"LOCK_UN", 8, 8},
	{"LOCK_NONE", 0, KERNEL_NONE},
	END
};

const struct flag_name flags_poll_flags[] = {
	{"POLLIN", 1, 1},
	{"POLLPRI", 2, 2},
	{"POLLOUT", 4, 4},
	{"POLLRDHUP", 8, 0x2000},
	{"POLLERR", 0x10, 8},
	{"POLLHUP", 0x20, 0x10},
	{"POLLNVAL", 0x40, 0x20},
	{"POLLRDNORM", 0x80, 0x40},
	{"POLLRDBAND", 0x100, 0x80},
	{"POLLWRNORM", 0x200, 0x100},
	{"POLLWRBAND", 0x400, 0x200},
	END
};

const struct flag_name flags_mount_flags[] = {
	{"RDONLY", 1, 1},
	{"NOSUID", 2, 2},
	{"NODEV", 4, 4},
	{"NOEXEC", 8, 8},
	{"SYNCHRONOUS", 0x10, 0x10},
	{"REMOUNT", 0x20, 0x20},
	{"MANDLOCK", 0x40, 0x40},
	{"DIRSYNC", 0x80, 0x80},
	{"NOATIME", 0x400, 0x400},
	{"NODIRATIME", 0x800, 0x800},
	{"BIND", 0x1000, 0x1000},
	{"MOVE", 0x2000, 0x2000},
	{"REC", 0x4000, 0x4000},
	{"SILENT", 0x8000, 0x8000},
	{"POSIXACL", 0x10000, 0x10000},
	{"UNBINDABLE", 0x20000, 0x20000},
	{"PRIVATE", 0x40000, 0x40000},
	{"SLAVE", 0x80000, 0x80000},
	{"SHARED", 0x100000, 0x100000},
	{"RELATIME", 0x200000, 0x200000},
	{"KERNMOUNT", 0x400000, 0x400000},
	{"I_VERSION", 0x800000, 0x800000},
	{"STRICTATIME", 0x1000000, 0x1000000},
	{"LAZYTIME", 0x2000000, 0x2000000},
	{"NOSEC", 0x10000000, 0x10000000},
	{"BORN", 0x20000000, 0x20000000},
	{"ACTIVE", 0x40000000, 0x40000000},
	{"NOUSER", 0x80000000, 0x80000000},
	END
};

const struct flag_name flags_umount_flags[] = {
	{"FORCE", 1, 1},
	{"DETACH", 2, 2},
	{"EXPIRE", 4, 4},
	{"NOFOLLOW", 8, 8},
	END
};

const struct flag_name flags_lseek_whence[] = {
	{"SEEK_END", 2, 2},
	{"SEEK_CUR", 1, 1},
	{"SEEK_SET", 0, 0},
	END
};

const struct flag_name flags_shutdown_how[] = {
	{"SHUT_UNKNOWN", 0xff, KERNEL_NONE},
	{"SHUT_UNKNOWN", 0xffff, KERNEL_NONE},
	{"SHUT_RDWR", 2, 2},
	{"SHUT_WR", 1, 1},
	{"SHUT_RD", 0, 0},
	END
};

const struct flag_name flags_fcntl_commands[] = {
	{"F_GETPIPE_SZ", 0x1d, 0x408},
	{"F_SETPIPE_SZ", 0x1c, 0x407},
	{"F_NOTIFY", 0x1b, 0x402},
	{"F_DUPFD_CLOEXEC", 0x1a, 0x406},
	{"F_CANCELLK", 0x19, 0x405},
	{"F_GETLEASE", 0x18, 0x401},
	{"F_SETLEASE", 0x17, 0x400},
	{"F_GETOWN_EX", 0x16, 0x10},
	{"F_SETOWN_EX", 0x15, 0xf},
	{"F_SETLKW64", 0x13, 0xe},
	{"F_SETLK64", 0x12, 0xd},
	{"F_GETLK64", 0x11, 0xc},
	{"F_GETSIG", 0xf, 0xb},
	{"F_SETSIG", 0xd, 0xa},
	{"F_GETOWN", 0xc, 9},
	{"F_SETOWN", 0xa, 8},
	{"F_SETLKW", 9, 7},
	{"F_SETLK", 8, 6},
	{"F_GETLK", 6, 5},
	{"F_SETFL", 5, 4},
	{"F_GETFL", 4, 3},
	{"F_SETFD", 3, 2},
	{"F_GETFD", 2, 1},
	{"F_DUPFD", 1, 0},
	{"F_OFD_GETLK", 0x1e, 0x24},
	{"F_OFD_SETLK", 0x1f, 0x25},
	{"F_OFD_SETLKW", 0x20, 0x26},
	{"UNKNOWN", 0, KERNEL_NONE},
	END
};

const struct flag_name flags_sockopt_levels[] = {
	{"SOL_SOCKET", 1, 1},
	{"SOL_TCP", 2, 6},
	{"UNKNOWN", 0, KERNEL_NONE},
	END
};

const struct flag_name flags_sockopt_options[] = {
	{"SO_COOKIE", 0x35, 0x39},
	{"SO_MEMINFO", 0x34, 0x37},
	{"SO_PEERGROUPS", 0x33, 0x3b},
	{"SO_ATTACH_BPF", 0x32, 0x32},
	{"SO_INCOMING_CPU", 0x31, 0x31},
	{"SO_BPF_EXTENSIONS", 0x30, 0x30},
	{"SO_MAX_PACING_RATE", 0x2f, 0x2f},
	{"SO_BUSY_POLL", 0x2e, 0x2e},
	{"SO_SELECT_ERR_QUEUE", 0x2d, 0x2d},
	{"SO_LOCK_FILTER", 0x2c, 0x2c},
	{"SO_NOFCS", 0x2b, 0x2b},
	{"SO_PEEK_OFF", 0x2a, 0x2a},
	{"SO_WIFI_STATUS", 0x29, 0x29},
	{"SO_RXQ_OVFL", 0x28, 0x28},
	{"SO_DOMAIN", 0x27, 0x27},
	{"SO_PROTOCOL", 0x26, 0x26},
	{"SO_TIMESTAMPING", 0x25, 0x25},
	{"SO_MARK", 0x24, 0x24},
	{"SO_TIMESTAMPNS", 0x23, 0x23},
	{"SO_PASSSEC", 0x22, 0x22},
	{"SO_PEERSEC", 0x1f, 0x1f},
	{"SO_ACCEPTCONN", 0x1e, 0x1e},
	{"SO_TIMESTAMP", 0x1d, 0x1d},
	{"SO_PEERNAME", 0x1c, 0x1c},
	{"SO_DETACH_FILTER", 0x1b, 0x1b},
	{"SO_ATTACH_FILTER", 0x1a, 0x1a},
	{"SO_BINDTODEVICE", 0x19, 0x19},
	{"SO_SECURITY_ENCRYPTION_NETWORK", 0x18, 0x18},
	{"SO_SECURITY_ENCRYPTION_TRANSPORT", 0x17, 0x17},
	{"SO_SECURITY_AUTHENTICATION", 0x16, 0x16},
	{"SO_SNDTIMEO", 0x15, 0x15},
	{"SO_RCVTIMEO", 0x14, 0x14},
	{"SO_SNDLOWAT", 0x13, 0x13},
	{"SO_RCVLOWAT", 0x12, 0x12},
	{"SO_PEERCRED", 0x11, 0x11},
	{"SO_PASSCRED", 0x10, 0x10},
	{"SO_REUSEPORT", 0xf, 0xf},
	{"SO_BSDCOMPAT", 0xe, 0xe},
	{"SO_LINGER", 0xd, 0xd},
	{"SO_PRIORITY", 0xc, 0xc},
	{"SO_NO_CHECK", 0xb, 0xb},
	{"SO_OOBINLINE", 0xa, 0xa},
	{"SO_KEEPALIVE", 9, 9},
	{"SO_RCVBUFFORCE", 0x21, 0x21},
	{"SO_SNDBUFFORCE", 0x20, 0x20},
	{"SO_RCVBUF", 8, 8},
	{"SO_SNDBUF", 7, 7},
	{"SO_BROADCAST", 6, 6},
	{"SO_DONTROUTE", 5, 5},
	{"SO_ERROR", 4, 4},
	{"SO_TYPE", 3, 3},
	{"SO_REUSEADDR", 2, 2},
	{"SO_DEBUG", 1, 1},
	{"UNKNOWN", 0, KERNEL_NONE},
	END
};

const struct flag_name flags_splice_flags[] = {
	{"SPLICE_F_MOVE", 1, 1},
	{"SPLICE_F_NONBLOCK", 2, 2},
	{"SPLICE_F_MORE", 4, 4},
	{"SPLICE_F_GIFT", 8, 8},
	END
};

const struct flag_name flags_quotactl_dqi_flags[] = {
	{"DQF_NONE", 1, KERNEL_NONE},
	{"V1_DQF_RSQUASH", 2, 1},
	END
};

const struct flag_name flags_quotactl_cmds[] = {
	{"Q_QUOTAON", 1, 0x800002},
	{"Q_QUOTAOFF", 2, 0x800003},
	{"Q_GETFMT", 4, 0x800004},
	{"Q_GETINFO", 8, 0x800005},
	{"Q_SETINFO", 0x10, 0x800006},
	{"Q_GETQUOTA", 0x20, 0x800007},
	{"Q_SETQUOTA", 0x40, 0x800008},
	{"Q_SYNC", 0x80, 0x800001},
	{"Q_XQUOTAON", 0x100, 0x5801},
	{"Q_XQUOTAOFF", 0x200, 0x5802},
	{"Q_XGETQUOTA", 0x400, 0x5803},
	{"Q_XSETQLIM", 0x800, 0x5804},
	{"Q_XGETQSTAT", 0x1000, 0x5805},
	{"Q_XQUOTARM", 0x2000, 0x5806},
	{"Q_XQUOTASYNC", 0x4000, 0x5807},
	END
};

const struct flag_name flags_quotactl_types[] = {
	{"USRQUOTA", 1, 0},
	{"GRPQUOTA", 2, 1},
	END
};

const struct flag_name flags_quotactl_quota_fmts[] = {
	{"QFMT_NOT_USED", 1, KERNEL_NONE},
	{"QFMT_VFS_OLD", 2, 1},
	{"QFMT_VFS_V0", 4, 2},
	{"QFMT_VFS_V1", 8, 4},
	END
};

const struct flag_name flags_access_flags[] = {
	{"F_OK", 0, KERNEL_NONE},
	{"R_OK", 4, 4},
	{"W_OK", 2, 2},
	{"X_OK", 1, 1},
	END
};

const struct flag_name flags_unlinkat_flags[] = {
	{"AT_REMOVEDIR", 0x200, 0x200},
	END
};

const struct flag_name flags_linkat_flags[] = {
	{"AT_SYMLINK_FOLLOW", 0x400, 0x400},
	{"AT_EMPTY_PATH", 0x1000, 0x1000},
	END
};

const struct flag_name flags_newfstatat_flags[] = {
	{"AT_EMPTY_PATH", 0x1000, 0x1000},
	{"AT_NO_AUTOMOUNT", 0x800, 0x800},
	{"AT_SYMLINK_NOFOLLOW", 0x100, 0x100},
	END
};

const struct flag_name flags_chmod_mode[] = {
	{"S_IXOTH", 1, 1},
	{"S_IWOTH", 2, 2},
	{"S_IROTH", 4, 4},
	{"S_IXGRP", 8, 8},
	{"S_IWGRP", 0x10, 0x10},
	{"S_IRGRP", 0x20, 0x20},
	{"S_IXUSR", 0x40, 0x40},
	{"S_IWUSR", 0x80, 0x80},
	{"S_IRUSR", 0x100, 0x100},
	{"S_ISVTX", 0x200, 0x200},
	{"S_ISGID", 0x400, 0x400},
	{"S_ISUID", 0x800, 0x800},
	END
};

const struct flag_name flags_fchownat_flags[] = {
	{"AT_SYMLINK_NOFOLLOW", 0x100, 0x100},
	{"AT_SYMLINK_NOFOLLOW", 0x400, KERNEL_NONE},
	{"AT_EMPTY_PATH", 0x1000, 0x1000},
	END
};

const struct flag_name flags_renameat2_flags[] = {
	{"RENAME_NOREPLACE", 1, 1},
	{"RENAME_EXCHANGE", 2, 2},
	{"RENAME_WHITEOUT", 4, 4},
	END
};

const struct flag_name flags_openat2_flags[] = {
	{"RESOLVE_BENEATH", 1, 8},
	{"RESOLVE_IN_ROOT", 2, 0x10},
	{"RESOLVE_NO_MAGICLINKS", 4, 2},
	{"RESOLVE_NO_SYMLINKS", 8, 4},
	{"RESOLVE_NO_XDEV", 0x10, 1},
	{"RESOLVE_CACHED", 0x20, 0x20},
	END
};

const struct flag_name flags_execveat_flags[] = {
	{"AT_EMPTY_PATH", 1, 0x1000},
	{"AT_SYMLINK_NOFOLLOW", 2, 0x100},
	END
};

const struct flag_name flags_io_uring_setup_flags[] = {
	{"IORING_SETUP_IOPOLL", 1, 1},
	{"IORING_SETUP_SQPOLL", 2, 2},
	{"IORING_SQ_NEED_WAKEUP", 4, KERNEL_NONE},
	{"IORING_SETUP_SQ_AFF", 8, 4},
	{"IORING_SETUP_CQSIZE", 0x10, 8},
	{"IORING_SETUP_CLAMP", 0x20, 0x10},
	{"IORING_SETUP_ATTACH_RW", 0x40, 0x20},
	{"IORING_SETUP_R_DISABLED", 0x80, 0x40},
	END
};

const struct flag_name flags_io_uring_setup_feats[] = {
	{"IORING_FEAT_SINGLE_MMAP", 1, 1},
	{"IORING_FEAT_NODROP", 2, 2},
	{"IORING_FEAT_SUBMIT_STABLE", 4, 4},
	{"IORING_FEAT_RW_CUR_POS", 8, 8},
	{"IORING_FEAT_CUR_PERSONALITY", 0x10, 0x10},
	{"IORING_FEAT_FAST_POLL", 0x20, 0x20},
	{"IORING_FEAT_POLL_32BITS", 0x40, 0x40},
	{"IORING_FEAT_SQPOLL_NONFIXED", 0x80, 0x80},
	{"IORING_FEAT_ENTER_EXT_ARG", 0x100, 0x100},
	{"IORING_FEAT_NATIVE_WORKERS", 0x200, 0x200},
	{"IORING_FEAT_RSRC_TAGS", 0x400, 0x400},
	END
};

const struct flag_name flags_io_uring_enter_flags[] = {
	{"IORING_ENTER_GETEVENTS", 1, 1},
	{"IORING_ENTER_SQ_WAKEUP", 2, 2},
	{"IORING_ENTER_SQ_WAIT", 4, 4},
	{"IORING_ENTER_EXT_ARG", 8, 8},
	END
};

const struct flag_name flags_io_uring_register_opcodes[] = {
	{"IORING_REGISTER_BUFFERS", 0, 0},
	{"IORING_UNREGISTER_BUFFERS", 1, 1},
	{"IORING_REGISTER_FILES", 2, 2},
	{"IORING_UNREGISTER_FILES", 3, 3},
	{"IORING_REGISTER_EVENTFD", 4, 4},
	{"IORING_UNREGISTER_EVENTFD", 5, 5},
	{"IORING_REGISTER_FILES_UPDATE", 6, 6},
	{"IORING_REGISTER_EVENTFD_ASYNC", 7, 7},
	{"IORING_REGISTER_PROBE", 8, 8},
	{"IORING_REGISTER_PERSONALITY", 9, 9},
	{"IORING_UNREGISTER_PERSONALITY", 0xa, 0xa},
	{"IORING_REGISTER_RESTRICTIONS", 0xb, 0xb},
	{"IORING_REGISTER_ENABLE_RINGS", 0xc, 0xc},
	{"IORING_REGISTER_FILES2", 0xd, 0xd},
	{"IORING_REGISTER_FILES_UPDATE2", 0xe, 0xe},
	{"IORING_REGISTER_BUFFERS2", 0xf, 0xf},
	{"IORING_REGISTER_BUFFERS_UPDATE", 0x10, 0x10},
	{"IORING_REGISTER_IOWQ_AFF", 0x11, 0x11},
	{"IORING_UNREGISTER_IOWQ_AFF", 0x12, 0x12},
	{"IORING_REGISTER_IOWQ_MAX_WORKERS", 0x13, 0x13},
	{"IORING_REGISTER_RING_FDS", 0x14, 0x14},
	{"IORING_UNREGISTER_RING_FDS", 0x15, 0x15},
	END
};

const struct flag_name flags_fsconfig_cmds[] = {
	{"FSCONFIG_SET_FLAG", 0, 0},
	{"FSCONFIG_SET_STRING", 1, 1},
	{"FSCONFIG_SET_BINARY", 2, 2},
	{"FSCONFIG_SET_PATH", 3, 3},
	{"FSCONFIG_SET_PATH_EMPTY", 4, 4},
	{"FSCONFIG_SET_FD", 5, 5},
	{"FSCONFIG_CMD_CREATE", 6, 6},
	{"FSCONFIG_CMD_RECONFIGURE", 7, 7},
	END
};

const struct flag_name flags_epoll_create1_flags[] = {
	{"EPOLL_CLOEXEC", 1, 02000000},
	END
};

const struct flag_name flags_memfd_create_flags[] = {
	{"MFD_CLOEXEC", 1, 1},
	{"MFD_ALLOW_SEALING", 2, 2},
	{"MFD_HUGETLB", 4, 4},
	END
};

const struct flag_name flags_mknod_mode[] = {
	{"S_IXOTH", 1, 1},
	{"S_IWOTH", 2, 2},
	{"S_IROTH", 4, 4},
	{"S_IXGRP", 8, 8},
	{"S_IWGRP", 0x10, 0x10},
	{"S_IRGRP", 0x20, 0x20},
	{"S_IXUSR", 0x40, 0x40},
	{"S_IWUSR", 0x80, 0x80},
	{"S_IRUSR", 0x100, 0x100},
	{"S_ISVTX", 0x200, 0x200},
	{"S_ISGID", 0x400, 0x400},
	{"S_ISUID", 0x800, 0x800},
	{"S_IFREG", 0x8000, 0x8000},
	{"S_IFCHR", 0x2000, 0x2000},
	{"S_IFBLK", 0x6000, 0x6000},
	{"S_IFIFO", 0x1000, 0x1000},
	{"S_IFSOCK", 0xc000, 0xc000},
	END
};

const struct flag_name flags_close_range_flags[] = {
	{"CLOSE_RANGE_UNSHARE", 2, 2},
	{"CLOSE_RANGE_CLOEXEC", 4, 4},
	END
};

const struct flag_name flags_anon_inode_fd_types[] = {
	{"ANON_INODE_FD_TYPE_UNKNOWN", 0, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_EVENTFD", 1, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_EVENTPOLL", 2, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_INOTIFY", 3, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_SIGNALFD", 4, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_TIMERFD", 5, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_IO_URING", 6, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_USERFAULTFD", 7, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_PIDFD", 8, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_BPF_MAP", 9, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_BPF_PROG", 0xa, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_BPF_LINK", 0xb, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_BPF_ITER", 0xc, KERNEL_NONE},
	{"ANON_INODE_FD_TYPE_PERF_EVENT", 0xd, KERNEL_NONE},
	END
};

/* The types of values in a PT_DYN parameter, in the order of their index. */
const struct flag_name flags_dyn_sockopt[] = {
	{"bytes", PT_BYTEBUF, 0},
	{"errno", PT_ERRNO, 0},
	{"u32", PT_UINT32, 0},
	{"u64", PT_UINT64, 0},
	{"time", PT_RELTIME, 0},
	END
};

const struct flag_name flags_dyn_ptrace[] = {
	{"u64", PT_UINT64, 0},
	{"signal", PT_SIGTYPE, 0},
	END
};

const struct flag_name flags_dyn_bpf[] = {
	{"fd", PT_FD, 0},
	{"res", PT_ERRNO, 0},
	END
};

const struct flag_name flags_dyn_keyctl[] = {
	{"s64", PT_INT64, 0},
	{"str", PT_CHARBUF, 0},
	END
};
