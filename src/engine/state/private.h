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
	struct thread_row *threads; /* captures: those that are known */
	uint64_t seen_ns;           /* when it last acted, or was last found in /proc */
	uint64_t looked_ns;         /* stub: when /proc was last asked */
	bool leader_gone;           /* the leader's thread ended, others live on */
	uint32_t reaper;            /* who got the children, told by the exit */
};

struct row_list {
	struct process *oldest, *newest;
};

struct lookup_key {
	uint32_t pid;
	uint64_t start_ns;
};

struct row_chunk;

/* ---- captures: threads and descriptors ---- */

struct text_block;

struct thread_row {
	struct thread t; /* first */
	struct row *row;
	struct thread_row *next, *prev;   /* of the same process */
	struct thread_row *older, *newer; /* of all, by age */
	struct text_block *text;          /* a name of its own */
	uint64_t made_ns;                 /* epoch; 0 = before the capture began */
	uint32_t cloner_pid;              /* live: whose copy it is */
	uint32_t newest_tid;              /* live: whom it cloned last, until that call returns */
	bool awaits_parent; /* made by the child's clone event; the parent's is still to come */
};

/* A descriptor: in one table, or in several that were copied at a fork and not changed since. */
struct desc {
	struct descriptor d; /* first */
	uint32_t refs;
	struct text_block *text; /* holds d.name, which other_name or unix_path share */
	struct desc *next_free;
};

/*
 * Open addressing by the number itself: descriptors are given out from 0 up, so that most are in
 * their own slot. Shared between the tables of parent and child until one of them changes.
 */
struct fd_table {
	uint32_t refs, nslots, count;
	struct fd_table *next_free;
	struct desc *slots[];
};

/* What threads share, and processes with CLONE_FILES. */
struct files {
	uint32_t refs;
	struct fd_table *t; /* NULL = empty */
	struct files *next_free;
};

enum {
	FD_TABLE_CLASSES = 24,
	EXITED_MAX = 32,
	ADDRESSES_MAX = 256,
	CPUS_MAX = 1024,
	ABOUT_PARAMS_MAX = 6
};

struct chunk;

/* Memory of one kind that comes in chunks and is never given back before the end. */
struct fd_pool {
	struct desc *free_descs;
	struct files *free_files;
	struct fd_table *free_tables[FD_TABLE_CLASSES]; /* by log2 of nslots */
	struct chunk *chunks;
	struct text_pool names;
	size_t count; /* descriptors in tables */
	uint64_t nmallocs;
};

struct doing;
typedef void (*did_fn)(struct doing *d);

/* What an event code is about: where its descriptor, its paths and what its action needs are. */
struct about {
	did_fn fn;     /* NULL = changes no table */
	int8_t fd_at;  /* parameter; -1 = none */
	int8_t res_at; /* -1 = has no result */
	bool fd_is_result;
	bool is_clone;                   /* its actor may be one that it makes: life_actor() */
	bool has_paths, is_read, is_any; /* is_any = there is something to do at all */
	uint8_t fd_type;                 /* that the action makes */
	int8_t path_at[2], dir_at[2];
	int8_t at[ABOUT_PARAMS_MAX];
};

/* An entry of the container table; the container itself is immutable and may be replaced. */
struct container_slot {
	struct str key;      /* the full id; "namespace/id" of a guess; owned */
	struct container *c; /* NULL: guessed and not found */
	uint64_t next_try_ns, unused_since_ns;
	unsigned tries;
	uint32_t uid;      /* of a process in it, for rootless engines */
	bool is_announced; /* its runtime was seen starting it */
	bool is_guess;
};

struct user_file;

typedef void (*apply_fn)(struct state *s, struct row *r, const struct event *ev);

enum { EXEC_CODES_MAX = 16, EXEC_PARAMS_MAX = 32, APPLY_PARAMS_MAX = 5 };

/* Where one version of execve has its parameters; -1 = not at all. */
struct exec_index {
	uint16_t code;
	int8_t at[EXEC_PARAMS_MAX];
};

struct ns_entry {
	uint64_t ino, start_epoch_ns;
};

