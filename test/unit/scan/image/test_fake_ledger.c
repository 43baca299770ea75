/* SPDX-License-Identifier: Apache-2.0 */
/* The fake ledger shows files as the pass does, and keeps what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_ledger.h"

static struct ledger l;
static struct {
	unsigned nentries, nwindows, nbytes;
	bool saw_text, saw_elf, had_sha;
	uint64_t last_offset;
} seen;

static void see_entry(void *self, const struct artifact_file *f, struct ledger *to)
{
	assert_ptr_equal(to, &l);
	seen.nentries++;
}

static void see_file(void *self, const struct file_view *v, struct ledger *to)
{
	seen.nwindows++;
	seen.nbytes += v->content.len;
	seen.saw_text = v->is_text;
	seen.saw_elf = v->is_elf;
	seen.had_sha = v->has_sha256;
	seen.last_offset = v->offset;
	assert_true(v->is_first == (v->offset == 0));
	struct artifact_pair fact = {STR("sha256"), arena_str(ledger_arena(to), STR("00"))};
	ledger_find(to, &(struct artifact_finding){.check = STR("test-seen"),
				.label = LABEL_OTHER,
				.title = arena_str(ledger_arena(to), STR("was seen")),
				.facts = &fact,
				.nfacts = 1});
	ledger_runs(to, STR("sh"));
	ledger_gap(to, "half of it", false);
}

static const struct analyzer_ops ops = {.name = "test", .entry = see_entry, .file = see_file};

static void windows_overlap(void **state)
{
	struct artifact_file f = {.path = STR("/x"), .kind = ARTIFACT_FILE};

	memset(&seen, 0, sizeof(seen));
	fake_ledger_init(&l);
	fake_show_windows(&ops, NULL, &l, &f, STR("0123456789"), 6, 2);
	assert_int_equal(seen.nentries, 1);
	assert_int_equal(seen.nwindows, 2);
	assert_int_equal(seen.nbytes, 12);
	assert_int_equal(seen.last_offset, 4);
	assert_true(seen.saw_text && seen.had_sha && !seen.saw_elf);
	assert_int_equal(fake_count(&l, "test-seen"), 2);
	assert_true(str_is(fake_find(&l, "test-seen")->path, "/x"));
	assert_true(str_is(fake_find(&l, "test-seen")->title, "was seen"));
	assert_true(str_is(artifact_finding_fact(fake_find(&l, "test-seen"), "sha256"), "00"));
	assert_null(fake_find(&l, "test-other"));
	assert_true(fake_has_run(&l, "sh") && !fake_has_run(&l, "bash"));
	assert_int_equal(l.ngaps, 2);
	fake_ledger_clear(&l);
	assert_int_equal(l.nfindings + l.ngaps + l.nruns, 0);
	fake_ledger_done(&l);
}

static void what_has_no_content_is_only_an_entry(void **state)
{
	struct artifact_file f = {.path = STR("/d"), .kind = ARTIFACT_DIR};

	memset(&seen, 0, sizeof(seen));
	fake_ledger_init(&l);
	fake_show_file(&ops, NULL, &l, &f, STR_NULL);
	assert_int_equal(seen.nentries, 1);
	assert_int_equal(seen.nwindows, 0);
	fake_show(&ops, NULL, &l, "/empty", 0644, STR_NULL);
	assert_int_equal(seen.nwindows, 1);
	fake_show(&ops, NULL, &l, "/elf", 0755, STR("\177ELF\0\0"));
	assert_true(seen.saw_elf && !seen.saw_text);
	fake_ledger_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_overlap),
		cmocka_unit_test(what_has_no_content_is_only_an_entry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
