/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to one server of a registry (OCI distribution-spec 1.1): a 401 is answered with
 * credentials or a token, a redirect is followed (the Authorization stays with the server that it
 * is for), 429 and 5xx are waited out within limits. What the server says in its error goes into
 * the message, as far as it is printable.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/image/registry.h"

enum {
	REDIRECTS_MAX = 8,
	RETRIES = 5,
	WAIT_MAX_S = 300,
	BACKOFF_MAX_S = 30,
	ERROR_MAX = 64 << 10,
};

/* ---- patience ---- */

unsigned registry_attempts(const struct registry *r)
{
	return r->source->options.retries ? r->source->options.retries : RETRIES;
}

uint64_t retry_after_s(struct str value, uint64_t now_epoch_s)
{
	char text[64];
	uint64_t s;

	if (str_to_u64(value, 10, &s))
		return s;
	if (!value.len || !str_copy(value, text, sizeof(text)))
		return 0;
	time_t at = curl_getdate(text, NULL);

	return at > 0 && (uint64_t)at > now_epoch_s ? (uint64_t)at - now_epoch_s : 0;
}

int registry_wait(struct registry *r, const struct endpoint *ep, unsigned attempt, const char *said,
	const char *why, struct err *e)
{
	const struct image_options *o = &r->source->options;
	uint64_t wait_s = attempt < 6 ? 1ULL << attempt : BACKOFF_MAX_S;
	uint64_t asked = retry_after_s(str_of(said ? said : ""), clock_epoch_ns() / NSEC_PER_SEC);
	char host[300];

	if (asked > WAIT_MAX_S)
		return err_set(e, EBUSY, "%.*s: %s, and asks to wait %llu seconds: try again later",
			STR_ARG(ep->host), why, (unsigned long long)asked);
	if (asked)
		wait_s = asked;
	else if (wait_s > BACKOFF_MAX_S)
		wait_s = BACKOFF_MAX_S;
	str_copy(ep->host, host, sizeof(host));
	if (o->waiting)
		o->waiting(o->arg, host, (unsigned)wait_s, why);
	uint64_t end = clock_boot_ns() + wait_s * NSEC_PER_SEC;

	while (clock_boot_ns() < end) {
		if (source_stopped(r->source))
			return err_set(e, EINTR, "%s: stopped", host);
		usleep(50000);
	}
	return 0;
}

/* ---- errors ---- */

/* {"errors":[{"code":…,"message":…}]} */
static struct str error_text(struct registry *r, struct fetch_exchange *x)
{
	struct buf body = BUF_INIT(ERROR_MAX);
	struct str ret = STR_NULL;
	json_t *j;

	if (fetch_read_all(x, &body, NULL) == 0 && image_json(buf_str(&body), "", &j, NULL) == 0) {
		const json_t *first = json_array_get(image_json_get(j, "errors"), 0);
		struct str said = image_json_str(first, "message");

		if (!said.len)
			said = image_json_str(first, "code");
		ret = image_printable(said, 200, &r->source->arena);
		json_decref(j);
	}
	buf_done(&body);
	return ret;
}

static int refuse(
	struct registry *r, const struct endpoint *ep, struct fetch_exchange *x, struct err *e)
{
	struct str said = error_text(r, x);
	const char *name = r->source->name, *between = said.len ? ": " : "";

	switch (x->status) {
	case 404:
		return err_set(e, ENOENT, "%s: %.*s does not have it%s%.*s", name,
			STR_ARG(ep->host), between, STR_ARG(said));
	case 401:
	case 403:
		return err_set(e, EACCES, "%s: it does not exist in %.*s, or %s%s%.*s", name,
			STR_ARG(ep->host),
			ep->credential.user.len || ep->credential.identity_token.len
				? "may not be read with this login"
				: "needs a login: `docker login`",
			between, STR_ARG(said));
	default:
		return err_set(e, x->status == 416 ? ERANGE : EIO, "%s: %.*s answers %ld%s%.*s",
			name, STR_ARG(ep->host), x->status, between, STR_ARG(said));
	}
}

/* ---- authentication ---- */

