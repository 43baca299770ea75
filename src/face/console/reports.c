/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anybody may send a report, so it is believed in nothing: counted, cut to a few short texts, and
 * only the last ones are kept, in memory. There is one when the console is broken, or when somebody
 * tries to break it; the tests in a browser demand that there is none.
 */
#include "face/console/reports.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "face/console/private.h"
#include "face/console/write.h"

enum { KEPT = 100, TEXT_MAX = 256 };

struct report {
	uint64_t time_ns;
	char document[TEXT_MAX], directive[TEXT_MAX], blocked[TEXT_MAX], source[TEXT_MAX];
};

struct reports {
	pthread_mutex_t lock;
	struct report kept[KEPT];
	size_t n; /* ever */
};

int reports_new(struct reports **ret, struct err *e)
{
	struct reports *r = calloc(1, sizeof(*r));

	if (!r)
		return err_set(e, ENOMEM, "out of memory");
	pthread_mutex_init(&r->lock, NULL);
	*ret = r;
	return 0;
}

void reports_free(struct reports *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* The two forms (CSP 2 and the Reporting API) name things differently. */
static void take(const json_t *o, const char *a, const char *b, char out[TEXT_MAX])
{
	const json_t *v = json_object_get(o, a);

	if (!json_is_string(v))
		v = json_object_get(o, b);
	str_copy(str_head(str_of(json_string_value(v)), TEXT_MAX - 1), out, TEXT_MAX);
}

static void add(struct reports *r, const json_t *o)
{
	struct report new = {.time_ns = clock_epoch_ns()};

	take(o, "document-uri", "documentURL", new.document);
	take(o, "effective-directive", "effectiveDirective", new.directive);
	take(o, "blocked-uri", "blockedURL", new.blocked);
	take(o, "source-file", "sourceFile", new.source);
	pthread_mutex_lock(&r->lock);
	r->kept[r->n++ % KEPT] = new;
	pthread_mutex_unlock(&r->lock);
}

int api_csp_report(struct request *q)
{
	json_t *root = json_loadb(q->body.s ? q->body.s : "", q->body.len, 0, NULL);
	const json_t *old = json_object_get(root, "csp-report"), *item;
	size_t i, n = 0;

	if (json_is_object(old)) {
		add(q->console->reports, old);
		n++;
	}
	json_array_foreach(root, i, item)
	{
		const json_t *body = json_object_get(item, "body");

		if (!json_is_object(body) || n >= KEPT)
			continue;
		add(q->console->reports, body);
		n++;
	}
	json_decref(root);
	atomic_fetch_add(&q->console->count.csp_reports, n);
	if (!n)
		return request_fail(q, 400, "bad_body", "this is no report");
	buf_add_cstr(&q->out, "{\"ok\":true}");
	return 200;
}

static void add_report(struct buf *b, const struct report *r)
{
	bool first = true;

	buf_add_char(b, '{');
	write_time(b, &first, "time", r->time_ns);
	write_str(b, &first, "document", str_of(r->document));
	write_str(b, &first, "directive", str_of(r->directive));
	write_str(b, &first, "blocked", str_of(r->blocked));
	write_str(b, &first, "source", str_of(r->source));
	buf_add_char(b, '}');
}

int api_csp_reports(struct request *q)
{
	struct reports *r = q->console->reports;

	write_list_begin(&q->out);
	pthread_mutex_lock(&r->lock);
	size_t n = r->n < KEPT ? r->n : KEPT;
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(&q->out, ',');
		add_report(&q->out, &r->kept[(r->n - 1 - i) % KEPT]);
	}
	write_list_end(&q->out, STR_NULL, r->n, true);
	pthread_mutex_unlock(&r->lock);
	return 200;
}
