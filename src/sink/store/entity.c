/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entities and relations on their way into the database. A transaction's records mostly speak of
 * the same few: what they add is gathered in memory and written once at its end. A table in memory
 * knows the ids of entities that were seen lately, so that most are an UPDATE by id. Under
 * write_lock; after a rollback or a deletion everything in memory is forgotten.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/private.h"

enum { KNOWN_MAX = 200000, TIES_MAX = 1 << 20 };

struct batch_entity {
	uint64_t hash;
	int64_t id; /* 0 = not known yet */
	enum store_entity_kind kind;
	uint64_t name_hash, attrs_hash; /* of what is in the database, 0 = not known */
	uint64_t about_hash;            /* of what attrs were made from */
	/* what this transaction adds */
	bool is_touched;
	int64_t findings, open, first_ns, last_ns;
	enum priority worst;
	struct str name; /* borrowed from a record */
	const struct node *about;
	struct str attrs; /* empty = as they are */
	size_t key_len;
	char key[];
};

struct pending_tie {
	const struct batch_entity *from, *to;
	enum relation kind;
	int64_t count, first_ns, last_ns;
};

struct entities {
	struct table known;
	struct batch_entity **touched;
	size_t ntouched, cap;
	struct arena arena; /* ties of this transaction */
	struct table ties;
};

static bool entity_eq(const void *row, const void *key)
{
	const struct batch_entity *b = row;
	const struct fact *f = key;

	return b->kind == f->kind && str_eq(str_make(b->key, b->key_len), f->key);
}

static bool tie_eq(const void *row, const void *key)
{
	const struct pending_tie *a = row, *b = key;

	return a->from == b->from && a->to == b->to && a->kind == b->kind;
}

struct entities *entities_new(void)
{
	struct entities *es = calloc(1, sizeof(*es));

	if (!es)
		return NULL;
	table_init(&es->known, entity_eq, (size_t)KNOWN_MAX * 4);
	table_init(&es->ties, tie_eq, TIES_MAX);
	arena_init(&es->arena, 256 << 20);
	return es;
}

void entities_forget(struct entities *es)
{
	size_t pos = 0;
	void *row = NULL;

	while ((row = table_next(&es->known, &pos)))
		free(row);
	table_done(&es->known);
	table_init(&es->known, entity_eq, (size_t)KNOWN_MAX * 4);
	es->ntouched = 0;
}

void entities_free(struct entities *es)
{
	if (!es)
		return;
	entities_forget(es);
	table_done(&es->known);
	table_done(&es->ties);
	arena_done(&es->arena);
	free(es->touched);
	free(es);
}

void entities_begin(struct entities *es)
{
	for (size_t i = 0; i < es->ntouched; i++)
		es->touched[i]->is_touched = false;
	es->ntouched = 0;
	table_done(&es->ties);
	table_init(&es->ties, tie_eq, TIES_MAX);
	arena_reset(&es->arena);
	if (es->known.count > KNOWN_MAX)
		entities_forget(es);
}

/* ---- gathering ------------------------------------------------------------------------------ */

static struct batch_entity *find_or_add(struct entities *es, const struct fact *f)
{
	uint64_t hash = str_hash(f->key) ^ hash_u64((uint64_t)f->kind + 1);
	struct batch_entity *b = table_find(&es->known, hash, f);

	if (b)
		return b;
	b = calloc(1, sizeof(*b) + f->key.len);
	if (!b)
		return NULL;
	b->hash = hash;
	b->kind = f->kind;
	b->key_len = f->key.len;
	memcpy(b->key, f->key.s, f->key.len);
	if (table_put(&es->known, hash, b) < 0) {
		free(b);
		return NULL;
	}
	return b;
}

