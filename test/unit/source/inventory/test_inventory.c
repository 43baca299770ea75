/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on this very machine: a listening port and a connection of the test's own are found
 * with their process; the text of /proc/net and of cgroups in its forms; and that nothing is
 * unbounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/finding/finding.h"
#include "source/inventory/private.h"

static struct sockets k;

static const char titles[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
	"timeout inode\n";

static void parse(const char *lines, bool is_udp, bool is_v6)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", titles, lines);
	k.n = 0;
	sockets_parse(&k, str_of(text), is_udp, is_v6, HOST);
}

static void forms_of_proc_net(void **state)
{
	static const uint8_t loopback[] = {127, 0, 0, 1};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

	parse("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0  "
	      "      0 12345 1 0000000000000000 100 0 0 10 0\n"
	      "   1: 0100007F:1F90 0100007F:9C40 06 00000000:00000000 03:00000000 00000000     0  "
	      "      0 0 3 0000000000000000\n",
		false, false);
	assert_int_equal(k.n, 1); /* what waits for its end is nobody's */
	assert_memory_equal(k.all[0].local, loopback, 4);
	assert_int_equal(k.all[0].local_port, 8080);
	assert_int_equal(k.all[0].state, TCP_LISTEN);
	assert_int_equal(k.all[0].inode, 12345);
	parse("   0: B80D0120000000000000000001000000:0050 "
	      "B80D0120000000000000000001000000:FFFF 01 00000000:00000000 00:00000000 00000000   "
	      "  0        0 7 1 0000000000000000\n"
	      "   1: 0000000000000000FFFF00000100007F:0050 "
	      "0000000000000000FFFF00000100007F:0051 01 00000000:00000000 00:00000000 00000000   "
	      "  0        0 8 1 0000000000000000\n",
		false, true);
	assert_int_equal(k.n, 2);
	assert_true(k.all[0].is_v6);
	assert_memory_equal(k.all[0].remote, v6, 16);
	assert_false(k.all[1].is_v6); /* IPv4 through a socket of IPv6 */
	assert_memory_equal(k.all[1].remote, loopback, 4);
}

static void broken_lines(void **state)
{
	parse("", false, false);
	parse("\n\n   \n: : :\n0: 0100007F:1F90\n"
	      "0: 0100007F 0100007F 0A a b c d e 1\n"
	      "0: 0100007g:1F90 00000000:0000 0A 0:0 0:0 0 0 0 5 1\n"
	      "0: 0100007F:11F90 00000000:0000 0A 0:0 0:0 0 0 0 5 1\n"
	      "0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 -5 1\n"
	      "0: 0100007F0:1F90 00000000:0000 0A 0:0 0:0 0 0 0 5 1\n"
	      "no end",
		false, false);
	assert_int_equal(k.n, 0);
}

static void connections_are_bounded(void **state)
{
	struct buf text = BUF_INIT(4 << 20);

	buf_add_cstr(&text, titles);
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&text, "%4u: 0100007F:1F90 0100007F:%04X 01 0:0 0:0 0 0 0 %u 1\n", i, i,
			100 + i);
	k.n = 0;
	sockets_parse(&k, buf_str(&text), false, false, HOST);
	assert_int_equal(k.n, INVENTORY_CONNECTIONS_MAX);
	buf_done(&text);
}

static void groups_of_containers(void **state)
{
	const char id[] = "0123456789abcdef";
	const struct {
		const char *path, *group;
	} rows[] = {
		{"/machine.slice/libpod-0123456789abcdef.scope/container",
			"/machine.slice/libpod-0123456789abcdef.scope"},
		{"/kubepods/burstable/pod1/0123456789abcdef",
			"/kubepods/burstable/pod1/0123456789abcdef"},
		{"/docker/0123456789abcdef/init.scope/x", "/docker/0123456789abcdef"},
		{"/user.slice", "/user.slice"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str got = cgroup_of_container(str_of(rows[i].path), str_of(id));

		assert_true(str_is(got, rows[i].group));
	}
	assert_true(str_is(cgroup_of_container(str_of("/a/b"), STR_NULL), "/a/b"));
}

/* ---- this machine -------------------------------------------------------------------------- */

struct mailbox {
	pthread_mutex_t lock;
	json_t *newest;
	unsigned n;
};

static void receive(struct str record, void *arg)
{
	struct mailbox *m = arg;
	json_error_t e;
	json_t *j = json_loadb(record.s, record.len, JSON_REJECT_DUPLICATES, &e);

	if (!j)
		print_error("%s at %d\n", e.text, e.position);
	pthread_mutex_lock(&m->lock);
	json_decref(m->newest);
	m->newest = j;
	m->n++;
	pthread_mutex_unlock(&m->lock);
}

static void wait_for(struct mailbox *m, unsigned n)
{
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&m->lock);
		bool has = m->n >= n;
		pthread_mutex_unlock(&m->lock);
		if (has)
			return;
		usleep(2000);
	}
	fail_msg("no record %u", n);
}

