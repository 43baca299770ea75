/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The store: findings with their evidence, the entities they speak of and how these hang together,
 * triage, users and tokens, metrics over time. It lives in SQLite (one file, in process) or in
 * PostgreSQL, as the URL says; both answer alike.
 *
 *   store_put()        a batch of records, durable when it returns
 *   store_findings(),… what the console and the reports read
 *   store_triage(),…   what people do with it
 *
 * Threads: a `struct store` may be used from any number of threads. There is one writer inside;
 * puts that come at the same time become one transaction (group commit), every other change is one
 * of its own. Each read
 * borrows one of `nreaders` connections and waits for one when all are taken.
 *
 * Memory: what a function returns lives in the arena that it was given. Strings are never NULL and
 * carry a NUL behind them unless said otherwise; "absent" is length 0. Text from records is valid
 * UTF-8 without NULs, but still hostile: escape it for where it goes.
 *
 * Times are nanoseconds since the epoch; 0 = none. Functions return 0 or -errno with `e` filled:
 *
 *   -EINVAL      a bad argument: filter, cursor, name, a record's shape (struct store_place helps)
 *   -ENOENT      no such finding, user, mute …
 *   -EEXIST      that name is taken
 *   -ETIMEDOUT   the query took longer than query_timeout_ms
 *   -ENOSPC      the disk is full: nothing that was acknowledged is lost; it works again with room
 *   -EAGAIN      the database is busy or away (PostgreSQL restarts): try again
 *   -EUCLEAN     the database file is damaged; the message says how to mend it
 *   -EPROTO      made by a newer koban
 *   -EIO, -ENOMEM, -ENOTSUP
 */
#include "base/arena.h"
#include "base/err.h"
#include "model/finding/finding.h"

enum {
	STORE_RECORD_MAX = 1 << 20, /* bytes of one record's line */
	STORE_BATCH_MAX = 10000,    /* records of one store_put() */
	STORE_PAGE_MAX = 1000,      /* items of a page */
	STORE_PAGE_DEFAULT = 50,
	STORE_COUNT_MAX = 10000,     /* totals are counted so far and no further */
	STORE_FILTER_MAX = 64 << 10, /* bytes of a filter's text */
	STORE_SEARCH_MAX = 1024,     /* bytes of a search text */
	STORE_GRAPH_MAX = 5000,      /* nodes of one answer */
	STORE_POINTS_MAX = 5000,     /* points of a time line, of one series */
	STORE_TEXT_MAX = 16 << 10,   /* bytes of a comment, a reason, an audit detail */
	STORE_NAME_MAX = 200,        /* bytes of a user's name, of an assignee */
};

/* ---- opening -------------------------------------------------------------------------------- */

struct store;

enum store_durability {
	STORE_DURABLE_POWER,   /* what was acknowledged survives a power cut (the default) */
	STORE_DURABLE_PROCESS, /* survives SIGKILL of koban; a power cut may cost the last seconds
				*/
};

struct store_retention {
	uint64_t age_ns;     /* findings older than this go; 0 = kept for ever */
	uint64_t size_bytes; /* the oldest go when the database is larger; 0 = no bound */
};

enum store_type {
	STORE_FINDING,
	STORE_AROUND,
	STORE_INVENTORY,
	STORE_METRICS,
	STORE_SCAN,
	STORE_SESSION,
	STORE_TYPE_COUNT
};
const char *store_type_name(enum store_type t); /* "finding" … */

struct store_finding;

/* What was put, told after it is durable (options.on_put). */
struct store_put_event {
	enum store_type type;
	struct str record;                   /* as kept: cleaned, one line */
	const struct store_finding *finding; /* STORE_FINDING: the row; else NULL */
};

