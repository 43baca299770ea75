/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every shipped chisel opens; a name that is misspelt is guessed; a broken file is named and hides
 * nobody; mistakes have file and line.
 */
#include "bench.h"

static const struct chisel_catalogue *shipped(struct bench *b)
{
	static const char *const dirs[] = {"data/chisels"};

	if (!b->catalogue && chisel_catalogue_load(dirs, 1, &b->catalogue, &b->e) < 0)
		fail_msg("%s", b->e.msg);
	return b->catalogue;
}

/* A value that fits the type. */
static struct str sample(const struct chisel_arg *a)
{
	if (str_is(a->type, "ip"))
		return STR("10.0.0.1");
	if (str_is(a->type, "field"))
		return STR("proc.name");
	if (str_is(a->type, "filter"))
		return STR("proc.name = x");
	if (str_is(a->name, "read_or_write"))
		return STR("r");
	if (str_is(a->name, "draw"))
		return STR("dot");
	return str_is(a->type, "string") ? STR("it's \"odd\" \\ (x)") : STR("7");
}

static void open_with(struct bench *b, const struct chisel_info *info, size_t nargs)
{
	struct str args[16];

	for (size_t i = 0; i < nargs; i++)
		args[i] = sample(&info->args[i]);
	if (chisel_open(info, args, nargs, &b->env, &b->chisel, &b->e) < 0)
		fail_msg("%.*s with %zu arguments: %s", STR_ARG(info->name), nargs, b->e.msg);
	bench_read(b, "cat", "/etc/passwd", 10);
	if (chisel_end(b->chisel, &b->e) < 0)
		fail_msg("%.*s: %s", STR_ARG(info->name), b->e.msg);
	chisel_close(b->chisel);
	b->chisel = NULL;
}

static void open_every_way(struct bench *b, const struct chisel_info *info)
{
	size_t needed = 0;

	while (needed < info->nargs && !info->args[needed].is_optional)
		needed++;
	for (size_t n = needed; n <= info->nargs; n++)
		open_with(b, info, n);
}

static void test_shipped(void **state)
{
	struct bench b;

	bench_init(&b);
	const struct chisel_catalogue *c = shipped(&b);
	if (c->nbad)
		fail_msg("%.*s", STR_ARG(c->bad[0]));
	assert_true(c->nchisels >= 44);
	for (size_t i = 0; i < c->nchisels; i++)
		for (int run = 0; run < 8; run++) {
			b.env.json = run & 1;
			b.env.container = b.env.kubernetes = run & 2;
			b.env.is_live = run & 4;
			open_every_way(&b, &c->chisels[i]);
		}
	bench_done(&b);
}

static void test_names(void **state)
{
	struct bench b;

	bench_init(&b);
	shipped(&b);
	const struct chisel_info *info =
		chisel_catalogue_find(b.catalogue, STR("fileslower"), &b.e);
	assert_non_null(info);
	assert_true(str_is(info->category, "Performance"));
	assert_true(str_is(info->kind, "lines"));
	assert_int_equal(info->nargs, 2);
	assert_true(str_is(info->args[0].name, "min_ms") && !info->args[0].is_optional);
	assert_true(info->args[1].is_optional);
	assert_null(chisel_catalogue_find(b.catalogue, STR("topfiles_byte"), &b.e));
	bench_says(&b, "there is no chisel \"topfiles_byte\": did you mean \"topfiles_bytes\"?");
	assert_null(chisel_catalogue_find(b.catalogue, STR("topfiles"), &b.e));
	bench_says(&b, "did you mean \"topfiles_bytes\"?");
	assert_null(chisel_catalogue_find(b.catalogue, STR("quite_another"), &b.e));
	bench_says(&b, "koban chisels lists them");
	assert_non_null(chisel_catalogue_find(b.catalogue, STR("data/chisels/ps.yaml"), &b.e));
	assert_null(chisel_catalogue_find(b.catalogue, STR("/nowhere/x.yaml"), &b.e));
	bench_says(&b, "/nowhere/x.yaml");
	bench_done(&b);
}

#define HEAD "kind: table\ncategory: C\nsummary: s\ndescription: d\n"
#define KEY  "columns:\n  - {name: A, field: proc.name, key: true}\n"

