/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of an image: in files, in windows of files, in the environment, history and labels; what
 * is in many places is said in a few; no value is in anything that is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_ledger.h"

extern const struct analyzer_ops analyzer_secrets;

/* A token that a rule knows, whole only in this process. */
#define BODY  "CAESIJkq83hd72bAHdj28aLmq0QzXw"
#define TOKEN "hvs." BODY
#define CHECK "secret-vault-service-token"

static struct ledger l;
static void *self;

static int open_it(void **state)
{
	struct err e = {0};

	fake_ledger_init(&l);
	if (analyzer_secrets.open(&(struct analyzer_options){.data_dir = "data"}, &self, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static int close_it(void **state)
{
	analyzer_secrets.close(self);
	fake_ledger_done(&l);
	return 0;
}

static int clear(void **state)
{
	fake_end_layer(&analyzer_secrets, self, &l);
	fake_ledger_clear(&l);
	return 0;
}

static void no_value(struct str s)
{
	assert_true(str_find(s, STR("CAESIJ")) < 0);
}

static void test_file(void **state)
{
	fake_show(&analyzer_secrets, self, &l, "/srv/app/config.yml", 0644,
		STR("one: 1\nvault: " TOKEN "\n"));
	const struct artifact_finding *f = fake_find(&l, CHECK);
	assert_non_null(f);
	assert_int_equal(f->label, LABEL_SECRETS);
	assert_int_equal(f->severity, ARTIFACT_CRITICAL);
	assert_int_equal(f->line, 2);
	assert_int_equal(f->offset, 14);
	assert_true(f->title.len > 10 && f->mend.len > 10);
	assert_int_equal(artifact_finding_fact(f, "secret").len, 16);
	assert_true(str_is(f->excerpt, "vault: ****"));
	no_value(f->title);
	no_value(f->excerpt);
	for (size_t i = 0; i < f->nfacts; i++)
		no_value(f->facts[i].value);
}

/* Found once though it lies in the overlap of two windows, in the right line of the file. */
static void test_windows(void **state)
{
	enum { WINDOW = 4 * ANALYZER_OVERLAP };
	size_t n = 3 * WINDOW;
	char *text = malloc(n);
	struct artifact_file f = {.path = STR("/srv/log"), .kind = ARTIFACT_FILE, .mode = 0644};
	size_t at[] = {100, WINDOW - ANALYZER_OVERLAP / 2, 2 * WINDOW};

	memset(text, '.', n);
	for (size_t i = 63; i < n; i += 64)
		text[i] = '\n';
	for (size_t i = 0; i < 3; i++) {
		at[i] = at[i] / 64 * 64;
		snprintf(text + at[i], 64, "vault %s%02zu", TOKEN, i);
		text[at[i] + strlen("vault " TOKEN) + 2] = ' ';
	}
	fake_show_windows(
		&analyzer_secrets, self, &l, &f, str_make(text, n), WINDOW, ANALYZER_OVERLAP);
	assert_int_equal(fake_count(&l, CHECK), 3);
	for (size_t i = 0; i < 3; i++) {
		bool is_there = false;
		for (size_t k = 0; k < l.nfindings; k++)
			is_there |= l.findings[k].line == at[i] / 64 + 1 &&
				    l.findings[k].offset == at[i] + 6;
		assert_true(is_there);
	}
	free(text);
}

static void test_config(void **state)
{
	fake_show_text(&analyzer_secrets, self, &l, PLACE_ENV, 2, "VAULT_TOKEN=" TOKEN);
	const struct artifact_finding *f = fake_find(&l, CHECK);
	assert_non_null(f);
	assert_int_equal(f->place, PLACE_ENV);
	assert_int_equal(f->index, 2);
	fake_show_text(&analyzer_secrets, self, &l, PLACE_ENV, 3, "DB_PASSWORD=kT9!vq2Lwzr");
	assert_non_null(fake_find(&l, "secret-generic-password"));
	fake_show_text(&analyzer_secrets, self, &l, PLACE_HISTORY, 4,
		"/bin/sh -c echo root:kT9vq2Lwzr | chpasswd");
	f = fake_find(&l, "secret-chpasswd");
	assert_non_null(f);
	assert_int_equal(f->place, PLACE_HISTORY);
	fake_show_text(&analyzer_secrets, self, &l, PLACE_LABEL, 0, "maintainer=a b <a@b.invalid>");
	fake_show_text(&analyzer_secrets, self, &l, PLACE_ENV, 0,
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	fake_show_text(
		&analyzer_secrets, self, &l, PLACE_ENV, 1, "DB_PASSWORD_FILE=/run/secrets/db");
	assert_int_equal(l.nfindings, 3);
}

static void test_many_places(void **state)
{
	char path[64];

	for (unsigned i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "/srv/app/%u.yml", i);
		fake_show(&analyzer_secrets, self, &l, path, 0644, STR("vault: " TOKEN "\n"));
	}
	assert_int_equal(fake_count(&l, CHECK), 3);
	fake_end_layer(&analyzer_secrets, self, &l);
	const struct artifact_finding *f = fake_find(&l, "secret-more-places");
	assert_non_null(f);
	assert_true(str_find(f->title, STR("17 more places")) >= 0);
	/* the next layer begins anew */
	fake_ledger_clear(&l);
	fake_show(&analyzer_secrets, self, &l, "/srv/app/x.yml", 0644, STR("vault: " TOKEN "\n"));
	assert_int_equal(fake_count(&l, CHECK), 1);
}

static void test_binary(void **state)
{
	static const char bytes[] = "\x7f"
				    "ELF\0\0\0\0 token=9F3bQ7xK2mV8cL5t\0 " TOKEN "\0\1\2";

	fake_show(&analyzer_secrets, self, &l, "/usr/local/bin/x", 0755,
		str_make(bytes, sizeof(bytes) - 1));
	assert_int_equal(l.nfindings, 1);
	assert_int_equal(fake_find(&l, CHECK)->line, 0);
}

static void test_ordinary_files(void **state)
{
	fake_show(&analyzer_secrets, self, &l, "/etc/passwd", 0644,
		STR("root:x:0:0:root:/root:/bin/bash\n"));
	fake_show(&analyzer_secrets, self, &l, "/etc/shadow", 0640,
		STR("root:*:19000:0:99999:7:::\n"));
	fake_show(&analyzer_secrets, self, &l, "/etc/nsswitch.conf", 0644,
		STR("passwd:         files\nshadow: files\n"));
	fake_show(&analyzer_secrets, self, &l, "/etc/login.defs", 0644,
		STR("PASS_MAX_DAYS\t99999\nENCRYPT_METHOD SHA512\n"));
	assert_int_equal(l.nfindings, 0);
}

static void test_knowledge(void **state)
{
	assert_true(analyzer_secrets.knowledge(self) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_file, clear),
		cmocka_unit_test_teardown(test_windows, clear),
		cmocka_unit_test_teardown(test_config, clear),
		cmocka_unit_test_teardown(test_many_places, clear),
		cmocka_unit_test_teardown(test_binary, clear),
		cmocka_unit_test_teardown(test_ordinary_files, clear),
		cmocka_unit_test(test_knowledge),
	};

	return cmocka_run_group_tests(tests, open_it, close_it);
}