struct store_options {
	/* A path, "sqlite:PATH", "sqlite::memory:" (tests), or "postgresql://…" (libpq's URLs). */
	const char *url;
	enum store_durability durability;
	unsigned nreaders;         /* 0 = 4 */
	uint64_t query_timeout_ms; /* 0 = 5000 */
	struct store_retention retention;
	bool read_only; /* for `koban store stats`: no migration, no writes (-EROFS) */
	/* A damaged SQLite file is renamed to PATH.damaged-TIME and a new one begun. Only on a
	 * person's request: without it store_open() fails with -EUCLEAN and says what can be done.
	 */
	bool move_damaged_aside;
	/* Called on a putting thread for each record that was new, in order, after the commit.
	 * Must not call the store. NULL = nobody listens. */
	void (*on_put)(const struct store_put_event *ev, void *arg);
	void *on_put_arg;
	uint64_t (*now_ns)(void); /* tests; NULL = clock_epoch_ns() */
};

/*
 * Opens or makes the database: mode 0600, folder must exist. Migrates it to this version (a failed
 * migration changes nothing). After an unclean end it is checked first (seconds at most).
 */
int store_open(const struct store_options *o, struct store **ret, struct err *e);
/* Waits for what is under way, says in the file that the end was clean. NULL is fine. */
void store_close(struct store *s);

/* ---- putting records ------------------------------------------------------------------------ */

enum store_put_code {
	STORE_STORED,
	STORE_KNOWN,   /* its id was there already: redelivery is harmless */
	STORE_REFUSED, /* can never be stored; reason says why. Answer "no", do not send again */
};

struct store_put_result {
	enum store_put_code code;
	char reason[120]; /* STORE_REFUSED: one line, printable */
};

/*
 * Puts n records (a line of JSON each, with or without the newline). On 0 everything that is not
 * STORE_REFUSED is durable, results[0…n) say what became of each; on -errno nothing of this call is
 * acknowledged: put the same again later. Invalid UTF-8 and NULs inside a record become U+FFFD;
 * what is no JSON object of a known type, is too long or too deep, is refused.
 */
int store_put(struct store *s, const struct str *records, size_t n,
	struct store_put_result *results, struct err *e);

/*
 * store_put() in two halves, so that one thread can read the next batch while another puts the one
 * before; the database is written by one at a time whatever callers do. One thread at a time may
 * use a batch; it is used again and again.
 */
struct store_batch;
struct store_batch *store_batch_new(struct store *s); /* NULL: no memory */
void store_batch_free(struct store_batch *b);         /* NULL is fine */
/* Reads n records in place of what the batch held. Touches no database. `records` (the text) and
 * `results` must stay where they are until the batch is read into again. */
int store_batch_read(struct store_batch *b, const struct str *records, size_t n,
	struct store_put_result *results, struct err *e);
/* What was read, as store_put() does it. After -errno the same batch can be put again. */
int store_batch_put(struct store_batch *b, struct err *e);

/*
 * Writes what waits: when batches are large, entities and relations of the last findings are
 * written later, for many at once. Whatever reads them calls this itself, and after a kill they are
 * made again from the records; to call it when nobody puts makes the next reader wait less.
 */
int store_settle(struct store *s, struct err *e);

/* ---- queries over findings ------------------------------------------------------------------ */

enum store_state { STORE_OPEN, STORE_ACKNOWLEDGED, STORE_RESOLVED, STORE_MUTED, STORE_STATE_COUNT };
const char *store_state_name(enum store_state st); /* "open" … */
bool store_state_parse(struct str name, enum store_state *ret);

enum store_order {
	STORE_NEWEST, /* the default */
	STORE_OLDEST,
	STORE_WORST, /* priority first, then newest */
};
bool store_order_parse(struct str name, enum store_order *ret); /* "newest", "oldest", "worst" */

