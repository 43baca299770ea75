/* SPDX-License-Identifier: Apache-2.0 */
/* Names in bytes: URLs, domains, addresses; names that imitate; accounts that look random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/indicator/indicator.h"

static struct indicators *known;

/* "scheme|name|port" of all names, a blank between them. */
static void assert_names(const char *text, const char *wanted)
{
	char got[600] = "";
	struct net_name n;
	size_t at = 0, last = 0;

	while (net_name_next(known, str_of(text), &at, &n)) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%.*s|%.*s|%u", len ? " " : "",
			STR_ARG(n.scheme), STR_ARG(n.text), n.port);
		assert_true(at > last && n.at < at);
		last = at;
	}
	assert_string_equal(got, wanted);
}

static void test_next(void **state)
{
	(void)state;
	assert_names("curl -o x http://a.example.com/x.sh", "http|a.example.com|0");
	assert_names(
		"stratum+tcp://xmr.pool.example.net:3333", "stratum+tcp|xmr.pool.example.net|3333");
	assert_names("-P stratum://0x12.worker:p@eu1.example.org:4444/x",
		"stratum|eu1.example.org|4444");
	assert_names("http://user.name:pa.ss@h.example.com:8080/", "http|h.example.com|8080");
	assert_names("git@github.com:a/b.git", "|github.com|0");
	assert_names("POOL=pool.example.com:14444\nX=1", "|pool.example.com|14444");
	assert_names(
		"\"me.duckdns.org\", 'you.duckdns.org'", "|me.duckdns.org|0 |you.duckdns.org|0");
	assert_names("nc 203.0.113.9 4444; curl http://198.51.100.2:81/a",
		"|203.0.113.9|0 http|198.51.100.2|81");
	assert_names("http://c2.example.invalid/a c2.example.invalid", "http|c2.example.invalid|0");
	assert_names("See www.example.com.", "|www.example.com|0");
}

static void test_not_names(void **state)
{
	(void)state;
	assert_names("libc.so.6 foo.py setup.sh README.md a.out", "");
	assert_names("os.path.join(self.name, x.id) obj.host = y.in", "");
	assert_names("import java.util.List; System.out.println", "");
	assert_names("version 1.2.3 and 1.2.3.4.5 and 300.1.1.1", "");
	assert_names("a..b ... .com com. 1.", "");
	assert_names("std::cout.is(x) this.to[0] config.name=1", "");
	assert_names("", "");
}

/* Whatever the bytes are: it ends, goes forward and stays inside. */
static void test_any_bytes(void **state)
{
	static const char letters[] = "a1.-_:/@\\ \n\"com.org";
	char text[200];
	struct net_name n;

	(void)state;
	srand(11);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)rand() % sizeof(text), at = 0, last = 0;

		for (size_t k = 0; k < len; k++)
			text[k] = rand() % 20 ? letters[(size_t)rand() % (sizeof(letters) - 1)]
					      : (char)rand();
		while (net_name_next(known, str_make(text, len), &at, &n)) {
			assert_true(at > last && at <= len && n.at < at);
			assert_true(n.text.s >= text && n.text.s + n.text.len <= text + at);
			last = at;
		}
		assert_int_equal(at, len);
	}
}

static void assert_imitation(const char *name, enum imitation wanted, const char *official)
{
	struct str got = STR_NULL;
	enum imitation i = indicators_imitates(known, str_of(name), &got);

	if (i != wanted)
		fail_msg("%s: %d, not %d (%.*s)", name, (int)i, (int)wanted, STR_ARG(got));
	if (wanted != IMITATION_NONE && !str_is(got, official))
		fail_msg("%s: %.*s, not %s", name, STR_ARG(got), official);
}

