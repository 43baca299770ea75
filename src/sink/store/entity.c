/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entities and relations on their way into the database. Records mostly speak of the same few: what
 * they add is gathered in memory, over one transaction or many (derived.c decides), and written
 * once, in the order of the tables' keys, so that a page is touched once a round. A table in memory
 * knows the ids of entities that were seen lately, so that most are an UPDATE by id. Under
 * write_lock; after a rollback or a deletion everything in memory is forgotten.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/private.h"

enum {
	KNOWN_MAX = 200000,
	GENERATION = KNOWN_MAX / 4, /* entities that come to be known in one */
	/* what may wait (derived.c) and what one transaction may add to it */
	TIES_MAX = 3 << 19,
	HELD_MAX = 320 << 20,
	KEY_BYTES = 100, /* of an entity, more or less */
};

struct batch_entity {
	uint64_t hash;
	int64_t id; /* 0 = not known yet */
	enum store_entity_kind kind;
	uint64_t name_hash, attrs_hash; /* of the last that was said, 0 = not known */
	uint64_t about_hash;            /* of what attrs were made from */
	uint64_t generation;            /* in which it was spoken of last */
	bool is_listed;                 /* a container with a row in `container` */
	/* what this transaction says, borrowed from its records */
	bool is_lent;
	struct str lent_name;
	struct str lent_about;
	/* what is not written yet */
	bool is_touched;
	int64_t findings, open, first_ns, last_ns;
	enum priority worst;
	struct str name, attrs; /* empty = as they are */
	size_t key_len;
	char key[];
};

struct pending_tie {
	struct batch_entity *from, *to;
	enum relation kind;
	int64_t count, first_ns, last_ns;
};

/* The entities of one finding. */
struct mention {
	int64_t n;
	size_t nlinks;
	struct {
		struct batch_entity *entity;
		enum role role;
	} link[];
};

struct list {
	void **at;
	size_t n, cap;
};

struct entities {
	struct table known;
	uint64_t generation;
	size_t nfresh;        /* in this generation */
	struct list lent;     /* entities that borrow from this transaction's records */
	struct list touched;  /* entities that are not written */
	struct list mentions; /* struct mention */
	struct table ties;    /* not written */
	struct arena arena;   /* of all that is not written */
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
	arena_init(&es->arena, HELD_MAX);
	return es;
}

static bool list_add(struct list *l, void *item)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 1024;
		void *p = realloc(l->at, cap * sizeof(void *));

		if (!p)
			return false;
		l->at = p;
		l->cap = cap;
	}
	l->at[l->n++] = item;
	return true;
}

/* Nothing is waiting to be written any more. */
static void empty(struct entities *es)
{
	es->lent.n = es->touched.n = es->mentions.n = 0;
	table_done(&es->ties);
	table_init(&es->ties, tie_eq, TIES_MAX);
	arena_done(&es->arena);
	arena_init(&es->arena, HELD_MAX);
}

void entities_forget(struct entities *es)
{
	size_t pos = 0;
	void *row = NULL;

	while ((row = table_next(&es->known, &pos)))
		free(row);
	table_done(&es->known);
	table_init(&es->known, entity_eq, (size_t)KNOWN_MAX * 4);
	empty(es);
}

void entities_free(struct entities *es)
{
	if (!es)
		return;
	entities_forget(es);
	table_done(&es->known);
	table_done(&es->ties);
	arena_done(&es->arena);
	free(es->lent.at);
	free(es->touched.at);
	free(es->mentions.at);
	free(es);
}

/* Forgets those that nobody spoke of in this generation or the one before; all when that leaves
 * too many. Nothing is waiting to be written. */
static void forget_old(struct entities *es)
{
	struct batch_entity *b = NULL;
	size_t pos = 0;

	if (es->known.count <= KNOWN_MAX)
		return;
	while ((b = table_next(&es->known, &pos))) {
		struct fact key = {.kind = b->kind, .key = str_make(b->key, b->key_len)};

		if (b->generation + 1 < es->generation)
			free(table_take(&es->known, b->hash, &key));
	}
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
	if (++es->nfresh == GENERATION) {
		es->nfresh = 0;
		es->generation++;
	}
	return b;
}

