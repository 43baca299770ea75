/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of this room share. A row is a public `struct process` with its private links
 * behind it. A live row is in the table by (pid, start) and in the table by pid; a tombstone only
 * in the first.
 */
#include <time.h>

#include "engine/state/state.h"

enum {
	TICK_NS = 10 * 1000 * 1000, /* USER_HZ is 100 on all architectures: proc(5) */
	EXE_WRITABLE = 1 << 0,      /* bits of the exec events' "flags", as .scap stores them */
	EXE_UPPER_LAYER = 1 << 1,
	EXE_FROM_MEMFD = 1 << 2,
	EXE_LOWER_LAYER = 1 << 3,
	PROC_STRING_MAX = 4096, /* bytes of arguments, of environment; as Falco keeps */
	BUNDLE_FILE_MAX = 4 << 20,
	NS_CACHE = 256,
	DEPTH_MAX = 4096, /* of a chain of parents, when a loop is looked for */
};

/* Indexes of a process's strings: the order in which a text block holds them. */
enum text_kind {
	TEXT_COMM,
	TEXT_EXE,
	TEXT_EXEPATH,
	TEXT_CWD,
	TEXT_ROOT,
	TEXT_ARGS,
	TEXT_ENV,
	TEXT_CGROUPS,
	TEXT_COUNT
};

struct text_values {
	struct str v[TEXT_COUNT];
};

struct text_block;

enum { TEXT_CLASSES = 24 };

struct text_pool {
	size_t max, held;                      /* bytes, with the free ones */
	struct text_block *free[TEXT_CLASSES]; /* by size class */
	uint64_t nmallocs;
};

struct row {
	struct process p; /* first: a process is its row */
	struct row *first_child, *next_sibling, *prev_sibling;
	uint64_t seen_ns;   /* when it last acted, or was last found in /proc */
	uint64_t looked_ns; /* stub: when /proc was last asked */
	bool leader_gone;   /* the leader's thread ended, others live on */
	uint32_t reaper;    /* who got the children, told by the exit */
};

struct row_list {
	struct process *oldest, *newest;
};

struct lookup_key {
	uint32_t pid;
	uint64_t start_ns;
};

struct row_chunk;

/* An entry of the container table; the container itself is immutable and may be replaced. */
struct container_slot {
	struct str key;      /* the full id; "namespace/id" of a guess; owned */
	struct container *c; /* NULL: guessed and not found */
	uint64_t next_try_ns, unused_since_ns;
	unsigned tries;
	uint32_t uid; /* of a process in it, for rootless engines */
	bool is_guess;
};

struct user_file;

typedef void (*apply_fn)(struct state *s, struct row *r, const struct event *ev);

enum { EXEC_CODES_MAX = 16, EXEC_PARAMS_MAX = 32, APPLY_PARAMS_MAX = 3 };

/* Where one version of execve has its parameters; -1 = not at all. */
struct exec_index {
	uint16_t code;
	int8_t at[EXEC_PARAMS_MAX];
};

struct ns_entry {
	uint64_t ino, start_epoch_ns;
};

struct state {
	struct state_options o;
	char *host_root;
	int root_fd; /* of host_root; -1 when it cannot be opened */
	struct table by_key, by_pid;
	struct row_chunk *chunks;
	struct row *free_rows;
	struct row_list live, dead;
	struct text_pool texts;
	struct row *dying; /* exited in the last event */
	uint64_t dying_ns;
	struct row *nobody; /* acting process of events without one */
	uint64_t now_ns;    /* of the last event, epoch */
	struct table containers;
	struct table users;
	struct user_file *user_oldest, *user_newest;
	struct arena scratch; /* for one look at /proc or a bundle */
	char *proc_buf;       /* PROC_BUF bytes, to read /proc into */
	struct ns_entry ns[NS_CACHE];
	uint64_t host_pidns; /* inode of the host's pid namespace, 0 = not known */
	apply_fn apply[EVENT_CODE_MAX];
	int8_t apply_param[EVENT_CODE_MAX][APPLY_PARAMS_MAX];
	struct exec_index exec[EXEC_CODES_MAX];
	unsigned nexec;
	struct state_counters n;
	uint64_t last_tick_ns;
	size_t tick_pos;
};

enum { PROC_BUF = 64 * 1024 };

static inline struct row *row_of(const struct process *p)
{
	return (struct row *)(uintptr_t)p;
}

/* text.c: the blocks of strings */
void text_pool_done(struct text_pool *pool);
struct text_values text_get(const struct process *p);
/* Gives p its own block with these strings; what does not fit is dropped. False when cut. */
bool text_set(struct text_pool *pool, struct process *p, const struct text_values *v);
void text_share(struct process *to, const struct process *from);
void text_drop(struct text_pool *pool, struct process *p);
/* Replaces one string, when it differs. True when it changed. */
bool text_replace(struct state *s, struct process *p, enum text_kind kind, struct str value);

