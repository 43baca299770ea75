/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the routes as an OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0). Nothing in it
 * is written by hand but the words on errors and on signing in: what a row does not say, the
 * document does not promise.
 */
#include "face/console/openapi.h"

#include "base/json.h"

static const char head[] =
	"{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"koban\",\"version\":\"1\","
	"\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"},"
	"\"description\":\"What koban found, what runs, and what people did about it. Times are "
	"RFC 3339 in UTC, ids are texts, lists come in pages: pass `next` as `cursor`. A client "
	"signs in with a cookie (POST /api/v1/login; every change then needs the header "
	"X-CSRF-Token) or sends a token as `Authorization: Bearer …`.\"},"
	"\"servers\":[{\"url\":\"/\"}],\"paths\":{";

static const char tail[] =
	"\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"additionalProperties\":false,"
	"\"properties\":{\"error\":{\"type\":\"object\",\"required\":[\"code\",\"message\"],"
	"\"additionalProperties\":false,\"properties\":{\"code\":{\"type\":\"string\"},"
	"\"message\":{\"type\":\"string\"},\"place\":{\"type\":\"object\","
	"\"required\":[\"line\",\"column\"],\"additionalProperties\":false,\"properties\":{"
	"\"line\":{\"type\":\"integer\"},\"column\":{\"type\":\"integer\"}}}}}}}},"
	"\"securitySchemes\":{"
	"\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"koban_session\","
	"\"description\":\"Over TLS its name is __Host-koban_session.\"},"
	"\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}}";

static const char *doc_of(struct str name)
{
	for (const struct param_doc *d = route_param_docs; d->name; d++)
		if (str_is(name, d->name))
			return d->doc;
	return NULL;
}

static void add_param(struct buf *out, struct str name, const char *in, bool required,
	const struct schema *s, bool *first)
{
	const char *doc = doc_of(name);

	buf_add_cstr(out, *first ? "{\"name\":" : ",{\"name\":");
	*first = false;
	json_add_str(out, name);
	buf_printf(out, ",\"in\":\"%s\",\"required\":%s", in, required ? "true" : "false");
	if (doc) {
		buf_add_cstr(out, ",\"description\":");
		json_add_str(out, str_of(doc));
	}
	buf_add_cstr(out, ",\"schema\":");
	if (s)
		schema_add_json(s, out);
	else
		buf_add_cstr(out, "{\"type\":\"string\"}");
	buf_add_char(out, '}');
}

static void add_params(const struct router *r, const struct route *row, struct buf *out)
{
	const struct schema *q = router_query(r, row);
	const char *open = strchr(row->path, '{');
	bool first = true;

	buf_add_cstr(out, ",\"parameters\":[");
	if (open)
		add_param(out, str_make(open + 1, strcspn(open + 1, "}")), "path", true, NULL,
			&first);
	for (size_t i = 0; q && i < q->nfields; i++)
		add_param(out, q->fields[i].name, "query", !q->fields[i].optional,
			&q->fields[i].type, &first);
	buf_add_char(out, ']');
}

static void add_body(const struct router *r, const struct route *row, struct buf *out)
{
	const struct schema *s = router_body(r, row);

	if (!s)
		return;
	buf_add_cstr(out, ",\"requestBody\":{\"required\":true,\"content\":{\"application/"
			  "json\":{\"schema\":");
	schema_add_json(s, out);
	buf_add_cstr(out, "}}}");
}

static void add_error(struct buf *out, const char *status, const char *text)
{
	buf_printf(out,
		",\"%s\":{\"description\":\"%s\",\"content\":{\"application/json\":{\"schema\":{"
		"\"$ref\":\"#/components/schemas/Error\"}}}}",
		status, text);
}

