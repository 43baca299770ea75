/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading and steering the probe. What this kernel cannot do is found out before the verifier says
 * so in a thousand lines: BTF, the shape of the io_uring tracepoints, capabilities.
 */
#include "source/sensor/probe.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/sensor/plan.h"
/* the skeleton spells the probe's own type names */
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "sensor.skel.h"
#pragma GCC diagnostic pop

enum { LOG_KEPT = 2048 };

/* The last of what libbpf said, for the error message. */
static char libbpf_said[LOG_KEPT];

static int keep_log(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_WARN)
		return 0;
	/* of a long log the first lines name the program; what follows is the verifier's */
	size_t len = strlen(libbpf_said);

	return len + 1 < LOG_KEPT ? vsnprintf(libbpf_said + len, LOG_KEPT - len, fmt, ap) : 0;
}

/* How many arguments a tracepoint hands over; -1 when this kernel has no such tracepoint. */
static int tracepoint_args(const struct btf *btf, const char *name)
{
	char type_name[128];

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	int id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (unsigned)id) : NULL;

	while (t && !btf_is_func_proto(t))
		t = btf__type_by_id(btf, t->type);
	return t ? btf_vlen(t) - 1 : -1; /* the first is the tracepoint's private data */
}

/* Programs for what this kernel has; the others are not loaded. */
static void choose_programs(struct sensor_bpf *skel, const struct btf *btf, bool want_latency)
{
	int submit = tracepoint_args(btf, "io_uring_submit_req");
	int old_submit = tracepoint_args(btf, "io_uring_submit_sqe");
	int complete = tracepoint_args(btf, "io_uring_complete");
	/* the requests' structs are in BTF only where io_uring is built in */
	bool names = btf__find_by_name_kind(btf, "io_open", BTF_KIND_STRUCT) > 0;
	bool is_usable = names && complete >= 3 && (submit == 1 || old_submit == 2);

	bpf_program__set_autoload(skel->progs.uring_submit_req, is_usable && submit == 1);
	bpf_program__set_autoload(skel->progs.uring_submit_sqe, is_usable && submit != 1);
	bpf_program__set_autoload(skel->progs.uring_complete_cqe, is_usable && complete == 3);
	bpf_program__set_autoload(skel->progs.uring_complete_res, is_usable && complete > 3);
	bpf_program__set_autoload(skel->progs.sys_enter, want_latency);
}

static int explain_load(int code, struct err *e)
{
	struct utsname u;

	uname(&u);
	if (code == EPERM || code == EACCES)
		return err_set(e, code,
			"the kernel refuses to load the sensor (%s): run koban as root, or give it "
			"CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH%s%.300s",
			strerror(code), libbpf_said[0] ? "; it said: " : "", libbpf_said);
	return err_set(e, code, "the sensor does not load on Linux %s: %s; it said: %.600s",
		u.release, strerror(code), libbpf_said);
}

static int check_host(struct err *e)
{
	struct utsname u;
	unsigned major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	if (major < 5 || (major == 5 && minor < 8))
		return err_set(
			e, ENOSYS, "Linux %s is too old: the sensor needs 5.8 or later", u.release);
	if (geteuid() != 0 && access("/sys/kernel/btf/vmlinux", R_OK) == 0 && !getenv("KOBAN_TRY"))
		return err_set(e, EPERM,
			"watching the kernel needs root: run `sudo koban …` (or start the koban "
			"service)");
	return 0;
}

static void set_plans(struct sensor_bpf *skel)
{
	for (uint16_t code = 0; code < PROBE_CODES; code++) {
		const struct event_plan *ep = event_plan(code);

		if (ep)
			skel->bss->plans[code] = ep->plan;
	}
}

int probe_load(
	const struct sensor_options *o, size_t ring_bytes, struct sensor_bpf **ret, struct err *e)
{
	uint64_t seed[2] = {0};
	int r = check_host(e);

	if (r < 0)
		return r;
	struct btf *btf = btf__load_vmlinux_btf();
	if (!btf)
		return err_set(e, ENOENT,
			"this kernel has no BTF (/sys/kernel/btf/vmlinux): use one built with "
			"CONFIG_DEBUG_INFO_BTF=y, as the distributions' kernels since 2021 are");
	libbpf_said[0] = 0;
	libbpf_set_print(keep_log);
	struct sensor_bpf *skel = sensor_bpf__open();
	if (!skel) {
		r = err_set(e, errno, "the sensor cannot be opened: %s", strerror(errno));
		btf__free(btf);
		return r;
	}
	choose_programs(skel, btf, o->want_latency);
	btf__free(btf);
	skel->rodata->self_tgid = o->watch_self ? 0 : (uint32_t)getpid();
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed[0] = clock_boot_ns();
	skel->rodata->verdict_seed = seed[0];
	skel->rodata->verdict_seed2 = seed[1];
	skel->rodata->snaplen = o->snaplen ? o->snaplen : 80;
	skel->rodata->want_enter = o->want_latency;
	skel->rodata->ring_wake_bytes = ring_bytes / 8;
	bpf_map__set_max_entries(skel->maps.ring, (uint32_t)ring_bytes);
	if (!o->want_latency)
		bpf_map__set_max_entries(skel->maps.enter_times, 64);
	r = sensor_bpf__load(skel);
	if (r == 0) {
		set_plans(skel);
		probe_want(skel, o->codes, o->all_events, o->push);
		r = sensor_bpf__attach(skel);
	}
	if (r < 0) {
		sensor_bpf__destroy(skel);
		return explain_load(-r, e);
	}
	*ret = skel;
	return 0;
}

