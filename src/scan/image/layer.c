/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a layer as two lines of JSON: the first is an artifact report with what was found,
 * the second holds the facts of the tree. It travels from the worker, which may have been taken
 * over, and lies in the cache, where a disk may have damaged it: reading believes nothing.
 */
#include "scan/image/layer.h"

#include <errno.h>
#include <jansson.h>

#include "base/json.h"

enum { VERSION = 1, ITEMS_MAX = 1 << 20, HASH_DIGITS = 16 };

static const char *const starters[STARTER_COUNT] = {[STARTER_SCRIPT] = "script",
	[STARTER_CRON] = "cron",
	[STARTER_SERVICE] = "service",
	[STARTER_LOGIN] = "login",
	[STARTER_PRELOAD] = "preload"};

/* ---- writing -------------------------------------------------------------------------------- */

static void add_hashes(struct buf *out, bool *first, const char *key, const uint64_t *h, size_t n)
{
	json_add_key(out, first, key);
	buf_add_char(out, '"');
	buf_reserve(out, n * HASH_DIGITS);
	for (size_t i = 0; i < n; i++) {
		char digits[HASH_DIGITS];

		for (unsigned d = 0; d < HASH_DIGITS; d++)
			digits[d] = "0123456789abcdef"[h[i] >> (60 - 4 * d) & 15];
		buf_add(out, str_make(digits, HASH_DIGITS));
	}
	buf_add_char(out, '"');
}

static void add_strings(struct buf *out, const struct str *s, size_t n)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(out, ',');
		json_add_str(out, s[i]);
	}
	buf_add_char(out, ']');
}

static void add_links(struct buf *out, const struct layer_report *l)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < l->nlinks; i++) {
		if (i)
			buf_add_char(out, ',');
		json_add_str(out, l->links[i].path);
		buf_add_char(out, ',');
		json_add_str(out, l->links[i].target);
	}
	buf_add_char(out, ']');
}

/* [path, by, [word, …]], … */
static void add_runs(struct buf *out, const struct layer_report *l)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < l->nruns; i++) {
		buf_add_cstr(out, i ? ",[" : "[");
		json_add_str(out, l->runs[i].path);
		buf_add_char(out, ',');
		json_add_str(out, str_of(starters[l->runs[i].by]));
		buf_add_char(out, ',');
		add_strings(out, l->runs[i].words, l->runs[i].nwords);
		buf_add_char(out, ']');
	}
	buf_add_char(out, ']');
}

