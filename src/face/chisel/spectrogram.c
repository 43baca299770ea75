/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kind "spectrogram": how often a field had which value, a line an interval, from cold to hot.
 * The line is as wide as the terminal; without colours characters stand for them. koban top has a
 * screen of its own for latencies; this one scrolls by, and goes into pipes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "face/chisel/private.h"

enum {
	BINS_MAX = 512,
	BINS_USUAL = 79, /* where there is no terminal */
	LEVELS = 10,
	DOUBLINGS_A_LEVEL = 2, /* of the count */
	LABEL_ROOM = 7,        /* columns of the axis */
	EMPTY_MAX = 3,         /* lines without events in a row; more are one mark */
	INTERVAL_MAX_MS = 3600000,
	LINE_BYTES = 64 << 10,
	SCRATCH_BYTES = 1 << 20
};

/* Green to red, of the terminal's 256 colours; and as characters. */
static const uint8_t palette[LEVELS] = {22, 28, 34, 40, 76, 148, 220, 214, 208, 196};
static const char marks[] = ".:-=+*o#%@";

enum scale { SCALE_LOG, SCALE_LINEAR };

struct spectrogram_chisel {
	struct chisel_file file;
	struct event_filter *filter;
	struct format *field;
	enum scale scale;
	double min, max;
	uint64_t interval_ns, start_ns;
	uint64_t counts[BINS_MAX];
	unsigned bins, empty;
	uint64_t total; /* in this interval */
	struct arena scratch;
	struct buf line;
	bool has_axis; /* below the last line, on a terminal */
};

/* ---- opening -------------------------------------------------------------------------------- */

static const char *const keys[] = {"field", "scale", "min", "max", "interval_ms", NULL};
static const char *const scales[] = {"log", "linear", NULL};

static int read_bound(struct chisel_file *f, const char *key, double *ret)
{
	const struct yaml_node *n = yaml_get(f->root, key);

	if (n && (n->kind != YAML_SCALAR || !str_to_double(n->text, ret) || !isfinite(*ret)))
		return yaml_mistake(&f->r, n, "\"%s\" must be a number", key);
	return 0;
}

static int read_field(struct spectrogram_chisel *s, struct str text)
{
	struct chisel_file *f = &s->file;
	struct filter_parse_options o = {.fields = &f->fields};
	struct filter_error fe = {0};
	struct str format = arena_printf(&f->arena, "%%%.*s", STR_ARG(text));

	if (format_compile(&f->arena, format, &o, &s->field, &fe) < 0)
		return yaml_mistake(&f->r, yaml_get(f->root, "field"), "the field: %s", fe.msg);
	return 0;
}

static int read_file(struct spectrogram_chisel *s)
{
	struct chisel_file *f = &s->file;
	struct str field = STR_NULL;
	unsigned scale = SCALE_LOG;
	int64_t ms = 500;

	s->min = 1;
	s->max = 1e11; /* 100 s */
	if (yaml_read_text(&f->r, f->root, "field", true, &field) < 0 ||
		yaml_read_word(&f->r, f->root, "scale", scales, &scale) < 0 ||
		read_bound(f, "min", &s->min) < 0 || read_bound(f, "max", &s->max) < 0 ||
		yaml_read_number(&f->r, f->root, "interval_ms", 1, INTERVAL_MAX_MS, &ms) < 0)
		return -EINVAL;
	s->scale = (enum scale)scale;
	if (!(s->min < s->max) || (s->scale == SCALE_LOG && s->min < 1))
		return yaml_mistake(&f->r, f->root,
			"\"min\" must be below \"max\", and on a log scale at least 1");
	s->interval_ns = (uint64_t)ms * (NSEC_PER_SEC / 1000);
	return read_field(s, field);
}

static int spectrogram_open(struct chisel *c, const struct str *args, size_t nargs, struct err *e)
{
	struct spectrogram_chisel *s = calloc(1, sizeof(*s));

	c->self = s;
	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&s->scratch, SCRATCH_BYTES);
	s->line = BUF_INIT(LINE_BYTES);
	s->bins = c->env->width > 1 ? c->env->width - 1 : BINS_USUAL;
	s->bins = s->bins < BINS_MAX ? s->bins : BINS_MAX;
	int r = chisel_file_open(&s->file, c, args, nargs, keys, e);
	if (r == 0)
		r = read_file(s);
	return r < 0 ? r : event_filter_open(s->file.filter, "filter", &s->filter, e);
}

static void spectrogram_close(struct chisel *c)
{
	struct spectrogram_chisel *s = c->self;

	if (!s)
		return;
	event_filter_close(s->filter);
	buf_done(&s->line);
	arena_done(&s->scratch);
	chisel_file_close(&s->file);
	free(s);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static unsigned level_of(uint64_t n)
{
	unsigned level = 0;

	while (n >>= DOUBLINGS_A_LEVEL)
		level++;
	return level < LEVELS ? level : LEVELS - 1;
}

static void add_cells(struct spectrogram_chisel *s, bool colour)
{
	for (unsigned i = 0; i < s->bins; i++) {
		unsigned level = level_of(s->counts[i]);

		if (!s->counts[i])
			buf_add_char(&s->line, ' ');
		else if (colour)
			buf_printf(&s->line, "\033[48;5;%um \033[0m", palette[level]);
		else
			buf_add_char(&s->line, marks[level]);
	}
	buf_add_char(&s->line, '\n');
}

/* The value at a part of the line, 0 to 1. */
static double value_at(const struct spectrogram_chisel *s, double part)
{
	if (s->scale == SCALE_LINEAR)
		return s->min + (s->max - s->min) * part;
	return s->min * pow(s->max / s->min, part);
}

/* Times in whole units: 10us, not 10.0us. */
static void add_label(const struct spectrogram_chisel *s, double v, struct buf *out)
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {0, "ns"}};
	const struct field_def *def = format_field_operand(s->field, 0)->field;
	size_t i = 0;

	if (!def || (def->type != VT_RELTIME && def->type != VT_ABSTIME)) {
		buf_printf(out, "|%.0f", v);
		return;
	}
	while (v < units[i].ns * 0.9995)
		i++;
	buf_printf(out, "|%.0f%s", units[i].ns > 0 ? v / units[i].ns : v, units[i].unit);
}