static void test_imitates(void **state)
{
	(void)state;
	assert_imitation("vibersastra/ubuntu", IMITATION_SAME, "ubuntu");
	assert_imitation("c43602f9cc95/openjdk", IMITATION_SAME, "openjdk");
	assert_imitation("ghcr.io/someone/nginx", IMITATION_SAME, "nginx");
	assert_imitation("x/ubunut", IMITATION_EDIT, "ubuntu");
	assert_imitation("x/ubunto", IMITATION_EDIT, "ubuntu");
	assert_imitation("x/postgress", IMITATION_EDIT, "postgres");
	assert_imitation("x/elasticserach", IMITATION_EDIT, "elasticsearch");
	assert_imitation("x/nginxx", IMITATION_EDIT, "nginx");
	assert_imitation("x/ngnix", IMITATION_EDIT, "nginx");
	assert_imitation("x/n0de", IMITATION_HOMOGLYPH, "node");
	assert_imitation("x/ng1nx", IMITATION_HOMOGLYPH, "nginx");
	assert_imitation("x/a1pine", IMITATION_HOMOGLYPH, "alpine");
	assert_imitation("x/rnongo", IMITATION_HOMOGLYPH, "mongo");
	assert_imitation("x/ub\xd1\x83ntu", IMITATION_NONE, ""); /* y for u: no likeness */
	assert_imitation("x/d\xd0\xb5"
			 "bian",
		IMITATION_HOMOGLYPH, "debian"); /* Cyrillic e */
	assert_imitation("x/\xef\xbd\x8e\xef\xbd\x8f\xef\xbd\x84\xef\xbd\x85", IMITATION_HOMOGLYPH,
		"node"); /* full width */
	assert_imitation("x/ubuntu-official", IMITATION_TOKEN, "ubuntu");
	assert_imitation("x/official_nginx_image", IMITATION_TOKEN, "nginx");
}

static void test_does_not_imitate(void **state)
{
	(void)state;
	assert_imitation("library/ubuntu", IMITATION_NONE, "");
	assert_imitation("ubuntu", IMITATION_NONE, "");
	assert_imitation("bitnami/nginx", IMITATION_NONE, "");
	assert_imitation("kong/kong", IMITATION_NONE, "");
	assert_imitation("someone/my-app", IMITATION_NONE, "");
	assert_imitation("someone/ubuntu-nodejs", IMITATION_NONE, "");
	assert_imitation("someone/nginx-exporter", IMITATION_NONE, "");
	assert_imitation("someone/store", IMITATION_NONE, ""); /* storm */
	assert_imitation("someone/candy", IMITATION_NONE, ""); /* caddy */
	assert_imitation("someone/mode", IMITATION_NONE, "");  /* node */
	assert_imitation("someone/", IMITATION_NONE, "");
	assert_imitation("", IMITATION_NONE, "");
}

static void test_random(void **state)
{
	static const char *const random[] = {"c43602f9cc95", "700888880a0", "xkqzvbtr",
		"a1b2c3d4e5", "dkfjghslq", "99281726", NULL};
	static const char *const people[] = {"vibersastra", "thanhtudo", "thieunutre", "chanquaa",
		"azurenql", "linuxserver", "bitnami", "arm64v8", "arm32v7", "ppc64le", "schmitt",
		"john1987", "rhythm", "k8sgcr", "amd64", "strimzi", "jrottenberg", "dtzar", "s390x",
		"mcr", "borgwarner", "knightswatch", "docker4x", "2fauth", NULL};

	(void)state;
	for (size_t k = 0; random[k]; k++)
		if (!name_looks_random(str_of(random[k])))
			fail_msg("%s is not called random", random[k]);
	for (size_t k = 0; people[k]; k++)
		if (name_looks_random(str_of(people[k])))
			fail_msg("%s is called random", people[k]);
}

static int load(void **state)
{
	struct err e = {0};

	(void)state;
	return indicators_load("data", NULL, &known, &e);
}

static int unload(void **state)
{
	(void)state;
	indicators_free(known);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_not_names),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_imitates),
		cmocka_unit_test(test_does_not_imitate),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
