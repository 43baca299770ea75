/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The pass: a layer's tar is read once, as a stream, and every member is shown to all analyzers;
 * archives among the members are opened in their turn. Private to scan/image; it runs in the
 * worker.
 */
#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>

#include "scan/image/crew.h"
#include "scan/image/unpack.h"

enum {
	LEVELS_MAX = 8, /* archives in archives that anybody may ask for */
	PATH_BYTES = 8192,
	RATIO_GRACE = 64 << 20, /* bytes out before the ratio counts */
};

/* What one level of nesting needs; kept from member to member. */
struct level {
	struct buf path, target;
	struct window *window;
	EVP_MD_CTX *sha;
};

/* An analyzer that wants the member at hand is a bit. */
struct pass {
	const struct analyzer_set *set;
	struct ledger *ledger;
	struct scan_limits limits;
	struct note *note; /* of the pass itself; NULL = none */
	struct crew crew;
	EVP_MD *md;
	struct level levels[LEVELS_MAX + 1];
	uint64_t members, bytes;
	uint64_t cpu_end_ns;
	uint32_t hashing; /* analyzers that want digests of members, a bit each */
	/* a limit of the whole layer was reached: nothing more is read; who inflates looks, too */
	atomic_bool is_over;
	struct table *links; /* symbolic links of this layer that lead out of their folder */
	struct arena link_arena;
};

/* An archive that is being read. */
struct opened {
	struct pass *p;
	struct byte_source src;
	struct str prefix; /* of its members' paths: "" or "/app/a.jar!" */
	struct str name;   /* of the only member of a compressed file */
	unsigned depth;
	bool is_trusted_size; /* a tar: members are as long as their headers say */
	uint64_t in, out;     /* bytes of the archive, and of its members */
	int failed;           /* of the source */
	bool is_stopped;      /* a bomb: nothing more of it is read */
};

int pass_open(struct pass *p, const struct analyzer_set *set, const struct scan_limits *limits,
	struct ledger *ledger, struct pass_note *note, unsigned threads);
/* Starts the other threads, in the process in which the pass is used. */
void pass_start(struct pass *p);
void pass_close(struct pass *p);
/*
 * Reads a layer's tar, already unpacked. What is wrong with it is in the ledger, but for what the
 * source says: that is its owner's to say.
 */
void pass_layer(struct pass *p, struct byte_source src);
/* What the unpacking of the layer came to, when it was stopped for its ratio. */
void pass_say_ratio(struct pass *p, uint64_t in, uint64_t out);
/* The image's config and reference, to the analyzers of texts. */
void pass_image(struct pass *p, const struct artifact_image *image);

/* ---- between the files of the pass ---------------------------------------------------------- */

/* pass.c: reads all members of an archive. */
void pass_members(struct opened *o, struct archive *a);
/* So many bytes more were read in all. False: it is enough, and was said. */
bool pass_account(struct pass *p, struct opened *o, uint64_t bytes);
bool pass_has_time(struct pass *p);
/* member.c: the content of the member at hand, to analyzers and into archives. */
void member_read(struct opened *o, struct archive *a, const struct artifact_file *f,
	uint64_t number, uint32_t want);
/* nested.c */
enum nested_kind {
	NESTED_NONE,
	NESTED_UNPACK, /* gzip, zstd: a tar inside, or one file */
	NESTED_FILTER, /* xz, bzip2, rpm: libarchive's filters */
	NESTED_PLAIN,  /* zip, tar, ar, cpio */
};
enum nested_kind nested_kind_of(struct str head);
/* Opens the member at hand, whose content comes from src; whole: it is all in this one block. */
void nested_read(struct opened *outer, const struct artifact_file *f, enum nested_kind kind,
	struct byte_source src, struct str whole);
/* hostile.c: what an entry tries with its names and its kind. */
void hostile_entry(struct pass *p, const struct artifact_file *f, struct str raw_path,
	struct str raw_target, unsigned major, unsigned minor);
void hostile_reset(struct pass *p);
void hostile_say(struct pass *p, const char *check, enum artifact_severity severity,
	unsigned confidence, const char *title, const char *mend);
/* words.c: what a script, unit or table of cron names; and what starts that. */
enum layer_starter words_read(
	struct pass *p, const struct artifact_file *f, struct str text, bool is_text);
/* names.c: "./a/../b" to "/b" below prefix; bytes that are no UTF-8 as \xNN. False: it climbs out.
 */
bool name_normal(struct str prefix, struct str raw, struct buf *out);
bool content_is_text(struct str content);
bool content_is_elf(struct str content);
