/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every route, one row each. To add one: a handler's line in route.h, its row here, its shapes in
 * shapes.c; the document, the checks and the test of rights follow from the row.
 */
#include "face/console/route.h"

/* What lists of findings can be narrowed by, everywhere the same. */
#define NARROW                                                                                     \
	"filter?:str(65536) q?:str(1024) state?:str(100) priority?:str(200) rule?:str(500) "       \
	"container?:str(500) image?:str(500) host?:str(300) user?:str(200) technique?:str(200) "   \
	"fingerprint?:str(16) assignee?:str(200) entity?:str(20) from?:time to?:time "
#define PAGE "cursor?:str(500) limit?:int(1..500) "

const struct route routes[] = {
	{METHOD_POST, "/api/v1/login", ROLE_PUBLIC, api_login,
		"Begin a session with user and password, or with the one-time token",
		.body = "{user?:str(1..64) password?:str(1..1024) token?:str(1..100)}",
		.answer = "Me", .body_bytes = 4096},
	{METHOD_POST, "/api/v1/logout", ROLE_SIGNED, api_logout, "End the session",
		.answer = "Done"},
	{METHOD_GET, "/api/v1/me", ROLE_SIGNED, api_me, "Who is signed in", .answer = "Me"},
	{METHOD_PUT, "/api/v1/me/password", ROLE_SIGNED, api_password,
		"Set the own password; all other sessions end",
		.body = "{password:str(1..1024) current_password?:str(1024)}", .answer = "Me",
		.body_bytes = 8192},

	{METHOD_GET, "/api/v1/now", ROLE_VIEWER, api_now, "The state of things at this moment",
		.answer = "Now"},
	{METHOD_GET, "/api/v1/stream", ROLE_VIEWER, api_stream,
		"Findings, metrics and inventories as they come (Server-Sent Events: finding, "
		"metrics, inventory, ping); Last-Event-ID resumes",
		.type = "text/event-stream", .is_stream = true},

	{METHOD_GET, "/api/v1/findings", ROLE_VIEWER, api_findings, "List findings",
		.query = "{" NARROW PAGE "order?:'newest|oldest|worst' total?:bool}",
		.answer = "FindingList"},
	{METHOD_GET, "/api/v1/findings/groups", ROLE_VIEWER, api_groups,
		"Count findings by what they have in common",
		.query = "{" NARROW "limit?:int(1..500) "
			 "by:'rule|fingerprint|container|image|host|user|technique|priority|state|"
			 "process'}",
		.answer = "GroupList"},
	{METHOD_GET, "/api/v1/findings/fields", ROLE_VIEWER, api_finding_fields,
		"What a filter can name", .answer = "FilterFieldList"},
	{METHOD_POST, "/api/v1/findings/check", ROLE_VIEWER, api_filter_check,
		"Check a filter without running it", .body = "{filter:str(65536)}",
		.answer = "Done", .body_bytes = 128 << 10},
	{METHOD_POST, "/api/v1/findings/actions", ROLE_ANALYST, api_actions,
		"Triage: these findings, or all that a filter selects",
		.body = "{ids?:[str(64)](1000) filter?:str(65536) "
			"action:'acknowledge|resolve|reopen|assign|comment' assignee?:?str(200) "
			"text?:str(16384)}",
		.answer = "Changed", .body_bytes = 256 << 10},
	{METHOD_GET, "/api/v1/findings/{id}", ROLE_VIEWER, api_finding,
		"One finding: what, why, by whom, and what to do", .answer = "FindingDetail"},
	{METHOD_GET, "/api/v1/findings/{id}/events", ROLE_VIEWER, api_moments,
		"What happened around a finding", .answer = "MomentList"},
	{METHOD_GET, "/api/v1/findings/{id}/related", ROLE_VIEWER, api_related,
		"Findings that belong together with it", .answer = "Related"},

	{METHOD_GET, "/api/v1/mutes", ROLE_VIEWER, api_mutes, "List what is muted",
		.answer = "MuteList"},
	{METHOD_POST, "/api/v1/mutes", ROLE_ANALYST, api_mute_add,
		"Mute findings to come, and open ones with `existing`",
		.body = "{filter?:str(65536) fingerprint?:str(16) rule?:str(500) "
			"reason:str(1..16384) until?:?time existing?:bool}",
		.answer = "{id:str changed:int}", .body_bytes = 128 << 10},
	{METHOD_DELETE, "/api/v1/mutes/{id}", ROLE_ANALYST, api_mute_delete, "End a mute",
		.answer = "Done"},

	{METHOD_GET, "/api/v1/containers", ROLE_VIEWER, api_containers,
		"Containers, those that run first", .query = "{running?:bool limit?:int(1..5000)}",
		.answer = "ContainerList"},
	{METHOD_GET, "/api/v1/containers/{id}", ROLE_VIEWER, api_container,
		"One container with its resources and connections", .answer = "ContainerDetail"},

	{METHOD_GET, "/api/v1/entities", ROLE_VIEWER, api_entities,
		"Hosts, containers, images, processes, users, addresses …",
		.query = "{kind?:str(300) q?:str(200) " PAGE "}", .answer = "EntityList"},
	{METHOD_GET, "/api/v1/graph", ROLE_VIEWER, api_graph, "What lies around an entity",
		.query = "{root:str(300) depth?:int(1..6) limit?:int(1..5000)}", .answer = "Graph"},
	{METHOD_GET, "/api/v1/graph/path", ROLE_VIEWER, api_graph_path,
		"The shortest way from an entity to another, or to the internet",
		.query = "{from:str(300) to?:str(300)}", .answer = "Graph"},

	{METHOD_GET, "/api/v1/attack", ROLE_VIEWER, api_attack,
		"Findings and rules by ATT&CK tactic and technique",
		.query = "{from?:time to?:time}", .answer = "Attack"},
	{METHOD_GET, "/api/v1/stats/timeline", ROLE_VIEWER, api_timeline, "Findings over time",
		.query = "{" NARROW "buckets?:int(1..1000) by?:'priority'}",
		.answer = "BucketList"},
	{METHOD_GET, "/api/v1/metrics", ROLE_VIEWER, api_metrics, "The sensor's numbers over time",
		.query = "{names?:str(4096) host?:str(300) from?:time to?:time "
			 "points?:int(1..5000)}",
		.answer = "SeriesList"},

	{METHOD_GET, "/api/v1/fields", ROLE_VIEWER, api_rule_fields,
		"What the condition and the output of a rule can name", .answer = "RuleFieldList"},
	{METHOD_GET, "/api/v1/rules", ROLE_VIEWER, api_rules, "List rules", .answer = "RuleList"},
	{METHOD_POST, "/api/v1/rules/check", ROLE_VIEWER, api_rules_check,
		"Check the text of a rule file; all errors with their places",
		.body = "{text:str(1048576) name?:str(100)}", .answer = "Check",
		.body_bytes = 2 << 20},
	{METHOD_POST, "/api/v1/rules/try", ROLE_ANALYST, api_rules_try,
		"Run the text of a rule file over recorded events", .body = "{text:str(1048576)}",
		.answer = "Trial", .body_bytes = 2 << 20},
	{METHOD_GET, "/api/v1/rules/{name}", ROLE_VIEWER, api_rule, "One rule with its text",
		.answer = "RuleDetail"},
	{METHOD_PUT, "/api/v1/rules/{name}/enabled", ROLE_ADMIN, api_rule_enable,
		"Switch a rule on or off", .body = "{enabled:bool}", .answer = "Done"},
	{METHOD_GET, "/api/v1/rulefiles", ROLE_VIEWER, api_rulefiles,
		"List the rule files that were written here", .answer = "RuleFileList"},
	{METHOD_GET, "/api/v1/rulefiles/{name}", ROLE_VIEWER, api_rulefile,
		"One rule file that was written here", .answer = "RuleFile"},
	{METHOD_PUT, "/api/v1/rulefiles/{name}", ROLE_ADMIN, api_rulefile_put,
		"Write a rule file; it has to load without an error", .body = "{text:str(1048576)}",
		.answer = "Check", .body_bytes = 2 << 20},
	{METHOD_DELETE, "/api/v1/rulefiles/{name}", ROLE_ADMIN, api_rulefile_delete,
		"Remove a rule file that was written here", .answer = "Done"},

	{METHOD_GET, "/api/v1/images", ROLE_VIEWER, api_images, "Images that were scanned",
		.query = "{" PAGE "}", .answer = "ImageList"},
	{METHOD_POST, "/api/v1/images", ROLE_ANALYST, api_image_add,
		"Keep a report, as koban image scan --json prints it", .answer = "{id:str}",
		.body_bytes = 8 << 20, .is_text_body = true},
	{METHOD_GET, "/api/v1/images/{id}", ROLE_VIEWER, api_image,
		"One image with its whole report", .answer = "ImageDetail"},
	{METHOD_GET, "/api/v1/image-scans", ROLE_VIEWER, api_image_scans,
		"Scans that were asked for, and how far they are", .answer = "ImageScanList"},
	{METHOD_POST, "/api/v1/image-scans", ROLE_ANALYST, api_image_scan_add,
		"Scan an image of a registry", .body = "{ref:str(1..500)}",
		.answer = "{number:int}", .body_bytes = 4096},
	{METHOD_GET, "/api/v1/survey", ROLE_VIEWER, api_survey,
		"The tables of the last survey that was kept", .answer = "Survey"},
	{METHOD_PUT, "/api/v1/survey", ROLE_ANALYST, api_survey_put,
		"Keep a survey's tables, as koban image stats --json prints them", .answer = "Done",
		.body_bytes = 1 << 20, .is_text_body = true},

	{METHOD_GET, "/api/v1/system", ROLE_VIEWER, api_system, "Versions, storage, sensor, server",
		.answer = "System"},
	{METHOD_POST, "/api/v1/system/backup", ROLE_ADMIN, api_backup,
		"Copy the database while it is in use", .answer = "Backup"},
	{METHOD_GET, "/api/v1/users", ROLE_ADMIN, api_users, "List users", .answer = "UserList"},
	{METHOD_POST, "/api/v1/users", ROLE_ADMIN, api_user_add, "Add a user",
		.body = "{name:str(1..64) role:Role password:str(1..1024)}", .answer = "User",
		.body_bytes = 8192},
	{METHOD_PUT, "/api/v1/users/{name}", ROLE_ADMIN, api_user_change,
		"Change a user's role or password, or lock it out",
		.body = "{role?:Role password?:str(1..1024) disabled?:bool "
			"must_change_password?:bool}",
		.answer = "User", .body_bytes = 8192},
	{METHOD_DELETE, "/api/v1/users/{name}", ROLE_ADMIN, api_user_delete,
		"Remove a user with its sessions and tokens", .answer = "Done"},
	{METHOD_GET, "/api/v1/tokens", ROLE_ADMIN, api_tokens, "List bearer tokens",
		.answer = "TokenList"},
	{METHOD_POST, "/api/v1/tokens", ROLE_ADMIN, api_token_add,
		"Make a bearer token; it is shown this once",
		.body = "{name:str(1..100) role:Role expires?:?time}", .answer = "NewToken"},
	{METHOD_DELETE, "/api/v1/tokens/{id}", ROLE_ADMIN, api_token_delete, "Revoke a token",
		.answer = "Done"},
	{METHOD_GET, "/api/v1/audit", ROLE_ADMIN, api_audit, "Who did what here",
		.query = "{who?:str(100) " PAGE "}", .answer = "AuditList"},

	{METHOD_POST, "/api/v1/csp-report", ROLE_PUBLIC, api_csp_report,
		"Where browsers report breaches of the content security policy", .answer = "Done",
		.body_bytes = 16 << 10, .is_text_body = true},
	{METHOD_GET, "/api/v1/csp-reports", ROLE_ADMIN, api_csp_reports,
		"The last breaches that browsers reported", .answer = "CspReportList"},

	{METHOD_GET, "/openapi.json", ROLE_PUBLIC, api_openapi, "This document",
		.answer = "{*:any}"},
	{METHOD_GET, "/healthz", ROLE_PUBLIC, api_health, "Is it well?", .answer = "Health"},
	{METHOD_GET, "/metrics", ROLE_VIEWER, api_prometheus,
		"Numbers of this server for Prometheus (a bearer token of a viewer is enough)",
		.type = "text/plain; version=0.0.4; charset=utf-8"},
};
const size_t nroutes = sizeof(routes) / sizeof(routes[0]);
