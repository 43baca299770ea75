/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What an analyzer is: one file, one `const struct analyzer_ops`, one row in analyzers.c. The pass
 * (pass.c) reads a layer once and shows each member to all of them; they say what they found to the
 * ledger. They run in the cell: everything that is read from disk or compiled is so in open().
 * One analyzer object serves one worker. It sees one thing after the other, in the order of the
 * layer, but on changing threads and while other analyzers are at work: it may keep scratch memory
 * and remember what it saw, and shares nothing that changes with another.
 */
#include "model/artifact/artifact.h"

enum {
	ANALYZER_WINDOW = 16 << 20,  /* bytes shown at once */
	ANALYZER_OVERLAP = 64 << 10, /* of a window with the one before it */
};

/* A member's content, or a window of it. */
struct file_view {
	const struct artifact_file *file;
	struct str content;     /* this window */
	uint64_t offset;        /* of its first byte in the file */
	bool is_first, is_last; /* both: this is the whole file */
	bool is_text;           /* no NUL in its first 8 KiB, and mostly valid UTF-8 or Latin */
	bool is_elf;
	uint8_t sha256[32]; /* of the whole file; only when is_last, and has_sha256 */
	bool has_sha256;
};

/* Where findings go. Everything is copied. Limits are kept by it, and what is over them is counted.
 */
struct ledger;
/*
 * f: check, label, severity, confidence, title, mend, offset, line, excerpt, facts; the ledger
 * fills analyzer, place, path, layer, index, and leaves the rest to the judge. f->path, and d->path
 * of a distribution, are asked for only when it is not about the member that is shown (layer_end).
 */
void ledger_find(struct ledger *l, const struct artifact_finding *f);
void ledger_package(struct ledger *l, const struct artifact_package *p);
void ledger_distro(struct ledger *l, const struct artifact_distro *d);
/* This member could not be read, or only in part. */
void ledger_gap(struct ledger *l, const char *why, bool is_serious);
/*
 * A script or unit that runs other programs: the words in it that look like names of programs or
 * paths; the judge follows them from ENTRYPOINT, cron and services. At most 64 of a file are kept.
 */
void ledger_runs(struct ledger *l, struct str word);
/* Memory that lives as long as the member (or the config) that is shown; for titles and facts. */
struct arena *ledger_arena(struct ledger *l);

struct analyzer_options {
	const char *data_dir; /* koban's own data/, else found by io_data_dir() */
	const char *const
		*yara_paths; /* the user's rule files and folders; NULL-terminated or NULL */
	const char *const
		*feeds; /* the user's lists: domains, addresses, hashes (data/intel/README) */
	const char *const *secret_paths; /* the user's secret patterns */
};

struct analyzer_ops {
	const char *name, *doc; /* "secrets", "keys, tokens and passwords" */
	/*
	 * Loads and compiles. May take its time; runs before the cell, and beside the open() of
	 * others. 0 or -errno.
	 */
	int (*open)(const struct analyzer_options *o, void **ret, struct err *e);
	bool opens_slowly; /* more so than most: it is begun first */
	/*
	 * Whether it wants to see this member's content; NULL = every regular file. Members
	 * without content are shown to `entry` only. Asked by the pass, which is ahead: the answer
	 * may depend on what was opened and on the member, not on what was seen.
	 */
	bool (*wants)(void *self, const struct artifact_file *f);
	/* Content, window by window; most files are one window. */
	void (*file)(void *self, const struct file_view *v, struct ledger *l);
	/*
	 * Whether it wants sha256 of what it sees; NULL = no. Hashing all content once more is a
	 * good part of what a scan costs: it is done when somebody has a use for it.
	 */
	bool (*wants_sha256)(void *self);
	/* Every member, before its content: modes, links, names. */
	void (*entry)(void *self, const struct artifact_file *f, struct ledger *l);
	/* A layer ended: what needs more than one member is said now. */
	void (*layer_end)(void *self, struct ledger *l);
	/*
	 * A text of the image's config: `place` and `index` say which (history step, one ENV
	 * "NAME=value", one LABEL "name=value", ENTRYPOINT and CMD joined by blanks).
	 */
	void (*text)(void *self, enum artifact_place place, unsigned index, struct str text,
		struct ledger *l);
	/* The whole config and the reference, once an image. */
	void (*image)(void *self, const struct artifact_image *image, struct ledger *l);
	/* What it knows, into the hash that says whether a remembered layer is still good. */
	uint64_t (*knowledge)(void *self);
	void (*close)(void *self);
};

/* All of them, in the order in which they see a member; ends in NULL. */
extern const struct analyzer_ops *const analyzers[];
