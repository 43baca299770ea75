/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a YAML tree key by key, with words for what is wrong. It knows no kind of file: which
 * keys there are is the caller's list.
 */
#include "base/yaml_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/io.h"

int yaml_mistake(struct yaml_reading *r, const struct yaml_node *at, const char *fmt, ...)
{
	char msg[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(r->e, EINVAL, "%s:%u: %s", r->path, at ? at->line : 1, msg);
}

int yaml_check_keys(struct yaml_reading *r, const struct yaml_node *map, const char *const *known,
	const char *what)
{
	if (map->kind != YAML_MAP)
		return yaml_mistake(r, map, "%s must be a map of keys and values", what);
	for (size_t i = 0; i < map->nitems; i++) {
		const char *near = NULL;
		size_t k = 0;

		for (; known[k] && !str_is(map->keys[i]->text, known[k]); k++)
			if (str_distance(map->keys[i]->text, str_of(known[k]), 2) <= 2)
				near = known[k];
		if (!known[k])
			return yaml_mistake(r, map->keys[i], "%s has no key \"%.*s\"%s%s%s", what,
				STR_ARG(map->keys[i]->text), near ? "; did you mean \"" : "",
				near ? near : "", near ? "\"?" : "");
	}
	return 0;
}

int yaml_read_text(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	bool needed, struct str *ret)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (yaml_is_null(n))
		return needed ? yaml_mistake(r, map, "\"%s\" is missing", key) : 0;
	if (n->kind != YAML_SCALAR)
		return yaml_mistake(r, n, "\"%s\" must be a text", key);
	*ret = str_trim(n->text);
	return 0;
}

int yaml_read_texts(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	struct str **ret, size_t *ret_n)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (yaml_is_null(n))
		return 0;
	if (n->kind != YAML_SEQ)
		return yaml_mistake(r, n, "\"%s\" must be a list of texts", key);
	*ret = arena_array(r->arena, struct str, n->nitems + 1);
	for (size_t i = 0; *ret && i < n->nitems; i++) {
		if (n->items[i]->kind != YAML_SCALAR)
			return yaml_mistake(r, n->items[i], "\"%s\" must be a list of texts", key);
		(*ret)[(*ret_n)++] = str_trim(n->items[i]->text);
	}
	return *ret ? 0 : err_set(r->e, ENOMEM, "out of memory");
}

int yaml_read_bool(struct yaml_reading *r, const struct yaml_node *map, const char *key, bool *ret)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (!n || yaml_to_bool(n, ret))
		return 0;
	return yaml_mistake(r, n, "\"%s\" must be true or false", key);
}

int yaml_read_word(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	const char *const *words, unsigned *ret)
{
	const struct yaml_node *n = yaml_get(map, key);
	char all[200];
	struct buf b = {.s = all, .cap = sizeof(all), .max = sizeof(all) - 1};

	if (!n)
		return 0;
	for (unsigned i = 0; words[i]; i++) {
		if (n->kind == YAML_SCALAR && str_is(n->text, words[i])) {
			*ret = i;
			return 0;
		}
		buf_printf(&b, "%s%s", i ? ", " : "", words[i]);
	}
	return yaml_mistake(r, n, "\"%s\" must be one of: %s", key, all);
}

int yaml_read_number(struct yaml_reading *r, const struct yaml_node *map, const char *key,
	int64_t min, int64_t max, int64_t *ret)
{
	const struct yaml_node *n = yaml_get(map, key);
	int64_t v;

	if (!n)
		return 0;
	if (!yaml_to_s64(n, &v) || v < min || v > max)
		return yaml_mistake(r, n, "\"%s\" must be a number from %lld to %lld", key,
			(long long)min, (long long)max);
	*ret = v;
	return 0;
}

int yaml_read_file(
	struct yaml_reading *r, size_t max_bytes, const char *what, const struct yaml_node **ret)
{
	struct yaml_error ye = {0};
	struct yaml_node **docs;
	size_t ndocs = 0;
	struct str text;
	int code = io_read_file(r->arena, AT_FDCWD, r->path, max_bytes, &text, r->e);

	if (code < 0)
		return code;
	if (yaml_parse(r->arena, text, NULL, &docs, &ndocs, &ye) < 0)
		return err_set(r->e, EINVAL, "%s:%u: %s", r->path, ye.line, ye.msg);
	if (ndocs != 1 || !docs[0])
		return err_set(r->e, EINVAL, "%s:1: a file holds one %s", r->path, what);
	*ret = docs[0];
	return 0;
}
