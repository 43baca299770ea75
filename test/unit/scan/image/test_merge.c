/* SPDX-License-Identifier: Apache-2.0 */
/* Layers put together: what is there, what is gone, what would run, and the verdict over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "scan/image/image.h"
#include "scan/image/merge.h"

enum { MAX = 32 };

/* A layer in the making. */
struct made {
	struct layer_report l;
	uint64_t paths[MAX], dirs[MAX];
	struct str whiteouts[MAX], opaques[MAX];
	struct layer_link links[MAX];
	struct layer_runs runs[MAX];
	struct artifact_finding findings[MAX];
	struct artifact_package packages[MAX];
};

static void insert(uint64_t *v, size_t *n, uint64_t x)
{
	size_t at = (*n)++;

	for (; at > 0 && v[at - 1] > x; at--)
		v[at] = v[at - 1];
	v[at] = x;
}

/* "f /a", "d /b", "w /c", "o /d", "l /e -> f" */
static void make(struct made *m, const char *const *lines)
{
	*m = (struct made){0};
	for (size_t i = 0; lines[i]; i++) {
		struct str path = str_of(lines[i] + 2);
		ptrdiff_t arrow = str_find(path, STR(" -> "));

		if (lines[i][0] == 'l') {
			struct str target = str_skip(path, (size_t)arrow + 4);

			path = str_head(path, (size_t)arrow);
			m->links[m->l.nlinks++] = (struct layer_link){path, target};
		}
		if (lines[i][0] == 'f' || lines[i][0] == 'l')
			insert(m->paths, &m->l.npaths, str_hash(path));
		if (lines[i][0] == 'd')
			insert(m->dirs, &m->l.ndirs, str_hash(path));
		if (lines[i][0] == 'w')
			m->whiteouts[m->l.nwhiteouts++] = path;
		if (lines[i][0] == 'o')
			m->opaques[m->l.nopaques++] = path;
	}
	m->l.paths = m->paths;
	m->l.dirs = m->dirs;
	m->l.whiteouts = m->whiteouts;
	m->l.opaques = m->opaques;
	m->l.links = m->links;
	m->l.runs = m->runs;
	m->l.found.findings = m->findings;
	m->l.found.packages = m->packages;
}
#define LAYER(m, ...) make(m, (const char *const[]){__VA_ARGS__, NULL})

static void add_finding(struct made *m, const char *path, enum artifact_label label,
	enum artifact_severity severity, unsigned confidence)
{
	m->findings[m->l.found.nfindings++] = (struct artifact_finding){.check = STR("x-y"),
		.analyzer = str_of(artifact_label_name(label)),
		.title = STR("A thing"),
		.label = label,
		.severity = severity,
		.confidence = confidence,
		.path = str_of(path),
		.deleted_in = -1};
}

static void add_runs(
	struct made *m, const char *path, enum layer_starter by, const struct str *words, size_t n)
{
	m->runs[m->l.nruns++] = (struct layer_runs){str_of(path), by, words, n};
}

static int gone(const struct tree *t, const char *path, unsigned from)
{
	return tree_gone(t, str_of(path), from);
}

static void what_layers_take_away(void **state)
{
	struct made m[4];

	LAYER(&m[0], "d /a", "f /a/1", "f /a/2", "f /b/1", "f /b/c/2", "f /d/e", "f /x");
	LAYER(&m[1], "w /a/1", "d /b", "o /b", "f /d", "d /x");
	LAYER(&m[2], "w /a", "f /b/1", "f /z");
	LAYER(&m[3], "o /");
	const struct layer_report *v[] = {&m[0].l, &m[1].l, &m[2].l, &m[3].l};
	struct tree *t = tree_new(v, 3);

	assert_int_equal(gone(t, "/a/1", 0), 1);
	assert_int_equal(gone(t, "/a/2", 0), 2);
	assert_int_equal(gone(t, "/b/1", 0), 1);
	assert_int_equal(gone(t, "/b/c/2", 0), 1);
	assert_int_equal(gone(t, "/b/c/2!/inner", 0), 1);
	assert_int_equal(gone(t, "/b/1", 2), -1);
	assert_int_equal(gone(t, "/d/e", 0), 1); /* its folder became a file */
	assert_int_equal(gone(t, "/x", 0), 1);   /* it became a folder */
	assert_int_equal(gone(t, "/never", 0), -1);
	assert_int_equal(tree_find(t, STR("/b/1")), 2);
	assert_int_equal(tree_find(t, STR("/a/2")), -1);
	assert_int_equal(tree_find(t, STR("/x")), -1);
	assert_true(tree_is_dir(t, STR("/x")));
	assert_false(tree_is_dir(t, STR("/a")));
	tree_free(t);
	t = tree_new(v, 4);
	assert_int_equal(gone(t, "/z", 2), 3);
	assert_int_equal(tree_find(t, STR("/z")), -1);
	tree_free(t);
}

