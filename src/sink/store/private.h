/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Inside the store.
 *
 *   store_put() ─parse, derive (caller's thread)────────▶ jobs ─▶ leader: one transaction ─▶ commit
 *                                                                   │
 *                       findings, evidence, words ◀─────────────────┤
 *                       mutes are applied, counts kept ◀────────────┤
 *                       entities, relations (now or later) ◀────────┘
 *
 * Locks, in the order in which they may be taken: put_lock (the queue of jobs), write_lock (the
 * writer's connection, the caches, the mutes), pool_lock (the readers). None is held while a
 * callback runs but write_lock, which on_put() runs under so that it sees commits in order.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "base/table.h"
#include "engine/filter/filter.h"
#include "sink/store/db.h"
#include "sink/store/node.h"
#include "sink/store/store.h"

enum {
	ID_MAX = 64,                /* bytes of a record's id */
	NAME_COLUMN_MAX = 512,      /* bytes of a name's column; the record keeps the whole */
	TEXT_COLUMN_MAX = 4096,     /* of a command line, a path, an output */
	SEARCH_TEXT_MAX = 32 << 10, /* of a finding's words: more than all columns together */
	SEARCH_TOKEN_MAX = 250,     /* bytes of a word; longer ones are cut, when asked for too */
	TAGS_MAX = 64,
	FACTS_MAX = 20000, /* entities or relations of one record */
	N_SLACK = 1 << 20, /* how far a row's key may lie behind its time, microseconds */
};

/* ---- roles and relations -------------------------------------------------------------------- */

#define STORE_ROLES(X)                                                                             \
	X(PROCESS, "process")                                                                      \
	X(PARENT, "parent")                                                                        \
	X(CONTAINER, "container")                                                                  \
	X(IMAGE, "image")                                                                          \
	X(POD, "pod")                                                                              \
	X(NAMESPACE, "namespace")                                                                  \
	X(USER, "user")                                                                            \
	X(HOST, "host")                                                                            \
	X(FILE, "file")                                                                            \
	X(REMOTE, "remote")                                                                        \
	X(SUBJECT, "subject")

enum role {
#define X(id, name) ROLE_##id,
	STORE_ROLES(X)
#undef X
		ROLE_COUNT
};
const char *role_name(enum role r);
/* As evidence.entities has it: a finding is not counted for the parent of who did it. */
#define ROLE_PARENT_TEXT "1"
_Static_assert(ROLE_PARENT == 1, "the number in ROLE_PARENT_TEXT");

#define STORE_RELATIONS(X)                                                                         \
	X(CHILD_OF, "child_of")           /* process, process */                                   \
	X(RUNS_IN, "runs_in")             /* process, container */                                 \
	X(RUNS_AS, "runs_as")             /* process, user */                                      \
	X(FROM_IMAGE, "from_image")       /* container, image */                                   \
	X(PART_OF, "part_of")             /* container, pod; layer, image; package, layer */       \
	X(IN_NAMESPACE, "in_namespace")   /* pod, namespace */                                     \
	X(ON_HOST, "on_host")             /* container, host; process, host */                     \
	X(USED_FILE, "used_file")         /* process, file */                                      \
	X(CONNECTED_TO, "connected_to")   /* process or container, address */                      \
	X(ACCEPTED_FROM, "accepted_from") /* process or container, address */                      \
	X(REACHES, "reaches")             /* address, network */                                   \
	X(RESOLVES_TO, "resolves_to")     /* domain, address */                                    \
	X(AFFECTED_BY, "affected_by")     /* package, vulnerability */                             \
	X(ACTS_AS, "acts_as")             /* pod or user, identity */                              \
	X(CAN_USE, "can_use")             /* identity, resource */                                 \
	X(PAYS_TO, "pays_to")             /* process or actor, wallet */                           \
	X(ATTRIBUTED_TO, "attributed_to") /* anything, actor */                                    \
	X(RELATED_TO, "related_to")

enum relation {
#define X(id, name) RELATION_##id,
	STORE_RELATIONS(X)
#undef X
		RELATION_COUNT
};
const char *relation_name(enum relation r);
bool relation_parse(struct str name, enum relation *ret);

/* ---- a record, ready to be put -------------------------------------------------------------- */

/* Columns that are text and may be absent; capped. The name, its maximum, the words of which are
 * in the full-text index. */
#define ROW_TEXTS(X)                                                                               \
	X(hostname, NAME_COLUMN_MAX, true)                                                         \
	X(container, NAME_COLUMN_MAX, true)                                                        \
	X(container_name, NAME_COLUMN_MAX, true)                                                   \
	X(image, NAME_COLUMN_MAX, true)                                                            \
	X(repository, NAME_COLUMN_MAX, true)                                                       \
	X(pod, NAME_COLUMN_MAX, true)                                                              \
	X(namespace, NAME_COLUMN_MAX, true)                                                        \
	X(process, NAME_COLUMN_MAX, true)                                                          \
	X(exe, TEXT_COLUMN_MAX, true)                                                              \
	X(cmdline, TEXT_COLUMN_MAX, true)                                                          \
	X(parent, NAME_COLUMN_MAX, true)                                                           \
	X(username, NAME_COLUMN_MAX, true)                                                         \
	X(event, NAME_COLUMN_MAX, false)                                                           \
	X(file, TEXT_COLUMN_MAX, true)                                                             \
	X(local, NAME_COLUMN_MAX, false)                                                           \
	X(local_ip, NAME_COLUMN_MAX, false)                                                        \
	X(remote, NAME_COLUMN_MAX, true)                                                           \
	X(remote_ip, NAME_COLUMN_MAX, true)                                                        \
	X(proto, NAME_COLUMN_MAX, false)

/* Columns that are numbers and may be absent. */
#define ROW_NUMBERS(X)                                                                             \
	X(pid)                                                                                     \
	X(start_ns)                                                                                \
	X(uid)                                                                                     \
	X(local_port)                                                                              \
	X(remote_port)

/* A finding's row. Strings are borrowed from the record's JSON. */
struct row {
	int64_t n, time_ns, last_ns, count, fingerprint;
	int64_t rule_id;
	enum priority priority;
	enum store_state state;
	int64_t mute; /* 0 = none */
	struct str id, rule, source, output, assignee;
	struct str tags; /* a JSON array */
	const struct str *tag;
	size_t ntags;
#define X(name, max, is_searched) struct str name;
	ROW_TEXTS(X)
#undef X
#define X(name) struct number name;
	ROW_NUMBERS(X)
#undef X
	const struct node *json; /* the whole record, for fields that have no column; may be gone */
	struct str text;         /* of it */
};

struct fact {
	enum store_entity_kind kind;
	struct str key, name;
	struct str about;           /* what the record says of it, JSON; attrs.c looks into it */
	struct batch_entity *batch; /* where the transaction gathers it */
};

struct tie {
	uint32_t from, to; /* facts */
	enum relation kind;
};

struct link {
	uint32_t fact;
	enum role role;
};

struct facts {
	struct fact *fact;
	size_t nfacts;
	struct tie *tie;
	size_t nties;
	struct link *link; /* of a finding */
	size_t nlinks;
};

struct record {
	enum store_type type;
	struct str text; /* cleaned */
	const struct node *json;
	/* Where the tree goes; NULL: to the rest. A finding's is of no use once it is read, and
	 * trees are most of what a record takes. */
	struct arena *nodes;
	struct str id;
	int64_t time_ns;
	struct row row;           /* STORE_FINDING */
	struct str search, words; /* STORE_FINDING: words as SQLite's and PostgreSQL's index want */
	struct facts facts;
	struct store_put_result *result;
	bool is_new; /* put in this transaction */
};

/* clean.c. The text with what no database may see made harmless: into *ret (from the arena where
 * something was changed). False: refused, with the reason. */
bool record_clean(struct arena *a, struct str line, struct str *ret, char *reason, size_t size);
/* At most max bytes, cut between characters. */
struct str utf8_head(struct str s, size_t max);

/* record.c. Refuses by filling record->result; false then. What it makes lives in the arena and
 * borrows from the line. */
bool record_parse(struct arena *a, struct str line, enum db_engine engine, struct record *r);
bool record_refuse(struct record *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* row.c */
bool row_parse(struct arena *a, struct record *r);
/* derive.c: entities and how they hang together. False when memory is out. */
bool derive_facts(struct arena *a, struct record *r);
bool derive_given(struct arena *a, struct record *r); /* "entities", "relations" of the record */
bool address_is_public(struct str ip);

/* search.c */
struct search_term {
	struct str *word; /* one, or a phrase's */
	size_t nwords;
	bool is_prefix; /* of the last word */
	bool is_not;
	unsigned any; /* terms with the same number, not 0, are alternatives that stand together */
};
struct search {
	struct search_term *term;
	size_t nterms, cap;
};
/* The words of a row, for the index. */
struct str search_text(struct arena *a, const struct row *r);
/* The same as a tsvector's text. */
struct str search_tsvector(struct arena *a, struct str search);
/* Adds what a person typed. */
int search_parse(struct arena *a, struct str text, struct search *s, struct err *e);
/* Adds "these words stand side by side" for a value; false if it has no words. */
bool search_add_value(struct arena *a, struct search *s, struct str value, unsigned any);
/* The same for a part of a value, at its start, at its end or anywhere: its whole words. */
bool search_add_part(struct arena *a, struct search *s, struct str part, bool at_start, bool at_end,
	unsigned any);

/* ---- the store ------------------------------------------------------------------------------ */

struct mutes;
struct entities;
struct put_job;

struct store {
	struct store_options options;
	const struct db_ops *ops;
	char *place;
	bool in_memory;
	int lock_fd;
	unsigned schema;
	bool was_unclean, check_unfinished;

	pthread_mutex_t put_lock;
	pthread_cond_t put_done;
	struct put_job *jobs, **jobs_end;
	bool has_leader;

	pthread_mutex_t write_lock;
	struct db *writer;
	struct mutes *mutes;
	struct entities *entities;
	struct rules *rules;
	/* `entities` holds all that is in `underived`; there is something in it (derived.c) */
	bool is_derived_known, has_underived;

	pthread_mutex_t pool_lock;
	pthread_cond_t pool_free;
	struct db *readers;
	unsigned nreaders, nopen;

	_Atomic size_t nwaiting; /* findings whose entities are not written */
	_Atomic uint64_t put_records, put_refused, put_known, commits;
	_Atomic uint64_t retention_age_ns, retention_size;
};

uint64_t store_now(const struct store *s);
/* A connection to read with; give it back. */
int store_reader_take(struct store *s, struct db **ret, struct err *e);
/* The same after what waits was written: for whoever reads entities. */
int store_settled_take(struct store *s, struct db **ret, struct err *e);
void store_reader_give(struct store *s, struct db *db);
/* The writer, inside a transaction, locked; end commits when rc is 0. */
int store_write_begin(struct store *s, struct err *e);
int store_write_end(struct store *s, int rc, struct err *e);
/* The same for what changes findings or what is counted of them: nothing waits to be derived. */
int store_change_begin(struct store *s, struct err *e);

/* migrate.c */
int migrate(struct db *db, bool read_only, unsigned *ret_version, struct err *e);

/* dialect.c, what is not in db.h */
int dialect_prepare_version(struct db *db, bool read_only, struct err *e);
void dialect_set_version(enum db_engine engine, unsigned version, struct buf *out);
bool dialect_can_compare(enum cmp_op op);
bool dialect_compare(
	enum db_engine engine, enum cmp_op op, const char *expr, unsigned i, struct buf *out);

void dialect_array_item(struct buf *out, struct str item);

/* rule.c: (name, source, tags) → id, kept in memory; under write_lock */
struct rules *rules_new(void);
void rules_free(struct rules *r);
void rules_forget(struct rules *r);
int rules_id(struct rules *rs, struct db *db, const struct row *row, int64_t *ret, struct err *e);

/* derived.c: entities and relations, written with their findings or later; under write_lock */
int derived_load(struct store *s, struct err *e);
/* After a rollback or a deletion. */
void derived_forget(struct store *s);
/* May a transaction of so many new findings leave their entities for later? Then derived_wait()
 * for each; else derived_write(). */
bool derived_can_wait(const struct store *s, size_t nfindings);
int derived_wait(struct store *s, int64_t n, struct err *e);
int derived_write(struct store *s, struct err *e);
void derived_committed(struct store *s);
/* Writes all that waits, in transactions of its own. */
int derived_settle(struct store *s, struct err *e);

/* put.c: is it the data's fault, and not the machine's? */
bool put_is_data_fault(int rc);

/* entity.c: what records say of entities, gathered and written later */
struct entities *entities_new(void);
void entities_free(struct entities *es);
/* After a rollback or a deletion: ids in memory may be wrong. */
void entities_forget(struct entities *es);
/* NULL when memory is out. Borrows from the record until entities_keep(). */
bool entities_add(struct entities *es, struct record *r, bool is_finding);
/* Copies what was borrowed. */
bool entities_keep(struct entities *es);
/* Findings that wait; bytes of what waits. */
size_t entities_pending(const struct entities *es);
size_t entities_held(const struct entities *es);
/* Writes entities, relations and which of them the findings name. */
int entities_flush(struct entities *es, struct db *db, struct err *e);
/* Was a row put for this container, since koban started? It counts as put from now on. */
bool entities_is_listed(struct fact *f);
/* attrs.c: what is shown of an entity, a JSON object; "{}" when there is nothing to say. */
struct str entity_attrs(struct arena *a, enum store_entity_kind kind, struct str about);
/* Are findings of such an entity found by their columns (entity_where.c)? */
bool entity_has_columns(enum store_entity_kind kind);

/* mute.c; under write_lock */
int mutes_load(struct store *s, struct err *e);
void mutes_free(struct mutes *m);
/* The id of a mute that selects the row now, or 0. */
int64_t mutes_match(struct mutes *m, struct row *row, uint64_t now_ns);
/* Takes back what mutes_match() counted: the finding was there already. */
void mutes_unmatch(struct mutes *m, int64_t id);
/* Writes the counts of this transaction. */
int mutes_flush(struct mutes *m, struct db *db, struct err *e);
void mutes_forget_counts(struct mutes *m);

/* tally.c */
struct tally {
	int64_t n[STORE_STATE_COUNT][PRIORITY_COUNT];
};
int tally_flush(struct tally *t, struct db *db, struct err *e);

/* inventory.c, metrics.c, run.c: records of other types, inside the transaction */
int inventory_put(struct db *db, const struct record *r, struct err *e);
int container_put_finding(struct db *db, const struct record *r, struct err *e);
int around_put(struct db *db, struct record *r, struct err *e);
int metrics_put(struct db *db, const struct record *r, struct err *e);
int run_put(struct db *db, const struct record *r, struct err *e);
