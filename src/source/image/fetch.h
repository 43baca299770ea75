/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * HTTP for the registry client: one exchange at a time is asked for, its head waited for, its body
 * pulled. It follows no redirect, sends no credentials of its own and tries nothing twice: that is
 * for who knows what is asked. A server that sends next to nothing is given up.
 */
#include "source/image/private.h"

struct fetcher;

struct fetch_request {
	const char *url;
	const char *accept;        /* NULL = anything */
	const char *authorization; /* the header's value; NULL = none */
	const char *form;          /* POSTs this */
	uint64_t from;             /* asks for the bytes from here on */
};

struct fetch_exchange {
	long status;
	/* of the head; empty = was not there, or was longer than anything sensible */
	char location[4096], link[4096], retry_after[64], content_range[128], digest[160];
	struct buf challenges; /* WWW-Authenticate, a line each */
};

int fetcher_open(struct image_source *s, struct fetcher **ret, struct err *e);
void fetcher_close(struct fetcher *h);
/*
 * 0 when the head is there, whatever the status. -ECONNRESET or -ETIMEDOUT: the connection failed,
 * another attempt may do better; -EHOSTUNREACH: there is nobody; -EPROTO: TLS or HTTP are wrong.
 */
int fetch_start(struct fetcher *h, const struct fetch_request *q, struct fetch_exchange **ret,
	struct err *e);
ptrdiff_t fetch_read(struct fetch_exchange *x, void *to, size_t size, struct err *e);
/* The whole body in a buffer, whose maximum is the limit: -EFBIG. */
int fetch_read_all(struct fetch_exchange *x, struct buf *to, struct err *e);
void fetch_end(struct fetch_exchange *x);

/* "https://host:port" of a URL; empty when it is none of http and https, or has a user in it. */
struct str url_origin(struct str url, struct arena *a);
/* Where a Location or Link leads from `base`; empty when it is nothing that may be followed. */
struct str url_resolve(struct str base, struct str ref, struct arena *a);
