/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A blob from a registry as one stream, whatever happens to the connections that it comes over: it
 * goes on with Range where the last one broke, and where a server does not know ranges, what was
 * had already is passed over. The digest is that of the whole (stream.c), so a server that goes on
 * with other bytes is found out. An attempt counts as one in vain if it brought less than 1 MiB.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/image/registry.h"

enum { PROGRESS = 1 << 20 };

struct blob_stream {
	struct image_stream st;
	struct registry *r;
	struct endpoint *ep;
	struct descriptor d;
	struct str path;
	struct fetch_exchange *x;
	uint64_t at, skip; /* bytes passed on; bytes of this connection to be passed over */
	uint64_t came;     /* since the last failure */
	unsigned attempt;
};

/* "bytes 100-199/200" begins where it was asked to. */
static bool begins_at(const char *content_range, uint64_t at)
{
	struct str s = str_of(content_range);
	uint64_t first;

	if (!str_starts(s, STR("bytes ")))
		return false;
	s = str_skip(s, 6);
	return str_to_u64(str_cut(&s, '-'), 10, &first) && first == at;
}

static int connect_to(struct blob_stream *b, struct err *e)
{
	struct question q = {.path = b->path, .from = b->at};
	int r = endpoint_ask(b->r, b->ep, &q, &b->x, e);

	if (r == -ERANGE) { /* it does not know ranges, or the blob ends before */
		q.from = 0;
		r = endpoint_ask(b->r, b->ep, &q, &b->x, e);
	}
	if (r < 0)
		return r;
	b->skip = b->x->status == 206 ? 0 : b->at;
	if (b->x->status == 206 && !begins_at(b->x->content_range, b->at)) {
		fetch_end(b->x);
		b->x = NULL;
		return err_set(e, EPROTO, "%.*s sends another part of the blob than was asked for",
			STR_ARG(b->ep->host));
	}
	return 0;
}

static bool is_short(const struct blob_stream *b)
{
	return b->d.size != UINT64_MAX && b->at < b->d.size;
}

/* After a connection failed with `error`, or ended before its time: a new one. */
static int reconnect(struct blob_stream *b, int error, struct err *e)
{
	struct err first = {0};

	if (error && error != -ECONNRESET && error != -ETIMEDOUT)
		return error;
	if (e)
		first = *e;
	if (!error)
		snprintf(first.msg, sizeof(first.msg),
			"the connection ended after %llu of %llu bytes", (unsigned long long)b->at,
			(unsigned long long)b->d.size);
	fetch_end(b->x);
	b->x = NULL;
	if (b->came >= PROGRESS)
		b->attempt = 0;
	b->came = 0;
	if (b->attempt >= registry_attempts(b->r))
		return err_set(e, error ? -error : ECONNRESET, "%s: given up after %u attempts: %s",
			b->st.what, b->attempt + 1, first.msg);
	int r = registry_wait(b->r, b->ep, b->attempt++, NULL, first.msg, e);

	return r < 0 ? r : connect_to(b, e);
}

static ptrdiff_t blob_read(struct image_stream *st, void *to, size_t size, struct err *e)
{
	struct blob_stream *b = (struct blob_stream *)st;

	for (;;) {
		size_t want = b->skip && b->skip < size ? (size_t)b->skip : size;
		ptrdiff_t n = fetch_read(b->x, to, want, e);

		if (n < 0 || (n == 0 && is_short(b))) {
			int r = reconnect(b, (int)n, e);

			if (r < 0)
				return r;
			continue;
		}
		b->came += (uint64_t)n;
		if (!b->skip || n == 0) {
			b->at += (uint64_t)n;
			return n;
		}
		b->skip -= (uint64_t)n < b->skip ? (uint64_t)n : b->skip;
	}
}

static void blob_close(struct image_stream *st)
{
	struct blob_stream *b = (struct blob_stream *)st;

	fetch_end(b->x);
	free(b);
}

static int open_at(struct registry *r, struct endpoint *ep, const struct descriptor *d,
	struct image_stream **ret, struct err *e)
{
	struct blob_stream *b = calloc(1, sizeof(*b));

	if (!b)
		return err_set(e, ENOMEM, "out of memory");
	*b = (struct blob_stream){
		.st = {.read = blob_read, .close = blob_close, .verifier.size = UINT64_MAX},
		.r = r,
		.ep = ep,
		.d = *d,
		.path = arena_printf(&r->source->arena, "/v2/%.*s/blobs/%.*s",
			STR_ARG(r->repository), STR_ARG(d->digest)),
	};
	image_stream_init(&b->st, "%s: blob %.*s", r->source->name, STR_ARG(d->digest));
	int n = connect_to(b, e);

	if (n < 0) {
		free(b);
		return n;
	}
	*ret = &b->st;
	return 0;
}

/* From the server that gave the manifest; when that fails, from the others. */
int registry_blob(
	struct registry *r, const struct descriptor *d, struct image_stream **ret, struct err *e)
{
	struct err first = {0}, why = {0};
	int n = open_at(r, &r->endpoints[r->current], d, ret, &first), error = n;

	for (size_t i = 0; n < 0 && n != -EINTR && i < r->nendpoints; i++)
		if (i != r->current)
			n = open_at(r, &r->endpoints[i], d, ret, &why);
	if (n == 0)
		return 0;
	if (error == -ENOENT && d->is_foreign)
		return err_set(e, ENOENT,
			"%s: the layer %.*s is only handed out by its publisher, and is not "
			"fetched "
			"from elsewhere",
			r->source->name, STR_ARG(d->digest));
	return err_set(e, -error, "%s", first.msg);
}
