/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of opens (engine/detect/opens.c) changes no verdict: one detector that sees many
 * opens of few files in few folders by few processes, against the rules' conditions asked one by
 * one, which remember nothing. Invented rules, from few conditions on files, flags, results and
 * processes, so that they meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "invent.h"

static struct detect *detector(struct str body, bool first_match_only)
{
	struct detect *d = detector_of(body, first_match_only);

	assert_non_null(d);
	return d;
}

/* ---- events --------------------------------------------------------------------------------- */

struct deed {
	struct event ev;
	struct process proc;
	struct container container;
	int64_t fd;
	uint32_t flags;
	char text[4][128];
};

static struct str path_of(char out[128], const char *folder, const char *name)
{
	return str_make(out, (size_t)snprintf(out, 128, "%s%s", folder, name));
}

static void invent_path(struct deed *d)
{
	static const char *const folders[] = {
		"/etc/", "/tmp/", "/tmp/.x/", "/", "/usr/lib/a-folder-of-more-than-one-word/"};
	static const char *const written[] = {"../", "", "./a/", "//etc/"};
	static const char *const names[] = {"shadow", "passwd", "a", "b", "b.so", ".a", "ordinary",
		"other", "another-that-takes-more-than-one-word", ""};
	const char *folder = ONE_OF(folders), *name = ONE_OF(names);
	struct event_path *p = &d->ev.path;

	p->name = path_of(d->text[0], folder, name);
	p->raw = below(3) ? p->name : path_of(d->text[1], ONE_OF(written), name);
	if (!below(3))
		p->real = path_of(d->text[2], ONE_OF(folders), below(3) ? name : ONE_OF(names));
	if (!below(4))
		p->known = path_of(d->text[3], ONE_OF(folders), ONE_OF(names));
}

static void invent_open(struct deed *d)
{
	static const uint16_t codes[] = {EV_OPEN, EV_OPENAT, EV_OPENAT2, EV_CREAT};
	static const uint32_t flags[] = {0, 1, 2, 3, 7};
	static const int64_t results[] = {3, 4, 0, -2, -13};
	uint16_t code = codes[below(4)];
	struct event *ev = &d->ev;

	d->fd = results[below(5)];
	d->flags = flags[below(5)];
	*ev = (struct event){.num = 1, .pid = 7, .tid = 7, .code = code, .def = event_def(code)};
	ev->nparams = ev->def->nparams;
	invent_path(d);
	ev->has_fd = d->fd >= 0 || below(2);
	ev->fd = (struct event_fd){.num = d->fd < 0 || !below(8) ? -1 : d->fd,
		.type = d->fd < 0  ? FD_UNKNOWN
			: below(4) ? FD_FILE
				   : FD_DIRECTORY};
	ev->params[0] = str_make((const char *)&d->fd, sizeof(d->fd));
	struct str *arg = &ev->params[event_param_index(ev->def, STR("name"))];
	if (below(9))
		*arg = str_make(ev->path.raw.s, ev->path.raw.len + 1);
	else if (below(2))
		*arg = str_make("", 1);
	int at = event_param_index(ev->def, STR("flags"));
	if (at >= 0 && below(8))
		ev->params[at] = str_make((const char *)&d->flags, sizeof(d->flags));
}

static void invent_process(struct deed *d)
{
	static const char *const comms[] = {"cat", "sshd", "bash"};

	d->container = (struct container){.type = CONTAINER_DOCKER, .id = STR("0123456789ab")};
	d->proc = (struct process){.pid = 7,
		.refs = 1,
		.comm = str_of(ONE_OF(comms)),
		.cwd = STR("/"),
		.uid = below(2) * 1000,
		.container = below(2) ? &d->container : NULL};
}

/* ---- rules ---------------------------------------------------------------------------------- */

struct rules {
	unsigned n;
	struct event_filter *conditions[128];
	struct detect *detect;
	bool first_match_only;
};

