/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A set of YARA rules, compiled from files and tried on files that come in windows. Belongs to one
 * thread. Compiling reads the disk; scanning does not, and changes no signal handler.
 *
 * A gated set runs YARA only over files in which a rule could match (yara_gate.h). That rests on
 * the *anchors* of a rule: its strings named $a…, or all of its strings when none is named so. They
 * are plain texts, and the rule must be so made that it cannot match without one of them; one that
 * is not is refused. koban's own rules are gated; a user's rules are not.
 */
#include <yara.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	YARA_MAX_FILES = 20000,        /* of a user's folder */
	YARA_MAX_DEPTH = 8,            /* of folders in it */
	YARA_MAX_FILE_BYTES = 8 << 20, /* of one file of rules */
	YARA_MAX_MATCHES = 32,         /* rules that are told of one file */
	YARA_HEAD = 64 << 10, /* of a file of several windows: what uint32(0) and modules see */
	YARA_BASE_S = 20,     /* time for a file, plus one second for each YARA_BYTES_A_S */
	YARA_BYTES_A_S = 2 << 20,
};

enum yara_how {
	YARA_GATED = 1,    /* see above */
	YARA_COMMENTS = 2, /* tells of matches whether they stand in comments; costs some time */
};

/* Files of rules that could not be used: "/etc/x.yar:12: syntax error, …". */
struct yara_complaints {
	struct str *said;
	size_t n, nfiles; /* complaints kept, files left out */
};

struct yara_set;

/*
 * Every *.yar and *.yara in the files and folders (NULL-terminated), by file. A file that does not
 * compile is left out, and `c` (may be NULL; lives in `a`) says why. 0 or -errno; -EINVAL when no
 * file was good, -ENOENT for a path that is not there.
 */
int yara_set_open(const char *const *paths, unsigned how, struct arena *a,
	struct yara_complaints *c, struct yara_set **ret, struct err *e);
void yara_set_close(struct yara_set *s);
size_t yara_set_nrules(const struct yara_set *s);
/* For yr_rules_foreach(); the set's. */
YR_RULES *yara_set_rules(const struct yara_set *s);
/* Of all that it was compiled from. */
uint64_t yara_set_hash(const struct yara_set *s);

struct yara_window {
	struct str path; /* external variables come from it */
	struct str content;
	uint64_t offset, file_size;
	const char *type; /* external variable "filetype" */
	bool is_first, is_last;
};

struct yara_match {
	const YR_RULE *rule;
	uint64_t offset;  /* of the first string that matched, in the file; 0 when none did */
	struct str bytes; /* what matched there, cut to some length; empty = no string */
	bool is_comment;  /* of a text: all that matched stands in lines that are comments */
};

/* The matching rules of the file are told when its last window was shown. */
typedef void (*yara_match_fn)(void *arg, const struct yara_match *m);
/* 0 or -errno: -ETIME (it took too long), -ENOMEM, -EIO (another error of the library). */
int yara_set_scan(struct yara_set *s, const struct yara_window *w, yara_match_fn fn, void *arg);
/* The text of a rule's meta, or empty; a number through *number when it is one. */
struct str yara_rule_meta(const YR_RULE *rule, const char *key, int64_t *number);
