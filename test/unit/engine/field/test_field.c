/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows against the list of fields that Falco has (Appendix A of the runtime reference): every
 * name once, with the same type and marks. And what every row must have.
 */
#include "fixture.h"

#include "base/io.h"

/* What koban has beyond Falco and its container plugin. */
static const char *const own[] = {"fd.realpath", "fd.knownpath", "container.env"};

/* Where a mark of the reference is not what Falco does. */
static const char *const bare_allowed[] = {
	"evt.abspath", /* marked as needing an argument; its parser takes it without one */
};

static bool among(const char *const *list, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, list[i]))
			return true;
	return false;
}

#define AMONG(list, name) among(list, sizeof(list) / sizeof((list)[0]), name)

static bool type_fits(struct str written, enum value_type t)
{
	static const struct {
		const char *name;
		enum value_type type, other;
	} types[] = {
		{"str", VT_STR, VT_PATH},
		{"bool", VT_BOOL, VT_BOOL},
		{"u32", VT_U64, VT_U64},
		{"u64", VT_U64, VT_U64},
		{"s16", VT_S64, VT_S64},
		{"s32", VT_S64, VT_S64},
		{"s64", VT_S64, VT_S64},
		{"dbl", VT_DOUBLE, VT_DOUBLE},
		{"abs", VT_ABSTIME, VT_ABSTIME},
		{"rel", VT_RELTIME, VT_RELTIME},
		{"bytes", VT_BYTES, VT_BYTES},
		{"ip", VT_IP, VT_IP},
		{"net", VT_NET, VT_NET},
		{"port", VT_PORT, VT_PORT},
		{"dyn", VT_DYNAMIC, VT_DYNAMIC},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_is(written, types[i].name))
			return t == types[i].type || t == types[i].other;
	return false;
}

/* One `name[?]*~^:type` of the reference. */
static void check_entry(struct str entry)
{
	struct str type = entry, name = str_cut(&type, ':');
	bool optional = str_find(name, STR("[?]")) >= 0, required = str_find(name, STR("[!]")) >= 0;
	bool list = str_find_char(name, '*') >= 0, deprecated = str_find_char(name, '~') >= 0;
	bool hidden = str_find_char(name, '^') >= 0;

	for (size_t i = 0; i < name.len; i++)
		if (strchr("[*~^", name.s[i])) {
			name.len = i;
			break;
		}
	const struct field_def *f = field_set_find(&field_set_syscall, name);

	if (!f)
		fail_msg("%.*s is missing", STR_ARG(name));
	if (!type_fits(type, f->type))
		fail_msg("%.*s: the type is not %.*s", STR_ARG(name), STR_ARG(type));
	if (AMONG(bare_allowed, name))
		optional = true, required = false;
	if (optional != !!(f->flags & FIELD_ARG_OPTIONAL) ||
		required != !!(f->flags & FIELD_ARG_REQUIRED))
		fail_msg("%.*s: wrong argument mark", STR_ARG(name));
	if (list != !!(f->flags & FIELD_LIST))
		fail_msg("%.*s: wrong list mark", STR_ARG(name));
	if (deprecated != !!(f->flags & FIELD_DEPRECATED))
		fail_msg("%.*s: wrong deprecated mark", STR_ARG(name));
	if (hidden != !!(f->flags & FIELD_TABLE_ONLY))
		fail_msg("%.*s: wrong table-only mark", STR_ARG(name));
}

static struct str reference(struct arena *a)
{
	const char *shared = getenv("KOBAN_SHARED");
	struct str text = STR_NULL, path;

	path = arena_printf(a, "%s/reference/runtime.md", shared && *shared ? shared : "../shared");
	if (io_read_file(a, -100 /* AT_FDCWD */, path.s, 4 << 20, &text, NULL) < 0)
		return STR_NULL;
	ptrdiff_t begin = str_find(text, STR("\n## Appendix A."));

	text = begin < 0 ? STR_NULL : str_skip(text, (size_t)begin + 1);
	ptrdiff_t end = str_find(text, STR("\n## Appendix B."));

	return end < 0 ? text : str_head(text, (size_t)end);
}

static void rows_are_those_of_the_reference(void **state)
{
	struct arena a;
	size_t n = 0, ours = 0;

	arena_init(&a, 0);
	struct str text = reference(&a);

	if (!text.len) {
		print_message("skipped: needs ../shared/reference/runtime.md\n");
		arena_done(&a);
		skip();
	}
	while (text.len) {
		struct str line = str_cut(&text, '\n');

		/* only the lists: the head explains the marks in backquotes, too */
		if (!str_starts(line, STR("- **")))
			continue;
		str_cut(&line, '(');
		while (line.len) {
			str_cut(&line, '`');
			struct str entry = str_cut(&line, '`');

			if (str_find_char(entry, ':') < 0)
				continue;
			check_entry(entry);
			n++;
		}
	}
	assert_int_equal(n, 233);
	for (size_t i = 0; i < field_set_syscall.nclasses; i++)
		ours += field_set_syscall.classes[i]->nfields;
	assert_int_equal(ours, 233 + 61 + sizeof(own) / sizeof(own[0]));
	arena_done(&a);
}

