/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events as lines. Each is rendered at the end of one buffer, which is written when it is full, at
 * each line for a person who looks on, and when no event is there (the caller knows that).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/read_private.h"
#include "cmd/services.h"

enum { FLUSH_BYTES = 128 << 10, OUT_BYTES = 8 << 20, SCRATCH_BYTES = 64 << 20, CUT_BYTES = 80 };

struct printer {
	struct arena arena, scratch;
	struct format *format;        /* of a whole line, or of all but the arguments: */
	struct format *failed, *info; /* with colours */
	struct buf out;
	struct field_clock clock;
	struct event_style style;
	struct event_memo memo;
	enum field_time time;
	bool json, each_line, lines;
	int error;
};

/* ---- formats -------------------------------------------------------------------------------- */

#define BEGIN   "*%evt.num %evt.outputtime %evt.cpu "
#define PROCESS "%proc.name (%thread.tid) "
#define INSIDE  "(%container.id) %proc.name (%thread.tid:%thread.vtid) "
#define END     "%evt.dir %evt.type "

static const char *head_text(const struct read_options *o)
{
	if (o->container)
		return BEGIN "%container.name " INSIDE END;
	return o->kubernetes ? BEGIN "%k8s.pod.name " INSIDE END : BEGIN PROCESS END;
}

static int compile(struct printer *p, struct str text, struct format **ret, struct err *e)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_error fe = {0};

	if (format_compile(&p->arena, text, &o, ret, &fe) < 0)
		return event_filter_syntax_error("format", text, &fe, e);
	return 0;
}

static void replace(struct buf *b, const char *field, const char *colour)
{
	ptrdiff_t at = str_find(buf_str(b), str_of(field));
	struct buf out = BUF_INIT(b->max);

	buf_add(&out, str_head(buf_str(b), (size_t)at));
	buf_printf(&out, "\033[%sm%s\033[0m", colour, field);
	buf_add(&out, str_skip(buf_str(b), (size_t)at + strlen(field)));
	buf_done(b);
	*b = out;
}

/* The line's head in colours: the process, the event, which is red when it failed. */
static int compile_coloured(struct printer *p, const char *head, const char *type_colour,
	struct format **ret, struct err *e)
{
	struct buf b = BUF_INIT(4096);

	buf_add_cstr(&b, head);
	replace(&b, "%proc.name", "32");
	replace(&b, "%evt.type", type_colour);
	int r = compile(p, buf_str(&b), ret, e);

	buf_done(&b);
	return r;
}

static int compile_usual(
	struct printer *p, const struct read_options *o, bool colour, struct err *e)
{
	const char *head = head_text(o);

	if (!colour)
		return compile(p, arena_printf(&p->arena, "%s%%evt.info", head), &p->format, e);
	int r = compile_coloured(p, head, "34", &p->format, e);

	r = r < 0 ? r : compile_coloured(p, head, "31", &p->failed, e);
	return r < 0 ? r : compile(p, STR("*%evt.info"), &p->info, e);
}

/* -p's \n, \t, \e and \\, as the shell leaves them. */
static struct str unescape(struct arena *a, struct str text)
{
	static const char from[] = "nte\\", to[] = "\n\t\033\\";
	char *out = arena_cstr(a, text), *p = out;

	for (size_t i = 0; out && i < text.len; i++) {
		const char *known = text.s[i] == '\\' && i + 1 < text.len && text.s[i + 1]
					    ? strchr(from, text.s[i + 1])
					    : NULL;

		*p++ = known ? to[known - from] : text.s[i];
		i += known != NULL;
	}
	return str_make(out, (size_t)(p - out));
}

static bool wants_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}

/*
 * A pipe that takes two of our writes: with the usual 64 KiB we would wait in the middle of each
 * for who reads. Where it cannot be had, the usual one does.
 */
static void widen_pipe(void)
{
	fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 2 * FLUSH_BYTES);
}

