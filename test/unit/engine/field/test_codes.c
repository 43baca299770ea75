/* SPDX-License-Identifier: Apache-2.0 */
/* Which events an expression can be true for. */
#include "fixture.h"

enum { WORDS = (EVENT_CODE_MAX + 63) / 64 };

static bool has(const uint64_t *codes, unsigned code)
{
	return codes[code / 64] >> (code % 64) & 1;
}

static unsigned count(const uint64_t *codes)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WORDS; i++)
		n += (unsigned)__builtin_popcountll(codes[i]);
	return n;
}

static void codes_of(struct fixture *fx, const char *condition, uint64_t *codes)
{
	struct filter_parse_options o = {.fields = &field_set_syscall};
	struct filter_error fe = {0};
	struct ast *ast;

	if (filter_parse(&fx->arena, str_of(condition), &o, &ast, &fe) < 0)
		fail_msg("%s: %s", condition, fe.msg);
	field_event_codes(ast, codes);
}

/* `in` must be there and `out` must not; ALL and NONE are about every code. */
enum { ALL = -1, NONE = -2 };

static const struct {
	const char *condition;
	int in[3], out[3]; /* a 0 ends */
} cases[] = {
	{"evt.type = openat", {EV_OPENAT}, {EV_OPEN, EV_SYSCALL}},
	{"evt.type == openat", {EV_OPENAT}, {EV_OPEN}},
	{"syscall.type = openat", {EV_OPENAT}, {EV_OPEN}},
	{"evt.type in (open, openat)", {EV_OPEN, EV_OPENAT}, {EV_CONNECT}},
	{"evt.type != openat", {EV_OPEN, EV_SYSCALL}, {EV_OPENAT}},
	{"not evt.type = openat", {EV_OPEN}, {EV_OPENAT}},
	{"not evt.type != openat", {EV_OPENAT}, {EV_OPEN}},
	{"not not evt.type = openat", {EV_OPENAT}, {EV_OPEN}},
	{"not evt.type in (open, openat)", {EV_CONNECT}, {EV_OPEN, EV_OPENAT}},
	{"proc.name = cat", {ALL}, {0}},
	{"not proc.name = cat", {ALL}, {0}},
	{"evt.type = openat and proc.name = cat", {EV_OPENAT}, {EV_OPEN}},
	{"evt.type = openat or proc.name = cat", {ALL}, {0}},
	{"evt.type = openat and evt.type = open", {NONE}, {0}},
	{"evt.type = openat or evt.type = open", {EV_OPEN, EV_OPENAT}, {EV_CONNECT}},
	{"not (evt.type = openat or evt.type = open)", {EV_CONNECT}, {EV_OPEN, EV_OPENAT}},
	{"not (evt.type = openat and evt.type = open)", {ALL}, {0}},
	{"not (evt.type = openat and proc.name = cat)", {ALL}, {0}},
	{"not (evt.type = openat or proc.name = cat)", {EV_OPEN}, {EV_OPENAT}},
	{"not (evt.type != openat or proc.name = cat)", {EV_OPENAT}, {EV_OPEN}},
	{"evt.type startswith open", {ALL}, {0}},
	{"evt.type exists", {ALL}, {0}},
	{"not evt.type exists", {NONE}, {0}},
	{"not syscall.type exists", {ALL}, {0}},
	{"evt.type = open and evt.num = 0", {NONE}, {0}},
	{"evt.num = 0", {NONE}, {0}},
	{"evt.num < 1", {NONE}, {0}},
	{"evt.num <= 0", {NONE}, {0}},
	{"evt.num in (0)", {NONE}, {0}},
	{"evt.num in (0, 5)", {ALL}, {0}},
	{"evt.num >= 0", {ALL}, {0}},
	{"not evt.num >= 0", {NONE}, {0}},
	{"not evt.num = 0", {ALL}, {0}},
	{"not evt.num > 0", {NONE}, {0}},
	{"not evt.num != 0", {NONE}, {0}},
	{"evt.num != 5", {ALL}, {0}},
	{"not evt.num != 5", {ALL}, {0}},
	{"evt.num > 5", {ALL}, {0}},
	/* a system call without an event of its own */
	{"evt.type = getcpu", {EV_SYSCALL}, {EV_OPEN}},
	/* several events of one name, old ones too */
	{"evt.type = execve", {EV_EXECVE, 13}, {EV_EXECVEAT}},
	/* asynchronous events carry their name with them */
	{"evt.type = container", {EV_CONTAINER, EV_ASYNCEVENT}, {EV_OPEN}},
};

static void by_table(void **state)
{
	struct fixture fx;
	uint64_t codes[WORDS];

	fixture_init(&fx);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *c = cases[i].condition;

		codes_of(&fx, c, codes);
		if (cases[i].in[0] == ALL) {
			if (count(codes) != EVENT_CODE_MAX)
				fail_msg("%s: %u codes, not all", c, count(codes));
			continue;
		}
		if (cases[i].in[0] == NONE) {
			if (count(codes))
				fail_msg("%s: %u codes, not none", c, count(codes));
			continue;
		}
		for (int k = 0; k < 3 && cases[i].in[k]; k++)
			if (!has(codes, (unsigned)cases[i].in[k]))
				fail_msg("%s: lacks code %d", c, cases[i].in[k]);
		for (int k = 0; k < 3 && cases[i].out[k]; k++)
			if (has(codes, (unsigned)cases[i].out[k]))
				fail_msg("%s: has code %d", c, cases[i].out[k]);
	}
	fixture_done(&fx);
}

static void types_by_name(void **state)
{
	assert_true(field_event_type_exists(STR("openat")));
	assert_true(field_event_type_exists(STR("getcpu")));
	assert_true(field_event_type_exists(STR("container")));
	assert_false(field_event_type_exists(STR("opennat")));
	assert_false(field_event_type_exists(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_table),
		cmocka_unit_test(types_by_name),
	};

	return cmocka_run_group_tests_name("codes", tests, NULL, NULL);
}
