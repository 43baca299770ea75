/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over hand-made events: names, order, findings, swap, and no allocation once warm. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "engine/detect/detect.h"

#define RULE(name, cond, more)                                                                     \
	"- rule: " name "\n  desc: d\n  condition: " cond                                          \
	"\n  output: \"%proc.name read %fd.name (pid %proc.pid, %fd.num)\"\n  priority: WARNING\n" \
	"  tags: [z, a]\n" more

static struct ruleset *rules(const char *text)
{
	struct str body = str_of(text), name = STR("t.yaml");
	struct ruleset_options o = {
		.texts = &body, .text_names = &name, .ntexts = 1, .min_priority = PRIORITY_DEBUG};
	struct load_report *report;
	struct ruleset *rs;

	if (ruleset_load(&o, &rs, &report) < 0) {
		struct buf b = BUF_INIT(1 << 16);

		load_report_format_text(report, false, false, &b);
		print_error("%s", b.s);
		buf_done(&b);
	}
	assert_non_null(rs);
	load_report_free(report);
	return rs;
}

static struct detect *make(const char *text, const struct detect_options *o)
{
	static const struct detect_options plain = {.hostname = "host"};
	struct ruleset *rs = rules(text);
	struct detect *d = detect_new(rs, o ? o : &plain, NULL);

	assert_non_null(d);
	ruleset_unref(rs); /* detect holds its own */
	return d;
}

static int64_t fd3 = 3;

static struct event open_event(const char *asked, const char *real, const char *known)
{
	struct event ev = {
		.num = 1,
		.ts_ns = 1700000000123456789ULL,
		.pid = 77,
		.tid = 77,
		.code = EV_OPENAT,
		.def = event_def(EV_OPENAT),
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE},
		.path = {.name = str_of(asked), .real = str_of(real), .known = str_of(known)},
	};

	ev.nparams = ev.def->nparams;
	ev.params[0] = str_make((const char *)&fd3, sizeof(fd3));
	return ev;
}

static struct process cat(void)
{
	return (struct process){.pid = 77,
		.refs = 1,
		.comm = STR("cat"),
		.exe = STR("/bin/cat"),
		.exepath = STR("/usr/bin/cat"),
		.cwd = STR("/"),
		.loginuid = UINT32_MAX};
}

struct seen {
	unsigned n;
	char rules[8][32], outputs[8][200];
	uint64_t fingerprint;
};

static void see(const struct finding *f, const struct rule *rule, void *arg)
{
	struct seen *s = arg;

	assert_true(str_eq(f->rule, rule->name));
	assert_true(s->n < 8);
	str_copy(f->rule, s->rules[s->n], sizeof(s->rules[0]));
	str_copy(f->output, s->outputs[s->n], sizeof(s->outputs[0]));
	s->fingerprint = f->fingerprint;
	s->n++;
}

static struct seen run(struct detect *d, const struct event *ev)
{
	struct process p = cat();
	struct seen s = {0};
	unsigned n = detect_event(d, ev, &p, NULL, see, &s);

	assert_int_equal(n, s.n);
	return s;
}

/* ---- findings ------------------------------------------------------------------------------- */

static void check_finding(const struct finding *f, const struct rule *rule, void *arg)
{
	*(unsigned *)arg += 1;
	assert_true(str_is(f->output, "cat read /etc/shadow (pid 77, 3)"));
	assert_true(str_is(f->source, "syscall"));
	assert_true(str_is(f->hostname, "host"));
	assert_int_equal(f->priority, PRIORITY_WARNING);
	assert_int_equal(f->ts_ns, 1700000000123456789ULL);
	assert_int_equal(f->count, 1);
	assert_int_equal(f->ntags, 2);
	assert_true(str_is(f->tags[0], "a"));
	/* sorted by name, the time among them, numbers as numbers */
	assert_int_equal(f->nfields, 5);
	assert_true(str_is(f->fields[0].name, "evt.time"));
	assert_int_equal(f->fields[0].type, FV_U64);
	assert_int_equal(f->fields[0].u, 1700000000123456789ULL);
	assert_true(str_is(f->fields[1].name, "fd.name"));
	assert_true(str_is(f->fields[1].s, "/etc/shadow"));
	assert_true(str_is(f->fields[2].name, "fd.num"));
	assert_int_equal(f->fields[2].type, FV_S64);
	assert_int_equal(f->fields[2].i, 3);
	assert_true(str_is(f->fields[3].name, "proc.name"));
	assert_true(str_is(f->fields[4].name, "proc.pid"));
}

