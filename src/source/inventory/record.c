/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inventory as one line of JSON. Names in it are those of containers and processes, whoever
 * chose them; what would make it longer than a record may be is left out, connections first.
 */
#include <netinet/tcp.h>

#include "base/json.h"
#include "model/event/event.h"
#include "source/inventory/private.h"

/* Behind this many bytes there are no more connections, so that containers still have room. */
enum { CONNECTIONS_UNTIL = 600 << 10 };

static const char *state_name(const struct connection *c)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established",
		[TCP_SYN_SENT] = "syn_sent",
		[TCP_SYN_RECV] = "syn_recv",
		[TCP_FIN_WAIT1] = "fin_wait1",
		[TCP_FIN_WAIT2] = "fin_wait2",
		[TCP_CLOSE_WAIT] = "close_wait",
		[TCP_LAST_ACK] = "last_ack",
		[TCP_LISTEN] = "listen",
		[TCP_CLOSING] = "closing",
	};

	if (c->is_udp)
		return c->remote_port ? "established" : "listen";
	return c->state < sizeof(names) / sizeof(*names) && names[c->state] ? names[c->state]
									    : "unknown";
}

static bool is_listening(const struct connection *c)
{
	return strcmp(state_name(c), "listen") == 0;
}

static void add_end(struct buf *out, const char *key, const uint8_t *ip, bool is_v6, uint16_t port)
{
	buf_printf(out, ",\"%s\":\"%s", key, is_v6 ? "[" : "");
	ip_format(ip, is_v6, out);
	buf_printf(out, "%s:%u\"", is_v6 ? "]" : "", port);
}

static void add_connection(struct buf *out, const struct connection *c)
{
	buf_printf(out, "{\"proto\":\"%s\"", c->is_udp ? "udp" : "tcp");
	add_end(out, "local", c->local, c->is_v6, c->local_port);
	if (!is_listening(c))
		add_end(out, "remote", c->remote, c->is_v6, c->remote_port);
	buf_printf(out, ",\"role\":\"%s\",\"state\":\"%s\"", c->is_server ? "server" : "client",
		state_name(c));
	if (c->pid) {
		buf_printf(out, ",\"pid\":%u,\"process\":", c->pid);
		json_add_str(out, str_of(c->comm));
	}
	buf_add_char(out, '}');
}

enum which { ALL, LISTENING, CONNECTED };

static bool is_wanted(const struct connection *c, int container, enum which which)
{
	return c->container == container &&
	       (which == ALL || (which == LISTENING) == is_listening(c));
}

/* Ports that listen come first: they are few, and tell most. */
static void add_list(struct buf *out, const struct sockets *k, int container, enum which which)
{
	size_t n = 0;

	buf_add_char(out, '[');
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < k->n && n < CONNECTIONS_SHOWN; i++) {
			const struct connection *c = &k->all[i];

			if (!is_wanted(c, container, which) || is_listening(c) == pass ||
				out->len > CONNECTIONS_UNTIL)
				continue;
			if (n++)
				buf_add_char(out, ',');
			add_connection(out, c);
		}
	}
	buf_add_char(out, ']');
}

static void add_container(
	struct buf *out, const struct snapshot *n, const struct sockets *k, size_t i)
{
	const struct seen_container *c = &n->containers[i];

	buf_add_char(out, '{');
	buf_add(out, c->members);
	buf_printf(out, ",\"started_ns\":%llu,\"nprocesses\":%u,\"cpu_ns\":%llu,\"rss_bytes\":%llu",
		(unsigned long long)c->started_ns, c->nprocesses, (unsigned long long)c->cpu_ns,
		(unsigned long long)c->rss_bytes);
	buf_add_cstr(out, ",\"connections\":");
	add_list(out, k, (int)i, ALL);
	buf_add_char(out, '}');
}

/* Containers that have ended, and are kept for their last events, do not run. */
static void add_containers(struct buf *out, const struct snapshot *n, const struct sockets *k)
{
	bool is_first = true;

	buf_add_cstr(out, ",\"containers\":[");
	for (size_t i = 0; i < n->ncontainers; i++) {
		size_t start = out->len;

		if (!n->containers[i].nprocesses)
			continue;
		if (!is_first)
			buf_add_char(out, ',');
		add_container(out, n, k, i);
		if (out->cut || out->len > INVENTORY_RECORD_MAX - 200 * 1024) {
			buf_cut(out, start);
			break;
		}
		is_first = false;
	}
	buf_add_char(out, ']');
}

static void add_member(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, ",\"%s\":", key);
	json_add_text(out, str_of(value), 512);
}

void record_write(const struct snapshot *n, const struct sockets *k, const struct machine *m,
	uint64_t time_ns, struct buf *out)
{
	buf_clear(out);
	buf_printf(out, "{\"v\":1,\"type\":\"inventory\",\"time_ns\":%llu",
		(unsigned long long)time_ns);
	add_member(out, "hostname", m->hostname);
	add_member(out, "version", m->version);
	add_member(out, "boot_id", m->boot_id);
	add_member(out, "kernel", m->kernel);
	add_member(out, "os", m->os);
	add_containers(out, n, k);
	buf_printf(out, ",\"host\":{\"nprocesses\":%zu,\"listening\":", n->nhost);
	add_list(out, k, HOST, LISTENING);
	buf_add_cstr(out, ",\"connections\":");
	add_list(out, k, HOST, CONNECTED);
	buf_add_cstr(out, "}}");
}
