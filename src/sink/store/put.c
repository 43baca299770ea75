/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting records. Reading them touches no database: callers do it in parallel, or one thread reads
 * the next batch while another puts the one before. A batch that is put joins a queue, and whoever
 * finds nobody at work leads: takes all jobs of the queue, writes them in one transaction, and
 * wakes their owners once that is durable. While a leader waits for the disk, the next jobs gather,
 * so that many small puts cost few commits.
 *
 * A record that the database refuses (which parsing should have seen) must not hold up others: the
 * transaction is rolled back and its records are put one by one, the refused ones are named. What
 * the machine refuses (a full disk, a server that is away) fails all of them: nothing of it was
 * acknowledged, and the senders come again.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/store/private.h"
#include "sink/store/put.h"

enum {
	BATCH_BYTES_MAX = 64 << 20, /* of one call's lines */
	JOB_ARENA_MAX = 512 << 20,
	/* What an empty batch keeps for the next: to ask for memory that large again, page by page,
	 * cost as much as a third of reading it. Much less is kept of what the next needs less. */
	ARENA_KEPT = 64 << 20,
	NODES_KEPT = 1 << 20,
	ARENA_KEPT_SMALL = 1 << 20,
	ARENA_PER_BYTE = 40, /* more than reading lines takes */
	GROUP_MAX = 20000,   /* records of one transaction */
};

struct put_job {
	struct put_job *next;
	struct record *records;
	size_t n;
	int rc;
	struct err err;
	bool is_done;
};

/* ---- one transaction ------------------------------------------------------------------------ */

static int put_record(struct put *p, struct record *r, struct err *e)
{
	int rc = 0;

	if (r->type == STORE_FINDING)
		return put_finding(p, r, e);
	r->is_new = true;
	r->result->code = STORE_STORED;
	switch (r->type) {
	case STORE_AROUND:
		return around_put(p->db, r, e);
	case STORE_INVENTORY:
		rc = inventory_put(p->db, r, e);
		break;
	case STORE_METRICS:
		return metrics_put(p->db, r, e);
	default:
		rc = run_put(p->db, r, e);
		break;
	}
	if (rc == 0 && !entities_add(p->s->entities, r, false))
		return err_set(e, ENOMEM, "no memory for a record's entities");
	p->has_others |= r->facts.nfacts > 0;
	return rc;
}

/* The index's rows in order of their keys: it is written most cheaply so. */
static int by_key(const void *a, const void *b)
{
	const struct record *const *x = a, *const *y = b;
	int64_t i = (*x)->row.n, k = (*y)->row.n;

	return i < k ? -1 : i > k;
}

static int finish_findings(struct put *p, bool later, struct err *e)
{
	struct record **sorted = calloc(p->n + 1, sizeof(void *));
	size_t n = 0;
	int rc = 0;

	if (!sorted)
		return err_set(e, ENOMEM, "no memory to put records");
	for (size_t i = 0; i < p->n; i++)
		if (p->records[i]->type == STORE_FINDING && p->records[i]->is_new)
			sorted[n++] = p->records[i];
	qsort(sorted, n, sizeof(void *), by_key);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = put_evidence(p->db, sorted[i], e);
		if (rc == 0 && later)
			rc = derived_wait(p->s, sorted[i]->row.n, e);
	}
	free(sorted);
	return rc;
}

static int write_all(struct put *p, struct err *e)
{
	bool later = false;
	int rc = derived_load(p->s, e);

	p->nfindings = 0;
	p->has_others = false;
	memset(&p->tally, 0, sizeof(p->tally));
	for (size_t i = 0; rc == 0 && i < p->n; i++)
		rc = put_record(p, p->records[i], e);
	if (rc == 0 && !entities_keep(p->s->entities))
		rc = err_set(e, ENOMEM, "no memory for entities");
	later = !p->has_others && derived_can_wait(p->s, p->nfindings);
	if (rc == 0)
		rc = finish_findings(p, later, e);
	if (rc == 0 && !later)
		rc = derived_write(p->s, e);
	if (rc == 0)
		rc = tally_flush(&p->tally, p->db, e);
	if (rc == 0)
		rc = mutes_flush(p->s->mutes, p->db, e);
	return rc;
}

