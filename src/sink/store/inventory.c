/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs where: the last inventory of each host and a row for each container, which inventories
 * and findings write. A container that an inventory leaves out no longer runs; its row stays for as
 * long as findings do.
 */
#include <errno.h>

#include "sink/store/read.h"

/* ---- putting -------------------------------------------------------------------------------- */

static struct str full_id(const struct node *c)
{
	struct str id = node_str(c, "full_id");

	return utf8_head(id.len ? id : node_str(c, "id"), NAME_COLUMN_MAX);
}

struct container_put {
	struct str hostname, record;
	int64_t time_ns;
	bool is_running;
};

static void bind_container(struct stmt *st, const struct node *c, const struct container_put *p)
{
	static const char *const texts[] = {"name", "image"}, *const more[] = {"pod", "namespace"};
	struct str id = full_id(c), shown = node_str(c, "id");
	int i = 0;

	stmt_text(st, ++i, id);
	stmt_text(st, ++i, str_head(shown.len ? shown : id, 12));
	for (int k = 0; k < 2; k++)
		stmt_text(st, ++i, utf8_head(node_str(c, texts[k]), NAME_COLUMN_MAX));
	stmt_text(st, ++i, p->hostname);
	for (int k = 0; k < 2; k++)
		stmt_text(st, ++i, utf8_head(node_str(c, more[k]), NAME_COLUMN_MAX));
	stmt_int(st, ++i, p->is_running);
	stmt_int(st, ++i, node_is_true(node_get(c, "privileged")));
	stmt_int(st, ++i, p->time_ns);
	stmt_text(st, ++i, p->record);
}

/* An inventory knows best: it replaces what was there. */
static int put_running(
	struct db *db, const struct node *c, const struct container_put *p, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO container (full_id, id, name, image, hostname, pod, namespace, "
		"is_running, is_privileged, first_ns, last_ns, record) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11) "
		"ON CONFLICT (full_id) DO UPDATE SET name = excluded.name, image = excluded.image,"
		"hostname = excluded.hostname, pod = excluded.pod, "
		"namespace = excluded.namespace, is_running = excluded.is_running, "
		"is_privileged = excluded.is_privileged, "
		"last_ns = {greatest}(container.last_ns, excluded.last_ns), "
		"record = excluded.record",
		&st, e);

	if (rc < 0)
		return rc;
	bind_container(st, c, p);
	return stmt_run(st, NULL, e);
}

/* A finding only makes a container known. */
static int put_mentioned(
	struct db *db, const struct node *c, const struct container_put *p, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO container (full_id, id, name, image, hostname, pod, namespace, "
		"is_running, is_privileged, first_ns, last_ns, record) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11) "
		"ON CONFLICT (full_id) DO NOTHING",
		&st, e);

	if (rc < 0)
		return rc;
	bind_container(st, c, p);
	return stmt_run(st, NULL, e);
}

int container_put_finding(struct db *db, const struct record *r, struct err *e)
{
	struct container_put p = {.hostname = r->row.hostname, .time_ns = r->time_ns};
	const struct node *c = NULL;
	const char *why = NULL;
	size_t where = 0;
	struct arena a;
	int rc = 0;

	for (size_t i = 0; !p.record.len && i < r->facts.nfacts; i++)
		if (r->facts.fact[i].kind == STORE_CONTAINER &&
			!entities_is_listed(&r->facts.fact[i]))
			p.record = r->facts.fact[i].about;
	if (!p.record.len)
		return 0; /* none, or known since long */
	arena_init(&a, 0);
	c = node_parse(&a, p.record, &why, &where);
	if (c)
		rc = put_mentioned(db, c, &p, e);
	arena_done(&a);
	return rc;
}

static int end_others(struct db *db, struct str hostname, int64_t time_ns, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"UPDATE container SET is_running = 0 WHERE hostname = ?1 AND is_running = 1 "
		"AND last_ns < ?2",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, hostname);
	stmt_int(st, 2, time_ns);
	return stmt_run(st, NULL, e);
}

/* False when a newer one is there: a late inventory tells nothing. */
static int put_host(struct db *db, const struct record *r, struct str hostname, bool *ret_is_newest,
	struct err *e)
{
	struct stmt *st = NULL;
	uint64_t changes = 0;
	int rc = db_statement(db,
		"INSERT INTO host (hostname, last_ns, inventory) VALUES (?1, ?2, ?3) "
		"ON CONFLICT (hostname) DO UPDATE SET last_ns = excluded.last_ns, "
		"inventory = excluded.inventory WHERE host.last_ns <= excluded.last_ns",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, hostname);
	stmt_int(st, 2, r->time_ns);
	stmt_text(st, 3, r->text);
	rc = stmt_run(st, &changes, e);
	*ret_is_newest = changes > 0;
	return rc;
}

int inventory_put(struct db *db, const struct record *r, struct err *e)
{
	const struct node *c = node_first(node_get(r->json, "containers"));
	struct container_put p = {.time_ns = r->time_ns, .is_running = true};
	bool is_newest = false;
	int rc = 0;

	p.hostname = utf8_head(node_str(r->json, "hostname"), NAME_COLUMN_MAX);
	rc = put_host(db, r, p.hostname, &is_newest, e);
	if (rc < 0 || !is_newest)
		return rc;
	for (; c; c = c->next) {
		if (!full_id(c).len)
			continue;
		p.record = c->raw;
		rc = put_running(db, c, &p, e);
		if (rc < 0)
			return rc;
	}
	return end_others(db, p.hostname, r->time_ns, e);
}