int printer_open(const struct read_options *o, struct printer **ret, struct err *e)
{
	struct printer *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(e, ENOMEM, "out of memory");
	*p = (struct printer){
		.out = BUF_INIT(OUT_BYTES),
		.style = {.bytes = o->bytes,
			.max_bytes = o->verbose || o->json ? 0 : CUT_BYTES,
			.service_of = o->services ? services_name : NULL,
			.services = o->services,
			.memo = &p->memo},
		.time = o->time,
		.json = o->json,
		.each_line = o->unbuffered || isatty(STDOUT_FILENO),
		.lines = o->bytes != BYTES_DOTS && o->bytes != BYTES_BASE64,
	};
	if (!p->each_line)
		widen_pipe();
	arena_init(&p->arena, 0);
	arena_init(&p->scratch, SCRATCH_BYTES);
	int r = o->format.len ? compile(p, unescape(&p->arena, o->format), &p->format, e)
			      : compile_usual(p, o, !o->json && wants_colour(), e);
	if (r < 0)
		printer_close(p);
	else
		*ret = p;
	return r;
}

/* ---- lines ---------------------------------------------------------------------------------- */

int printer_flush(struct printer *p)
{
	if (p->out.len && !p->error)
		p->error = io_write_all(STDOUT_FILENO, buf_str(&p->out));
	buf_clear(&p->out);
	return p->error;
}

/* The result stands first in the arguments: red up to the next one. */
static void add_failed_info(struct printer *p, const struct field_ctx *ctx)
{
	static const struct str red = {"\033[31m", 5}, plain = {"\033[0m", 4};
	size_t start;

	buf_add(&p->out, red);
	start = p->out.len;
	format_render_line(p->info, ctx, p->lines, &p->out);
	struct str text = arena_str(&p->scratch, str_skip(buf_str(&p->out), start));
	ptrdiff_t end = str_find_char(text, ' ');
	size_t n = end < 0 ? text.len : (size_t)end;

	p->out.len = start;
	buf_add(&p->out, str_head(text, n));
	buf_add(&p->out, plain);
	buf_add(&p->out, str_skip(text, n));
}

static bool render_coloured(struct printer *p, const struct field_ctx *ctx)
{
	const struct field_subject *s = ctx->subject;
	int64_t res;
	bool is_failed = event_result(s->ev, &res) && res < 0;

	format_render_line(is_failed ? p->failed : p->format, ctx, p->lines, &p->out);
	if (is_failed)
		add_failed_info(p, ctx);
	else
		format_render_line(p->info, ctx, p->lines, &p->out);
	return true;
}

static bool render(struct printer *p, const struct field_ctx *ctx)
{
	if (p->json)
		return format_render_json(p->format, ctx, &p->out);
	if (p->info)
		return render_coloured(p, ctx);
	return format_render_line(p->format, ctx, p->lines, &p->out);
}

int printer_event(struct printer *p, struct field_subject *s)
{
	struct field_ctx ctx = {s, &p->scratch};
	size_t before = p->out.len;

	s->outputtime = p->time;
	s->style = p->style;
	s->names_ids = true;
	s->clock = &p->clock;
	arena_reset(&p->scratch);
	if (render(p, &ctx)) {
		buf_add_char(&p->out, '\n');
	} else if (p->out.s) {
		p->out.len = before;
		p->out.s[before] = 0;
	}
	return p->each_line || p->out.len >= FLUSH_BYTES ? printer_flush(p) : p->error;
}

void printer_add(struct printer *p, struct str text)
{
	while (text.len) {
		struct str part = str_head(text, OUT_BYTES - p->out.len);

		buf_add(&p->out, part);
		text = str_skip(text, part.len);
		if (p->each_line || text.len || p->out.len >= FLUSH_BYTES)
			printer_flush(p);
	}
}

int printer_error(const struct printer *p)
{
	return p->error;
}

void printer_close(struct printer *p)
{
	if (!p)
		return;
	printer_flush(p);
	buf_done(&p->out);
	arena_done(&p->scratch);
	arena_done(&p->arena);
	free(p);
}
