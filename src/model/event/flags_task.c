/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flag names of processes, memory, System V semaphores, keys and the kernel itself; flags.c has the
 * rest and says what the columns mean. Data only.
 */
#include "model/event/flags.h"

#include <stddef.h>

#define END                                                                                        \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

#ifdef __x86_64__
#define K_MAP_32BIT 0x40
#else
#define K_MAP_32BIT KERNEL_NONE
#endif

/* clang-format off */

const struct flag_name flags_clone_flags[] = {
	{"CLONE_FILES", 1, 0x400},
	{"CLONE_FS", 2, 0x200},
	{"CLONE_IO", 4, 0x80000000},
	{"CLONE_NEWIPC", 8, 0x8000000},
	{"CLONE_NEWNET", 0x10, 0x40000000},
	{"CLONE_NEWNS", 0x20, 0x20000},
	{"CLONE_NEWPID", 0x40, 0x20000000},
	{"CLONE_NEWUTS", 0x80, 0x4000000},
	{"CLONE_PARENT", 0x100, 0x8000},
	{"CLONE_PARENT_SETTID", 0x200, 0x100000},
	{"CLONE_PTRACE", 0x400, 0x2000},
	{"CLONE_SIGHAND", 0x800, 0x800},
	{"CLONE_SYSVSEM", 0x1000, 0x40000},
	{"CLONE_THREAD", 0x2000, 0x10000},
	{"CLONE_UNTRACED", 0x4000, 0x800000},
	{"CLONE_VM", 0x8000, 0x100},
	{"CLONE_INVERTED", 0x10000, KERNEL_NONE},
	{"NAME_CHANGED", 0x20000, KERNEL_NONE},
	{"CLOSED", 0x40000, KERNEL_NONE},
	{"CLONE_NEWUSER", 0x100000, 0x10000000},
	{"CLONE_CHILD_CLEARTID", 0x800000, 0x200000},
	{"CLONE_CHILD_SETTID", 0x1000000, 0x1000000},
	{"CLONE_SETTLS", 0x2000000, 0x80000},
	{"CLONE_STOPPED", 0x4000000, KERNEL_NONE},
	{"CLONE_VFORK", 0x8000000, 0x4000},
	{"CLONE_NEWCGROUP", 0x10000000, 0x2000000},
	{"CLONE_CHILD_IN_PIDNS", 0x20000000, KERNEL_NONE},
	END
};

const struct flag_name flags_futex_operations[] = {
	{"FUTEX_CLOCK_REALTIME", 0x100, 0x100},
	{"FUTEX_PRIVATE_FLAG", 0x80, 0x80},
	{"FUTEX_CMP_REQUEUE_PI", 0xc, 0xc},
	{"FUTEX_WAIT_REQUEUE_PI", 0xb, 0xb},
	{"FUTEX_WAKE_BITSET", 0xa, 0xa},
	{"FUTEX_WAIT_BITSET", 9, 9},
	{"FUTEX_TRYLOCK_PI", 8, 8},
	{"FUTEX_UNLOCK_PI", 7, 7},
	{"FUTEX_LOCK_PI", 6, 6},
	{"FUTEX_WAKE_OP", 5, 5},
	{"FUTEX_CMP_REQUEUE", 4, 4},
	{"FUTEX_REQUEUE", 3, 3},
	{"FUTEX_FD", 2, 2},
	{"FUTEX_WAKE", 1, 1},
	{"FUTEX_WAIT", 0, 0},
	END
};

const struct flag_name flags_rlimit_resources[] = {
	{"RLIMIT_UNKNOWN", 0xff, KERNEL_NONE},
	{"RLIMIT_RTTIME", 0xf, 0xf},
	{"RLIMIT_RTPRIO", 0xe, 0xe},
	{"RLIMIT_NICE", 0xd, 0xd},
	{"RLIMIT_MSGQUEUE", 0xc, 0xc},
	{"RLIMIT_SIGPENDING", 0xb, 0xb},
	{"RLIMIT_LOCKS", 0xa, 0xa},
	{"RLIMIT_AS", 9, 9},
	{"RLIMIT_MEMLOCK", 8, 8},
	{"RLIMIT_NOFILE", 7, 7},
	{"RLIMIT_NPROC", 6, 6},
	{"RLIMIT_RSS", 5, 5},
	{"RLIMIT_CORE", 4, 4},
	{"RLIMIT_STACK", 3, 3},
	{"RLIMIT_DATA", 2, 2},
	{"RLIMIT_FSIZE", 1, 1},
	{"RLIMIT_CPU", 0, 0},
	END
};

