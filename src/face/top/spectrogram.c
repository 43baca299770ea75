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

/* `each` slices from the n-th line on, as one. */
static struct slice line_of(const struct session *s, size_t from, size_t each)
{
	struct slice sum = {0};

	for (size_t i = from; i < from + each && i < s->nslices; i++)
		for (size_t k = 0; k < LATENCY_BUCKETS; k++)
			sum.count[k] += s->slices[i].count[k];
	return sum;
}

static unsigned hottest(const struct session *s, size_t each)
{
	unsigned max = 1;

	for (size_t i = 0; i < s->nslices; i += each) {
		struct slice line = line_of(s, i, each);

		for (size_t k = 0; k < LATENCY_BUCKETS; k++) {
			unsigned l = log2_of(line.count[k]);

			max = l > max ? l : max;
		}
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

static void draw_legend(const struct session *s, size_t each, struct canvas *c, int row)
{
	char text[120];
	struct buf b = {.s = text, .cap = sizeof(text), .max = sizeof(text) - 1};
	struct group_column time = {.unit = GROUP_TIME};
	struct value slice = {.type = VT_RELTIME, .u = s->slice_ns * each};
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
	size_t lines = height > 2 ? (size_t)height - 2 : 0, each = 1, skip = 0;

	if (!lines)
		return;
	/* live, the newest that fit; of a capture all of it */
	if (s->nslices > lines && s->is_live)
		skip = s->nslices - lines;
	else if (s->nslices > lines)
		each = (s->nslices + lines - 1) / lines;
	unsigned max = hottest(s, each);
	draw_axis(c, row, width);
	for (size_t i = 0; i < lines && skip + i * each < s->nslices; i++) {
		struct slice line = line_of(s, skip + i * each, each);

		draw_slice(&line, c, row + 1 + (int)i, width, max);
	}
	draw_legend(s, each, c, row + height - 1);
}
