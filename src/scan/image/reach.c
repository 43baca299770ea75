/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files would run, and why: from ENTRYPOINT, CMD and HEALTHCHECK, from what is loaded into
 * every program, from tables of cron, services and login files, through PATH, symbolic links and
 * the scripts that name further programs. It over-reaches rather than misses: a word that is the
 * name of a file which is there counts as running it. Each file is visited once, by its strongest
 * reason.
 */
#include "scan/image/reach.h"

#include <stdlib.h>

#include "base/table.h"

enum { FILES_MAX = 100000, PATH_BYTES = 8192, DIRS_MAX = 16 };

struct row {
	struct str path;
	enum artifact_reach why;
};

struct reach {
	const struct tree *t;
	struct arena arena;
	struct table files;
	struct row **queue;
	size_t nqueue, at;
	struct str dirs[DIRS_MAX]; /* of PATH */
	size_t ndirs;
	struct str workdir;
	enum artifact_reach why; /* of what is being added */
};

static bool row_eq(const void *row, const void *key)
{
	return str_eq(((const struct row *)row)->path, *(const struct str *)key);
}

/* ---- words to files ------------------------------------------------------------------------- */

static void add_file(void *arg, struct str path)
{
	struct reach *r = arg;
	uint64_t h = str_hash(path);

	if (r->nqueue == FILES_MAX || table_find(&r->files, h, &path))
		return;
	struct row *row = arena_new(&r->arena, struct row);
	if (!row)
		return;
	*row = (struct row){arena_str(&r->arena, path), r->why};
	if (row->path.s && table_put(&r->files, h, row) == 0)
		r->queue[r->nqueue++] = row;
}

/* True when there is such a file, or a link of its name, wherever that leads. */
static bool add_path(struct reach *r, struct str path)
{
	struct buf out = BUF_INIT(PATH_BYTES);
	size_t had = r->nqueue;
	bool is_there = tree_resolve(r->t, path, &out, add_file, r) >= 0;

	if (is_there)
		add_file(r, buf_str(&out));
	buf_done(&out);
	return is_there || r->nqueue > had;
}

static bool add_joined(struct reach *r, struct str dir, struct str name)
{
	struct buf b = BUF_INIT(PATH_BYTES);

	buf_add(&b, dir);
	buf_add_char(&b, '/');
	buf_add(&b, name);
	bool is_there = add_path(r, buf_str(&b));
	buf_done(&b);
	return is_there;
}

/* All that runs something in a folder: "run-parts /etc/x.d", "for f in /x.d/". */
static void add_folder(struct reach *r, struct str dir)
{
	size_t at = 0;
	const struct layer_runs *runs;

	while (dir.len && dir.s[dir.len - 1] == '/')
		dir.len--;
	if (dir.len < 2 || !tree_is_dir(r->t, dir))
		return;
	while ((runs = tree_next_runs(r->t, &at)))
		if (runs->path.len > dir.len && str_starts(runs->path, dir) &&
			runs->path.s[dir.len] == '/')
			add_file(r, runs->path);
}

static void add_word(struct reach *r, struct str w)
{
	if (!w.len || w.len > 1024)
		return;
	if (w.s[0] == '/') {
		if (!add_path(r, w) && (str_ends(w, STR(".d")) || str_ends(w, STR("/"))))
			add_folder(r, w);
		return;
	}
	if (str_find_char(w, '/') >= 0) {
		add_joined(r, r->workdir, w);
		return;
	}
	for (size_t i = 0; i < r->ndirs; i++)
		if (add_joined(r, r->dirs[i], w))
			return;
	/* "python app.py" */
	add_joined(r, r->workdir, w);
}

/* An argument may be a whole command ("sh", "-c", "exec /app/run"). */
static void add_argument(struct reach *r, struct str text)
{
	size_t from = 0;

	add_word(r, text);
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && !strchr(" \t\n;|&()<>\"'`{},=", text.s[i]))
			continue;
		if (i > from && i - from < text.len)
			add_word(r, str_make(text.s + from, i - from));
		from = i + 1;
	}
}

/* Follows what the scripts among the files name. */
static void follow(struct reach *r)
{
	while (r->at < r->nqueue) {
		const struct layer_runs *runs = tree_runs(r->t, r->queue[r->at++]->path);

		for (size_t i = 0; runs && i < runs->nwords; i++)
			add_word(r, runs->words[i]);
	}
}

/* ---- where it begins ------------------------------------------------------------------------ */

static void add_command(struct reach *r, const struct artifact_config *c)
{
	r->why = REACH_ENTRYPOINT;
	for (size_t i = 0; i < c->nentrypoint; i++)
		add_argument(r, c->entrypoint[i]);
	for (size_t i = 0; i < c->ncmd; i++)
		add_argument(r, c->cmd[i]);
	for (size_t i = 0; i < c->nhealthcheck; i++)
		add_argument(r, c->healthcheck[i]);
	follow(r);
}

static void add_starters(struct reach *r, enum layer_starter by, enum artifact_reach why)
{
	size_t at = 0;
	const struct layer_runs *runs;

	r->why = why;
	while ((runs = tree_next_runs(r->t, &at))) {
		if (runs->by != by)
			continue;
		add_file(r, runs->path);
	}
	follow(r);
}

static void set_places(struct reach *r, const struct artifact_config *c)
{
	struct str path = STR("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

	for (size_t i = 0; i < c->nenv; i++)
		if (str_starts(c->env[i], STR("PATH=")))
			path = str_skip(c->env[i], 5);
	while (path.s && r->ndirs < DIRS_MAX) {
		struct str dir = str_cut(&path, ':');

		if (dir.len)
			r->dirs[r->ndirs++] = dir;
	}
	r->workdir = c->workdir;
}

struct reach *reach_new(const struct tree *t, const struct artifact_config *config)
{
	static const struct {
		enum layer_starter by;
		enum artifact_reach why;
	} starters[] = {{STARTER_PRELOAD, REACH_PRELOAD}, {STARTER_CRON, REACH_CRON},
		{STARTER_SERVICE, REACH_SERVICE}, {STARTER_LOGIN, REACH_LOGIN}};
	struct reach *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->t = t;
	arena_init(&r->arena, 0);
	table_init(&r->files, row_eq, FILES_MAX);
	r->queue = calloc(FILES_MAX, sizeof(struct row *));
	if (!r->queue) {
		reach_free(r);
		return NULL;
	}
	set_places(r, config);
	add_command(r, config);
	for (size_t i = 0; i < sizeof(starters) / sizeof(*starters); i++)
		add_starters(r, starters[i].by, starters[i].why);
	return r;
}

void reach_free(struct reach *r)
{
	if (!r)
		return;
	table_done(&r->files);
	arena_done(&r->arena);
	free(r->queue);
	free(r);
}

enum artifact_reach reach_of(const struct reach *r, struct str path)
{
	ptrdiff_t bang = str_find(path, STR("!/"));

	if (bang >= 0)
		path = str_head(path, (size_t)bang);
	const struct row *row = table_find(&r->files, str_hash(path), &path);
	if (row)
		return row->why;
	/* keys that let somebody in lie where logins look for them */
	if (str_ends(path, STR("/.ssh/authorized_keys")))
		return REACH_LOGIN;
	return str_is(path, "/etc/ld.so.preload") ? REACH_PRELOAD : REACH_NONE;
}
