/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading the rule files with the sensor's own loader, so that what the console says of a text is
 * what the sensor will do with it. Files are kept as text, to show where a rule stands.
 */
#include "face/console/rulebook.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "face/console/rulefile.h"

enum { TEXTS_MAX = 1000, MEMORY_MAX = 256 << 20 };
static const char toggles_name[] = "zz-toggles.yaml";

/* The files of one loading, in order. */
struct rule_texts {
	struct arena arena;
	struct str name[TEXTS_MAX], text[TEXTS_MAX];
	size_t n, nbase; /* base: not of the own folder */
	uint64_t stamp;  /* of names, sizes and times */
};

struct rulebook {
	pthread_rwlock_t lock; /* of texts and ruleset */
	pthread_mutex_t writing;
	const char **paths; /* own_dir is the last */
	size_t npaths;
	char *own_dir;
	struct rule_texts *texts;
	struct ruleset *ruleset;
};

/* ---- files ---------------------------------------------------------------------------------- */

static void add_stamp(struct rule_texts *t, struct str name, const struct stat *st)
{
	uint64_t h = str_hash(name) ^ (uint64_t)st->st_size ^ ((uint64_t)st->st_ino << 20) ^
		     (uint64_t)st->st_mtim.tv_sec * 1000000007ULL ^ (uint64_t)st->st_mtim.tv_nsec;

	t->stamp = hash_u64(t->stamp ^ h);
}

static int add_file(struct rule_texts *t, const char *path, bool with_text, struct err *e)
{
	struct stat st;
	int r = 0;

	if (t->n == TEXTS_MAX)
		return err_set(e, E2BIG, "%s: more than %d rule files", path, TEXTS_MAX);
	t->name[t->n] = arena_str(&t->arena, str_of(path));
	if (stat(path, &st) == 0)
		add_stamp(t, t->name[t->n], &st);
	if (with_text)
		r = io_read_file(&t->arena, AT_FDCWD, path, 16 * RULE_FILE_MAX, &t->text[t->n], e);
	t->n += r == 0;
	return r;
}

/* Tests of rules lie beside them; the loader passes them over, too. */
static bool is_test_file(struct str name)
{
	return str_ends(name, STR("_test.yaml")) || str_ends(name, STR("_test.yml")) ||
	       str_ends(name, STR(".events.yaml")) || str_ends(name, STR(".events.yml"));
}

static int add_dir(struct rule_texts *t, const char *dir, bool with_text, struct err *e)
{
	static const char *const suffixes[] = {".yaml", ".yml", NULL};
	struct str *names;
	size_t n = 0;
	int r = io_list_dir(&t->arena, dir, suffixes, TEXTS_MAX, &names, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct str path = arena_printf(&t->arena, "%s/%.*s", dir, STR_ARG(names[i]));

		if (!path.s)
			r = err_set(e, ENOMEM, "out of memory");
		else if (!is_test_file(names[i]))
			r = add_file(t, path.s, with_text, e);
	}
	return r;
}

static void texts_free(struct rule_texts *t)
{
	if (!t)
		return;
	arena_done(&t->arena);
	free(t);
}

static struct rule_texts *read_texts(const struct rulebook *b, bool with_text, struct err *e)
{
	struct rule_texts *t = calloc(1, sizeof(*t));
	struct stat st;
	int r = 0;

	if (!t)
		return NULL;
	arena_init(&t->arena, MEMORY_MAX);
	for (size_t i = 0; r == 0 && i < b->npaths; i++) {
		if (i == b->npaths - 1)
			t->nbase = t->n;
		bool is_dir = stat(b->paths[i], &st) == 0 && S_ISDIR(st.st_mode);
		r = is_dir ? add_dir(t, b->paths[i], with_text, e)
			   : add_file(t, b->paths[i], with_text, e);
	}
	if (r == 0)
		return t;
	texts_free(t);
	return NULL;
}

/* ---- loading -------------------------------------------------------------------------------- */

static int load(const struct rule_texts *t, struct ruleset **ret, struct load_report **report)
{
	const struct ruleset_options o = {.texts = t->text,
		.text_names = t->name,
		.ntexts = t->n,
		.min_priority = PRIORITY_DEBUG};

	*ret = NULL;
	return ruleset_load(&o, ret, report);
}

static void warn(const struct load_report *r)
{
	struct buf text = BUF_INIT(4000);

	load_report_format_text(r, false, false, &text);
	log_warn("console: the rules do not load: %.*s", STR_ARG(str_trim(buf_str(&text))));
	buf_done(&text);
}

static void reload(struct rulebook *b)
{
	struct err e = {0};
	struct rule_texts *t = read_texts(b, true, &e);
	struct load_report *report = NULL;
	struct ruleset *rs = NULL;

	if (!t) {
		log_warn("console: rules: %s", e.msg);
		return;
	}
	if (load(t, &rs, &report) < 0 && report)
		warn(report);
	load_report_free(report);
	pthread_rwlock_wrlock(&b->lock);
	struct rule_texts *gone = t;
	if (rs || !b->texts) {
		gone = b->texts;
		b->texts = t;
		if (b->ruleset)
			ruleset_unref(b->ruleset);
		b->ruleset = rs;
	} else {
		/* what does not load is shown as it was, as the sensor goes on with what it had */
		b->texts->stamp = t->stamp;
	}
	texts_free(gone);
	pthread_rwlock_unlock(&b->lock);
}

