/* SPDX-License-Identifier: Apache-2.0 */
/* GitHub-flavoured Markdown, for the summary of a CI job and for merge requests. */
#include "base/json.h"
#include "face/report/report_private.h"

enum { TEXT_MAX = 64 << 10 };

/* Nothing that a stranger named may become a link, an image, markup or a cell. */
static void add_plain(struct str text, struct buf *out)
{
	struct buf safe = BUF_INIT(TEXT_MAX);

	json_add_escaped(&safe, text);
	for (size_t i = 0; i < safe.len; i++) {
		char c = safe.s[i];

		if (c == '<')
			buf_add_cstr(out, "&lt;");
		else if (c == '&')
			buf_add_cstr(out, "&amp;");
		else if (strchr("\\`*_{}[]()#+!|~>@:", c)) {
			buf_add_char(out, '\\');
			buf_add_char(out, c);
		} else
			buf_add_char(out, c);
	}
	buf_done(&safe);
}

static void add_cell(struct buf *text, struct buf *out)
{
	add_plain(buf_str(text), out);
	buf_add_cstr(out, " | ");
	buf_clear(text);
}

static void add_finding(const struct artifact_finding *f, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	buf_printf(out, "| %s | ", artifact_severity_name(f->severity));
	buf_add(&text, f->title);
	add_cell(&text, out);
	report_add_place(f, &text);
	add_cell(&text, out);
	report_add_details(f, &text);
	add_cell(&text, out);
	buf_add(&text, f->check);
	add_plain(buf_str(&text), out);
	buf_add_cstr(out, " |\n");
	buf_done(&text);
}

static void add_findings(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	size_t hidden = report_hidden(r, s);

	if (hidden < r->nfindings)
		buf_add_cstr(out, "\n| severity | what | where | known | check |\n"
				  "| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < r->nfindings; i++)
		if (report_shows(s, &r->findings[i]))
			add_finding(&r->findings[i], out);
	if (hidden)
		buf_printf(out, "\n%zu more %s notes or ignored.\n", hidden,
			hidden == 1 ? "is" : "are");
}

static void add_gaps(const struct artifact_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->coverage.ngaps; i++) {
		const struct artifact_gap *g = &r->coverage.gaps[i];

		buf_add_cstr(out, i ? "- " : "\nNot read:\n\n- ");
		add_plain(g->what, out);
		if (g->count > 1)
			buf_printf(out, " and %llu more", (unsigned long long)g->count - 1);
		buf_add_cstr(out, ": ");
		add_plain(g->why, out);
		buf_add_char(out, '\n');
	}
}

void report_write_markdown(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	buf_add_cstr(out, "### ");
	add_plain(r->image.ref, out);
	buf_printf(out, "\n\n**%s**: ", artifact_verdict_name(r->verdict));
	add_plain(r->reason, out);
	buf_add_cstr(out, "\n\n");
	report_add_packages(r, &text);
	if (r->distro.id.len)
		buf_add_cstr(&text, "; ");
	report_add_distro(&r->distro, &text);
	buf_add_cstr(&text, "; ");
	report_add_count(r->coverage.files, &text);
	buf_add_cstr(&text, " files read.");
	add_plain(buf_str(&text), out);
	buf_add_char(out, '\n');
	add_findings(r, s, out);
	add_gaps(r, out);
	buf_done(&text);
}
