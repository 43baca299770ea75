/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules, allow-lists and contexts read from YAML (docs/secrets.md). Everything in a row is checked
 * when it is read, and a mistake is named with file and line. A row with an id that is there
 * already takes its place, so that a user can change what is shipped. Nothing is compiled here.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"
#include "engine/secret/private.h"

enum { FILE_MAX = 1 << 20, FILES_MAX = 200, ALLOW_MAX = 1000, WORDS_MAX = 4000 };

static const char *const file_keys[] = {
	"topic", "rules", "allow", "contexts", "not_names", "placeholders", "words", NULL};
static const char *const rule_keys[] = {"id", "title", "mend", "severity", "kind", "pattern",
	"trigger", "keywords", "near", "entropy", "check", "needs_check", "strong", "binary",
	"anything", "ends_name", "noise", "confidence", "rank", "paths", "before", "after", "min",
	"max", "examples", "never", "source", NULL};
static const char *const allow_keys[] = {
	"reason", "paths", "rules", "values", "keys", "weak", "severity", "confidence", NULL};
static const char *const severity_words[] = {"critical", "high", "medium", "low", "info", NULL};
static const char *const kind_words[] = {"pattern", "assignment", NULL};

bool path_globs_match(const struct path_globs *g, struct str path)
{
	char name[PATH_MAX];

	if (!g->n || !str_copy(path, name, sizeof(name)))
		return false;
	for (size_t i = 0; i < g->n; i++)
		if (str_find(path, g->core[i]) >= 0 && fnmatch(g->v[i].s, name, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

static struct str core_of(struct str glob)
{
	struct str best = STR_NULL;

	for (size_t i = 0, n; i < glob.len; i += n + 1) {
		for (n = 0; i + n < glob.len && !strchr("*?[", glob.s[i + n]);)
			n++;
		if (n > best.len)
			best = str_make(glob.s + i, n);
		if (i + n < glob.len && glob.s[i + n] == '[')
			break; /* what follows may be a set */
	}
	return best;
}

/* The texts of a list with a NUL behind each: yaml's have none. */
static int read_list(struct yaml_reading *r, const struct yaml_node *row, const char *key,
	struct str **ret, size_t *ret_n)
{
	if (yaml_read_texts(r, row, key, ret, ret_n) < 0)
		return -EINVAL;
	for (size_t i = 0; i < *ret_n; i++) {
		(*ret)[i] = arena_str(r->arena, (*ret)[i]);
		if (!(*ret)[i].len)
			return yaml_mistake(r, yaml_get(row, key), "\"%s\" has an empty text", key);
	}
	return 0;
}

static int read_globs(struct yaml_reading *r, const struct yaml_node *row, const char *key,
	struct path_globs *ret)
{
	if (read_list(r, row, key, &ret->v, &ret->n) < 0)
		return -EINVAL;
	ret->core = arena_array(r->arena, struct str, ret->n + 1);
	if (!ret->core)
		return err_set(r->e, ENOMEM, "out of memory");
	for (size_t i = 0; i < ret->n; i++)
		ret->core[i] = core_of(ret->v[i]);
	return 0;
}

/* Texts that are written in parts, so that no scanner takes this tree for a leak. */
static int read_joined(struct yaml_reading *r, const struct yaml_node *row, const char *key,
	struct str **ret, size_t *ret_n)
{
	const struct yaml_node *list = yaml_get(row, key);

	if (yaml_is_null(list))
		return 0;
	if (list->kind != YAML_SEQ)
		return yaml_mistake(r, list, "\"%s\" must be a list of lists of parts", key);
	*ret = arena_array(r->arena, struct str, list->nitems + 1);
	for (size_t i = 0; *ret && i < list->nitems; i++) {
		const struct yaml_node *parts = list->items[i];
		struct buf b = BUF_INIT(FILE_MAX);

		if (parts->kind == YAML_SCALAR)
			buf_add(&b, parts->text);
		for (size_t k = 0; parts->kind == YAML_SEQ && k < parts->nitems; k++)
			buf_add(&b, parts->items[k]->text);
		(*ret)[(*ret_n)++] = arena_str(r->arena, buf_str(&b));
		buf_done(&b);
	}
	return *ret ? 0 : err_set(r->e, ENOMEM, "out of memory");
}

static int read_entropy(struct yaml_reading *r, const struct yaml_node *row, double *ret)
{
	const struct yaml_node *n = yaml_get(row, "entropy");

	if (!n || (n->kind == YAML_SCALAR && str_to_double(n->text, ret) && *ret >= 0 && *ret <= 8))
		return 0;
	return yaml_mistake(r, n, "\"entropy\" must be a number of bits a byte, from 0 to 8");
}

static int read_numbers(
	struct yaml_reading *r, const struct yaml_node *row, struct secret_rule *rule)
{
	int64_t confidence = rule->is_strong ? 90 : 60, rank = rule->is_strong ? 60 : 50;
	int64_t before = SECRET_BEFORE, after = SECRET_AFTER, min = 6, max = 200;

	if (rule->kind == RULE_ASSIGNMENT)
		rank = 10;
	if (yaml_read_number(r, row, "confidence", 1, 100, &confidence) < 0 ||
		yaml_read_number(r, row, "rank", 0, 100, &rank) < 0 ||
		yaml_read_number(r, row, "before", 0, 4096, &before) < 0 ||
		yaml_read_number(r, row, "after", 8, SECRET_AFTER_MAX, &after) < 0 ||
		yaml_read_number(r, row, "min", 1, 1000, &min) < 0 ||
		yaml_read_number(r, row, "max", 1, 1000, &max) < 0 ||
		read_entropy(r, row, &rule->entropy) < 0)
		return -EINVAL;
	rule->confidence = (unsigned)confidence;
	rule->rank = (unsigned)rank;
	rule->before = (size_t)before;
	rule->after = (size_t)after;
	rule->min = (size_t)min;
	rule->max = (size_t)max;
	return 0;
}

static int check_id(struct yaml_reading *r, const struct yaml_node *row, struct str id)
{
	for (size_t i = 0; i < id.len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", id.s[i]))
			return yaml_mistake(r, yaml_get(row, "id"),
				"\"id\" is made of small letters, digits and \"-\"");
	return id.len ? 0 : yaml_mistake(r, row, "\"id\" is empty");
}

static int check_keywords(
	struct yaml_reading *r, const struct yaml_node *row, const struct secret_rule *rule)
{
	if (!rule->nkeywords && !rule->trigger.len && !rule->paths.n)
		return yaml_mistake(r, row,
			"the rule has neither \"keywords\" nor a \"trigger\" nor \"paths\": it "
			"would "
			"be tried at every byte");
	for (size_t i = 0; i < rule->nkeywords; i++)
		if (rule->keywords[i].len < 3)
			return yaml_mistake(r, yaml_get(row, "keywords"),
				"the keyword \"%.*s\" is too common: at least 3 bytes, or a "
				"\"trigger\"",
				STR_ARG(rule->keywords[i]));
	if (rule->kind == RULE_PATTERN && !rule->pattern.len)
		return yaml_mistake(r, row, "\"pattern\" is missing");
	return 0;
}

static int read_check(struct yaml_reading *r, const struct yaml_node *row, struct secret_rule *rule)
{
	struct str name = STR_NULL;

	if (yaml_read_text(r, row, "check", false, &name) < 0)
		return -EINVAL;
	rule->check = name.len ? secret_check_find(name) : NULL;
	if (name.len && !rule->check)
		return yaml_mistake(
			r, yaml_get(row, "check"), "there is no check \"%.*s\"", STR_ARG(name));
	return 0;
}

static int read_rule(struct yaml_reading *r, const struct yaml_node *row, struct secret_rule *rule)
{
	unsigned severity = ARTIFACT_HIGH, kind = RULE_PATTERN;
	struct str source;

	if (yaml_check_keys(r, row, rule_keys, "a rule") < 0 ||
		yaml_read_text(r, row, "id", true, &rule->id) < 0 ||
		check_id(r, row, rule->id) < 0 ||
		yaml_read_text(r, row, "title", true, &rule->title) < 0 ||
		yaml_read_text(r, row, "mend", true, &rule->mend) < 0 ||
		yaml_read_text(r, row, "source", false, &source) < 0 ||
		yaml_read_word(r, row, "severity", severity_words, &severity) < 0 ||
		yaml_read_word(r, row, "kind", kind_words, &kind) < 0 ||
		yaml_read_text(r, row, "pattern", false, &rule->pattern) < 0 ||
		yaml_read_text(r, row, "trigger", false, &rule->trigger) < 0 ||
		yaml_read_bool(r, row, "strong", &rule->is_strong) < 0 ||
		yaml_read_bool(r, row, "binary", &rule->in_binaries) < 0 ||
		yaml_read_bool(r, row, "anything", &rule->takes_anything) < 0 ||
		yaml_read_bool(r, row, "needs_check", &rule->needs_check) < 0 ||
		yaml_read_bool(r, row, "ends_name", &rule->ends_name) < 0 ||
		yaml_read_bool(r, row, "noise", &rule->needs_noise) < 0 ||
		read_check(r, row, rule) < 0)
		return -EINVAL;
	rule->severity = (enum artifact_severity)severity;
	rule->kind = (enum rule_kind)kind;
	if (read_numbers(r, row, rule) < 0 ||
		read_list(r, row, "keywords", &rule->keywords, &rule->nkeywords) < 0 ||
		read_list(r, row, "near", &rule->near, &rule->nnear) < 0 ||
		read_globs(r, row, "paths", &rule->paths) < 0 ||
		read_joined(r, row, "examples", &rule->examples, &rule->nexamples) < 0 ||
		read_joined(r, row, "never", &rule->never, &rule->nnever) < 0)
		return -EINVAL;
	rule->place = arena_printf(r->arena, "%s:%u", r->path, row->line);
	return check_keywords(r, row, rule);
}

static int read_rules(
	struct secret_rules *all, struct yaml_reading *r, const struct yaml_node *list)
{
	if (yaml_is_null(list))
		return 0;
	if (list->kind != YAML_SEQ)
		return yaml_mistake(r, list, "\"rules\" must be a list of rules");
	for (size_t i = 0; i < list->nitems; i++) {
		struct secret_rule rule = {0};
		size_t k = 0;

		if (read_rule(r, list->items[i], &rule) < 0)
			return -EINVAL;
		while (k < all->nrules && !str_eq(all->rules[k].id, rule.id))
			k++;
		if (k == SECRET_RULES_MAX)
			return yaml_mistake(
				r, list->items[i], "more than %d rules", SECRET_RULES_MAX);
		all->rules[k] = rule;
		all->nrules += k == all->nrules;
	}
	return 0;
}

static int read_allow_row(struct secret_rules *all, struct yaml_reading *r,
	const struct yaml_node *row, bool is_context)
{
	struct secret_allow *w = &all->allow[all->nallow];
	unsigned severity = ARTIFACT_CRITICAL;
	int64_t confidence = 100;

	if (all->nallow == ALLOW_MAX)
		return yaml_mistake(r, row, "more than %d rows", ALLOW_MAX);
	*w = (struct secret_allow){.is_context = is_context};
	if (yaml_check_keys(r, row, allow_keys, is_context ? "a context" : "an allow row") < 0 ||
		yaml_read_text(r, row, "reason", true, &w->reason) < 0 ||
		yaml_read_word(r, row, "severity", severity_words, &severity) < 0 ||
		yaml_read_number(r, row, "confidence", 1, 100, &confidence) < 0 ||
		yaml_read_bool(r, row, "weak", &w->only_weak) < 0 ||
		read_globs(r, row, "paths", &w->paths) < 0 ||
		read_globs(r, row, "rules", &w->rules) < 0 ||
		read_list(r, row, "keys", &w->keys, &w->nkeys) < 0 ||
		read_list(r, row, "values", &w->values, &w->nvalues) < 0)
		return -EINVAL;
	if (!w->paths.n && !w->nvalues && !w->nkeys)
		return yaml_mistake(r, row,
			"the row names neither \"paths\" nor \"values\" nor \"keys\": it would "
			"hide everything");
	w->severity_max = (enum artifact_severity)severity;
	w->confidence = (unsigned)confidence;
	all->nallow++;
	return 0;
}

static int read_allow(struct secret_rules *all, struct yaml_reading *r,
	const struct yaml_node *root, const char *key, bool is_context)
{
	const struct yaml_node *list = yaml_get(root, key);

	if (yaml_is_null(list))
		return 0;
	if (list->kind != YAML_SEQ)
		return yaml_mistake(r, list, "\"%s\" must be a list", key);
	for (size_t i = 0; i < list->nitems; i++)
		if (read_allow_row(all, r, list->items[i], is_context) < 0)
			return -EINVAL;
	return 0;
}

/* Lists of several files are put together. */
static int read_words(struct yaml_reading *r, const struct yaml_node *root, const char *key,
	struct str **all, size_t *nall)
{
	struct str *list = NULL;
	size_t n = 0;

	if (read_list(r, root, key, &list, &n) < 0)
		return -EINVAL;
	if (!*all)
		*all = arena_array(r->arena, struct str, WORDS_MAX);
	if (!*all || *nall + n > WORDS_MAX)
		return yaml_mistake(r, yaml_get(root, key), "more than %d words", WORDS_MAX);
	if (n)
		memcpy(*all + *nall, list, n * sizeof(*list));
	*nall += n;
	return 0;
}

static int load_one(struct secret_rules *all, const char *path, struct err *e)
{
	struct yaml_reading r = {path, &all->arena, e};
	const struct yaml_node *root;
	int code = yaml_read_file(&r, FILE_MAX, "list of secret rules", &root);

	if (code < 0)
		return code;
	if (yaml_check_keys(&r, root, file_keys, "a file of secret rules") < 0 ||
		read_rules(all, &r, yaml_get(root, "rules")) < 0 ||
		read_allow(all, &r, root, "allow", false) < 0 ||
		read_allow(all, &r, root, "contexts", true) < 0 ||
		read_words(&r, root, "not_names", &all->not_names, &all->nnot_names) < 0 ||
		read_words(&r, root, "placeholders", &all->placeholders, &all->nplaceholders) < 0 ||
		read_words(&r, root, "words", &all->words, &all->nwords) < 0)
		return -EINVAL;
	return 0;
}

static void hash_file(struct secret_rules *all, const char *path)
{
	struct arena a;
	struct str text;

	arena_init(&a, 2 * FILE_MAX);
	if (io_read_file(&a, AT_FDCWD, path, FILE_MAX, &text, NULL) == 0)
		all->hash = hash_u64(all->hash ^ str_hash(text));
	arena_done(&a);
}

int secret_load_file(struct secret_rules *r, const char *path, struct err *e)
{
	static const char *const suffixes[] = {".yaml", ".yml", NULL};
	struct stat st;
	struct str *names;
	size_t n;
	int code;

	if (stat(path, &st) < 0)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		code = load_one(r, path, e);
		hash_file(r, path);
		return code;
	}
	code = io_list_dir(&r->arena, path, suffixes, FILES_MAX, &names, &n, e);
	for (size_t i = 0; code >= 0 && i < n; i++) {
		char file[PATH_MAX];

		snprintf(file, sizeof(file), "%s/%.*s", path, STR_ARG(names[i]));
		/* the arena keeps the name: rules quote it as long as they live */
		code = load_one(r, arena_cstr(&r->arena, str_of(file)), e);
		hash_file(r, file);
	}
	return code < 0 ? code : 0;
}

int secret_rules_load(
	const char *data_dir, const char *const *paths, struct secret_rules **ret, struct err *e)
{
	struct secret_rules *r = calloc(1, sizeof(*r));
	char shipped[PATH_MAX];
	int code = 0;

	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	r->refs = 1;
	arena_init(&r->arena, 64 << 20);
	r->rules = arena_array(&r->arena, struct secret_rule, SECRET_RULES_MAX);
	r->allow = arena_array(&r->arena, struct secret_allow, ALLOW_MAX);
	if (!r->rules || !r->allow)
		code = err_set(e, ENOMEM, "out of memory");
	if (!code && data_dir)
		snprintf(shipped, sizeof(shipped), "%s/secrets", data_dir);
	else if (!code && !io_data_dir("secrets", shipped, sizeof(shipped)))
		code = err_set(e, ENOENT,
			"%s: the patterns of secrets are not there: install koban's data, or name "
			"the folder",
			shipped);
	if (!code)
		code = secret_load_file(r, shipped, e);
	for (size_t i = 0; !code && paths && paths[i]; i++)
		code = secret_load_file(r, paths[i], e);
	if (!code)
		code = secret_compile(r, e);
	if (!code && r->arena.failed)
		code = err_set(e, ENOMEM, "the patterns of secrets need more than 64 MiB");
	if (code < 0) {
		secret_rules_unref(r);
		return code;
	}
	*ret = r;
	return 0;
}

void secret_rules_unref(struct secret_rules *r)
{
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; r->rules && i < r->nrules; i++)
		pcre2_code_free(r->rules[i].code);
	for (size_t i = 0; r->allow && i < r->nallow; i++)
		for (size_t k = 0; r->allow[i].codes && k < r->allow[i].nvalues; k++)
			pcre2_code_free(r->allow[i].codes[k]);
	hs_free_database(r->text);
	hs_free_database(r->binary);
	arena_done(&r->arena);
	free(r);
}

size_t secret_rules_count(const struct secret_rules *r)
{
	return r->nrules;
}

uint64_t secret_rules_hash(const struct secret_rules *r)
{
	return r->hash;
}
