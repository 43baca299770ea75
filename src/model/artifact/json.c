/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report as JSON, and back: writer and reader both walk the tables of shapes.c, so they cannot
 * disagree. What is empty is left out; what is missing is read as empty. The reader takes
 * strangers' texts.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>

#include "base/json.h"
#include "model/artifact/shapes.h"

enum {
	TEXT_MAX = 128 << 20, /* bytes of a report that is read */
	ITEMS_MAX = 4 << 20,  /* of one list */
};

/* ---- writing ------------------------------------------------------------------------------ */

struct writer {
	struct buf *out;
	bool with_files;
};

static void write_struct(const struct writer *w, const struct shape *of, const void *base);

static void write_strings(const struct str *s, size_t n, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(out, ',');
		json_add_str(out, s[i]);
	}
	buf_add_char(out, ']');
}

static void write_structs(
	const struct writer *w, const struct shape *of, const void *list, size_t n)
{
	buf_add_char(w->out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(w->out, ',');
		write_struct(w, of, (const char *)list + i * of->size);
	}
	buf_add_char(w->out, ']');
}

static void write_hashes(const uint64_t *h, size_t n, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%016" PRIx64, h[i]);
	buf_add_char(out, '"');
}

static void write_labels(uint32_t set, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '[');
	for (int i = 0; i < LABEL_COUNT; i++) {
		if (!(set >> i & 1))
			continue;
		if (!first)
			buf_add_char(out, ',');
		first = false;
		json_add_str(out, str_of(artifact_labels.name(i)));
	}
	buf_add_char(out, ']');
}

static bool is_empty(const struct writer *w, const struct member *m, const void *base)
{
	switch (m->kind) {
	case STRING:
		return !VALUE(struct str, base, m->offset).len;
	case U64:
	case HEX:
		return !VALUE(uint64_t, base, m->offset);
	case UNSIGNED:
		return !VALUE(unsigned, base, m->offset);
	case INDEX:
		return VALUE(int, base, m->offset) < 0;
	case FLAG:
		return !VALUE(bool, base, m->offset);
	case HASHES:
		return !w->with_files || !VALUE(size_t, base, m->count);
	case STRINGS:
	case STRUCTS:
		return !VALUE(size_t, base, m->count);
	case WORD:
	case LABELS:
	case STRUCT:
		return false;
	}
	return false;
}

static void write_member(const struct writer *w, const struct member *m, const void *base)
{
	const void *at = (const char *)base + m->offset;

	switch (m->kind) {
	case STRING:
		json_add_str(w->out, *(const struct str *)at);
		break;
	case U64:
		buf_add_u64(w->out, *(const uint64_t *)at);
		break;
	case HEX:
		write_hashes(at, 1, w->out);
		break;
	case UNSIGNED:
		buf_add_u64(w->out, *(const unsigned *)at);
		break;
	case INDEX:
		buf_add_s64(w->out, *(const int *)at);
		break;
	case FLAG:
		buf_add_cstr(w->out, "true");
		break;
	case WORD:
		json_add_str(w->out, str_of(m->words->name(*(const int *)at)));
		break;
	case LABELS:
		write_labels(*(const uint32_t *)at, w->out);
		break;
	case STRINGS:
		write_strings(
			*(const struct str *const *)at, VALUE(size_t, base, m->count), w->out);
		break;
	case HASHES:
		write_hashes(*(const uint64_t *const *)at, VALUE(size_t, base, m->count), w->out);
		break;
	case STRUCT:
		write_struct(w, m->of, at);
		break;
	case STRUCTS:
		write_structs(w, m->of, *(const void *const *)at, VALUE(size_t, base, m->count));
		break;
	}
}

static void write_struct(const struct writer *w, const struct shape *of, const void *base)
{
	bool first = true;

	buf_add_char(w->out, '{');
	for (const struct member *m = of->members; m->name; m++) {
		if (is_empty(w, m, base))
			continue;
		json_add_key(w->out, &first, m->name);
		write_member(w, m, base);
	}
	buf_add_char(w->out, '}');
}

void artifact_report_to_json(const struct artifact_report *r, bool with_files, struct buf *out)
{
	const struct writer w = {out, with_files};

	write_struct(&w, &artifact_report_shape, r);
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reader {
	struct arena *a;
	struct err *e;
};

static int read_struct(struct reader *r, const struct shape *of, const json_t *j, void *base);

static int wrong(struct reader *r, const struct member *m, const char *what)
{
	return err_set(r->e, EBADMSG, "the report's \"%s\" is not %s", m->name, what);
}

static int no_memory(struct reader *r)
{
	return err_set(r->e, ENOMEM, "no memory left for the report");
}

static int read_string(struct reader *r, const struct member *m, const json_t *j, struct str *to)
{
	if (!json_is_string(j))
		return wrong(r, m, "a string");
	*to = arena_str(r->a, str_make(json_string_value(j), json_string_length(j)));
	return to->s ? 0 : no_memory(r);
}

static int read_number(
	struct reader *r, const struct member *m, const json_t *j, uint64_t max, uint64_t *to)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0 ||
		(uint64_t)json_integer_value(j) > max)
		return wrong(r, m, "a number that fits");
	*to = (uint64_t)json_integer_value(j);
	return 0;
}

static int find_word(const struct words *w, const char *text)
{
	for (int i = 0; text && i < w->count; i++)
		if (strcmp(w->name(i), text) == 0)
			return i;
	return -1;
}