static int login(
	struct registry *r, struct endpoint *ep, const struct fetch_exchange *x, struct err *e)
{
	struct arena *a = &r->source->arena;
	struct challenge c;
	char host[300];
	int n = 0;

	str_copy(ep->host, host, sizeof(host));
	if (!challenge_parse(buf_str(&x->challenges), a, &c))
		return err_set(e, EACCES, "%s asks for a login of a kind that is not known", host);
	if (!ep->knows_credential) {
		bool is_mirror = ep < &r->endpoints[r->nendpoints - 1];

		n = credential_find(&r->source->options, ep->host, r->repository, is_mirror, a,
			&ep->credential, e);
		if (n < 0)
			return n;
		ep->knows_credential = true;
	}
	if (!c.is_bearer) {
		if (!ep->credential.user.len)
			return err_set(e, EACCES, "%s: %s asks for a login: `docker login %s`",
				r->source->name, host, host);
		ep->authorization = auth_basic(&ep->credential, a);
		return ep->authorization.len ? 0 : err_set(e, ENOMEM, "out of memory");
	}
	c.realm = url_resolve(ep->base, c.realm, a);
	if (!c.realm.len || (!ep->is_plain && !str_starts(c.realm, STR("https://"))))
		return err_set(e, EPROTO,
			"%s sends its users to a token server without https: no password goes "
			"there",
			host);
	if (!c.scope.len && r->repository.len)
		c.scope = arena_printf(a, "repository:%.*s:pull", STR_ARG(r->repository));
	return auth_token(r->http, &c, &ep->credential, host, a, &ep->authorization, e);
}

/* ---- the question ---- */

struct asking {
	struct registry *r;
	struct endpoint *ep;
	const struct question *q;
	struct str url;
	unsigned attempt, redirects;
	bool logged_in;
};

/* 1 = go on, with another URL; -errno */
static int redirect(struct asking *k, const struct fetch_exchange *x, struct err *e)
{
	struct str to = url_resolve(k->url, str_of(x->location), &k->r->source->arena);

	if (!to.len)
		return err_set(e, EPROTO,
			"%s: %.*s redirects to what is no address of http or https",
			k->r->source->name, STR_ARG(k->ep->host));
	if (str_starts(k->url, STR("https://")) && !str_starts(to, STR("https://")))
		return err_set(e, EPROTO,
			"%s: %.*s redirects from https to plain http, which is not followed",
			k->r->source->name, STR_ARG(k->ep->host));
	if (++k->redirects > REDIRECTS_MAX)
		return err_set(e, ELOOP, "%s: %.*s redirects more than %d times",
			k->r->source->name, STR_ARG(k->ep->host), REDIRECTS_MAX);
	k->url = to;
	return 1;
}

/* 1 = ask again after a while; -errno: it is not worth it */
static int retry(struct asking *k, const char *said, const char *why, struct err *e)
{
	if (k->attempt >= registry_attempts(k->r))
		return -EAGAIN;
	int r = registry_wait(k->r, k->ep, k->attempt++, said, why, e);

	/* a redirect's target may be old by now */
	k->url = STR_NULL;
	return r < 0 ? r : 1;
}

static int start(struct asking *k, struct fetch_exchange **ret, struct err *e)
{
	struct arena *a = &k->r->source->arena;

	if (!k->url.len)
		k->url = url_resolve(k->ep->base, k->q->path, a);
	struct fetch_request q = {
		.url = k->url.s ? k->url.s : "", .accept = k->q->accept, .from = k->q->from};

	if (str_eq(url_origin(k->url, a), k->ep->origin) && k->ep->authorization.len)
		q.authorization = k->ep->authorization.s;
	int r = fetch_start(k->r->http, &q, ret, e);

	if (r == 0)
		k->ep->has_answered = true;
	return r;
}

static int network_failed(struct asking *k, int error, struct err *e)
{
	struct err first = {0};

	if (!k->ep->has_answered || error == -EINTR || error == -EPROTO || error == -ENOMEM)
		return error;
	if (e)
		first = *e;
	int r = retry(k, NULL, first.msg, e);

	if (r == -EAGAIN && e)
		*e = first;
	return r == -EAGAIN ? error : r;
}

