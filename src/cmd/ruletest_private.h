/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside the events of rule tests: ruletest_value.c reads values, ruletest_actor.c who did it,
 * ruletest_object.c to what, ruletest_param.c the parameters; ruletest_event.c puts them together.
 * All of them: 0 or -EINVAL, with b->e filled.
 */
#include "cmd/rules.h"

struct builder {
	struct arena *a;
	struct err *e;
	struct test_event *t;
};

/* ---- values (ruletest_value.c) -------------------------------------------------------------- */

/* Says what is wrong with a node, after its line:column; -EINVAL. */
int test_bad(struct builder *b, const struct yaml_node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Decimal, 0x…, 0o… or 0…; with a sign. */
bool test_number_of(struct str s, int64_t *ret);
int test_get_number(struct builder *b, const struct yaml_node *n, int64_t *ret);
int test_get_u32(struct builder *b, const struct yaml_node *n, uint32_t *ret);
int test_get_bool(struct builder *b, const struct yaml_node *n, bool *ret);
/* Borrows from the document. */
int test_get_text(struct builder *b, const struct yaml_node *n, struct str *ret);
/* Text split at blanks, or a sequence, or a map as KEY=value: NUL-separated, in the arena. */
int test_get_vector(struct builder *b, const struct yaml_node *n, struct str *ret);
/* "CAP_SYS_ADMIN CAP_KILL", or a number. */
int test_get_capabilities(struct builder *b, const struct yaml_node *n, uint64_t *ret);
/* ADDRESS:PORT; an IPv4 address takes the first four bytes. */
int test_get_end(struct builder *b, const struct yaml_node *n, uint16_t *family, uint8_t ip[16],
	uint16_t *port);

/* ---- keys of a map -------------------------------------------------------------------------- */

typedef int (*setter)(struct builder *b, const struct yaml_node *n, void *row);

struct key {
	const char *name;
	setter set;
};

/* Names the nearest key that there is; -EINVAL. */
int test_unknown_key(
	struct builder *b, const struct yaml_node *key, const struct key *keys, size_t nkeys);
/* Hands each value to the setter of its key. */
int test_read_map(struct builder *b, const struct yaml_node *map, const struct key *keys,
	size_t nkeys, void *row);

#define COUNT(a)           (sizeof(a) / sizeof((a)[0]))
#define READ(b, map, k, r) test_read_map(b, map, k, COUNT(k), r)
#define SETTER(type, name, get, member)                                                            \
	static int set_##type##_##name(struct builder *b, const struct yaml_node *n, void *row)    \
	{                                                                                          \
		return get(b, n, &((struct type *)row)->member);                                   \
	}

/* ---- parts of an event ---------------------------------------------------------------------- */

/* The process with its ancestors, user and container, into b->t->proc and user_name. */
int test_build_actor(struct builder *b, const struct yaml_node *map);
/* The keys of `path` and `target`, into an event_path. */
int test_build_path(struct builder *b, const struct yaml_node *map, struct event_path *ret);
/* Into the event's descriptor. */
int test_build_fd(struct builder *b, const struct yaml_node *map);
/* Parameter i from a number, in the width of its type. */
void test_put_number(struct builder *b, unsigned i, enum param_type type, uint64_t v);
int test_build_args(struct builder *b, const struct yaml_node *map);
/* The result: as given (NULL = not), else that of a call that worked. */
int test_build_result(struct builder *b, const struct yaml_node *res);
