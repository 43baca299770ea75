/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Files of koban's own kinds (views, chisels) read key by key: what is missing, misspelt or of the
 * wrong kind is named with file and line. Each returns 0 or -EINVAL with the error filled.
 */
#include "base/yaml.h"

struct yaml_reading {
	const char *path;    /* for messages */
	struct arena *arena; /* of the tree */
	struct err *e;
};

/* The file's only document; `what` is "a view". -ENOENT and the like for the file itself. */
int yaml_read_file(
	struct yaml_reading *r, size_t max_bytes, const char *what, const struct yaml_node **ret);
/* "path:line: …"; at NULL = line 1. */
int yaml_mistake(struct yaml_reading *r, const struct yaml_node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A map that has no keys but these (a NULL-terminated list); a near one is suggested. */
int yaml_check_keys(struct yaml_reading *r, const struct yaml_node *map, const char *const *known,
	const char *what);
/* The values borrow from the tree. What is not there leaves *ret as it is, unless it is needed. */
int yaml_read_text(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	bool needed, struct str *ret);
int yaml_read_texts(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	struct str **ret, size_t *ret_n);
int yaml_read_bool(struct yaml_reading *r, const struct yaml_node *map, const char *key, bool *ret);
int yaml_read_number(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	int64_t min, int64_t max, int64_t *ret);
/* One of the words of a NULL-terminated list, as its index. */
int yaml_read_word(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	const char *const *words, unsigned *ret);
