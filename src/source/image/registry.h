/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A registry as a partner: an endpoint is one server (a mirror, or the registry itself) with what
 * it takes to talk to it; endpoint_ask() gets one thing from it, with tokens, redirects and
 * patience.
 */
#include "source/image/auth.h"

struct endpoint {
	struct str host;          /* "localhost:5000", as people name it */
	struct str base;          /* "https://registry-1.docker.io" */
	struct str origin;        /* of base, as url_origin() writes it */
	struct str authorization; /* that worked, or is to be tried */
	struct credential credential;
	bool is_plain;         /* http was asked for */
	bool knows_credential; /* it was looked for */
	bool has_answered;     /* there is a server, so it is worth to try again */
};

struct registry {
	struct fetcher *http;
	struct image_source *source;
	struct str repository;      /* for which tokens are asked for; may be empty */
	struct endpoint *endpoints; /* mirrors first */
	size_t nendpoints;
	size_t current; /* which gave the manifest */
};

struct question {
	struct str path; /* "/v2/…" or a whole URL of the same server */
	const char *accept;
	uint64_t from; /* first byte; 0 = all */
};

int registry_open(struct image_source *s, struct str host, struct str repository, bool mirrors,
	struct registry **ret, struct err *e);
void registry_close(struct registry *r);
/*
 * Asks until there is an answer of status 200 or 206. -ENOENT for 404, -EACCES for 401 and 403,
 * -EAGAIN when all attempts were in vain.
 */
int endpoint_ask(struct registry *r, struct endpoint *ep, const struct question *q,
	struct fetch_exchange **ret, struct err *e);
/* Waits before the next attempt, and tells who watches; -EINTR when stopped. `said`: Retry-After.
 */
int registry_wait(struct registry *r, const struct endpoint *ep, unsigned attempt, const char *said,
	const char *why, struct err *e);
unsigned registry_attempts(const struct registry *r);
/* Seconds that a Retry-After says (RFC 9110, 10.2.3), 0 = nothing usable. */
uint64_t retry_after_s(struct str value, uint64_t now_epoch_s);
/* The blob as a stream that goes on where the connection broke (registry_blob.c). */
int registry_blob(
	struct registry *r, const struct descriptor *d, struct image_stream **ret, struct err *e);
