/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image config (OCI image-spec 1.1, config.md; Docker Image Specification 1.3): what would be
 * run, how it was built, and the digests of the layers' tars. Shape and size are checked; a value
 * of a wrong kind is an error where an engine would refuse it too, and else absent.
 */
#include <errno.h>

#include "source/image/private.h"

struct reading {
	struct arena *a;
	const char *what;
	struct err *e;
};

static int bad(struct reading *r, const char *key, const char *why)
{
	return err_set(r->e, EBADMSG, "%s: \"%s\" %s", r->what, key, why);
}

static struct str keep(struct reading *r, const json_t *o, const char *key)
{
	struct str s = image_json_str(o, key);

	return s.len ? arena_str(r->a, s) : STR_NULL;
}

static int too_many(struct reading *r, const char *key, size_t n)
{
	return n > LIST_MAX ? bad(r, key, "has more members than are read (10,000)") : 0;
}

/* A list of strings; one string alone is a list of one, as old engines wrote it. */
static int read_list(
	struct reading *r, const json_t *o, const char *key, const struct str **ret, size_t *ret_n)
{
	json_t *v = image_json_get(o, key);
	size_t n = json_is_string(v) ? 1 : json_array_size(v);
	struct str *list;

	if (v && !json_is_array(v) && !json_is_string(v) && !json_is_null(v))
		return bad(r, key, "is no list of strings");
	if (!n || too_many(r, key, n) < 0)
		return n ? -EBADMSG : 0;
	list = arena_array(r->a, struct str, n);
	for (size_t i = 0; list && i < n; i++) {
		const json_t *item = json_is_string(v) ? v : json_array_get(v, i);

		if (!json_is_string(item))
			return bad(r, key, "is no list of strings");
		list[i] = arena_str(r->a, image_json_text(item));
	}
	*ret = list;
	*ret_n = list ? n : 0;
	return 0;
}

/* The keys of an object: ports and volumes are sets that are written so. */
static int read_keys(
	struct reading *r, const json_t *o, const char *key, const struct str **ret, size_t *ret_n)
{
	json_t *v = image_json_get(o, key), *each;
	size_t n = json_object_size(v), i = 0;
	struct str *list;
	const char *k;

	if (!n || too_many(r, key, n) < 0)
		return n ? -EBADMSG : 0;
	list = arena_array(r->a, struct str, n);
	if (list)
		json_object_foreach(v, k, each) list[i++] = arena_str(r->a, str_of(k));
	*ret = list;
	*ret_n = i;
	return 0;
}

static int read_labels(struct reading *r, const json_t *o, struct artifact_config *c)
{
	json_t *v = image_json_get(o, "Labels"), *each;
	size_t n = json_object_size(v);
	struct artifact_pair *list;
	const char *k;

	if (!n || too_many(r, "Labels", n) < 0)
		return n ? -EBADMSG : 0;
	list = arena_array(r->a, struct artifact_pair, n);
	c->labels = list;
	if (list)
		json_object_foreach(v, k, each) list[c->nlabels++] = (struct artifact_pair){
			arena_str(r->a, str_of(k)), arena_str(r->a, image_json_text(each))};
	return 0;
}

static int read_history(struct reading *r, const json_t *j, struct artifact_config *c)
{
	json_t *v = image_json_get(j, "history");
	size_t n = json_array_size(v);
	struct artifact_step *list;

	if (!n || too_many(r, "history", n) < 0)
		return n ? -EBADMSG : 0;
	list = arena_array(r->a, struct artifact_step, n);
	c->history = list;
	for (; list && c->nhistory < n; c->nhistory++) {
		const json_t *step = json_array_get(v, c->nhistory);

		list[c->nhistory] = (struct artifact_step){
			.created = keep(r, step, "created"),
			.created_by = keep(r, step, "created_by"),
			.author = keep(r, step, "author"),
			.comment = keep(r, step, "comment"),
			.is_empty = json_is_true(image_json_get(step, "empty_layer")),
		};
	}
	return 0;
}

static int read_process(struct reading *r, const json_t *o, struct artifact_config *c)
{
	int n = json_is_object(o) ? image_json_keys(o, r->what, r->e) : 0;

	c->user = keep(r, o, "User");
	c->workdir = keep(r, o, "WorkingDir");
	if (n == 0)
		n = read_list(r, o, "Entrypoint", &c->entrypoint, &c->nentrypoint);
	if (n == 0)
		n = read_list(r, o, "Cmd", &c->cmd, &c->ncmd);
	if (n == 0)
		n = read_list(r, o, "Env", &c->env, &c->nenv);
	if (n == 0)
		n = read_list(r, o, "OnBuild", &c->onbuild, &c->nonbuild);
	if (n == 0)
		n = read_list(r, o, "Shell", &c->shell, &c->nshell);
	if (n == 0)
		n = read_list(r, image_json_get(o, "Healthcheck"), "Test", &c->healthcheck,
			&c->nhealthcheck);
	if (n == 0)
		n = read_keys(r, o, "ExposedPorts", &c->ports, &c->nports);
	if (n == 0)
		n = read_keys(r, o, "Volumes", &c->volumes, &c->nvolumes);
	return n < 0 ? n : read_labels(r, o, c);
}

static int read_root_fs(struct reading *r, const json_t *j, struct artifact_config *c)
{
	json_t *root = image_json_get(j, "rootfs");
	int n = json_is_object(root)
			? image_json_keys(root, r->what, r->e)
			: bad(r, "rootfs", "is missing: it is no container image's config");

	if (n == 0)
		n = read_list(r, root, "diff_ids", &c->diff_ids, &c->ndiff_ids);
	for (size_t i = 0; n == 0 && i < c->ndiff_ids; i++)
		if (!digest_is_valid(c->diff_ids[i]))
			n = bad(r, "diff_ids", "has a member that is no digest");
	return n;
}

static int read_config(struct reading *r, const json_t *j, struct artifact_config *c)
{
	int n = image_json_keys(j, r->what, r->e);

	c->architecture = keep(r, j, "architecture");
	c->os = keep(r, j, "os");
	c->variant = keep(r, j, "variant");
	c->created = keep(r, j, "created");
	c->author = keep(r, j, "author");
	if (n == 0)
		n = read_root_fs(r, j, c);
	if (n == 0)
		n = read_process(r, image_json_get(j, "config"), c);
	return n < 0 ? n : read_history(r, j, c);
}

int image_config_parse(struct str text, const char *what, struct arena *a,
	struct artifact_config *ret, struct err *e)
{
	struct reading r = {a, what, e};
	json_t *j;
	int n = image_json(text, what, &j, e);

	*ret = (struct artifact_config){0};
	if (n < 0)
		return n;
	n = read_config(&r, j, ret);
	json_decref(j);
	if (n == 0 && a->failed)
		n = err_set(e, ENOMEM, "out of memory");
	return n;
}