static void invent_condition(struct buf *out)
{
	static const char *const conditions[] = {"fd.name = /etc/shadow", "fd.name startswith /tmp",
		"fd.name in (/tmp/a, /etc/passwd)", "fd.filename = b", "fd.directory = /etc",
		"fd.directory in (/tmp/b, /tmp)", "fd.nameraw contains ..", "fd.name endswith .so",
		"fd.name pmatch (/tmp/.x, /usr/lib)", "fd.filename startswith .",
		"fd.name contains /.x", "fd.name glob /*/a", "fd.realpath = /tmp/b",
		"fd.knownpath exists", "fd.knownpath in (/etc/a, /tmp/b)", "evt.arg.flags exists",
		"evt.is_open_read = true", "evt.is_open_write = true", "fd.typechar = f",
		"fd.num >= 0", "evt.failed = true", "evt.res = ENOENT", "evt.arg.flags contains O_",
		"evt.type = creat", "evt.type in (open, openat)", "proc.name = cat",
		"proc.name in (sshd, bash)", "container.id != host", "evt.arg.name endswith x",
		"evt.arg.name exists", "evt.rawarg.name exists", "evt.arg.name = <NA>",
		"fs.path.name startswith /usr", "proc.cwd = /", "evt.rawres = 4", "fd.num = 3"};

	buf_add_cstr(out, "evt.type in (open, openat, openat2, creat) and (");
	for (unsigned k = 0, m = 1 + below(4); k < m; k++)
		buf_printf(out, "%s%s%s", k ? below(3) ? " and " : " or " : "",
			below(4) ? "" : "not ", ONE_OF(conditions));
	buf_add_char(out, ')');
}

static void invent_rules(struct rules *r, unsigned n, bool first_match_only)
{
	struct buf text = BUF_INIT(1 << 20), condition = BUF_INIT(4096);

	*r = (struct rules){.n = n, .first_match_only = first_match_only};
	for (unsigned i = 0; i < n; i++) {
		buf_clear(&condition);
		invent_condition(&condition);
		assert_int_equal(event_filter_open(buf_str(&condition), "rule", &r->conditions[i],
					 &(struct err){0}),
			0);
		buf_printf(&text,
			"- rule: r%u\n  desc: d\n  condition: %.*s\n  output: o\n  priority: "
			"INFO\n",
			i, STR_ARG(buf_str(&condition)));
	}
	r->detect = detector(buf_str(&text), first_match_only);
	buf_done(&condition);
	buf_done(&text);
}

static void forget_rules(struct rules *r)
{
	for (unsigned i = 0; i < r->n; i++)
		event_filter_close(r->conditions[i]);
	detect_free(r->detect);
}

struct verdict {
	unsigned n;
	bool has[128];
};

static void note(const struct finding *f, const struct rule *rule, void *arg)
{
	struct verdict *v = arg;

	v->n++;
	v->has[rule->index] = true;
}

static struct verdict judge(struct detect *d, const struct deed *deed)
{
	struct verdict v = {0};

	detect_event(d, &deed->ev, &deed->proc, NULL, note, &v);
	return v;
}

static void compare(struct rules *r, const struct deed *deed, unsigned *nfound)
{
	struct verdict v = judge(r->detect, deed);
	unsigned n = 0;

	for (unsigned i = 0; i < r->n; i++) {
		struct field_subject s = {.ev = &deed->ev, .proc = &deed->proc, .hostname = "host"};
		bool passes = event_filter_passes(r->conditions[i], &s);

		n += passes;
		if (r->first_match_only ? v.has[i] && !passes : v.has[i] != passes)
			fail_msg("rule %u of %u on %.*s", i, r->n, STR_ARG(deed->ev.path.name));
	}
	assert_int_equal(v.n, r->first_match_only ? n != 0 : n);
	*nfound += n;
}

static void try(unsigned nrules, bool first_match_only, unsigned ndeeds, unsigned *nfound)
{
	struct rules r;

	invent_rules(&r, nrules, first_match_only);
	for (unsigned i = 0; i < ndeeds; i++) {
		struct deed deed;

		invent_open(&deed);
		invent_process(&deed);
		compare(&r, &deed, nfound);
	}
	forget_rules(&r);
}

static void verdicts_are_the_same(void **state)
{
	unsigned nfound = 0;

	for (unsigned round = 0; round < 600; round++)
		try(1 + below(6), round % 3 == 0, 300, &nfound);
	assert_true(nfound > 1000);
}

/* More rules than one word of the mask has bits. */
static void many_rules_have_bits(void **state)
{
	unsigned nfound = 0;

	for (unsigned round = 0; round < 5; round++)
		try(70 + below(30), false, 300, &nfound);
	assert_true(nfound > 1000);
}

/* ---- one by one ----------------------------------------------------------------------------- */