const struct flag_name flags_ptrace_requests[] = {
	{"PTRACE_SINGLEBLOCK", 0x26, 0x21},
	{"PTRACE_SYSEMU_SINGLESTEP", 0x25, 0x20},
	{"PTRACE_SYSEMU", 0x24, 0x1f},
	{"PTRACE_ARCH_PRCTL", 0x23, 0x1e},
	{"PTRACE_SET_THREAD_AREA", 0x22, 0x1a},
	{"PTRACE_GET_THREAD_AREA", 0x21, 0x19},
	{"PTRACE_OLDSETOPTIONS", 0x20, 0x15},
	{"PTRACE_SETFPXREGS", 0x1f, 0x13},
	{"PTRACE_GETFPXREGS", 0x1e, 0x12},
	{"PTRACE_SETFPREGS", 0x1d, 0xf},
	{"PTRACE_GETFPREGS", 0x1c, 0xe},
	{"PTRACE_SETREGS", 0x1b, 0xd},
	{"PTRACE_GETREGS", 0x1a, 0xc},
	{"PTRACE_SETSIGMASK", 0x19, 0x420b},
	{"PTRACE_GETSIGMASK", 0x18, 0x420a},
	{"PTRACE_PEEKSIGINFO", 0x17, 0x4209},
	{"PTRACE_LISTEN", 0x16, 0x4208},
	{"PTRACE_INTERRUPT", 0x15, 0x4207},
	{"PTRACE_SEIZE", 0x14, 0x4206},
	{"PTRACE_SETREGSET", 0x13, 0x4205},
	{"PTRACE_GETREGSET", 0x12, 0x4204},
	{"PTRACE_SETSIGINFO", 0x11, 0x4203},
	{"PTRACE_GETSIGINFO", 0x10, 0x4202},
	{"PTRACE_GETEVENTMSG", 0xf, 0x4201},
	{"PTRACE_SETOPTIONS", 0xe, 0x4200},
	{"PTRACE_SYSCALL", 0xd, 0x18},
	{"PTRACE_DETACH", 0xc, 0x11},
	{"PTRACE_ATTACH", 0xb, 0x10},
	{"PTRACE_SINGLESTEP", 0xa, 9},
	{"PTRACE_KILL", 9, 8},
	{"PTRACE_CONT", 8, 7},
	{"PTRACE_POKEUSR", 7, 6},
	{"PTRACE_POKEDATA", 6, 5},
	{"PTRACE_POKETEXT", 5, 4},
	{"PTRACE_PEEKUSR", 4, 3},
	{"PTRACE_PEEKDATA", 3, 2},
	{"PTRACE_PEEKTEXT", 2, 1},
	{"PTRACE_TRACEME", 1, 0},
	{"PTRACE_UNKNOWN", 0, KERNEL_NONE},
	END
};

const struct flag_name flags_prot_flags[] = {
	{"PROT_READ", 1, 1},
	{"PROT_WRITE", 2, 2},
	{"PROT_EXEC", 4, 4},
	{"PROT_SEM", 8, 8},
	{"PROT_GROWSDOWN", 0x10, 0x1000000},
	{"PROT_GROWSUP", 0x20, 0x2000000},
	{"PROT_SAO", 0x40, KERNEL_NONE},
	{"PROT_NONE", 0, KERNEL_NONE},
	END
};

const struct flag_name flags_mmap_flags[] = {
	{"MAP_SHARED", 1, 1},
	{"MAP_PRIVATE", 2, 2},
	{"MAP_FIXED", 4, 0x10},
	{"MAP_ANONYMOUS", 8, 0x20},
	{"MAP_32BIT", 0x10, K_MAP_32BIT},
	{"MAP_RENAME", 0x20, KERNEL_NONE},
	{"MAP_NORESERVE", 0x40, 0x4000},
	{"MAP_POPULATE", 0x80, 0x8000},
	{"MAP_NONBLOCK", 0x100, 0x10000},
	{"MAP_GROWSDOWN", 0x200, 0x100},
	{"MAP_DENYWRITE", 0x400, 0x800},
	{"MAP_EXECUTABLE", 0x800, 0x1000},
	{"MAP_INHERIT", 0x1000, KERNEL_NONE},
	{"MAP_FILE", 0x2000, KERNEL_NONE},
	{"MAP_LOCKED", 0x4000, 0x2000},
	END
};

const struct flag_name flags_semop_flags[] = {
	{"IPC_NOWAIT", 1, 0x800},
	{"SEM_UNDO", 2, 0x1000},
	END
};

const struct flag_name flags_semget_flags[] = {
	{"IPC_EXCL", 0x4000, 0x400},
	{"IPC_CREAT", 0x2000, 0x200},
	END
};

