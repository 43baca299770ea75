/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chisels of `koban read`: named on the command line, opened, and given events. Scripts are
 * opened last, when the process has given up what it can: koban's own kinds are data.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/chisel_dirs.h"
#include "cmd/read_private.h"
#include "cmd/services.h"
#include "cmd/usage.h"
#include "face/chisel/chisel.h"

enum { CHISELS_MAX = 32 };

/* One of the command line: -c or --top. */
struct wanted {
	const struct chisel_info *info; /* NULL = --top */
	struct chisel_catalogue *own;   /* of that name only */
	struct str top;
	struct str *args;
	size_t nargs;
	struct chisel *chisel;
	bool is_done;
};

struct chisels {
	struct arena arena;
	struct chisel_dirs dirs;
	struct chisel_catalogue *catalogue; /* of all, for who asked for one that is not there */
	bool has_dirs;                      /* all folders are known: there was a -c */
	struct wanted wanted[CHISELS_MAX];
	size_t n;
	struct chisel_env env;
	struct printer *printer;
	struct stream *stream;
	struct usage *usage;
	bool enters; /* the command line asks for them; else they are for scripts only */
	uint64_t codes[(EVENT_CODE_MAX + 63) / 64];
	const char *paths[CHISELS_MAX + CHISEL_DIRS_MAX + 1];
};

/* ---- the command line ----------------------------------------------------------------------- */

struct chisels *chisels_new(void)
{
	struct chisels *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	arena_init(&c->arena, 0);
	chisel_dirs_init(&c->dirs);
	return c;
}

int chisels_add_dir(struct chisels *c, const char *dir, struct err *e)
{
	if (c->has_dirs)
		return err_set(e, EINVAL, "--chisel-dir %s must stand in front of -c", dir);
	return chisel_dirs_add(&c->dirs, dir, e);
}

static struct wanted *add(struct chisels *c, struct err *e)
{
	if (c->n < CHISELS_MAX)
		return &c->wanted[c->n++];
	err_set(e, ENOSPC, "more than %d chisels at once", CHISELS_MAX);
	return NULL;
}

int chisels_add_top(struct chisels *c, const char *text, struct err *e)
{
	struct wanted *w = add(c, e);

	if (!w)
		return -ENOSPC;
	w->top = str_of(text);
	return 0;
}

static int find(struct chisels *c, struct wanted *w, struct str name, struct err *e)
{
	if (!c->has_dirs)
		chisel_dirs_add_usual(&c->dirs);
	c->has_dirs = true;
	int r = chisel_catalogue_load_name(c->dirs.dirs, c->dirs.n, name, &w->own, e);

	if (r < 0 || (w->info = chisel_catalogue_find(w->own, name, e)))
		return r;
	/* all of them know better what was meant */
	if (str_find_char(name, '/') < 0 && !c->catalogue)
		r = chisel_catalogue_load(c->dirs.dirs, c->dirs.n, &c->catalogue, e);
	if (r == 0 && c->catalogue)
		w->info = chisel_catalogue_find(c->catalogue, name, e);
	return r < 0 ? r : w->info ? 0 : -ENOENT;
}

int chisels_add(
	struct chisels *c, const char *name, char *const *words, size_t nwords, struct err *e)
{
	struct wanted *w = add(c, e);
	int r = w ? find(c, w, str_of(name), e) : -ENOSPC;

	if (r < 0)
		return r;
	return chisel_args_take(w->info, words, nwords, &c->arena, &w->args, &w->nargs, e);
}