static void where_links_lead(void **state)
{
	struct made m[2];
	struct buf out = BUF_INIT(4096);

	LAYER(&m[0], "l /bin -> usr/bin", "f /usr/bin/sh.real", "l /usr/bin/sh -> ../bin/./sh.real",
		"l /loop -> /loop", "l /old -> /usr/bin/sh.real",
		"l /up -> ../../../../usr/bin/sh");
	LAYER(&m[1], "f /old");
	const struct layer_report *v[] = {&m[0].l, &m[1].l};
	struct tree *t = tree_new(v, 2);

	assert_int_equal(tree_resolve(t, STR("/bin/sh"), &out, NULL, NULL), 0);
	assert_string_equal(out.s, "/usr/bin/sh.real");
	assert_int_equal(tree_resolve(t, STR("/up"), &out, NULL, NULL), 0);
	assert_string_equal(out.s, "/usr/bin/sh.real");
	assert_true(tree_resolve(t, STR("/loop/x"), &out, NULL, NULL) < 0);
	/* a file took the link's place */
	assert_int_equal(tree_resolve(t, STR("/old"), &out, NULL, NULL), 1);
	assert_string_equal(out.s, "/old");
	tree_free(t);
	buf_done(&out);
}

static void what_would_run(void **state)
{
	static const struct str words[] = {{"helper", 6}, {"/etc/d.d", 8}},
				more[] = {{"/opt/deep", 9}}, cron[] = {{"/opt/job", 8}},
				entry[] = {{"/bin/sh", 7}, {"-c", 2}, {"exec run.sh \"$@\"", 16}},
				env[] = {{"PATH=/opt/bin:/usr/bin", 22}};
	struct artifact_config c = {.entrypoint = entry,
		.nentrypoint = 3,
		.env = env,
		.nenv = 1,
		.workdir = STR("/work")};
	struct made m;

	LAYER(&m, "l /bin -> usr/bin", "f /usr/bin/sh", "f /opt/bin/run.sh", "f /work/helper",
		"f /opt/deep", "f /opt/job", "f /opt/idle", "d /etc/d.d", "f /etc/d.d/1",
		"f /etc/cron.d/x", "f /root/.ssh/authorized_keys");
	add_runs(&m, "/opt/bin/run.sh", STARTER_SCRIPT, words, 2);
	add_runs(&m, "/etc/d.d/1", STARTER_SCRIPT, more, 1);
	add_runs(&m, "/etc/cron.d/x", STARTER_CRON, cron, 1);
	const struct layer_report *v[] = {&m.l};
	struct tree *t = tree_new(v, 1);
	struct reach *r = reach_new(t, &c);

	assert_int_equal(reach_of(r, STR("/usr/bin/sh")), REACH_ENTRYPOINT);
	assert_int_equal(reach_of(r, STR("/opt/bin/run.sh")), REACH_ENTRYPOINT);
	assert_int_equal(reach_of(r, STR("/work/helper")), REACH_ENTRYPOINT);
	assert_int_equal(reach_of(r, STR("/etc/d.d/1")), REACH_ENTRYPOINT);
	assert_int_equal(reach_of(r, STR("/opt/deep!/x")), REACH_ENTRYPOINT);
	assert_int_equal(reach_of(r, STR("/etc/cron.d/x")), REACH_CRON);
	assert_int_equal(reach_of(r, STR("/opt/job")), REACH_CRON);
	assert_int_equal(reach_of(r, STR("/opt/idle")), REACH_NONE);
	assert_int_equal(reach_of(r, STR("/root/.ssh/authorized_keys")), REACH_LOGIN);
	reach_free(r);
	tree_free(t);
}

