/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters as SQL: each filter over the same findings gives what the filter room itself says of them
 * in C, with both engines. Faults have their place.
 */
#include "common.h"
#include "sink/store/read.h"

static const struct spec specs[] = {
	{.id = "a",
		.at_s = 1,
		.process = "bash",
		.cmdline = "bash -i",
		.priority = "Notice",
		.tags = "\"T1059.004\",\"shell\"",
		.fields = "\"proc.tty\":34816,\"k\":\"v\""},
	{.id = "b",
		.at_s = 2,
		.process = "xmrig",
		.exe = "/tmp/xmrig",
		.cmdline = "/tmp/xmrig -o pool:3333",
		.remote = "203.0.113.9:3333",
		.priority = "Critical",
		.tags = "\"T1496\"",
		.container = "0123456789ab",
		.image = "registry:5000/team/app:1.2@sha256:00"},
	{.id = "c",
		.at_s = 3,
		.process = "cat",
		.cmdline = "cat /etc/shadow",
		.file = "/etc/shadow",
		.user = "mallory",
		.uid = 1001,
		.fields = "\"k\":true"},
	{.id = "d",
		.at_s = 4,
		.process = "Cat",
		.cmdline = "Cat 'it''s' \\ % _ \"q\"",
		.file = "/etc/passwd",
		.user = "m\xc3\xa4x",
		.priority = "Warning",
		.tags = "\"shell\"",
		.fields = "\"k\":[1]"},
	{.id = "e",
		.at_s = 5,
		.process = "curl",
		.remote = "[2001:db8::1]:443",
		.cmdline = "curl https://example.org/a?b=c",
		.count = 9,
		.fields = "\"k\":1.5,\"big\":99999999999999999999"},
	{.id = "f", .at_s = 6, .process = "", .cmdline = "", .exe = "", .user = "", .pid = 4242},
};
enum { NSPECS = sizeof(specs) / sizeof(*specs) };

/* The ids, newest first, that the filter room selects from the rows. */
static const char *ids_in_c(struct fixture *f, struct str filter)
{
	struct filter_program *p = filter_program_new(&store_field_set);
	struct buf out = BUF_INIT(1 << 16);
	struct filter_error fe = {0};
	struct ast *ast = NULL;
	struct err e = {0};
	uint32_t root = 0;

	assert_ok(&e, filter_text_parse(&f->a, filter, &ast, NULL, &e));
	assert_int_equal(filter_program_add(p, ast, &root, &fe), 0);
	assert_ok(&e, filter_program_seal(p, &e));
	struct filter_eval *ev = filter_eval_new(p);
	for (int i = NSPECS - 1; i >= 0; i--) {
		struct buf b = BUF_INIT(1 << 20);
		struct store_put_result result;
		struct record r = {.result = &result};

		build_finding(&b, &specs[i]);
		assert_true(record_parse(&f->a, buf_str(&b), DB_SQLITE, &r));
		filter_eval_begin(ev, &r.row);
		if (filter_eval_root(ev, root))
			buf_printf(&out, "%s%s", out.len ? " " : "", specs[i].id);
		buf_done(&b);
	}
	filter_eval_free(ev);
	filter_program_free(p);
	struct str s = arena_str(&f->a, buf_str(&out));
	buf_done(&out);
	return s.s;
}

