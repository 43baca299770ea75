/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The names of flags and enumerations, one table each: name, value on disk, value that the kernel's
 * interface has. A table ends in a row without a name. Rows are in the order in which names are
 * printed. The tables of PT_DYN parameters name the types that a value can have, by its index.
 */
#include "model/event/event.h"

/* A row that the kernel's interface does not have. */
#define KERNEL_NONE UINT64_MAX

#define FLAG_TABLES(X)                                                                                       \
	X(socket_families)                                                                                   \
	X(file_flags)                                                                                        \
	X(creat_flags)                                                                                       \
	X(flock_flags)                                                                                       \
	X(poll_flags) X(mount_flags) X(umount_flags) X(lseek_whence) X(shutdown_how) X(                      \
		fcntl_commands) X(sockopt_levels) X(sockopt_options) X(splice_flags)                         \
		X(quotactl_dqi_flags) X(quotactl_cmds) X(quotactl_types) X(quotactl_quota_fmts) X(           \
			access_flags) X(unlinkat_flags) X(linkat_flags) X(newfstatat_flags)                  \
			X(chmod_mode) X(fchownat_flags) X(renameat2_flags) X(openat2_flags) X(               \
				execveat_flags) X(io_uring_setup_flags) X(io_uring_setup_feats)              \
				X(io_uring_enter_flags) X(io_uring_register_opcodes) X(fsconfig_cmds) X(     \
					epoll_create1_flags) X(memfd_create_flags) X(mknod_mode)             \
					X(close_range_flags) X(anon_inode_fd_types) X(dyn_sockopt) X(        \
						dyn_ptrace) X(dyn_bpf) X(dyn_keyctl) X(clone_flags)          \
						X(futex_operations) X(rlimit_resources) X(                   \
							ptrace_requests) X(prot_flags) X(mmap_flags)         \
							X(semop_flags) X(semget_flags) X(                    \
								semctl_commands) X(pf_flags)                 \
								X(execve_flags) X(mlockall_flags) X(         \
									mlock2_flags) X(prctl_options)       \
									X(keyctl_operations) X(              \
										pidfd_open_flags)            \
										X(bpf_commands) X(           \
											delete_module_flags) \
											X(finit_module_flags)

#define DECLARE(name) extern const struct flag_name flags_##name[];
FLAG_TABLES(DECLARE)
#undef DECLARE