static bool touch(struct entities *es, struct batch_entity *b, int64_t time_ns)
{
	if (b->is_touched) {
		b->first_ns = time_ns < b->first_ns ? time_ns : b->first_ns;
		b->last_ns = time_ns > b->last_ns ? time_ns : b->last_ns;
		return true;
	}
	if (es->ntouched == es->cap) {
		size_t cap = es->cap ? es->cap * 2 : 1024;
		void *p = realloc(es->touched, cap * sizeof(void *));

		if (!p)
			return false;
		es->touched = p;
		es->cap = cap;
	}
	es->touched[es->ntouched++] = b;
	b->is_touched = true;
	b->findings = b->open = 0;
	b->worst = PRIORITY_COUNT;
	b->first_ns = b->last_ns = time_ns;
	b->name = b->attrs = STR_NULL;
	b->about = NULL;
	return true;
}

static bool gather_fact(struct entities *es, struct fact *f, int64_t time_ns)
{
	f->batch = find_or_add(es, f);
	if (!f->batch || !touch(es, f->batch, time_ns))
		return false;
	if (f->name.len)
		f->batch->name = f->name;
	if (f->about)
		f->batch->about = f->about;
	return true;
}

static bool gather_tie(struct entities *es, const struct record *r, const struct tie *t)
{
	struct pending_tie key = {.from = r->facts.fact[t->from].batch,
		.to = r->facts.fact[t->to].batch,
		.kind = t->kind};
	uint64_t hash = hash_u64(key.from->hash + 3 * key.to->hash + (uint64_t)t->kind);
	struct pending_tie *p = table_find(&es->ties, hash, &key);

	if (key.from == key.to)
		return true;
	if (!p) {
		p = arena_new(&es->arena, struct pending_tie);
		if (!p)
			return false;
		*p = key;
		p->first_ns = r->time_ns;
		if (table_put(&es->ties, hash, p) < 0)
			return false;
	}
	p->count++;
	p->first_ns = r->time_ns < p->first_ns ? r->time_ns : p->first_ns;
	p->last_ns = r->time_ns > p->last_ns ? r->time_ns : p->last_ns;
	return true;
}

/* An entity in two roles is one link: the first role stays. */
static void unite_links(struct facts *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->nlinks; i++) {
		bool is_there = false;

		for (size_t k = 0; k < n && !is_there; k++)
			is_there = f->fact[f->link[k].fact].batch == f->fact[f->link[i].fact].batch;
		if (!is_there)
			f->link[n++] = f->link[i];
	}
	f->nlinks = n;
}

bool entities_add(struct entities *es, struct record *r, bool is_finding)
{
	struct facts *f = &r->facts;

	for (size_t i = 0; i < f->nfacts; i++)
		if (!gather_fact(es, &f->fact[i], r->time_ns))
			return false;
	for (size_t i = 0; i < f->nties; i++)
		if (!gather_tie(es, r, &f->tie[i]))
			return false;
	if (!is_finding)
		return true;
	unite_links(f);
	for (size_t i = 0; i < f->nlinks; i++) {
		struct batch_entity *b = f->fact[f->link[i].fact].batch;

		if (f->link[i].role == ROLE_PARENT)
			continue; /* it did not do it */
		b->findings++;
		b->open += r->row.state == STORE_OPEN;
		if (r->row.priority < b->worst)
			b->worst = r->row.priority;
	}
	return true;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* b->id stays 0 when it is there already. */
static int insert(struct db *db, struct batch_entity *b, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO entity (kind, key, name, attrs, findings, open, worst, first_ns, "
		"last_ns) VALUES (?1, ?2, CASE WHEN ?3 = '' THEN ?2 ELSE ?3 END, ?4, ?5, ?6, ?7, "
		"?8, ?9) ON CONFLICT DO NOTHING{returning_id}",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, b->kind);
	stmt_text(st, 2, str_make(b->key, b->key_len));
	stmt_text(st, 3, b->name);
	stmt_text(st, 4, b->attrs.len ? b->attrs : STR("{}"));
	stmt_int(st, 5, b->findings);
	stmt_int(st, 6, b->open);
	stmt_int(st, 7, b->worst);
	stmt_int(st, 8, b->first_ns);
	stmt_int(st, 9, b->last_ns);
	return stmt_insert(st, &b->id, e);
}

static int find(struct db *db, struct batch_entity *b, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db, "SELECT id FROM entity WHERE kind = ?1 AND key = ?2", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, b->kind);
	stmt_text(st, 2, str_make(b->key, b->key_len));
	rc = stmt_row(st, e);
	if (rc == 0)
		b->id = stmt_get_int(st, 0);
	stmt_done(st);
	return rc;
}