static int read_word(struct reader *r, const struct member *m, const json_t *j, int *to)
{
	int v = find_word(m->words, json_string_value(j));

	if (v < 0)
		return wrong(r, m, "a word that is known here");
	*to = v;
	return 0;
}

static int read_labels(struct reader *r, const struct member *m, const json_t *j, uint32_t *to)
{
	size_t i;
	json_t *item;

	if (!json_is_array(j))
		return wrong(r, m, "a list");
	json_array_foreach(j, i, item)
	{
		int v = find_word(&artifact_labels, json_string_value(item));

		if (v < 0)
			return wrong(r, m, "a list of known labels");
		*to |= UINT32_C(1) << v;
	}
	return 0;
}

static int read_hashes(
	struct reader *r, const struct member *m, const json_t *j, uint64_t *to, size_t n)
{
	struct str s = str_make(json_string_value(j), json_string_length(j));

	for (size_t i = 0; i < n; i++)
		if (!str_to_u64(str_make(s.s + i * 16, 16), 16, &to[i]))
			return wrong(r, m, "hexadecimal digits");
	return 0;
}

/* A list's memory, or NULL with the reason in *ret. */
static void *make_list(
	struct reader *r, const struct member *m, void *base, size_t n, size_t size, int *ret)
{
	void *list = n <= ITEMS_MAX ? arena_alloc_array(r->a, n ? n : 1, size) : NULL;

	*ret = list ? 0 : n > ITEMS_MAX ? wrong(r, m, "a list of bearable length") : no_memory(r);
	if (!list)
		return NULL;
	memcpy((char *)base + m->offset, &list, sizeof(list));
	memcpy((char *)base + m->count, &n, sizeof(n));
	return list;
}

static int read_list(struct reader *r, const struct member *m, const json_t *j, void *base)
{
	size_t size = m->kind == STRINGS ? sizeof(struct str) : m->of->size, i;
	json_t *item;
	int n = 0;

	if (!json_is_array(j))
		return wrong(r, m, "a list");
	char *list = make_list(r, m, base, json_array_size(j), size, &n);
	json_array_foreach(j, i, item)
	{
		if (n < 0)
			break;
		n = m->kind == STRINGS ? read_string(r, m, item, (struct str *)(void *)list + i)
				       : read_struct(r, m->of, item, list + i * size);
	}
	return n;
}

static int read_hash_list(struct reader *r, const struct member *m, const json_t *j, void *base)
{
	size_t len = json_string_length(j);
	int n = 0;

	if (!json_is_string(j) || len % 16)
		return wrong(r, m, "hexadecimal digits, 16 each");
	uint64_t *list = make_list(r, m, base, len / 16, sizeof(*list), &n);
	return list ? read_hashes(r, m, j, list, len / 16) : n;
}

static int read_member(struct reader *r, const struct member *m, const json_t *j, void *base)
{
	void *at = (char *)base + m->offset;
	uint64_t v = 0;
	int n;

	switch (m->kind) {
	case STRING:
		return read_string(r, m, j, at);
	case U64:
		return read_number(r, m, j, INT64_MAX, at);
	case UNSIGNED:
		if ((n = read_number(r, m, j, UINT32_MAX, &v)) == 0)
			*(unsigned *)at = (unsigned)v;
		return n;
	case INDEX:
		if ((n = read_number(r, m, j, INT32_MAX, &v)) == 0)
			*(int *)at = (int)v;
		return n;
	case FLAG:
		*(bool *)at = json_is_true(j);
		return json_is_boolean(j) ? 0 : wrong(r, m, "true or false");
	case WORD:
		return read_word(r, m, j, at);
	case LABELS:
		return read_labels(r, m, j, at);
	case HEX:
		return json_string_length(j) == 16 ? read_hashes(r, m, j, at, 1)
						   : wrong(r, m, "16 hexadecimal digits");
	case STRINGS:
	case STRUCTS:
		return read_list(r, m, j, base);
	case HASHES:
		return read_hash_list(r, m, j, base);
	case STRUCT:
		return read_struct(r, m->of, j, at);
	}
	return 0;
}

static int read_struct(struct reader *r, const struct shape *of, const json_t *j, void *base)
{
	if (!json_is_object(j))
		return err_set(r->e, EBADMSG,
			"the report has something else where an object "
			"should be");
	for (const struct member *m = of->members; m->name; m++) {
		const json_t *value = json_object_get(j, m->name);
		int n = value ? read_member(r, m, value, base) : 0;

		if (n < 0)
			return n;
		if (!value && m->kind == INDEX)
			*(int *)(void *)((char *)base + m->offset) = -1;
	}
	return 0;
}

int artifact_report_from_json(
	struct str text, struct arena *a, struct artifact_report *ret, struct err *e)
{
	struct reader r = {a, e};
	json_error_t why;

	*ret = (struct artifact_report){0};
	if (text.len > TEXT_MAX)
		return err_set(e, EBADMSG, "the report has %zu bytes, more than %d are not read",
			text.len, TEXT_MAX);
	json_t *j = json_loadb(
		text.s ? text.s : "", text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);

	if (!j)
		return err_set(e, EBADMSG, "no report in JSON: line %d, column %d: %s", why.line,
			why.column, why.text);
	int n = read_struct(&r, &artifact_report_shape, j, ret);

	json_decref(j);
	return n;
}
