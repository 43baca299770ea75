/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which entities a record speaks of, and how they hang together: a process and its ancestors, the
 * container they run in, its image, pod and namespace, the user, the file, the address at the other
 * end. Also what scans and sessions state themselves. Only reads the record; ids come later.
 *
 * Keys: a process is host|pid|start (a pid alone is nobody), a user host|uid, a file the short id
 * of its container, or host, |path, a container its full id, a pod namespace/name, an image its
 * name as the engine has it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "sink/store/private.h"

enum { ANCESTORS_MAX = 16, NO_FACT = UINT32_MAX };

struct deriver {
	struct arena *a;
	struct record *r;
	struct facts *f;
	size_t fact_cap, tie_cap, link_cap;
	struct str hostname;
	bool failed; /* memory, or more than FACTS_MAX */
};

static void *grow(struct deriver *d, void *items, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 32;
	void *p = NULL;

	if (n < *cap)
		return items;
	if (n >= FACTS_MAX || !(p = arena_raw(d->a, more * size))) {
		d->failed = true;
		return NULL;
	}
	if (n)
		memcpy(p, items, n * size);
	*cap = more;
	return p;
}

static uint32_t add_fact(struct deriver *d, enum store_entity_kind kind, struct str key,
	struct str name, struct str about)
{
	struct facts *f = d->f;
	void *p = NULL;

	if (!key.len || d->failed ||
		!(p = grow(d, f->fact, f->nfacts, &d->fact_cap, sizeof(*f->fact))))
		return NO_FACT;
	f->fact = p;
	f->fact[f->nfacts] = (struct fact){.kind = kind,
		.key = utf8_head(key, TEXT_COLUMN_MAX),
		.name = utf8_head(name, NAME_COLUMN_MAX),
		.about = about};
	return (uint32_t)f->nfacts++;
}

static void add_tie(struct deriver *d, uint32_t from, enum relation kind, uint32_t to)
{
	struct facts *f = d->f;
	void *p = NULL;

	if (from == NO_FACT || to == NO_FACT || d->failed ||
		!(p = grow(d, f->tie, f->nties, &d->tie_cap, sizeof(*f->tie))))
		return;
	f->tie = p;
	f->tie[f->nties++] = (struct tie){from, to, kind};
}

static void add_link(struct deriver *d, uint32_t fact, enum role role)
{
	struct facts *f = d->f;
	void *p = NULL;

	if (fact == NO_FACT || d->failed ||
		!(p = grow(d, f->link, f->nlinks, &d->link_cap, sizeof(*f->link))))
		return;
	f->link = p;
	f->link[f->nlinks++] = (struct link){fact, role};
}

static struct str key_of(struct deriver *d, struct str a, struct str b)
{
	char *p = arena_raw(d->a, a.len + b.len + 1);

	if (!p) {
		d->failed = true;
		return STR_NULL;
	}
	memcpy(p, a.s ? a.s : "", a.len);
	p[a.len] = '|';
	memcpy(p + a.len + 1, b.s ? b.s : "", b.len);
	return str_make(p, a.len + b.len + 1);
}

/* Digits: printf() for each process of each record was a tenth of reading it. */
struct digits {
	char s[24];
};

static struct str digits_of(struct digits *d, int64_t v)
{
	struct buf b = buf_fixed(d->s, sizeof(d->s));

	buf_add_s64(&b, v);
	return buf_str(&b);
}

/* ---- pieces of a record --------------------------------------------------------------------- */

struct container_facts {
	uint32_t container, image, pod, namespace;
};

static struct container_facts derive_container(
	struct deriver *d, const struct node *c, uint32_t host)
{
	struct str id = node_str(c, "full_id"), pod = node_str(c, "pod");
	struct str ns = node_str(c, "namespace"), image = node_str(c, "image");
	struct container_facts f = {NO_FACT, NO_FACT, NO_FACT, NO_FACT};

	if (!id.len)
		id = node_str(c, "id");
	if (!id.len)
		return f;
	f.container = add_fact(d, STORE_CONTAINER, id, node_str(c, "name"), c->raw);
	f.image = add_fact(d, STORE_IMAGE, image, image, c->raw);
	add_tie(d, f.container, RELATION_FROM_IMAGE, f.image);
	add_tie(d, f.container, RELATION_ON_HOST, host);
	if (pod.len) {
		f.namespace = add_fact(d, STORE_NAMESPACE, ns, ns, STR_NULL);
		f.pod = add_fact(d, STORE_POD, key_of(d, ns, pod), pod, c->raw);
		add_tie(d, f.container, RELATION_PART_OF, f.pod);
		add_tie(d, f.pod, RELATION_IN_NAMESPACE, f.namespace);
	}
	return f;
}

