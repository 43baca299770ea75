/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The API as rows: method, path, who may, what is taken, what is given, who does it. Finding the
 * handler, the right to call it, the check of what was sent and the OpenAPI document all come from
 * a row, so that none of them can be forgotten. Handlers are declared here, one line each.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "face/console/schema.h"
#include "face/console/url.h"

struct request;

enum method { METHOD_GET, METHOD_POST, METHOD_PUT, METHOD_DELETE, METHOD_OTHER };
const char *method_name(enum method m);
/* HEAD is GET: the server leaves the body out. */
enum method method_parse(const char *s);
/* Changes nothing (RFC 9110, 9.2.1): no CSRF token is asked for. */
static inline bool method_is_safe(enum method m)
{
	return m == METHOD_GET;
}

/* Each may what those before it may. The first is no role: a row has to name one. */
enum role {
	ROLE_MISSING,
	ROLE_PUBLIC,  /* anybody */
	ROLE_SIGNED,  /* signed in, even if a password has to be set first */
	ROLE_VIEWER,  /* reads */
	ROLE_ANALYST, /* triages, tries rules */
	ROLE_ADMIN,   /* edits rules, users, tokens, the system */
};
const char *route_role_name(enum role r);
/* "viewer", "analyst", "admin"; ROLE_MISSING for another word. */
enum role route_role_parse(struct str s);

/* Answers: the status. The body is in q->out, or the error in q. */
typedef int (*handler_fn)(struct request *q);

struct route {
	enum method method;
	const char *path; /* "/api/v1/findings/{id}/events" */
	enum role role;
	handler_fn run;
	const char *summary; /* one sentence */
	const char *query;   /* shape of the parameters, or NULL */
	const char *body;    /* shape of the JSON body, or NULL */
	const char *answer;  /* shape of the answer; NULL = see type */
	const char *type;    /* content type of the answer; NULL = application/json */
	size_t body_bytes;   /* most bytes of a body; 0 = 64 KiB */
	bool is_stream;      /* answered without end */
	bool is_text_body;   /* the body is whatever it is: no JSON, the handler reads it */
};

extern const struct route routes[];
extern const size_t nroutes;
extern const struct schema_def route_schemas[]; /* ends in a NULL name */
/* What a parameter of this name means, everywhere. */
struct param_doc {
	const char *name, *doc;
};
extern const struct param_doc route_param_docs[]; /* ends in a NULL name */

/* The rows, ready for use. */
struct router;
/* Reads all shapes; fails on a row without role or summary, or with a broken shape: a bug. */
int router_new(struct router **ret, struct err *e);
void router_free(struct router *r);

struct router_match {
	const struct route *route; /* NULL = no such path, or not for this method */
	bool is_path;              /* the path is there, for other methods */
	struct str id;             /* of {…} */
};
struct router_match router_find(const struct router *r, enum method m, const struct path *p);
/* "GET, PUT, DELETE": what the path can be asked for. */
void router_add_methods(const struct router *r, const struct path *p, struct buf *out);
/* The shapes of a route; NULL = takes none. */
const struct schema *router_query(const struct router *r, const struct route *row);
const struct schema *router_body(const struct router *r, const struct route *row);
const struct schema *router_answer(const struct router *r, const struct route *row);
/* All shapes with a name. */
struct router_shape {
	struct str name;
	const struct schema *schema;
};
const struct router_shape *router_shapes(const struct router *r, size_t *ret_n);
int router_check_query(
	const struct router *r, const struct route *row, const struct url_params *p, struct err *e);
int router_check_body(
	const struct router *r, const struct route *row, const json_t *v, struct err *e);
/* The OpenAPI 3.1 document. */
struct str router_openapi(const struct router *r);

/* ---- handlers, by the file that they are in ------------------------------------------------ */

#define HANDLER(name) int name(struct request *q)
/* api_session.c */
HANDLER(api_login);
HANDLER(api_logout);
HANDLER(api_me);
HANDLER(api_password);
/* api_findings.c */
HANDLER(api_findings);
HANDLER(api_groups);
HANDLER(api_filter_check);
HANDLER(api_timeline);
/* api_fields.c */
HANDLER(api_finding_fields);
HANDLER(api_rule_fields);
/* api_finding.c */
HANDLER(api_finding);
HANDLER(api_moments);
HANDLER(api_related);
/* api_triage.c */
HANDLER(api_actions);
HANDLER(api_mutes);
HANDLER(api_mute_add);
HANDLER(api_mute_delete);
/* api_now.c */
HANDLER(api_now);
HANDLER(api_metrics);
HANDLER(api_system);
HANDLER(api_backup);
HANDLER(api_health);
HANDLER(api_prometheus);
HANDLER(api_openapi);
/* api_estate.c */
HANDLER(api_containers);
HANDLER(api_container);
HANDLER(api_entities);
HANDLER(api_graph);
HANDLER(api_graph_path);
HANDLER(api_attack);
/* api_rules.c */
HANDLER(api_rules);
HANDLER(api_rule);
HANDLER(api_rule_enable);
HANDLER(api_rules_check);
HANDLER(api_rules_try);
HANDLER(api_rulefiles);
HANDLER(api_rulefile);
HANDLER(api_rulefile_put);
HANDLER(api_rulefile_delete);
/* api_images.c */
HANDLER(api_images);
HANDLER(api_image);
HANDLER(api_image_add);
HANDLER(api_image_scans);
HANDLER(api_image_scan_add);
HANDLER(api_survey);
HANDLER(api_survey_put);
/* api_users.c */
HANDLER(api_users);
HANDLER(api_user_add);
HANDLER(api_user_change);
HANDLER(api_user_delete);
HANDLER(api_tokens);
HANDLER(api_token_add);
HANDLER(api_token_delete);
HANDLER(api_audit);
/* stream.c, reports.c */
HANDLER(api_stream);
HANDLER(api_csp_report);
HANDLER(api_csp_reports);
#undef HANDLER