static const char *const filters[] = {
	"proc.name = bash",
	"proc.name != bash",
	"not proc.name = bash",
	"not (proc.name = bash and user.name = root)",
	"proc.name in (bash, cat, nobody)",
	"not proc.name in (bash, cat)",
	"proc.name exists",
	"not proc.name exists",
	"user.name exists and not fd.name exists",
	"proc.cmdline contains 'shadow'",
	"proc.cmdline icontains 'CAT'",
	"proc.cmdline startswith cat",
	"proc.cmdline endswith shadow",
	"proc.cmdline contains \"'\"",
	"proc.cmdline contains '%'",
	"proc.cmdline contains \"\\\\\"",
	"proc.cmdline contains 't /etc/sha'", /* whole words in it narrow: etc */
	"proc.cmdline contains '/etc/'",
	"proc.cmdline contains '/etcx/'",
	"proc.cmdline contains ' -o pool:'",
	"proc.cmdline contains '-o pool:33'",
	"proc.cmdline contains 'xmrig -o pool:3333'",
	"proc.cmdline contains 'tc/shadow'",
	"proc.cmdline contains 'AT /ETC/'",
	"proc.cmdline icontains 'AT /ETC/SH'",
	"proc.cmdline startswith 'cat /etc/s'",
	"proc.cmdline startswith 'at /etc/s'",
	"proc.cmdline endswith ' /etc/shadow'",
	"proc.cmdline endswith 'c/shadow'",
	"proc.cmdline endswith ':33'",
	"not proc.cmdline contains '/etc/'",
	"proc.cmdline contains '/etc/' or proc.name = curl",
	"file.real contains 'c/pass'",
	"fd.name contains '/etc/'",
	"container.image contains '/team/'",
	"container.image startswith 'registry:5'",
	"container.image endswith '@sha256:00'",
	"proc.cmdline glob '*shadow*'",
	"proc.cmdline glob '?at *'",
	"proc.cmdline iglob 'cat *'",
	"proc.cmdline regex '.*https?://.*'",
	"not proc.cmdline regex '.*https?://.*'",
	"fd.name pmatch (/etc)",
	"fd.name pmatch (/etc/shadow, /var)",
	"fd.name startswith /etc/",
	"tolower(proc.name) = cat",
	"toupper(proc.name) in (BASH, CURL)",
	"len(proc.name) > 3",
	"finding.priority = critical",
	"finding.priority in (Warning, NOTICE)",
	"finding.severity >= 3",
	"finding.severity < 3",
	"finding.count > 1",
	"finding.count = 9",
	"finding.state = open",
	"finding.state != open",
	"finding.tags in (shell)",
	"finding.tags in (shell, T1059.004)",
	"finding.tags intersects (shell, T1496)",
	"finding.tags exists",
	"not finding.tags exists",
	"finding.rule = 'Shell in container'",
	"finding.hostname = node-1",
	"user.name = 'm\xc3\xa4x'",
	"user.uid = 1001",
	"user.uid != 0",
	"user.uid >= 0",
	"proc.pid = 4242",
	"proc.pid in (4242, 100)",
	"fd.rip = 203.0.113.9",
	"fd.rip = 2001:db8::1",
	"fd.rip != 203.0.113.9",
	"fd.rip exists",
	"fd.rport = 3333",
	"fd.rport in (3333, 443)",
	"fd.rport < 1000",
	"fd.l4proto = tcp",
	"fd.name contains '->'",
	"container.id = 0123456789ab",
	"container.image.repository = registry:5000/team/app",
	"container.id exists",
	"not container.id exists",
	"container.privileged = false",
	"container.type = containerd",
	"proc.cwd = /root",
	"proc.cwd startswith /ro",
	"proc.pcmdline exists",
	"proc.ppid = 50",
	"proc.ppid > 50",
	"evt.res = 0",
	"evt.args glob 'a=*'",
	"evt.type = openat",
	"file.real = /etc/shadow",
	"finding.field[proc.tty] = 34816",
	"finding.field[k] = v",
	"finding.field[k] = true",
	"finding.field[k] exists",
	"finding.field[k] regex 'v|true'",
	"finding.field[big] = 99999999999999999999",
	"proc.name = bash or proc.name = curl",
	"(proc.name = cat or proc.name = Cat) and not user.name = mallory",
	"proc.name = '' or proc.name = bash",
	"proc.name = anyof (bash, curl)",
	"proc.cmdline contains anyof (shadow, pool)",
	"proc.cmdline contains allof (cat, shadow)",
	"proc.name < 5",
	"proc.name >= 5",
	"finding.time >= 1800000003000000000",
	"finding.time < 1800000003000000000",
};