static bool touch(struct entities *es, struct batch_entity *b, int64_t time_ns)
{
	b->generation = es->generation;
	if (!b->is_lent && !list_add(&es->lent, b))
		return false;
	b->is_lent = true;
	if (b->is_touched) {
		b->first_ns = time_ns < b->first_ns ? time_ns : b->first_ns;
		b->last_ns = time_ns > b->last_ns ? time_ns : b->last_ns;
		return true;
	}
	if (!list_add(&es->touched, b))
		return false;
	b->is_touched = true;
	b->findings = b->open = 0;
	b->worst = PRIORITY_COUNT;
	b->first_ns = b->last_ns = time_ns;
	b->name = b->attrs = STR_NULL;
	return true;
}

static bool gather_fact(struct entities *es, struct fact *f, int64_t time_ns)
{
	f->batch = find_or_add(es, f);
	if (!f->batch || !touch(es, f->batch, time_ns))
		return false;
	if (f->name.len)
		f->batch->lent_name = f->name;
	if (f->about.len)
		f->batch->lent_about = f->about;
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

/* Which entities the finding names, for when they have ids. */
static bool gather_mention(struct entities *es, const struct record *r)
{
	const struct facts *f = &r->facts;
	struct mention *m = arena_alloc(&es->arena, sizeof(*m) + f->nlinks * sizeof(m->link[0]));

	if (!m || !list_add(&es->mentions, m))
		return false;
	m->n = r->row.n;
	m->nlinks = f->nlinks;
	for (size_t i = 0; i < f->nlinks; i++) {
		m->link[i].entity = f->fact[f->link[i].fact].batch;
		m->link[i].role = f->link[i].role;
	}
	return true;
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
	return gather_mention(es, r);
}

/* The attributes, if the record says something new. */
static bool keep_attrs(struct entities *es, struct batch_entity *b)
{
	uint64_t hash = str_hash(b->lent_about) | 1;

	if (hash == b->about_hash)
		return true;
	b->about_hash = hash;
	struct str attrs = entity_attrs(&es->arena, b->kind, b->lent_about);
	hash = str_hash(attrs) | 1;
	if (hash != b->attrs_hash && attrs.len > 2)
		b->attrs = attrs;
	b->attrs_hash = hash;
	return attrs.s != NULL;
}

static bool keep(struct entities *es, struct batch_entity *b)
{
	uint64_t hash = b->lent_name.len ? str_hash(b->lent_name) | 1 : b->name_hash;

	if (hash != b->name_hash) {
		b->name = arena_str(&es->arena, b->lent_name);
		b->name_hash = hash;
		if (!b->name.s)
			return false;
	}
	return !b->lent_about.len || keep_attrs(es, b);
}

bool entities_keep(struct entities *es)
{
	for (size_t i = 0; i < es->lent.n; i++) {
		struct batch_entity *b = es->lent.at[i];

		if (!keep(es, b))
			return false;
		b->is_lent = false;
		b->lent_name = b->lent_about = STR_NULL;
	}
	es->lent.n = 0;
	return true;
}

size_t entities_pending(const struct entities *es)
{
	return es->mentions.n;
}

size_t entities_held(const struct entities *es)
{
	return es->arena.held + es->ties.nslots * sizeof(struct table_slot) +
	       es->touched.n * (sizeof(struct batch_entity) + KEY_BYTES);
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

static int write_entity(struct db *db, struct batch_entity *b, struct err *e)
{
	bool is_new = false;
	int rc = 0;

	if (!b->id) {
		rc = insert(db, b, e);
		is_new = b->id != 0;
		if (rc == 0 && !is_new)
			rc = find(db, b, e);
	}
	if (rc == 0 && !is_new)
		rc = update(db, b, e);
	if (rc == 0 && !is_new && (b->name.len || b->attrs.len))
		rc = rename_entity(db, b, e);
	b->is_touched = false;
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

static int put_link(struct db *db, int64_t entity, int64_t n, enum role role, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO finding_entity (entity, n, role) VALUES (?1, ?2, ?3) "
		"ON CONFLICT DO NOTHING",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, entity);
	stmt_int(st, 2, n);
	stmt_int(st, 3, role);
	return stmt_run(st, NULL, e);
}

static int write_mention(struct db *db, const struct mention *m, struct err *e)
{
	char text[ROLE_COUNT * 48];
	struct buf b = buf_fixed(text, sizeof(text));
	struct stmt *st = NULL;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < m->nlinks && b.len < sizeof(text) - 48; i++) {
		const struct batch_entity *x = m->link[i].entity;

		if (i)
			buf_add_char(&b, ' ');
		buf_add_s64(&b, x->id);
		buf_add_char(&b, ':');
		buf_add_u64(&b, m->link[i].role);
		if (!entity_has_columns(x->kind))
			rc = put_link(db, x->id, m->n, m->link[i].role, e);
	}
	if (rc == 0)
		rc = db_statement(db, "INSERT INTO mention (n, entities) VALUES (?1, ?2)", &st, e);
	if (rc < 0)
		return rc;
	stmt_int(st, 1, m->n);
	stmt_text(st, 2, buf_str(&b));
	return stmt_run(st, NULL, e);
}

/* Those with an id by it; then the others by kind and key, which get ids in that order. */
static int by_place(const void *a, const void *b)
{
	const struct batch_entity *x = *(void *const *)a, *y = *(void *const *)b;

	if (x->id && y->id)
		return x->id < y->id ? -1 : x->id > y->id;
	if (x->id || y->id)
		return x->id ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
	int c = memcmp(x->key, y->key, n);
	return c ? c : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static int by_ends(const void *a, const void *b)
{
	const struct pending_tie *x = *(void *const *)a, *y = *(void *const *)b;

	if (x->from->id != y->from->id)
		return x->from->id < y->from->id ? -1 : 1;
	return x->to->id < y->to->id ? -1 : x->to->id > y->to->id;
}

static int by_n(const void *a, const void *b)
{
	const struct mention *x = *(void *const *)a, *y = *(void *const *)b;

	return x->n < y->n ? -1 : x->n > y->n;
}

static int write_ties(struct entities *es, struct db *db, struct err *e)
{
	void **all = malloc((es->ties.count + 1) * sizeof(*all)), *t = NULL;
	size_t n = 0, pos = 0;
	int rc = 0;

	if (!all)
		return err_set(e, ENOMEM, "no memory for relations");
	while ((t = table_next(&es->ties, &pos)))
		all[n++] = t;
	qsort(all, n, sizeof(*all), by_ends);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = write_tie(db, all[i], e);
	free(all);
	return rc;
}

int entities_flush(struct entities *es, struct db *db, struct err *e)
{
	int rc = 0;

	if (es->touched.n)
		qsort(es->touched.at, es->touched.n, sizeof(void *), by_place);
	for (size_t i = 0; rc == 0 && i < es->touched.n; i++)
		rc = write_entity(db, es->touched.at[i], e);
	if (rc == 0 && es->ties.count)
		rc = write_ties(es, db, e);
	if (es->mentions.n)
		qsort(es->mentions.at, es->mentions.n, sizeof(void *), by_n);
	for (size_t i = 0; rc == 0 && i < es->mentions.n; i++)
		rc = write_mention(db, es->mentions.at[i], e);
	if (rc < 0)
		return rc; /* the transaction is rolled back and all is forgotten */
	empty(es);
	forget_old(es);
	return 0;
}

bool entities_is_listed(struct fact *f)
{
	bool was = f->batch->is_listed;

	f->batch->is_listed = true;
	return was;
}
