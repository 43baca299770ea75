/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Private to scan/detonate. Who is who, from the outside in:
 *
 *   koban      reads the image, watches through the sensor, judges       detonate.c, watch.c
 *   keeper     its child; waits for either end, then clears away         keeper.c
 *   warden     the keeper's child, the first process of a pid namespace
 *              with its own mounts and network: when it dies, the
 *              kernel kills the rest                                     warden.c
 *   unpacker   makes the root file system; root of a user namespace only rootfs.c
 *   sinkhole   answers everything in that network namespace; in the cell sink.c
 *   runtime    runc or crun, makes the container                         bundle.c
 */
#include <sys/types.h>

#include "scan/detonate/detonate.h"

enum {
	ID_LEN = 64,
	/* the container's users are these of the machine, where no account is */
	HOST_UID_BASE = 0x70000000,
	UID_COUNT = 65536,
	SINK_UID = HOST_UID_BASE + UID_COUNT + 1,
	OUTPUT_MAX = 64 << 10,
	SINK_LINE_MAX = 64 << 10,
	PATH_LEN = 4096,
};

/* ---- what the parts share: settled before the first fork ----------------------------------- */

struct sink_authority;
struct sandbox_plan {
	char id[ID_LEN + 1];    /* of the container: 64 hexadecimal digits */
	char name[40];          /* "koban-detonate-" and the first digits: of the cgroups */
	char dir[PATH_LEN];     /* scratch/id: the bundle lies there, where the sensor finds it */
	char runtime[PATH_LEN]; /* the program */
	bool is_crun;
	unsigned seconds;
	uint64_t max_memory_bytes, max_disk_bytes;
	unsigned max_processes, cpu_percent;
	bool has_rights;
	const struct artifact_image *image;
	const char *const *argv;
	struct sink_authority *authority; /* of the sinkhole's certificates */
	struct str ca_pem;                /* its certificate, put into the image's stores */
};

int plan_make(const struct detonate_options *o, const struct artifact_image *image,
	struct sandbox_plan *p, struct err *e);
void plan_done(struct sandbox_plan *p);

/* What koban and the warden tell each other: one packet each. */
enum note_kind {
	NOTE_FAILED,   /* warden: text is why; it ends */
	NOTE_UNPACKED, /* warden: layers are in place; text is a gap, or empty */
	NOTE_GAP,      /* warden: text is what could not be made */
	NOTE_READY,    /* warden: the container is made, and waits */
	NOTE_START,    /* koban: go */
	NOTE_ENDED,    /* warden: value is the status of wait(2) */
	NOTE_TIMEOUT,  /* warden: its own limit passed; it kills */
	NOTE_STOP,     /* koban: kill it */
};
struct note {
	int kind, value;
	char text[1000];
};
int note_send(int fd, enum note_kind kind, int value, const char *text);
/* 1, 0 when none came within the time, -errno; -EPIPE when the other end is gone. */
int note_receive(int fd, int timeout_ms, struct note *ret);

/* What a child may inherit: these, and standard input, output and error. */
void close_all_but(const int *fds, size_t n);

/* ---- keeper.c, warden.c -------------------------------------------------------------------- */

struct sandbox {
	pid_t keeper;
	int notes;    /* to the warden */
	int layers;   /* to the unpacker */
	int sink_log; /* from the sinkhole: lines of JSON */
	int output;   /* from the container */
};

int sandbox_start(const struct sandbox_plan *p, struct sandbox *ret, struct err *e);
/* Ends whatever is left of it, and waits until all is cleared away. */
void sandbox_end(struct sandbox *s);
/* What a koban that was killed left behind, below `scratch`. */
void sandbox_sweep(const char *scratch);
/* The warden: never returns. */
struct warden_fds {
	int notes, layers, sink_log, output;
};
void warden_run(const struct sandbox_plan *p, const struct warden_fds *fds)
	__attribute__((noreturn));

/* ---- cgroup.c ------------------------------------------------------------------------------ */