/* Under write_lock. */
static int transaction(struct put *p, struct err *e)
{
	int rc = db_begin(p->db, e);

	if (rc < 0)
		return rc;
	rc = write_all(p, e);
	if (rc == 0)
		rc = db_commit(p->db, e);
	else
		db_rollback(p->db);
	if (rc < 0) {
		for (size_t i = 0; i < p->n; i++)
			p->records[i]->is_new = false;
		derived_forget(p->s);
		rules_forget(p->s->rules);
		mutes_forget_counts(p->s->mutes);
		return rc;
	}
	derived_committed(p->s);
	p->s->commits++;
	return 0;
}

/* The record's own fault: others may still be put. */
bool put_is_data_fault(int rc)
{
	return rc == -EINVAL || rc == -EEXIST || rc == -EFBIG;
}

static int one_by_one(struct put *all, struct err *e)
{
	for (size_t i = 0; i < all->n; i++) {
		struct put one = *all;
		struct err why = {0};

		one.records = &all->records[i];
		one.n = 1;
		int rc = transaction(&one, &why);
		if (rc < 0 && !put_is_data_fault(rc)) {
			if (e)
				*e = why;
			return rc;
		}
		if (rc < 0)
			record_refuse(all->records[i], "%.100s", why.msg);
	}
	return 0;
}

static void tell(struct store *s, struct record **records, size_t n)
{
	for (size_t i = 0; s->options.on_put && i < n; i++) {
		struct record *r = records[i];
		struct store_finding f = {0};
		struct store_put_event ev = {.type = r->type, .record = r->text};
		struct arena a;

		if (!r->is_new || r->result->code != STORE_STORED)
			continue;
		arena_init(&a, 1 << 20);
		if (r->type == STORE_FINDING) {
			finding_of_row(&a, &r->row, &f);
			ev.finding = &f;
		}
		s->options.on_put(&ev, s->options.on_put_arg);
		arena_done(&a);
	}
}

/* ---- the queue of jobs ---------------------------------------------------------------------- */

/* All records of the jobs as one group. */
static int run_group(struct store *s, struct put_job *jobs, size_t nrecords, struct err *e)
{
	struct record **all = calloc(nrecords + 1, sizeof(void *));
	struct put p = {.s = s, .records = all};
	int rc = 0;

	if (!all)
		return err_set(e, ENOMEM, "no memory to put records");
	for (struct put_job *j = jobs; j; j = j->next)
		for (size_t i = 0; i < j->n; i++)
			if (j->records[i].result->code != STORE_REFUSED)
				all[p.n++] = &j->records[i];
	pthread_mutex_lock(&s->write_lock);
	p.db = s->writer;
	if (p.n)
		rc = transaction(&p, e);
	if (put_is_data_fault(rc)) {
		rc = derived_settle(s, e); /* it may be another's that waits */
		if (rc == 0)
			rc = one_by_one(&p, e);
	}
	if (rc == 0)
		tell(s, all, p.n);
	pthread_mutex_unlock(&s->write_lock);
	free(all);
	return rc;
}

/* Takes a group off the queue. */
static struct put_job *take_group(struct store *s, size_t *ret_n)
{
	struct put_job *first = s->jobs, **end = &first;

	*ret_n = 0;
	while (*end && (*ret_n == 0 || *ret_n + (*end)->n <= GROUP_MAX)) {
		*ret_n += (*end)->n;
		end = &(*end)->next;
	}
	s->jobs = *end;
	if (!s->jobs)
		s->jobs_end = &s->jobs;
	*end = NULL;
	return first;
}

static void lead(struct store *s)
{
	size_t n = 0;
	struct put_job *group = take_group(s, &n), *next = NULL;
	struct err why = {0};

	s->has_leader = true;
	pthread_mutex_unlock(&s->put_lock);
	int rc = run_group(s, group, n, &why);
	pthread_mutex_lock(&s->put_lock);
	s->has_leader = false;
	for (struct put_job *j = group; j; j = next) {
		next = j->next; /* its owner may be gone right after */
		j->rc = rc;
		j->err = why;
		j->is_done = true;
	}
	pthread_cond_broadcast(&s->put_done);
}