/* process.c: rows, links, eviction */
int rows_init(struct state *s);
void rows_done(struct state *s);
struct row *row_find(const struct state *s, uint32_t pid, uint64_t start_ns);
struct row *row_by_pid(const struct state *s, uint32_t pid);
/* A live row with no strings and no parent; an older life of the pid becomes a tombstone. */
struct row *row_add(struct state *s, uint32_t pid, uint64_t start_ns);
void row_touch(struct state *s, struct row *r);
void row_set_parent(struct state *s, struct row *r, struct row *parent);
void row_set_container(struct process *p, struct container *c);
/* Gives the row the exact start that an event told, when /proc's was truncated or unknown. */
void row_refine_start(struct state *s, struct row *r, uint64_t start_ns);
/* The process is dead: a tombstone while children live, else gone. */
void row_bury(struct state *s, struct row *r, uint64_t epoch_ns);
void row_revive(struct state *s, struct row *r);
static inline bool row_is_dead(const struct row *r)
{
	return r->p.exit_epoch_ns != 0;
}

/* apply.c */
void apply_init(struct state *s);

/* proc.c: one process from /proc. */
struct proc_info {
	struct text_values text;
	uint64_t start_ns, fdlimit, caps[3], vmsize_kb, vmrss_kb, vmswap_kb, pfmajor, pfminor;
	uint64_t exe_ino, exe_ctime_ns, exe_mtime_ns, pidns;
	uint32_t ppid, pgid, sid, vpid, vpgid, vsid, uid, gid, loginuid, tty, nthreads;
	bool exe_writable, exe_upper, exe_lower, exe_memfd, exe_deleted;
};
/* 0 or -errno. Strings live in s->scratch until its next use. */
int proc_read(struct state *s, uint32_t pid, struct proc_info *ret);
/* Fills a row from /proc; 0, -ESTALE when that pid is another process by now, or -errno. */
int proc_fill(struct state *s, struct row *r);
void proc_to_row(struct state *s, struct row *r, const struct proc_info *i);
bool proc_is_alive(const struct state *s, uint32_t pid);
/* Where the executed file is: exe.c */
void proc_read_exe(struct state *s, uint32_t pid, struct proc_info *i);
void path_in_proc(const struct state *s, uint32_t pid, const char *name, char *out, size_t size);

/* cgroup.c */
struct cgroup_match {
	enum container_type type;
	struct str id;
	struct str ns; /* containerd's namespace, of a guess */
	bool is_guess; /* holds only if a bundle of that name exists */
};
bool cgroup_parse(struct str path, struct cgroup_match *m);

/* container.c */
int containers_init(struct state *s);
void containers_done(struct state *s);
struct container *container_new(enum container_type type, struct str full_id);
void container_unref(struct container *c);
/* Finds the process's container by its cgroups, looking for the bundle when it is new. */
void container_resolve(struct state *s, struct row *r, bool is_exec);
void containers_tick(struct state *s, uint64_t now_ns);

/* bundle.c: what config.json says, and reference splitting */
void container_split_image(struct container *c, struct str image);
void container_add_label(struct container *c, struct str key, struct str value);
struct json_t;
struct json_t *json_load_bounded(struct str text, struct err *e);
struct str json_text(const struct json_t *o, const char *key);
uint64_t time_from_rfc3339(struct str s);
void container_add_pod_label(struct container *c, struct str key, struct str value);
/* The value of runc's config.labels entry that begins with `prefix`; borrowed. */
struct str runc_label(const struct json_t *state, struct str prefix);
void json_unref(struct json_t *j);
void container_labels_from_json(struct container *c, const struct json_t *o, bool is_pod);

/* place.c: where bundles are, and what the engines keep beside them */
/* Fills c from the disk; 0 or -ENOENT. */
int container_look_up(struct state *s, struct container *c, uint32_t uid);
/* True when containerd has a task of that name in that namespace. */
bool containerd_has_task(struct state *s, struct str ns, struct str id);

/* engine_docker.c, engine_podman.c: 0 or -errno; they add to c */
int docker_fill(struct state *s, struct container *c, struct arena *a);
int podman_fill(struct state *s, struct container *c, struct arena *a, struct str storage_root);
int containerd_fill(struct state *s, struct container *c, struct arena *a);

/* bolt.c: a read-only look into a bbolt file. All strings live in the arena. */
struct bolt_bucket {
	uint64_t page; /* 0 = it is in inline_page */
	struct str inline_page;
};
struct bolt {
	int fd;
	uint32_t page_size;
	uint64_t npages, txid;
	struct bolt_bucket root;
	struct arena *arena;
};
typedef void (*bolt_fn)(void *arg, struct str key, struct str value);
/* 0, or -EINVAL when there is no sound meta record. The file stays the caller's. */
int bolt_open(struct bolt *b, int fd, struct arena *a);
/* True while what was read cannot have been overwritten. */
bool bolt_is_current(const struct bolt *b);
/* Goes into the bucket of that name; false leaves it as it was. */
bool bolt_descend(struct bolt *b, struct bolt_bucket *bucket, struct str name);
/* A value, or STR_NULL. */
struct str bolt_get(struct bolt *b, const struct bolt_bucket *bucket, struct str key);
void bolt_each(struct bolt *b, const struct bolt_bucket *bucket, bolt_fn fn, void *arg);

/* A descriptor under host_root, or -errno. */
int host_open(const struct state *s, const char *path, uint64_t flags);
/* Reads a file under host_root, `path` from its top; bounded. */
int host_read(struct state *s, struct arena *a, const char *path, struct str *ret);

/* user.c */
void users_init(struct state *s);
/* Sorted by number; names point into text. The number of entries. */
size_t users_parse(struct arena *a, struct str text, struct user **ret);
size_t groups_parse(struct arena *a, struct str text, struct group **ret);
void users_done(struct state *s);
