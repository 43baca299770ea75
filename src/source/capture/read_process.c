/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process lists: the threads that ran when the capture began, nine versions of one entry. A later
 * version has all of the earlier ones, and from V9 on an entry has a length, so that fields could
 * be appended without a new number. The layout is that of scap_read_proclist() in
 * userspace/libscap/engine/savefile/scap_savefile.c:
 *
 *	V9 u32 length (counts itself)
 *	u64 tid, pid, parent; V6 u64 session; V8 u64 process group in its namespace
 *	name, argv[0]; V7 path; arguments, working folder (each u16 + bytes)
 *	u64 limit of descriptors, u32 flags, uid, gid
 *	V2 u32 vmsize, vmrss, vmswap (KiB), u64 major, minor page faults; V3 environment
 *	V4 s64 vtid, vpid, cgroups; V5 root folder
 *	V9, each only if it fits: u64 start of the pid namespace's init, u32 tty, u32 loginuid, u8
 *	path writable, u64 capabilities ×3, u8 upper layer, u64 inode, ctime, mtime, u8 memfd, u8
 *	lower layer, s64 process group
 */
#include "source/capture/read.h"

/* Before libs 0.10 an entry ended in these; the two fields in front of them came later. */
enum { OLD_TAIL_BYTES = 4 + 1 + 3 * 8 };

/* Ids are 64-bit signed in the file; -1 is "not known". */
static uint32_t id32(uint64_t v)
{
	return v <= UINT32_MAX ? (uint32_t)v : 0;
}

static void read_ids(struct cursor *in, unsigned version, struct process *p)
{
	p->pid = id32(cursor_u64(in));
	p->ppid = id32(cursor_u64(in));
	if (version >= 6)
		p->sid = id32(cursor_u64(in));
	if (version >= 8)
		p->vpgid = id32(cursor_u64(in));
}

static void read_names(struct cursor *in, unsigned version, struct process *p)
{
	p->comm = cursor_cstr16(in);
	p->exe = cursor_cstr16(in);
	if (version >= 7)
		p->exepath = cursor_cstr16(in);
	p->args = cursor_str16(in);
	p->cwd = cursor_cstr16(in);
}

static void read_numbers(struct cursor *in, unsigned version, struct process *p)
{
	p->fdlimit = cursor_u64(in);
	cursor_u32(in); /* clone flags: of a thread that is there they say nothing more */
	p->uid = cursor_u32(in);
	p->gid = cursor_u32(in);
	if (version < 2)
		return;
	p->vmsize_kb = cursor_u32(in);
	p->vmrss_kb = cursor_u32(in);
	p->vmswap_kb = cursor_u32(in);
	p->pfmajor = cursor_u64(in);
	p->pfminor = cursor_u64(in);
}

static void read_namespace(struct cursor *in, unsigned version, uint32_t tid, struct process *p)
{
	p->vtid = tid;
	p->vpid = p->pid;
	if (version >= 3)
		p->env = cursor_str16(in);
	if (version < 4)
		return;
	uint64_t vtid = cursor_u64(in), vpid = cursor_u64(in);
	if (vtid <= UINT32_MAX)
		p->vtid = (uint32_t)vtid;
	if (vpid <= UINT32_MAX)
		p->vpid = (uint32_t)vpid;
	p->cgroups = cursor_str16(in);
	if (version >= 5)
		p->root = cursor_cstr16(in);
}

/* What was appended is there as far as the entry reaches. */
static uint64_t appended(struct cursor *in, unsigned bytes, uint64_t otherwise)
{
	if (cursor_left(in) < bytes) {
		in->p = in->end;
		return otherwise;
	}
	return bytes == 8 ? cursor_u64(in) : bytes == 4 ? cursor_u32(in) : cursor_u8(in);
}

static void read_appended(struct cursor *in, struct process *p)
{
	if (cursor_left(in) > OLD_TAIL_BYTES) {
		p->pidns_init_start_ns = appended(in, 8, 0);
		p->tty = (uint32_t)appended(in, 4, 0);
	}
	p->loginuid = (uint32_t)appended(in, 4, UINT32_MAX);
	p->exe_writable = appended(in, 1, 0);
	p->cap_inheritable = appended(in, 8, 0);
	p->cap_permitted = appended(in, 8, 0);
	p->cap_effective = appended(in, 8, 0);
	p->exe_upper_layer = appended(in, 1, 0);
	p->exe_ino = appended(in, 8, 0);
	p->exe_ino_ctime_ns = appended(in, 8, 0);
	p->exe_ino_mtime_ns = appended(in, 8, 0);
	p->exe_from_memfd = appended(in, 1, 0);
	p->exe_lower_layer = appended(in, 1, 0);
	p->pgid = id32(appended(in, 8, 0));
}

bool read_process(struct capture *c, struct cursor *in, unsigned version)
{
	struct process p = {.loginuid = UINT32_MAX};
	uint64_t tid = cursor_u64(in);

	read_ids(in, version, &p);
	read_names(in, version, &p);
	read_numbers(in, version, &p);
	read_namespace(in, version, id32(tid), &p);
	if (version >= 9 && !in->bad)
		read_appended(in, &p);
	if (in->bad || tid > UINT32_MAX ||
		(c->o.state && state_add_thread(c->o.state, (uint32_t)tid, p.vtid, &p) < 0))
		return false;
	c->info.threads++;
	return true;
}
