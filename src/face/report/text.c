/* SPDX-License-Identifier: Apache-2.0 */
/* Text on a terminal: colours, and paragraphs that fit it. */
#include "base/grid.h"
#include "face/report/report_private.h"

static const char *const codes[] = {[COLOUR_NONE] = "",
	[COLOUR_RED] = "31",
	[COLOUR_YELLOW] = "33",
	[COLOUR_GREEN] = "32",
	[COLOUR_BLUE] = "34",
	[COLOUR_DIM] = "2",
	[COLOUR_BOLD] = "1"};

void text_add_coloured(
	const struct report_style *s, enum report_colour c, struct str text, struct buf *out)
{
	bool is_plain = !s->colour || c == COLOUR_NONE;

	if (!is_plain)
		buf_printf(out, "\033[%sm", codes[c]);
	text_add_visible(out, text);
	if (!is_plain)
		buf_add_cstr(out, "\033[0m");
}

static void add_blanks(unsigned n, struct buf *out)
{
	for (unsigned i = 0; i < n; i++)
		buf_add_char(out, ' ');
}

enum { LEAST_COLUMNS = 20 };

void text_add_wrapped(const struct report_style *s, enum report_colour c, unsigned indent,
	struct str text, struct buf *out)
{
	int room = !s->columns                           ? INT32_MAX
		   : s->columns > indent + LEAST_COLUMNS ? (int)(s->columns - indent)
							 : LEAST_COLUMNS;
	int used = 0;

	while (text.len) {
		struct str word = str_cut(&text, ' ');

		for (bool begun = false; word.len; begun = true) {
			/* a word that is longer than a line is broken where the line ends */
			struct str part = text_head(word, room);

			part = part.len ? part : word;
			int width = text_width(part);
			if (used && (begun || used + 1 + width > room)) {
				buf_add_char(out, '\n');
				add_blanks(indent, out);
				used = 0;
			}
			if (used) {
				buf_add_char(out, ' ');
				used++;
			}
			text_add_coloured(s, c, part, out);
			used += width;
			word = str_skip(word, part.len);
		}
	}
	buf_add_char(out, '\n');
}

enum report_colour text_severity_colour(enum artifact_severity v)
{
	return v <= ARTIFACT_HIGH     ? COLOUR_RED
	       : v == ARTIFACT_MEDIUM ? COLOUR_YELLOW
	       : v == ARTIFACT_LOW    ? COLOUR_BLUE
				      : COLOUR_DIM;
}

enum report_colour text_verdict_colour(enum artifact_verdict v)
{
	return v <= VERDICT_SUSPICIOUS                      ? COLOUR_RED
	       : v == VERDICT_RISKY || v == VERDICT_UNKNOWN ? COLOUR_YELLOW
							    : COLOUR_GREEN;
}
