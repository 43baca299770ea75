/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, tries and automata against the plain loop over all literals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/filter/matcher.h"

enum { LITERALS = 60, TEXTS = 200, ROUNDS = 30 };

static unsigned seed = 42;
static struct arena arena;

static struct str random_text(const char *letters, unsigned max)
{
	unsigned n = (unsigned)rand_r(&seed) % (max + 1), k = (unsigned)strlen(letters);
	char *s = arena_alloc(&arena, n + 1);

	for (unsigned i = 0; i < n; i++)
		s[i] = letters[(unsigned)rand_r(&seed) % k];
	return str_make(s, n);
}

static bool paths_match(struct str path, struct str text)
{
	char a[64] = "/", b[64] = "/";

	for (size_t i = 0; i < path.len; i++)
		if (path.s[i] != '/' || a[strlen(a) - 1] != '/')
			strncat(a, path.s + i, 1);
	for (size_t i = 0; i < text.len; i++)
		if (text.s[i] != '/' || b[strlen(b) - 1] != '/')
			strncat(b, text.s + i, 1);
	if (a[strlen(a) - 1] != '/')
		strcat(a, "/");
	if (b[strlen(b) - 1] != '/')
		strcat(b, "/");
	return str_starts(str_of(b), str_of(a));
}

static bool holds(int kind, struct str literal, struct str text)
{
	switch (kind) {
	case 0:
		return str_eq(text, literal);
	case 1:
		return str_starts(text, literal);
	case 2:
		return str_ends(text, literal);
	default:
		return paths_match(literal, text);
	}
}

static int32_t parent_of(int kind, const void *m, int32_t id)
{
	return kind == 0 ? MATCH_NONE : kind == 3 ? path_trie_parent(m, id) : trie_parent(m, id);
}

static int32_t find(int kind, const void *m, struct str text)
{
	return kind == 0   ? dict_find(m, text)
	       : kind == 3 ? path_trie_find(m, text)
			   : trie_find(m, text);
}

/* What is found, with its parents, is exactly what holds. */
static void check(
	int kind, const void *m, const struct str *literals, const uint32_t *ids, struct str text)
{
	bool found[LITERALS] = {0};

	for (int32_t id = find(kind, m, text); id != MATCH_NONE; id = parent_of(kind, m, id))
		for (int i = 0; i < LITERALS; i++)
			found[i] |= ids[i] == (uint32_t)id;
	for (int i = 0; i < LITERALS; i++)
		if (found[i] != holds(kind, literals[i], text))
			fail_msg("kind %d, '%.*s' on '%.*s': %d", kind, STR_ARG(literals[i]),
				STR_ARG(text), found[i]);
}

static const void *build(int kind, const struct str *literals, uint32_t *ids)
{
	if (kind == 0)
		return dict_new(&arena, literals, LITERALS, ids);
	if (kind == 3)
		return path_trie_new(&arena, literals, LITERALS, ids);
	return trie_new(&arena, literals, LITERALS, kind == 2, ids);
}

static void test_ids(void **state)
{
	struct str literals[LITERALS];
	uint32_t ids[LITERALS];

	for (int round = 0; round < ROUNDS; round++) {
		arena_reset(&arena);
		for (int i = 0; i < LITERALS; i++)
			literals[i] = random_text(round % 2 ? "ab/" : "a/\x80\xff", 6);
		for (int kind = 0; kind < 4; kind++) {
			const void *m = build(kind, literals, ids);

			assert_non_null(m);
			for (int t = 0; t < TEXTS; t++)
				check(kind, m, literals, ids,
					random_text(round % 2 ? "ab/" : "a/\x80\xff", 9));
		}
	}
}

static void test_automaton(void **state)
{
	struct str literals[LITERALS];
	uint32_t bits[LITERALS];

	for (int round = 0; round < ROUNDS; round++) {
		bool fold = round % 2;

		arena_reset(&arena);
		for (int i = 0; i < LITERALS; i++)
			literals[i] = random_text("abAB\xff", 5);
		struct automaton *m =
			automaton_new(&arena, literals, LITERALS, fold, 1 << 20, bits);
		assert_non_null(m);
		for (int t = 0; t < TEXTS; t++) {
			struct str text = random_text("abcAB\xff", 30);
			uint64_t got[LITERALS / 64 + 2] = {0};

			automaton_scan(m, text, got);
			for (int i = 0; i < LITERALS; i++) {
				bool want = (fold ? str_ifind(text, literals[i])
						  : str_find(text, literals[i])) >= 0;

				if ((got[bits[i] / 64] >> (bits[i] % 64) & 1) != want)
					fail_msg("'%.*s' in '%.*s' (%d)", STR_ARG(literals[i]),
						STR_ARG(text), fold);
			}
		}
	}
}

/* All 256 bytes, and a table that would be too large. */
static void test_automaton_limits(void **state)
{
	static char all[256];
	struct str literals[3] = {{all, 256}, {all + 100, 50}, {all + 255, 1}};
	uint32_t bits[3];
	uint64_t got = 0;

	arena_reset(&arena);
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	struct automaton *m = automaton_new(&arena, literals, 3, false, 1 << 20, bits);
	assert_non_null(m);
	automaton_scan(m, literals[0], &got);
	assert_int_equal(got, 7);
	got = 0;
	automaton_scan(m, str_make(all, 200), &got);
	assert_int_equal(got, 1 << bits[1]);
	assert_null(automaton_new(&arena, literals, 3, false, 1000, bits));
}

static void test_idset(void **state)
{
	uint32_t ids[] = {70, 64, 300, 64};
	struct idset s;

	arena_reset(&arena);
	assert_int_equal(idset_init(&arena, &s, ids, 4), 0);
	for (int32_t i = -1; i < 500; i++)
		assert_int_equal(idset_has(&s, i), i == 70 || i == 64 || i == 300);
	assert_int_equal(idset_init(&arena, &s, NULL, 0), 0);
	assert_false(idset_has(&s, 0));
}

static int setup(void **state)
{
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_automaton),
		cmocka_unit_test(test_automaton_limits),
		cmocka_unit_test(test_idset),
	};

	return cmocka_run_group_tests_name("matcher", tests, setup, teardown);
}
