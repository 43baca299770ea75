/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a rule test's event, by their definitions in schema.def: numbers as wide as
 * captures hold them, flags, errors and signals by name, texts with their NUL.
 */
#include <errno.h>
#include <sys/socket.h>

#include "cmd/ruletest_private.h"

enum { ERRNO_MAX = 133, SIGNAL_MAX = 64 };

void test_put_number(struct builder *b, unsigned i, enum param_type type, uint64_t v)
{
	bool is_signed;
	size_t width = param_type_size(type, &is_signed);

	b->t->ev.params[i] = arena_str(b->a, str_make((const char *)&v, width ? width : 4));
}

static bool name_of_flag(const struct flag_name *f, struct str name, uint64_t *ret)
{
	for (; f && f->name; f++)
		if (str_is(name, f->name)) {
			*ret = f->value;
			return true;
		}
	return false;
}

static bool errno_of(struct str name, int64_t *ret)
{
	for (int i = 1; i <= ERRNO_MAX; i++) {
		const char *s = errno_name(i);

		if (s && str_is(name, s)) {
			*ret = -i;
			return true;
		}
	}
	return false;
}

static bool signal_of(struct str name, int64_t *ret)
{
	for (int i = 1; i <= SIGNAL_MAX; i++) {
		const char *s = signal_name(i);

		if (s && str_is(name, s)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int put_numeric(
	struct builder *b, const struct yaml_node *n, unsigned i, const struct param_def *def)
{
	struct str rest = n->text, word;
	uint64_t bits = 0, one;
	int64_t v;

	if (test_number_of(n->text, &v) || (def->type == PT_ERRNO && errno_of(n->text, &v)) ||
		(def->type == PT_FD && errno_of(n->text, &v)) ||
		(def->type == PT_SIGTYPE && signal_of(n->text, &v))) {
		test_put_number(b, i, def->type, (uint64_t)v);
		return 0;
	}
	bool yes;

	if (yaml_to_bool(n, &yes) && !def->flags) {
		test_put_number(b, i, def->type, yes);
		return 0;
	}
	while (rest.s) {
		word = str_trim(str_cut(&rest, '|'));
		if (!name_of_flag(def->flags, word, &one))
			return test_bad(b, n, "'%.*s' is no value of %s",
				STR_ARG(str_head(word, 60)), def->name);
		bits |= one;
	}
	test_put_number(b, i, def->type, bits);
	return 0;
}

/* family, address, port as .scap stores a sockaddr. */
static int put_sockaddr(struct builder *b, const struct yaml_node *n, unsigned i)
{
	uint8_t raw[1 + 16 + 2], ip[16] = {0};
	uint16_t family = 0, port = 0;
	int e = test_get_end(b, n, &family, ip, &port);
	size_t len = family == AF_INET6 ? 16 : 4;

	if (e < 0)
		return e;
	raw[0] = (uint8_t)family;
	memcpy(raw + 1, ip, len);
	memcpy(raw + 1 + len, &port, sizeof(port));
	b->t->ev.params[i] = arena_str(b->a, str_make((const char *)raw, 1 + len + 2));
	return 0;
}

static int put_param(struct builder *b, const struct yaml_node *n, unsigned i)
{
	const struct param_def *def = &b->t->ev.def->params[i];
	struct str *to = &b->t->ev.params[i];

	switch (def->type) {
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH:
		if (n->kind != YAML_SCALAR && n->kind != YAML_NULL)
			return test_bad(b, n, "%s is text", def->name);
		*to = arena_str(b->a, n->text);
		to->len++; /* with its NUL */
		return 0;
	case PT_BYTEBUF:
		*to = arena_str(b->a, n->text);
		return 0;
	case PT_STRINGS:
		return test_get_vector(b, n, to);
	case PT_SOCKADDR:
		return put_sockaddr(b, n, i);
	case PT_SOCKTUPLE:
	case PT_FDLIST:
	case PT_DYN:
		return test_bad(b, n, "%s cannot be given in a test", def->name);
	default:
		return put_numeric(b, n, i, def);
	}
}

int test_build_args(struct builder *b, const struct yaml_node *map)
{
	const struct event_def *def = b->t->ev.def;

	if (map->kind != YAML_MAP)
		return test_bad(b, map, "args must be a map of parameter: value");
	for (size_t i = 0; i < map->nitems; i++) {
		int at = event_param_index(def, map->keys[i]->text);
		struct key names[EVENT_PARAMS_MAX];

		for (unsigned k = 0; k < def->nparams; k++)
			names[k] = (struct key){def->params[k].name, NULL};
		if (at < 0)
			return test_unknown_key(b, map->keys[i], names, def->nparams);
		int e = put_param(b, map->items[i], (unsigned)at);

		if (e < 0)
			return e;
	}
	return 0;
}

static int result_index(const struct event_def *def)
{
	int i = event_param_index(def, STR("res"));

	if (i < 0 && (def->flags & EF_CREATES_FD))
		i = event_param_index(def, STR("fd"));
	return i < 0 ? event_param_index(def, STR("status")) : i;
}

int test_build_result(struct builder *b, const struct yaml_node *res)
{
	struct event *ev = &b->t->ev;
	int i = result_index(ev->def);

	if (i < 0)
		return res ? test_bad(b, res, "a %s event has no result", ev->def->name) : 0;
	if (res)
		return put_param(b, res, (unsigned)i);
	if (ev->params[i].len)
		return 0;
	bool creates = ev->def->flags & EF_CREATES_FD;
	int64_t v = creates ? (ev->has_fd ? ev->fd.num : 3) : 0;

	test_put_number(b, (unsigned)i, ev->def->params[i].type, (uint64_t)v);
	return 0;
}
