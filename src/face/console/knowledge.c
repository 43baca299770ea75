/* SPDX-License-Identifier: Apache-2.0 */
/* Reading data/intel/attack.yaml and data/advice/, and finding in them what fits a finding. */
#include "face/console/knowledge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/yaml.h"

enum { FILE_MAX = 4 << 20, FILES_MAX = 100, MEMORY_MAX = 64 << 20, ROWS_MAX = 4000 };

struct knowledge {
	struct arena arena;
	struct tactic *tactics;
	size_t ntactics;
	struct technique *techniques;
	size_t ntechniques;
	struct advice *advice;
	size_t nadvice;
};

/* ---- reading -------------------------------------------------------------------------------- */

static int read_yaml(struct knowledge *k, const char *path, struct yaml_node **ret, struct err *e)
{
	struct yaml_node **docs;
	struct yaml_error ye = {0};
	struct str text;
	size_t n = 0;
	int r = io_read_file(&k->arena, AT_FDCWD, path, FILE_MAX, &text, e);

	if (r < 0)
		return r;
	if (yaml_parse(&k->arena, text, NULL, &docs, &n, &ye) < 0)
		return err_set(e, EINVAL, "%s:%u:%u: %s", path, ye.line, ye.column, ye.msg);
	if (n != 1 || !docs[0])
		return err_set(e, EINVAL, "%s: is empty, or more than one document", path);
	*ret = docs[0];
	return 0;
}

static struct str text_of(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *n = map->kind == YAML_MAP ? yaml_get(map, key) : NULL;

	return n && n->kind == YAML_SCALAR ? str_trim(n->text) : STR("");
}

static const struct str *texts_of(
	struct knowledge *k, const struct yaml_node *map, const char *key, size_t *ret_n)
{
	const struct yaml_node *n = map->kind == YAML_MAP ? yaml_get(map, key) : NULL;
	size_t count = n && n->kind == YAML_SEQ ? n->nitems : 0;
	struct str *out = arena_array(&k->arena, struct str, count + 1);

	*ret_n = 0;
	for (size_t i = 0; out && i < count; i++)
		if (n->items[i]->kind == YAML_SCALAR)
			out[(*ret_n)++] = str_trim(n->items[i]->text);
	return out;
}

static int wrong(const struct yaml_node *n, const char *path, const char *what, struct err *e)
{
	return err_set(e, EINVAL, "%s:%u:%u: %s", path, n->line, n->column, what);
}