const struct flag_name flags_semctl_commands[] = {
	{"IPC_STAT", 1, 2},
	{"IPC_SET", 2, 1},
	{"IPC_RMID", 4, 0},
	{"IPC_INFO", 8, 3},
	{"SEM_INFO", 0x10, 0x13},
	{"SEM_STAT", 0x20, 0x12},
	{"GETALL", 0x40, 0xd},
	{"GETNCNT", 0x80, 0xe},
	{"GETPID", 0x100, 0xb},
	{"GETVAL", 0x200, 0xc},
	{"GETZCNT", 0x400, 0xf},
	{"SETALL", 0x800, 0x11},
	{"SETVAL", 0x1000, 0x10},
	END
};

const struct flag_name flags_pf_flags[] = {
	{"PROTECTION_VIOLATION", 1, KERNEL_NONE},
	{"PAGE_NOT_PRESENT", 2, KERNEL_NONE},
	{"WRITE_ACCESS", 4, KERNEL_NONE},
	{"READ_ACCESS", 8, KERNEL_NONE},
	{"USER_FAULT", 0x10, KERNEL_NONE},
	{"SUPERVISOR_FAULT", 0x20, KERNEL_NONE},
	{"RESERVED_PAGE", 0x40, KERNEL_NONE},
	{"INSTRUCTION_FETCH", 0x80, KERNEL_NONE},
	END
};

const struct flag_name flags_execve_flags[] = {
	{"EXE_WRITABLE", 1, KERNEL_NONE},
	{"EXE_UPPER_LAYER", 2, KERNEL_NONE},
	{"EXE_FROM_MEMFD", 4, KERNEL_NONE},
	{"EXE_LOWER_LAYER", 8, KERNEL_NONE},
	END
};

const struct flag_name flags_mlockall_flags[] = {
	{"MCL_CURRENT", 1, 1},
	{"MCL_FUTURE", 2, 2},
	{"MCL_ONFAULT", 4, 4},
	END
};

const struct flag_name flags_mlock2_flags[] = {
	{"MLOCK_ONFAULT", 1, 1},
	END
};

const struct flag_name flags_prctl_options[] = {
	{"PR_GET_DUMPABLE", 3, 3},
	{"PR_SET_DUMPABLE", 4, 4},
	{"PR_GET_KEEPCAPS", 7, 7},
	{"PR_SET_KEEPCAPS", 8, 8},
	{"PR_SET_NAME", 0xf, 0xf},
	{"PR_GET_NAME", 0x10, 0x10},
	{"PR_GET_SECCOMP", 0x15, 0x15},
	{"PR_SET_SECCOMP", 0x16, 0x16},
	{"PR_CAPBSET_READ", 0x17, 0x17},
	{"PR_CAPBSET_DROP", 0x18, 0x18},
	{"PR_GET_SECUREBITS", 0x1b, 0x1b},
	{"PR_SET_SECUREBITS", 0x1c, 0x1c},
	{"PR_MCE_KILL", 0x21, 0x21},
	{"PR_SET_MM", 0x23, 0x23},
	{"PR_SET_CHILD_SUBREAPER", 0x24, 0x24},
	{"PR_GET_CHILD_SUBREAPER", 0x25, 0x25},
	{"PR_SET_NO_NEW_PRIVS", 0x26, 0x26},
	{"PR_GET_NO_NEW_PRIVS", 0x27, 0x27},
	{"PR_GET_TID_ADDRESS", 0x28, 0x28},
	{"PR_SET_THP_DISABLE", 0x29, 0x29},
	{"PR_GET_THP_DISABLE", 0x2a, 0x2a},
	{"PR_CAP_AMBIENT", 0x2f, 0x2f},
	END
};

const struct flag_name flags_keyctl_operations[] = {
	{"KEYCTL_GET_KEYRING_ID", 0, 0},
	{"KEYCTL_JOIN_SESSION_KEYRING", 1, 1},
	{"KEYCTL_UPDATE", 2, 2},
	{"KEYCTL_REVOKE", 3, 3},
	{"KEYCTL_CHOWN", 4, 4},
	{"KEYCTL_SETPERM", 5, 5},
	{"KEYCTL_DESCRIBE", 6, 6},
	{"KEYCTL_CLEAR", 7, 7},
	{"KEYCTL_LINK", 8, 8},
	{"KEYCTL_UNLINK", 9, 9},
	{"KEYCTL_SEARCH", 0xa, 0xa},
	{"KEYCTL_READ", 0xb, 0xb},
	{"KEYCTL_INSTANTIATE", 0xc, 0xc},
	{"KEYCTL_NEGATE", 0xd, 0xd},
	{"KEYCTL_SET_REQKEY_KEYRING", 0xe, 0xe},
	{"KEYCTL_SET_TIMEOUT", 0xf, 0xf},
	{"KEYCTL_ASSUME_AUTHORITY", 0x10, 0x10},
	{"KEYCTL_GET_SECURITY", 0x11, 0x11},
	{"KEYCTL_SESSION_TO_PARENT", 0x12, 0x12},
	{"KEYCTL_REJECT", 0x13, 0x13},
	{"KEYCTL_INSTANTIATE_IOV", 0x14, 0x14},
	{"KEYCTL_INVALIDATE", 0x15, 0x15},
	{"KEYCTL_GET_PERSISTENT", 0x16, 0x16},
	{"KEYCTL_DH_COMPUTE", 0x17, 0x17},
	{"KEYCTL_PKEY_QUERY", 0x18, 0x18},
	{"KEYCTL_PKEY_ENCRYPT", 0x19, 0x19},
	{"KEYCTL_PKEY_DECRYPT", 0x1a, 0x1a},
	{"KEYCTL_PKEY_SIGN", 0x1b, 0x1b},
	{"KEYCTL_PKEY_VERIFY", 0x1c, 0x1c},
	{"KEYCTL_RESTRICT_KEYRING", 0x1d, 0x1d},
	{"KEYCTL_MOVE", 0x1e, 0x1e},
	{"KEYCTL_CAPABILITIES", 0x1f, 0x1f},
	{"KEYCTL_WATCH_KEY", 0x20, 0x20},
	END
};