static void filters_mean_what_they_mean_in_c(void **state)
{
	struct fixture *f = *state;
	size_t nonempty = 0;

	put_specs(f, specs, NSPECS);
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		struct str text = str_of(filters[i]);
		struct store_query q = {.filter = text, .want_total = true};
		const char *want = NULL, *got = NULL;
		struct store_page p;
		struct err e = {0};

		if (store_filter_check(text, NULL, &e) < 0) /* not in this filter room */
			fail_msg("%s: %s", filters[i], e.msg);
		want = ids_in_c(f, text);
		if (store_findings(f->s, &q, &f->a, &p, NULL, &e) < 0)
			fail_msg("%s: %s", filters[i], e.msg);
		got = ids_of(f, &p);
		if (strcmp(want, got) != 0)
			fail_msg("%s: '%s' in C, '%s' in SQL", filters[i], want, got);
		assert_int_equal(p.total, p.n);
		nonempty += *got != '\0';
	}
	/* the comparison would mean nothing if all were empty */
	assert_true(nonempty > sizeof(filters) / sizeof(*filters) * 3 / 4);
}

static void faults_have_a_place(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *filter, *says;
		unsigned line, column;
	} rows[] = {
		{"proc.nmae = bash", "did you mean 'proc.name'", 1, 1},
		{"proc.name = bash and\n  usr.name = x", "did you mean 'user.name'", 2, 3},
		{"proc.name =", "expected", 1, 12},
		{"finding.priority = Bad", "no such priority", 1, 20},
		{"finding.state in (open, shut)", "no such state", 1, 25},
		{"spawned_process", "macros", 1, 1},
		{"proc.name = val(proc.pname)", "two fields", 1, 1},
		{"proc.pid contains 4", "does not fit", 1, 1},
		{"finding.field[a;b] = 1", "has no ';'", 1, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct store_place place = {0};
		struct store_query q = {.filter = str_of(rows[i].filter)};
		struct store_page p;
		struct err e = {0};

		assert_int_equal(store_findings(f->s, &q, &f->a, &p, &place, &e), -EINVAL);
		if (!strstr(e.msg, rows[i].says) || !place.is_filter ||
			place.line != rows[i].line || place.column != rows[i].column)
			fail_msg("%s: line %u column %u: %s", rows[i].filter, place.line,
				place.column, e.msg);
	}
}

static void large_filters_are_refused_or_run(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT(1 << 20);
	struct store_page p;
	struct err e = {0};

	put_specs(f, specs, NSPECS);
	buf_add_cstr(&b, "proc.name in (bash");
	for (int i = 0; i < 2000; i++)
		buf_printf(&b, ", name%d", i);
	buf_add_cstr(&b, ")");
	struct store_query q = {.filter = buf_str(&b)};
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "a");
	buf_clear(&b);
	buf_add_cstr(&b, "proc.name = bash");
	for (int i = 0; i < 350; i++)
		buf_printf(&b, " or proc.name = name%d", i);
	q.filter = buf_str(&b);
	assert_ok(&e, store_findings(f->s, &q, &f->a, &p, NULL, &e));
	assert_string_equal(ids_of(f, &p), "a");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, " or proc.name = name%d", i);
	q.filter = buf_str(&b);
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -EINVAL);
	buf_clear(&b);
	for (int i = 0; i < 2000; i++)
		buf_add_cstr(&b, "not (");
	q.filter = buf_str(&b);
	assert_int_equal(store_findings(f->s, &q, &f->a, &p, NULL, &e), -EINVAL);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(filters_mean_what_they_mean_in_c),
		TEST(faults_have_a_place),
		TEST(large_filters_are_refused_or_run),
	};

	return run_both(tests);
}
