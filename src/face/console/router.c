/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path and a method to a row. There are some sixty rows, and a request walks them once: that
 * is less than parsing its headers, and a table one can read.
 */
#include "face/console/route.h"

#include <errno.h>
#include <stdlib.h>

#include "face/console/openapi.h"

struct shapes {
	const struct schema *query, *body, *answer;
};

struct router {
	struct arena arena;
	struct shapes *shapes; /* one a row */
	struct router_shape *names;
	size_t nnames;
	struct buf openapi;
};

enum { ROUTER_MEMORY_MAX = 16 << 20, OPENAPI_MAX = 1 << 20 };

const char *method_name(enum method m)
{
	static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "?"};

	return names[m];
}

enum method method_parse(const char *s)
{
	if (strcmp(s, "HEAD") == 0)
		return METHOD_GET;
	for (enum method m = METHOD_GET; m < METHOD_OTHER; m++)
		if (strcmp(s, method_name(m)) == 0)
			return m;
	return METHOD_OTHER;
}

const char *route_role_name(enum role r)
{
	static const char *const names[] = {"", "public", "signed", "viewer", "analyst", "admin"};

	return names[r];
}

enum role route_role_parse(struct str s)
{
	for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
		if (str_is(s, route_role_name(r)))
			return r;
	return ROLE_MISSING;
}

/* ---- making it ----------------------------------------------------------------------------- */

static const struct schema *find_shape(struct str name, void *arg)
{
	const struct router *r = arg;

	for (size_t i = 0; i < r->nnames; i++)
		if (str_eq(r->names[i].name, name))
			return r->names[i].schema;
	return NULL;
}

static int read_names(struct router *r, struct err *e)
{
	size_t n = 0;

	while (route_schemas[n].name)
		n++;
	r->names = arena_array(&r->arena, struct router_shape, n);
	if (!r->names)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const struct schema *s = schema_parse(&r->arena, str_of(route_schemas[i].text), e);

		if (!s)
			return err_context(e, "%s", route_schemas[i].name);
		r->names[r->nnames++] = (struct router_shape){str_of(route_schemas[i].name), s};
	}
	return 0;
}

static bool read_shape(struct router *r, const char *text, const struct schema **ret, struct err *e)
{
	*ret = text ? schema_parse(&r->arena, str_of(text), e) : NULL;
	return *ret || !text;
}

static int read_row(struct router *r, size_t i, struct err *e)
{
	const struct route *row = &routes[i];
	struct shapes *s = &r->shapes[i];

	if (row->role == ROLE_MISSING || !row->summary || !row->run || (!row->answer && !row->type))
		return err_set(
			e, EINVAL, "the row lacks a role, a handler, a summary or an answer");
	if (!read_shape(r, row->query, &s->query, e) || !read_shape(r, row->body, &s->body, e) ||
		!read_shape(r, row->answer, &s->answer, e))
		return -EINVAL;
	return 0;
}

static int read_rows(struct router *r, struct err *e)
{
	r->shapes = arena_array(&r->arena, struct shapes, nroutes);
	if (!r->shapes)
		return err_set(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < nroutes; i++) {
		int n = read_row(r, i, e);

		if (n < 0)
			return err_context(
				e, "route %s %s", method_name(routes[i].method), routes[i].path);
	}
	return 0;
}

int router_new(struct router **ret, struct err *e)
{
	struct router *r = calloc(1, sizeof(*r));
	int n;

	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&r->arena, ROUTER_MEMORY_MAX);
	r->openapi = BUF_INIT(OPENAPI_MAX);
	n = read_names(r, e);
	if (n == 0)
		n = read_rows(r, e);
	if (n < 0) {
		router_free(r);
		return n;
	}
	openapi_add(r, &r->openapi);
	*ret = r;
	return 0;
}

void router_free(struct router *r)
{
	if (!r)
		return;
	buf_done(&r->openapi);
	arena_done(&r->arena);
	free(r);
}

/* ---- finding ------------------------------------------------------------------------------- */

static bool match_path(const char *pattern, const struct path *p, struct str *id)
{
	struct str rest = str_skip(str_of(pattern), 1);
	size_t i = 0;

	*id = STR_NULL;
	for (; rest.s; i++) {
		struct str part = str_cut(&rest, '/');

		if (i == p->n)
			return false;
		if (str_starts(part, STR("{")))
			*id = p->segment[i];
		else if (!str_eq(part, p->segment[i]))
			return false;
	}
	return i == p->n;
}

struct router_match router_find(const struct router *r, enum method m, const struct path *p)
{
	struct router_match found = {0};

	for (size_t i = 0; i < nroutes; i++) {
		struct str id;

		if (!match_path(routes[i].path, p, &id))
			continue;
		found.is_path = true;
		if (routes[i].method != m)
			continue;
		found.route = &routes[i];
		found.id = id;
		break;
	}
	return found;
}

void router_add_methods(const struct router *r, const struct path *p, struct buf *out)
{
	struct str id;

	for (size_t i = 0; i < nroutes; i++)
		if (match_path(routes[i].path, p, &id))
			buf_printf(
				out, "%s%s", out->len ? ", " : "", method_name(routes[i].method));
}

static const struct shapes *shapes_of(const struct router *r, const struct route *row)
{
	return &r->shapes[row - routes];
}

const struct schema *router_query(const struct router *r, const struct route *row)
{
	return shapes_of(r, row)->query;
}

const struct schema *router_body(const struct router *r, const struct route *row)
{
	return shapes_of(r, row)->body;
}

const struct schema *router_answer(const struct router *r, const struct route *row)
{
	return shapes_of(r, row)->answer;
}

static const struct schema_field *find_param(const struct schema *s, struct str name)
{
	for (size_t i = 0; s && i < s->nfields; i++)
		if (str_eq(s->fields[i].name, name))
			return &s->fields[i];
	return NULL;
}

static bool has_param(const struct url_params *p, struct str name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_eq(p->p[i].name, name))
			return true;
	return false;
}

int router_check_query(
	const struct router *r, const struct route *row, const struct url_params *p, struct err *e)
{
	const struct schema *s = router_query(r, row);

	for (size_t i = 0; i < p->n; i++) {
		const struct schema_field *f = find_param(s, p->p[i].name);

		if (!f)
			return err_set(e, EINVAL, "no parameter '%.40s' here", p->p[i].name.s);
		if (schema_check_text(&f->type, f->name, p->p[i].value, e) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; s && i < s->nfields; i++)
		if (!s->fields[i].optional && !has_param(p, s->fields[i].name))
			return err_set(e, EINVAL, "the parameter '%.*s' is missing",
				STR_ARG(s->fields[i].name));
	return 0;
}

int router_check_body(
	const struct router *r, const struct route *row, const json_t *v, struct err *e)
{
	return schema_check(router_body(r, row), v, find_shape, (void *)r, e);
}

const struct router_shape *router_shapes(const struct router *r, size_t *ret_n)
{
	*ret_n = r->nnames;
	return r->names;
}

struct str router_openapi(const struct router *r)
{
	return buf_str(&r->openapi);
}
