/* SPDX-License-Identifier: Apache-2.0 */
/* Mutes as people see them: made, listed, deleted. How they are applied is in mute.c. */
#include <errno.h>
#include <inttypes.h>

#include "sink/store/read.h"

static int check_mute(
	const struct store_mute *m, uint64_t now_ns, struct store_place *place, struct err *e)
{
	uint64_t fp = 0;

	if (place)
		*place = (struct store_place){0};
	if (!str_trim(m->filter).len && !m->fingerprint.len && !m->rule.len)
		return err_set(e, EINVAL, "a mute needs a filter, a fingerprint or a rule");
	if (!str_trim(m->reason).len)
		return err_set(e, EINVAL, "a mute needs a reason: others will ask");
	if (m->until_ns && m->until_ns <= now_ns)
		return err_set(e, EINVAL, "the mute would be over already");
	if (m->reason.len > STORE_TEXT_MAX || m->rule.len > NAME_COLUMN_MAX ||
		m->created_by.len > STORE_NAME_MAX)
		return err_set(e, EINVAL, "the reason or a name is too long");
	if (!utf8_is_good(m->reason) || !utf8_is_good(m->rule) || !utf8_is_good(m->created_by) ||
		!utf8_is_good(m->filter))
		return err_set(e, EINVAL, "the text is no UTF-8");
	if (m->fingerprint.len && (m->fingerprint.len > 16 || !str_to_u64(m->fingerprint, 16, &fp)))
		return err_set(e, EINVAL, "a fingerprint is up to 16 hexadecimal digits");
	return str_trim(m->filter).len ? store_filter_check(m->filter, place, e) : 0;
}

static int insert_mute(
	struct db *db, const struct store_mute *m, uint64_t now_ns, int64_t *ret, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(db,
		"INSERT INTO mute (filter, fingerprint, rule, reason, created_by, created_ns, "
		"until_ns, muted, last_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0) RETURNING id",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_text(st, 1, str_trim(m->filter));
	stmt_text(st, 2, m->fingerprint);
	stmt_text(st, 3, m->rule);
	stmt_text(st, 4, m->reason);
	stmt_text(st, 5, m->created_by);
	stmt_int(st, 6, (int64_t)now_ns);
	stmt_int(st, 7, (int64_t)m->until_ns);
	rc = stmt_row(st, e);
	if (rc == 0)
		*ret = stmt_get_int(st, 0);
	stmt_done(st);
	return rc;
}

static int count_muted(struct db *db, int64_t id, const struct change *c, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(
		db, "UPDATE mute SET muted = muted + ?2, last_ns = ?3 WHERE id = ?1", &st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, id);
	stmt_int(st, 2, (int64_t)c->changed);
	stmt_int(st, 3, c->changed ? (int64_t)c->now_ns : 0);
	return stmt_run(st, NULL, e);
}

static int mute_existing(struct store *s, const struct store_mute *m, int64_t id,
	uint64_t *ret_changed, struct store_place *place, struct err *e)
{
	struct store_query q = {.filter = m->filter,
		.fingerprint = m->fingerprint,
		.rule = m->rule,
		.states = 1u << STORE_OPEN};
	struct change c;
	int rc = 0;

	change_init(&c, s);
	c.action = STORE_DID_MUTE;
	c.text = m->reason;
	c.who = m->created_by;
	c.mute = id;
	rc = change_selected(&c, &q, place, e);
	if (rc == 0)
		rc = change_finish(&c, e);
	if (rc == 0)
		rc = count_muted(s->writer, id, &c, e);
	*ret_changed = c.changed;
	change_done(&c);
	return rc;
}

/* Loads the mutes anew after a change; under write_lock, which the transaction's end gave up. */
static int reload(struct store *s, struct err *e)
{
	pthread_mutex_lock(&s->write_lock);
	int rc = mutes_load(s, e);
	pthread_mutex_unlock(&s->write_lock);
	return rc;
}

int store_mute_add(struct store *s, const struct store_mute *m, bool existing, struct arena *a,
	struct str *ret_id, uint64_t *ret_changed, struct store_place *place, struct err *e)
{
	uint64_t now_ns = store_now(s), changed = 0;
	int64_t id = 0;
	int rc = check_mute(m, now_ns, place, e);

	if (rc == 0)
		rc = store_change_begin(s, e);
	if (rc < 0)
		return rc;
	rc = insert_mute(s->writer, m, now_ns, &id, e);
	if (rc == 0 && existing)
		rc = mute_existing(s, m, id, &changed, place, e);
	rc = store_write_end(s, rc, e);
	if (rc < 0)
		return rc;
	*ret_id = arena_printf(a, "%" PRId64, id);
	if (ret_changed)
		*ret_changed = changed;
	return reload(s, e);
}

int store_mute_delete(struct store *s, struct str id, struct err *e)
{
	struct stmt *st = NULL;
	uint64_t n = 0, changes = 0;
	int rc = str_to_u64(id, 10, &n) ? store_write_begin(s, e)
					: err_set(e, ENOENT, "there is no such mute");

	if (rc < 0)
		return rc;
	rc = db_statement(s->writer, "DELETE FROM mute WHERE id = ?1", &st, e);
	if (rc == 0) {
		stmt_int(st, 1, (int64_t)n);
		rc = stmt_run(st, &changes, e);
	}
	if (rc == 0 && !changes)
		rc = err_set(e, ENOENT, "there is no such mute");
	rc = store_write_end(s, rc, e);
	return rc < 0 ? rc : reload(s, e);
}

enum { MUTES_LISTED_MAX = 5000 };

static void mute_take(struct stmt *st, struct arena *a, uint64_t now_ns, struct store_mute *m)
{
	struct str *const texts[] = {
		&m->id, &m->filter, &m->fingerprint, &m->rule, &m->reason, &m->created_by};

	for (int i = 0; i < 6; i++)
		*texts[i] = stmt_take_text(st, i, a);
	m->until_ns = stmt_get_u64(st, 6);
	m->created_ns = stmt_get_u64(st, 7);
	m->muted_count = stmt_get_u64(st, 8);
	m->last_ns = stmt_get_u64(st, 9);
	m->has_expired = m->until_ns && m->until_ns <= now_ns;
}

int store_mute_list(
	struct store *s, struct arena *a, struct store_mute **ret, size_t *ret_n, struct err *e)
{
	struct stmt *st = NULL;
	struct db *db = NULL;
	int rc = store_reader_take(s, &db, e);

	if (rc < 0)
		return rc;
	*ret_n = 0;
	*ret = arena_array(a, struct store_mute, MUTES_LISTED_MAX);
	rc = *ret ? db_statement(db,
			    "SELECT id, filter, fingerprint, rule, reason, created_by, until_ns, "
			    "created_ns, muted, last_ns FROM mute ORDER BY id DESC LIMIT 5000",
			    &st, e)
		  : err_set(e, ENOMEM, "no memory for a list of mutes");
	while (rc >= 0 && st && *ret_n < MUTES_LISTED_MAX && (rc = stmt_step(st, e)) > 0)
		mute_take(st, a, store_now(s), &(*ret)[(*ret_n)++]);
	stmt_done(st);
	store_reader_give(s, db);
	return rc < 0 ? rc : 0;
}
