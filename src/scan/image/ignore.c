/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .kobanignore: findings that somebody has looked at. A line names a finding by its id, or a check
 * with the paths where it is fine, and says why; it may say until when. An exception without a
 * reason is refused, and one that has ended is said, not applied:
 *
 *   0123456789abcdef                          # looked at by Ann, a test key, until: 2027-06-30
 *   secret-private-key /usr/share/doc/[star]  # the documentation's examples
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/io.h"
#include "scan/image/image.h"

enum { TEXT_MAX = 4 << 20, LINES_MAX = 100000, ID_DIGITS = 16, DATE = 10 };

struct exception {
	uint64_t id;       /* of a finding; 0 = by check */
	const char *check; /* a glob as well */
	const char *path;  /* glob; NULL = everywhere */
	struct str why;
	char until[DATE + 1]; /* "" = for ever */
	unsigned line;
	bool is_over;
};

struct scan_ignore {
	struct arena arena;
	struct exception *v;
	size_t n;
	const char *path;
	char today[DATE + 1];
};

static bool is_date(struct str s)
{
	struct tm t = {0}, back;
	char text[DATE + 1], again[DATE + 2];

	if (s.len != DATE || !str_copy(s, text, sizeof(text)))
		return false;
	char *end = strptime(text, "%Y-%m-%d", &t);
	if (!end || *end)
		return false;
	/* the 31st of February is none */
	time_t at = timegm(&t);
	return gmtime_r(&at, &back) && strftime(again, sizeof(again), "%Y-%m-%d", &back) == DATE &&
	       strcmp(text, again) == 0;
}

static int wrong(const struct scan_ignore *g, unsigned line, struct err *e, const char *what)
{
	return err_set(e, EINVAL, "%s:%u: %s", g->path, line, what);
}

/* "…, until: 2027-06-30" at the end of the reason. */
static int cut_until(struct scan_ignore *g, struct exception *x, struct str *why, struct err *e)
{
	ptrdiff_t at = str_find(*why, STR("until:"));

	if (at < 0)
		return 0;
	struct str date = str_trim(str_skip(*why, (size_t)at + 6));
	if (!is_date(date))
		return wrong(g, x->line, e, "behind \"until:\" stands no date (YYYY-MM-DD)");
	str_copy(date, x->until, sizeof(x->until));
	*why = str_head(*why, (size_t)at);
	while (why->len && strchr(" \t,;.", why->s[why->len - 1]))
		why->len--;
	return 0;
}

static int read_target(struct scan_ignore *g, struct exception *x, struct str text, struct err *e)
{
	size_t end = 0;

	while (end < text.len && text.s[end] != ' ' && text.s[end] != '\t')
		end++;
	struct str target = str_head(text, end), path = str_trim(str_skip(text, end));

	if (!target.len)
		return wrong(
			g, x->line, e, "a finding's id or a check must stand before the \"#\"");
	if (target.len == ID_DIGITS && str_to_u64(target, 16, &x->id) && x->id) {
		if (path.len)
			return wrong(g, x->line, e, "an id names one finding: no path behind it");
		return 0;
	}
	x->check = arena_cstr(&g->arena, target);
	x->path = path.len ? arena_cstr(&g->arena, path) : NULL;
	if (!x->check || (path.len && !x->path))
		return err_set(e, ENOMEM, "no memory left for %s", g->path);
	if (path.len && path.s[0] != '/' && path.s[0] != '*')
		return wrong(g, x->line, e, "a path begins with \"/\" or \"*\"");
	return 0;
}

