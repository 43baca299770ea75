/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done, what was taken, and what became of it: the queue of a crawl. */
#include <errno.h>
#include <time.h>

#include "research/survey/private.h"

static int finish(struct survey *s, int r, struct err *e)
{
	if (r == 0)
		return survey_exec(s, "COMMIT", e);
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int survey_add(struct survey *s, const struct str *refs, size_t n, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	int r = survey_exec(s, "BEGIN IMMEDIATE", e);

	if (r == 0) {
		sqlite3_stmt *st =
			survey_prepare(s, "INSERT OR IGNORE INTO target(ref) VALUES(?1)", e);

		for (size_t i = 0; st && r == 0 && i < n; i++) {
			survey_bind_str(st, 1, refs[i]);
			r = sqlite3_step(st) == SQLITE_DONE ? 0 : survey_error(s, e);
			sqlite3_reset(st);
		}
		sqlite3_finalize(st);
		r = finish(s, st ? r : -EIO, e);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

int survey_redo(struct survey *s, bool only_failed, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	int r = survey_exec(s,
		only_failed ? "UPDATE target SET state=0, tries=0 WHERE state=3"
			    : "UPDATE target SET state=0, tries=0 WHERE state IN (2, 3)",
		e);

	pthread_mutex_unlock(&s->lock);
	return r;
}

static int take(struct survey *s, struct arena *a, struct str *ref, unsigned *tries, struct err *e)
{
	sqlite3_stmt *st = survey_prepare(s,
		"UPDATE target SET state=1, tries=tries+1, changed_s=?1 WHERE ref="
		"(SELECT ref FROM target WHERE state=0 ORDER BY tries LIMIT 1) "
		"RETURNING ref, tries",
		e);
	int r = st ? 0 : -EIO;

	if (st) {
		sqlite3_bind_int64(st, 1, time(NULL));
		int code = sqlite3_step(st);

		if (code == SQLITE_ROW) {
			*ref = survey_column_str(st, 0, a);
			*tries = (unsigned)sqlite3_column_int64(st, 1) - 1;
			r = ref->s ? 1 : err_set(e, ENOMEM, "no memory left");
			code = sqlite3_step(st);
		}
		if (code != SQLITE_DONE)
			r = survey_error(s, e);
	}
	sqlite3_finalize(st);
	return r;
}

int survey_take(struct survey *s, struct arena *a, struct str *ref, unsigned *tries, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	int r = take(s, a, ref, tries, e);

	pthread_mutex_unlock(&s->lock);
	return r;
}

static int set_state(struct survey *s, struct str ref, enum target_state state, struct str image,
	struct str why, struct err *e)
{
	sqlite3_stmt *st = survey_prepare(s,
		"UPDATE target SET state=?2, image=nullif(?3, ''), why=nullif(?4, ''), "
		"changed_s=?5 WHERE ref=?1",
		e);

	if (!st)
		return -EIO;
	survey_bind_str(st, 1, ref);
	sqlite3_bind_int(st, 2, (int)state);
	survey_bind_str(st, 3, image);
	survey_bind_str(st, 4, why);
	sqlite3_bind_int64(st, 5, time(NULL));
	return survey_run(s, st, e);
}

int survey_failed(struct survey *s, struct str ref, const char *why, bool again, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	int r = set_state(s, ref, again ? TARGET_WAITING : TARGET_FAILED, STR_NULL, str_of(why), e);

	pthread_mutex_unlock(&s->lock);
	return r;
}

int survey_give_back(struct survey *s, struct str ref, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	sqlite3_stmt *st = survey_prepare(
		s, "UPDATE target SET state=0, tries=max(tries-1, 0) WHERE ref=?1", e);

	if (st)
		survey_bind_str(st, 1, ref);
	int r = st ? survey_run(s, st, e) : -EIO;

	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- reports ---------------------------------------------------------------------------- */

/* The same image under several names is one: its manifest, else its config, else what it is made
 * of. */
static struct str image_id(const struct artifact_report *r, struct str ref)
{
	const struct artifact_image *i = &r->image;

	if (i->digest.len)
		return i->digest;
	if (i->config_digest.len)
		return i->config_digest;
	return i->nlayers ? i->layers[i->nlayers - 1].diff_id : ref;
}

static int forget(struct survey *s, struct str id, struct err *e)
{
	static const char *const sql[] = {"DELETE FROM image WHERE id=?1",
		"DELETE FROM label WHERE image=?1", "DELETE FROM layer WHERE image=?1",
		"DELETE FROM finding WHERE image=?1", "DELETE FROM fact WHERE image=?1"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(sql) / sizeof(*sql); i++) {
		sqlite3_stmt *st = survey_prepare(s, sql[i], e);

		if (st)
			survey_bind_str(st, 1, id);
		r = st ? survey_run(s, st, e) : -EIO;
	}
	return r;
}

static int put_image(
	struct survey *s, struct str id, const struct artifact_report *r, struct err *e)
{
	enum { REPORT_MAX = 32 << 20 };
	struct artifact_report slim = *r;
	struct buf text = BUF_INIT(REPORT_MAX);
	char knowledge[17];

	slim.packages = NULL;
	slim.npackages = 0;
	artifact_report_to_json(&slim, false, &text);
	sqlite3_snprintf(sizeof(knowledge), knowledge, "%016llx", (unsigned long long)r->knowledge);
	sqlite3_stmt *st = text.cut ? NULL
				    : survey_prepare(s,
					      "INSERT INTO image VALUES"
					      "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
					      e);
	int n = st ? 0 : text.cut ? err_set(e, E2BIG, "the report is too large to keep") : -EIO;

	if (st) {
		survey_bind_str(st, 1, id);
		survey_bind_str(st, 2, str_of(artifact_verdict_name(r->verdict)));
		survey_bind_str(st, 3, r->reason);
		survey_bind_str(
			st, 4, r->distro.pretty_name.len ? r->distro.pretty_name : r->distro.id);
		sqlite3_bind_int64(st, 5, (int64_t)(r->scanned_ns / 1000000000));
		sqlite3_bind_int64(st, 6, (int64_t)r->coverage.files);
		sqlite3_bind_int64(st, 7, (int64_t)r->coverage.bytes);
		sqlite3_bind_int64(st, 8, (int64_t)r->npackages);
		survey_bind_str(st, 9, str_of(knowledge));
		survey_bind_str(st, 10, buf_str(&text));
		n = survey_run(s, st, e);
	}
	buf_done(&text);
	return n;
}

/* Runs a statement for each of n rows that bind() fills. */
typedef void (*bind_row)(sqlite3_stmt *st, const struct artifact_report *r, size_t i, size_t k);

static int put_rows(struct survey *s, const char *sql, struct str id,
	const struct artifact_report *r, size_t i, size_t n, bind_row bind, struct err *e)
{
	sqlite3_stmt *st = n ? survey_prepare(s, sql, e) : NULL;
	int result = st || !n ? 0 : -EIO;

	for (size_t k = 0; result == 0 && k < n; k++) {
		survey_bind_str(st, 1, id);
		bind(st, r, i, k);
		result = sqlite3_step(st) == SQLITE_DONE ? 0 : survey_error(s, e);
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	return result;
}

static void bind_layer(sqlite3_stmt *st, const struct artifact_report *r, size_t i, size_t k)
{
	const struct artifact_layer *l = &r->image.layers[k];

	survey_bind_str(st, 2, l->diff_id.len ? l->diff_id : l->digest);
	sqlite3_bind_int64(st, 3, (int64_t)k);
	sqlite3_bind_int64(st, 4, (int64_t)l->size);
}

static void bind_fact(sqlite3_stmt *st, const struct artifact_report *r, size_t i, size_t k)
{
	const struct artifact_finding *f = &r->findings[i];

	survey_bind_str(st, 2, f->facts[k].key);
	survey_bind_str(st, 3, f->facts[k].value);
	survey_bind_str(st, 4, f->check);
}

static void bind_finding(sqlite3_stmt *st, const struct artifact_report *r, size_t i, size_t k)
{
	const struct artifact_finding *f = &r->findings[i];
	struct str layer = STR_NULL;
	char fingerprint[17];

	if (f->place == PLACE_FILE && f->layer < r->image.nlayers)
		layer = r->image.layers[f->layer].diff_id;
	sqlite3_snprintf(sizeof(fingerprint), fingerprint, "%016llx",
		(unsigned long long)artifact_finding_fingerprint(f));
	sqlite3_bind_text(st, 2, fingerprint, -1, SQLITE_TRANSIENT);
	survey_bind_str(st, 3, f->check);
	survey_bind_str(st, 4, str_of(artifact_label_name(f->label)));
	survey_bind_str(st, 5, str_of(artifact_severity_name(f->severity)));
	survey_bind_str(st, 6, layer);
	survey_bind_str(st, 7, f->path);
}

static int put_labels(
	struct survey *s, struct str id, const struct artifact_report *r, struct err *e)
{
	int n = 0;

	for (int l = 0; n == 0 && l < LABEL_COUNT; l++) {
		if (!(r->labels >> l & 1))
			continue;
		sqlite3_stmt *st =
			survey_prepare(s, "INSERT OR IGNORE INTO label VALUES(?1, ?2)", e);

		if (st) {
			survey_bind_str(st, 1, str_of(artifact_label_name((enum artifact_label)l)));
			survey_bind_str(st, 2, id);
		}
		n = st ? survey_run(s, st, e) : -EIO;
	}
	return n;
}

static int put_report(
	struct survey *s, struct str id, const struct artifact_report *r, struct err *e)
{
	int n = forget(s, id, e);

	n = n < 0 ? n : put_image(s, id, r, e);
	n = n < 0 ? n : put_labels(s, id, r, e);
	if (n == 0)
		n = put_rows(s,
			"INSERT OR IGNORE INTO layer(image, digest, n, size) VALUES(?1, ?2, ?3, "
			"?4)",
			id, r, 0, r->image.nlayers, bind_layer, e);
	for (size_t i = 0; n == 0 && i < r->nfindings; i++) {
		if (r->findings[i].is_ignored)
			continue;
		n = put_rows(s, "INSERT OR IGNORE INTO finding VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
			id, r, i, 1, bind_finding, e);
		if (n == 0)
			n = put_rows(s,
				"INSERT OR IGNORE INTO fact(image, key, value, \"check\") "
				"VALUES(?1, ?2, ?3, ?4)",
				id, r, i, r->findings[i].nfacts, bind_fact, e);
	}
	return n;
}

int survey_done(struct survey *s, struct str ref, const struct artifact_report *r, struct err *e)
{
	struct str id = image_id(r, ref);

	pthread_mutex_lock(&s->lock);
	int n = survey_exec(s, "BEGIN IMMEDIATE", e);

	if (n == 0) {
		n = put_report(s, id, r, e);
		n = n < 0 ? n : set_state(s, ref, TARGET_DONE, id, STR_NULL, e);
		n = finish(s, n, e);
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

int survey_report(struct survey *s, struct str ref, struct arena *a, struct artifact_report *ret,
	struct err *e)
{
	pthread_mutex_lock(&s->lock);
	sqlite3_stmt *st = survey_prepare(s,
		"SELECT report FROM image WHERE id=?1 OR id=(SELECT image FROM target WHERE "
		"ref=?1)",
		e);
	int r = st ? 0 : -EIO;
	struct str text = STR_NULL;

	if (st) {
		survey_bind_str(st, 1, ref);
		if (sqlite3_step(st) == SQLITE_ROW)
			text = survey_column_str(st, 0, a);
		else
			r = err_set(e, ENOENT, "%s: no image '%.*s' was scanned", s->path,
				STR_ARG(ref));
	}
	sqlite3_finalize(st);
	pthread_mutex_unlock(&s->lock);
	return r < 0 ? r : artifact_report_from_json(text, a, ret, e);
}

int survey_count(struct survey *s, struct survey_counts *ret, struct err *e)
{
	*ret = (struct survey_counts){0};
	pthread_mutex_lock(&s->lock);
	sqlite3_stmt *st = survey_prepare(s,
		"SELECT (SELECT count(*) FROM target WHERE state=0),"
		"(SELECT count(*) FROM target WHERE state=1),"
		"(SELECT count(*) FROM target WHERE state=2),"
		"(SELECT count(*) FROM target WHERE state=3),(SELECT count(*) FROM image),"
		"(SELECT count(*) FROM image WHERE verdict='malicious'),"
		"(SELECT count(*) FROM image WHERE verdict='suspicious')",
		e);
	int r = st && sqlite3_step(st) == SQLITE_ROW ? 0 : st ? survey_error(s, e) : -EIO;

	if (r == 0) {
		uint64_t *const to[] = {&ret->waiting, &ret->taken, &ret->done, &ret->failed,
			&ret->images, &ret->malicious, &ret->suspicious};

		for (int i = 0; i < 7; i++)
			*to[i] = (uint64_t)sqlite3_column_int64(st, i);
	}
	sqlite3_finalize(st);
	pthread_mutex_unlock(&s->lock);
	return r;
}
