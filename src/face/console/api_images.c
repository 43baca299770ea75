/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: reports of `koban image scan`, sent here or asked for here, kept as runs of the store.
 * Two records an image, so that a list needs no reports: "image" with a summary, entities and
 * relations, and "image-report" with the whole. And the tables of a survey, as `koban image stats
 * --json`.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "face/console/private.h"
#include "face/console/scanjob.h"
#include "face/console/write.h"
#include "model/artifact/artifact.h"

enum {
	PAGE_DEFAULT = 100,
	ENTITIES_MAX = 50,
	SCRATCH_MAX = 64 << 20,
	FINDINGS_MAX = 500, /* of a report that is too large for a record */
};

/* ---- a report becomes records ------------------------------------------------------------- */

/* The name as engines have it, by which containers of it are found: registry/repository:tag. */
static struct str image_name(const struct artifact_image *i, struct arena *a)
{
	if (!i->repository.len)
		return i->ref;
	if (!i->tag.len)
		return arena_printf(a, "%.*s/%.*s", STR_ARG(i->registry), STR_ARG(i->repository));
	return arena_printf(
		a, "%.*s/%.*s:%.*s", STR_ARG(i->registry), STR_ARG(i->repository), STR_ARG(i->tag));
}

static uint64_t run_id(const struct artifact_report *r)
{
	return hash_u64(str_hash(r->image.ref) ^ hash_u64(str_hash(r->image.platform)));
}

static void add_counts(const struct artifact_report *r, struct buf *b, bool *first)
{
	uint64_t n[ARTIFACT_SEVERITY_COUNT] = {0};
	bool inner = true;

	for (size_t i = 0; i < r->nfindings; i++)
		if (!r->findings[i].is_ignored)
			n[r->findings[i].severity]++;
	json_add_key(b, first, "findings");
	buf_add_char(b, '{');
	for (int s = 0; s < ARTIFACT_SEVERITY_COUNT; s++)
		write_u64(b, &inner, artifact_severity_name((enum artifact_severity)s), n[s]);
	buf_add_char(b, '}');
}

static void add_labels(const struct artifact_report *r, struct buf *b, bool *first)
{
	bool none = true;

	json_add_key(b, first, "labels");
	buf_add_char(b, '[');
	for (int l = 0; l < LABEL_COUNT; l++) {
		if (!(r->labels >> l & 1))
			continue;
		buf_add_cstr(b, none ? "" : ",");
		none = false;
		json_add_str(b, str_of(artifact_label_name((enum artifact_label)l)));
	}
	buf_add_char(b, ']');
}

/* What a list shows: the members of the shape ImageRow but for its id. */
static void add_summary(const struct artifact_report *r, struct str name, struct buf *b)
{
	uint64_t size = 0;
	bool first = true;

	for (size_t i = 0; i < r->image.nlayers; i++)
		size += r->image.layers[i].size;
	buf_add_char(b, '{');
	write_str(b, &first, "ref", r->image.ref);
	write_str(b, &first, "name", name);
	write_str(b, &first, "digest", r->image.digest);
	write_str(b, &first, "platform", r->image.platform);
	write_str(b, &first, "verdict", str_of(artifact_verdict_name(r->verdict)));
	write_str(b, &first, "reason", r->reason);
	add_labels(r, b, &first);
	add_counts(r, b, &first);
	write_str(b, &first, "system",
		r->distro.pretty_name.len ? r->distro.pretty_name : r->distro.id);
	write_u64(b, &first, "layers", r->image.nlayers);
	write_u64(b, &first, "size_bytes", size);
	write_u64(b, &first, "files", r->coverage.files);
	write_u64(b, &first, "packages", r->npackages);
	write_time(b, &first, "scanned", r->scanned_ns);
	buf_add_char(b, '}');
}

/* What a finding links the image to: kind of entity by the fact that names it. */
static const struct {
	const char *fact, *kind, *relation;
} links[] = {
	{"wallet", "wallet", "pays_to"},
	{"domain", "domain", "related_to"},
};

