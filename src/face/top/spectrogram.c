/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Latencies over time: a line is a slice of time, the newest at the bottom; to the right calls take
 * longer, by powers of two; the hotter a cell, the more calls, by their logarithm.
 */
#include "face/top/private.h"

static const char ramp[HEAT_LEVELS + 1] = " .:-=+*#%@";

static unsigned log2_of(uint64_t n)
{
	return n ? 64 - (unsigned)__builtin_clzll(n) : 0;
}

static unsigned hottest(const struct session *s)
{
	unsigned max = 1;

	for (size_t i = 0; i < s->nslices; i++)
		for (size_t k = 0; k < LATENCY_BUCKETS; k++) {
			unsigned l = log2_of(s->slices[i].count[k]);

			max = l > max ? l : max;
		}
	return max;
}

static void draw_axis(struct canvas *c, int row, int width)
{
	static const struct {
		unsigned bucket;
		const char *name;
	} marks[] = {{0, "|1ns"}, {10, "|1us"}, {17, "|100us"}, {20, "|1ms"}, {27, "|100ms"},
		{30, "|1s"}, {33, "|10s"}};

	canvas_fill(c, row, 0, c->columns, STYLE_HEADER);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		canvas_text(c, row, (int)marks[i].bucket * width, c->columns, STYLE_HEADER,
			str_of(marks[i].name));
}

static void draw_slice(
	const struct slice *slice, struct canvas *c, int row, int width, unsigned max)
{
	for (int k = 0; k < LATENCY_BUCKETS; k++) {
		unsigned l = log2_of(slice->count[k]);
		unsigned heat = l ? 1 + (l - 1) * (HEAT_LEVELS - 2) / (max > 1 ? max - 1 : 1) : 0;

		for (int i = 0; heat && i < width; i++)
			canvas_text(c, row, k * width + i, 1, STYLE_HEAT + heat,
				str_make(&ramp[heat], 1));
	}
}

static void draw_legend(const struct session *s, struct canvas *c, int row)
{
	char text[120];
	struct buf b = {.s = text, .cap = sizeof(text), .max = sizeof(text) - 1};
	struct group_column time = {.unit = GROUP_TIME};
	struct value slice = {.type = VT_RELTIME, .u = s->slice_ns};
	int at = canvas_text(c, row, 0, c->columns, STYLE_DIM, STR("calls: few "));

	for (unsigned i = 1; i < HEAT_LEVELS; i++)
		at = canvas_text(
			c, row, at, c->columns - at, STYLE_HEAT + i, str_make(&ramp[i], 1));
	text[0] = 0;
	buf_add_cstr(&b, " many   a line is ");
	group_value_format(&time, &slice, &b);
	buf_add_cstr(&b, "; the newest is below");
	canvas_text(c, row, at, c->columns - at, STYLE_DIM, buf_str(&b));
}

void spectrogram_draw(const struct session *s, struct canvas *c, int row, int height)
{
	int width = c->columns / LATENCY_BUCKETS > 0 ? c->columns / LATENCY_BUCKETS : 1;
	int lines = height - 2;
	unsigned max = hottest(s);
	size_t skip;

	if (lines < 1)
		return;
	/* the newest that fit; a capture is scrolled by what is selected */
	skip = s->nslices > (size_t)lines ? s->nslices - (size_t)lines : 0;
	if (!s->is_live && s->levels[s->depth].top < skip)
		skip = s->levels[s->depth].top;
	draw_axis(c, row, width);
	for (int i = 0; i < lines && skip + (size_t)i < s->nslices; i++)
		draw_slice(&s->slices[skip + (size_t)i], c, row + 1 + i, width, max);
	draw_legend(s, c, row + height - 1);
}
