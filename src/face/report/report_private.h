/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What the forms share. A form is a file and a row in report.c. */
#include "face/report/report.h"

void report_write_table(
	const struct artifact_report *r, const struct report_style *s, struct buf *out);
void report_write_json(
	const struct artifact_report *r, const struct report_style *s, struct buf *out);
void report_write_sarif(
	const struct artifact_report *r, const struct report_style *s, struct buf *out);
void report_write_cyclonedx(
	const struct artifact_report *r, const struct report_style *s, struct buf *out);
void report_write_spdx(
	const struct artifact_report *r, const struct report_style *s, struct buf *out);
void report_write_junit(
	const struct artifact_report *r, const struct report_style *s, struct buf *out);
void report_write_markdown(
	const struct artifact_report *r, const struct report_style *s, struct buf *out);

/* ---- words.c: sentences that more than one form says ---- */

/* "layer 3 /etc/x:7", "ENV 2", "history step 4", "the name". */
void report_add_place(const struct artifact_finding *f, struct buf *out);
/* "deleted in layer 4", "runs by ENTRYPOINT", facts: what is known beside the title. */
void report_add_details(const struct artifact_finding *f, struct buf *out);
/* 1,234,567 and 61.2 MB. */
void report_add_count(uint64_t n, struct buf *out);
void report_add_bytes(uint64_t n, struct buf *out);
/* Whether this style shows it: everything with `all`, else no ignored ones and no mere notes. */
bool report_shows(const struct report_style *s, const struct artifact_finding *f);
/* How many findings the style leaves out. */
size_t report_hidden(const struct artifact_report *r, const struct report_style *s);
/* "97 packages (95 deb, 2 pypi)" */
void report_add_packages(const struct artifact_report *r, struct buf *out);
/* The distribution and the end of its support; nothing when it has none. */
void report_add_distro(const struct artifact_distro *d, struct buf *out);

/* ---- sbom.c: what both lists of packages have in common ---- */

struct sbom_entry {
	const struct artifact_package *p;
	struct str purl;
	uint64_t id; /* of purl and path: the same in every report that has the package there */
	const struct artifact_package
		*owner; /* of a distribution, that brought it as its file; NULL = none is known */
};
struct sbom {
	struct arena arena;
	struct sbom_entry *entries; /* by purl, then path; each once */
	size_t n;
	struct str image_name, image_purl; /* the latter may be empty */
	char uuid[37];                     /* the same for the same report */
};
/*
 * With `all` also packages of languages that a later layer deleted. When memory is out it is empty,
 * and `out` is cut: a list that lacks something must not look whole.
 */
void sbom_init(struct sbom *b, const struct artifact_report *r, bool all, struct buf *out);
void sbom_done(struct sbom *b);
/* "2026-08-01T10:20:30Z", quoted. */
void sbom_add_time(uint64_t epoch_ns, struct buf *out);
/* The digest of the layer that brought it; empty if that is not known. */
struct str sbom_layer_digest(const struct artifact_report *r, const struct artifact_package *p);
/* The hexadecimal digits of "sha256:…"; empty for others. */
struct str sbom_sha256(struct str digest);
void sbom_add_member(struct buf *out, bool *first, const char *key, struct str value);

/* ---- text.c: for terminals ---- */

enum report_colour {
	COLOUR_NONE,
	COLOUR_RED,
	COLOUR_YELLOW,
	COLOUR_GREEN,
	COLOUR_BLUE,
	COLOUR_DIM,
	COLOUR_BOLD
};
/* Text in a colour when the style has colours; controls in it are made visible. */
void text_add_coloured(
	const struct report_style *s, enum report_colour c, struct str text, struct buf *out);
/*
 * Words in lines of at most s->columns, each but the first begun with `indent` blanks; the first
 * one begins where the caller stands, `indent` columns in. Ends with a newline.
 */
void text_add_wrapped(const struct report_style *s, enum report_colour c, unsigned indent,
	struct str text, struct buf *out);
enum report_colour text_severity_colour(enum artifact_severity v);
enum report_colour text_verdict_colour(enum artifact_verdict v);
