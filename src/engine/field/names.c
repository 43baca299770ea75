/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names for fd.*ip.name. Rules are known before events, so every name that a rule mentions is
 * resolved forward, again and again, by a thread of its own; an event only looks up what is there.
 * No event ever waits for a name server: the lock is held while addresses are copied, never while
 * one is asked. What has not been resolved within its time to live is forgotten. It does no reverse
 * look-ups: an address that no rule names has no name.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "engine/field/names.h"

enum {
	HOSTS_MAX = 1024, /* names in all rules; more are refused */
	ADDRS_MAX = 64,   /* addresses of one name; more are left out */
	REFRESH_S = 60,   /* between two looks at all names */
	HOST_MAX = 253,   /* bytes of a name, RFC 1035 section 2.3.4 */
};
#define TTL_NS (300 * NSEC_PER_SEC)

struct host {
	struct str name;      /* with a NUL behind it */
	uint64_t resolved_ns; /* boot time; 0 = not resolved */
	size_t naddrs;
	struct ip_addr addrs[ADDRS_MAX];
};

struct field_names {
	struct arena arena;
	struct host *hosts[HOSTS_MAX]; /* fixed once the thread runs */
	size_t nhosts;
	pthread_mutex_t lock; /* of the hosts' addresses, and of `stop` */
	pthread_cond_t wake;
	pthread_t thread;
	bool is_running, stop;
};

struct field_names *field_names_new(void)
{
	struct field_names *n = calloc(1, sizeof(*n));
	pthread_condattr_t attr;

	if (!n)
		return NULL;
	arena_init(&n->arena, 0);
	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->wake, &attr);
	pthread_condattr_destroy(&attr);
	return n;
}

void field_names_free(struct field_names *n)
{
	if (!n)
		return;
	if (n->is_running) {
		pthread_mutex_lock(&n->lock);
		n->stop = true;
		pthread_cond_signal(&n->wake);
		pthread_mutex_unlock(&n->lock);
		pthread_join(n->thread, NULL);
	}
	pthread_cond_destroy(&n->wake);
	pthread_mutex_destroy(&n->lock);
	arena_done(&n->arena);
	free(n);
}

static struct host *find_host(const struct field_names *n, struct str name)
{
	for (size_t i = 0; i < n->nhosts; i++)
		if (str_ieq(n->hosts[i]->name, name))
			return n->hosts[i];
	return NULL;
}

int field_names_add(struct field_names *n, struct str name)
{
	struct host *h;

	if (!name.len || name.len > HOST_MAX || str_find_char(name, 0) >= 0)
		return -EINVAL;
	if (n->is_running)
		return -EBUSY;
	if (find_host(n, name))
		return 0;
	if (n->nhosts == HOSTS_MAX)
		return -ENOSPC;
	h = arena_new(&n->arena, struct host);
	if (!h)
		return -ENOMEM;
	h->name = arena_str(&n->arena, name);
	if (!h->name.s)
		return -ENOMEM;
	n->hosts[n->nhosts++] = h;
	return 0;
}

static bool is_host_field(struct str name)
{
	return str_is(name, "fd.cip.name") || str_is(name, "fd.sip.name") ||
	       str_is(name, "fd.lip.name") || str_is(name, "fd.rip.name");
}

static int collect(struct ast *node, void *arg)
{
	if (node->kind != AST_CHECK || node->left.kind != OPERAND_FIELD || node->right_is_ident ||
		!is_host_field(node->left.field_name))
		return 0;
	for (size_t i = 0; i < node->nright; i++)
		if (node->right[i].kind == OPERAND_LITERAL)
			field_names_add(arg, node->right[i].text);
	return 0;
}

void field_names_collect(struct field_names *n, struct ast *ast)
{
	ast_walk(ast, collect, n);
}

void field_names_set(
	struct field_names *n, struct str name, const struct ip_addr *addrs, size_t naddrs)
{
	struct host *h = find_host(n, name);

	if (!h)
		return;
	pthread_mutex_lock(&n->lock);
	h->naddrs = naddrs < ADDRS_MAX ? naddrs : ADDRS_MAX;
	memcpy(h->addrs, addrs, h->naddrs * sizeof(*addrs));
	h->resolved_ns = clock_boot_ns();
	pthread_mutex_unlock(&n->lock);
}

