/* SPDX-License-Identifier: Apache-2.0 */
/* --top: a table from a text; where the text is wrong, and how to mend it. */
#include "bench.h"

static void run(struct bench *b, const char *text)
{
	chisel_close(b->chisel);
	b->chisel = NULL;
	buf_clear(&b->out);
	if (chisel_open_top(str_of(text), &b->env, &b->chisel, &b->e) < 0)
		fail_msg("%s: %s", text, b->e.msg);
	bench_read(b, "cat", "/a", 2000);
	bench_read(b, "cat", "/b", 100);
	bench_read(b, "ls", "/a", 50);
	bench_end(b);
}

static void test_tables(void **state)
{
	static const struct {
		const char *text, *prints;
	} cases[] = {
		{"key=proc.name,value=evt.buflen",
			"proc.name  evt.buflen\ncat             2.05K\nls                 50\n"},
		{"key=proc.name", "proc.name  count\ncat            2\nls             1\n"},
		{" key = fd.name , proc.name , value = evt.buflen:max:plain , count ,n = 2",
			"fd.name  proc.name  evt.buflen:max:plain  count\n"
			"/a       cat                        2000      1\n"
			"/b       cat                         100      1\n"},
		{"key=fd.name,filter=fd.name in (/a, /c) and proc.name=\"cat\",value=evt.count",
			"fd.name  evt.count\n/a               1\n"},
		{"value=evt.latency:avg,evt.buflen:min,key=proc.name,sort=evt.buflen:min:asc",
			"evt.latency:avg  evt.buflen:min  proc.name\n"
			"         1.00ms              50  ls\n"
			"         1.00ms             100  cat\n"},
		{"key=proc.name,value=fd.name",
			"proc.name  fd.name\ncat        /b\nls         /a\n"},
		{"key=proc.name,sort=proc.name:asc,value=fd.name:count",
			"proc.name  fd.name:count\ncat                    2\nls                    "
			" 1\n"},
	};
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(&b, cases[i].text);
		bench_expect(&b, cases[i].prints);
	}
	b.env.json = true;
	run(&b, "key=proc.name,value=evt.buflen,n=1");
	bench_expect(&b, "{\"proc.name\":\"cat\",\"evt.buflen\":2100}\n");
	bench_done(&b);
}

static void test_codes(void **state)
{
	struct bench b;

	bench_init(&b);
	run(&b, "key=proc.name,filter=evt.type = write");
	const uint64_t *codes = chisel_codes(b.chisel);
	assert_true(codes && !(codes[EV_READ / 64] >> EV_READ % 64 & 1));
	run(&b, "key=proc.name");
	assert_null(chisel_codes(b.chisel));
	bench_done(&b);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "--top:1:1: expected key="},
		{"value=evt.count", "key= is missing"},
		{"key=", "--top:1:5: a field is missing"},
		{"key=proc.name,", "--top:1:15: a field is missing"},
		{"key=proc.nam", "--top:1:5: column \"proc.nam\""},
		{"key=proc.name,valu=evt.count", "--top:1:15: expected key=, value="},
		{"key=proc.name,valu=evt.count", "did you mean value=?"},
		{"key=proc.name,key=fd.name", "--top:1:15: key= stands here twice"},
		{"key=proc.name,value=evt.count:sun", "--top:1:31: \"sun\" is no aggregate"},
		{"key=proc.name,value=fd.name:sum",
			"--top:1:21: column \"fd.name:sum\": fd.name is no"},
		{"key=proc.name,filter=proc.nam=x", "--top filter:1:1: unknown field"},
		{"key=proc.name,filter=", "--top:1:22: the condition is missing"},
		{"key=proc.name,n=none", "--top:1:17: this must be a number"},
		{"key=proc.name,n=0", "--top:1:17: this must be a number"},
		{"key=proc.name,every=x", "--top:1:21: this must be a number"},
		{"key=proc.name,sort=pid", "--top:1:20: \"pid\" is none of the columns"},
		{"key=proc.name,n=3,4", "--top:1:19: expected key="},
	};
	struct bench b;

	bench_init(&b);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct chisel *c = NULL;

		if (chisel_open_top(str_of(cases[i].text), &b.env, &c, &b.e) >= 0)
			fail_msg("accepted: %s", cases[i].text);
		bench_says(&b, cases[i].says);
	}
	bench_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