static struct deed open_of(const char *name)
{
	static int64_t fd = 3;
	struct deed d = {.ev = {.num = 1,
				 .pid = 7,
				 .tid = 7,
				 .code = EV_OPENAT,
				 .def = event_def(EV_OPENAT),
				 .has_fd = true,
				 .fd = {.num = 3, .type = FD_FILE},
				 .path = {.raw = str_of(name), .name = str_of(name)}},
		.proc = {.pid = 7, .comm = STR("cat"), .cwd = STR("/")}};

	d.ev.nparams = d.ev.def->nparams;
	d.ev.params[0] = str_make((const char *)&fd, sizeof(fd));
	return d;
}

#define RULE(name, cond)                                                                           \
	"- rule: " name "\n  desc: d\n  condition: " cond "\n  output: o\n  priority: INFO\n"

static void what_is_dull_is_not_asked_again(void **state)
{
	struct detect *d = detector(
		STR(RULE("r", "evt.type = openat and proc.name = cat and fd.name = /etc/shadow")),
		false);
	struct deed dull = open_of("/tmp/a"), other = open_of("/etc/shadow");
	uint64_t evals;

	judge(d, &dull);
	evals = detect_rule_stats(d, 0)->evals;
	for (int i = 0; i < 10; i++)
		assert_int_equal(judge(d, &dull).n, 0);
	assert_int_equal(detect_rule_stats(d, 0)->evals, evals);
	/* what is left of the rule is true: the process is looked at each time */
	assert_int_equal(judge(d, &other).n, 1);
	other.proc.comm = STR("dog");
	assert_int_equal(judge(d, &other).n, 0);
	other.proc.comm = STR("cat");
	assert_int_equal(judge(d, &other).n, 1);
	detect_free(d);
}

/* A rule that any open can match by its process alone switches nothing off for the others. */
static void a_rule_for_all_opens_is_always_asked(void **state)
{
	struct detect *d =
		detector(STR(RULE("a", "evt.type in (openat, read) and proc.name = cat")
					 RULE("b", "evt.type = openat and fd.name = /tmp/b")),
			false);
	struct deed a = open_of("/tmp/a");

	for (int i = 0; i < 3; i++) {
		a.proc.comm = STR("dog");
		assert_int_equal(judge(d, &a).n, 0);
		a.proc.comm = STR("cat");
		assert_int_equal(judge(d, &a).n, 1);
	}
	detect_free(d);
}

/* Texts that would be the same if they were only joined; what is dull comes first. */
static void keys_know_where_a_text_ends(void **state)
{
	struct detect *d =
		detector(STR(RULE("r", "evt.type = openat and fd.realpath = /tmp/b")), false);
	struct deed joined = open_of("/tmp/a/tmp/b"), known = open_of("/tmp/a"),
		    real = open_of("/tmp/a");

	known.ev.path.known = STR("/tmp/b");
	real.ev.path.real = STR("/tmp/b");
	assert_int_equal(judge(d, &joined).n, 0);
	assert_int_equal(judge(d, &known).n, 0);
	assert_int_equal(judge(d, &real).n, 1);
	detect_free(d);
}

static void an_empty_argument_is_one(void **state)
{
	struct detect *d =
		detector(STR(RULE("r", "evt.type = openat and evt.rawarg.name exists")), false);
	struct deed none = open_of("/tmp/a"), empty = open_of("/tmp/a");
	int at = event_param_index(empty.ev.def, STR("name"));

	none.ev.path.raw = empty.ev.path.raw = STR("");
	empty.ev.params[at] = str_make("", 1);
	assert_int_equal(judge(d, &none).n, 0);
	assert_int_equal(judge(d, &empty).n, 1);
	detect_free(d);
}

/* More files than there are rows, each twice. */
static void rows_are_used_again(void **state)
{
	struct detect *d =
		detector(STR(RULE("r", "evt.type = openat and fd.name endswith 77")), false);
	char name[64];

	for (unsigned i = 0; i < 200000; i++) {
		unsigned n = i % 100000;

		snprintf(name, sizeof(name), "/tmp/%u", n);
		struct deed a = open_of(name);

		assert_int_equal(judge(d, &a).n, n % 100 == 77);
	}
	detect_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_are_the_same),
		cmocka_unit_test(many_rules_have_bits),
		cmocka_unit_test(what_is_dull_is_not_asked_again),
		cmocka_unit_test(a_rule_for_all_opens_is_always_asked),
		cmocka_unit_test(keys_know_where_a_text_ends),
		cmocka_unit_test(an_empty_argument_is_one),
		cmocka_unit_test(rows_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