static void finding_has_all(void **state)
{
	struct detect *d = make(RULE("r", "evt.type = openat and fd.name = /etc/shadow", ""), NULL);
	struct event ev = open_event("/etc/shadow", NULL, NULL);
	struct process p = cat();
	unsigned n = 0;

	assert_int_equal(detect_event(d, &ev, &p, NULL, check_finding, &n), 1);
	assert_int_equal(n, 1);
	detect_free(d);
}

/* ---- the context ---------------------------------------------------------------------------- */

static void check_context(const struct finding *f, const struct rule *rule, void *arg)
{
	const struct finding_context *c = f->context, **last = arg;

	assert_non_null(c);
	assert_true(f->run != 0);
	/* of two rules that matched one event it is the same */
	assert_true(!*last || *last == c);
	*last = c;
	assert_true(str_is(c->event_type, "openat"));
	assert_true(str_find(c->event_args, STR("fd=3")) >= 0);
	assert_true(c->has_result);
	assert_int_equal(c->result, 3);
	assert_true(str_is(c->file.asked, "/etc/shadow"));
	assert_true(str_is(c->file.real, "/srv/shadow"));
	assert_null(c->connection.proto);
	assert_int_equal(c->nprocesses, FINDING_PROCESSES_MAX);
	assert_int_equal(c->processes[0].pid, 77);
	assert_true(str_is(c->processes[0].cmdline, "/bin/cat /etc/shadow -n"));
	assert_int_equal(c->processes[0].flags, FINDING_UPPER_LAYER | FINDING_DELETED);
	assert_int_equal(c->processes[1].pid, 1001);
	assert_true(str_is(c->container->id, "0123456789ab"));
	assert_string_equal(c->container->engine, "podman");
	assert_int_equal(c->container->nmounts, 1);
	assert_true(str_is(c->container->mounts[0].dest, "/data"));
}

static void context_when_asked(void **state)
{
	static const struct detect_options o = {.hostname = "host", .want_context = true};
	struct detect *d = make(RULE("r", "evt.type = openat and fd.name = /etc/shadow", "")
					RULE("s", "evt.type = openat and proc.name = cat", ""),
		&o);
	struct container_mount mount = {.source = STR("/srv"), .dest = STR("/data")};
	struct container k = {.type = CONTAINER_PODMAN,
		.id = STR("0123456789ab"),
		.mounts = &mount,
		.nmounts = 1};
	struct event ev = open_event("/etc/shadow", "/srv/shadow", NULL);
	struct process chain[20] = {0}, p = cat();
	const struct finding_context *last = NULL;

	for (int i = 0; i < 20; i++) {
		chain[i].pid = 1001 + (uint32_t)i;
		chain[i].parent = i < 19 ? &chain[i + 1] : NULL;
	}
	p.args = STR("/etc/shadow\0-n");
	p.parent = &chain[0];
	p.container = &k;
	p.exe_upper_layer = p.exe_deleted = true;
	assert_int_equal(detect_event(d, &ev, &p, NULL, check_context, &last), 2);
	uint64_t warm = detect_mallocs(d);
	for (int i = 0; i < 1000; i++)
		detect_event(d, &ev, &p, NULL, NULL, NULL);
	assert_int_equal(detect_mallocs(d), warm);
	detect_free(d);
}

static void check_connection(const struct finding *f, const struct rule *rule, void *arg)
{
	const struct finding_connection *c = &f->context->connection;

	assert_string_equal(c->proto, "tcp");
	assert_string_equal(c->role, "client");
	assert_true(str_is(c->local, "10.0.0.1:40000"));
	assert_true(str_is(c->remote, "1.2.3.4:443"));
}