enum { RECENT_THREADS = 64 };

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
	size_t learnt_bytes; /* of those that a capture told of */
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
	/* captures */
	struct row *actor; /* of the event that state_complete() saw last, until it is applied */
	struct table threads;
	struct thread_row *thread_oldest, *thread_newest, *free_threads;
	struct thread_row *recent_threads[RECENT_THREADS]; /* a cache in front of the table */
	struct chunk *thread_chunks;
	uint64_t switched_ns[CPUS_MAX]; /* when each CPU last took another thread */
	uint32_t gone_tid;              /* its exit was in the last event */
	struct row *left;               /* lost a thread in the last event, which still counts it */
	struct desc *closed;            /* in the last event, which still shows it */
	struct fd_pool fds;
	struct about about[EVENT_CODE_MAX];
	struct {
		uint32_t tid, ppid;
	} exited[EXITED_MAX]; /* children that were faster than their parent's clone event */
	unsigned exited_at;
	struct {
		uint8_t ip[16];
		bool is_v6;
	} addresses[ADDRESSES_MAX]; /* of the machine itself */
	size_t naddresses;
	struct table accounts;
	uint64_t server_ports[65536 / 64]; /* of the file's list: somebody listens there */
	size_t nunlinked; /* listed processes and descriptors since their ties were looked for */
};

enum { PROC_BUF = 64 * 1024 };

/* What is known comes from a capture alone. */
static inline bool is_captured(const struct state *s)
{
	return s->o.no_proc && s->o.descriptors;
}

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

/* One string in a block of its own, for other tables; NULL when there is no room. */
struct text_block *text_block_new(struct text_pool *pool, struct str s, struct str *ret);
void text_block_unref(struct text_pool *pool, struct text_block *b);

/* process.c: rows, links, eviction */
int rows_init(struct state *s);
void rows_done(struct state *s);
struct row *row_find(const struct state *s, uint32_t pid, uint64_t start_ns);
struct row *row_by_pid(const struct state *s, uint32_t pid);
/* A live row with no strings and no parent; an older life of the pid becomes a tombstone. */
struct row *row_add(struct state *s, uint32_t pid, uint64_t start_ns);
/* Behind all others in the order of age. */
void row_renew(struct state *s, struct row *r);
/* It acted: mostly the one that acted last did. */
static inline void row_touch(struct state *s, struct row *r)
{
	r->seen_ns = s->now_ns;
	if (s->live.newest != &r->p)
		row_renew(s, r);
}
void row_set_parent(struct state *s, struct row *r, struct row *parent);
void row_set_container(struct process *p, struct container *c);
/*
 * The values of another process: all but what is the row's own (who it is, its links, container,
 * files). Its strings are dropped and none are set.
 */
void row_copy_values(struct state *s, struct row *r, const struct process *from);
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
/* The process of an event that names it; made, when it is unknown. */
struct row *apply_acting(struct state *s, const struct event *ev);
/* A new process, child of r or of f->parent_pid. NULL when there is no room. */
struct row *apply_new_process(struct state *s, struct row *r, const struct event_fork *f,
	uint64_t ts_ns, struct str cgroups);
/* What the last event ended is gone with this one. */
void apply_end(struct state *s);
static inline void apply_finish(struct state *s)
{
	if (s->left || s->dying)
		apply_end(s);
}

/* thread.c: the table of threads, and memory by the chunk */
struct chunk {
	struct chunk *next;
	max_align_t rows[];
};
/* Zeroed rows, or NULL. */
void *chunk_add(struct chunk **list, size_t bytes);
void chunks_free(struct chunk *list);
void threads_init(struct state *s);
void threads_done(struct state *s);
struct thread_row *thread_look_up(const struct state *s, uint32_t tid);
/* Most events are of a thread that made one a moment ago. */
static inline struct thread_row *thread_find(const struct state *s, uint32_t tid)
{
	struct thread_row *t = s->recent_threads[tid % RECENT_THREADS];

	return t && t->t.tid == tid ? t : thread_look_up(s, tid);
}
/* Moves it when it was another process's. NULL when there is no memory. */
struct thread_row *thread_add(struct state *s, uint32_t tid, uint32_t vtid, struct row *row);
void thread_rename(struct state *s, struct thread_row *t, struct str comm);
void thread_drop(struct state *s, struct thread_row *t);
/* All of a process but one tid; 0 = all. */
void threads_drop(struct state *s, struct row *row, uint32_t but);

