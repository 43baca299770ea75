/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets and pauses, by key. Time comes from the caller, so that tests need not wait. */
#include "face/console/limit.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/clock.h"

enum { KEY_MAX = 100, SHIFT_MAX = 20 };

struct limit_row {
	struct limit_row *older, *newer;
	uint64_t hash, at_ns;
	double tokens;     /* of a bucket */
	unsigned failures; /* of a login */
	uint64_t until_ns;
	size_t key_len;
	char key[KEY_MAX];
};

/* A table whose rows also stand in the order of their last use. */
struct lru {
	struct table *rows;
	struct limit_row **oldest, **newest;
};

static bool is_key(const void *row, const void *key)
{
	const struct limit_row *r = row;

	return str_eq(str_make(r->key, r->key_len), *(const struct str *)key);
}

static void unlink_row(struct lru l, struct limit_row *r)
{
	*(r->older ? &r->older->newer : l.oldest) = r->newer;
	*(r->newer ? &r->newer->older : l.newest) = r->older;
	r->older = r->newer = NULL;
}

static void link_newest(struct lru l, struct limit_row *r)
{
	r->older = *l.newest;
	*(r->older ? &r->older->newer : l.oldest) = r;
	*l.newest = r;
}

static void remove_row(struct lru l, struct limit_row *r)
{
	struct str key = str_make(r->key, r->key_len);

	table_take(l.rows, r->hash, &key);
	unlink_row(l, r);
	free(r);
}

static struct limit_row *find_row(struct lru l, struct str key)
{
	key = str_head(key, KEY_MAX);
	return table_find(l.rows, str_hash(key), &key);
}

/* The row of the key, moved to the end of the order; NULL when memory is out. */
static struct limit_row *use_row(struct lru l, struct str key, bool *is_new)
{
	struct limit_row *r = find_row(l, key);

	*is_new = !r;
	if (r) {
		unlink_row(l, r);
		link_newest(l, r);
		return r;
	}
	if (l.rows->count >= l.rows->cap && *l.oldest)
		remove_row(l, *l.oldest);
	r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	key = key.len ? str_head(key, KEY_MAX) : STR("");
	memcpy(r->key, key.s, key.len);
	r->key_len = key.len;
	r->hash = str_hash(key);
	if (table_put(l.rows, r->hash, r) < 0) {
		free(r);
		return NULL;
	}
	link_newest(l, r);
	return r;
}

static void free_rows(struct lru l)
{
	while (*l.oldest)
		remove_row(l, *l.oldest);
	table_done(l.rows);
}

/* ---- buckets ------------------------------------------------------------------------------- */

static struct lru lru_of_limit(struct limit *l)
{
	return (struct lru){&l->rows, &l->oldest, &l->newest};
}

void limit_init(struct limit *l, double per_s, double burst, size_t cap)
{
	*l = (struct limit){.per_s = per_s, .burst = burst};
	pthread_mutex_init(&l->lock, NULL);
	table_init(&l->rows, is_key, cap);
}

void limit_done(struct limit *l)
{
	free_rows(lru_of_limit(l));
	pthread_mutex_destroy(&l->lock);
}

static uint64_t take_token(struct limit *l, struct limit_row *r, uint64_t now_ns)
{
	double passed_s = now_ns > r->at_ns ? (double)(now_ns - r->at_ns) / NSEC_PER_SEC : 0;

	r->tokens += passed_s * l->per_s;
	if (r->tokens > l->burst)
		r->tokens = l->burst;
	r->at_ns = now_ns;
	if (r->tokens >= 1) {
		r->tokens -= 1;
		return 0;
	}
	l->refused++;
	return (uint64_t)((1 - r->tokens) / l->per_s * 1000) + 1;
}

uint64_t limit_take(struct limit *l, struct str key, uint64_t now_ns)
{
	uint64_t wait_ms = 0;
	bool is_new;

	pthread_mutex_lock(&l->lock);
	struct limit_row *r = use_row(lru_of_limit(l), key, &is_new);
	if (r && is_new) {
		r->tokens = l->burst;
		r->at_ns = now_ns;
	}
	/* without memory for a bucket nobody is let in */
	wait_ms = r ? take_token(l, r, now_ns) : 1000;
	pthread_mutex_unlock(&l->lock);
	return wait_ms;
}

/* ---- pauses -------------------------------------------------------------------------------- */

static struct lru lru_of_backoff(struct backoff *b)
{
	return (struct lru){&b->rows, &b->oldest, &b->newest};
}

void backoff_init(struct backoff *b, unsigned free_tries, uint64_t max_ns, size_t cap)
{
	*b = (struct backoff){.free_tries = free_tries, .max_ns = max_ns};
	pthread_mutex_init(&b->lock, NULL);
	table_init(&b->rows, is_key, cap);
}

void backoff_done(struct backoff *b)
{
	free_rows(lru_of_backoff(b));
	pthread_mutex_destroy(&b->lock);
}

uint64_t backoff_ask(struct backoff *b, struct str key, uint64_t now_ns)
{
	uint64_t wait_ms = 0;

	pthread_mutex_lock(&b->lock);
	struct limit_row *r = find_row(lru_of_backoff(b), key);
	if (r && r->until_ns > now_ns)
		wait_ms = (r->until_ns - now_ns) / 1000000 + 1;
	pthread_mutex_unlock(&b->lock);
	return wait_ms;
}

void backoff_failed(struct backoff *b, struct str key, uint64_t now_ns)
{
	bool is_new;

	pthread_mutex_lock(&b->lock);
	struct limit_row *r = use_row(lru_of_backoff(b), key, &is_new);
	if (r && ++r->failures > b->free_tries) {
		unsigned shift = r->failures - b->free_tries - 1;
		uint64_t pause = NSEC_PER_SEC << (shift < SHIFT_MAX ? shift : SHIFT_MAX);

		r->until_ns = now_ns + (pause < b->max_ns ? pause : b->max_ns);
	}
	pthread_mutex_unlock(&b->lock);
}

void backoff_succeeded(struct backoff *b, struct str key)
{
	pthread_mutex_lock(&b->lock);
	struct limit_row *r = find_row(lru_of_backoff(b), key);
	if (r)
		remove_row(lru_of_backoff(b), r);
	pthread_mutex_unlock(&b->lock);
}

struct str limit_address_key(const struct sockaddr *sa, char out[24])
{
	enum { PREFIX64 = 8 };

	if (sa && sa->sa_family == AF_INET) {
		memcpy(out, &((const struct sockaddr_in *)sa)->sin_addr, 4);
		return str_make(out, 4);
	}
	if (sa && sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)sa)->sin6_addr;

		if (IN6_IS_ADDR_V4MAPPED(a)) {
			memcpy(out, &a->s6_addr[12], 4);
			return str_make(out, 4);
		}
		memcpy(out, a, PREFIX64);
		return str_make(out, PREFIX64);
	}
	return STR("?");
}