/* What to select; everything that is set must hold. Zeroed = all. */
struct store_query {
	struct str filter; /* koban's filter language over the fields of store_fields() */
	/* Full text: words (all must be there), "a phrase", prefix*, -without. */
	struct str search;
	uint32_t states;     /* bits 1 << enum store_state; 0 = all */
	uint32_t priorities; /* bits 1 << enum priority; 0 = all */
	struct str rule;
	struct str container; /* id (short or full) or name */
	struct str image, hostname, user;
	struct str technique;   /* an ATT&CK id: T1059 holds T1059.004 too; or any tag */
	struct str fingerprint; /* 16 hex digits */
	struct str assignee;
	uint64_t entity;         /* findings that speak of this entity; 0 = any */
	uint64_t from_ns, to_ns; /* from ≤ time < to; 0 = open */
	enum store_order order;
	struct str cursor; /* of the page before; empty = the first */
	unsigned limit;    /* 0 = STORE_PAGE_DEFAULT */
	bool want_total;
};

/* Where a filter (or search text) is wrong. */
struct store_place {
	uint32_t line, column; /* from 1; 0 = no place */
	bool is_filter;        /* the fault is the filter's (else another argument's) */
};

struct store_finding {
	struct str id; /* as the record has it */
	uint64_t time_ns, last_ns;
	uint64_t count;
	struct str rule, source;
	enum priority priority;
	struct str output, hostname;
	const struct str *tags;
	size_t ntags;
	struct str container_id, container_name, image, pod, namespace_name;
	uint64_t pid, start_ns; /* of the process; 0 = none */
	struct str process, exe, cmdline, user;
	struct str event;         /* "openat" */
	struct str file;          /* the path that the kernel resolved, or what was asked for */
	struct str local, remote; /* of the connection */
	enum store_state state;
	struct str assignee;
	struct str fingerprint; /* 16 hex digits */
	struct str mute_id;     /* STORE_MUTED by a mute: its id */
};

struct store_page {
	struct store_finding *items;
	size_t n;
	struct str next;      /* cursor; empty = this was the last page */
	uint64_t total;       /* with want_total */
	bool total_is_capped; /* there are more than STORE_COUNT_MAX */
};

/* `place` may be NULL. */
int store_findings(struct store *s, const struct store_query *q, struct arena *a,
	struct store_page *ret, struct store_place *place, struct err *e);

/* Checks a filter's text without running it (while somebody types). */
int store_filter_check(struct str filter, struct store_place *place, struct err *e);

/* The fields that a filter may name, for help and completion. */
struct store_field {
	const char *name, *type, *doc;
	bool is_fast; /* a column; others are read from each record and are slow over many */
};
const struct store_field *store_fields(size_t *ret_n);

enum store_group_by {
	STORE_BY_RULE,
	STORE_BY_FINGERPRINT,
	STORE_BY_CONTAINER,
	STORE_BY_IMAGE,
	STORE_BY_HOST,
	STORE_BY_USER,
	STORE_BY_TECHNIQUE,
	STORE_BY_PRIORITY,
	STORE_BY_STATE,
	STORE_BY_PROCESS, /* its executable's path */
	STORE_BY_COUNT
};
bool store_group_by_parse(struct str name, enum store_group_by *ret);

struct store_group {
	struct str key;   /* STORE_BY_CONTAINER: the id; empty = those without one */
	struct str label; /* for people: a container's name, a fingerprint's rule; else the key */
	uint64_t findings, count; /* rows, and the sum of their counts */
	uint64_t open;
	uint64_t first_ns, last_ns;
	enum priority worst;
};

/* Largest first, at most q->limit; order and cursor do not matter. */
int store_groups(struct store *s, const struct store_query *q, enum store_group_by by,
	struct arena *a, struct store_group **ret, size_t *ret_n, struct store_place *place,
	struct err *e);

/* Findings over time: `buckets` equal parts of [from_ns, to_ns), each split by priority. */
struct store_bucket {
	uint64_t start_ns;
	uint64_t by_priority[PRIORITY_COUNT];
};
int store_timeline(struct store *s, const struct store_query *q, unsigned buckets, struct arena *a,
	struct store_bucket **ret, struct store_place *place, struct err *e);

struct store_counts {
	uint64_t findings; /* rows in all */
	uint64_t by_state[STORE_STATE_COUNT];
	uint64_t open_by_priority[PRIORITY_COUNT];
};
int store_counts(struct store *s, struct store_counts *ret, struct err *e);