const struct flag_name flags_pidfd_open_flags[] = {
	{"PIDFD_NONBLOCK", 1, 0x800},
	END
};

const struct flag_name flags_bpf_commands[] = {
	{"BPF_MAP_CREATE", 0, 0},
	{"BPF_MAP_LOOKUP_ELEM", 1, 1},
	{"BPF_MAP_UPDATE_ELEM", 2, 2},
	{"BPF_MAP_DELETE_ELEM", 3, 3},
	{"BPF_MAP_GET_NEXT_KEY", 4, 4},
	{"BPF_PROG_LOAD", 5, 5},
	{"BPF_OBJ_PIN", 6, 6},
	{"BPF_OBJ_GET", 7, 7},
	{"BPF_PROG_ATTACH", 8, 8},
	{"BPF_PROG_DETACH", 9, 9},
	{"BPF_PROG_TEST_RUN", 0xa, 0xa},
	{"BPF_PROG_RUN", 0xa, 0xa},
	{"BPF_PROG_GET_NEXT_ID", 0xb, 0xb},
	{"BPF_MAP_GET_NEXT_ID", 0xc, 0xc},
	{"BPF_PROG_GET_FD_BY_ID", 0xd, 0xd},
	{"BPF_MAP_GET_FD_BY_ID", 0xe, 0xe},
	{"BPF_OBJ_GET_INFO_BY_FD", 0xf, 0xf},
	{"BPF_PROG_QUERY", 0x10, 0x10},
	{"BPF_RAW_TRACEPOINT_OPEN", 0x11, 0x11},
	{"BPF_BTF_LOAD", 0x12, 0x12},
	{"BPF_BTF_GET_FD_BY_ID", 0x13, 0x13},
	{"BPF_TASK_FD_QUERY", 0x14, 0x14},
	{"BPF_MAP_LOOKUP_AND_DELETE_ELEM", 0x15, 0x15},
	{"BPF_MAP_FREEZE", 0x16, 0x16},
	{"BPF_BTF_GET_NEXT_ID", 0x17, 0x17},
	{"BPF_MAP_LOOKUP_BATCH", 0x18, 0x18},
	{"BPF_MAP_LOOKUP_AND_DELETE_BATCH", 0x19, 0x19},
	{"BPF_MAP_UPDATE_BATCH", 0x1a, 0x1a},
	{"BPF_MAP_DELETE_BATCH", 0x1b, 0x1b},
	{"BPF_LINK_CREATE", 0x1c, 0x1c},
	{"BPF_LINK_UPDATE", 0x1d, 0x1d},
	{"BPF_LINK_GET_FD_BY_ID", 0x1e, 0x1e},
	{"BPF_LINK_GET_NEXT_ID", 0x1f, 0x1f},
	{"BPF_ENABLE_STATS", 0x20, 0x20},
	{"BPF_ITER_CREATE", 0x21, 0x21},
	{"BPF_LINK_DETACH", 0x22, 0x22},
	{"BPF_PROG_BIND_MAP", 0x23, 0x23},
	END
};

const struct flag_name flags_delete_module_flags[] = {
	{"O_NONBLOCK", 2, 0x800},
	{"O_TRUNC", 1, 0x200},
	END
};

const struct flag_name flags_finit_module_flags[] = {
	{"MODULE_INIT_IGNORE_MODVERSIONS", 1, 1},
	{"MODULE_INIT_IGNORE_VERMAGIC", 2, 2},
	{"MODULE_INIT_COMPRESSED_FILE", 4, 4},
	END
};