/* Makes /NAME with the limits in every hierarchy that limits, and reads them back. */
int cgroup_make(const struct sandbox_plan *p, struct err *e);
/* The calling process goes into the container's own group below it. 0 or -errno. */
int cgroup_enter(const struct sandbox_plan *p);
/* Kills who is in it and removes it, with what is below. */
void cgroup_remove(const char *name);
/* The most memory that was used, and how often there was none. */
void cgroup_measure(const struct sandbox_plan *p, uint64_t *peak_bytes, uint64_t *out_of_memory);

/* ---- unpacker.c, rootfs.c ----------------------------------------------------------------- */

/* What the unpacker has to say when it is done. */
struct rootfs_answer {
	bool ok;
	uint32_t uid, gid;
	uint32_t ngroups, groups[32];
	uint64_t files, left_out;
	char gap[300];   /* what could not be made, the first of left_out */
	char error[600]; /* when not ok */
};
/*
 * Forks the unpacker, which makes the root file system in the folder `root` of what comes through
 * `layers` (frames, below). Its pid; `answers` gets one struct rootfs_answer.
 */
pid_t unpacker_start(const struct sandbox_plan *p, const char *root, int layers, int answers);
/* The unpacker's work, at home in its root. 0, or -errno with the reason in the answer. */
int rootfs_unpack(const struct sandbox_plan *p, int in, struct rootfs_answer *a);
/* Exactly n bytes; false at the end or on an error. */
bool read_exactly(int fd, void *to, size_t n);

/*
 * A layer goes through the pipe as frames: a length, so many bytes; a length of 0 ends the layer,
 * LAYERS_END all of them.
 */
#define LAYERS_END UINT32_MAX
enum { FRAME_MAX = 256 << 10 };

/* The rest of a root file system: names, certificates, folders to mount on (rootfs_finish.c). */
int rootfs_finish(const struct sandbox_plan *p, struct rootfs_answer *a);

/* ---- bundle.c, seccomp.c ------------------------------------------------------------------- */

/* Writes config.json into the plan's folder. */
int bundle_write(const struct sandbox_plan *p, const struct rootfs_answer *a, struct err *e);
struct json_t *seccomp_profile(void);

/* ---- network.c ----------------------------------------------------------------------------- */

/* The container's own addresses, and where it asks for names. */
#define NET_OWN4    "10.0.2.15"
#define NET_OWN6    "fd00:6b6f::15"
#define NET_SERVER4 "10.0.2.3"

enum { SINK_TCP4, SINK_UDP4, SINK_TCP6, SINK_UDP6, SINK_SOCKETS };
/*
 * In a new network namespace: lo comes up, every address is local, every port of every address but
 * the container's own leads to these sockets, as long as *ret is there. fds are -1 where there is
 * no IPv6. Who gets an error ends: nothing is taken back.
 */
struct steer_bpf;
int network_make(int fds[SINK_SOCKETS], struct steer_bpf **ret, struct err *e);

/* ---- sink.c -------------------------------------------------------------------------------- */

struct sink_authority;
/* A new authority for certificates; its key stays in memory. */
int sink_authority_make(struct sink_authority **ret, struct str *pem, struct err *e);
void sink_authority_free(struct sink_authority *a);
/* The sinkhole's process: gives up everything, answers until it is killed. */
void sink_run(const int fds[SINK_SOCKETS], int log, struct sink_authority *a)
	__attribute__((noreturn));

/* ---- watch.c ------------------------------------------------------------------------------- */

struct watch;
int watch_open(const struct detonate_options *o, const struct sandbox_plan *p, struct arena *a,
	struct watch **ret, struct err *e);
/* What came until now; at most `timeout_ms`. */
int watch_step(struct watch *w, int timeout_ms, struct err *e);
void watch_started(struct watch *w);
void watch_sink_line(struct watch *w, struct str line);
/* Findings and story, when all is over. */
int watch_report(struct watch *w, struct artifact_report *r, struct detonate_story *s);
void watch_close(struct watch *w);
