/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A ledger for unit tests of analyzers: it stands in for the ledger_* functions of
 * scan/image/analyzer.h and keeps all that is said to it, so that a test can look. And it shows
 * files to an analyzer as the pass does: entry, wants, windows with overlap, facts about content.
 *
 * A test lists itself in `analyzer_tests` of the meson.build here and is linked with this file:
 *
 *	struct ledger l;
 *	void *self;
 *
 *	fake_ledger_init(&l);
 *	assert_int_equal(analyzer_x.open(&(struct analyzer_options){0}, &self, &e), 0);
 *	fake_show(&analyzer_x, self, &l, "/etc/x", 0644, STR("content"));
 *	assert_non_null(fake_find(&l, "x-check"));
 *	analyzer_x.close(self);
 *	fake_ledger_done(&l);
 *
 * Memory of ledger_arena() is wiped after each member: an analyzer that keeps a pointer into it is
 * found out.
 */
#include "scan/image/analyzer.h"

enum { FAKE_MAX = 4096 };

struct fake_gap {
	struct str path, why;
	bool is_serious;
};

struct ledger {
	struct arena kept;                /* what was said, until fake_ledger_clear() */
	struct arena member;              /* ledger_arena() */
	const struct artifact_file *file; /* that is shown just now; NULL = none */
	enum artifact_place place;        /* of the text that is shown */
	unsigned index;
	struct artifact_finding findings[FAKE_MAX];
	struct artifact_package packages[FAKE_MAX];
	struct artifact_distro distros[16];
	struct fake_gap gaps[FAKE_MAX];
	struct str runs[FAKE_MAX];
	size_t nfindings, npackages, ndistros, ngaps, nruns;
};

/* A ledger is large: make it static. */
void fake_ledger_init(struct ledger *l);
void fake_ledger_clear(struct ledger *l); /* forgets what was said */
void fake_ledger_done(struct ledger *l);

/* A regular file of root's; `mode` are permission bits. Large content comes in several windows. */
void fake_show(const struct analyzer_ops *ops, void *self, struct ledger *l, const char *path,
	uint32_t mode, struct str content);
/* The same with windows of that size, so that what lies across a border is tried with little. */
void fake_show_windows(const struct analyzer_ops *ops, void *self, struct ledger *l,
	const struct artifact_file *f, struct str content, size_t window, size_t overlap);
/* Any member; content only for a regular file, and may be empty. f->size is set. */
void fake_show_file(const struct analyzer_ops *ops, void *self, struct ledger *l,
	const struct artifact_file *f, struct str content);
void fake_show_text(const struct analyzer_ops *ops, void *self, struct ledger *l,
	enum artifact_place place, unsigned index, const char *text);
void fake_show_image(const struct analyzer_ops *ops, void *self, struct ledger *l,
	const struct artifact_image *image);
void fake_end_layer(const struct analyzer_ops *ops, void *self, struct ledger *l);

/* The first finding of that check since the last clear, or NULL; how many there are. */
const struct artifact_finding *fake_find(const struct ledger *l, const char *check);
size_t fake_count(const struct ledger *l, const char *check);
bool fake_has_run(const struct ledger *l, const char *word);
/* All of them on stderr, for a test that fails. */
void fake_print(const struct ledger *l);