/* ---- reading -------------------------------------------------------------------------------- */

#define CONTAINER_SELECT                                                                           \
	"SELECT c.full_id, c.name, c.image, c.hostname, c.pod, c.namespace, c.is_running, "        \
	"c.is_privileged, c.first_ns, {greatest}(c.last_ns, coalesce(x.last_ns, 0)), c.record, "   \
	"coalesce(x.id, 0), "                                                                      \
	"coalesce(x.findings, 0), coalesce(x.open, 0), coalesce(x.worst, 8) "                      \
	"FROM container c LEFT JOIN entity x ON x.kind = 1 AND x.key = c.full_id "

_Static_assert(STORE_CONTAINER == 1 && PRIORITY_COUNT == 8, "they stand in CONTAINER_SELECT");

static void container_take(struct stmt *st, struct arena *a, struct store_container *ret)
{
	struct str *const texts[] = {
		&ret->id, &ret->name, &ret->image, &ret->hostname, &ret->pod, &ret->namespace_name};

	for (int i = 0; i < 6; i++)
		*texts[i] = stmt_take_text(st, i, a);
	ret->is_running = stmt_get_int(st, 6);
	ret->is_privileged = stmt_get_int(st, 7);
	ret->first_ns = stmt_get_u64(st, 8);
	ret->last_ns = stmt_get_u64(st, 9);
	ret->record = stmt_take_text(st, 10, a);
	ret->entity = stmt_get_u64(st, 11);
	ret->findings = stmt_get_u64(st, 12);
	ret->open = stmt_get_u64(st, 13);
	ret->worst = (enum priority)stmt_get_int(st, 14);
}

static int read_containers(struct db *db, bool running_only, unsigned limit, struct arena *a,
	struct store_container **ret, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		CONTAINER_SELECT "WHERE c.is_running >= ?1 "
				 "ORDER BY c.is_running DESC, c.last_ns DESC, c.full_id LIMIT ?2",
		&st, e);

	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret = arena_array(a, struct store_container, limit + 1);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for a list of containers");
	stmt_int(st, 1, running_only);
	stmt_int(st, 2, limit);
	while ((rc = stmt_step(st, e)) > 0 && *ret_n < limit)
		container_take(st, a, &(*ret)[(*ret_n)++]);
	stmt_done(st);
	return rc;
}

int store_containers(struct store *s, bool running_only, unsigned limit, struct arena *a,
	struct store_container **ret, size_t *ret_n, struct err *e)
{
	struct db *db = NULL;
	int rc = store_settled_take(s, &db, e);

	if (rc < 0)
		return rc;
	rc = read_containers(db, running_only, page_limit(limit), a, ret, ret_n, e);
	store_reader_give(s, db);
	return rc;
}

static int find_container(
	struct db *db, struct str id, struct arena *a, struct store_container *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		CONTAINER_SELECT "WHERE c.full_id = ?1 OR c.id = ?1 OR c.name = ?1 "
				 "ORDER BY c.is_running DESC, c.last_ns DESC LIMIT 1",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, id);
	rc = stmt_row(st, e);
	if (rc == 0)
		container_take(st, a, ret);
	stmt_done(st);
	if (rc == -ENOENT)
		return err_set(
			e, ENOENT, "no container '%.*s' is known", STR_ARG(str_head(id, 80)));
	return rc;
}

int store_container_get(
	struct store *s, struct str id, struct arena *a, struct store_container *ret, struct err *e)
{
	struct db *db = NULL;
	int rc = 0;

	if (!utf8_is_good(id) || !id.len)
		return err_set(e, ENOENT, "no such container");
	rc = store_settled_take(s, &db, e);
	if (rc < 0)
		return rc;
	rc = find_container(db, id, a, ret, e);
	store_reader_give(s, db);
	return rc;
}

enum { HOSTS_MAX = 1000 };

static int read_hosts(
	struct db *db, struct arena *a, struct store_host **ret, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"SELECT hostname, last_ns, inventory FROM host ORDER BY hostname LIMIT 1000", &st,
		e);

	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret = arena_array(a, struct store_host, HOSTS_MAX);
	if (!*ret)
		return err_set(e, ENOMEM, "no memory for a list of hosts");
	while ((rc = stmt_step(st, e)) > 0 && *ret_n < HOSTS_MAX) {
		struct store_host *h = &(*ret)[(*ret_n)++];

		h->hostname = stmt_take_text(st, 0, a);
		h->last_ns = stmt_get_u64(st, 1);
		h->inventory = stmt_take_text(st, 2, a);
	}
	stmt_done(st);
	return rc < 0 ? rc : 0;
}

int store_hosts(
	struct store *s, struct arena *a, struct store_host **ret, size_t *ret_n, struct err *e)
{
	struct db *db = NULL;
	int rc = store_reader_take(s, &db, e);

	if (rc < 0)
		return rc;
	rc = read_hosts(db, a, ret, ret_n, e);
	store_reader_give(s, db);
	return rc;
}