bool chisels_any(const struct chisels *c)
{
	return c->n > 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static void print(struct str text, void *arg)
{
	printer_add(((struct chisels *)arg)->printer, text);
}

static double progress(void *arg)
{
	const struct chisels *c = arg;

	return c->stream ? stream_progress(c->stream) : -1;
}

static bool ask_usage(void *arg, const struct process *p, struct group_usage *ret)
{
	return usage_ask(((struct chisels *)arg)->usage, p, ret);
}

static void fill_env(struct chisels *c, const struct read_options *o)
{
	const char *no_colour = getenv("NO_COLOR");
	struct winsize w = {0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	c->env = (struct chisel_env){
		.is_live = !o->path,
		.is_tty = isatty(STDOUT_FILENO),
		.json = o->json,
		.container = o->container,
		.kubernetes = o->kubernetes,
		.width = w.ws_col,
		.height = w.ws_row,
		.snaplen = (uint32_t)o->snaplen,
		.filter = o->filter,
		.source = str_of(o->path),
		.dirs = c->dirs.dirs,
		.ndirs = c->dirs.n,
		.print = print,
		.progress = progress,
		.arg = c,
		.style = {.bytes = o->bytes,
			.service_of = o->services ? services_name : NULL,
			.services = o->services},
		.time = o->time,
		.usage = o->path ? NULL : ask_usage,
	};
	c->env.colour = c->env.is_tty && !(no_colour && *no_colour);
}

static int open_one(struct chisels *c, struct wanted *w, struct err *e)
{
	if (!w->info)
		return chisel_open_top(w->top, &c->env, &w->chisel, e);
	return chisel_open(w->info, w->args, w->nargs, &c->env, &w->chisel, e);
}

static bool is_script(const struct wanted *w)
{
	return w->info && w->info->is_script;
}

static int open_some(struct chisels *c, bool scripts, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (is_script(&c->wanted[i]) == scripts)
			r = open_one(c, &c->wanted[i], e);
	return r;
}

int chisels_open(
	struct chisels *c, const struct read_options *o, struct printer *printer, struct err *e)
{
	if (!c->n)
		return 0;
	c->printer = printer;
	c->enters = o->enters;
	fill_env(c, o);
	if (!o->path && !(c->usage = usage_new()))
		return err_set(e, ENOMEM, "out of memory");
	return open_some(c, false, e);
}

int chisels_start(struct chisels *c, struct stream *stream, struct err *e)
{
	if (!c->n)
		return 0;
	c->stream = stream;
	c->env.state = stream_state(stream);
	c->env.capture = stream_capture(stream);
	return open_some(c, true, e);
}

/* ---- what the source should give ------------------------------------------------------------ */

const uint64_t *chisels_codes(struct chisels *c, const uint64_t *filter)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct wanted *w = &c->wanted[i];
		const uint64_t *codes = w->chisel ? chisel_codes(w->chisel) : NULL;

		if (!codes)
			return filter;
		for (size_t k = 0; k < sizeof(c->codes) / sizeof(c->codes[0]); k++)
			c->codes[k] |= codes[k];
	}
	for (size_t k = 0; filter && k < sizeof(c->codes) / sizeof(c->codes[0]); k++)
		c->codes[k] &= filter[k];
	return c->n ? c->codes : filter;
}

uint32_t chisels_snaplen(const struct chisels *c)
{
	uint32_t most = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->wanted[i].info && c->wanted[i].info->snaplen > most)
			most = c->wanted[i].info->snaplen;
	return most;
}

bool chisels_want_enters(const struct chisels *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_script(&c->wanted[i]))
			return true;
	return false;
}

/* A script that was named by its path may lie elsewhere, with modules of its own. */
static const char *folder_of(struct chisels *c, const struct chisel_info *info)
{
	ptrdiff_t slash = str_rfind_char(info->path, '/');

	return slash > 0 ? arena_cstr(&c->arena, str_head(info->path, (size_t)slash)) : "/";
}

const char *const *chisels_read_paths(struct chisels *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (is_script(&c->wanted[i]))
			c->paths[n++] = folder_of(c, c->wanted[i].info);
	for (size_t i = 0; n && i < c->dirs.n; i++)
		c->paths[n++] = c->dirs.dirs[i];
	c->paths[n] = NULL;
	return n ? c->paths : NULL;
}

/* ---- events --------------------------------------------------------------------------------- */

static int tick(struct chisels *c, uint64_t now_ns, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < c->n; i++)
		if (!c->wanted[i].is_done) {
			r = chisel_tick(c->wanted[i].chisel, now_ns, e);
			c->wanted[i].is_done = r > 0;
		}
	return r < 0 ? r : 0;
}

int chisels_tick(struct chisels *c, struct err *e)
{
	return c->n && c->env.is_live ? tick(c, clock_epoch_ns(), e) : 0;
}

int chisels_event(struct chisels *c, struct field_subject *s, struct err *e)
{
	bool is_enter = s->ev->def && s->ev->def->flags & EF_ENTER;
	size_t ndone = 0;

	s->style.service_of = c->env.style.service_of;
	s->style.services = c->env.style.services;
	for (size_t i = 0; i < c->n; i++) {
		struct wanted *w = &c->wanted[i];
		bool is_for_it = !is_enter || c->enters || is_script(w);
		int r = w->is_done ? 1 : is_for_it ? chisel_event(w->chisel, s, e) : 0;

		if (r < 0)
			return r;
		w->is_done = r > 0;
		ndone += w->is_done;
	}
	return c->n && ndone == c->n;
}

int chisels_end(struct chisels *c, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < c->n; i++)
		r = chisel_end(c->wanted[i].chisel, e);
	return r < 0 ? r : 0;
}

void chisels_free(struct chisels *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		chisel_close(c->wanted[i].chisel);
	for (size_t i = 0; i < c->n; i++)
		chisel_catalogue_free(c->wanted[i].own);
	usage_free(c->usage);
	chisel_catalogue_free(c->catalogue);
	chisel_dirs_done(&c->dirs);
	arena_done(&c->arena);
	free(c);
}