/* 29 container.*, 29 k8s.* of which 19 are deprecated, 3 proc.is_container_*. */
static void container_plugin_is_complete(void **state)
{
	size_t container = 0, k8s = 0, proc = 0, gone = 0;

	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];

		for (size_t j = 0; j < c->nfields; j++) {
			struct str name = str_of(c->fields[j].name);

			if (AMONG(own, name))
				continue;
			container += str_starts(name, STR("container."));
			proc += str_starts(name, STR("proc.is_container_"));
			if (str_starts(name, STR("k8s."))) {
				k8s++;
				gone += !!(c->fields[j].flags & FIELD_DEPRECATED);
			}
		}
	}
	assert_int_equal(container, 29);
	assert_int_equal(proc, 3);
	assert_int_equal(k8s, 29);
	assert_int_equal(gone, 19);
}

static void own_fields_exist(void **state)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_non_null(field_set_find(&field_set_syscall, str_of(own[i])));
}

/* Docs for every row, one way to read it, no name twice, the arguments said. */
static void rows_are_whole(void **state)
{
	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];

		for (size_t j = 0; j < c->nfields; j++) {
			const struct field_def *f = &c->fields[j];
			bool takes = f->flags & (FIELD_ARG_OPTIONAL | FIELD_ARG_REQUIRED);

			if (!f->doc || strlen(f->doc) < 15 || f->doc[strlen(f->doc) - 1] != '.')
				fail_msg("%s: its doc is no sentence", f->name);
			if (f->flags & FIELD_LIST ? !f->get_list : !f->get && !f->compare)
				fail_msg("%s: nothing reads it", f->name);
			if (takes != !!(f->flags & (FIELD_ARG_INDEX | FIELD_ARG_KEY)))
				fail_msg("%s: what argument?", f->name);
			if (field_set_find(&field_set_syscall, str_of(f->name)) != f)
				fail_msg("%s: there twice", f->name);
		}
	}
}

/* Filter-only and no-val() marks, §1.3 of the reference. */
static void comparators_are_marked(void **state)
{
	static const char *const filter_only[] = {"fd.ip", "fd.port", "fd.proto", "fd.net",
		"fd.cnet", "fd.snet", "fd.lnet", "fd.rnet", "evt.around"};
	static const char *const own_compare[] = {"proc.aname", "proc.aexe", "proc.aexepath",
		"proc.acmdline", "proc.apid", "proc.aenv", "evt.rawarg", "fd.cip.name",
		"fd.sip.name", "fd.lip.name", "fd.rip.name"};
	size_t n = 0, m = 0;

	for (size_t i = 0; i < field_set_syscall.nclasses; i++) {
		const struct field_class *c = field_set_syscall.classes[i];

		for (size_t j = 0; j < c->nfields; j++) {
			const struct field_def *f = &c->fields[j];
			bool strict =
				(f->flags & FIELD_NO_RHS) && (f->flags & FIELD_NO_TRANSFORMER);

			n += !!(f->flags & FIELD_FILTER_ONLY);
			m += strict;
			if (f->flags & FIELD_FILTER_ONLY)
				assert_true(AMONG(filter_only, str_of(f->name)));
			if (strict)
				assert_true(AMONG(filter_only, str_of(f->name)) ||
					    AMONG(own_compare, str_of(f->name)));
		}
	}
	assert_int_equal(n, 9);
	assert_int_equal(m, 9 + 11);
}

static void names_of_a_file(void **state)
{
	enum name_kind kinds[EVENT_NAMES_MAX];
	struct fixture fx;

	fixture_init(&fx);
	fx.ev.path.name = STR("/tmp/x");
	assert_int_equal(field_name_kinds(&fx.ev, kinds), 1);
	assert_int_equal(kinds[0], NAME_ASKED);
	fx.ev.target.known = STR("/etc/shadow");
	assert_int_equal(field_name_kinds(&fx.ev, kinds), 2);
	assert_int_equal(kinds[1], NAME_KNOWN);
	fx.ev.path.real = STR("/tmp/y");
	assert_int_equal(field_name_kinds(&fx.ev, kinds), 3);
	assert_int_equal(kinds[1], NAME_REAL);
	fx.subject.name = NAME_REAL;
	assert_true(str_is(field_path_name(&fx.subject, &fx.ev.path), "/tmp/y"));
	/* a path without such a name keeps the one that was asked for */
	fx.subject.name = NAME_KNOWN;
	assert_true(str_is(field_path_name(&fx.subject, &fx.ev.path), "/tmp/x"));
	fixture_done(&fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_those_of_the_reference),
		cmocka_unit_test(container_plugin_is_complete),
		cmocka_unit_test(own_fields_exist),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(comparators_are_marked),
		cmocka_unit_test(names_of_a_file),
	};

	return cmocka_run_group_tests_name("field", tests, NULL, NULL);
}