static void context_of_a_connection(void **state)
{
	static const struct detect_options o = {.hostname = "host", .want_context = true};
	struct detect *d = make(RULE("r", "evt.type = openat", ""), &o);
	struct event ev = open_event(NULL, NULL, NULL);
	struct process p = cat();

	ev.fd.type = FD_IPV4;
	ev.fd.sock = (struct event_sock){.family = AF_INET,
		.type = SOCK_STREAM,
		.l4proto = IPPROTO_TCP,
		.role = ROLE_CLIENT,
		.has_local = true,
		.has_remote = true,
		.local = {10, 0, 0, 1},
		.remote = {1, 2, 3, 4},
		.local_port = 40000,
		.remote_port = 443};
	assert_int_equal(detect_event(d, &ev, &p, NULL, check_connection, NULL), 1);
	detect_free(d);
}

static void see_iso(const struct finding *f, const struct rule *rule, void *arg)
{
	assert_true(str_is(f->fields[0].name, "evt.time.iso8601"));
	assert_int_equal(f->fields[0].type, FV_STR);
	assert_true(str_is(f->fields[0].s, "2023-11-14T22:13:20.123456789Z"));
}

static void iso_time(void **state)
{
	struct detect_options o = {.hostname = "h", .iso_time = true};
	struct detect *d = make(RULE("r", "evt.type = openat", ""), &o);
	struct event ev = open_event("/x", NULL, NULL);
	struct process p = cat();

	assert_int_equal(detect_event(d, &ev, &p, NULL, see_iso, NULL), 1);
	detect_free(d);
}

static void only_rules_of_the_code(void **state)
{
	struct detect *d = make(RULE("open", "evt.type = openat and proc.name = cat", "")
					RULE("close", "evt.type = close and proc.name = cat", ""),
		NULL);
	struct event ev = open_event("/x", NULL, NULL), own = {.code = EVENT_FORK};

	assert_int_equal(run(d, &ev).n, 1);
	assert_int_equal(detect_rule_stats(d, 0)->evals, 1);
	assert_int_equal(detect_rule_stats(d, 0)->matches, 1);
	assert_int_equal(detect_rule_stats(d, 1)->evals, 0);
	assert_null(detect_rule_stats(d, 2));
	assert_int_equal(run(d, &own).n, 0);
	detect_free(d);
}

/* ---- names ---------------------------------------------------------------------------------- */

static void judged_under_every_name(void **state)
{
	struct detect *d = make(
		RULE("shadow", "evt.type = openat and fd.name = /etc/shadow", "")
			RULE("link", "evt.type = openat and fd.name = /tmp/link", "")
				RULE("any", "evt.type = openat and proc.name = cat", "")
					RULE("not", "evt.type = openat and fd.name = /nix", ""),
		NULL);
	struct event ev = open_event("/tmp/link", "/srv/x", "/etc/shadow");
	struct seen s = run(d, &ev);

	/* each once, in rule order, with the name under which it matched */
	assert_int_equal(s.n, 3);
	assert_string_equal(s.rules[0], "shadow");
	assert_string_equal(s.outputs[0], "cat read /etc/shadow (pid 77, 3)");
	assert_string_equal(s.rules[1], "link");
	assert_string_equal(s.outputs[1], "cat read /tmp/link (pid 77, 3)");
	assert_string_equal(s.rules[2], "any");
	assert_string_equal(s.outputs[2], "cat read /tmp/link (pid 77, 3)");
	/* further names only for rules that look at names and have not matched */
	assert_int_equal(detect_rule_stats(d, 0)->evals, 3);
	assert_int_equal(detect_rule_stats(d, 1)->evals, 1);
	assert_int_equal(detect_rule_stats(d, 2)->evals, 1);
	assert_int_equal(detect_rule_stats(d, 3)->evals, 3);
	detect_free(d);
}

static void real_name_alone(void **state)
{
	struct detect *d =
		make(RULE("r", "evt.type = openat and fd.name startswith /etc/", ""), NULL);
	struct event ev = open_event("/proc/self/root/etc/shadow", "/etc/shadow", NULL);

	assert_int_equal(run(d, &ev).n, 1);
	ev.path.real = STR_NULL;
	assert_int_equal(run(d, &ev).n, 0);
	detect_free(d);
}

static void first_match_only(void **state)
{
	struct detect_options o = {.hostname = "h", .first_match_only = true};
	struct detect *d = make(RULE("never", "evt.type = openat and fd.name = /nix", "") RULE(
					"real", "evt.type = openat and fd.name = /etc/shadow", "")
					RULE("any", "evt.type = openat", ""),
		&o);
	struct event ev = open_event("/tmp/link", "/etc/shadow", NULL);
	struct seen s = run(d, &ev);

	/* the first in rule order, though it matches only under the second name */
	assert_int_equal(s.n, 1);
	assert_string_equal(s.rules[0], "real");
	detect_free(d);
}

