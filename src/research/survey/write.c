/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a survey for people (with bars), as JSON, and as CSV (RFC 4180). */
#include <errno.h>

#include "base/grid.h"
#include "base/json.h"
#include "research/survey/survey.h"

enum { ROWS_SHOWN = 20, BAR_EIGHTHS = 8, BAR_COLUMNS = 20, NAME_COLUMNS = 44, NARROW = 100 };

/* ---- for people --------------------------------------------------------------------------- */

/* A share as a bar of 20 columns, in eighths of a column. */
static void add_bar(double share, struct buf *out)
{
	static const char *const eighths[BAR_EIGHTHS] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	unsigned n = (unsigned)(share * BAR_COLUMNS * BAR_EIGHTHS + 0.5);

	for (; n >= BAR_EIGHTHS; n -= BAR_EIGHTHS)
		buf_add_cstr(out, "█");
	buf_add_cstr(out, eighths[n]);
}

static void add_cell(struct grid *g, struct buf *text)
{
	grid_add(g, buf_str(text));
	buf_clear(text);
}

static void add_row(
	struct grid *g, const struct survey_row *r, bool labels, bool bar, struct buf *text)
{
	text_add_visible(text, text_head(r->name, NAME_COLUMNS));
	if (text_width(r->name) > NAME_COLUMNS)
		buf_add_cstr(text, "…");
	add_cell(g, text);
	buf_add_u64(text, r->images);
	add_cell(g, text);
	buf_printf(text, "%.1f %%", 100 * r->share);
	add_cell(g, text);
	buf_printf(text, "%.1f–%.1f", 100 * r->low, 100 * r->high);
	add_cell(g, text);
	if (labels) {
		buf_printf(text, "%.1f %%", 100 * r->label_share);
		add_cell(g, text);
	}
	if (bar) {
		add_bar(r->share, text);
		add_cell(g, text);
	}
}

static void add_table(const struct survey_table *t, unsigned columns, bool colour, struct buf *out)
{
	bool labels = t->nrows && t->rows[0].label_share > 0;
	bool bar = !columns || columns >= NARROW;
	struct grid_column heads[6] = {{.name = str_of(t->name)},
		{.name = STR("IMAGES"), .right = true}, {.name = STR("SHARE"), .right = true},
		{.name = STR("95 %"), .right = true}};
	size_t n = 4, shown = t->nrows < ROWS_SHOWN ? t->nrows : ROWS_SHOWN;
	struct buf text = BUF_INIT(4096);
	struct grid g;

	if (labels)
		heads[n++] = (struct grid_column){.name = STR("OF LABELS"), .right = true};
	if (bar)
		heads[n++] = (struct grid_column){.name = STR("")};
	buf_printf(out, "\n%s%s%s (shares are %s: %llu)\n", colour ? "\033[1m" : "", t->title,
		colour ? "\033[0m" : "", t->of, (unsigned long long)t->base);
	grid_init(&g, heads, n);
	g.max_width = (int)columns;
	for (size_t i = 0; i < shown; i++)
		add_row(&g, &t->rows[i], labels, bar, &text);
	grid_print(&g, out);
	grid_done(&g);
	buf_done(&text);
	if (t->nrows + t->more > shown)
		buf_printf(out, "and %llu more; --format json has them\n",
			(unsigned long long)(t->nrows + t->more - shown));
}

static void write_tables(
	const struct survey_stats *st, unsigned columns, bool colour, struct buf *out)
{
	const struct survey_counts *c = &st->counts;
	double low, high;

	survey_interval(c->malicious, c->images, &low, &high);
	buf_printf(out,
		"%llu different images under %llu names; %llu names wait, %llu could not be "
		"scanned\n",
		(unsigned long long)c->images, (unsigned long long)c->done,
		(unsigned long long)(c->waiting + c->taken), (unsigned long long)c->failed);
	if (c->images)
		buf_printf(out,
			"malicious: %llu, %.2f %% (95 %%: %.2f–%.2f); flagged: %llu images with "
			"%llu "
			"labels\n",
			(unsigned long long)c->malicious,
			100 * (double)c->malicious / (double)c->images, 100 * low, 100 * high,
			(unsigned long long)st->flagged, (unsigned long long)st->labels);
	for (size_t i = 0; i < st->ntables; i++)
		if (st->tables[i].nrows)
			add_table(&st->tables[i], columns, colour, out);
}