/* Asks the name server; nothing is changed when it does not answer. */
static void resolve(struct field_names *n, struct host *h)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
	struct ip_addr addrs[ADDRS_MAX];
	size_t count = 0;

	if (getaddrinfo(h->name.s, NULL, &hints, &list) != 0)
		return;
	for (struct addrinfo *a = list; a && count < ADDRS_MAX; a = a->ai_next) {
		struct ip_addr *ip = &addrs[count];

		memset(ip, 0, sizeof(*ip));
		if (a->ai_family == AF_INET) {
			memcpy(ip->bytes, &((struct sockaddr_in *)a->ai_addr)->sin_addr, 4);
			count++;
		} else if (a->ai_family == AF_INET6) {
			ip->is_v6 = true;
			memcpy(ip->bytes, &((struct sockaddr_in6 *)a->ai_addr)->sin6_addr, 16);
			count++;
		}
	}
	freeaddrinfo(list);
	field_names_set(n, h->name, addrs, count);
}

/* Waits for the next round; true when it is time to stop. */
static bool wait_round(struct field_names *n)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REFRESH_S;
	pthread_mutex_lock(&n->lock);
	while (!n->stop && pthread_cond_timedwait(&n->wake, &n->lock, &until) != ETIMEDOUT)
		;
	stop = n->stop;
	pthread_mutex_unlock(&n->lock);
	return stop;
}

static bool is_stopped(struct field_names *n)
{
	pthread_mutex_lock(&n->lock);
	bool stop = n->stop;

	pthread_mutex_unlock(&n->lock);
	return stop;
}

static void *run(void *arg)
{
	struct field_names *n = arg;

	do {
		for (size_t i = 0; i < n->nhosts && !is_stopped(n); i++)
			resolve(n, n->hosts[i]);
	} while (!wait_round(n));
	return NULL;
}

int field_names_start(struct field_names *n)
{
	if (n->is_running || !n->nhosts)
		return 0;
	int r = pthread_create(&n->thread, NULL, run, n);

	n->is_running = r == 0;
	return -r;
}

static bool ip_eq(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, a->is_v6 ? 16 : 4) == 0;
}

static bool is_resolved(const struct host *h, uint64_t now_ns)
{
	return h->resolved_ns && now_ns - h->resolved_ns <= TTL_NS;
}

/* As field_names_has(); the lock is held. */
static int host_has(const struct host *h, const struct ip_addr *ip, uint64_t now_ns)
{
	if (!is_resolved(h, now_ns))
		return -1;
	for (size_t i = 0; i < h->naddrs; i++)
		if (ip_eq(&h->addrs[i], ip))
			return 1;
	return 0;
}

int field_names_has(const struct field_names *names, struct str name, const struct ip_addr *ip)
{
	struct field_names *n = (struct field_names *)names; /* only its lock is changed */
	const struct host *h = find_host(n, name);

	if (!h)
		return -1;
	pthread_mutex_lock(&n->lock);
	int r = host_has(h, ip, clock_boot_ns());

	pthread_mutex_unlock(&n->lock);
	return r;
}

static uint64_t hash_ip(const struct ip_addr *ip)
{
	return str_hash(str_make((const char *)ip->bytes, ip->is_v6 ? 16 : 4));
}

uint64_t field_names_stamp(const struct field_names *names)
{
	struct field_names *n = (struct field_names *)names;
	uint64_t now_ns = clock_boot_ns(), stamp = 0;

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->nhosts; i++) {
		const struct host *h = n->hosts[i];

		/* a sum: name servers turn the order of addresses */
		for (size_t j = 0; is_resolved(h, now_ns) && j < h->naddrs; j++)
			stamp += hash_u64(hash_ip(&h->addrs[j]) + i);
		stamp += is_resolved(h, now_ns) ? hash_u64(i + 1) : 0;
	}
	pthread_mutex_unlock(&n->lock);
	return stamp;
}

bool field_names_host(const struct field_names *names, const struct ip_addr *ip, struct str *ret)
{
	struct field_names *n = (struct field_names *)names;
	uint64_t now_ns = clock_boot_ns();
	bool found = false;

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->nhosts && !found; i++)
		if (host_has(n->hosts[i], ip, now_ns) == 1) {
			*ret = n->hosts[i]->name;
			found = true;
		}
	pthread_mutex_unlock(&n->lock);
	return found;
}