void layer_report_to_json(const struct layer_report *l, struct buf *out)
{
	bool first = true;

	artifact_report_to_json(&l->found, true, out);
	buf_add_cstr(out, "\n{");
	json_add_key(out, &first, "version");
	buf_add_u64(out, VERSION);
	json_add_key(out, &first, "diff_id");
	json_add_str(out, l->diff_id);
	json_add_key(out, &first, "unpacked_size");
	buf_add_u64(out, l->unpacked_size);
	json_add_key(out, &first, "nfiles");
	buf_add_u64(out, l->nfiles);
	json_add_key(out, &first, "is_partial");
	buf_add_cstr(out, l->is_partial ? "true" : "false");
	json_add_key(out, &first, "whiteouts");
	add_strings(out, l->whiteouts, l->nwhiteouts);
	json_add_key(out, &first, "opaques");
	add_strings(out, l->opaques, l->nopaques);
	json_add_key(out, &first, "links");
	add_links(out, l);
	json_add_key(out, &first, "runs");
	add_runs(out, l);
	add_hashes(out, &first, "dirs", l->dirs, l->ndirs);
	add_hashes(out, &first, "paths", l->paths, l->npaths);
	buf_add_cstr(out, "}\n");
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reader {
	struct arena *a;
	struct err *e;
};

static int wrong(struct reader *r, const char *what)
{
	return err_set(r->e, EBADMSG, "the layer's report is damaged: its %s", what);
}

static int no_memory(struct reader *r)
{
	return err_set(r->e, ENOMEM, "no memory left for the layer's report");
}

static int read_string(struct reader *r, const json_t *j, const char *what, struct str *ret)
{
	if (!json_is_string(j))
		return wrong(r, what);
	*ret = arena_str(r->a, str_make(json_string_value(j), json_string_length(j)));
	return ret->s ? 0 : no_memory(r);
}

static int read_u64(struct reader *r, const json_t *j, const char *what, uint64_t *ret)
{
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return wrong(r, what);
	*ret = (uint64_t)json_integer_value(j);
	return 0;
}

static int read_strings(
	struct reader *r, const json_t *j, const char *what, const struct str **ret, size_t *n)
{
	if (!json_is_array(j) || json_array_size(j) > ITEMS_MAX)
		return wrong(r, what);
	*n = json_array_size(j);
	struct str *s = arena_array(r->a, struct str, *n + 1);
	int e = s ? 0 : no_memory(r);

	for (size_t i = 0; e == 0 && i < *n; i++)
		e = read_string(r, json_array_get(j, i), what, &s[i]);
	*ret = s;
	return e;
}

static bool read_digits(const char *s, uint64_t *ret)
{
	*ret = 0;
	for (unsigned i = 0; i < HASH_DIGITS; i++) {
		char c = s[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
		*ret = *ret << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

/* Sorted, each once: layer_has_path() searches them by halves. */
static int read_hashes(
	struct reader *r, const json_t *j, const char *what, const uint64_t **ret, size_t *n)
{
	size_t len = json_string_length(j);

	if (!json_is_string(j) || len % HASH_DIGITS)
		return wrong(r, what);
	*n = len / HASH_DIGITS;
	uint64_t *h = arena_raw(r->a, *n * sizeof(*h) + 1);

	if (!h)
		return no_memory(r);
	for (size_t i = 0; i < *n; i++)
		if (!read_digits(json_string_value(j) + i * HASH_DIGITS, &h[i]) ||
			(i && h[i - 1] >= h[i]))
			return wrong(r, what);
	*ret = h;
	return 0;
}

static int read_links(struct reader *r, const json_t *j, struct layer_report *ret)
{
	const struct str *s;
	size_t n;
	int e = read_strings(r, j, "links", &s, &n);

	if (e < 0)
		return e;
	struct layer_link *links = n % 2 ? NULL : arena_array(r->a, struct layer_link, n / 2 + 1);

	if (!links)
		return n % 2 ? wrong(r, "links") : no_memory(r);
	for (size_t i = 0; i < n / 2; i++)
		links[i] = (struct layer_link){s[2 * i], s[2 * i + 1]};
	ret->links = links;
	ret->nlinks = n / 2;
	return 0;
}

static int find_starter(const char *name)
{
	for (int i = 0; name && i < STARTER_COUNT; i++)
		if (strcmp(name, starters[i]) == 0)
			return i;
	return -1;
}

static int read_run(struct reader *r, const json_t *j, struct layer_runs *ret)
{
	int by = find_starter(json_string_value(json_array_get(j, 1)));

	if (by < 0)
		return wrong(r, "runs");
	ret->by = (enum layer_starter)by;
	int e = read_string(r, json_array_get(j, 0), "runs", &ret->path);
	return e < 0 ? e : read_strings(r, json_array_get(j, 2), "runs", &ret->words, &ret->nwords);
}

static int read_runs(struct reader *r, const json_t *j, struct layer_report *ret)
{
	size_t n = json_array_size(j);

	if (!json_is_array(j) || n > ITEMS_MAX)
		return wrong(r, "runs");
	struct layer_runs *runs = arena_array(r->a, struct layer_runs, n + 1);
	int e = runs ? 0 : no_memory(r);

	for (size_t i = 0; e == 0 && i < n; i++)
		e = read_run(r, json_array_get(j, i), &runs[i]);
	ret->runs = runs;
	ret->nruns = n;
	return e;
}

static int read_facts(struct reader *r, const json_t *j, struct layer_report *ret)
{
	uint64_t version = 0;
	int e = read_u64(r, json_object_get(j, "version"), "version", &version);

	if (e == 0 && version != VERSION)
		e = wrong(r, "version is another one");
	if (e == 0)
		e = read_string(r, json_object_get(j, "diff_id"), "diff_id", &ret->diff_id);
	if (e == 0)
		e = read_u64(r, json_object_get(j, "unpacked_size"), "size", &ret->unpacked_size);
	if (e == 0)
		e = read_u64(r, json_object_get(j, "nfiles"), "nfiles", &ret->nfiles);
	ret->is_partial = json_is_true(json_object_get(j, "is_partial"));
	if (e == 0)
		e = read_strings(r, json_object_get(j, "whiteouts"), "whiteouts", &ret->whiteouts,
			&ret->nwhiteouts);
	if (e == 0)
		e = read_strings(
			r, json_object_get(j, "opaques"), "opaques", &ret->opaques, &ret->nopaques);
	if (e == 0)
		e = read_links(r, json_object_get(j, "links"), ret);
	if (e == 0)
		e = read_runs(r, json_object_get(j, "runs"), ret);
	if (e == 0)
		e = read_hashes(r, json_object_get(j, "dirs"), "dirs", &ret->dirs, &ret->ndirs);
	if (e == 0)
		e = read_hashes(r, json_object_get(j, "paths"), "paths", &ret->paths, &ret->npaths);
	return e;
}

int layer_report_from_json(
	struct str text, struct arena *a, struct layer_report *ret, struct err *e)
{
	struct reader r = {a, e};
	struct str first = text.len <= LAYER_REPORT_MAX ? str_cut(&text, '\n') : STR_NULL;

	*ret = (struct layer_report){0};
	if (!first.len)
		return wrong(&r, "first line");
	int x = artifact_report_from_json(first, a, &ret->found, e);
	if (x < 0)
		return x;
	json_t *j = json_loadb(text.s ? text.s : "", text.len, JSON_REJECT_DUPLICATES, NULL);

	x = j ? read_facts(&r, j, ret) : wrong(&r, "second line");
	json_decref(j);
	return x;
}

/* ---- asking --------------------------------------------------------------------------------- */

static bool has(const uint64_t *h, size_t n, uint64_t hash)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (h[mid] == hash)
			return true;
		if (h[mid] < hash)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

bool layer_has_path(const struct layer_report *l, uint64_t hash)
{
	return has(l->paths, l->npaths, hash);
}

bool layer_has_dir(const struct layer_report *l, uint64_t hash)
{
	return has(l->dirs, l->ndirs, hash);
}
