/* SPDX-License-Identifier: Apache-2.0 */
/* Syslog over every transport against a server of the test's own; down, spooled, back, in order. */
#include "peer.h"

static struct outputs *open_syslog(struct output_config c, const char *dir)
{
	struct outputs_options o = {
		.outputs = &c, .noutputs = 1, .spool_dir = in_dir(dir, "spool")};
	struct outputs *all = NULL;
	struct err e = {0};

	c.kind = OUTPUT_SYSLOG;
	assert_ok(&e, outputs_open_tuned(&o, &quick, &all, &e));
	return all;
}

static void wait_messages(struct peer *p, unsigned n)
{
	for (int i = 0; i < 2000 && peer_count(p) < n; i++)
		usleep(5000);
	assert_true(peer_count(p) >= n);
}

/* Numbers first … last in order; at-least-once allows a repeat of the one at the break. */
static void assert_messages(struct peer *p, unsigned first, unsigned last, unsigned repeats)
{
	unsigned want = first;

	for (unsigned i = 0; i < p->n; i++) {
		unsigned n = number_of(p->messages[i]);

		if (n + 1 == want && repeats) {
			repeats--;
			continue;
		}
		assert_int_equal(n, want++);
	}
	assert_int_equal(want, last + 1);
	assert_false(p->bad_frame);
}

static const char *start_peer(struct peer *p, enum peer_kind kind, const char *dir)
{
	*p = (struct peer){.kind = kind};
	snprintf(p->path, sizeof(p->path), "%s/log", dir);
	if (kind == PEER_TLS) {
		make_certificate(in_dir(dir, "cert.pem"), in_dir(dir, "key.pem"));
		p->tls = SSL_CTX_new(TLS_server_method());
		assert_int_equal(SSL_CTX_use_certificate_file(
					 p->tls, in_dir(dir, "cert.pem"), SSL_FILETYPE_PEM),
			1);
		assert_int_equal(SSL_CTX_use_PrivateKey_file(
					 p->tls, in_dir(dir, "key.pem"), SSL_FILETYPE_PEM),
			1);
	}
	peer_up(p);
	return p->address;
}

static void stop_peer(struct peer *p)
{
	peer_forget(p);
	SSL_CTX_free(p->tls);
	pthread_mutex_destroy(&p->lock);
}

static void every_transport_delivers(void **state)
{
	for (int kind = PEER_UNIX; kind <= PEER_TLS; kind++) {
		struct peer *p = calloc(1, sizeof(*p));
		const char *address = start_peer(p, (enum peer_kind)kind, *state);
		struct outputs *o = open_syslog(
			(struct output_config){.address = address,
				.ca_cert = kind == PEER_TLS ? in_dir(*state, "cert.pem") : NULL},
			*state);

		for (unsigned n = 1; n <= 200; n++) {
			emit_number(o, n);
			if (kind == PEER_UDP && n % 20 == 0)
				wait_messages(p, n); /* UDP may lose what comes too fast */
		}
		wait_messages(p, 200);
		wait_until(o, now.sent == 200);
		assert_balanced(o, 0);
		outputs_close(o, 1000);
		peer_down(p);
		assert_messages(p, 1, 200, 0);
		stop_peer(p);
		free(p);
	}
}

/* Down from the start, up, down in between, up again: all in order, none lost. */
static void what_a_peer_missed_comes_later(void **state)
{
	static const enum peer_kind kinds[] = {PEER_UNIX, PEER_UNIX_STREAM, PEER_TCP, PEER_TLS};

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct peer *p = calloc(1, sizeof(*p));
		const char *address = start_peer(p, kinds[k], *state);

		peer_down(p);
		struct outputs *o = open_syslog(
			(struct output_config){.address = address,
				.ca_cert =
					kinds[k] == PEER_TLS ? in_dir(*state, "cert.pem") : NULL},
			*state);
		for (unsigned n = 1; n <= 100; n++)
			emit_number(o, n);
		wait_until(o, now.spooled == 100 && !now.is_up);
		assert_balanced(o, 0);
		peer_up(p);
		wait_messages(p, 100);
		for (unsigned n = 101; n <= 150; n++)
			emit_number(o, n);
		wait_messages(p, 150);
		peer_down(p);
		for (unsigned n = 151; n <= 200; n++)
			emit_number(o, n);
		wait_until(o, now.spooled == 50);
		/* and the run ends, and another begins */
		outputs_close(o, 100);
		o = open_syslog((struct output_config){.address = address,
					.ca_cert = kinds[k] == PEER_TLS ? in_dir(*state, "cert.pem")
									: NULL},
			*state);
		emit_number(o, 201);
		wait_until(o, now.spooled == 51);
		peer_up(p);
		wait_messages(p, 201);
		wait_until(o, now.sent == 51);
		assert_balanced(o, 0);
		outputs_close(o, 1000);
		peer_down(p);
		assert_messages(p, 1, 201, 0);
		stop_peer(p);
		free(p);
	}
}