static uint32_t derive_process(struct deriver *d, const struct node *p)
{
	struct number pid = node_number(p, "pid"), start = node_number(p, "start_ns");
	struct digits first, second;

	if (!pid.there)
		return NO_FACT;
	struct str key = key_of(d, d->hostname, digits_of(&first, pid.v));
	return add_fact(d, STORE_PROCESS, key_of(d, key, digits_of(&second, start.v)),
		node_str(p, "name"), p->raw);
}

/* An ancestor stands in the finding's container if it has another pid there. */
static bool is_inside(const struct node *p)
{
	struct number pid = node_number(p, "pid"), vpid = node_number(p, "vpid");

	return vpid.there && vpid.v > 0 && vpid.v != pid.v;
}

static uint32_t derive_processes(struct deriver *d, uint32_t container, uint32_t host)
{
	const struct node *p = node_first(node_get(d->r->json, "processes"));
	uint32_t first = NO_FACT, child = NO_FACT;

	for (unsigned i = 0; p; p = p->next, i++) {
		uint32_t fact = i < ANCESTORS_MAX ? derive_process(d, p) : NO_FACT;

		if (fact == NO_FACT)
			break;
		if (i == 0)
			first = fact;
		add_tie(d, child, RELATION_CHILD_OF, fact);
		if (container != NO_FACT && (i == 0 || is_inside(p)))
			add_tie(d, fact, RELATION_RUNS_IN, container);
		else if (i == 0)
			add_tie(d, fact, RELATION_ON_HOST, host);
		if (i < 2)
			add_link(d, fact, i == 0 ? ROLE_PROCESS : ROLE_PARENT);
		child = fact;
	}
	return first;
}

static void derive_user(struct deriver *d, uint32_t process)
{
	const struct row *row = &d->r->row;
	struct digits digits;

	if (!row->uid.there)
		return;
	struct str key = key_of(d, d->hostname, digits_of(&digits, row->uid.v));
	struct str uid = str_skip(key, d->hostname.len + 1);
	uint32_t user =
		add_fact(d, STORE_USER, key, row->username.len ? row->username : uid, STR_NULL);
	add_tie(d, process, RELATION_RUNS_AS, user);
	add_link(d, user, ROLE_USER);
}

/*
 * Public: not private (RFC 1918, RFC 4193), shared (RFC 6598), loopback, link-local, multicast,
 * documentation (RFC 5737, RFC 3849), or of no network at all.
 */
static bool v4_is_public(uint32_t ip)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} others[] = {
		{0x00000000, 8}, {0x0a000000, 8}, {0x64400000, 10}, {0x7f000000, 8},
		{0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
		{0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24},
		{0xe0000000, 3}, /* multicast, reserved, broadcast */
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if ((ip ^ others[i].net) >> (32 - others[i].bits) == 0)
			return false;
	return true;
}

bool address_is_public(struct str text)
{
	char s[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;

	if (!str_copy(text, s, sizeof(s)))
		return false;
	if (inet_pton(AF_INET, s, &v4) == 1)
		return v4_is_public(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, s, &v6) != 1)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		uint32_t ip;

		memcpy(&ip, &v6.s6_addr[12], sizeof(ip));
		return v4_is_public(ntohl(ip));
	}
	bool is_documentation = v6.s6_addr[0] == 0x20 && v6.s6_addr[1] == 0x01 &&
				v6.s6_addr[2] == 0x0d && v6.s6_addr[3] == 0xb8;
	return (v6.s6_addr[0] & 0xe0) == 0x20 && !is_documentation; /* 2000::/3 */
}

/* `who` speaks with the other end; nothing for loopback and for no address. */
static uint32_t derive_address(struct deriver *d, uint32_t who, struct str ip, bool is_server)
{
	uint32_t address = NO_FACT;

	if (!ip.len || str_starts(ip, STR("127.")) || str_is(ip, "::1") || str_is(ip, "0.0.0.0") ||
		str_is(ip, "::"))
		return NO_FACT;
	address = add_fact(d, STORE_ADDRESS, ip, ip, STR_NULL);
	add_tie(d, who, is_server ? RELATION_ACCEPTED_FROM : RELATION_CONNECTED_TO, address);
	if (address_is_public(ip)) {
		uint32_t net =
			add_fact(d, STORE_NETWORK, STR("internet"), STR("internet"), STR_NULL);

		add_tie(d, address, RELATION_REACHES, net);
	}
	return address;
}