void rulebook_refresh(struct rulebook *b)
{
	struct err e = {0};
	struct rule_texts *t = read_texts(b, false, &e);

	if (!t)
		return;
	pthread_rwlock_rdlock(&b->lock);
	bool is_same = b->texts && b->texts->stamp == t->stamp;
	pthread_rwlock_unlock(&b->lock);
	texts_free(t);
	if (!is_same)
		reload(b);
}

int rulebook_new(const char *const *paths, size_t npaths, const char *own_dir,
	struct rulebook **ret, struct err *e)
{
	struct rulebook *b = calloc(1, sizeof(*b));

	if (!b)
		return err_set(e, ENOMEM, "out of memory");
	pthread_rwlock_init(&b->lock, NULL);
	pthread_mutex_init(&b->writing, NULL);
	b->own_dir = strdup(own_dir);
	b->paths = calloc(npaths + 1, sizeof(*b->paths));
	if (!b->paths || !b->own_dir) {
		rulebook_free(b);
		return err_set(e, ENOMEM, "out of memory");
	}
	for (; b->npaths < npaths; b->npaths++)
		b->paths[b->npaths] = paths[b->npaths];
	b->paths[b->npaths++] = b->own_dir;
	reload(b);
	*ret = b;
	return 0;
}

void rulebook_free(struct rulebook *b)
{
	if (!b)
		return;
	if (b->ruleset)
		ruleset_unref(b->ruleset);
	texts_free(b->texts);
	free((void *)b->paths);
	free(b->own_dir);
	pthread_mutex_destroy(&b->writing);
	pthread_rwlock_destroy(&b->lock);
	free(b);
}

/* ---- reading -------------------------------------------------------------------------------- */

const struct ruleset *rulebook_read(struct rulebook *b)
{
	pthread_rwlock_rdlock(&b->lock);
	return b->ruleset;
}

void rulebook_done(struct rulebook *b)
{
	pthread_rwlock_unlock(&b->lock);
}

const struct rule *rulebook_find(const struct ruleset *rs, struct str name)
{
	for (size_t i = 0; rs && i < rs->nrules; i++)
		if (str_eq(rs->rules[i]->name, name))
			return rs->rules[i];
	return NULL;
}

const char *const *rulebook_paths(const struct rulebook *b, size_t *ret_n)
{
	*ret_n = b->npaths;
	return b->paths;
}

static const struct str *find_text(const struct rulebook *b, struct str file)
{
	for (size_t i = 0; b->texts && i < b->texts->n; i++)
		if (str_eq(b->texts->name[i], file))
			return &b->texts->text[i];
	return NULL;
}

struct str rulebook_text(const struct rulebook *b, const struct rule *r)
{
	const struct str *text = find_text(b, r->where.file);

	return text ? rulefile_item_at(*text, r->where.line) : STR("");
}

bool rulebook_is_own(const struct rulebook *b, const struct rule *r)
{
	return str_starts(r->where.file, str_of(b->own_dir));
}

/* ---- the own folder ------------------------------------------------------------------------- */

bool rulebook_is_name(struct str name)
{
	size_t stem = str_ends(name, STR(".yaml"))  ? name.len - strlen(".yaml")
		      : str_ends(name, STR(".yml")) ? name.len - strlen(".yml")
						    : 0;

	if (!stem || name.len > RULE_FILE_NAME_MAX || str_starts(name, STR("zz")) ||
		is_test_file(name))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.s[i];
		bool is_plain =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		/* the first is a letter or a digit: no hidden file, no option */
		if (!is_plain && (i == 0 || !strchr("-_.", c)))
			return false;
	}
	return true;
}

/* Puts `text` (or nothing) in the place of the own file `name`, in its place in the order. */
static void replace_text(
	const struct rulebook *b, struct rule_texts *t, struct str name, struct str text)
{
	struct str path = arena_printf(&t->arena, "%s/%.*s", b->own_dir, STR_ARG(name));
	size_t at = t->nbase;

	while (at < t->n && str_cmp(t->name[at], path) < 0)
		at++;
	bool is_there = at < t->n && str_eq(t->name[at], path);
	size_t behind = t->n - at - (is_there ? 1 : 0), to = at + (text.s ? 1 : 0);
	if (to + behind > TEXTS_MAX)
		return;
	memmove(&t->name[to], &t->name[t->n - behind], behind * sizeof(t->name[0]));
	memmove(&t->text[to], &t->text[t->n - behind], behind * sizeof(t->text[0]));
	t->n = to + behind;
	if (text.s) {
		t->name[at] = arena_str(&t->arena, name);
		t->text[at] = text;
	}
}