static void a_stranger_gets_nothing_over_tls(void **state)
{
	struct peer *p = calloc(1, sizeof(*p));
	const char *address = start_peer(p, PEER_TLS, *state);

	/* another certificate than the one we trust */
	make_certificate(in_dir(*state, "other.pem"), in_dir(*state, "other.key"));
	struct outputs *o = open_syslog(
		(struct output_config){.address = address, .ca_cert = in_dir(*state, "other.pem")},
		*state);
	emit_number(o, 1);
	wait_until(o, now.failed_tries >= 2 && now.spooled == 1);
	outputs_close(o, 10);
	assert_int_equal(peer_count(p), 0);
	/* insecure: the operator's own choice */
	o = open_syslog((struct output_config){.address = address, .insecure = true}, *state);
	wait_messages(p, 1);
	outputs_close(o, 1000);
	peer_down(p);
	stop_peer(p);
	free(p);
}

static void one_message(void **state, struct output_config c, const struct finding *f, char *out)
{
	struct peer *p = calloc(1, sizeof(*p));

	c.address = start_peer(p, PEER_UNIX, *state);
	struct outputs *o = open_syslog(c, *state);
	outputs_emit(o, f);
	wait_messages(p, 1);
	outputs_close(o, 1000);
	peer_down(p);
	snprintf(out, 2048, "%s", p->messages[0]);
	stop_peer(p);
	free(p);
}

static void a_message_is_rfc_5424(void **state)
{
	struct str tags[] = {STR("a"), STR("b]\"\\\n\xff")};
	char text[64], got[2048], want[2048];
	struct finding f = finding_number(1, text);

	f.tags = tags;
	f.ntags = 2;
	f.priority = PRIORITY_CRITICAL;
	f.hostname = STR("a host\xc3\xa4");
	f.ts_ns = 1700000000123456789ULL;
	f.fingerprint = 0xabc;
	one_message(state,
		(struct output_config){
			.facility = "local3", .json = true, .json_options.tags = false},
		&f, got);
	snprintf(want, sizeof(want),
		"<154>1 2023-11-14T22:13:20.123456Z a_host__ koban %d finding [koban@32473 "
		"rule=\"A rule\" source=\"syscall\" fingerprint=\"0000000000000abc\" tag=\"a\" "
		"tag=\"b\\]\\\"\\\\ \xef\xbf\xbd\"] {",
		(int)getpid());
	assert_memory_equal(got, want, strlen(want));

	f.hostname = STR("");
	one_message(state, (struct output_config){.iso_time = true}, &f, got);
	assert_non_null(strstr(got, "<26>1 2023-11-14T22:13:20.123456Z - koban "));
	assert_non_null(strstr(got, "] 2023-11-14T22:13:20.123456789"));
	assert_non_null(strstr(got, ": Critical number 1."));
}

static void the_old_form_is_for_local_daemons(void **state)
{
	char text[64], got[2048];
	struct finding f = finding_number(1, text);
	struct buf want = BUF_INIT(200);

	one_message(state, (struct output_config){.rfc3164 = true}, &f, got);
	buf_add_cstr(&want, "<28>");
	clock_add_strftime(&want, f.ts_ns, "%b %e %H:%M:%S", false);
	buf_printf(&want, " koban[%d]: ", (int)getpid());
	assert_memory_equal(got, want.s, want.len);
	assert_non_null(strstr(got, ": Warning number 1."));
	buf_done(&want);
}

static void too_long_for_a_datagram_is_refused(void **state)
{
	struct peer *p = calloc(1, sizeof(*p));
	const char *address = start_peer(p, PEER_UDP, *state);
	struct outputs *o = open_syslog((struct output_config){.address = address}, *state);
	char *big = malloc(100000), text[64];
	struct finding f = finding_number(1, text);

	memset(big, 'x', 100000);
	f.output = str_make(big, 100000);
	outputs_emit(o, &f);
	emit_number(o, 2);
	wait_messages(p, 1);
	wait_until(o, now.refused == 1 && now.sent == 1);
	assert_balanced(o, 0);
	outputs_close(o, 1000);
	peer_down(p);
	assert_int_equal(number_of(p->messages[0]), 2);
	stop_peer(p);
	free(p);
	free(big);
}

int main(void)
{
#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
		IN_DIR(every_transport_delivers),
		IN_DIR(what_a_peer_missed_comes_later),
		IN_DIR(a_stranger_gets_nothing_over_tls),
		IN_DIR(a_message_is_rfc_5424),
		IN_DIR(the_old_form_is_for_local_daemons),
		IN_DIR(too_long_for_a_datagram_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