/* 0 = this is the answer, 1 = ask again */
static int judge(struct asking *k, struct fetch_exchange *x, struct err *e)
{
	bool is_own = str_eq(url_origin(k->url, &k->r->source->arena), k->ep->origin);
	char why[100];
	int r;

	switch (x->status) {
	case 200:
	case 206:
		return 0;
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return redirect(k, x, e);
	case 401:
		if (!is_own || k->logged_in)
			break;
		k->logged_in = true;
		r = login(k->r, k->ep, x, e);
		if (r == -EAGAIN) {
			k->logged_in = false;
			r = retry(k, NULL, "its token server has no time", e);
		}
		return r < 0 ? r : 1;
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		snprintf(why, sizeof(why),
			x->status == 429 ? "it answers 429, too many requests" : "it answers %ld",
			x->status);
		r = retry(k, x->retry_after, why, e);
		if (r != -EAGAIN)
			return r;
		r = refuse(k->r, k->ep, x, e);
		return x->status == 429 ? -EBUSY : r;
	default:
		break;
	}
	return refuse(k->r, k->ep, x, e);
}

int endpoint_ask(struct registry *reg, struct endpoint *ep, const struct question *q,
	struct fetch_exchange **ret, struct err *e)
{
	struct asking k = {.r = reg, .ep = ep, .q = q};

	for (;;) {
		struct fetch_exchange *x;
		int r = start(&k, &x, e);

		if (r < 0) {
			r = network_failed(&k, r, e);
			if (r < 0)
				return r;
			continue;
		}
		r = judge(&k, x, e);
		if (r == 0) {
			*ret = x;
			return 0;
		}
		fetch_end(x);
		if (r < 0)
			return r;
	}
}

/* ---- opening ---- */

/* "HOST=X" and "X" of the options: does it concern this registry; X. */
static struct str mirror_of(const char *option, struct str host)
{
	struct str to = str_of(option), of = STR("docker.io");

	if (str_find_char(to, '=') >= 0)
		of = str_cut(&to, '=');
	return str_eq(of, host) ? to : STR_NULL;
}

static int add_endpoint(struct registry *r, struct str host, struct err *e)
{
	const char *const *plain = r->source->options.insecure;
	struct arena *a = &r->source->arena;
	struct endpoint *ep = &r->endpoints[r->nendpoints];

	*ep = (struct endpoint){.host = arena_str(a, host)};
	for (; plain && *plain && !ep->is_plain; plain++)
		ep->is_plain = str_is(host, *plain);
	ep->base = arena_printf(a, "%s://%.*s", ep->is_plain ? "http" : "https",
		STR_ARG(str_is(host, "docker.io") ? STR("registry-1.docker.io") : host));
	ep->origin = url_origin(ep->base, a);
	if (!ep->origin.len)
		return err_set(e, EINVAL, "\"%.*s\" is no name of a registry (HOST[:PORT])",
			STR_ARG(host));
	r->nendpoints++;
	return 0;
}

int registry_open(struct image_source *s, struct str host, struct str repository, bool mirrors,
	struct registry **ret, struct err *e)
{
	struct registry *r = arena_new(&s->arena, struct registry);
	const char *const *m = mirrors ? s->options.mirrors : NULL;
	size_t n = 1;
	int c = 0;

	for (const char *const *p = m; p && *p; p++)
		n++;
	if (!r || !(r->endpoints = arena_array(&s->arena, struct endpoint, n)))
		return err_set(e, ENOMEM, "out of memory");
	r->source = s;
	r->repository = repository;
	for (; c == 0 && m && *m; m++)
		if (mirror_of(*m, host).len)
			c = add_endpoint(r, mirror_of(*m, host), e);
	if (c == 0)
		c = add_endpoint(r, host, e);
	if (c == 0)
		c = fetcher_open(s, &r->http, e);
	if (c == 0)
		*ret = r;
	return c;
}

void registry_close(struct registry *r)
{
	fetcher_close(r->http);
	r->http = NULL;
}