static int read_tactics(
	struct knowledge *k, const struct yaml_node *list, const char *path, struct err *e)
{
	k->tactics = arena_array(&k->arena, struct tactic, list->nitems + 1);
	for (size_t i = 0; k->tactics && i < list->nitems; i++) {
		const struct yaml_node *n = list->items[i];
		struct tactic t = {text_of(n, "id"), text_of(n, "name"), text_of(n, "key")};

		if (!t.id.len || !t.name.len || !t.key.len)
			return wrong(n, path, "a tactic has id, name and key", e);
		k->tactics[k->ntactics++] = t;
	}
	return k->tactics ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int read_techniques(
	struct knowledge *k, const struct yaml_node *list, const char *path, struct err *e)
{
	k->techniques = arena_array(&k->arena, struct technique, list->nitems + 1);
	for (size_t i = 0; k->techniques && i < list->nitems; i++) {
		const struct yaml_node *n = list->items[i];
		struct technique t = {text_of(n, "id"), text_of(n, "name")};

		t.tactics = texts_of(k, n, "tactics", &t.ntactics);
		if (!knowledge_is_technique(t.id) || !t.name.len || !t.ntactics)
			return wrong(n, path, "a technique has id, name and tactics", e);
		for (size_t j = 0; j < t.ntactics; j++)
			if (!knowledge_tactic(k, t.tactics[j]))
				return wrong(n, path, "names a tactic that is not there", e);
		k->techniques[k->ntechniques++] = t;
	}
	return k->techniques ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int read_attack(struct knowledge *k, const char *path, struct err *e)
{
	struct yaml_node *root = NULL;
	int r = read_yaml(k, path, &root, e);

	if (!root)
		return r;
	const struct yaml_node *tactics = root->kind == YAML_MAP ? yaml_get(root, "tactics") : NULL;
	const struct yaml_node *techniques =
		root->kind == YAML_MAP ? yaml_get(root, "techniques") : NULL;
	if (!tactics || tactics->kind != YAML_SEQ || !techniques || techniques->kind != YAML_SEQ ||
		techniques->nitems > ROWS_MAX)
		return wrong(root, path, "expected lists: tactics, techniques", e);
	r = read_tactics(k, tactics, path, e);
	return r < 0 ? r : read_techniques(k, techniques, path, e);
}

static int read_advice(struct knowledge *k, const char *path, struct err *e)
{
	struct yaml_node *root = NULL;
	int r = read_yaml(k, path, &root, e);

	if (!root)
		return r;
	if (root->kind != YAML_SEQ)
		return wrong(root, path, "expected a list", e);
	for (size_t i = 0; i < root->nitems; i++) {
		const struct yaml_node *n = root->items[i];
		struct advice a = {.tag = text_of(n, "tag"), .why = text_of(n, "why")};

		a.steps = texts_of(k, n, "advice", &a.nsteps);
		if (!a.tag.len || !a.why.len || !a.nsteps)
			return wrong(n, path, "has tag, why and advice", e);
		if (k->nadvice == ROWS_MAX)
			return wrong(n, path, "too many entries", e);
		k->advice[k->nadvice++] = a;
	}
	return 0;
}

static int read_all(struct knowledge *k, const char *dir, struct err *e)
{
	static const char *const suffixes[] = {".yaml", NULL};
	struct str path = arena_printf(&k->arena, "%s/intel/attack.yaml", dir), *names;
	struct str folder = arena_printf(&k->arena, "%s/advice", dir);
	size_t n = 0;

	k->advice = arena_array(&k->arena, struct advice, ROWS_MAX);
	if (!path.s || !folder.s || !k->advice)
		return err_set(e, ENOMEM, "out of memory");
	int r = read_attack(k, path.s, e);
	if (r == 0)
		r = io_list_dir(&k->arena, folder.s, suffixes, FILES_MAX, &names, &n, e);
	for (size_t i = 0; r == 0 && i < n; i++) {
		path = arena_printf(&k->arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(names[i]));
		r = path.s ? read_advice(k, path.s, e) : err_set(e, ENOMEM, "out of memory");
	}
	return r;
}

int knowledge_new(const char *dir, struct knowledge **ret, struct err *e)
{
	struct knowledge *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&k->arena, MEMORY_MAX);
	int r = read_all(k, dir, e);
	if (r < 0) {
		knowledge_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void knowledge_free(struct knowledge *k)
{
	if (!k)
		return;
	arena_done(&k->arena);
	free(k);
}

/* ---- finding -------------------------------------------------------------------------------- */

const struct tactic *knowledge_tactics(const struct knowledge *k, size_t *ret_n)
{
	*ret_n = k->ntactics;
	return k->tactics;
}

const struct technique *knowledge_techniques(const struct knowledge *k, size_t *ret_n)
{
	*ret_n = k->ntechniques;
	return k->techniques;
}

const struct tactic *knowledge_tactic(const struct knowledge *k, struct str key)
{
	for (size_t i = 0; i < k->ntactics; i++)
		if (str_eq(k->tactics[i].key, key))
			return &k->tactics[i];
	return NULL;
}

bool knowledge_is_technique(struct str tag)
{
	enum { SHORT = 5, LONG = 9 };

	if ((tag.len != SHORT && tag.len != LONG) || (tag.s[0] | 0x20) != 't')
		return false;
	for (size_t i = 1; i < tag.len; i++)
		if (i == SHORT ? tag.s[i] != '.' : tag.s[i] < '0' || tag.s[i] > '9')
			return false;
	return true;
}

const struct technique *knowledge_technique(const struct knowledge *k, struct str id)
{
	for (size_t i = 0; i < k->ntechniques; i++)
		if (str_ieq(k->techniques[i].id, id))
			return &k->techniques[i];
	return NULL;
}

static const struct advice *find_advice(const struct knowledge *k, struct str tag)
{
	for (size_t i = 0; i < k->nadvice; i++)
		if (str_ieq(k->advice[i].tag, tag))
			return &k->advice[i];
	return NULL;
}

/* How much a tag says: a sub-technique more than its technique, a tactic less, others least. */
static unsigned weight_of(struct str tag, bool is_parent)
{
	if (knowledge_is_technique(tag))
		return is_parent ? 3 : 4;
	return str_starts(tag, STR("mitre_")) ? 1 : 2;
}

const struct advice *knowledge_advice(const struct knowledge *k, const struct str *tags, size_t n)
{
	enum { PARENT = 5 };
	const struct advice *best = find_advice(k, STR("*"));
	unsigned best_weight = 0;

	for (size_t i = 0; i < n; i++) {
		const struct advice *a = find_advice(k, tags[i]);
		bool is_parent = !a && knowledge_is_technique(tags[i]);

		if (is_parent)
			a = find_advice(k, str_head(tags[i], PARENT));
		if (a && weight_of(tags[i], is_parent) > best_weight) {
			best = a;
			best_weight = weight_of(tags[i], is_parent);
		}
	}
	return best;
}