static void derive_finding(struct deriver *d)
{
	const struct row *row = &d->r->row;
	const struct node *c = node_get(d->r->json, "container");
	uint32_t host = add_fact(d, STORE_HOST, row->hostname, row->hostname, STR_NULL);
	struct container_facts in = derive_container(d, c, host);
	uint32_t process = derive_processes(d, in.container, host);
	struct str role = node_str(node_get(d->r->json, "connection"), "role");

	add_link(d, in.container, ROLE_CONTAINER);
	add_link(d, in.image, ROLE_IMAGE);
	add_link(d, in.pod, ROLE_POD);
	add_link(d, in.namespace, ROLE_NAMESPACE);
	add_link(d, host, ROLE_HOST);
	derive_user(d, process);
	if (row->file.len) {
		struct str where = row->container.len ? row->container : row->hostname;
		uint32_t file =
			add_fact(d, STORE_FILE, key_of(d, where, row->file), row->file, STR_NULL);

		add_tie(d, process, RELATION_USED_FILE, file);
		add_link(d, file, ROLE_FILE);
	}
	add_link(
		d, derive_address(d, process, row->remote_ip, str_is(role, "server")), ROLE_REMOTE);
}

static struct str ip_of(struct str endpoint)
{
	ptrdiff_t colon = str_rfind_char(endpoint, ':');
	struct str ip = colon < 0 ? endpoint : str_head(endpoint, (size_t)colon);

	if (ip.len > 2 && ip.s[0] == '[' && ip.s[ip.len - 1] == ']')
		ip = str_make(ip.s + 1, ip.len - 2);
	return ip;
}

static void derive_inventory(struct deriver *d)
{
	const struct node *c = node_first(node_get(d->r->json, "containers")), *x = NULL;
	uint32_t host = add_fact(d, STORE_HOST, d->hostname, d->hostname, STR_NULL);

	for (; c; c = c->next) {
		struct container_facts in = derive_container(d, c, host);

		for (x = node_first(node_get(c, "connections")); x; x = x->next)
			derive_address(d, in.container, ip_of(node_str(x, "remote")),
				str_is(node_str(x, "role"), "server"));
	}
}

bool derive_facts(struct arena *a, struct record *r)
{
	struct deriver d = {.a = a, .r = r, .f = &r->facts};

	d.hostname = utf8_head(node_str(r->json, "hostname"), NAME_COLUMN_MAX);
	if (r->type == STORE_FINDING)
		derive_finding(&d);
	else
		derive_inventory(&d);
	if (d.failed)
		return record_refuse(r, "it speaks of more than %d entities", FACTS_MAX);
	return true;
}

/* ---- what a scan or a session states -------------------------------------------------------- */

static bool given_entity(struct deriver *d, const struct node *x)
{
	enum store_entity_kind kind;

	const struct node *attrs = node_get(x, "attrs");

	if (!store_entity_kind_parse(node_str(x, "kind"), &kind) || !node_str(x, "key").len)
		return record_refuse(d->r, "an entity without a known \"kind\" and a \"key\"");
	add_link(d,
		add_fact(d, kind, node_str(x, "key"), node_str(x, "name"),
			attrs ? attrs->raw : STR_NULL),
		ROLE_SUBJECT);
	return true;
}

/* ["image","nginx:1"] */
static uint32_t given_end(struct deriver *d, const struct node *pair)
{
	enum store_entity_kind kind;

	if (!store_entity_kind_parse(node_text(node_at(pair, 0)), &kind))
		return NO_FACT;
	return add_fact(d, kind, node_text(node_at(pair, 1)), STR_NULL, STR_NULL);
}

bool derive_given(struct arena *a, struct record *r)
{
	struct deriver d = {.a = a, .r = r, .f = &r->facts};
	const struct node *x = NULL;

	for (x = node_first(node_get(r->json, "entities")); x; x = x->next)
		if (!given_entity(&d, x))
			return false;
	for (x = node_first(node_get(r->json, "relations")); x; x = x->next) {
		uint32_t from = given_end(&d, node_get(x, "from"));
		uint32_t to = given_end(&d, node_get(x, "to"));
		enum relation kind;

		if (!d.failed && (from == NO_FACT || to == NO_FACT ||
					 !relation_parse(node_str(x, "kind"), &kind)))
			return record_refuse(r, "a relation without \"from\", \"to\" and a known "
						"\"kind\"");
		if (!d.failed)
			add_tie(&d, from, kind, to);
	}
	return d.failed ? record_refuse(r, "more than %d entities or relations", FACTS_MAX) : true;
}
