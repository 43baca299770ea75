/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rules file requires of the engine: the version of Falco's rule language, and plugins.
 * koban loads no plugin for containers: it has the container fields itself, and so satisfies
 * what files ask of a plugin with that name.
 */
#include "engine/rules/private.h"

#include <errno.h>

const char rules_engine_version[] = "0.57.0";

struct version {
	unsigned part[3];
};

static const struct version engine = {{0, 57, 0}};

/* "1.2.3", perhaps with "-rc1" or "+build" behind it. */
static bool parse_version(struct str s, struct version *ret)
{
	for (size_t k = 0; k < s.len; k++)
		if (s.s[k] == '-' || s.s[k] == '+')
			s.len = k;
	for (int i = 0; i < 3; i++) {
		struct str part = str_cut(&s, '.');
		uint64_t v;

		if (!str_to_u64(part, 10, &v) || v > UINT32_MAX || (i < 2 && !s.s))
			return false;
		ret->part[i] = (unsigned)v;
	}
	return s.s == NULL;
}

/* Semantic versioning as Falco applies it: same major, and not older. */
static bool is_compatible(const struct version *have, const struct version *want)
{
	if (have->part[0] != want->part[0])
		return false;
	if (have->part[1] != want->part[1])
		return have->part[1] > want->part[1];
	return have->part[2] >= want->part[2];
}

void require_engine(struct loader *l, const struct yaml_node *value, const struct context *ctx)
{
	struct version want = engine;
	uint64_t minor;

	if (str_to_u64(value->text, 10, &minor) && minor <= UINT32_MAX) {
		want.part[1] = (unsigned)minor;
	} else if (!parse_version(value->text, &want)) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE,
			context_new(l, ctx, "value for", STR("required_engine_version"),
				place_of(ctx->at.src, value)),
			"'%.*s' is no engine version: write x.y.z",
			STR_ARG(str_head(value->text, 60)));
		return;
	}
	if (!is_compatible(&engine, &want)) {
		issue_add(l, LOAD_ERR_VALIDATE, ctx,
			"the rules need engine version %u.%u.%u, but this koban speaks %s: update "
			"koban, or use rules made for engine %s",
			want.part[0], want.part[1], want.part[2], rules_engine_version,
			rules_engine_version);
		return;
	}
	if (!l->engine_required || want.part[1] > l->engine_minor ||
		(want.part[1] == l->engine_minor && want.part[2] > l->engine_patch)) {
		l->engine_minor = want.part[1];
		l->engine_patch = want.part[2];
	}
	l->engine_required = true;
}

struct str required_engine_version(struct loader *l)
{
	if (!l->engine_required)
		return STR_NULL;
	return arena_printf(&l->rs->arena, "0.%u.%u", l->engine_minor, l->engine_patch);
}

/* ---- plugins -------------------------------------------------------------------------------- */

static bool is_satisfied(const struct plugin_requirement *r, bool *known)
{
	static const struct version container = {{0, 7, UINT32_MAX}};
	struct version want;

	*known |= str_is(r->name, "container");
	return str_is(r->name, "container") && parse_version(r->version, &want) &&
	       is_compatible(&container, &want);
}

static int read_scalar(struct loader *l, const struct yaml_node *map, const char *key,
	const struct context *ctx, struct str *ret)
{
	const struct yaml_node *n = map->kind == YAML_MAP ? yaml_get(map, key) : NULL;

	if (n && n->kind == YAML_SCALAR && n->text.len) {
		*ret = n->text;
		return 0;
	}
	issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx,
		map->kind == YAML_MAP ? "the key '%s' is missing or has no value"
				      : "a plugin must be a map with name and version (no '%s')",
		key);
	return -EINVAL;
}

static int read_requirement(struct loader *l, const struct yaml_node *item, const char *type,
	const struct context *parent, struct plugin_requirement *ret)
{
	struct place at = place_of(parent->at.src, item);
	const struct context *ctx = context_new(l, parent, type, STR_NULL, at);
	struct version v;

	if (read_scalar(l, item, "name", ctx, &ret->name) < 0)
		return -EINVAL;
	ctx = context_new(l, parent, type, ret->name, at);
	if (read_scalar(l, item, "version", ctx, &ret->version) < 0)
		return -EINVAL;
	if (parse_version(ret->version, &v))
		return 0;
	issue_add(l, LOAD_ERR_VALIDATE, ctx, "'%.*s' is no version of plugin '%.*s': write x.y.z",
		STR_ARG(str_head(ret->version, 60)), STR_ARG(ret->name));
	return -EINVAL;
}

static int read_alternatives(struct loader *l, const struct yaml_node *seq,
	const struct context *ctx, struct plugin_requirement *r)
{
	if (!seq)
		return 0;
	if (seq->kind != YAML_SEQ) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx, "alternatives must be a sequence");
		return -EINVAL;
	}
	r->alternatives = arena_array(&l->tmp, struct plugin_requirement, seq->nitems + 1);
	for (size_t i = 0; r->alternatives && i < seq->nitems; i++) {
		struct plugin_requirement *alt = &r->alternatives[i];

		if (read_requirement(
			    l, seq->items[i], "required plugin versions alternative", ctx, alt) < 0)
			return -EINVAL;
		bool twice = str_eq(alt->name, r->name);

		for (size_t k = 0; k < i && i < 1000; k++)
			twice |= str_eq(alt->name, r->alternatives[k].name);
		if (twice) {
			issue_add(l, LOAD_ERR_VALIDATE, ctx,
				"plugin '%.*s' is an alternative to itself", STR_ARG(alt->name));
			return -EINVAL;
		}
		r->nalternatives++;
	}
	return r->alternatives ? 0 : -ENOMEM;
}

static void require_plugin(
	struct loader *l, const struct yaml_node *item, const struct context *parent)
{
	struct plugin_requirement r = {0}, *more;

	if (read_requirement(l, item, "required plugin versions entry", parent, &r) < 0)
		return;
	const struct context *ctx = context_new(l, parent, "required plugin versions entry", r.name,
		place_of(parent->at.src, item));

	if (read_alternatives(l, yaml_get(item, "alternatives"), ctx, &r) < 0)
		return;
	bool known = false, ok = is_satisfied(&r, &known);

	for (size_t i = 0; !ok && i < r.nalternatives; i++)
		ok = is_satisfied(&r.alternatives[i], &known);
	if (!ok)
		issue_add(l, LOAD_ERR_VALIDATE, ctx,
			known ? "the rules need plugin '%.*s' %.*s; koban stands in for "
				"'container' up to 0.7"
			      : "the rules need plugin '%.*s' %.*s, which is not loaded, nor is an "
				"alternative",
			STR_ARG(r.name), STR_ARG(r.version));
	more = loader_grow(l, &l->tmp, l->plugins, l->nplugins, sizeof(*more));
	if (!more)
		return;
	l->plugins = more;
	l->plugins[l->nplugins++] = r;
}

void require_plugins(struct loader *l, const struct yaml_node *value, const struct context *ctx)
{
	if (value->kind != YAML_SEQ) {
		issue_add(l, LOAD_ERR_YAML_VALIDATE, ctx,
			"required_plugin_versions must be a sequence of maps with name and "
			"version");
		return;
	}
	for (size_t i = 0; i < value->nitems; i++)
		require_plugin(l, value->items[i], ctx);
}
