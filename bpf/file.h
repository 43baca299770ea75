/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once
/*
 * Descriptors: from a number to the file that the kernel has for it, and what that file is.
 */
#include "net.h"
#include "walk.h"

enum {
	MODE_TYPE = 0170000,
	MODE_SOCK = 0140000,
	MODE_DIR = 0040000,
	MODE_REG = 0100000,
	MAGIC_OVERLAY = 0x794c7630, /* OVERLAYFS_SUPER_MAGIC, include/uapi/linux/magic.h */
	MAGIC_ANON = 0x09041934,    /* ANON_INODE_FS_MAGIC */
	AT_CWD = -100,
};

SEC_PRIVATE struct file *file_of_fd(struct task_struct *task, s64 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **array, *file = NULL;

	if (fd < 0 || fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	array = BPF_CORE_READ(fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), array + fd);
	return file;
}

/* The same for the current task. */
SEC_PRIVATE struct file *file_of_own_fd(s64 fd)
{
	if (!has_typed_task())
		return file_of_fd((void *)bpf_get_current_task(), fd);
	struct fdtable *fdt = bpf_get_current_task_btf()->files->fdt;
	struct file *file = NULL;

	if (fd < 0 || fd >= fdt->max_fds)
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), fdt->fd + fd);
	return file;
}

/* Upper: the file was made or changed after the image was laid down (struct ovl_inode: the upper
 * dentry follows the embedded inode, fs/overlayfs/ovl_entry.h). */
SEC_PRIVATE u8 file_layer(struct inode *inode, u64 magic)
{
	struct dentry *upper = NULL;

	if (magic != MAGIC_OVERLAY)
		return 0;
	bpf_probe_read_kernel(
		&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper && BPF_CORE_READ(upper, d_inode) ? 1 : 2;
}

/* What an anonymous inode is: its dentry's name, "[eventpoll]" */
GLOBAL u32 anon_kind(u64 dentry)
{
	struct dentry *d = (void *)dentry;
	char n[16] = {};

	bpf_probe_read_kernel_str(n, sizeof(n), BPF_CORE_READ(d, d_name.name));
	char *p = n[0] == '[' ? n + 1 : n;

	if (p[0] == 'e' && p[1] == 'v' && p[5] == 'f')
		return KIND_EVENTFD;
	if (p[0] == 'e' && p[1] == 'v')
		return KIND_EVENTPOLL;
	if (p[0] == 's' && p[1] == 'i')
		return KIND_SIGNALFD;
	if (p[0] == 't' && p[1] == 'i')
		return KIND_TIMERFD;
	if (p[0] == 'i' && p[1] == 'n')
		return KIND_INOTIFY;
	if (p[0] == 'i' && p[1] == 'o')
		return KIND_IO_URING;
	if (p[0] == 'u' && p[1] == 's')
		return KIND_USERFAULT;
	if (p[0] == 'b' && p[1] == 'p')
		return KIND_BPF;
	if (p[0] == 'p' && p[1] == 'i')
		return KIND_PIDFD;
	if (p[0] == 'f' && p[1] == 'a')
		return KIND_FANOTIFY;
	return KIND_ANON;
}

SEC_PRIVATE bool is_memfd(struct dentry *d)
{
	char n[8] = {};

	bpf_probe_read_kernel_str(n, sizeof(n), BPF_CORE_READ(d, d_name.name));
	return n[0] == 'm' && n[1] == 'e' && n[2] == 'm' && n[3] == 'f' && n[4] == 'd' &&
	       n[5] == ':' && BPF_CORE_READ(d, d_parent) == d;
}

/* Everything about the file of descriptor number `fd`. */
GLOBAL int put_file(u32 slot, u64 file_address, s64 fd)
{
	struct file *file = (void *)file_address;
	struct writer wr, *w = &wr;
	struct fact_file fact = {.fd = fd};

	if (!writer_load(w, slot))
		return 0;
	u8 *f = look(w, 0, file);
	struct inode *inode = LOOKED(f, file, struct file, f_inode);
	u8 *i = look(w, 1, inode);
	struct super_block *sb = LOOKED(i, inode, struct inode, i_sb);
	u8 *s = look(w, 2, sb);
	u64 magic = LOOKED(s, sb, struct super_block, s_magic);

	fact.ino = LOOKED(i, inode, struct inode, i_ino);
	fact.dev = LOOKED(s, sb, struct super_block, s_dev);
	fact.f_mode = LOOKED(f, file, struct file, f_mode);
	fact.f_flags = LOOKED(f, file, struct file, f_flags);
	fact.mode = LOOKED(i, inode, struct inode, i_mode);
	fact.magic = (u32)magic;
	fact.layer = file_layer(inode, magic);
	u16 type = fact.mode & MODE_TYPE;

	if (magic == MAGIC_ANON)
		fact.kind = anon_kind((u64)LOOKED(f, file, struct file, f_path.dentry));
	else if (type == MODE_REG && is_memfd(LOOKED(f, file, struct file, f_path.dentry)))
		fact.kind = KIND_MEMFD;
	put_fact(w, FACT_FILE, &fact, sizeof(fact));
	writer_save(w);
	if (type == MODE_SOCK) {
		struct socket *socket = LOOKED(f, file, struct file, private_data);

		put_sock(slot, (u64)BPF_CORE_READ(socket, sk));
	} else if (magic != MAGIC_ANON) {
		put_path(
			slot, FACT_REAL, file_address + bpf_core_field_offset(struct file, f_path));
	}
	return 0;
}

/* The folder that a relative path starts from: a descriptor's, or the working folder. */
GLOBAL int put_dir(u32 slot, u8 tag, s32 dirfd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 path;

	if (dirfd == AT_CWD) {
		path = (u64)BPF_CORE_READ(task, fs) + bpf_core_field_offset(struct fs_struct, pwd);
	} else {
		struct file *file = file_of_own_fd(dirfd);

		if (!file)
			return 0;
		path = (u64)file + bpf_core_field_offset(struct file, f_path);
	}
	return put_path(slot, tag, path);
}