static void add_answers(const struct router *r, const struct route *row, struct buf *out)
{
	const struct schema *s = router_answer(r, row);

	buf_printf(out, ",\"responses\":{\"200\":{\"description\":\"Done\",\"content\":{\"%s\":{",
		row->type ? row->type : "application/json");
	if (s) {
		buf_add_cstr(out, "\"schema\":");
		schema_add_json(s, out);
	}
	buf_add_cstr(out, "}}}");
	if (router_query(r, row) || router_body(r, row))
		add_error(out, "400", "Something in it is wrong; the message says what");
	if (row->role != ROLE_PUBLIC)
		add_error(out, "401", "Not signed in");
	if (row->role > ROLE_VIEWER || !method_is_safe(row->method))
		add_error(out, "403", "This role may not, or the CSRF token is missing");
	if (strchr(row->path, '{'))
		add_error(out, "404", "There is none");
	if (router_body(r, row))
		add_error(out, "413", "The body is too large");
	add_error(out, "429", "Too many requests; Retry-After says when");
	add_error(out, "default", "Any other failure");
	buf_add_char(out, '}');
}

/* "GET /api/v1/findings/{id}/events" to "get_findings_id_events" */
static void add_operation_id(const struct route *row, struct buf *out)
{
	struct str path = str_of(row->path);

	if (str_starts(path, STR("/api/v1")))
		path = str_skip(path, strlen("/api/v1"));
	for (const char *m = method_name(row->method); *m; m++)
		buf_add_char(out, (char)(*m | 0x20));
	if (path.s == row->path)
		buf_add_cstr(out, "_server");
	for (size_t i = 0; i < path.len; i++)
		if (path.s[i] == '/' || path.s[i] == '.')
			buf_add_char(out, '_');
		else if (path.s[i] != '{' && path.s[i] != '}')
			buf_add_char(out, path.s[i]);
}

static void add_operation(const struct router *r, const struct route *row, struct buf *out)
{
	char method[8] = {0};

	for (size_t i = 0; method_name(row->method)[i]; i++)
		method[i] = (char)(method_name(row->method)[i] | 0x20);
	buf_printf(out, "\"%s\":{\"operationId\":\"", method);
	add_operation_id(row, out);
	buf_add_cstr(out, "\",\"summary\":");
	json_add_str(out, str_of(row->summary));
	buf_printf(out, ",\"x-role\":\"%s\",\"security\":[%s]", route_role_name(row->role),
		row->role == ROLE_PUBLIC ? "" : "{\"session\":[]},{\"token\":[]}");
	add_params(r, row, out);
	add_body(r, row, out);
	add_answers(r, row, out);
	buf_add_char(out, '}');
}

/* A path's operations stand together, whatever the order of the rows. */
static bool is_first_of_path(size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(routes[j].path, routes[i].path) == 0)
			return false;
	return true;
}

static void add_path(const struct router *r, size_t i, struct buf *out)
{
	bool first = true;

	json_add_str(out, str_of(routes[i].path));
	buf_add_cstr(out, ":{");
	for (size_t j = i; j < nroutes; j++) {
		if (strcmp(routes[j].path, routes[i].path) != 0)
			continue;
		if (!first)
			buf_add_char(out, ',');
		first = false;
		add_operation(r, &routes[j], out);
	}
	buf_add_char(out, '}');
}

void openapi_add(const struct router *r, struct buf *out)
{
	size_t n;
	const struct router_shape *shapes = router_shapes(r, &n);

	buf_add_cstr(out, head);
	for (size_t i = 0; i < nroutes; i++) {
		if (!is_first_of_path(i))
			continue;
		if (i)
			buf_add_char(out, ',');
		add_path(r, i, out);
	}
	buf_add_cstr(out, "},\"components\":{\"schemas\":{");
	for (size_t i = 0; i < n; i++) {
		json_add_str(out, shapes[i].name);
		buf_add_char(out, ':');
		schema_add_json(shapes[i].schema, out);
		buf_add_char(out, ',');
	}
	buf_add_cstr(out, tail);
}