/* The image, and the wallets and domains in it, each once. */
static void add_graph(const struct artifact_report *r, struct str name, struct buf *b)
{
	struct buf relations = BUF_INIT(1 << 20);
	const struct artifact_pair *seen[ENTITIES_MAX];
	size_t n = 0;

	buf_add_cstr(b, "\"entities\":[{\"kind\":\"image\",\"key\":");
	json_add_str(b, name);
	buf_add_cstr(b, ",\"name\":");
	json_add_str(b, name);
	buf_add_char(b, '}');
	for (size_t i = 0; i < r->nfindings; i++) {
		for (size_t k = 0; k < r->findings[i].nfacts && n < ENTITIES_MAX; k++) {
			const struct artifact_pair *fact = &r->findings[i].facts[k];
			size_t row = 0, old = 0;

			while (row < sizeof(links) / sizeof(*links) &&
				!str_is(fact->key, links[row].fact))
				row++;
			while (old < n && !(str_eq(seen[old]->key, fact->key) &&
						  str_eq(seen[old]->value, fact->value)))
				old++;
			if (row == sizeof(links) / sizeof(*links) || old < n || !fact->value.len)
				continue;
			seen[n++] = fact;
			buf_printf(b, ",{\"kind\":\"%s\",\"key\":", links[row].kind);
			json_add_str(b, fact->value);
			buf_add_cstr(b, ",\"name\":");
			json_add_str(b, fact->value);
			buf_add_char(b, '}');
			buf_add_cstr(&relations,
				relations.len ? ",{\"from\":[\"image\"," : "{\"from\":[\"image\",");
			json_add_str(&relations, name);
			buf_printf(&relations, "],\"to\":[\"%s\",", links[row].kind);
			json_add_str(&relations, fact->value);
			buf_printf(&relations, "],\"kind\":\"%s\"}", links[row].relation);
		}
	}
	buf_add_cstr(b, "],\"relations\":[");
	buf_add(b, buf_str(&relations));
	buf_add_char(b, ']');
	buf_done(&relations);
}

static void begin_record(
	const struct artifact_report *r, const char *kind, const char *prefix, struct buf *b)
{
	buf_printf(b,
		"{\"v\":1,\"type\":\"scan\",\"id\":\"%s%016" PRIx64
		"\",\"kind\":\"%s\",\"time_ns\":%" PRIu64 ",\"end_ns\":%" PRIu64
		",\"state\":\"%s\",\"target\":",
		prefix, run_id(r), kind, r->scanned_ns, clock_epoch_ns(),
		artifact_verdict_name(r->verdict));
	json_add_str(b, r->image.ref);
	buf_add_char(b, ',');
}

static void write_image(const struct artifact_report *r, struct arena *a, struct buf *b)
{
	struct str name = image_name(&r->image, a);

	begin_record(r, "image", "i-", b);
	buf_add_cstr(b, "\"summary\":");
	add_summary(r, name, b);
	buf_add_char(b, ',');
	add_graph(r, name, b);
	buf_add_char(b, '}');
}

/* A record has a bound: of a larger report first the packages go, then the slightest findings. */
static void write_report(const struct artifact_report *whole, struct buf *b)
{
	struct artifact_report r = *whole;

	for (int tries = 0; tries < 3; tries++) {
		buf_clear(b);
		begin_record(&r, "image-report", "r-", b);
		buf_printf(b, "\"left_out\":%s,\"report\":", tries ? "true" : "false");
		artifact_report_to_json(&r, false, b);
		buf_add_char(b, '}');
		if (!b->cut && b->len < STORE_RECORD_MAX)
			return;
		b->cut = false;
		r.packages = NULL;
		r.npackages = 0;
		if (tries == 1 && r.nfindings > FINDINGS_MAX)
			r.nfindings = FINDINGS_MAX;
	}
}

static int keep(struct console *c, const struct artifact_report *r, struct arena *a, struct err *e)
{
	struct buf image = BUF_INIT(STORE_RECORD_MAX), report = BUF_INIT(SCRATCH_MAX);
	struct store_put_result results[2];

	write_image(r, a, &image);
	write_report(r, &report);
	const struct str records[2] = {buf_str(&report), buf_str(&image)};
	int n = store_put(c->store, records, 2, results, e);

	for (size_t i = 0; n == 0 && i < 2; i++)
		if (results[i].code == STORE_REFUSED)
			n = err_set(e, EINVAL, "the report was refused: %s", results[i].reason);
	buf_done(&image);
	buf_done(&report);
	return n;
}

