/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and feeds: their forms, their mistakes with file and line, and what is asked of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/indicator/indicator.h"

static char dir[64];

static const char *feed(const char *name, const char *text)
{
	static char path[2][128];
	static unsigned turn;
	char *p = path[turn++ % 2];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	FILE *f = fopen(p, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return p;
}

static struct indicators *load(const char *path)
{
	const char *const feeds[] = {path, NULL};
	struct indicators *i = NULL;
	struct err e = {0};

	if (indicators_load("data", feeds, &i, &e) < 0)
		fail_msg("%s", e.msg);
	return i;
}

static void assert_refused(const char *name, const char *text, const char *wanted)
{
	const char *const feeds[] = {feed(name, text), NULL};
	struct indicators *i = NULL;
	struct err e = {0};

	assert_true(indicators_load("data", feeds, &i, &e) < 0);
	assert_null(i);
	if (!strstr(e.msg, wanted))
		fail_msg("\"%s\" does not say \"%s\"", e.msg, wanted);
}

static enum net_category category(const struct indicators *i, const char *domain)
{
	return indicators_domain(i, str_of(domain), NULL);
}

static void test_own(void **state)
{
	struct indicators *i = load(NULL);
	struct str list;

	(void)state;
	assert_int_equal(category(i, "xmr-eu1.nanopool.org"), NET_MINING_POOL);
	assert_int_equal(category(i, "NanoPool.ORG."), NET_MINING_POOL);
	assert_int_equal(category(i, "notnanopool.org"), NET_NONE);
	assert_int_equal(category(i, "me.duckdns.org"), NET_DYNAMIC_DNS);
	assert_int_equal(category(i, "x.torproject.org"), NET_PROXY_AVOIDANCE);
	assert_int_equal(category(i, "pastebin.com"), NET_PASTE);
	assert_int_equal(category(i, "debian.org"), NET_NONE);
	assert_int_equal(indicators_domain(i, STR("a.b.ddns.net"), &list), NET_DYNAMIC_DNS);
	assert_true(str_is(list, "dynamic DNS zones"));
	assert_true(str_is(indicators_domain_note(i, STR("pool.supportxmr.com")), "monero"));
	assert_true(indicators_is_mining_algorithm(i, STR("rx/0")));
	assert_true(indicators_is_mining_algorithm(i, STR("KawPow")));
	assert_false(indicators_is_mining_algorithm(i, STR("sha256")));
	assert_true(str_is(indicators_algorithm_coin(i, STR("rx/0")), "monero"));
	assert_true(indicators_is_mining_port(i, 3333));
	assert_false(indicators_is_mining_port(i, 443));
	assert_false(indicators_is_mining_port(i, 70000));
	assert_true(indicators_is_miner_name(i, STR("xmrig")));
	assert_true(indicators_is_miner_name(i, STR("SRBMiner-MULTI")));
	assert_false(indicators_is_miner_name(i, STR("monerod")));
	assert_true(indicators_is_mining_node(i, STR("monerod")));
	assert_false(indicators_is_miner_name(i, STR("node")));
	assert_true(indicators_suggests_pool(STR("xmr-eu2.example.net")));
	assert_false(indicators_suggests_pool(STR("spool.example.net")));
	indicators_free(i);
}

static void test_registrable(void **state)
{
	struct indicators *i = load(NULL);

	(void)state;
#define REGISTRABLE(domain, wanted)                                                                \
	assert_true(str_is(indicators_registrable(i, STR(domain)), wanted))
	REGISTRABLE("www.example.com", "example.com");
	REGISTRABLE("a.b.example.co.uk", "example.co.uk");
	REGISTRABLE("www.Example.COM", "Example.COM");
	REGISTRABLE("me.duckdns.org", "me.duckdns.org");
	REGISTRABLE("x.me.duckdns.org", "me.duckdns.org");
	REGISTRABLE("com", "com");
	REGISTRABLE("host.invalid", "host.invalid");
	REGISTRABLE("*.example.com", "example.com");
#undef REGISTRABLE
	indicators_free(i);
}

static void test_plain(void **state)
{
	struct indicators *i = load(feed("bad.txt", "\xef\xbb\xbf#! name: the bad ones\n"
						    "# a comment\n\n"
						    "evil.example.com\n"
						    ".Wild.example.org   # behind a blank\n"
						    "*.star.example.net\r\n"
						    "203.0.113.7\n"
						    "198.51.100.0/24 a note\n"
						    "2001:db8::/32\n"
						    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b93"
						    "4ca495991b7852b855 nothing at all\n"));
	uint8_t sha[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8,
		0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95,
		0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
	struct str list, note;

	(void)state;
	assert_int_equal(indicators_domain(i, STR("x.evil.example.com"), &list), NET_MALICIOUS);
	assert_true(str_is(list, "the bad ones"));
	assert_int_equal(category(i, "example.com"), NET_NONE);
	assert_int_equal(category(i, "wild.example.org"), NET_MALICIOUS);
	assert_int_equal(category(i, "a.star.example.net"), NET_MALICIOUS);
	assert_int_equal(indicators_address(i, STR("203.0.113.7"), NULL), NET_MALICIOUS);
	assert_int_equal(indicators_address(i, STR("203.0.113.8"), NULL), NET_NONE);
	assert_int_equal(indicators_address(i, STR("198.51.100.200"), NULL), NET_MALICIOUS);
	assert_int_equal(indicators_address(i, STR("198.51.101.200"), NULL), NET_NONE);
	assert_int_equal(indicators_address(i, STR("2001:db8:1::5"), NULL), NET_MALICIOUS);
	assert_int_equal(indicators_address(i, STR("2001:db9::5"), NULL), NET_NONE);
	assert_true(indicators_sha256(i, sha, &note));
	assert_true(str_is(note, "nothing at all"));
	sha[31]++;
	assert_false(indicators_sha256(i, sha, &note));
	indicators_free(i);
}

static void test_hosts(void **state)
{
	struct indicators *i = load(feed("block.hosts",
		"127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n"
		"0.0.0.0 0.0.0.0\n0.0.0.0 ads.example.com track.example.com # two\n"));

	(void)state;
	assert_int_equal(category(i, "ads.example.com"), NET_MALICIOUS);
	assert_int_equal(category(i, "track.example.com"), NET_MALICIOUS);
	indicators_free(i);
}

/* "YYYY-MM-DD" so many days ago */
static const char *ago(unsigned days)
{
	static char out[4][16];
	static unsigned turn;
	time_t t = time(NULL) - (time_t)days * 86400;
	char *p = out[turn++ % 4];

	strftime(p, sizeof(out[0]), "%Y-%m-%d", gmtime(&t));
	return p;
}

static void test_new(void **state)
{
	char text[400];

	(void)state;
	snprintf(text, sizeof(text),
		"rank,domain_name,create_date,registrar\n1,\"young.example.com\",%s,x\n"
		"2,old.example.com,%s 10:00:00,y\n",
		ago(3), ago(45));
	struct indicators *i = load(feed("nrd.csv", text));
	assert_int_equal(category(i, "www.young.example.com"), NET_NEW);
	assert_int_equal(category(i, "old.example.com"), NET_NONE);
	indicators_free(i);

	/* no heading, and a longer youth */
	snprintf(text, sizeof(text),
		"#! max-age-days: 60\n%s,old.example.com\n%s,older.example.com\n", ago(45),
		ago(70));
	i = load(feed("nrd.csv", text));
	assert_int_equal(category(i, "old.example.com"), NET_NEW);
	assert_int_equal(category(i, "older.example.com"), NET_NONE);
	indicators_free(i);
}

static void test_user_first(void **state)
{
	struct indicators *i =
		load(feed("mine.txt", "#! category: mining-pool\npastebin.com only mine\n"));

	(void)state;
	assert_int_equal(category(i, "pastebin.com"), NET_MINING_POOL);
	indicators_free(i);
}

static void test_layers(void **state)
{
#define DIFF_ID "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	struct indicators *i = load(feed("layers.txt", "#! kind: layer\nubuntu " DIFF_ID "\n"));

	(void)state;
	assert_true(indicators_knows_layers_of(i, STR("ubuntu")));
	assert_false(indicators_knows_layers_of(i, STR("nginx")));
	assert_true(indicators_is_official_layer(i, STR("ubuntu"), STR(DIFF_ID)));
	assert_false(indicators_is_official_layer(i, STR("nginx"), STR(DIFF_ID)));
	assert_false(indicators_is_official_layer(i, STR("ubuntu"),
		STR("sha256:00b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")));
	assert_false(indicators_is_official_layer(i, STR("ubuntu"), STR("sha256:e3")));
	indicators_free(i);
#undef DIFF_ID
}

static void test_mistakes(void **state)
{
	(void)state;
	assert_refused("a.txt", "good.example.com\nhttp://bad.example.com/x\n", "a.txt:2: ");
	assert_refused("a.txt",
		"b\xc3\xbc"
		"cher.example\n",
		"xn--");
	assert_refused("a.txt", "com\n", "one label");
	assert_refused("a.txt", "#! category: evil\n", "a.txt:1: no category \"evil\"");
	assert_refused("a.txt", "a.example.com\n#! name: late\n", "a.txt:2: ");
	assert_refused("a.txt", "#! colour: red\n", "colour");
	assert_refused("a.txt", "198.51.100.0/33\n", "a.txt:1: ");
	assert_refused("a.csv", "domain,created\nx.example.com,2026-02-31\n", "a.csv:2: column 2");
	assert_refused("a.csv", "x.example.com\n", "no date");
	assert_refused("a.txt", "#! kind: mining-port\n99999\n", "no port");
	assert_refused("a.txt", "#! kind: layer\nubuntu 12\n", "DIFFID");
	assert_refused("a.txt", "#! kind: miner\nxmrig sometimes\n", "capable");
	const char *const feeds[] = {"/nonexistent/list", NULL};
	struct indicators *i = NULL;
	struct err e = {0};
	assert_true(indicators_load("data", feeds, &i, &e) < 0);
	assert_non_null(strstr(e.msg, "/nonexistent/list"));
}

static void test_hash(void **state)
{
	struct indicators *a = load(feed("a.txt", "x.example.com\n")),
			  *b = load(feed("a.txt", "x.example.com\n")),
			  *c = load(feed("a.txt", "y.example.com\n")),
			  *d = load(feed("a.txt", "#! category: paste\ny.example.com\n"));

	(void)state;
	assert_true(indicators_hash(a) == indicators_hash(b));
	assert_true(indicators_hash(a) != indicators_hash(c));
	assert_true(indicators_hash(c) != indicators_hash(d));
	indicators_free(a);
	indicators_free(b);
	indicators_free(c);
	indicators_free(d);
}

/* A folder of feeds, and a great many names. */
static void test_folder(void **state)
{
	char path[160];

	(void)state;
	snprintf(path, sizeof(path), "%s/many.list", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	for (unsigned n = 0; n < 200000; n++)
		fprintf(f, "host%u.example.com\n", n);
	fclose(f);
	struct indicators *i = load(dir);
	assert_int_equal(category(i, "host0.example.com"), NET_MALICIOUS);
	assert_int_equal(category(i, "a.host199999.example.com"), NET_MALICIOUS);
	assert_int_equal(category(i, "host200000.example.com"), NET_NONE);
	indicators_free(i);
	unlink(path);
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/koban-list-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"a.txt", "a.csv", "bad.txt", "block.hosts", "nrd.csv",
		"mine.txt", "layers.txt", "many.list", NULL};
	char path[160];

	(void)state;
	for (size_t k = 0; names[k]; k++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[k]);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_registrable, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_plain, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_hosts, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_new, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_user_first, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_layers, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_mistakes, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_hash, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_folder, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