/* ---- fingerprint ---------------------------------------------------------------------------- */

static struct event connect_event(uint16_t client_port, uint16_t server_port)
{
	struct event ev = {
		.ts_ns = 1,
		.pid = 77,
		.code = EV_CONNECT,
		.def = event_def(EV_CONNECT),
		.has_fd = true,
		.fd = {.num = 4,
			.type = FD_IPV4,
			.connected = true,
			.sock = {.family = AF_INET,
				.type = 1,
				.l4proto = 6,
				.role = ROLE_CLIENT,
				.has_local = true,
				.has_remote = true,
				.local_port = client_port,
				.remote_port = server_port,
				.local = {10, 0, 0, 1},
				.remote = {1, 2, 3, 4}}},
	};

	ev.nparams = ev.def->nparams;
	return ev;
}

static void repeats_have_one_fingerprint(void **state)
{
	struct detect *d = make(RULE("r", "evt.type in (openat, connect)", ""), NULL);
	struct event a = open_event("/a", NULL, NULL), b = open_event("/b", NULL, NULL);
	struct event c1 = connect_event(40000, 443), c2 = connect_event(40001, 443),
		     c3 = connect_event(40001, 80);
	uint64_t fa = run(d, &a).fingerprint, fc = run(d, &c1).fingerprint;

	a.ts_ns += 5;
	assert_true(run(d, &a).fingerprint == fa);
	assert_true(run(d, &b).fingerprint != fa);
	assert_true(run(d, &c2).fingerprint == fc);
	assert_true(run(d, &c3).fingerprint != fc);
	detect_free(d);
}

/* ---- swap ----------------------------------------------------------------------------------- */

static void swap_keeps_counters(void **state)
{
	struct detect *d =
		make(RULE("a", "evt.type = openat", "") RULE("b", "evt.type = openat", ""), NULL);
	struct event ev = open_event("/x", NULL, NULL);
	struct ruleset *next = rules(RULE("new", "evt.type = openat and fd.name = /y", "")
			RULE("b", "evt.type = openat and fd.name = /x", ""));

	run(d, &ev);
	run(d, &ev);
	assert_int_equal(detect_swap(d, next, NULL), 0);
	assert_ptr_equal(detect_ruleset(d), next);
	ruleset_unref(next);
	assert_int_equal(detect_rule_stats(d, 0)->matches, 0);
	assert_int_equal(detect_rule_stats(d, 1)->matches, 2);
	assert_int_equal(run(d, &ev).n, 1);
	assert_int_equal(detect_rule_stats(d, 1)->matches, 3);
	detect_free(d);
}

/* ---- cost ----------------------------------------------------------------------------------- */

static void nothing_is_allocated_once_warm(void **state)
{
	struct detect *d =
		make(RULE("r",
			     "evt.type = openat and fd.name startswith /etc and proc.cmdline "
			     "contains cat and (proc.aname = x or fd.name glob /etc/*)",
			     ""),
			NULL);
	struct event ev = open_event("/tmp/x", "/etc/shadow", "/etc/passwd");

	for (int i = 0; i < 3000; i++)
		run(d, &ev);
	uint64_t warm = detect_mallocs(d);

	for (int i = 0; i < 3000; i++)
		assert_int_equal(run(d, &ev).n, 1);
	assert_int_equal(detect_mallocs(d), warm);
	/* one event in 1024 was timed */
	assert_true(detect_rule_stats(d, 0)->cost_ns > 0);
	detect_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finding_has_all),
		cmocka_unit_test(context_when_asked),
		cmocka_unit_test(context_of_a_connection),
		cmocka_unit_test(iso_time),
		cmocka_unit_test(only_rules_of_the_code),
		cmocka_unit_test(judged_under_every_name),
		cmocka_unit_test(real_name_alone),
		cmocka_unit_test(first_match_only),
		cmocka_unit_test(repeats_have_one_fingerprint),
		cmocka_unit_test(swap_keeps_counters),
		cmocka_unit_test(nothing_is_allocated_once_warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