static const struct artifact_package *find_package(
	const struct artifact_report *r, const char *name)
{
	for (size_t i = 0; i < r->npackages; i++)
		if (str_is(r->packages[i].name, name))
			return &r->packages[i];
	return NULL;
}

static void add_package(struct made *m, const char *name, const char *path, enum package_type type)
{
	m->packages[m->l.found.npackages++] = (struct artifact_package){.type = type,
		.name = str_of(name),
		.version = STR("1"),
		.path = str_of(path),
		.deleted_in = -1};
}

#define STATUS "/var/lib/dpkg/status"

static void whose_packages_count(void **state)
{
	struct artifact_image image = {.nlayers = 0};
	struct artifact_report r = {0};
	struct made m[3];
	struct arena a;

	arena_init(&a, 0);
	LAYER(&m[0], "f " STATUS, "f /a/package.json", "f /b/package.json");
	add_package(&m[0], "libc6", STATUS, PACKAGE_DPKG);
	add_package(&m[0], "removed", STATUS, PACKAGE_DPKG);
	add_package(&m[0], "left", "/a/package.json", PACKAGE_NPM);
	add_package(&m[0], "replaced", "/b/package.json", PACKAGE_NPM);
	LAYER(&m[1], "f " STATUS, "f /b/package.json", "w /a");
	add_package(&m[1], "libc6", STATUS, PACKAGE_DPKG);
	add_package(&m[1], "curl", STATUS, PACKAGE_DPKG);
	LAYER(&m[2], "w /var/lib/dpkg");
	const struct layer_report *v[] = {&m[0].l, &m[1].l, &m[2].l};
	struct merge merge = {.layers = v, .nlayers = 2, .image = &image};

	assert_int_equal(merge_layers(&merge, &a, &r), 0);
	assert_int_equal(find_package(&r, "curl")->deleted_in, -1);
	assert_int_equal(find_package(&r, "libc6")->layer, 1);
	assert_null(find_package(&r, "removed"));
	assert_null(find_package(&r, "replaced"));
	assert_int_equal(find_package(&r, "left")->deleted_in, 1);
	/* the database is deleted: what it last said is still known */
	merge.nlayers = 3;
	r = (struct artifact_report){0};
	assert_int_equal(merge_layers(&merge, &a, &r), 0);
	assert_int_equal(find_package(&r, "curl")->deleted_in, 2);
	assert_null(find_package(&r, "removed"));
	/* or emptied */
	LAYER(&m[2], "f " STATUS);
	r = (struct artifact_report){0};
	assert_int_equal(merge_layers(&merge, &a, &r), 0);
	assert_int_equal(find_package(&r, "curl")->deleted_in, 2);
	arena_done(&a);
}

/* The verdict over one image of one layer with these findings. */
static enum artifact_verdict judge(struct made *m, struct arena *a, struct artifact_report *r)
{
	struct artifact_image image = {.nlayers = 0};
	static const struct str entry[] = {{"/run", 4}};
	const struct layer_report *v[] = {&m->l};
	struct merge merge = {.layers = v, .nlayers = 1, .image = &image};

	image.config.entrypoint = entry;
	image.config.nentrypoint = 1;
	*r = (struct artifact_report){0};
	assert_int_equal(merge_layers(&merge, a, r), 0);
	scan_judge(r, a);
	enum artifact_verdict first = r->verdict;
	scan_judge(r, a);
	assert_int_equal(r->verdict, first);
	assert_true(r->reason.len > 10);
	return first;
}