static bool is_in(void *arg, struct str rule)
{
	return rulebook_find(arg, rule) != NULL;
}

/*
 * Loads, with only those switches whose rules are there without them: a rule that goes takes its
 * switch along. *ret_toggles: what the file of switches has to be; NULL = as it is.
 */
static int load_pruned(const struct rulebook *b, struct rule_texts *t, struct load_report **report,
	struct str *ret_toggles)
{
	struct str path = arena_printf(&t->arena, "%s/%s", b->own_dir, toggles_name);
	bool has_toggles = t->n > t->nbase && str_eq(t->name[t->n - 1], path);
	struct buf text = BUF_INIT(RULE_FILE_MAX);
	struct ruleset *rs = NULL;

	*ret_toggles = STR_NULL;
	t->n -= has_toggles;
	int r = load(t, &rs, report);
	if (rs && has_toggles &&
		rulefile_toggle(
			&t->arena, t->text[t->n], STR_NULL, false, is_in, rs, &text, NULL) == 0) {
		load_report_free(*report);
		*report = NULL;
		t->text[t->n] = arena_str(&t->arena, buf_str(&text));
		*ret_toggles = t->text[t->n++];
		ruleset_unref(rs);
		r = load(t, &rs, report);
	}
	if (rs)
		ruleset_unref(rs);
	buf_done(&text);
	return *report ? 0 : r;
}

int rulebook_check(struct rulebook *b, struct str name, struct str text, struct load_report **ret)
{
	struct rule_texts *t = read_texts(b, true, NULL);
	struct str toggles;

	*ret = NULL;
	if (!t)
		return -ENOMEM;
	replace_text(b, t, name, text);
	int r = load_pruned(b, t, ret, &toggles);
	texts_free(t);
	return r;
}

/* After a file has changed: the switches of rules that went with it. */
static int prune_toggles(struct rulebook *b, struct err *e)
{
	struct rule_texts *t = read_texts(b, true, e);
	struct load_report *report = NULL;
	struct str toggles;
	int r;

	if (!t)
		return -EIO;
	r = load_pruned(b, t, &report, &toggles);
	if (r == 0 && toggles.s)
		r = rulefile_write(b->own_dir, str_of(toggles_name), toggles, e);
	load_report_free(report);
	texts_free(t);
	return r;
}

int rulebook_write(struct rulebook *b, struct str name, struct str text, struct err *e)
{
	pthread_mutex_lock(&b->writing);
	int r = text.s ? rulefile_write(b->own_dir, name, text, e)
		       : rulefile_remove(b->own_dir, name, e);
	if (r == 0)
		r = prune_toggles(b, e);
	pthread_mutex_unlock(&b->writing);
	if (r == 0)
		reload(b);
	return r;
}

int rulebook_read_file(
	struct rulebook *b, struct str name, struct arena *a, struct str *ret, struct err *e)
{
	struct str path = arena_printf(a, "%s/%.*s", b->own_dir, STR_ARG(name));

	return io_read_file(a, AT_FDCWD, path.s, RULE_FILE_MAX, ret, e);
}

int rulebook_list(
	struct rulebook *b, struct arena *a, struct rule_file **ret, size_t *ret_n, struct err *e)
{
	static const char *const suffixes[] = {".yaml", ".yml", NULL};
	struct str *names;
	size_t n = 0;
	int r = io_list_dir(a, b->own_dir, suffixes, RULE_FILES_MAX, &names, &n, e);

	*ret_n = 0;
	*ret = r == 0 ? arena_array(a, struct rule_file, n + 1) : NULL;
	for (size_t i = 0; *ret && i < n; i++) {
		struct str path = arena_printf(a, "%s/%.*s", b->own_dir, STR_ARG(names[i]));
		struct stat st;

		if (rulebook_is_name(names[i]) && stat(path.s, &st) == 0)
			(*ret)[(*ret_n)++] = (struct rule_file){names[i], (size_t)st.st_size};
	}
	return r;
}

/* ---- on and off ----------------------------------------------------------------------------- */

int rulebook_enable(struct rulebook *b, struct str rule, bool enabled, struct err *e)
{
	struct buf text = BUF_INIT(RULE_FILE_MAX);
	struct arena a;
	struct str old;
	int r = 0;

	arena_init(&a, MEMORY_MAX);
	pthread_mutex_lock(&b->writing);
	if (rulebook_read_file(b, str_of(toggles_name), &a, &old, NULL) < 0)
		old = STR("");
	pthread_rwlock_rdlock(&b->lock);
	if (!rulebook_find(b->ruleset, rule))
		r = err_set(e, ENOENT, "no such rule");
	else
		r = rulefile_toggle(&a, old, rule, enabled, is_in, b->ruleset, &text, e);
	pthread_rwlock_unlock(&b->lock);
	if (r == 0)
		r = rulefile_write(b->own_dir, str_of(toggles_name), buf_str(&text), e);
	pthread_mutex_unlock(&b->writing);
	buf_done(&text);
	arena_done(&a);
	if (r == 0)
		reload(b);
	return r;
}