/* A mark at each power of ten, or at each tenth of a linear scale, where it has room. */
static void add_axis(struct spectrogram_chisel *s)
{
	unsigned steps = s->scale == SCALE_LINEAR ? 10 : (unsigned)(log10(s->max / s->min) + 0.5);
	size_t start = s->line.len;

	for (unsigned i = 0; i < steps; i++) {
		unsigned at = (i * s->bins + steps - 1) / steps;

		if (at + LABEL_ROOM > s->bins || (i && s->line.len - start >= at))
			continue;
		while (s->line.len - start < at)
			buf_add_char(&s->line, ' ');
		add_label(s, value_at(s, (double)i / steps), &s->line);
	}
	buf_add_char(&s->line, '\n');
}

static void add_json(struct spectrogram_chisel *s, uint64_t end_ns)
{
	const char *comma = "";

	buf_printf(&s->line, "{\"time_ns\":%llu,\"counts\":[", (unsigned long long)end_ns);
	for (unsigned i = 0; i < s->bins; i++) {
		if (!s->counts[i])
			continue;
		buf_printf(&s->line, "%s{\"from\":%.0f,\"to\":%.0f,\"count\":%llu}", comma,
			value_at(s, (double)i / s->bins), value_at(s, (i + 1.0) / s->bins),
			(unsigned long long)s->counts[i]);
		comma = ",";
	}
	buf_add_cstr(&s->line, "]}\n");
}

/* Nothing for a long time is one mark. */
static bool is_shown(struct spectrogram_chisel *s)
{
	if (s->total) {
		s->empty = 0;
		return true;
	}
	return ++s->empty <= EMPTY_MAX + 1;
}

static void print(struct chisel *c)
{
	struct spectrogram_chisel *s = c->self;

	buf_clear(&s->line);
	if (is_shown(s)) {
		if (c->env->json) {
			add_json(s, s->start_ns + s->interval_ns);
		} else {
			if (s->has_axis)
				buf_add_cstr(&s->line, "\033[1A\r\033[2K");
			if (s->empty > EMPTY_MAX)
				buf_add_cstr(&s->line, "…\n");
			else
				add_cells(s, c->env->colour && !s->file.no_colour);
			s->has_axis = c->env->is_tty && c->env->is_live;
			if (s->has_axis)
				add_axis(s);
		}
		c->env->print(buf_str(&s->line), c->env->arg);
	}
	memset(s->counts, 0, sizeof(s->counts));
	s->total = 0;
}

static void pass_time(struct chisel *c, uint64_t now_ns)
{
	struct spectrogram_chisel *s = c->self;

	if (!s->start_ns)
		s->start_ns = now_ns - now_ns % s->interval_ns;
	/* time that goes backwards, or a capture of years: lines stop being of use */
	for (unsigned i = 0; now_ns >= s->start_ns + s->interval_ns; i++) {
		print(c);
		s->start_ns += s->interval_ns;
		if (i > EMPTY_MAX)
			s->start_ns = now_ns - now_ns % s->interval_ns;
	}
}

/* ---- the kind ------------------------------------------------------------------------------- */

static double number_of(const struct value *v)
{
	return v->type == VT_DOUBLE ? v->d : v->type == VT_S64 ? (double)v->i : (double)v->u;
}

static unsigned bin_of(const struct spectrogram_chisel *s, double v)
{
	double part = s->scale == SCALE_LINEAR ? (v - s->min) / (s->max - s->min)
					       : log(v / s->min) / log(s->max / s->min);

	if (!(part > 0))
		return 0;
	return part < 1 ? (unsigned)(part * s->bins + 1e-9) : s->bins - 1;
}

static int spectrogram_event(struct chisel *c, struct field_subject *subject, struct err *e)
{
	struct spectrogram_chisel *s = c->self;
	struct field_ctx ctx = {subject, &s->scratch};
	struct value v;

	pass_time(c, subject->ev->ts_ns);
	arena_reset(&s->scratch);
	if (!event_filter_passes(s->filter, subject) ||
		!format_field_value(s->field, 0, &ctx, &v) || v.type == VT_STR)
		return 0;
	s->counts[bin_of(s, number_of(&v))]++;
	s->total++;
	return 0;
}

static int spectrogram_tick(struct chisel *c, uint64_t now_ns, struct err *e)
{
	pass_time(c, now_ns);
	return 0;
}

static int spectrogram_end(struct chisel *c, struct err *e)
{
	struct spectrogram_chisel *s = c->self;

	if (s->start_ns)
		print(c);
	if (s->has_axis || c->env->json)
		return 0;
	buf_clear(&s->line);
	add_axis(s);
	c->env->print(buf_str(&s->line), c->env->arg);
	return 0;
}

const struct chisel_ops chisel_ops_spectrogram = {
	.kind = "spectrogram",
	.open = spectrogram_open,
	.event = spectrogram_event,
	.tick = spectrogram_tick,
	.end = spectrogram_end,
	.close = spectrogram_close,
};
