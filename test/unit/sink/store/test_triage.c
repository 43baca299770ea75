/* SPDX-License-Identifier: Apache-2.0 */
/* What people do with findings, and what mutes do: states, history, counts that follow. */
#include "common.h"

static uint64_t triage(struct fixture *f, struct store_triage t)
{
	uint64_t changed = 0;
	struct err e = {0};

	if (!t.who.len)
		t.who = STR("ada");
	assert_ok(&e, store_triage(f->s, &t, &changed, NULL, &e));
	return changed;
}

static enum store_state state_of(struct fixture *f, const char *id)
{
	struct store_detail d;
	struct err e = {0};

	assert_ok(&e, store_finding_get(f->s, str_of(id), &f->a, &d, &e));
	return d.finding.state;
}

static uint64_t open_of_container(struct fixture *f)
{
	struct store_container c;
	struct err e = {0};

	assert_ok(&e, store_container_get(f->s, STR("web"), &f->a, &c, &e));
	return c.open;
}

static void states_and_history(void **state)
{
	struct fixture *f = *state;
	struct str ids[] = {STR("a"), STR("b")};
	struct store_detail d;
	struct store_counts c;
	struct err e = {0};

	put_findings(f, {.id = "a", .container = "0123456789ab"},
		{.id = "b", .at_s = 1, .container = "0123456789ab"}, {.id = "c", .at_s = 2});
	assert_int_equal(open_of_container(f), 2);
	assert_int_equal(triage(f,
				 (struct store_triage){
					 .ids = ids, .nids = 2, .action = STORE_DID_ACKNOWLEDGE}),
		2);
	assert_int_equal(state_of(f, "a"), STORE_ACKNOWLEDGED);
	assert_int_equal(open_of_container(f), 0);
	/* again: nothing changes */
	assert_int_equal(triage(f,
				 (struct store_triage){
					 .ids = ids, .nids = 2, .action = STORE_DID_ACKNOWLEDGE}),
		0);
	assert_int_equal(triage(f, (struct store_triage){.ids = ids,
					   .nids = 1,
					   .action = STORE_DID_RESOLVE,
					   .text = STR("a test of ours")}),
		1);
	assert_int_equal(triage(f, (struct store_triage){.ids = ids,
					   .nids = 1,
					   .action = STORE_DID_ASSIGN,
					   .assignee = STR("grace")}),
		1);
	assert_int_equal(triage(f, (struct store_triage){.ids = ids,
					   .nids = 1,
					   .action = STORE_DID_COMMENT,
					   .text = STR("look again")}),
		1);
	assert_ok(&e, store_finding_get(f->s, STR("a"), &f->a, &d, &e));
	assert_int_equal(d.finding.state, STORE_RESOLVED);
	assert_str(d.finding.assignee, "grace");
	assert_int_equal(d.nhistory, 4);
	assert_int_equal(d.history[0].action, STORE_DID_ACKNOWLEDGE);
	assert_str(d.history[0].who, "ada");
	assert_int_equal(d.history[1].action, STORE_DID_RESOLVE);
	assert_str(d.history[1].text, "a test of ours");
	assert_int_equal(d.history[2].action, STORE_DID_ASSIGN);
	assert_str(d.history[2].text, "grace");
	assert_int_equal(d.history[3].action, STORE_DID_COMMENT);
	assert_true(d.history[0].time_ns == T0_NS);
	assert_ok(&e, store_counts(f->s, &c, &e));
	assert_int_equal(c.by_state[STORE_OPEN], 1);
	assert_int_equal(c.by_state[STORE_ACKNOWLEDGED], 1);
	assert_int_equal(c.by_state[STORE_RESOLVED], 1);
	assert_int_equal(
		triage(f, (struct store_triage){.ids = ids, .nids = 2, .action = STORE_DID_REOPEN}),
		2);
	assert_int_equal(open_of_container(f), 2);
	assert_string_equal(find_ids(f, .states = 1u << STORE_OPEN), "c b a");
	assert_string_equal(find_ids(f, .assignee = STR("grace")), "a");
	assert_ok(&e, store_check(f->s, &e));
}

static void all_that_a_filter_selects(void **state)
{
	struct fixture *f = *state;
	struct store_query q = {.filter = STR("proc.name = xmrig"), .limit = 1};
	struct store_place place;
	uint64_t changed = 0;
	struct err e = {0};

	put_findings(f, {.id = "a", .process = "xmrig"}, {.id = "b", .at_s = 1, .process = "xmrig"},
		{.id = "c", .at_s = 2, .process = "cat"});
	assert_int_equal(
		triage(f, (struct store_triage){.query = &q, .action = STORE_DID_RESOLVE}), 2);
	assert_int_equal(state_of(f, "c"), STORE_OPEN);
	/* selected by what SQL cannot do, with another way to say it */
	q.filter = STR("proc.name iglob 'CA?'");
	assert_int_equal(
		triage(f, (struct store_triage){.query = &q, .action = STORE_DID_RESOLVE}), 1);
	q.filter = STR("proc.nmae = x");
	struct store_triage t = {.query = &q, .action = STORE_DID_RESOLVE};
	assert_int_equal(store_triage(f->s, &t, &changed, &place, &e), -EINVAL);
	assert_int_equal(place.column, 1);
}