static const json_t *find(const json_t *list, const char *key, const char *value)
{
	size_t i;
	json_t *x;

	json_array_foreach((json_t *)list, i, x)
	{
		const char *s = json_string_value(json_object_get(x, key));

		if (s && strcmp(s, value) == 0)
			return x;
	}
	return NULL;
}

static int listen_here(struct sockaddr_in *sa)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*sa);

	*sa = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)sa, len), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sa, &len), 0);
	return fd;
}

static bool has_both(struct mailbox *m, const char *name)
{
	pthread_mutex_lock(&m->lock);
	const json_t *host = json_object_get(m->newest, "host");
	bool has = find(json_object_get(host, "listening"), "local", name) &&
		   find(json_object_get(host, "connections"), "remote", name) &&
		   find(json_object_get(host, "connections"), "local", name);
	pthread_mutex_unlock(&m->lock);
	return has;
}

static void ports_and_connections_of_this_machine(void **state)
{
	struct inventory_options o = {.host_root = "/", .hostname = "here", .version = "1"};
	struct mailbox m = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct state *s = state_new(&(struct state_options){0}, NULL);
	struct sockaddr_in sa;
	struct inventory *v;
	char name[64];

	int server = listen_here(&sa), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(state_seed(s, NULL), 0);
	assert_int_equal(inventory_new(&o, receive, &m, &v, NULL), 0);
	inventory_tick(v, s, 1);
	wait_for(&m, 1);
	/* not due, and due */
	inventory_tick(v, s, 2);
	inventory_tick(v, s, 11 * NSEC_PER_SEC);
	wait_for(&m, 2);
	assert_int_equal(m.n, 2);
	/* while others come and go the kernel's list may skip one: the next has it */
	snprintf(name, sizeof(name), "127.0.0.1:%u", ntohs(sa.sin_port));
	for (unsigned i = 2; i < 20 && !has_both(&m, name); i++) {
		inventory_tick(v, s, 11 * i * NSEC_PER_SEC);
		wait_for(&m, i + 1);
	}
	inventory_free(v);

	const json_t *host = json_object_get(m.newest, "host");
	const json_t *port = find(json_object_get(host, "listening"), "local", name);
	assert_non_null(port);
	assert_int_equal(json_integer_value(json_object_get(port, "pid")), getpid());
	assert_string_equal(json_string_value(json_object_get(port, "role")), "server");
	assert_string_equal(json_string_value(json_object_get(port, "state")), "listen");
	assert_null(json_object_get(port, "remote"));
	const json_t *out = find(json_object_get(host, "connections"), "remote", name);
	assert_non_null(out);
	assert_string_equal(json_string_value(json_object_get(out, "role")), "client");
	assert_int_equal(json_integer_value(json_object_get(out, "pid")), getpid());
	const json_t *in = find(json_object_get(host, "connections"), "local", name);
	assert_non_null(in);
	assert_string_equal(json_string_value(json_object_get(in, "role")), "server");
	assert_true(json_integer_value(json_object_get(host, "nprocesses")) > 1);
	assert_string_equal(json_string_value(json_object_get(m.newest, "hostname")), "here");
	assert_true(strlen(json_string_value(json_object_get(m.newest, "boot_id"))) > 30);
	assert_true(strlen(json_string_value(json_object_get(m.newest, "kernel"))) > 2);
	json_decref(m.newest);
	state_free(s);
	close(server);
	close(client);
}

/* The most that can be: the record keeps its bound and its form. */
static void records_are_bounded(void **state)
{
	static struct snapshot n;
	static struct machine machine = {.hostname = "h"};
	struct buf members = BUF_INIT(1 << 16), out = BUF_INIT(INVENTORY_RECORD_MAX);
	struct finding_container c = {.engine = "podman"};
	static char long_name[8192];
	json_error_t e;

	memset(long_name, 1, sizeof(long_name));
	c.id = c.name = c.image = c.digest = c.pod = str_make(long_name, sizeof(long_name));
	finding_add_container(&c, &members);
	for (size_t i = 0; i < INVENTORY_CONTAINERS_MAX; i++)
		n.containers[n.ncontainers++] =
			(struct seen_container){.members = buf_str(&members), .nprocesses = 1};
	for (k.n = 0; k.n < INVENTORY_CONNECTIONS_MAX; k.n++)
		k.all[k.n] = (struct connection){.state = TCP_ESTABLISHED,
			.is_v6 = true,
			.local = {255, 255, 255, 255, 1, 2, 3, 4, 5, 6, 7},
			.container = (int16_t)((int)k.n % INVENTORY_CONTAINERS_MAX - 1),
			.pid = 4000000000,
			.comm = "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"};
	record_write(&n, &k, &machine, 1, &out);
	assert_false(out.cut);
	json_t *j = json_loadb(out.s, out.len, 0, &e);
	if (!j)
		fail_msg("%s", e.text);
	assert_true(json_array_size(json_object_get(j, "containers")) > 10);
	json_decref(j);
	buf_done(&members);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_proc_net),
		cmocka_unit_test(broken_lines),
		cmocka_unit_test(connections_are_bounded),
		cmocka_unit_test(groups_of_containers),
		cmocka_unit_test(ports_and_connections_of_this_machine),
		cmocka_unit_test(records_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