/* A folder in front wins; a broken file is told of, and the others are there. */
static void test_folders(void **state)
{
	struct bench b;

	bench_init(&b);
	snprintf(b.path, sizeof(b.path), "%s/ps.yaml", b.dir);
	const char *dirs[] = {b.dir, "data/chisels"};
	FILE *f = fopen(b.path, "w");
	assert_non_null(f);
	fputs("kind: table\ncategory: Mine\nsummary: s\ndescription: d\n" KEY, f);
	fclose(f);
	assert_int_equal(chisel_catalogue_load(dirs, 2, &b.catalogue, &b.e), 0);
	const struct chisel_info *info = chisel_catalogue_find(b.catalogue, STR("ps"), &b.e);
	assert_true(info && str_is(info->category, "Mine"));
	size_t n = b.catalogue->nchisels;
	chisel_catalogue_free(b.catalogue);

	f = fopen(b.path, "w");
	assert_non_null(f);
	fputs("kind: table\nsummary: [\n", f);
	fclose(f);
	assert_int_equal(chisel_catalogue_load(dirs, 2, &b.catalogue, &b.e), 0);
	assert_int_equal(b.catalogue->nbad, 1);
	assert_int_equal(b.catalogue->nchisels, n); /* the shipped one */
	chisel_catalogue_free(b.catalogue);
	assert_int_equal(chisel_catalogue_load(dirs, 1, &b.catalogue, &b.e), 0);
	assert_null(chisel_catalogue_find(b.catalogue, STR("ps"), &b.e));
	bench_says(&b, "ps.yaml:");
	bench_done(&b);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"- a\n", "x.yaml:1: a chisel must be a map"},
		{"kind: table\n", "\"category\" is missing"},
		{"kind: tabel\ncategory: C\nsummary: s\ndescription: d\n" KEY,
			"there is no kind of chisel \"tabel\""},
		{HEAD "colums: []\n",
			"x.yaml:5: this kind of chisel has no key \"colums\"; did you "
			"mean \"columns\""},
		{HEAD "format: x\n" KEY, "x.yaml:5: this kind of chisel has no key \"format\""},
		{HEAD "filter: proc.nam = x\n" KEY, "x.yaml:5: the filter, line 1, column 1"},
		{HEAD "top: 0\n" KEY, "x.yaml:5: \"top\" must be a number from 1"},
		{HEAD "columns:\n  - {name: A, field: proc.nam, key: true}\n",
			"x.yaml:6: column \"A\""},
		{HEAD "columns:\n  - {name: A, field: proc.name}\n", "nothing tells rows apart"},
		{HEAD "columns:\n  - {name: A, field: proc.name, only: never}\n",
			"x.yaml:6: \"only\" must be one of"},
		{HEAD "args:\n  - {name: a, description: d, type: strin}\n" KEY,
			"x.yaml:6: \"type\" must be one of: string"},
		{HEAD "args:\n  - {name: A-b, description: d, type: string}\n" KEY,
			"x.yaml:6: an argument's name has small letters"},
		{HEAD "args:\n  - {name: a, description: d, optional: true}\n"
		      "  - {name: b, description: d}\n" KEY,
			"x.yaml:7: an argument that is needed stands in front"},
		{"kind: list\ncategory: C\nsummary: s\ndescription: d\n" KEY,
			"a list is \"from\" processes"},
		{"kind: lines\ncategory: C\nsummary: s\ndescription: d\n",
			"lines have either \"columns\" or a \"format\""},
		{"kind: lines\ncategory: C\nsummary: s\ndescription: d\nformat: '%proc.nam'\n",
			"x.yaml:5: the format, column 2"},
		{"kind: lines\ncategory: C\nsummary: s\ndescription: d\nformat: x\n"
		 "colours: [{if: proc.nam = b, colour: red}]\n",
			"x.yaml:6: if:1:1"},
		{"kind: lines\ncategory: C\nsummary: s\ndescription: d\nformat: x\n"
		 "colours: [{colour: pink}]\n",
			"\"pink\" is none of the colours"},
		{"kind: lines\ncategory: C\nsummary: s\ndescription: d\nformat: x\nkeep: 3\n",
			"\"by\" is missing"},
		{"kind: topology\ncategory: C\nsummary: s\ndescription: d\nnode: '%proc.nam'\n",
			"x.yaml:5: the node, column 2"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bench b;

		bench_init(&b);
		if (bench_open(&b, cases[i].text, NULL) >= 0)
			fail_msg("accepted:\n%s", cases[i].text);
		bench_says(&b, cases[i].says);
		bench_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