/* Findings by ATT&CK technique and rule in a time range (0 = open): what the matrix shows. */
struct store_technique {
	struct str id; /* "T1059.004" */
	struct str rule;
	uint64_t findings, open;
	uint64_t last_ns;
};
int store_techniques(struct store *s, uint64_t from_ns, uint64_t to_ns, struct arena *a,
	struct store_technique **ret, size_t *ret_n, struct err *e);

/* Findings per rule name in a time range, for the list of rules. */
int store_rule_counts(struct store *s, uint64_t from_ns, uint64_t to_ns, struct arena *a,
	struct store_group **ret, size_t *ret_n, struct err *e);

/* ---- one finding ---------------------------------------------------------------------------- */

enum store_history_action {
	STORE_DID_ACKNOWLEDGE,
	STORE_DID_RESOLVE,
	STORE_DID_REOPEN,
	STORE_DID_ASSIGN,
	STORE_DID_COMMENT,
	STORE_DID_MUTE, /* by a mute that was made later than the finding */
	STORE_ACTION_COUNT
};
const char *store_action_name(enum store_history_action a); /* "acknowledge" … */
bool store_action_parse(struct str name, enum store_history_action *ret);

struct store_history {
	uint64_t time_ns;
	struct str who;
	enum store_history_action action;
	struct str text; /* the comment, the assignee, the reason */
};

struct store_entity;

struct store_detail {
	struct store_finding finding;
	struct str record; /* the whole record, JSON, one line: event, processes, fields … */
	struct store_history *history; /* oldest first, comments among them */
	size_t nhistory;
	struct store_entity *entities;
	struct str *roles; /* roles[i] of entities[i]: "process", "parent", "file", "remote" … */
	size_t nentities;
};

int store_finding_get(
	struct store *s, struct str id, struct arena *a, struct store_detail *ret, struct err *e);

/* Events around a finding, oldest first, with the finding's own and with other findings of the
 * same container or process tree in that time. */
struct store_moment {
	uint64_t time_ns, pid;
	struct str process, type, text;
	struct str finding; /* the id when this is a finding; else empty */
};
int store_moments(struct store *s, struct str id, struct arena *a, struct store_moment **ret,
	size_t *ret_n, struct err *e);

struct store_related {
	struct store_page same_fingerprint, same_process, same_container;
};
int store_related(struct store *s, struct str id, unsigned limit, struct arena *a,
	struct store_related *ret, struct err *e);

/* ---- triage --------------------------------------------------------------------------------- */

struct store_triage {
	const struct str *ids; /* these findings, or … */
	size_t nids;
	const struct store_query
		*query; /* … all that it selects (limit and cursor do not matter) */
	enum store_history_action action; /* not STORE_DID_MUTE */
	struct str assignee;              /* STORE_DID_ASSIGN; empty = nobody */
	struct str text; /* a comment with any action; needed by STORE_DID_COMMENT */
	struct str who;
};
/* All or nothing. *ret_changed: findings that are different now (comments count). */
int store_triage(struct store *s, const struct store_triage *t, uint64_t *ret_changed,
	struct store_place *place, struct err *e);

/*
 * A mute: new findings that it selects are stored as STORE_MUTED and counted. It ends at `until`;
 * what it muted stays muted. What is set must hold together; at least one must be set.
 */
struct store_mute {
	struct str id; /* given by store_mute_add() */
	struct str filter, fingerprint, rule;
	struct str reason, created_by;
	uint64_t until_ns; /* 0 = for ever */
	uint64_t created_ns;
	uint64_t muted_count, last_ns; /* how many it muted, and when the last */
	bool has_expired;
};
/* `existing`: mutes open findings that are there, too; *ret_changed (may be NULL) says how many. */
int store_mute_add(struct store *s, const struct store_mute *m, bool existing, struct arena *a,
	struct str *ret_id, uint64_t *ret_changed, struct store_place *place, struct err *e);
int store_mute_list(
	struct store *s, struct arena *a, struct store_mute **ret, size_t *ret_n, struct err *e);