static int read_line(struct scan_ignore *g, unsigned number, struct str line, struct err *e)
{
	struct exception *x = &g->v[g->n];
	ptrdiff_t hash = str_find_char(line, '#');

	*x = (struct exception){.line = number};
	if (hash < 0)
		return wrong(g, number, e,
			"an exception needs its reason: \"secret-x /path  # why it is fine\"");
	struct str why = str_trim(str_skip(line, (size_t)hash + 1));
	int r = read_target(g, x, str_trim(str_head(line, (size_t)hash)), e);
	if (r == 0)
		r = cut_until(g, x, &why, e);
	if (r == 0 && !why.len)
		r = wrong(g, number, e, "the reason behind \"#\" is empty");
	if (r < 0)
		return r;
	x->why = arena_str(&g->arena, why);
	x->is_over = x->until[0] && strcmp(x->until, g->today) < 0;
	g->n++;
	return 0;
}

static int read_lines(struct scan_ignore *g, struct str text, struct err *e)
{
	unsigned number = 0;
	int r = 0;

	while (r == 0 && text.s) {
		struct str line = str_trim(str_cut(&text, '\n'));

		if (++number > LINES_MAX)
			return wrong(g, number, e, "too many lines");
		if (line.len && line.s[0] != '#')
			r = read_line(g, number, line, e);
	}
	return r;
}

static void set_today(struct scan_ignore *g)
{
	struct buf b = BUF_INIT(64);

	clock_add_strftime(&b, clock_epoch_ns(), "%Y-%m-%d", true);
	str_copy(buf_str(&b), g->today, sizeof(g->today));
	buf_done(&b);
}

int scan_ignore_open(const char *path, struct scan_ignore **ret, struct err *e)
{
	struct scan_ignore *g = calloc(1, sizeof(*g));
	struct str text;

	*ret = NULL;
	if (!g)
		return err_set(e, ENOMEM, "no memory left for %s", path);
	arena_init(&g->arena, 0);
	set_today(g);
	int r = io_read_file(&g->arena, AT_FDCWD, path, TEXT_MAX, &text, e);
	size_t lines = 1;
	for (size_t i = 0; r == 0 && i < text.len; i++)
		lines += text.s[i] == '\n';
	g->path = arena_cstr(&g->arena, str_of(path));
	g->v = arena_array(&g->arena, struct exception, lines);
	if (r == 0 && (!g->v || !g->path))
		r = err_set(e, ENOMEM, "no memory left for %s", path);
	if (r == 0)
		r = read_lines(g, text, e);
	if (r < 0)
		scan_ignore_close(g);
	else
		*ret = g;
	return r;
}

void scan_ignore_close(struct scan_ignore *g)
{
	if (!g)
		return;
	arena_done(&g->arena);
	free(g);
}

/* "**" and "*" both cross slashes: paths in archives have many. */
static bool matches(const struct exception *x, const struct artifact_finding *f, const char *check,
	const char *path)
{
	if (x->id)
		return x->id == artifact_finding_fingerprint(f);
	if (!check || fnmatch(x->check, check, 0) != 0)
		return false;
	return !x->path || (path && fnmatch(x->path, path, 0) == 0);
}

static void apply(const struct scan_ignore *g, struct artifact_finding *f, struct arena *a)
{
	const char *check = arena_cstr(a, f->check), *path = arena_cstr(a, f->path);

	for (size_t i = 0; i < g->n && !f->is_ignored; i++) {
		const struct exception *x = &g->v[i];

		if (!matches(x, f, check, path))
			continue;
		f->is_ignored = !x->is_over;
		f->ignored_why =
			x->is_over ? arena_printf(a, "the exception of %s:%u ended on %s: %.*s",
					     g->path, x->line, x->until, STR_ARG(x->why))
				   : arena_str(a, x->why);
	}
}

void scan_ignore_apply(const struct scan_ignore *g, struct artifact_report *r, struct arena *a)
{
	struct artifact_finding *v = arena_raw(a, r->nfindings * sizeof(*v) + 1);

	if (!v)
		return;
	if (r->nfindings)
		memcpy(v, r->findings, r->nfindings * sizeof(*v));
	for (size_t i = 0; i < r->nfindings; i++)
		apply(g, &v[i], a);
	r->findings = v;
	scan_judge(r, a);
}