static int update(struct db *db, const struct batch_entity *b, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"UPDATE entity SET findings = findings + ?2, open = open + ?3, "
		"worst = {least}(worst, CAST(?4 AS BIGINT)), "
		"first_ns = {least}(first_ns, CAST(?5 AS BIGINT)), "
		"last_ns = {greatest}(last_ns, CAST(?6 AS BIGINT)) WHERE id = ?1",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, b->id);
	stmt_int(st, 2, b->findings);
	stmt_int(st, 3, b->open);
	stmt_int(st, 4, b->worst);
	stmt_int(st, 5, b->first_ns);
	stmt_int(st, 6, b->last_ns);
	return stmt_run(st, NULL, e);
}

/* The name is indexed: it is written only when it is another one. */
static int rename_entity(struct db *db, const struct batch_entity *b, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"UPDATE entity SET name = CASE WHEN ?2 = '' THEN name ELSE ?2 END, "
		"attrs = CASE WHEN ?3 = '' THEN attrs ELSE ?3 END WHERE id = ?1",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, b->id);
	stmt_text(st, 2, b->name);
	stmt_text(st, 3, b->attrs);
	return stmt_run(st, NULL, e);
}

/* The attributes, if the record says something new. */
static void make_attrs(struct entities *es, struct batch_entity *b)
{
	uint64_t hash = b->about ? str_hash(b->about->raw) | 1 : 0;

	if (!hash || hash == b->about_hash)
		return;
	b->about_hash = hash;
	struct str attrs = entity_attrs(&es->arena, b->kind, b->about);
	hash = str_hash(attrs) | 1;
	if (hash != b->attrs_hash && attrs.len > 2)
		b->attrs = attrs;
	b->attrs_hash = hash;
}

static int write_entity(struct entities *es, struct db *db, struct batch_entity *b, struct err *e)
{
	uint64_t name = b->name.len ? str_hash(b->name) | 1 : b->name_hash;
	bool is_new = false;
	int rc = 0;

	make_attrs(es, b);
	if (!b->id) {
		rc = insert(db, b, e);
		is_new = b->id != 0;
		if (rc == 0 && !is_new)
			rc = find(db, b, e);
	}
	if (rc == 0 && !is_new)
		rc = update(db, b, e);
	if (rc == 0 && !is_new && (name != b->name_hash || b->attrs.len))
		rc = rename_entity(db, b, e);
	b->name_hash = name;
	return rc;
}

static int write_tie(struct db *db, const struct pending_tie *t, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO relation (source, kind, target, count, first_ns, last_ns) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (source, target, kind) DO UPDATE SET "
		"count = relation.count + excluded.count, "
		"first_ns = {least}(relation.first_ns, excluded.first_ns), "
		"last_ns = {greatest}(relation.last_ns, excluded.last_ns)",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, t->from->id);
	stmt_int(st, 2, t->kind);
	stmt_int(st, 3, t->to->id);
	stmt_int(st, 4, t->count);
	stmt_int(st, 5, t->first_ns);
	stmt_int(st, 6, t->last_ns);
	return stmt_run(st, NULL, e);
}

int entities_flush(struct entities *es, struct db *db, struct err *e)
{
	struct pending_tie *t = NULL;
	size_t pos = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < es->ntouched; i++)
		rc = write_entity(es, db, es->touched[i], e);
	while (rc == 0 && (t = table_next(&es->ties, &pos)))
		rc = write_tie(db, t, e);
	return rc;
}

int64_t entities_id(const struct fact *f)
{
	return f->batch->id;
}