int store_mute_delete(struct store *s, struct str id, struct err *e);

/* ---- entities and the graph ----------------------------------------------------------------- */

#define STORE_ENTITY_KINDS(X)                                                                      \
	X(HOST, "host")                                                                            \
	X(CONTAINER, "container")                                                                  \
	X(IMAGE, "image")                                                                          \
	X(LAYER, "layer")                                                                          \
	X(PACKAGE, "package")                                                                      \
	X(PROCESS, "process")                                                                      \
	X(USER, "user")                                                                            \
	X(FILE, "file")                                                                            \
	X(ADDRESS, "address")                                                                      \
	X(DOMAIN, "domain")                                                                        \
	X(WALLET, "wallet")                                                                        \
	X(ACTOR, "actor")                                                                          \
	X(POD, "pod")                                                                              \
	X(NAMESPACE, "namespace")                                                                  \
	X(NETWORK, "network") /* "internet": every public address leads to it */                   \
	X(IDENTITY, "identity")                                                                    \
	X(RESOURCE, "resource")                                                                    \
	X(VULNERABILITY, "vulnerability")

enum store_entity_kind {
#define X(id, name) STORE_##id,
	STORE_ENTITY_KINDS(X)
#undef X
		STORE_ENTITY_KIND_COUNT
};
const char *store_entity_kind_name(enum store_entity_kind k);
bool store_entity_kind_parse(struct str name, enum store_entity_kind *ret);

struct store_entity {
	uint64_t id;
	enum store_entity_kind kind;
	struct str key;  /* unique in its kind: a full container id, an address, "host|pid|start" */
	struct str name; /* for people */
	uint64_t findings, open; /* that speak of it; `open` counts those still open */
	enum priority worst;     /* of the findings; PRIORITY_COUNT = no findings */
	uint64_t first_ns, last_ns;
	struct str attrs; /* a JSON object: pid, exe, digest … "{}" */
};

struct store_entity_query {
	uint32_t kinds;    /* bits 1 << enum store_entity_kind; 0 = all */
	struct str search; /* a part of name or key, any case */
	unsigned limit;
	struct str cursor;
};
/* Those with most recent activity first. */
int store_entities(struct store *s, const struct store_entity_query *q, struct arena *a,
	struct store_entity **ret, size_t *ret_n, struct str *ret_next, struct err *e);
int store_entity_get(
	struct store *s, uint64_t id, struct arena *a, struct store_entity *ret, struct err *e);
/* By kind and key (or, if there is none, the latest of that name). */
int store_entity_find(struct store *s, enum store_entity_kind kind, struct str key, struct arena *a,
	struct store_entity *ret, struct err *e);

struct store_relation {
	uint64_t from, to; /* entities */
	struct str kind;   /* "child_of", "runs_in", "from_image", "part_of", "connected_to" … */
	uint64_t count;
	uint64_t first_ns, last_ns;
};

struct store_graph {
	struct store_entity *nodes;
	size_t nnodes;
	struct store_relation *edges; /* between the nodes */
	size_t nedges;
	bool is_cut; /* there is more than the limit */
};
/* What lies within `depth` (1 … 6) steps of an entity, nearest first, at most `limit` nodes. */
int store_graph_around(struct store *s, uint64_t root, unsigned depth, unsigned limit,
	struct arena *a, struct store_graph *ret, struct err *e);
/*
 * The shortest way between two entities; to = 0: the internet. Nodes come in order from start to
 * end; none = there is no way. It never passes through what many share without touching (an image,
 * a user, a file, a namespace, a host): such may only be its ends.
 */
int store_graph_path(struct store *s, uint64_t from, uint64_t to, struct arena *a,
	struct store_graph *ret, struct err *e);

/* ---- containers and hosts: the last inventory ----------------------------------------------- */