/* A report that somebody else wrote: it needs a name and a time. */
static int read_report(struct str text, struct arena *a, struct artifact_report *r, struct err *e)
{
	int n = artifact_report_from_json(text, a, r, e);

	if (n == 0 && !r->image.ref.len)
		n = err_set(e, EBADMSG, "the report names no image (image.ref)");
	if (n == 0 && r->scanned_ns < 1000)
		r->scanned_ns = clock_epoch_ns();
	return n;
}

void images_take_scan(void *arg, struct str ref, struct str report, char problem[200])
{
	struct console *c = arg;
	struct artifact_report r;
	struct err e = {0};
	struct arena a;

	arena_init(&a, SCRATCH_MAX);
	if (read_report(report, &a, &r, &e) < 0 || keep(c, &r, &a, &e) < 0)
		str_copy(str_head(str_of(e.msg), 199), problem, 200);
	arena_done(&a);
}

/* ---- what is asked ------------------------------------------------------------------------ */

int api_image_add(struct request *q)
{
	struct artifact_report r;
	struct err e = {0};
	bool first = true;

	if (read_report(buf_str(&q->body), &q->arena, &r, &e) < 0)
		return request_fail(q, 400, "bad_body", "%s", e.msg);
	int n = keep(q->console, &r, &q->arena, &e);

	if (n < 0)
		return request_fail_err(q, n, &e);
	int status = audit(q, "image", STR(""), "%.*s", STR_ARG(str_head(r.image.ref, 300)));

	if (status)
		return status;
	buf_add_char(&q->out, '{');
	write_str(&q->out, &first, "id", arena_printf(&q->arena, "%016" PRIx64, run_id(&r)));
	buf_add_char(&q->out, '}');
	return 200;
}

/* {"id":…, and what the summary has. */
static void add_row(struct request *q, const struct store_run *run, const json_t *record)
{
	const json_t *summary = json_object_get(record, "summary");
	char *text = json_is_object(summary) ? json_dumps(summary, JSON_COMPACT) : NULL;

	buf_add_cstr(&q->out, "{\"id\":");
	json_add_str(&q->out, str_starts(run->id, STR("i-")) ? str_skip(run->id, 2) : run->id);
	if (text && strlen(text) > 2) {
		buf_add_char(&q->out, ',');
		buf_add_cstr(&q->out, text + 1);
	} else {
		buf_add_char(&q->out, '}');
	}
	free(text);
}

int api_images(struct request *q)
{
	struct str cursor = request_query(q, "cursor"), next;
	struct store_run *runs;
	struct err e = {0};
	size_t n = 0;
	int r = store_runs(q->console->store, STORE_SCAN, STR("image"), cursor.s ? cursor : STR(""),
		(unsigned)request_query_int(q, "limit", PAGE_DEFAULT), &q->arena, &runs, &n, &next,
		&e);

	if (r < 0)
		return request_fail_err(q, r, &e);
	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		json_t *record = json_loadb(runs[i].record.s, runs[i].record.len, 0, NULL);

		buf_add_cstr(&q->out, i ? "," : "");
		add_row(q, &runs[i], record);
		json_decref(record);
	}
	write_list_end(&q->out, next, n, false);
	return 200;
}

int api_image(struct request *q)
{
	struct store_run run, whole;
	struct err e = {0};
	int r = store_run_get(q->console->store, STORE_SCAN,
		arena_printf(&q->arena, "i-%.*s", STR_ARG(q->id)), &q->arena, &run, &e);

	if (r == 0)
		r = store_run_get(q->console->store, STORE_SCAN,
			arena_printf(&q->arena, "r-%.*s", STR_ARG(q->id)), &q->arena, &whole, &e);
	if (r < 0)
		return request_fail_err(q, r, &e);
	json_t *record = json_loadb(run.record.s, run.record.len, 0, NULL);
	json_t *report = json_loadb(whole.record.s, whole.record.len, JSON_ALLOW_NUL, NULL);
	char *text = json_dumps(json_object_get(report, "report"), JSON_COMPACT);

	add_row(q, &run, record);
	q->out.len--; /* the brace: more members follow */
	buf_printf(&q->out, ",\"left_out\":%s,\"report\":%s}",
		json_is_true(json_object_get(report, "left_out")) ? "true" : "false",
		text ? text : "{}");
	free(text);
	json_decref(record);
	json_decref(report);
	return 200;
}

/* ---- scans -------------------------------------------------------------------------------- */

