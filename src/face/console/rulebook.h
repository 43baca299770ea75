/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The rules as the console knows them: those that the sensor was given, then the console's own
 * folder (files that people wrote here, and zz-toggles.yaml, which switches rules on and off). The
 * sensor reads the same folder and reloads when it changes.
 */
#include "engine/rules/rules.h"

struct rulebook;

enum { RULE_FILE_MAX = 1 << 20, RULE_FILES_MAX = 200, RULE_FILE_NAME_MAX = 64 };

/* Loads; rules with errors are no failure: rulebook_read() then has none. 0 or -errno. */
int rulebook_new(const char *const *paths, size_t npaths, const char *own_dir,
	struct rulebook **ret, struct err *e);
void rulebook_free(struct rulebook *b);
/* Looks whether files changed, and loads anew if so. */
void rulebook_refresh(struct rulebook *b);

/* The rules, until rulebook_done(); NULL when they do not load. */
const struct ruleset *rulebook_read(struct rulebook *b);
void rulebook_done(struct rulebook *b);
/* By name, or NULL; between read and done. */
const struct rule *rulebook_find(const struct ruleset *rs, struct str name);
/* The lines of the file that define a rule. */
struct str rulebook_text(const struct rulebook *b, const struct rule *r);
bool rulebook_is_own(const struct rulebook *b, const struct rule *r);
/* The folders and files, own one last: for `koban replay -r`. */
const char *const *rulebook_paths(const struct rulebook *b, size_t *ret_n);

/*
 * All rules with the file `name` of the own folder as `text` (text.s NULL = without it). The report
 * is the caller's. 0 or -errno.
 */
int rulebook_check(struct rulebook *b, struct str name, struct str text, struct load_report **ret);
/* "mining-2.yaml": letters, digits, '-', '_', '.'; not hidden, not after zz. */
bool rulebook_is_name(struct str name);
/* Writes, or removes with text.s NULL; the content is on the disk when it returns. 0 or -errno. */
int rulebook_write(struct rulebook *b, struct str name, struct str text, struct err *e);
int rulebook_read_file(
	struct rulebook *b, struct str name, struct arena *a, struct str *ret, struct err *e);
struct rule_file {
	struct str name;
	size_t bytes;
};
int rulebook_list(
	struct rulebook *b, struct arena *a, struct rule_file **ret, size_t *ret_n, struct err *e);
/* -ENOENT for a rule that is not there. */
int rulebook_enable(struct rulebook *b, struct str rule, bool enabled, struct err *e);
