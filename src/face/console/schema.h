/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The shapes of what the API takes and gives, written as short texts beside the routes:
 *
 *   {id:str name?:str(64) state:'open|resolved' tags:[str](32) next:?str *:int item:Finding}
 *
 * `name?` may be missing, `?T` may be null, `*` stands for any other key, `'a|b'` is one of these
 * words, str(64) has at most 64 bytes, int(1..500) lies between, [T](32) has at most 32 items; a
 * name with a capital is another shape. From these texts come the check of every body and query
 * before a handler sees it, and the schemas of the OpenAPI document.
 */
#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum schema_kind {
	SCHEMA_ANY,
	SCHEMA_STR,
	SCHEMA_INT,
	SCHEMA_NUM,
	SCHEMA_BOOL,
	SCHEMA_TIME, /* RFC 3339, UTC */
	SCHEMA_WORD, /* one of words */
	SCHEMA_LIST,
	SCHEMA_MAP,
	SCHEMA_NAME, /* of another shape */
};

struct schema {
	enum schema_kind kind;
	bool nullable;
	int64_t min, max; /* of an int; of the length of a str or list; both 0 = any */
	struct str *words;
	size_t nwords;
	struct str name;
	const struct schema *item; /* of a list; of a map's other keys, or NULL */
	struct schema_field *fields;
	size_t nfields;
};

/* Are there bounds: of a number, or of a length? */
static inline bool schema_is_bounded(const struct schema *s)
{
	return s->min || s->max;
}

struct schema_field {
	struct str name;
	bool optional;
	struct schema type;
};

/* A shape with a name, as it is written. */
struct schema_def {
	const char *name, *text;
};

/* NULL, and the error says where in the text. The tree lives in the arena. */
struct schema *schema_parse(struct arena *a, struct str text, struct err *e);

/* Finds a shape by its name; NULL = none. */
typedef const struct schema *(*schema_find_fn)(struct str name, void *arg);

/*
 * Whether `v` has this shape: nothing missing, nothing too much, nothing too long. 0, or -EINVAL
 * with a sentence that names the place ("ids[3]").
 */
int schema_check(
	const struct schema *s, const json_t *v, schema_find_fn find, void *arg, struct err *e);
/* The same for one text, as it stands in a URL: numbers and words are parsed. */
int schema_check_text(const struct schema *s, struct str name, struct str value, struct err *e);
/* As a JSON schema (2020-12); names become "#/components/schemas/NAME". */
void schema_add_json(const struct schema *s, struct buf *out);

/* An RFC 3339 time in UTC or with an offset, to nanoseconds since the epoch. */
bool schema_parse_time(struct str s, uint64_t *ret_ns);