/* ---- for programs ------------------------------------------------------------------------- */

static void add_number(struct buf *out, bool *first, const char *key, uint64_t v)
{
	json_add_key(out, first, key);
	buf_add_u64(out, v);
}

static void add_share(struct buf *out, bool *first, const char *key, double v)
{
	json_add_key(out, first, key);
	buf_printf(out, "%.6f", v);
}

static void add_json_row(const struct survey_row *r, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	json_add_key(out, &first, "name");
	json_add_str(out, r->name);
	add_number(out, &first, "images", r->images);
	add_share(out, &first, "share", r->share);
	add_share(out, &first, "low", r->low);
	add_share(out, &first, "high", r->high);
	if (r->label_share > 0)
		add_share(out, &first, "label_share", r->label_share);
	buf_add_char(out, '}');
}

static void add_json_table(const struct survey_table *t, struct buf *out)
{
	bool first = true;

	buf_add_char(out, '{');
	json_add_key(out, &first, "title");
	json_add_str(out, str_of(t->title));
	json_add_key(out, &first, "of");
	json_add_str(out, str_of(t->of));
	add_number(out, &first, "base", t->base);
	add_number(out, &first, "more", t->more);
	json_add_key(out, &first, "rows");
	buf_add_char(out, '[');
	for (size_t i = 0; i < t->nrows; i++) {
		if (i)
			buf_add_char(out, ',');
		add_json_row(&t->rows[i], out);
	}
	buf_add_cstr(out, "]}");
}

static void write_json(
	const struct survey_stats *st, unsigned columns, bool colour, struct buf *out)
{
	bool first = true, first_table = true;

	buf_add_char(out, '{');
	add_number(out, &first, "images", st->counts.images);
	add_number(out, &first, "names", st->counts.done);
	add_number(out, &first, "waiting", st->counts.waiting + st->counts.taken);
	add_number(out, &first, "failed", st->counts.failed);
	add_number(out, &first, "malicious", st->counts.malicious);
	add_number(out, &first, "suspicious", st->counts.suspicious);
	add_number(out, &first, "flagged", st->flagged);
	add_number(out, &first, "labels", st->labels);
	json_add_key(out, &first, "tables");
	buf_add_char(out, '{');
	for (size_t i = 0; i < st->ntables; i++) {
		json_add_key(out, &first_table, st->tables[i].name);
		add_json_table(&st->tables[i], out);
	}
	buf_add_cstr(out, "}}\n");
}

/* Quoted always; a name that a spreadsheet would take for a formula gets a blank in front. */
static void add_csv(struct str text, struct buf *out)
{
	buf_add_char(out, '"');
	if (text.len && strchr("=+-@\t\r", text.s[0]))
		buf_add_char(out, ' ');
	for (size_t i = 0; i < text.len; i++) {
		if (text.s[i] == '"')
			buf_add_char(out, '"');
		buf_add_char(out, text.s[i]);
	}
	buf_add_char(out, '"');
}

static void write_csv(const struct survey_stats *st, unsigned columns, bool colour, struct buf *out)
{
	buf_add_cstr(out, "table,name,images,base,share,low,high,label_share\r\n");
	for (size_t i = 0; i < st->ntables; i++) {
		const struct survey_table *t = &st->tables[i];

		for (size_t k = 0; k < t->nrows; k++) {
			const struct survey_row *r = &t->rows[k];

			buf_printf(out, "%s,", t->name);
			add_csv(r->name, out);
			buf_printf(out, ",%llu,%llu,%.6f,%.6f,%.6f,", (unsigned long long)r->images,
				(unsigned long long)t->base, r->share, r->low, r->high);
			if (r->label_share > 0)
				buf_printf(out, "%.6f", r->label_share);
			buf_add_cstr(out, "\r\n");
		}
	}
}

static const struct {
	const char *name;
	void (*write)(
		const struct survey_stats *st, unsigned columns, bool colour, struct buf *out);
} forms[] = {{"table", write_tables}, {"json", write_json}, {"csv", write_csv}};

int survey_write(const struct survey_stats *st, const char *form, unsigned columns, bool colour,
	struct buf *out, struct err *e)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (strcmp(forms[i].name, form) != 0)
			continue;
		forms[i].write(st, columns, colour, out);
		return 0;
	}
	return err_set(e, EINVAL, "no form '%s' of a survey; there are: table, json, csv", form);
}
