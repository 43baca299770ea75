/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of several layers put together: which count, whose files are whose, how they are named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scan/image/layer.h"
#include "scan/image/merge.h"

#define STATUS STR("/var/lib/dpkg/status")

static const uint64_t files_below[] = {1, 2, 3}, files_above[] = {7};

static struct artifact_package deb(
	struct str name, struct str version, const uint64_t *files, size_t n)
{
	return (struct artifact_package){.type = PACKAGE_DPKG,
		.name = name,
		.version = version,
		.arch = STR("amd64"),
		.path = STATUS,
		.files = files,
		.nfiles = n};
}

static const struct artifact_package *find(const struct artifact_report *r, const char *name)
{
	const struct artifact_package *p = NULL;

	for (size_t i = 0; i < r->npackages; i++)
		if (strlen(name) == r->packages[i].name.len &&
			memcmp(r->packages[i].name.s, name, strlen(name)) == 0) {
			assert_null(p); /* once */
			p = &r->packages[i];
		}
	return p;
}

/*
 * The layer above has all packages again, and lists of files only of those that it installed: what
 * did not change keeps its files, what was upgraded has the new ones alone.
 */
static void test_files_of_dpkg(void **state)
{
	struct artifact_package below[] = {deb(STR("same"), STR("1"), files_below, 3),
		deb(STR("upgraded"), STR("1"), files_below, 3),
		deb(STR("removed"), STR("1"), files_below, 3),
		deb(STR("lost"), STR("1"), files_below, 3)};
	struct artifact_package above[] = {deb(STR("same"), STR("1"), NULL, 0),
		deb(STR("upgraded"), STR("2"), files_above, 1),
		deb(STR("lost"), STR("2"), NULL, 0)};
	const uint64_t path = str_hash(STATUS);
	struct layer_report layers[] = {
		{.found = {.packages = below,
			 .npackages = 4,
			 .distro = {.id = STR("debian"),
				 .version = STR("12"),
				 .path = STR("/etc/os-release")}},
			.paths = &path,
			.npaths = 1},
		{.found = {.packages = above, .npackages = 3}, .paths = &path, .npaths = 1},
	};
	const struct layer_report *const both[] = {&layers[0], &layers[1]};
	const struct artifact_image image = {0};
	struct artifact_report r = {0};
	struct arena a;

	(void)state;
	arena_init(&a, 16 << 20);
	assert_int_equal(
		merge_layers(
			&(struct merge){.layers = both, .nlayers = 2, .image = &image}, &a, &r),
		0);
	assert_int_equal(r.npackages, 3);
	assert_ptr_equal(find(&r, "same")->files, files_below);
	assert_int_equal(find(&r, "same")->nfiles, 3);
	assert_int_equal(find(&r, "same")->layer, 1);
	assert_ptr_equal(find(&r, "upgraded")->files, files_above);
	assert_null(find(&r, "removed"));
	/* another version's files are not its own */
	assert_int_equal(find(&r, "lost")->nfiles, 0);
	assert_true(str_is(
		find(&r, "same")->purl, "pkg:deb/debian/same@1?arch=amd64&distro=debian-12"));
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_files_of_dpkg)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