static void what_makes_a_verdict(void **state)
{
	struct artifact_report r;
	struct arena a;
	struct made m;

	arena_init(&a, 0);
#define FRESH LAYER(&m, "f /run", "f /idle", "f /other")
	FRESH;
	assert_int_equal(judge(&m, &a, &r), VERDICT_CLEAN);
	/* one sign that nothing runs */
	add_finding(&m, "/idle", LABEL_CRYPTOMINING, ARTIFACT_HIGH, 80);
	assert_int_equal(judge(&m, &a, &r), VERDICT_SUSPICIOUS);
	assert_int_equal(r.labels, 1U << LABEL_CRYPTOMINING);
	/* a second one of another kind */
	add_finding(&m, "/other", LABEL_BACKDOOR, ARTIFACT_HIGH, 80);
	assert_int_equal(judge(&m, &a, &r), VERDICT_MALICIOUS);
	/* the same sign where it would run */
	FRESH;
	add_finding(&m, "/run", LABEL_CRYPTOMINING, ARTIFACT_HIGH, 80);
	assert_int_equal(judge(&m, &a, &r), VERDICT_MALICIOUS);
	assert_true(str_find(r.reason, STR("runs it")) > 0);
	/* a proof */
	FRESH;
	add_finding(&m, "/idle", LABEL_CRYPTOMINING, ARTIFACT_CRITICAL, 95);
	assert_int_equal(judge(&m, &a, &r), VERDICT_MALICIOUS);
	/* one string, however grave, is none */
	FRESH;
	add_finding(&m, "/idle", LABEL_CRYPTOMINING, ARTIFACT_CRITICAL, 70);
	assert_int_equal(judge(&m, &a, &r), VERDICT_SUSPICIOUS);
	FRESH;
	add_finding(&m, "/run", LABEL_MINER_CAPABLE, ARTIFACT_HIGH, 99);
	assert_int_equal(judge(&m, &a, &r), VERDICT_CLEAN);
	assert_int_equal(r.labels, 1U << LABEL_MINER_CAPABLE);
	FRESH;
	add_finding(&m, "/run", LABEL_SECRETS, ARTIFACT_CRITICAL, 99);
	assert_int_equal(judge(&m, &a, &r), VERDICT_RISKY);
	FRESH;
	m.l.found.coverage.gaps = &(struct artifact_gap){STR("x"), STR("not read"), 0, 1, true};
	m.l.found.coverage.ngaps = 1;
	assert_int_equal(judge(&m, &a, &r), VERDICT_UNKNOWN);
	arena_done(&a);
}

static void trust_in_distributions(void **state)
{
	uint64_t owned[] = {str_hash(STR("/bin/tool"))};
	struct artifact_report r;
	struct arena a;
	struct made m;

	arena_init(&a, 0);
	LAYER(&m, "f /usr/bin/tool", "f /bin/other", "f " STATUS);
	add_package(&m, "tool", STATUS, PACKAGE_DPKG);
	m.packages[0].files = owned;
	m.packages[0].nfiles = 1;
	add_finding(&m, "/usr/bin/tool", LABEL_MALWARE, ARTIFACT_HIGH, 80);
	assert_int_equal(judge(&m, &a, &r), VERDICT_CLEAN);
	assert_int_equal(r.findings[0].severity, ARTIFACT_LOW);
	assert_true(str_is(artifact_finding_fact(&r.findings[0], "package"), "tool"));
	add_finding(&m, "/bin/other", LABEL_MALWARE, ARTIFACT_HIGH, 80);
	assert_int_equal(judge(&m, &a, &r), VERDICT_SUSPICIOUS);
	arena_done(&a);
}

/* A file that an upper layer stores again is found once; a deleted one says so. */
static void found_once(void **state)
{
	struct artifact_image image = {.nlayers = 0};
	struct artifact_report r = {0};
	struct made m[2];
	struct arena a;

	arena_init(&a, 0);
	LAYER(&m[0], "f /a", "f /b");
	add_finding(&m[0], "/a", LABEL_SECRETS, ARTIFACT_HIGH, 90);
	add_finding(&m[0], "/b", LABEL_SECRETS, ARTIFACT_HIGH, 90);
	LAYER(&m[1], "f /a", "w /b");
	add_finding(&m[1], "/a", LABEL_SECRETS, ARTIFACT_HIGH, 90);
	const struct layer_report *v[] = {&m[0].l, &m[1].l};
	struct merge merge = {.layers = v, .nlayers = 2, .image = &image};

	assert_int_equal(merge_layers(&merge, &a, &r), 0);
	assert_int_equal(r.nfindings, 2);
	scan_judge(&r, &a);
	assert_true(str_is(r.findings[0].path, "/a"));
	assert_int_equal(r.findings[0].layer, 1);
	assert_int_equal(r.findings[0].deleted_in, -1);
	assert_int_equal(r.findings[1].deleted_in, 1);
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_layers_take_away),
		cmocka_unit_test(where_links_lead),
		cmocka_unit_test(what_would_run),
		cmocka_unit_test(whose_packages_count),
		cmocka_unit_test(what_makes_a_verdict),
		cmocka_unit_test(trust_in_distributions),
		cmocka_unit_test(found_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
