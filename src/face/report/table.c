/* SPDX-License-Identifier: Apache-2.0 */
/* The report for people: verdict first, then findings, then what the image is and what was read. */
#include <inttypes.h>

#include "base/grid.h"
#include "face/report/report_private.h"

enum { TEXT_MAX = 64 << 10, INDENT = 9, GAPS_SHOWN = 10 };

/* A label in the margin, a paragraph beside it. */
static void add_paragraph(const struct report_style *s, const char *name, enum report_colour c,
	struct str text, struct buf *out)
{
	text_add_coloured(s, COLOUR_DIM, str_of(name), out);
	for (size_t n = strlen(name); n < INDENT; n++)
		buf_add_char(out, ' ');
	text_add_wrapped(s, c, INDENT, text, out);
}

static void add_image(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	const struct artifact_image *i = &r->image;
	struct buf text = BUF_INIT(TEXT_MAX);
	uint64_t size = 0;

	for (size_t n = 0; n < i->nlayers; n++)
		size += i->layers[n].size;
	text_add_coloured(s, COLOUR_BOLD, i->ref, out);
	buf_add_char(out, '\n');
	if (i->digest.len) {
		buf_add(&text, i->digest);
		add_paragraph(s, "digest", COLOUR_NONE, buf_str(&text), out);
		buf_clear(&text);
	}
	buf_add(&text, i->platform);
	buf_add_cstr(&text, i->platform.len ? ", " : "");
	report_add_count(i->nlayers, &text);
	buf_add_cstr(&text, i->nlayers == 1 ? " layer" : " layers");
	if (size) {
		buf_add_cstr(&text, ", ");
		report_add_bytes(size, &text);
	}
	add_paragraph(s, "image", COLOUR_NONE, buf_str(&text), out);
	buf_done(&text);
}

static void add_verdict(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	buf_printf(&text, "%s: %.*s", artifact_verdict_name(r->verdict), STR_ARG(r->reason));
	add_paragraph(s, "verdict", text_verdict_colour(r->verdict), buf_str(&text), out);
	buf_clear(&text);
	for (int i = 0; i < LABEL_COUNT; i++)
		if (r->labels >> i & 1)
			buf_printf(&text, "%s%s", text.len ? ", " : "",
				artifact_label_name((enum artifact_label)i));
	if (text.len)
		add_paragraph(s, "labels", COLOUR_NONE, buf_str(&text), out);
	buf_done(&text);
}

static void add_finding(
	const struct artifact_finding *f, const struct report_style *s, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	const char *severity = artifact_severity_name(f->severity);
	char id[17];

	text_add_coloured(s, text_severity_colour(f->severity), str_of(severity), out);
	for (size_t n = strlen(severity); n < INDENT; n++)
		buf_add_char(out, ' ');
	text_add_wrapped(s, COLOUR_NONE, INDENT, f->title, out);
	report_finding_id(f, id);
	report_add_place(f, &text);
	buf_add_cstr(out, "         ");
	text_add_wrapped(s, COLOUR_BOLD, INDENT, buf_str(&text), out);
	buf_clear(&text);
	report_add_details(f, &text);
	if (text.len) {
		buf_add_cstr(out, "         ");
		text_add_wrapped(s, COLOUR_NONE, INDENT, buf_str(&text), out);
	}
	buf_clear(&text);
	buf_printf(&text, "%.*s, %s", STR_ARG(f->check), id);
	buf_add_cstr(out, "         ");
	text_add_wrapped(s, COLOUR_DIM, INDENT, buf_str(&text), out);
	buf_done(&text);
}

static void add_findings(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	size_t hidden = report_hidden(r, s);

	for (size_t i = 0; i < r->nfindings; i++) {
		if (!report_shows(s, &r->findings[i]))
			continue;
		buf_add_char(out, '\n');
		add_finding(&r->findings[i], s, out);
	}
	if (hidden)
		buf_printf(out, "\n%zu more %s notes or ignored; --all shows %s.\n", hidden,
			hidden == 1 ? "is" : "are", hidden == 1 ? "it" : "them");
}

static void add_gaps(
	const struct artifact_coverage *c, const struct report_style *s, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	size_t shown = s->all || c->ngaps <= GAPS_SHOWN ? c->ngaps : GAPS_SHOWN;

	for (size_t i = 0; i < shown; i++) {
		const struct artifact_gap *g = &c->gaps[i];

		buf_clear(&text);
		buf_add(&text, g->what);
		if (g->count > 1) {
			buf_add_cstr(&text, " and ");
			report_add_count(g->count - 1, &text);
			buf_add_cstr(&text, " more");
		}
		buf_printf(&text, ": %.*s", STR_ARG(g->why));
		add_paragraph(s, i ? "" : "not read", g->is_serious ? COLOUR_YELLOW : COLOUR_NONE,
			buf_str(&text), out);
	}
	if (shown < c->ngaps)
		buf_printf(out, "         and %zu other reasons; --all shows them\n",
			c->ngaps - shown);
	buf_done(&text);
}

static void add_coverage(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	const struct artifact_coverage *c = &r->coverage;
	struct buf text = BUF_INIT(TEXT_MAX);
	uint64_t cached = 0;

	for (size_t i = 0; i < r->image.nlayers; i++)
		cached += r->image.layers[i].from_cache;
	report_add_count(c->files, &text);
	buf_add_cstr(&text, c->files == 1 ? " file, " : " files, ");
	report_add_bytes(c->bytes, &text);
	if (c->archives) {
		buf_add_cstr(&text, ", ");
		report_add_count(c->archives, &text);
		buf_add_cstr(&text, c->archives == 1 ? " archive opened" : " archives opened");
	}
	if (cached)
		buf_printf(
			&text, "; %" PRIu64 " of %zu layers were known", cached, r->image.nlayers);
	add_paragraph(s, "read", COLOUR_NONE, buf_str(&text), out);
	buf_done(&text);
	add_gaps(c, s, out);
}

static void add_package_list(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	struct grid_column columns[] = {{.name = STR("PACKAGE")}, {.name = STR("VERSION")},
		{.name = STR("TYPE")}, {.name = STR("FROM")}};
	struct grid g;

	grid_init(&g, columns, sizeof(columns) / sizeof(*columns));
	g.max_width = (int)s->columns;
	for (size_t i = 0; i < r->npackages; i++) {
		const struct artifact_package *p = &r->packages[i];

		grid_add(&g, p->name);
		grid_add(&g, p->version);
		grid_add(&g, str_of(artifact_package_type_name(p->type)));
		grid_add(&g, p->path);
	}
	buf_add_char(out, '\n');
	grid_print(&g, out);
	grid_done(&g);
}

void report_write_table(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	add_image(r, s, out);
	report_add_distro(&r->distro, &text);
	if (text.len)
		add_paragraph(s, "system", r->distro.is_ended ? COLOUR_YELLOW : COLOUR_NONE,
			buf_str(&text), out);
	buf_clear(&text);
	report_add_packages(r, &text);
	add_paragraph(s, "packages", COLOUR_NONE, buf_str(&text), out);
	add_coverage(r, s, out);
	add_verdict(r, s, out);
	add_findings(r, s, out);
	if (s->all && r->npackages)
		add_package_list(r, s, out);
	buf_done(&text);
}
