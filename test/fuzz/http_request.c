/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as a stranger sends it, through everything of the console that reads it: path, query,
 * cookies, host, the place in a stream, and a body against the shape of every route. What is taken
 * has to be what it says it is.
 */
#include <stdlib.h>

#include "face/console/hub.h"
#include "face/console/route.h"
#include "face/console/rulebook.h"
#include "face/console/rulefile.h"

enum { INPUT_MAX = 8192 };

static struct router *router;

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Paths that are taken lead nowhere but down. */
static void read_path(struct arena *a, struct str text, struct path *p)
{
	if (!url_parse_path(a, text, p)) {
		p->n = 0;
		return;
	}
	for (size_t i = 0; i < p->n; i++) {
		require(p->segment[i].len && !str_is(p->segment[i], "..") &&
			!str_is(p->segment[i], "."));
		require(!memchr(p->segment[i].s, 0, p->segment[i].len));
		if (rulebook_is_name(p->segment[i]))
			require(p->segment[i].s[0] != '.' && str_find_char(p->segment[i], '/') < 0);
	}
}

static void read_query(struct arena *a, struct str text)
{
	struct url_params p;
	struct err e = {0};

	if (!url_parse_query(a, text, &p))
		return;
	for (size_t i = 0; i < p.n; i++)
		require(!memchr(p.p[i].value.s, 0, p.p[i].value.len));
	for (size_t i = 0; i < nroutes; i++)
		(void)router_check_query(router, &routes[i], &p, &e);
}

static void read_headers(struct str text)
{
	struct hub_place place;
	struct str name, cookie;
	uint16_t port;
	uint64_t ns;

	cookie = cookie_get(text, STR("koban_session"));
	require(!cookie.s || str_find_char(cookie, ';') < 0);
	if (host_parse(text, &name, &port)) {
		require(name.len && str_find_char(name, ' ') < 0);
		(void)host_is_loopback(name);
	}
	(void)hub_parse_place(text, &place);
	(void)schema_parse_time(text, &ns);
}

static void read_body(struct arena *a, struct str text)
{
	json_t *v = json_loadb(text.s, text.len, JSON_REJECT_DUPLICATES, NULL);
	struct str names[16];
	struct err e = {0};

	for (size_t i = 0; v && i < nroutes; i++)
		if (router_body(router, &routes[i]))
			(void)router_check_body(router, &routes[i], v, &e);
	json_decref(v);
	(void)rulefile_rule_names(a, text, names, 16);
	for (unsigned line = 0; line < 4; line++) {
		struct str item = rulefile_item_at(text, line);

		require(!item.len || (item.s >= text.s && item.s + item.len <= text.s + text.len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_make((const char *)data, size), target = str_cut(&rest, '\n'), body;
	struct path p;
	struct arena a;
	struct err e = {0};

	if (size > INPUT_MAX)
		return 0;
	if (!router)
		require(router_new(&router, &e) == 0);
	arena_init(&a, 64 << 20);
	body = rest.s ? rest : STR("");
	struct str path = str_cut(&target, '?');
	read_path(&a, path, &p);
	for (enum method m = METHOD_GET; m <= METHOD_OTHER; m++)
		(void)router_find(router, m, &p);
	read_query(&a, target.s ? target : STR(""));
	read_headers(str_cut(&body, '\n'));
	read_body(&a, body.s ? body : STR(""));
	arena_done(&a);
	return 0;
}
