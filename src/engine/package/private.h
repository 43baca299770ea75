/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the parsers of this room share: the row, the job that they work on, and readers of the text
 * forms that several package managers use.
 */
#include "engine/package/package.h"

enum {
	PACKAGE_MAX_OF_FILE = 100000,      /* packages of one database */
	PACKAGE_MAX_FILES = 250000,        /* files of one package */
	PACKAGE_MAX_NAME = 512,            /* bytes of a name or version; longer ones are no such */
	PACKAGE_MAX_TEXT = 400,            /* bytes kept of a licence or maintainer */
	PACKAGE_MAX_PATH = 4096,           /* bytes of a path that can be owned */
	PACKAGE_DATABASE_BYTES = 64 << 20, /* a distribution's database */
	PACKAGE_METADATA_BYTES = 4 << 20,  /* a file about one package */
};

struct package_job {
	const struct package_parser *row;
	struct str path, content;
	struct arena *a;
	package_found found;
	void *arg;
	struct err *e;
	size_t npackages;
	enum package_type type;
	/* hashes of paths that the next package owns */
	uint64_t *files;
	size_t nfiles, files_cap;
	bool no_memory;
};

struct package_parser {
	const char *name, *doc;
	enum package_type type;
	enum package_says says;
	size_t max_bytes;
	bool (*wants)(struct str path);
	int (*parse)(struct package_job *j); /* 0 or -errno with j->e filled */
};

/* ---- job.c ---- */
/*
 * Hands the package on, with the files collected since the last one. Fills type, path and files;
 * one without a usable name is dropped. False: enough packages, stop.
 */
bool job_emit(struct package_job *j, struct artifact_package *p);
/* Forgets the files collected so far. */
void job_drop_files(struct package_job *j);
/* "/usr/bin/x", "usr/bin/x" and "./usr/bin/x" are the same. */
void job_own(struct package_job *j, struct str path);
/* The file `name` of a folder. */
void job_own_in(struct package_job *j, struct str dir, struct str name);
/* -EBADMSG with "PATH: what". */
int job_bad(struct package_job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void job_done(struct package_job *j);
/* Of two uint64_t, for qsort() and bsearch(). */
int compare_hashes(const void *x, const void *y);

/* ---- text.c ---- */
/* "/a/b" of "/a/b/c", "c" of it. */
struct str path_dir(struct str path);
struct str path_base(struct str path);
/* The last folder's name: "b" of "/a/b/c". */
struct str path_parent(struct str path);
/* The next line without its end; false behind the last. */
bool text_line(struct str *rest, struct str *line);
/*
 * The fields of a paragraph of deb822(5), RFC 822 or a jar manifest: "Key: value", where lines that
 * begin with a blank go on. `value` is the first line of it, trimmed. False at the end of the
 * paragraph; the empty lines behind it are taken from *rest.
 */
bool text_field(struct str *rest, struct str *key, struct str *value);

/* ---- window.c ---- */
/* A part of a binary file. Reading outside of it gives zeros and sets `bad`. */
struct window {
	struct str s;
	uint64_t offset; /* of its first byte in the file; places are in the file */
	bool is_64, is_big, bad;
};
struct str window_bytes(struct window *w, uint64_t at, uint64_t size);
uint64_t window_number(struct window *w, uint64_t at, size_t size);

/* ---- pull.c ---- */
/*
 * JSON read by pulling: no tree, no memory, no recursion, so that a stranger's file costs what its
 * bytes cost. It finds values; it is lenient about the rest. After an error all calls fail.
 */
struct pull {
	const char *p, *end;
	bool bad;
};
struct pull pull_of(struct str text);
/* The first character of the next value, 0 at the end. */
char pull_peek(struct pull *j);
/* Enters "{" or "["; false (nothing taken) if another value comes. */
bool pull_enter(struct pull *j, char open);
/* The next key of the object; its value must be taken. False at its "}", which is taken. */
bool pull_key(struct pull *j, struct str *ret);
/* Whether another element comes, which must be taken; else takes the "]". */
bool pull_item(struct pull *j);
/* A string as it is written, escapes and all; false (the value is skipped) if it is none. */
bool pull_string(struct pull *j, struct str *ret);
/* A string without its escapes, which are rare: a copy only if there are any. */
bool pull_text(struct pull *j, struct arena *a, struct str *ret);
void pull_skip(struct pull *j);

/* ---- rows, by file ---- */
bool apk_wants(struct str path);
int apk_parse(struct package_job *j);
bool dpkg_wants_status(struct str path);
int dpkg_parse_status(struct package_job *j);
bool dpkg_wants_list(struct str path);
int dpkg_parse_list(struct package_job *j);
bool dpkg_wants_md5sums(struct str path);
int dpkg_parse_md5sums(struct package_job *j);
bool npm_wants(struct str path);
int npm_parse(struct package_job *j);
bool pypi_wants_metadata(struct str path);
int pypi_parse_metadata(struct package_job *j);
bool pypi_wants_record(struct str path);
int pypi_parse_record(struct package_job *j);

bool rpm_wants(struct str path);
int rpm_parse(struct package_job *j);
bool rpm_wants_log(struct str path);
int rpm_parse_log(struct package_job *j);
bool rpm_wants_manifest(struct str path);
int rpm_parse_manifest(struct package_job *j);
bool gem_wants(struct str path);
int gem_parse(struct package_job *j);
bool jar_wants(struct str path);
int jar_parse(struct package_job *j);
bool jar_wants_manifest(struct str path);
int jar_parse_manifest(struct package_job *j);
bool jar_wants_properties(struct str path);
int jar_parse_properties(struct package_job *j);
bool composer_wants(struct str path);
int composer_parse(struct package_job *j);
bool nuget_wants(struct str path);
int nuget_parse(struct package_job *j);

/* ---- rpm.c and the three forms of its database ---- */
enum { RPM_HEADER_BYTES = 16 << 20 }; /* of one package; the largest known have 4 MiB */
/* A header as it is kept in the database. False: enough packages, stop. */
bool rpm_take_header(struct package_job *j, struct str header);
/* Each calls rpm_take_header() once a package. 0 or -EBADMSG. */
int rpm_read_sqlite(struct package_job *j);
int rpm_read_ndb(struct package_job *j);
int rpm_read_bdb(struct package_job *j);

/* ---- go.c, cargo.c: what binary.c found ---- */
/* Module information as the linker wrote it, without its frame. */
void go_parse_modules(struct package_job *j, struct str version, struct str modules);
int cargo_parse(struct package_job *j, struct str section);