struct store_container {
	struct str id, name, image, hostname, pod, namespace_name;
	bool is_running, is_privileged;
	uint64_t first_ns, last_ns;
	uint64_t entity; /* its node in the graph */
	uint64_t findings, open;
	enum priority worst; /* PRIORITY_COUNT = no findings */
	struct str record;   /* as the last inventory (or finding) has it: a JSON object */
};
/* Running ones first, then the latest. `running_only` leaves the others out. At most `limit`. */
int store_containers(struct store *s, bool running_only, unsigned limit, struct arena *a,
	struct store_container **ret, size_t *ret_n, struct err *e);
/* By full id, short id or name (the latest of that name). */
int store_container_get(struct store *s, struct str id, struct arena *a,
	struct store_container *ret, struct err *e);

struct store_host {
	struct str hostname;
	uint64_t last_ns;
	struct str inventory; /* the last inventory record, whole; empty = none yet */
};
int store_hosts(
	struct store *s, struct arena *a, struct store_host **ret, size_t *ret_n, struct err *e);

/* ---- scans and sessions (image, posture and decoy wings) ------------------------------------ */

/*
 * Records of type "scan" and "session" both look like this; putting the same id again replaces it:
 * {"v":1,"type":"scan","id":…,"kind":"image","target":…,"time_ns":start,"end_ns":…,"state":…,
 *  "summary":{…},"entities":[{"kind","key","name","attrs"}],
 *  "relations":[{"from":[kind,key],"to":[kind,key],"kind"}]}
 */
struct store_run {
	struct str id, kind, target, state;
	uint64_t start_ns, end_ns;
	struct str record;
};
/* type: STORE_SCAN or STORE_SESSION; newest first; kind empty = all. */
int store_runs(struct store *s, enum store_type type, struct str kind, struct str cursor,
	unsigned limit, struct arena *a, struct store_run **ret, size_t *ret_n,
	struct str *ret_next, struct err *e);
int store_run_get(struct store *s, enum store_type type, struct str id, struct arena *a,
	struct store_run *ret, struct err *e);

/* ---- metrics over time ---------------------------------------------------------------------- */

/* Kept each second for six hours, each minute for 30 days, each hour for two years. */
struct store_point {
	uint64_t time_ns;
	double mean, min, max;
};
struct store_series {
	struct str name; /* "events_per_s", "drops.ring": members of objects with a point */
	struct str hostname;
	struct store_point *points; /* oldest first; gaps are left out */
	size_t npoints;
};
/* names: with none, all. The finest step that gives at most `points` points. hostname may be empty.
 */
int store_metrics(struct store *s, const struct str *names, size_t nnames, struct str hostname,
	uint64_t from_ns, uint64_t to_ns, unsigned points, struct arena *a,
	struct store_series **ret, size_t *ret_n, struct err *e);

/* ---- users, sessions, tokens, audit --------------------------------------------------------- */

enum store_role { STORE_VIEWER, STORE_ANALYST, STORE_ADMIN, STORE_ROLE_COUNT };
const char *store_role_name(enum store_role r);
bool store_role_parse(struct str name, enum store_role *ret);

struct store_user {
	struct str name;
	enum store_role role;
	struct str password_hash; /* the caller's own text; empty = cannot log in by password */
	bool must_change_password, is_disabled;
	uint64_t created_ns, last_login_ns;
};
/* -EEXIST when the name is taken. */
int store_user_add(struct store *s, const struct store_user *u, struct err *e);
/* Replaces role, hash and flags. Taking the last enabled admin's role is -EPERM. */
int store_user_change(struct store *s, const struct store_user *u, struct err *e);
/* Its sessions and tokens go with it. -EPERM for the last enabled admin. */
int store_user_delete(struct store *s, struct str name, struct err *e);
int store_user_get(
	struct store *s, struct str name, struct arena *a, struct store_user *ret, struct err *e);
int store_user_list(
	struct store *s, struct arena *a, struct store_user **ret, size_t *ret_n, struct err *e);
int store_user_logged_in(struct store *s, struct str name, struct err *e);

