/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `koban read --top`: a table from one line of text. The text becomes a spec of table.c; nothing is
 * grouped here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "face/chisel/private.h"

enum { N_DEFAULT = 20, N_MAX = 1000000, EVERY_MAX_S = 86400 };

enum clause { CLAUSE_KEY, CLAUSE_VALUE, CLAUSE_FILTER, CLAUSE_N, CLAUSE_SORT, CLAUSE_EVERY };
static const char *const clause_words[] = {"key", "value", "filter", "n", "sort", "every", NULL};

struct top {
	struct str text; /* all of it, for places */
	struct group_columns columns;
	struct str filter, sort;
	size_t n;
	uint64_t every_ns;
	bool seen[CLAUSE_EVERY + 1];
	uint64_t codes[(EVENT_CODE_MAX + 63) / 64]; /* that the filter can be true for */
	struct err *e;
};

/* The text with a mark under the place, as conditions have it. */
static int wrong(struct top *t, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int wrong(struct top *t, const char *at, const char *fmt, ...)
{
	struct filter_error fe = {.pos = {.line = 1}};
	va_list ap;

	fe.pos.offset = at >= t->text.s ? (uint32_t)(at - t->text.s) : 0;
	fe.pos.column = fe.pos.offset + 1;
	va_start(ap, fmt);
	vsnprintf(fe.msg, sizeof(fe.msg), fmt, ap);
	va_end(ap);
	return event_filter_syntax_error("--top", t->text, &fe, t->e);
}

/* ---- words ---------------------------------------------------------------------------------- */

/* Up to the next comma outside of brackets and quotes. */
static struct str next_piece(struct str *rest)
{
	unsigned depth = 0;
	char quote = 0;
	size_t i = 0;

	for (; i < rest->len; i++) {
		char c = rest->s[i];

		if (quote) {
			if (c == '\\' && i + 1 < rest->len)
				i++;
			else if (c == quote)
				quote = 0;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '(' || c == '[') {
			depth++;
		} else if ((c == ')' || c == ']') && depth) {
			depth--;
		} else if (c == ',' && !depth) {
			break;
		}
	}
	struct str piece = str_head(*rest, i);
	*rest = i < rest->len ? str_skip(*rest, i + 1) : STR_NULL;
	return piece;
}

static int word_index(const char *const *words, struct str word)
{
	for (int i = 0; words[i]; i++)
		if (str_is(word, words[i]))
			return i;
	return -1;
}

/* "word=" in front of a piece: its clause; -1 = none, and what was meant in *near. */
static int clause_of(struct str piece, struct str *ret_word)
{
	ptrdiff_t at = str_find_char(piece, '=');

	*ret_word = at < 0 ? STR_NULL : str_trim(str_head(piece, (size_t)at));
	return at < 0 ? -1 : word_index(clause_words, *ret_word);
}

/* ---- columns -------------------------------------------------------------------------------- */

/* in the order of the enumerations */
static const char *const agg_words[] = {
	"key", "sum", "rate", "avg", "min", "max", "count", "last", "distinct", NULL};
static const char *const unit_words[] = {"plain", "bytes", "time", "percent", NULL};

/* The unit that goes without saying. */
static enum group_unit unit_of(struct str field)
{
	const struct field_def *def = field_set_find(&field_set_syscall, field);

	if (def && def->type == VT_RELTIME)
		return GROUP_TIME;
	return str_starts(field, STR("evt.buflen")) ? GROUP_BYTES : GROUP_PLAIN;
}

/* What is added up by itself is numbers; of anything else there is a last value. */
static enum group_agg agg_of(struct str field)
{
	const struct field_def *def = field_set_find(&field_set_syscall, field);

	if (!def || def->type == VT_STR || def->type == VT_PATH || def->type == VT_BYTES ||
		def->type == VT_IP || def->type == VT_NET || def->type == VT_ABSTIME)
		return GROUP_LAST;
	return GROUP_SUM;
}

/* ":sum:bytes" behind a field. */
static int read_suffixes(struct top *t, struct str rest, struct group_column *c)
{
	bool has_agg = false;

	while (rest.len) {
		struct str word = str_cut(&rest, ':');
		int agg = word_index(agg_words, word), unit = word_index(unit_words, word);

		if (agg > GROUP_KEY && !has_agg) {
			c->agg = (enum group_agg)agg;
			has_agg = true;
		} else if (unit >= 0) {
			c->unit = (enum group_unit)unit;
		} else {
			return wrong(t, word.s,
				"\"%.*s\" is no aggregate (sum, rate, avg, min, max, count, last, "
				"distinct) "
				"and no "
				"unit (plain, bytes, time, percent)",
				STR_ARG(word));
		}
	}
	return 0;
}

static int try_column(struct top *t, struct str at, struct group_column *c)
{
	struct group_spec spec = {.columns = c, .ncolumns = 1, .sort_column = -1};
	struct group_table *g = NULL;
	struct err why = {0};

	if (group_new(&spec, &g, &why) < 0)
		return wrong(t, at.s, "%s", why.msg);
	group_free(g);
	return 0;
}

static int add_column(struct top *t, struct str text, bool is_key)
{
	struct str item = str_trim(text), rest = item;
	struct group_column c = {.name = item, .agg = GROUP_KEY};

	if (!item.len)
		return wrong(t, text.s, "a field is missing");
	if (t->columns.n == GROUP_COLUMNS_MAX)
		return wrong(t, item.s, "more than %d columns", GROUP_COLUMNS_MAX);
	c.field = is_key ? item : str_cut(&rest, ':');
	if (!is_key) {
		if (str_is(c.field, "count")) /* of events */
			c.field = STR("evt.count");
		c.agg = agg_of(c.field);
		c.unit = unit_of(c.field);
		if (read_suffixes(t, rest, &c) < 0)
			return -EINVAL;
		if ((c.agg == GROUP_COUNT || c.agg == GROUP_DISTINCT) && c.unit != GROUP_PLAIN)
			c.unit = GROUP_PLAIN;
	}
	if (try_column(t, item, &c) < 0)
		return -EINVAL;
	t->columns.nkeys += is_key;
	t->columns.columns[t->columns.n++] = c;
	return 0;
}

/* ---- clauses -------------------------------------------------------------------------------- */

static int read_number(struct top *t, struct str text, uint64_t max, uint64_t *ret)
{
	struct str word = str_trim(text);

	if (!str_to_u64(word, 10, ret) || !*ret || *ret > max)
		return wrong(t, word.s ? word.s : text.s, "this must be a number from 1 to %llu",
			(unsigned long long)max);
	return 0;
}

static int read_filter(struct top *t, struct str text)
{
	struct event_filter *f = NULL;
	struct err why = {0};

	t->filter = str_trim(text);
	if (!t->filter.len)
		return wrong(t, text.s, "the condition is missing");
	if (event_filter_open(t->filter, "--top filter", &f, &why) < 0)
		return err_set(t->e, EINVAL, "%s", why.msg);
	memcpy(t->codes, event_filter_codes(f), sizeof(t->codes));
	event_filter_close(f);
	return 0;
}

static int read_piece(struct top *t, enum clause clause, struct str text)
{
	uint64_t n = 0;
	int r = 0;

	switch (clause) {
	case CLAUSE_KEY:
	case CLAUSE_VALUE:
		return add_column(t, text, clause == CLAUSE_KEY);
	case CLAUSE_FILTER:
		return read_filter(t, text);
	case CLAUSE_N:
		r = read_number(t, text, N_MAX, &n);
		t->n = (size_t)n;
		return r;
	case CLAUSE_EVERY:
		r = read_number(t, text, EVERY_MAX_S, &n);
		t->every_ns = n * NSEC_PER_SEC;
		return r;
	case CLAUSE_SORT:
		t->sort = str_trim(text);
		return 0;
	}
	return 0;
}

static int unknown_clause(struct top *t, struct str piece, struct str word)
{
	const char *near = NULL;

	for (size_t i = 0; clause_words[i]; i++)
		if (str_distance(word, str_of(clause_words[i]), 2) <= 2)
			near = clause_words[i];
	return wrong(t, piece.s,
		"expected key=, value=, filter=, n=, sort= or every=, not \"%.*s\"%s%s%s",
		STR_ARG(word.s ? word : piece), near ? "; did you mean " : "", near ? near : "",
		near ? "=?" : "");
}

static int read_clauses(struct top *t)
{
	struct str rest = t->text;
	int clause = -1, r = 0;

	while (r == 0 && rest.s) {
		struct str piece = next_piece(&rest), word;
		int next = clause_of(piece, &word);
		bool goes_on = clause == CLAUSE_KEY || clause == CLAUSE_VALUE;

		if (next < 0 && (!goes_on || word.s))
			return unknown_clause(t, piece, word);
		if (next >= 0) {
			if (t->seen[next])
				return wrong(t, piece.s,
					"%s= stands here twice; its fields may "
					"be separated by commas",
					clause_words[next]);
			t->seen[next] = true;
			clause = next;
			piece = str_skip(piece, (size_t)str_find_char(piece, '=') + 1);
		}
		r = read_piece(t, (enum clause)clause, piece);
	}
	return r;
}

/* "evt.latency:max:asc": a column as it was written, and a direction. */
static int find_sort(struct top *t)
{
	struct str name = t->sort;

	if (!name.len)
		return 0;
	if (str_ends(name, STR(":asc")) || str_ends(name, STR(":desc"))) {
		t->columns.ascending = str_ends(name, STR(":asc"));
		name = str_head(name, (size_t)str_rfind_char(name, ':'));
	}
	for (size_t i = 0; i < t->columns.n; i++)
		if (str_eq(t->columns.columns[i].name, name) ||
			(t->columns.sort < 0 && str_eq(t->columns.columns[i].field, name)))
			t->columns.sort = (int)i;
	if (t->columns.sort < 0)
		return wrong(t, t->sort.s, "\"%.*s\" is none of the columns", STR_ARG(name));
	return 0;
}

/* Without a value events are counted. */
static int parse(struct top *t)
{
	int r = read_clauses(t);

	if (r == 0 && !t->columns.nkeys)
		r = wrong(t, t->text.s, "key= is missing: which field tells rows apart?");
	if (r == 0 && !t->seen[CLAUSE_VALUE])
		r = add_column(t, STR("count"), false);
	return r < 0 ? r : find_sort(t);
}

/* ---- the chisel ----------------------------------------------------------------------------- */

static const struct chisel_info info = {.name = STR("--top"), .kind = STR("table")};

static int open_top(struct chisel *c, struct str text, struct err *e)
{
	struct group_column columns[GROUP_COLUMNS_MAX];
	bool hidden[GROUP_COLUMNS_MAX] = {0};
	struct top t = {
		.text = text,
		.columns = {.columns = columns, .hidden = hidden, .sort = -1},
		.n = N_DEFAULT,
		.e = e,
	};
	int r = parse(&t);

	if (r < 0)
		return r;
	struct table_spec spec = {
		.columns = t.columns,
		.filter = t.filter,
		.top = t.n,
		.every_ns = t.every_ns,
	};
	r = table_open(c, &spec, e);
	if (r == 0 && t.filter.len)
		table_set_codes(c, t.codes);
	return r;
}

int chisel_open_top(
	struct str text, const struct chisel_env *env, struct chisel **ret, struct err *e)
{
	struct chisel *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	c->ops = chisel_kind_find(info.kind);
	c->info = &info;
	c->env = env;
	int r = open_top(c, text, e);
	if (r < 0) {
		chisel_close(c);
		return r;
	}
	chisel_opened(c);
	*ret = c;
	return 0;
}