static void run_job(struct store *s, struct put_job *job)
{
	pthread_mutex_lock(&s->put_lock);
	*s->jobs_end = job;
	s->jobs_end = &job->next;
	while (!job->is_done) {
		if (s->has_leader)
			pthread_cond_wait(&s->put_done, &s->put_lock);
		else
			lead(s);
	}
	pthread_mutex_unlock(&s->put_lock);
}

static void count_results(struct store *s, const struct store_put_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		s->put_records++;
		s->put_refused += results[i].code == STORE_REFUSED;
		s->put_known += results[i].code == STORE_KNOWN;
	}
}

/* ---- batches -------------------------------------------------------------------------------- */

struct store_batch {
	struct store *s;
	struct arena arena, nodes; /* nodes: of one record at a time */
	struct record *records;
	struct store_put_result *results;
	size_t n;
};

struct store_batch *store_batch_new(struct store *s)
{
	struct store_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->s = s;
	arena_init(&b->arena, JOB_ARENA_MAX);
	arena_init(&b->nodes, JOB_ARENA_MAX);
	return b;
}

void store_batch_free(struct store_batch *b)
{
	if (!b)
		return;
	arena_done(&b->arena);
	arena_done(&b->nodes);
	free(b);
}

static void empty(struct store_batch *b, size_t next_bytes)
{
	size_t useful = ARENA_KEPT_SMALL + next_bytes * ARENA_PER_BYTE;

	if (b->arena.held <= (useful < ARENA_KEPT ? useful : ARENA_KEPT)) {
		arena_reset(&b->arena);
		return;
	}
	arena_done(&b->arena);
	arena_init(&b->arena, JOB_ARENA_MAX);
}

static void read_record(
	struct store_batch *b, struct str line, struct record *r, struct store_put_result *result)
{
	r->result = result;
	r->nodes = &b->nodes;
	(void)record_parse(&b->arena, line, b->s->ops->engine, r);
	if (r->type == STORE_FINDING)
		r->json = r->row.json = NULL;
	arena_reset(&b->nodes);
	if (b->nodes.held > NODES_KEPT)
		arena_done(&b->nodes);
}

int store_batch_read(struct store_batch *b, const struct str *lines, size_t n,
	struct store_put_result *results, struct err *e)
{
	size_t bytes = 0;

	b->n = 0;
	if (b->s->options.read_only)
		return err_set(e, EROFS, "the store was opened for reading only");
	for (size_t i = 0; i < n && n <= STORE_BATCH_MAX; i++)
		bytes += lines[i].len;
	if (n > STORE_BATCH_MAX || bytes > BATCH_BYTES_MAX)
		return err_set(e, EINVAL, "more than %d records or %d bytes at once",
			STORE_BATCH_MAX, BATCH_BYTES_MAX);
	empty(b, bytes);
	b->records = arena_array(&b->arena, struct record, n + 1);
	if (!b->records)
		return err_set(e, ENOMEM, "no memory to put %zu records", n);
	for (size_t i = 0; i < n; i++) {
		read_record(b, lines[i], &b->records[i], &results[i]);
	}
	b->results = results;
	b->n = n;
	return 0;
}

int store_batch_put(struct store_batch *b, struct err *e)
{
	struct put_job job = {.records = b->records, .n = b->n};

	if (!b->n)
		return 0;
	run_job(b->s, &job);
	if (job.rc < 0 && e)
		*e = job.err;
	if (job.rc == 0)
		count_results(b->s, b->results, b->n);
	return job.rc;
}

int store_put(struct store *s, const struct str *lines, size_t n, struct store_put_result *results,
	struct err *e)
{
	struct store_batch *b = store_batch_new(s);
	int rc = b ? store_batch_read(b, lines, n, results, e)
		   : err_set(e, ENOMEM, "no memory to put %zu records", n);

	if (rc == 0)
		rc = store_batch_put(b, e);
	store_batch_free(b);
	return rc;
}