/* descriptor.c: the tables of open descriptors */
void fds_done(struct state *s);
int fds_open(struct state *s, struct row *row); /* an empty table */
void fds_close(struct state *s, struct row *row);
/* The child gets a copy, or with `is_shared` the very table. */
void fds_fork(struct state *s, struct row *child, const struct row *parent, bool is_shared);
/* Files of its own, for one that shared them. */
void fds_unshare(struct state *s, struct row *row);
/* An exec: a table of its own, without what closes on exec. */
void fds_exec(struct state *s, struct row *row);
struct desc *fd_find(const struct row *row, int64_t num);
/* Adds or replaces; the name is copied. NULL at the cap. */
struct desc *fd_put(struct state *s, struct row *row, int64_t num, const struct event_fd *fd,
	struct str name, uint64_t opened_ns);
/* Gives it another name (of a socket: its path). */
void fd_rename(struct state *s, struct desc *d, struct str name);
/* Out of the table; the caller gets its reference. NULL when it was not there. */
struct desc *fd_take(struct state *s, struct row *row, int64_t num);
void desc_unref(struct state *s, struct desc *d);
void fd_set_cloexec(struct state *s, struct row *row, int64_t num, bool on);
/* close_range(2) */
void fd_close_range(struct state *s, struct row *row, uint32_t first, uint32_t last);
void fd_cloexec_range(struct state *s, struct row *row, uint32_t first, uint32_t last);

enum { FD_O_DIRECTORY = 0x400, FD_O_CLOEXEC = 0x1000, FD_UPPER = 0x8000, FD_LOWER = 0x10000 };

/* complete.c: an event on its way from the source to state_apply() */
struct doing {
	struct state *s;
	struct arena *a;
	struct event *ev;
	const struct about *about;
	struct row *row;
	struct thread_row *thread;
	int64_t res;  /* INT64_MIN = none */
	bool is_live; /* only learn: the event stays as it is */
};
void about_init(struct state *s);
/* The event is about this descriptor. */
void show_fd(struct doing *d, int64_t num, const struct desc *desc);
/* Parameters of the action's row, by place. */
bool did_s64(const struct doing *d, int n, int64_t *ret);
bool did_u64(const struct doing *d, int n, uint64_t *ret);
struct str did_str(const struct doing *d, int n);
struct str did_raw(const struct doing *d, int n);
struct str did_cwd(const struct doing *d);

/* What the actions are: complete_fd.c, complete_sock.c, complete_life.c */
struct did_row {
	const char *event;
	did_fn fn;
	enum fd_type type;
	const char *params[ABOUT_PARAMS_MAX];
};
extern const struct did_row did_fd_rows[], did_sock_rows[], did_life_rows[]; /* end: NULL event */
/*
 * Sets the acting row and thread of a captured event; made, when unknown. NULL = out of memory. A
 * known thread of an event that is no clone is the actor and needs no call.
 */
void life_actor(struct doing *d);
bool life_is_clone(did_fn fn);
/* After a fork: threads and descriptors of the child. */
void life_forked(
	struct state *s, struct row *parent, struct row *child, const struct event_fork *f);
/* captured.c: events of no thread: containers, users, groups. */
void captured_meta(struct state *s, const struct event *ev);
/* account.c: users and groups that a capture tells of */
void accounts_init(struct state *s);
void accounts_done(struct state *s);
const struct user *account_user(const struct state *s, const struct process *p, uint32_t uid);
const struct group *account_group(const struct state *s, const struct process *p, uint32_t gid);
/* Forgets the user, or the group, of that number. */
void account_drop(struct state *s, struct str container_id, uint32_t id, bool is_group);
/* container.c: what a capture tells of a container; takes c. */
void container_learn(struct state *s, struct container *c);
void container_forget(struct state *s, struct str id);
/* The files of the process's root, at most a second old; NULL when there is no room. */

/* Finds the parents of processes that were listed. */
void captured_link(struct state *s);

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
/* announce.c: does a runtime's command line (NUL-separated, without argv[0]) name a container? */
bool container_announced(struct str comm, struct str args, struct cgroup_match *ret);

/* container.c */
int containers_init(struct state *s);
void containers_done(struct state *s);
struct container *container_new(enum container_type type, struct str full_id);
void container_unref(struct container *c);
/* Finds the process's container by its cgroups, looking for the bundle when it is new. */
void container_resolve(struct state *s, struct row *r, bool is_exec);
/* If the process is a runtime about to start a container: what that is like is read now. */
void container_foresee(struct state *s, const struct process *p);
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
/* Of the host, live. */
const struct user *users_next(const struct state *s, size_t *pos);
const struct group *groups_next(const struct state *s, size_t *pos);
