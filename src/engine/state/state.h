/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What an event means: processes, containers, users. One owner thread, no lock. Rules read it
 * through `const` look-ups; only state_apply() changes it.
 *
 * A process is (pid, start time), pid being the thread group's, in the host's pid namespace; start
 * time is the leader's start_boottime in ns, truncated to 10 ms ticks where it comes from /proc
 * (state_process_find() compares accordingly). A process that exits stays as a tombstone until its
 * children are gone or the cap asks for room.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/table.h"
#include "model/event/event.h"

enum container_type { /* Falco's numbers: container_type of its container plugin */
	CONTAINER_DOCKER = 0,
	CONTAINER_LXC = 1,
	CONTAINER_LIBVIRT_LXC = 2,
	CONTAINER_RKT = 4,
	CONTAINER_CUSTOM = 5,
	CONTAINER_CRI = 6,
	CONTAINER_CONTAINERD = 7,
	CONTAINER_CRIO = 8,
	CONTAINER_BPM = 9,
	CONTAINER_STATIC = 10,
	CONTAINER_PODMAN = 11,
	CONTAINER_HOST = 0xfffe,
	CONTAINER_UNKNOWN = 0xffff,
};

/* "docker", "containerd", "cri-o" …; NULL for CONTAINER_UNKNOWN. */
const char *container_type_name(enum container_type t);

struct container_mount {
	struct str source, dest, mode, propagation;
	bool is_rw;
};

struct label {
	struct str key, value;
};

/* Immutable once found; replaced as a whole when a later look tells more. */
struct container {
	unsigned refs;
	struct arena arena; /* owns every string below */
	enum container_type type;
	struct str id; /* 12 characters */
	struct str full_id;
	struct str name, image, image_id, image_repo, image_tag, image_digest;
	struct str ip, cni_json;
	struct str healthcheck, liveness, readiness; /* process lines of probes, mostly empty */
	struct container_mount *mounts;
	size_t nmounts;
	struct label *labels;
	size_t nlabels;
	struct str *env;
	size_t nenv;
	uint64_t created_ns;
	uint32_t uid; /* of the container's configured user */
	bool is_privileged, host_pid, host_network, host_ipc, is_sandbox;
	bool is_complete; /* the bundle was read; false = only the id is known */
	struct str pod_name, pod_ns, pod_uid, pod_sandbox_id, pod_full_sandbox_id;
	struct label *pod_labels;
	size_t npod_labels;
	struct str bundle; /* directory that held config.json */
};

enum { PROCESS_ANCESTORS_MAX = 64 };

struct files;

struct process {
	uint32_t pid;
	uint32_t refs;           /* children that name it as parent, and users of the row */
	uint64_t start_ns;       /* boot time */
	uint64_t start_epoch_ns; /* proc.pid.ts: when it was cloned */
	uint64_t exec_epoch_ns;  /* last exec; clone time until then */
	uint64_t exit_epoch_ns;  /* 0 = alive; else a tombstone */
	struct process *parent;  /* may be a tombstone; NULL at the top */
	struct process *sid_leader_cache; /* private */
	uint32_t ppid, sid, pgid, vpid, vpgid, vsid, vtid;
	uint32_t uid, gid, loginuid;
	uint32_t tty;
	uint64_t cap_inheritable, cap_permitted, cap_effective;
	uint64_t exe_ino, exe_ino_ctime_ns, exe_ino_mtime_ns;
	uint64_t pidns_init_start_ns; /* epoch; 0 = host's */
	uint64_t fdlimit;
	uint64_t vmsize_kb, vmrss_kb, vmswap_kb, pfmajor, pfminor;
	uint32_t nthreads, nchildren;
	bool exe_writable, exe_upper_layer, exe_lower_layer, exe_from_memfd, exe_deleted;
	bool is_from_proc; /* seeded or repaired from /proc */
	bool is_stub;      /* nothing is known but the pid */
	/* strings: owned by the row, in `text` */
	struct str comm, exe, exepath, cwd, root;
	struct str args;               /* NUL-separated, without argv[0] */
	struct str env;                /* NUL-separated */
	struct str cgroups;            /* "subsys=path" NUL-separated */
	struct container *container;   /* NULL = host */
	void *text;                    /* private: the block that holds the strings */
	struct files *files;           /* private: its open descriptors */
	struct process *older, *newer; /* private: eviction order */
};

