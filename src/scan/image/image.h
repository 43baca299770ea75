/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Scanning images: every layer is read once, as a stream, in a cell; all analyzers see each member;
 * what they found is judged when all layers are known. Nothing is unpacked to disk.
 *
 * A scanner holds the compiled knowledge and one or more workers (processes in the cell, started by
 * scanner_open() before any stranger's byte). It may scan one image after the other; scanners of
 * different threads share nothing but the cache folder, whose files are replaced as a whole.
 */
#include "model/artifact/artifact.h"
#include "source/image/image.h"

struct scanner;

struct scan_limits {               /* 0 = the default in brackets */
	uint64_t max_layer_bytes;  /* unpacked [64 GiB] */
	uint64_t max_file_bytes;   /* of one member that are read [1 GiB] */
	uint64_t max_members;      /* of a layer, with those of archives in it [2,000,000] */
	unsigned max_depth;        /* archives in archives [4] */
	unsigned max_ratio;        /* unpacked to packed, once 64 MiB are out [200]; zeros in sparse
				      members count */
	uint64_t max_memory_bytes; /* of a worker's heap [208 MiB] */
	unsigned max_layer_s;      /* of CPU time [900] */
	size_t max_findings;       /* of a layer [2,000]; of one check 200 */
};

struct scan_options {
	const char *data_dir; /* NULL = koban's own */
	const char *const *yara_paths,
		*const *feeds, *const *secret_paths; /* the user's; NULL-terminated or NULL */
	const char *const *only;                     /* names of analyzers; NULL = all */
	const char *cache_dir;                       /* NULL = nothing is remembered */
	const char *scanner;                         /* "koban 0.1.0", for the report; NULL */
	unsigned threads; /* that analyze, of each worker; 0 = as there are processors, at most 4 */
	struct scan_limits limits;
};

/* Called now and then from scanner_scan(); bytes are compressed ones of all layers. */
typedef void (*scan_progress)(void *arg, const char *what, uint64_t done_bytes, uint64_t all_bytes);

int scanner_open(const struct scan_options *o, struct scanner **ret, struct err *e);
void scanner_close(struct scanner *s);
/* A hash of what it knows, and of its limits: the same = the same report of the same image. */
uint64_t scanner_knowledge(const struct scanner *s);
/*
 * Scans an image that was opened. The report and all in it live in `a`. 0 when a report was made,
 * also of an image of which little could be read (its gaps say so); -errno when none was made.
 */
int scanner_scan(struct scanner *s, struct image_source *image, struct arena *a,
	scan_progress progress, void *arg, struct artifact_report *ret, struct err *e);
/* Judges again after findings were added (detonation): labels, verdict, reason, order. */
void scan_judge(struct artifact_report *r, struct arena *a);

/* The rows of the analyzers, for --help and the documentation: false behind the last. */
bool scan_analyzer(size_t i, const char **name, const char **doc);

/* .kobanignore: findings that somebody looked at, with the reason and the day it ends. */
struct scan_ignore;
int scan_ignore_open(const char *path, struct scan_ignore **ret, struct err *e);
void scan_ignore_apply(const struct scan_ignore *g, struct artifact_report *r, struct arena *a);
void scan_ignore_close(struct scan_ignore *g);
