/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A survey: the images of a registry or list, their reports in a database that outlives crashes,
 * and the tables of the 2022 report made from it, with confidence intervals. Images and labels are
 * counted apart: an image with two labels is one image, and one image under two names is one, too.
 *
 * One process writes (a lock beside the file says so), any number read. A survey may be used by
 * several threads.
 */
#include "base/err.h"
#include "model/artifact/artifact.h"

struct survey;

enum survey_mode { SURVEY_READ, SURVEY_WRITE };
/*
 * Opens the database, for writing makes it. What a writer that died had taken waits again.
 * -ENOENT: no such file; -EBUSY: another process writes it; -EBADMSG: not a survey.
 */
int survey_open(const char *path, enum survey_mode mode, struct survey **ret, struct err *e);
void survey_close(struct survey *s);

/* ---- what is to be done ---- */

/* Adds references; known ones stay as they are. */
int survey_add(struct survey *s, const struct str *refs, size_t n, struct err *e);
/* All that was done or failed before is to be done again. */
int survey_redo(struct survey *s, bool only_failed, struct err *e);
/* The next reference, in `a`, and how often it was tried before: 1, or 0 when none is left. */
int survey_take(struct survey *s, struct arena *a, struct str *ref, unsigned *tries, struct err *e);
int survey_done(struct survey *s, struct str ref, const struct artifact_report *r, struct err *e);
/* It will be taken again when `again`, after those that were never tried. */
int survey_failed(struct survey *s, struct str ref, const char *why, bool again, struct err *e);
/* It was not worked on (the user interrupted): it waits as if it had never been taken. */
int survey_give_back(struct survey *s, struct str ref, struct err *e);

struct survey_counts {
	uint64_t waiting, taken, done, failed; /* references */
	uint64_t images;                       /* different images among those that are done */
	uint64_t malicious, suspicious;        /* of those */
};
int survey_count(struct survey *s, struct survey_counts *ret, struct err *e);
/* The report of a reference or digest, without its packages. -ENOENT. */
int survey_report(struct survey *s, struct str ref, struct arena *a, struct artifact_report *ret,
	struct err *e);

/* ---- what it adds up to ---- */

struct survey_row {
	struct str name;
	uint64_t images;         /* with it */
	double share, low, high; /* of the table's base; Wilson's interval for 95 % */
	double label_share;      /* of all labels that were given; categories only */
};
struct survey_table {
	const char *name;              /* "categories" … */
	const char *title;             /* "What was found" … */
	const char *of;                /* "of all images" */
	uint64_t base;                 /* images that the shares are of */
	const struct survey_row *rows; /* the most first */
	size_t nrows;
	uint64_t more; /* rows left out at the end */
};
struct survey_stats {
	struct survey_counts counts;
	uint64_t flagged; /* images with at least one of the report's categories */
	uint64_t labels;  /* (image, category) pairs */
	const struct survey_table *tables;
	size_t ntables;
};
int survey_stats(struct survey *s, struct arena *a, struct survey_stats *ret, struct err *e);
/* form: "table", "json", "csv". columns: of the terminal, 0 = no limit. */
int survey_write(const struct survey_stats *st, const char *form, unsigned columns, bool colour,
	struct buf *out, struct err *e);

/*
 * Wilson's score interval for k of n at 95 % (E. B. Wilson, JASA 22 (1927) 209–212): honest for few
 * images and for shares near 0, where the usual interval is empty.
 */
void survey_interval(uint64_t k, uint64_t n, double *low, double *high);
