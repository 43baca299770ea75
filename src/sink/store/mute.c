/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutes: which new findings nobody wants to hear of, why, and until when. All filters of mutes are
 * one program of the filter room, judged for each row on its way in. Under write_lock; a change of
 * the mutes loads them anew. The end of a mute is looked at when a finding comes, so nothing has to
 * happen when its time is up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sink/store/read.h"

enum { MUTES_MAX = 1000 };

struct loaded_mute {
	int64_t id;
	uint64_t until_ns;
	bool has_fingerprint, has_filter;
	int64_t fingerprint;
	struct str rule;
	uint32_t root;
	int64_t muted; /* in this transaction */
	uint64_t last_ns;
};

struct mutes {
	struct arena arena, nodes;
	struct filter_program *program;
	struct filter_eval *eval;
	struct loaded_mute *mute;
	size_t n;
	bool has_filters;
};

void mutes_free(struct mutes *m)
{
	if (!m)
		return;
	filter_eval_free(m->eval);
	filter_program_free(m->program);
	arena_done(&m->arena);
	arena_done(&m->nodes);
	free(m);
}

static struct mutes *mutes_new(void)
{
	struct mutes *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	arena_init(&m->arena, 256 << 20);
	arena_init(&m->nodes, 0);
	m->program = filter_program_new(&store_field_set);
	m->mute = arena_array(&m->arena, struct loaded_mute, MUTES_MAX);
	if (!m->program || !m->mute) {
		mutes_free(m);
		return NULL;
	}
	return m;
}

static int add_filter(struct mutes *m, struct loaded_mute *x, struct str text, struct err *e)
{
	struct filter_error fe = {0};
	struct ast *ast = NULL;
	int rc = 0;

	if (!text.len)
		return 0;
	rc = filter_text_parse(&m->arena, arena_str(&m->arena, text), &ast, NULL, e);
	if (rc < 0)
		return rc;
	x->has_filter = m->has_filters = true;
	if (filter_program_add(m->program, ast, &x->root, &fe) < 0)
		return err_set(e, EINVAL, "%s", fe.msg);
	return 0;
}

/* One row of the table. A filter that an older koban knew and this one does not mutes nothing. */
static int add_row(struct mutes *m, struct stmt *st)
{
	struct loaded_mute *x = &m->mute[m->n];
	struct str fingerprint = stmt_get_text(st, 3);
	struct err ignored;
	uint64_t fp = 0;

	*x = (struct loaded_mute){.id = stmt_get_int(st, 0), .until_ns = stmt_get_u64(st, 1)};
	if (add_filter(m, x, stmt_get_text(st, 2), &ignored) < 0)
		return 0;
	x->has_fingerprint = fingerprint.len && str_to_u64(fingerprint, 16, &fp);
	x->fingerprint = (int64_t)fp;
	x->rule = stmt_take_text(st, 4, &m->arena);
	m->n++;
	return 0;
}

static int read_rows(struct store *s, struct mutes *m, struct err *e)
{
	struct stmt *st = NULL;
	int rc = db_statement(s->writer,
		"SELECT id, until_ns, filter, fingerprint, rule FROM mute "
		"WHERE until_ns = 0 OR until_ns > ?1 ORDER BY id",
		&st, e);

	if (rc < 0)
		return rc;
	stmt_int(st, 1, (int64_t)store_now(s));
	while ((rc = stmt_step(st, e)) > 0 && m->n < MUTES_MAX)
		add_row(m, st);
	stmt_done(st);
	return rc < 0 ? rc : filter_program_seal(m->program, e);
}

int mutes_load(struct store *s, struct err *e)
{
	struct mutes *m = mutes_new();
	int rc = 0;

	if (!m)
		return err_set(e, ENOMEM, "no memory for the mutes");
	rc = read_rows(s, m, e);
	if (rc == 0 && !(m->eval = filter_eval_new(m->program)))
		rc = err_set(e, ENOMEM, "no memory for the mutes");
	if (rc < 0) {
		mutes_free(m);
		return rc;
	}
	mutes_free(s->mutes);
	s->mutes = m;
	return 0;
}

/* ---- judging -------------------------------------------------------------------------------- */

static bool selects(struct mutes *m, const struct loaded_mute *x, const struct row *row)
{
	if (x->has_fingerprint && x->fingerprint != row->fingerprint)
		return false;
	if (x->rule.len && !str_eq(x->rule, row->rule))
		return false;
	return !x->has_filter || filter_eval_root(m->eval, x->root);
}

/* A filter may ask for any member of the record: its tree is made again for the while. */
static void begin(struct mutes *m, struct row *row)
{
	const char *why = NULL;
	size_t where = 0;

	if (m->has_filters && !row->json) {
		arena_reset(&m->nodes);
		row->json = node_parse(&m->nodes, row->text, &why, &where);
	}
	filter_eval_begin(m->eval, row);
}

static int64_t match(struct mutes *m, const struct row *row, uint64_t now_ns)
{
	for (size_t i = 0; i < m->n; i++) {
		struct loaded_mute *x = &m->mute[i];

		if ((x->until_ns && x->until_ns <= now_ns) || !selects(m, x, row))
			continue;
		x->muted++;
		x->last_ns = now_ns;
		return x->id;
	}
	return 0;
}

int64_t mutes_match(struct mutes *m, struct row *row, uint64_t now_ns)
{
	const struct node *json = row->json;
	int64_t id = 0;

	if (!m->n)
		return 0;
	begin(m, row);
	id = match(m, row, now_ns);
	row->json = json;
	return id;
}

void mutes_unmatch(struct mutes *m, int64_t id)
{
	for (size_t i = 0; id && i < m->n; i++)
		if (m->mute[i].id == id)
			m->mute[i].muted--;
}

void mutes_forget_counts(struct mutes *m)
{
	for (size_t i = 0; i < m->n; i++)
		m->mute[i].muted = 0;
}

int mutes_flush(struct mutes *m, struct db *db, struct err *e)
{
	for (size_t i = 0; i < m->n; i++) {
		struct loaded_mute *x = &m->mute[i];
		struct stmt *st = NULL;
		int rc = 0;

		if (x->muted <= 0)
			continue;
		rc = db_statement(db,
			"UPDATE mute SET muted = muted + ?2, last_ns = ?3 WHERE id = ?1", &st, e);
		if (rc < 0)
			return rc;
		stmt_int(st, 1, x->id);
		stmt_int(st, 2, x->muted);
		stmt_int(st, 3, (int64_t)x->last_ns);
		rc = stmt_run(st, NULL, e);
		if (rc < 0)
			return rc;
		x->muted = 0;
	}
	return 0;
}