struct user {
	uint32_t uid, gid;
	struct str name, home, shell;
};

struct group {
	uint32_t gid;
	struct str name;
};

struct state_options {
	size_t max_processes;  /* 0 = 131072, tombstones included */
	size_t max_containers; /* 0 = 4096 */
	size_t max_text_bytes; /* strings of all processes; 0 = 512 MiB */
	size_t max_user_files; /* cached passwd/group files; 0 = 1024 */
	bool no_proc;          /* captures: never look at this host's /proc, cgroups or bundles */
	/* keep threads and descriptors too: captures need them, read or written; rules live don't
	 */
	bool descriptors;
	bool shows_closed;      /* live: a close tells what it closed, as that table has it */
	size_t max_threads;     /* 0 = 262144 */
	size_t max_descriptors; /* of all processes; 0 = 1048576 */
	const char *host_root;  /* "/" or where the host is mounted, e.g. "/host" */
	/*
	 * More places for config.json, below host_root: "srv/x/{id}/config.json" with "*" inside
	 * components, "{id}" and "{home}". Ends in NULL; NULL = only the built-in ones.
	 */
	const char *const *bundle_globs;
};

struct state_counters {
	uint64_t processes, tombstones, containers;   /* gauges */
	uint64_t evicted_tombstones, evicted_live;    /* at the cap */
	uint64_t repaired;                            /* unknown process, found in /proc */
	uint64_t stubs;                               /* unknown process, not in /proc either */
	uint64_t text_cut;                            /* strings dropped at max_text_bytes */
	uint64_t container_lookups, container_misses; /* bundle searched; not found */
	uint64_t user_files_read, user_files_evicted;
	/* with options.descriptors */
	uint64_t threads, descriptors; /* gauges */
	uint64_t evicted_threads;      /* at the cap: the oldest */
	uint64_t dropped_descriptors;  /* not taken in: at the cap */
};

struct state;
struct state *state_new(const struct state_options *o, struct err *e);
void state_free(struct state *s);
/* Reads /proc: every process with its container. Call after the sensor is attached. */
int state_seed(struct state *s, struct err *e);
/*
 * Applies an event, in the order of the source. Returns the acting process (never NULL; for
 * an unknown one a row made from /proc, else a stub), valid until the next state_apply().
 * For procexit the row is still there, and becomes a tombstone at the next call.
 */
struct process *state_apply(struct state *s, const struct event *ev);
const struct process *state_process_find(const struct state *s, uint32_t pid, uint64_t start_ns);
/* By pid alone, the live one. */
const struct process *state_process_by_pid(const struct state *s, uint32_t pid);
/* The n-th ancestor: 0 = the process itself. NULL beyond the top. Loops cannot occur. */
const struct process *state_ancestor(const struct process *p, unsigned n);
/*
 * Users and groups as the process sees them: from its container's /etc/passwd, or the host's.
 * Cached by root; NULL when unknown. May read a file the first time (bounded).
 */
const struct user *state_user(struct state *s, const struct process *p, uint32_t uid);
const struct group *state_group(struct state *s, const struct process *p, uint32_t gid);
const struct container *state_container_find(const struct state *s, struct str id);
struct state_counters state_counters(const struct state *s);
/* Visits live processes and containers: start with *pos = 0. */
const struct process *state_process_next(const struct state *s, size_t *pos);
const struct container *state_container_next(const struct state *s, size_t *pos);
/* Periodic work, cheap when there is none: ages tombstones, forgets containers that are gone. */
void state_tick(struct state *s, uint64_t now_epoch_ns);

