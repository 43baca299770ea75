/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who may ask how often: token buckets by key (an address, an account), and pauses that grow with
 * each failed login. A table has a cap: when it is full, the bucket that was used longest ago goes.
 */
#include <pthread.h>

#include "base/table.h"

struct limit {
	pthread_mutex_t lock;
	struct table rows;
	struct limit_row *oldest, *newest; /* by last use */
	double per_s, burst;
	uint64_t refused;
};

/* `burst` at once, then per_s a second; at most `cap` keys. */
void limit_init(struct limit *l, double per_s, double burst, size_t cap);
void limit_done(struct limit *l);
/* 0 = go on, else the milliseconds to wait. Keys are copied, at most 100 bytes of them count. */
uint64_t limit_take(struct limit *l, struct str key, uint64_t now_ns);

struct backoff {
	pthread_mutex_t lock;
	struct table rows;
	struct limit_row *oldest, *newest;
	unsigned free_tries; /* failures without a pause */
	uint64_t max_ns;
};

void backoff_init(struct backoff *b, unsigned free_tries, uint64_t max_ns, size_t cap);
void backoff_done(struct backoff *b);
/* 0 = may try, else the milliseconds to wait. */
uint64_t backoff_ask(struct backoff *b, struct str key, uint64_t now_ns);
/* The pause doubles from one second on; success forgets the key. */
void backoff_failed(struct backoff *b, struct str key, uint64_t now_ns);
void backoff_succeeded(struct backoff *b, struct str key);
/* The key of an address: IPv4 whole, IPv6 by /64, as one customer has so much. */
struct sockaddr;
struct str limit_address_key(const struct sockaddr *sa, char out[24]);