static void all_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct str ids[] = {STR("a"), STR("missing")};
	struct store_triage t = {.ids = ids, .nids = 2, .action = STORE_DID_RESOLVE};
	uint64_t changed = 0;
	struct err e = {0};

	put_findings(f, {.id = "a"});
	assert_int_equal(store_triage(f->s, &t, &changed, NULL, &e), -ENOENT);
	assert_int_equal(state_of(f, "a"), STORE_OPEN);
	t = (struct store_triage){.ids = ids, .nids = 1, .action = STORE_DID_COMMENT};
	assert_int_equal(store_triage(f->s, &t, &changed, NULL, &e), -EINVAL);
	assert_ok(&e, store_check(f->s, &e));
}

static struct str add_mute(struct fixture *f, struct store_mute m, bool existing, uint64_t *changed)
{
	struct str id;
	struct err e = {0};

	if (!m.reason.len)
		m.reason = STR("known");
	m.created_by = STR("ada");
	assert_ok(&e, store_mute_add(f->s, &m, existing, &f->a, &id, changed, NULL, &e));
	return id;
}

static struct store_mute first_mute(struct fixture *f)
{
	struct store_mute *m = NULL;
	struct err e = {0};
	size_t n = 0;

	assert_ok(&e, store_mute_list(f->s, &f->a, &m, &n, &e));
	assert_true(n > 0);
	return m[0];
}

static void a_mute_mutes_what_comes(void **state)
{
	struct fixture *f = *state;
	uint64_t changed = 0;
	struct err e = {0};

	put_findings(f, {.id = "before", .process = "apt"});
	struct str id = add_mute(f,
		(struct store_mute){.filter = STR("proc.name glob 'ap?' and user.name = root"),
			.until_ns = T0_NS + 3600 * SEC},
		false, &changed);
	assert_int_equal(changed, 0);
	put_findings(f, {.id = "m1", .at_s = 1, .process = "apt"},
		{.id = "m2", .at_s = 2, .process = "bash"},
		{.id = "m3", .at_s = 3, .process = "apt"});
	assert_int_equal(state_of(f, "before"), STORE_OPEN);
	assert_int_equal(state_of(f, "m1"), STORE_MUTED);
	assert_int_equal(state_of(f, "m2"), STORE_OPEN);
	assert_int_equal(first_mute(f).muted_count, 2);
	/* it holds after a restart too, and ends by itself */
	store_close(f->s);
	open_store(f);
	put_findings(f, {.id = "m4", .at_s = 4, .process = "apt"});
	assert_int_equal(state_of(f, "m4"), STORE_MUTED);
	test_now = T0_NS + 3601 * SEC;
	put_findings(f, {.id = "m5", .at_s = 5, .process = "apt"});
	assert_int_equal(state_of(f, "m5"), STORE_OPEN);
	assert_int_equal(state_of(f, "m4"), STORE_MUTED);
	assert_true(first_mute(f).has_expired);
	assert_int_equal(first_mute(f).muted_count, 3);
	assert_ok(&e, store_mute_delete(f->s, id, &e));
	assert_int_equal(store_mute_delete(f->s, id, &e), -ENOENT);
	assert_ok(&e, store_check(f->s, &e));
}

static void redelivery_is_not_muted_twice(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT(1 << 20);

	add_mute(f, (struct store_mute){.rule = STR("Noise")}, false, NULL);
	build_finding(&b, &(struct spec){.id = "n", .rule = "Noise"});
	assert_int_equal(put_line(f, b.s), STORE_STORED);
	assert_int_equal(put_line(f, b.s), STORE_KNOWN);
	assert_int_equal(first_mute(f).muted_count, 1);
	buf_done(&b);
}

static void a_mute_may_take_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct store_detail d;
	uint64_t changed = 0;
	struct err e = {0};

	put_findings(f, {.id = "a", .fingerprint = "abc"},
		{.id = "b", .at_s = 1, .fingerprint = "abc"},
		{.id = "c", .at_s = 2, .fingerprint = "def"});
	struct str id = add_mute(f, (struct store_mute){.fingerprint = STR("abc")}, true, &changed);
	assert_int_equal(changed, 2);
	assert_ok(&e, store_finding_get(f->s, STR("a"), &f->a, &d, &e));
	assert_int_equal(d.finding.state, STORE_MUTED);
	assert_true(str_eq(d.finding.mute_id, id));
	assert_int_equal(d.history[0].action, STORE_DID_MUTE);
	assert_str(d.history[0].text, "known");
	assert_int_equal(state_of(f, "c"), STORE_OPEN);
	assert_int_equal(first_mute(f).muted_count, 2);
}

static void mutes_need_sense(void **state)
{
	struct fixture *f = *state;
	static const struct store_mute bad[] = {
		{.reason = {"x", 1}},
		{.rule = {"r", 1}},
		{.rule = {"r", 1}, .reason = {"x", 1}, .until_ns = 5},
		{.fingerprint = {"zz", 2}, .reason = {"x", 1}},
		{.filter = {"proc.nmae = x", 13}, .reason = {"x", 1}},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct str id;
		struct err e = {0};

		assert_int_equal(
			store_mute_add(f->s, &bad[i], false, &f->a, &id, NULL, NULL, &e), -EINVAL);
		assert_true(e.msg[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(states_and_history),
		TEST(all_that_a_filter_selects),
		TEST(all_or_nothing),
		TEST(a_mute_mutes_what_comes),
		TEST(redelivery_is_not_muted_twice),
		TEST(a_mute_may_take_what_is_there),
		TEST(mutes_need_sense),
	};

	return run_both(tests);
}