void probe_unload(struct sensor_bpf *skel)
{
	sensor_bpf__destroy(skel);
}

void probe_detach(struct sensor_bpf *skel)
{
	sensor_bpf__detach(skel);
	/* a program may still run on another CPU: wait for its end, so that the counters add up */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

int probe_ring_fd(const struct sensor_bpf *skel)
{
	return bpf_map__fd(skel->maps.ring);
}

int probe_known_fd(const struct sensor_bpf *skel)
{
	return bpf_map__fd(skel->maps.known);
}

uint64_t probe_counter_read(const struct sensor_bpf *skel, unsigned which)
{
	enum { CPUS_MAX = 4096 };
	static uint64_t values[CPUS_MAX]; /* scrapes come one at a time */
	int cpus = libbpf_num_possible_cpus();
	uint64_t sum = 0;

	if (cpus <= 0 || cpus > CPUS_MAX ||
		bpf_map_lookup_elem(bpf_map__fd(skel->maps.counters), &which, values) < 0)
		return 0;
	for (int i = 0; i < cpus; i++)
		sum += values[i];
	return sum;
}

static bool has_code(const uint64_t *codes, uint16_t code)
{
	return codes && (codes[code / 64] >> (code % 64) & 1);
}

/* Which io_uring operation stands for which event. */
static const struct {
	uint8_t op;
	uint16_t code;
} uring_rows[] = {
	{9, EV_SENDMSG},
	{10, EV_RECVMSG},
	{13, EV_ACCEPT4},
	{16, EV_CONNECT},
	{18, EV_OPENAT},
	{26, EV_SENDTO},
	{27, EV_RECVFROM},
	{28, EV_OPENAT2},
	{35, EV_RENAMEAT2},
	{36, EV_UNLINKAT},
	{37, EV_MKDIRAT},
	{38, EV_SYMLINKAT},
	{39, EV_LINKAT},
};

/* Events that state needs of every process, whatever the rules say. */
static bool is_state(uint16_t code)
{
	const struct event_def *def = event_def(code);

	/* fork, exec and exit come by their own tracepoints */
	return def && (def->flags & EF_STATE) && code != EV_CLONE && code != EV_CLONE3 &&
	       code != EV_FORK && code != EV_VFORK && code != EV_EXECVE && code != EV_EXECVEAT &&
	       code != EV_PROCEXIT;
}

static uint16_t wanted_code(uint16_t code, const uint64_t *codes, bool all_events)
{
	return all_events || has_code(codes, code) || is_state(code) ? code : 0;
}

/* Events after which a path may lead elsewhere, though no part of a verdict's key changed. */
static bool is_epoch(uint16_t code)
{
	switch (code) {
	case EV_MOUNT:
	case EV_UMOUNT:
	case EV_UMOUNT2:
	case EV_UNSHARE:
	case EV_SETNS:
		return true;
	default:
		return false;
	}
}

/* The same of syscalls that have no event of their own. */
static bool is_epoch_syscall(const char *name)
{
	static const char *const names[] = {"pivot_root", "move_mount", "mount_setattr"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static uint16_t wanted_syscall(
	const struct syscall_row *r, const uint64_t *codes, bool all_events, unsigned push)
{
	uint16_t code = wanted_code(r->code, codes, all_events);

	if (code || !(push & SENSOR_PUSH_OPENS))
		return code;
	return is_epoch(r->code) ? r->code : is_epoch_syscall(r->name) ? PROBE_CODE_EPOCH : 0;
}

static uint8_t plan_flags(uint16_t code, const uint64_t *codes, bool all_events, unsigned push)
{
	bool is_asked = all_events || (code < EVENT_CODE_MAX && has_code(codes, code));
	const unsigned own = SENSOR_PUSH_OWN_SOCKETS | SENSOR_PUSH_OWN_CONNECTS;
	uint8_t flags = 0;

	/* state only wants what changed something */
	if (is_state(code) && !is_asked)
		flags |= PLAN_OK_ONLY;
	if ((push & SENSOR_PUSH_OPENS) && (code == PROBE_CODE_EPOCH || is_epoch(code)))
		flags |= PLAN_EPOCH | (is_asked || is_state(code) ? 0 : PLAN_QUIET);
	if (!all_events && (push & event_push(code)))
		flags |= PLAN_VERDICT;
	if (!all_events && (push & event_push(code) & own))
		flags |= PLAN_OF_ONE;
	return flags;
}

static const struct {
	uint16_t call;
	struct socketcall is;
} socketcall_rows[] = {
#define SOCKETCALL(call_, code_, nargs_) {call_, {code_, nargs_}},
#include "model/event/schema.def"
};

/* The calls behind i386's socketcall(2): what is wanted of them, and whether the door is looked at.
 */
static void want_socketcalls(struct sensor_bpf *skel, const uint64_t *codes, bool all_events)
{
	bool any = false;

	for (size_t i = 0; i < sizeof(socketcall_rows) / sizeof(*socketcall_rows); i++) {
		struct socketcall is = socketcall_rows[i].is;

		is.code = wanted_code(is.code, codes, all_events);
		any |= is.code;
		skel->bss->socketcalls[socketcall_rows[i].call] = is;
	}
	for (const struct syscall_row *r = syscalls_compat; any && r->name; r++)
		if (!strcmp(r->name, "socketcall"))
			skel->bss->wanted[r->nr].compat = PROBE_CODE_SOCKETCALL;
}

void probe_want(struct sensor_bpf *skel, const uint64_t *codes, bool all_events, unsigned push)
{
	const uint8_t steered = PLAN_OK_ONLY | PLAN_EPOCH | PLAN_QUIET | PLAN_VERDICT | PLAN_OF_ONE;

	for (uint16_t code = 0; code < PROBE_CODES; code++)
		skel->bss->plans[code].flags = (skel->bss->plans[code].flags & (uint8_t)~steered) |
					       plan_flags(code, codes, all_events, push);
	/* state wants processes; threads come when somebody asks for their ends */
	skel->bss->want_threads = all_events || has_code(codes, EV_PROCEXIT);
	for (const struct syscall_row *r = syscalls_native; r->name; r++)
		skel->bss->wanted[r->nr].native = wanted_syscall(r, codes, all_events, push);
	for (const struct syscall_row *r = syscalls_compat; r->name; r++)
		skel->bss->wanted[r->nr].compat = wanted_syscall(r, codes, all_events, push);
	want_socketcalls(skel, codes, all_events);
	for (size_t i = 0; i < sizeof(uring_rows) / sizeof(*uring_rows); i++) {
		uint16_t code = uring_rows[i].code;
		bool is_wanted = all_events || has_code(codes, code) ||
				 ((push & SENSOR_PUSH_OPENS) && is_epoch(code));

		skel->bss->uring_wanted[uring_rows[i].op] = is_wanted ? code : 0;
	}
	probe_new_epoch(skel);
}

/* The first 8 bytes of a name, zeros behind a shorter one; or the last 8, zeros before. */
static uint64_t name_word(struct str s, bool is_end)
{
	uint8_t bytes[8] = {0};
	size_t n = s.len < 8 ? s.len : 8;

	if (is_end)
		memcpy(bytes + 8 - n, s.s + s.len - n, n);
	else
		memcpy(bytes, s.s, n);
	uint64_t word = 0;
	for (int i = 7; i >= 0; i--)
		word = word << 8 | bytes[i];
	return word;
}

static bool add_word(struct name_word *words, uint32_t *n, uint32_t max, struct str s, bool is_end)
{
	struct name_word w = {.value = name_word(s, is_end), .mask = UINT64_MAX};

	if (s.len < 8)
		w.mask = is_end ? UINT64_MAX << (64 - 8 * s.len) : UINT64_MAX >> (64 - 8 * s.len);
	for (uint32_t i = 0; i < *n; i++)
		if (words[i].mask == w.mask && words[i].value == w.value)
			return true;
	if (*n == max)
		return false;
	words[(*n)++] = w;
	return true;
}

static bool add_name(struct names *to, const struct sensor_name *name)
{
	struct str s = name->text;

	if (!s.len)
		return false;
	switch (name->how) {
	case SENSOR_NAME_STARTS:
		return add_word(to->starts, &to->nstarts, NAMES_STARTS_MAX, s, false);
	case SENSOR_NAME_ENDS:
		return add_word(to->ends, &to->nends, NAMES_ENDS_MAX, s, true);
	case SENSOR_NAME_HAS:
		return add_word(to->has, &to->nhas, NAMES_HAS_MAX, s, false);
	default:
		break;
	}
	uint32_t bit = name_bit(name_word(s, false), name_word(s, true), (uint32_t)s.len);

	to->is[bit >> 3] |= (uint8_t)(1 << (bit & 7));
	return true;
}

bool probe_tell_names(struct sensor_bpf *skel, const struct sensor_name *names, size_t n)
{
	struct names *to = (struct names *)&skel->bss->names;
	bool fits = names != NULL;

	/* off while it changes; what was judged by the old ones is of an old epoch */
	__atomic_store_n(&to->is_on, 0, __ATOMIC_SEQ_CST);
	probe_new_epoch(skel);
	to->nstarts = to->nends = to->nhas = 0;
	memset(to->is, 0, sizeof(to->is));
	for (size_t i = 0; i < n && fits; i++)
		fits = add_name(to, &names[i]);
	__atomic_store_n(&to->is_on, fits, __ATOMIC_SEQ_CST);
	return fits;
}

void probe_judge(
	struct sensor_bpf *skel, unsigned push, const struct verdict_key *key, bool is_dull)
{
	const struct bpf_map *map =
		push == SENSOR_PUSH_OPENS ? skel->maps.verdicts : skel->maps.sock_verdicts;
	uint8_t value = is_dull;

	/* a full or contended map only means that the event comes again */
	(void)!bpf_map_update_elem(bpf_map__fd(map), key, &value, BPF_ANY);
}

void probe_new_epoch(struct sensor_bpf *skel)
{
	__atomic_fetch_add(&skel->bss->epoch, 1, __ATOMIC_RELAXED);
}

void probe_new_own_epoch(struct sensor_bpf *skel)
{
	__atomic_fetch_add(&skel->bss->own_epoch, 1, __ATOMIC_RELAXED);
}

/* An open that the probe looks at, in a container only on its root file system: a file system that
 * somebody in it mounted (FUSE) could keep us waiting; `call` must be wanted while it lasts. */
static bool look_at(
	struct sensor_bpf *skel, long call, int root, const char *path, struct known_key *ret)
{
	struct known_key none = {0};
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
	uint16_t before = skel->bss->wanted[call].native;
	int fd;

	memcpy(&skel->bss->identified, &none, sizeof(none));
	if (!before)
		skel->bss->wanted[call].native = EV_OPENAT;
	skel->bss->identify_tid = (uint32_t)syscall(SYS_gettid);
	if (call == SYS_openat2)
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	else
		fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	skel->bss->identify_tid = 0;
	skel->bss->wanted[call].native = before;
	if (fd < 0)
		return false;
	close(fd);
	memcpy(ret, &skel->bss->identified, sizeof(*ret));
	return ret->ino != 0;
}

bool probe_identify(struct sensor_bpf *skel, const char *path, struct known_key *ret)
{
	return look_at(skel, SYS_openat, AT_FDCWD, path, ret);
}

static uint64_t inode_hash(uint64_t ino)
{
	return ino * 0x9e3779b97f4a7c15ULL; /* as known_find() of bpf/walk.h */
}

bool probe_know_inside(struct sensor_bpf *skel, int root, const char *path, uint32_t id)
{
	struct known_key key;

	if (!look_at(skel, SYS_openat2, root, path, &key))
		return false;
	uint32_t bit = (uint32_t)(inode_hash(key.ino) >> 48);
	skel->bss->known_bloom_inside[bit >> 3] |= (uint8_t)(1 << (bit & 7));
	return bpf_map_update_elem(bpf_map__fd(skel->maps.known_inside), &key, &id, BPF_NOEXIST) ==
	       0;
}

void probe_forget_inside(struct sensor_bpf *skel)
{
	struct known_key key, next;
	int fd = bpf_map__fd(skel->maps.known_inside);

	memset(skel->bss->known_bloom_inside, 0, sizeof(skel->bss->known_bloom_inside));
	while (bpf_map_get_next_key(fd, NULL, &next) == 0) {
		key = next;
		if (bpf_map_delete_elem(fd, &key) < 0)
			break;
	}
}

void probe_set_bloom(struct sensor_bpf *skel, const uint64_t *inodes, size_t n)
{
	uint8_t bits[sizeof(skel->bss->known_bloom)] = {0};

	for (size_t i = 0; i < n; i++) {
		uint32_t bit = (uint32_t)(inode_hash(inodes[i]) >> 51);

		bits[bit >> 3] |= (uint8_t)(1 << (bit & 7));
	}
	memcpy(skel->bss->known_bloom, bits, sizeof(bits));
	skel->bss->known_count = (uint32_t)n;
}