/*
 * ---- captures ----
 *
 * A live event says which process acted, which file or socket it was about and under which names;
 * a capture says a thread's number and a descriptor's. With options.descriptors the state keeps
 * both tables, and state_complete() fills in what the kernel would have told, so that above it
 * nobody can tell the difference. Call it between the source and state_apply():
 *
 *	capture_next(c, &arena, &ev, &e);
 *	state_complete(s, &arena, &ev);
 *	proc = state_apply(s, &ev);
 *
 * Events of the live sensor may pass it too (koban records a capture): what they carry is learnt,
 * and nothing of them changes.
 */

/* One open descriptor of a process, shared by its threads. */
struct descriptor {
	struct event_fd fd; /* num, type, flags, dev, ino, sock; strings are the table's own */
	struct str name;    /* of files and folders: absolute; of the others as other_name */
	uint64_t opened_ns; /* epoch; 0 = before the capture began */
};

struct thread {
	uint32_t tid, vtid;
	const struct process *proc;
	struct str comm; /* its own name; that of the process unless the source told another */
	/* on a CPU, as the scheduler's events of a capture tell: until its last switch, in all */
	uint64_t exec_ns, total_exec_ns;
	/* CPU time as procinfo events tell it, in ticks of 10 ms, and how much more than the last
	 * time; about once a second */
	uint64_t user_ticks, system_ticks, new_user_ticks, new_system_ticks;
};

void state_complete(struct state *s, struct arena *a, struct event *ev);
/*
 * The other way round: a live clone or exec, once applied, with all parameters that a capture's
 * has. `p` is what state_apply() gave. New bytes are in the arena; other events stay as they are.
 */
void state_fill(const struct state *s, const struct process *p, struct arena *a, struct event *ev);
/*
 * What a capture's metadata blocks hold. Everything is copied. `p` carries the values (pid, ppid,
 * strings …); its links, container and counters are ignored. 0, -ENOSPC at the cap, -ENOMEM.
 */
int state_add_thread(struct state *s, uint32_t tid, uint32_t vtid, const struct process *p);
/* A descriptor of the process of that thread; -ENOENT for an unknown one. */
int state_add_descriptor(struct state *s, uint32_t tid, const struct event_fd *fd, struct str name);
/* Users and groups of the machine, or of a container (its full id or the 12 characters). */
int state_add_user(struct state *s, struct str container_id, const struct user *u);
int state_add_group(struct state *s, struct str container_id, const struct group *g);
/* An address of the machine itself (4 or 16 bytes): which end of a connection is local. */
int state_add_address(struct state *s, const uint8_t *ip, bool is_v6);
/* Live, before a capture is written: threads and descriptors of all processes from /proc. */
int state_seed_descriptors(struct state *s, struct err *e);

/* NULL when it is not open or not known; always NULL without options.descriptors. */
const struct descriptor *state_descriptor_find(const struct process *p, int64_t num);
/* Visits a process's descriptors in no order: start with *pos = 0. */
const struct descriptor *state_descriptor_next(const struct process *p, size_t *pos);
/* How many are open; false when the state keeps none. */
bool state_descriptor_count(const struct process *p, size_t *ret);
const struct thread *state_thread_find(const struct state *s, uint32_t tid);
const struct thread *state_thread_next(const struct state *s, size_t *pos);
/* The machine's users, groups (container_id empty) and addresses, for who writes a capture. */
const struct user *state_user_next(const struct state *s, size_t *pos);
const struct group *state_group_next(const struct state *s, size_t *pos);
/* 4 or 16 bytes, or NULL behind the last. */
const uint8_t *state_address_next(const struct state *s, size_t *pos, bool *ret_is_v6);
/* The JSON of a container event (324, 402), as Falco's container plugin writes it, and back. */
int container_from_json(struct container *c, struct str json, struct err *e);
void container_to_json(const struct container *c, struct buf *out);

/* Pure helpers, tested and fuzzed by themselves. */
/* The container id and engine in a cgroup path, as all engines and kubelet drivers write it. */
bool container_id_from_cgroup(
	struct str cgroup_path, struct str *ret_full_id, enum container_type *ret_type);
/* Fills c from an OCI runtime config.json (runtime-spec 1.x) and the engine's annotations. */
int container_parse_bundle(struct container *c, struct str json, struct err *e);
