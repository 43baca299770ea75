/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Detonation: an image is run in a sandbox with no way out, the sensor watches, the rules judge, a
 * sinkhole answers. What is seen becomes findings of the image (PLACE_RUN).
 */
#include "base/err.h"
#include "model/artifact/artifact.h"
#include "source/image/image.h"

struct detonate_options {
	const char *runtime;       /* NULL = runc, then crun */
	unsigned seconds;          /* of the run [60] */
	uint64_t max_memory_bytes; /* [512 MiB] */
	unsigned max_processes;    /* [256] */
	unsigned cpu_percent;      /* of one core [100] */
	uint64_t max_disk_bytes;   /* of its file system, which lives in memory [4 GiB, at most half
				      of what is free] */
	bool has_rights; /* over its own files and users, as engines give them (chown, setuid …) */
	const char *const *rules;  /* rule files beside koban's own; NULL-terminated or NULL */
	const char *const *feeds;  /* the user's lists of domains and addresses; as rules */
	const char *const *argv;   /* instead of ENTRYPOINT and CMD; NULL */
	const char *scratch_dir;   /* NULL = a folder in /run */
	const char *record_path;   /* a .scap; the sinkhole's log is beside it (.jsonl); NULL */
	const char *data_dir;      /* NULL = koban's own */
	const volatile bool *stop; /* NULL, or set by a signal: ends the run */
};

typedef void (*detonate_progress)(void *arg, const char *what, unsigned second, unsigned of);

/* ---- what happened, beside what was found -------------------------------------------------- */

struct detonate_process {
	uint64_t at_ms;       /* since the start of the run */
	uint32_t pid, parent; /* of this machine */
	struct str name, exe, command;
	bool is_dropped; /* its program was not in the image, or was changed while it ran */
	bool is_script;  /* then: `exe` is a script, run by a program of the image */
};

struct detonate_file {
	uint64_t at_ms;
	uint32_t pid;
	struct str path, program;
	const char *deed; /* "written", "renamed", "removed", "linked" */
};

struct detonate_name {
	uint64_t at_ms;
	struct str name, type, answer; /* "pool.example.invalid", "A", "198.18.0.7" */
	uint64_t count;
};

struct detonate_connection {
	uint64_t at_ms;
	struct str address; /* as it was dialled */
	struct str name;    /* under which the sinkhole had given that address; or empty */
	unsigned port;
	struct str transport, protocol; /* "tcp", "udp"; "http", "tls", "stratum", … or empty */
	struct str what; /* "GET /x.sh", "login 4…", the first bytes when they are a text */
	uint64_t in_bytes, out_bytes; /* from the container, to it */
	uint64_t count;
};

struct detonate_story {
	const char *ended; /* "exited", "killed", "time limit", "stopped" */
	int exit_code;     /* of its first process; 128 + signal when it was killed */
	uint64_t ran_ms;
	struct str runtime;
	const struct detonate_process *processes;
	const struct detonate_file *files;
	const struct detonate_name *names;
	const struct detonate_connection *connections;
	size_t nprocesses, nfiles, nnames, nconnections;
	uint64_t processes_left_out, files_left_out, names_left_out, connections_left_out;
	struct str output;     /* the first 64 KiB that it printed */
	uint64_t events, lost; /* of the sensor, of this container; of all, while it ran */
	uint64_t memory_peak_bytes, out_of_memory; /* 0 = not known; how often */
};

/*
 * Adds findings and gaps to the report, and tells the story, all in `a`. Needs root. 0, or -errno:
 * then nothing was run, or not all of it was seen; nothing of it is left on the machine.
 */
int detonate_run(struct image_source *image, const struct detonate_options *o, struct arena *a,
	detonate_progress progress, void *arg, struct artifact_report *r,
	struct detonate_story *story, struct err *e);
/* One JSON object; docs/detonation.md describes it. */
void detonate_story_to_json(const struct detonate_story *s, struct buf *out);
/* The timeline as people read it. */
void detonate_story_to_text(const struct detonate_story *s, bool colour, struct buf *out);