static void add_job(struct buf *b, const struct scanjob *job)
{
	bool first = true;

	buf_add_char(b, '{');
	write_u64(b, &first, "number", job->id);
	write_str(b, &first, "ref", str_of(job->ref));
	write_str(b, &first, "by", str_of(job->by));
	write_str(b, &first, "state", str_of(scanjob_state_name(job->state)));
	json_add_key(b, &first, "percent");
	write_double(b, job->percent);
	write_str(b, &first, "problem", str_of(job->problem));
	write_time(b, &first, "asked", job->asked_ns);
	write_time(b, &first, "ended", job->ended_ns);
	buf_add_char(b, '}');
}

int api_image_scans(struct request *q)
{
	struct scanjob *jobs = arena_array(&q->arena, struct scanjob, SCANJOBS_KEPT);

	if (!jobs)
		return request_fail(q, 500, "internal", "out of memory");
	size_t n = scanjobs_list(q->console->scanjobs, jobs);

	write_list_begin(&q->out);
	for (size_t i = 0; i < n; i++) {
		buf_add_cstr(&q->out, i ? "," : "");
		add_job(&q->out, &jobs[i]);
	}
	write_list_end(&q->out, STR_NULL, n, true);
	return 200;
}

int api_image_scan_add(struct request *q)
{
	struct str ref = str_trim(request_text(q, "ref"));
	struct err e = {0};
	uint64_t id = 0;
	bool first = true;
	int r = scanjobs_add(q->console->scanjobs, ref, str_of(q->who.user), &id, &e);

	if (r == -EINVAL)
		return request_fail(q, 400, "bad_body", "ref: %s", e.msg);
	if (r < 0)
		return request_fail(q, 503, "busy", "%s", e.msg);
	int status = audit(q, "image_scan", STR(""), "%.*s", STR_ARG(str_head(ref, 300)));

	if (status)
		return status;
	buf_add_char(&q->out, '{');
	write_u64(&q->out, &first, "number", id);
	buf_add_char(&q->out, '}');
	return 200;
}

/* ---- surveys ------------------------------------------------------------------------------ */

int api_survey_put(struct request *q)
{
	json_t *j =
		json_loadb(q->body.s ? q->body.s : "", q->body.len, JSON_REJECT_DUPLICATES, NULL);
	char *text =
		json_is_object(json_object_get(j, "tables")) ? json_dumps(j, JSON_COMPACT) : NULL;
	struct buf record = BUF_INIT(STORE_RECORD_MAX);
	struct store_put_result result;
	struct err e = {0};
	int r = 0;

	json_decref(j);
	if (!text)
		return request_fail(q, 400, "bad_body",
			"this is no survey: koban image stats DB --json prints one");
	buf_printf(&record,
		"{\"v\":1,\"type\":\"scan\",\"id\":\"survey\",\"kind\":\"survey\",\"target\":\"\","
		"\"time_ns\":%" PRIu64 ",\"state\":\"done\",\"survey\":%s}",
		clock_epoch_ns(), text);
	free(text);
	const struct str one = buf_str(&record);

	r = record.cut ? err_set(&e, EFBIG, "the survey is too large")
		       : store_put(q->console->store, &one, 1, &result, &e);
	buf_done(&record);
	if (r < 0)
		return request_fail_err(q, r, &e);
	if (result.code == STORE_REFUSED)
		return request_fail(q, 400, "bad_body", "%s", result.reason);
	int status = audit(q, "survey", STR(""), "%s", "");

	if (status)
		return status;
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}

int api_survey(struct request *q)
{
	struct store_run run;
	struct err e = {0};
	int r = store_run_get(q->console->store, STORE_SCAN, STR("survey"), &q->arena, &run, &e);
	bool first = true;

	if (r < 0 && r != -ENOENT)
		return request_fail_err(q, r, &e);
	json_t *j = r < 0 ? NULL : json_loadb(run.record.s, run.record.len, 0, NULL);
	char *text = j ? json_dumps(json_object_get(j, "survey"), JSON_COMPACT) : NULL;

	buf_add_char(&q->out, '{');
	write_time(&q->out, &first, "taken", text ? run.start_ns : 0);
	write_raw(&q->out, &first, "survey", text ? str_of(text) : STR_NULL, "null");
	buf_add_char(&q->out, '}');
	free(text);
	json_decref(j);
	return 200;
}
