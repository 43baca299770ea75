/* SPDX-License-Identifier: Apache-2.0 */
/* Impostors by name, by layers, by labels and accounts; and honest names, which are left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_ledger.h"

#define BASE  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER "sha256:0000000000fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

extern const struct analyzer_ops analyzer_masquerade;
static struct ledger l;
static void *self;
static char feed[] = "/tmp/koban-layers-XXXXXX";

static const struct str base[] = {STR(BASE), STR(OTHER)}, other[] = {STR(OTHER)};

static void show(const char *repository, const struct str *diff_ids, size_t n,
	const struct artifact_pair *labels, size_t nlabels)
{
	struct artifact_layer layers[2] = {{.diff_id = n ? diff_ids[0] : STR_NULL}};
	struct artifact_image image = {.registry = STR("docker.io"),
		.repository = str_of(repository),
		.config = {.diff_ids = diff_ids,
			.ndiff_ids = n,
			.labels = labels,
			.nlabels = nlabels},
		.layers = layers,
		.nlayers = n};

	fake_ledger_clear(&l);
	fake_show_image(&analyzer_masquerade, self, &l, &image);
}

static const struct artifact_finding *find(const char *check, enum artifact_severity severity)
{
	const struct artifact_finding *f = fake_find(&l, check);

	size_t others = fake_count(&l, "masquerade-account");

	if (strcmp(check, "masquerade-account") == 0)
		others = 0;
	if (!f || f->severity != severity || l.nfindings != 1 + others) {
		fake_print(&l);
		fail_msg("not just one %s of severity %s", check, artifact_severity_name(severity));
	}
	return f;
}

static void assert_nothing(void)
{
	if (l.nfindings)
		fake_print(&l);
	assert_int_equal(l.nfindings, 0);
}

static void test_names(void **state)
{
	(void)state;
	show("vibersastra/golang", other, 1, NULL, 0);
	const struct artifact_finding *f = find("masquerade-name", ARTIFACT_LOW);
	assert_int_equal(f->label, LABEL_MASQUERADE);
	assert_true(str_is(artifact_finding_fact(f, "official"), "golang"));
	assert_non_null(strstr(f->title.s, "lacks what"));
	assert_true(f->confidence > 50);
	/* of a distribution nothing tells it */
	show("vibersastra/alpine", other, 1, NULL, 0);
	f = find("masquerade-name", ARTIFACT_LOW);
	assert_non_null(strstr(f->title.s, "not known"));
	assert_true(f->confidence < 50);
	/* the account is a sign of its own */
	show("c43602f9cc95/openjdk", other, 1, NULL, 0);
	find("masquerade-name", ARTIFACT_MEDIUM);
	show("someone/ng1nx", other, 1, NULL, 0);
	find("masquerade-name", ARTIFACT_LOW);
}

static void test_marks(void **state)
{
	const struct str env[] = {STR("PATH=/bin"), STR("GOLANG_VERSION=1.22.1")};
	struct artifact_image image = {.repository = STR("someone/golang"),
		.config = {.diff_ids = other, .ndiff_ids = 1, .env = env, .nenv = 2}};

	(void)state;
	fake_ledger_clear(&l);
	fake_show_image(&analyzer_masquerade, self, &l, &image);
	const struct artifact_finding *f = find("masquerade-name", ARTIFACT_LOW);
	assert_non_null(strstr(f->title.s, "not known"));
	image.config.nenv = 1;
	fake_ledger_clear(&l);
	fake_show_image(&analyzer_masquerade, self, &l, &image);
	f = find("masquerade-name", ARTIFACT_LOW);
	assert_non_null(strstr(f->title.s, "lacks what"));
}

static void test_lineage(void **state)
{
	(void)state;
	/* the feed knows ubuntu's layer */
	show("someone/ubuntu", base, 2, NULL, 0);
	assert_nothing();
	show("someone/ubuntu", other, 1, NULL, 0);
	const struct artifact_finding *f = find("masquerade-name", ARTIFACT_MEDIUM);
	assert_non_null(strstr(f->title.s, "none of its layers"));
	show("c43602f9cc95/ubuntu", other, 1, NULL, 0);
	find("masquerade-name", ARTIFACT_HIGH);
}

static void test_labels(void **state)
{
	const struct artifact_pair vendor[] = {
		{STR("org.opencontainers.image.vendor"), STR("Canonical Ltd.")}};
	const struct artifact_pair claim[] = {
		{STR("org.opencontainers.image.title"), STR("Docker Official Image nginx")}};
	const struct artifact_pair title[] = {
		{STR("org.opencontainers.image.title"), STR("d\xd0\xb5"
							    "bian")}};
	const struct artifact_pair spam[] = {{STR("description"),
		STR("Photoshop crack full version free download https://bit.ly/x")}};

	(void)state;
	show("someone/tool", other, 1, vendor, 1);
	find("masquerade-label", ARTIFACT_INFO);
	show("someone/tool", other, 1, claim, 1);
	assert_int_equal(find("masquerade-label", ARTIFACT_LOW)->confidence, 60);
	show("someone/golang", other, 1, vendor, 1);
	find("masquerade-name", ARTIFACT_MEDIUM);
	show("ubuntu/tool", other, 1, vendor, 1);
	assert_nothing();
	show("someone/tool", other, 1, title, 1);
	find("masquerade-name", ARTIFACT_LOW);
	show("someone/tool", NULL, 0, spam, 1);
	find("masquerade-spam", ARTIFACT_MEDIUM);
}

static void test_honest(void **state)
{
	(void)state;
	show("library/ubuntu", base, 2, NULL, 0);
	assert_nothing();
	show("bitnami/redis", other, 1, NULL, 0);
	assert_nothing();
	show("someone/website", other, 1, NULL, 0);
	assert_nothing();
	show("someone/nginx-exporter", other, 1, NULL, 0);
	assert_nothing();
	show("", other, 1, NULL, 0);
	assert_nothing();
	show("c43602f9cc95/website", other, 1, NULL, 0);
	find("masquerade-account", ARTIFACT_INFO);
}

static int open_it(void **state)
{
	static const char text[] = "#! kind: layer\nubuntu " BASE "\n";
	const char *const feeds[] = {feed, NULL};
	struct err e = {0};
	int fd = mkstemp(feed);

	(void)state;
	if (fd < 0 || write(fd, text, sizeof(text) - 1) != sizeof(text) - 1)
		return -1;
	close(fd);
	fake_ledger_init(&l);
	return analyzer_masquerade.open(
		&(struct analyzer_options){.data_dir = "data", .feeds = feeds}, &self, &e);
}

static int close_it(void **state)
{
	(void)state;
	analyzer_masquerade.close(self);
	fake_ledger_done(&l);
	return unlink(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_lineage),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_honest),
	};

	return cmocka_run_group_tests(tests, open_it, close_it);
}