enum store_token_kind {
	STORE_TOKEN_SESSION, /* a browser's cookie */
	STORE_TOKEN_API,     /* a bearer token */
	STORE_TOKEN_ONCE,    /* taken once: the first start's */
};
struct store_token {
	struct str id;   /* given by store_token_add(); harmless to show */
	struct str hash; /* of the secret; the secret itself never comes here */
	enum store_token_kind kind;
	struct str user; /* may be empty for STORE_TOKEN_ONCE */
	enum store_role role;
	struct str name;                          /* what it is for */
	struct str data;                          /* the caller's own (a hash of the CSRF value) */
	uint64_t created_ns, expires_ns, last_ns; /* expires 0 = never */
};
int store_token_add(struct store *s, const struct store_token *t, struct arena *a,
	struct str *ret_id, struct err *e);
/* By hash, if it has not expired; notes the use (to the minute). -ENOENT else. */
int store_token_use(
	struct store *s, struct str hash, struct arena *a, struct store_token *ret, struct err *e);
/* The same, and it is gone: of two who come at once only one gets it. */
int store_token_take(
	struct store *s, struct str hash, struct arena *a, struct store_token *ret, struct err *e);
/* user empty = everybody's. Hashes are left out. */
int store_token_list(struct store *s, enum store_token_kind kind, struct str user, struct arena *a,
	struct store_token **ret, size_t *ret_n, struct err *e);
int store_token_delete(struct store *s, struct str id, struct err *e);
/* All sessions of a user but the one with `keep_hash` (may be empty): after a new password. */
int store_token_delete_sessions(
	struct store *s, struct str user, struct str keep_hash, struct err *e);

struct store_audit {
	uint64_t id, time_ns;
	struct str who, action, object, detail, address;
};
/* time 0 = now. Durable on return. */
int store_audit_add(struct store *s, const struct store_audit *row, struct err *e);
/* Newest first; who empty = everybody. */
int store_audit_list(struct store *s, struct str who, struct str cursor, unsigned limit,
	struct arena *a, struct store_audit **ret, size_t *ret_n, struct str *ret_next,
	struct err *e);

/* Small settings of the caller (name → text, at most 64 KiB). Get: -ENOENT when not there. */
int store_setting_get(
	struct store *s, struct str name, struct arena *a, struct str *ret, struct err *e);
int store_setting_set(struct store *s, struct str name, struct str value, struct err *e);

/* ---- upkeep --------------------------------------------------------------------------------- */

/*
 * One slice of upkeep: deletes a bounded number of what is past its time, gives pages back. Call it
 * every minute or so from any thread; *ret_more: call again soon. Never blocks puts for long.
 */
int store_maintain(struct store *s, bool *ret_more, struct err *e);
void store_retention_set(struct store *s, const struct store_retention *r);

struct store_stats {
	const char *engine;              /* "sqlite", "postgresql" */
	struct str path;                 /* the file, or the URL without its password */
	struct str version;              /* of the engine */
	uint64_t size_bytes, free_bytes; /* free: given back to the disk little by little */
	uint64_t findings, entities, relations;
	uint64_t oldest_ns, newest_ns;
	struct store_retention retention;
	unsigned schema;
	bool was_unclean;      /* the last end was not clean, and the check found nothing wrong */
	bool check_unfinished; /* … or had not the time to look everywhere */
	/* Since it was opened. */
	uint64_t put_records, put_refused, put_known, commits;
};
int store_stats(struct store *s, struct arena *a, struct store_stats *ret, struct err *e);

/* Reads everything. 0, or -EUCLEAN with what is wrong. No time limit. */
int store_check(struct store *s, struct err *e);

/* done and total in pages; return false to stop (-ECANCELED). */
typedef bool (*store_progress_fn)(uint64_t done, uint64_t total, void *arg);
/*
 * A copy of the database while it is in use, into a new file (mode 0600, appears whole or not at
 * all; -EEXIST if it is there). PostgreSQL: -ENOTSUP, the message names pg_dump.
 */
int store_backup(
	struct store *s, const char *path, store_progress_fn progress, void *arg, struct err *e);
