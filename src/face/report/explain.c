/* SPDX-License-Identifier: Apache-2.0 */
/* One finding with all that is known of it: `koban image explain`. */
#include "face/report/report_private.h"

enum { TEXT_MAX = 64 << 10, INDENT = 13 };

static void add_row(
	const struct report_style *s, const char *name, struct str text, struct buf *out)
{
	if (!text.len)
		return;
	text_add_coloured(s, COLOUR_DIM, str_of(name), out);
	for (size_t n = strlen(name); n < INDENT; n++)
		buf_add_char(out, ' ');
	text_add_wrapped(s, COLOUR_NONE, INDENT, text, out);
}

static void add_layer(const struct artifact_report *r, const struct artifact_finding *f,
	const struct report_style *s, struct buf *text, struct buf *out)
{
	if (f->place != PLACE_FILE || f->layer >= r->image.nlayers)
		return;
	const struct artifact_layer *l = &r->image.layers[f->layer];

	buf_clear(text);
	buf_printf(text, "%u of %zu, %.*s", f->layer + 1, r->image.nlayers,
		STR_ARG(l->digest.len ? l->digest : l->diff_id));
	add_row(s, "layer", buf_str(text), out);
	add_row(s, "made by", f->created_by.len ? f->created_by : l->created_by, out);
}

void report_explain(const struct artifact_report *r, const struct artifact_finding *f,
	const struct report_style *s, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	char id[17];

	text_add_wrapped(s, COLOUR_BOLD, 0, f->title, out);
	buf_add_char(out, '\n');
	report_finding_id(f, id);
	add_row(s, "id", str_of(id), out);
	add_row(s, "check", f->check, out);
	add_row(s, "image", r->image.ref, out);
	buf_printf(&text, "%s, sure to %u %%", artifact_severity_name(f->severity), f->confidence);
	add_row(s, "severity", buf_str(&text), out);
	add_row(s, "label", str_of(artifact_label_title(f->label)), out);
	buf_clear(&text);
	report_add_place(f, &text);
	if (f->offset)
		buf_printf(&text, ", at byte %llu", (unsigned long long)f->offset);
	add_row(s, "where", buf_str(&text), out);
	add_layer(r, f, s, &text, out);
	buf_clear(&text);
	report_add_details(f, &text);
	add_row(s, "known", buf_str(&text), out);
	add_row(s, "excerpt", f->excerpt, out);
	add_row(s, "what to do", f->mend, out);
	buf_clear(&text);
	buf_printf(&text, "%s  # the reason, until: YYYY-MM-DD", id);
	add_row(s, "to ignore", STR("put this line with your reason into .kobanignore:"), out);
	add_row(s, "", buf_str(&text), out);
	buf_done(&text);
}
