/* SPDX-License-Identifier: Apache-2.0 */
/* Folding, as a table of moments: what is emitted, what is held, what the summaries say. */
#include "common.h"

#define SEC NSEC_PER_SEC

static struct finding with_print(uint64_t fingerprint, char text[64])
{
	struct finding f = finding_number((unsigned)fingerprint, text);

	return f;
}

struct step {
	unsigned at_s;
	uint64_t fingerprint; /* 0 = only look for summaries */
	enum fold_result result;
	uint64_t summary_of; /* fingerprint of the one summary at this moment, 0 = none */
	uint64_t count;
};

static const struct step steps[] = {
	{0, 1, FOLD_EMIT},
	{1, 1, FOLD_HELD},
	{2, 1, FOLD_FOLDED},
	{3, 2, FOLD_EMIT},
	{4, 1, FOLD_FOLDED},
	{29, 0, 0},
	{30, 0, 0, 1, 3},   /* the first window ends */
	{31, 1, FOLD_HELD}, /* a second one goes on without an emission */
	{33, 0, 0},         /* 2 never came again: forgotten */
	{34, 2, FOLD_EMIT}, /* so it is new */
	{60, 0, 0, 1, 1},
	{91, 0, 0}, /* a quiet window: 1 is forgotten too */
	{92, 1, FOLD_EMIT},
};

static void by_table(void **state)
{
	struct fold *f = fold_new(16, 30 * SEC);

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const struct step *s = &steps[i];
		const struct finding *x = fold_next(f, s->at_s * SEC), *evicted;
		char text[64];

		print_message("# step %zu\n", i);
		assert_int_equal(x ? x->fingerprint : 0, s->summary_of);
		assert_int_equal(x ? x->count : 0, s->count);
		if (x)
			assert_null(fold_next(f, s->at_s * SEC));
		if (!s->fingerprint)
			continue;
		struct finding in = with_print(s->fingerprint, text);
		in.ts_ns = s->at_s;
		assert_int_equal(fold_add(f, &in, s->at_s * SEC, &evicted), s->result);
		assert_null(evicted);
	}
	fold_free(f);
}

static void summary_is_a_copy(void **state)
{
	struct fold *f = fold_new(16, 30 * SEC);
	char text[64] = "gone", field[] = "nginx", tag[] = "net";
	struct str tags[] = {str_of(tag)};
	struct finding_field fields[] = {
		{.name = STR("proc.name"), .type = FV_STR, .s = str_of(field)},
		{.name = STR("proc.pid"), .type = FV_U64, .u = 7}};
	const struct finding *evicted;

	for (unsigned i = 0; i < 5; i++) {
		struct finding in = with_print(9, text);

		in.ts_ns = 100 + i;
		in.tags = tags;
		in.ntags = 1;
		in.fields = fields;
		in.nfields = 2;
		fold_add(f, &in, i, &evicted);
	}
	memset(text, 'x', sizeof(text));
	memset(field, 'x', 5);
	memset(tag, 'x', 3);
	assert_int_equal(fold_held(f), 1);
	const struct finding *x = fold_next(f, 30 * SEC);
	assert_non_null(x);
	assert_int_equal(fold_held(f), 0);
	assert_true(str_is(x->output, "number 9. (repeated 4 times in 30 s)"));
	assert_true(str_is(x->tags[0], "net"));
	assert_true(str_is(x->fields[0].s, "nginx"));
	assert_int_equal(x->fields[1].u, 7);
	assert_int_equal(x->first_ns, 101);
	assert_int_equal(x->ts_ns, 104);
	fold_free(f);
}

/* 100 fingerprints through a table of four: nothing is lost, summaries come early. */
static void a_full_table_gives_up_its_oldest(void **state)
{
	struct fold *f = fold_new(4, 30 * SEC);
	uint64_t emitted = 0, summed = 0;
	const struct finding *evicted, *x;
	char text[64];

	for (unsigned i = 1; i <= 100; i++) {
		for (int k = 0; k < 3; k++) {
			struct finding in = with_print(i, text);

			emitted += fold_add(f, &in, i, &evicted) == FOLD_EMIT;
			if (evicted) {
				assert_int_equal(evicted->fingerprint, i - 4);
				summed += evicted->count;
			}
		}
	}
	while ((x = fold_next(f, UINT64_MAX)))
		summed += x->count;
	assert_int_equal(emitted, 100);
	assert_int_equal(summed, 200);
	assert_int_equal(fold_held(f), 0);
	fold_free(f);
}

static void too_large_is_not_kept(void **state)
{
	struct fold *f = fold_new(4, 30 * SEC);
	size_t size = 1 << 20;
	char *big = malloc(size), text[64];
	struct finding in = with_print(1, text);
	const struct finding *evicted;

	memset(big, 'x', size);
	in.output = str_make(big, size);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fold_add(f, &in, 1, &evicted), FOLD_EMIT);
	assert_null(fold_next(f, UINT64_MAX));
	fold_free(f);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_table),
		cmocka_unit_test(summary_is_a_copy),
		cmocka_unit_test(a_full_table_gives_up_its_oldest),
		cmocka_unit_test(too_large_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
