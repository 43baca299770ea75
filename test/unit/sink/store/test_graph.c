/* SPDX-License-Identifier: Apache-2.0 */
/* Entities, their relations, ways to the internet; containers and hosts; scans; metrics. */
#include "common.h"

static struct store_entity entity(struct fixture *f, enum store_entity_kind kind, const char *key)
{
	struct store_entity x;
	struct err e = {0};

	assert_ok(&e, store_entity_find(f->s, kind, str_of(key), &f->a, &x, &e));
	return x;
}

static void put_story(struct fixture *f)
{
	put_findings(f,
		{.id = "a",
			.at_s = 1,
			.process = "nginx",
			.pid = 10,
			.ppid = 5,
			.container = "0123456789ab",
			.name = "web",
			.image = "nginx:1.25",
			.pod = "web-1",
			.ns = "shop",
			.file = "/etc/passwd"},
		{.id = "b",
			.at_s = 2,
			.process = "sh",
			.pid = 11,
			.ppid = 10,
			.parent = "nginx",
			.container = "0123456789ab",
			.name = "web",
			.image = "nginx:1.25",
			.remote = "203.0.113.9:3333",
			.priority = "Critical"},
		{.id = "c",
			.at_s = 3,
			.process = "curl",
			.pid = 12,
			.ppid = 11,
			.parent = "sh",
			.container = "0123456789ab",
			.name = "web",
			.image = "nginx:1.25",
			.remote = "93.184.216.34:443",
			.priority = "Critical"},
		{.id = "d",
			.at_s = 4,
			.process = "psql",
			.pid = 20,
			.ppid = 5,
			.container = "ba9876543210",
			.name = "db",
			.image = "nginx:1.25",
			.remote = "10.0.0.7:5432"});
}

static void findings_make_entities(void **state)
{
	struct fixture *f = *state;
	struct store_detail d;
	struct err e = {0};

	put_story(f);
	struct store_entity image = entity(f, STORE_IMAGE, "nginx:1.25");
	assert_int_equal(image.findings, 4);
	assert_int_equal(image.open, 4);
	assert_int_equal(image.worst, PRIORITY_CRITICAL);
	struct store_entity p = entity(f, STORE_PROCESS, "node-1|12|120");
	assert_str(p.name, "curl");
	assert_non_null(strstr(p.attrs.s, "\"pid\":12"));
	assert_str(entity(f, STORE_USER, "node-1|0").name, "root");
	assert_int_equal(entity(f, STORE_CONTAINER, "web").findings, 3); /* by its name */
	assert_int_equal(entity(f, STORE_POD, "shop|web-1").findings, 1);
	/* documentation's addresses are nobody's, this one is somebody's */
	assert_int_equal(entity(f, STORE_NETWORK, "internet").findings, 0);
	assert_ok(&e, store_finding_get(f->s, STR("c"), &f->a, &d, &e));
	const char *const roles[] = {
		"process", "parent", "container", "image", "host", "user", "remote"};
	assert_int_equal(d.nentities, 7);
	for (size_t i = 0; i < 7; i++)
		assert_str(d.roles[i], roles[i]);
	assert_string_equal(find_ids(f, .entity = image.id), "d c b a");
	assert_string_equal(find_ids(f, .entity = image.id, .search = STR("curl")), "c");
}

static const char *names_of(struct fixture *f, const struct store_graph *g)
{
	struct buf b = BUF_INIT(1 << 20);

	for (size_t i = 0; i < g->nnodes; i++)
		buf_printf(&b, "%s%s:%.*s", i ? " " : "", store_entity_kind_name(g->nodes[i].kind),
			STR_ARG(g->nodes[i].name));
	struct str s = arena_str(&f->a, buf_str(&b));
	buf_done(&b);
	return s.s;
}

static void ways_to_the_internet(void **state)
{
	struct fixture *f = *state;
	struct store_graph g;
	struct err e = {0};

	put_story(f);
	uint64_t nginx = entity(f, STORE_PROCESS, "node-1|10|100").id;
	assert_ok(&e, store_graph_path(f->s, nginx, 0, &f->a, &g, &e));
	assert_string_equal(names_of(f, &g),
		"process:nginx process:sh process:curl address:93.184.216.34 network:internet");
	assert_true(g.nedges >= 4);
	/* an image's containers are a way from the image … */
	assert_ok(&e,
		store_graph_path(f->s, entity(f, STORE_IMAGE, "nginx:1.25").id, 0, &f->a, &g, &e));
	assert_string_equal(names_of(f, &g),
		"image:nginx:1.25 container:web process:curl address:93.184.216.34 "
		"network:internet");
	/* … but no way from one container to another, nor is the host */
	assert_ok(&e, store_graph_path(f->s, entity(f, STORE_PROCESS, "node-1|20|200").id, 0, &f->a,
			      &g, &e));
	assert_int_equal(g.nnodes, 0);
	assert_int_equal(store_graph_path(f->s, 999999, 0, &f->a, &g, &e), -ENOENT);
}

static void around_an_entity(void **state)
{
	struct fixture *f = *state;
	struct store_graph g;
	struct err e = {0};

	put_story(f);
	uint64_t web = entity(f, STORE_CONTAINER, "web").id;
	assert_ok(&e, store_graph_around(f->s, web, 1, 100, &f->a, &g, &e));
	assert_true(g.nodes[0].id == web);
	assert_int_equal(g.nnodes, 7); /* itself, image, host, pod, three processes */
	assert_false(g.is_cut);
	for (size_t i = 0; i < g.nedges; i++)
		assert_true(g.edges[i].count > 0);
	assert_ok(&e, store_graph_around(f->s, web, 3, 5, &f->a, &g, &e));
	assert_int_equal(g.nnodes, 5);
	assert_true(g.is_cut);
	assert_int_equal(store_graph_around(f->s, web, 9, 5, &f->a, &g, &e), -EINVAL);
	assert_int_equal(store_graph_around(f->s, 999999, 1, 5, &f->a, &g, &e), -ENOENT);
}

static void lists_of_entities(void **state)
{
	struct fixture *f = *state;
	struct store_entity_query q = {.kinds = 1u << STORE_PROCESS, .limit = 2};
	struct store_entity *x = NULL;
	struct str next;
	struct err e = {0};
	size_t n = 0, all = 0;

	put_story(f);
	do {
		assert_ok(&e, store_entities(f->s, &q, &f->a, &x, &n, &next, &e));
		all += n;
		q.cursor = next;
	} while (next.len);
	assert_int_equal(all, 5); /* 10, 11, 12, 20 and their ancestor 5 */
	q = (struct store_entity_query){.search = STR("CUR")};
	assert_ok(&e, store_entities(f->s, &q, &f->a, &x, &n, &next, &e));
	assert_int_equal(n, 1);
	assert_str(x[0].name, "curl");
	q.search = STR("%");
	assert_ok(&e, store_entities(f->s, &q, &f->a, &x, &n, &next, &e));
	assert_int_equal(n, 0);
}

#define INVENTORY(time, containers)                                                                \
	"{\"v\":1,\"type\":\"inventory\",\"time_ns\":" time ",\"hostname\":\"node-1\","            \
	"\"containers\":[" containers "]}"

static void what_runs(void **state)
{
	struct fixture *f = *state;
	struct store_container *c = NULL, one;
	struct store_host *h = NULL;
	struct err e = {0};
	size_t n = 0;

	put_story(f);
	put_line(f, INVENTORY("1800000010000000000",
			    "{\"id\":\"0123456789ab\",\"full_id\":"
			    "\"0123456789ab0000000000000000000000000000000000000000000000000000\","
			    "\"name\":\"web\",\"image\":\"nginx:1.25\",\"privileged\":true,"
			    "\"rss_bytes\":5,\"connections\":[{\"remote\":\"1.1.1.1:53\"}]},"
			    "{\"id\":\"cccccccccccc\",\"name\":\"new\",\"image\":\"redis\"}"));
	assert_ok(&e, store_containers(f->s, true, 10, &f->a, &c, &n, &e));
	assert_int_equal(n, 2);
	assert_ok(&e, store_container_get(f->s, STR("0123456789ab"), &f->a, &one, &e));
	assert_true(one.is_running);
	assert_true(one.is_privileged);
	assert_int_equal(one.findings, 3);
	assert_int_equal(one.worst, PRIORITY_CRITICAL);
	assert_non_null(strstr(one.record.s, "rss_bytes"));
	assert_str(entity(f, STORE_ADDRESS, "1.1.1.1").name, "1.1.1.1");
	/* a later one leaves it out; an older one that comes late changes nothing */
	put_line(f, INVENTORY("1800000020000000000",
			    "{\"id\":\"cccccccccccc\",\"name\":\"new\",\"image\":\"redis\"}"));
	put_line(f, INVENTORY("1800000015000000000", ""));
	assert_ok(&e, store_containers(f->s, true, 10, &f->a, &c, &n, &e));
	assert_int_equal(n, 1);
	assert_str(c[0].name, "new");
	assert_ok(&e, store_containers(f->s, false, 10, &f->a, &c, &n, &e));
	assert_int_equal(n, 3);
	assert_false(c[2].is_running);
	assert_ok(&e, store_hosts(f->s, &f->a, &h, &n, &e));
	assert_int_equal(n, 1);
	assert_true(h[0].last_ns == T0_NS + 20 * SEC);
	assert_int_equal(store_container_get(f->s, STR("zzz"), &f->a, &one, &e), -ENOENT);
}

static void scans_state_what_they_found(void **state)
{
	struct fixture *f = *state;
	struct store_run *r = NULL, one;
	struct store_graph g;
	struct str next;
	struct err e = {0};
	size_t n = 0;

	put_story(f);
	const char *scan =
		"{\"v\":1,\"type\":\"scan\",\"id\":\"s1\",\"kind\":\"image\",\"target\":"
		"\"nginx:1.25\",\"time_ns\":1800000000000000000,\"state\":\"%s\",\"summary\":{"
		"\"packages\":1},\"entities\":[{\"kind\":\"package\",\"key\":\"deb/openssl@3.0\","
		"\"name\":\"openssl\",\"attrs\":{\"version\":\"3.0\"}}],\"relations\":[{\"from\":["
		"\"package\",\"deb/openssl@3.0\"],\"to\":[\"image\",\"nginx:1.25\"],\"kind\":"
		"\"part_of\"}]}";
	char line[1000];
	snprintf(line, sizeof(line), scan, "running");
	put_line(f, line);
	snprintf(line, sizeof(line), scan, "done");
	put_line(f, line);
	put_line(f, "{\"v\":1,\"type\":\"scan\",\"id\":\"s2\",\"kind\":\"image\",\"time_ns\":"
		    "1800000005000000000}");
	put_line(f, "{\"v\":1,\"type\":\"session\",\"id\":\"s1\",\"kind\":\"ssh\",\"time_ns\":"
		    "1800000005000000000}");
	assert_ok(&e, store_runs(f->s, STORE_SCAN, STR(""), STR(""), 1, &f->a, &r, &n, &next, &e));
	assert_int_equal(n, 1);
	assert_str(r[0].id, "s2");
	assert_ok(&e, store_runs(f->s, STORE_SCAN, STR(""), next, 1, &f->a, &r, &n, &next, &e));
	assert_str(r[0].id, "s1");
	assert_str(r[0].state, "done");
	assert_int_equal(next.len, 0);
	assert_ok(&e, store_run_get(f->s, STORE_SESSION, STR("s1"), &f->a, &one, &e));
	assert_str(one.kind, "ssh");
	assert_int_equal(store_run_get(f->s, STORE_SCAN, STR("s9"), &f->a, &one, &e), -ENOENT);
	/* from the package to the internet, through the image */
	uint64_t package = entity(f, STORE_PACKAGE, "deb/openssl@3.0").id;
	assert_ok(&e, store_graph_path(f->s, package, 0, &f->a, &g, &e));
	assert_string_equal(names_of(f, &g),
		"package:openssl image:nginx:1.25 container:web process:curl "
		"address:93.184.216.34 network:internet");
}

static void metrics_over_time(void **state)
{
	struct fixture *f = *state;
	struct store_series *x = NULL;
	struct str name = STR("events_per_s");
	struct err e = {0};
	size_t n = 0;

	for (unsigned i = 0; i < 150; i++) {
		char line[300];

		snprintf(line, sizeof(line),
			"{\"v\":1,\"type\":\"metrics\",\"time_ns\":%" PRIu64 ",\"hostname\":"
			"\"node-1\",\"values\":{\"events_per_s\":%u,\"drops\":{\"ring\":%u},"
			"\"name\":\"x\"}}",
			T0_NS + i * SEC, i, i * 2);
		put_line(f, line);
	}
	test_now = T0_NS + 150 * SEC;
	assert_ok(&e, store_metrics(f->s, &name, 1, STR(""), T0_NS, T0_NS + 150 * SEC, 200, &f->a,
			      &x, &n, &e));
	assert_int_equal(n, 1);
	assert_int_equal(x[0].npoints, 150);
	assert_true(x[0].points[149].mean == 149 && x[0].points[149].time_ns == T0_NS + 149 * SEC);
	/* fewer points: minutes */
	assert_ok(&e, store_metrics(f->s, NULL, 0, STR("node-1"), T0_NS, T0_NS + 180 * SEC, 3,
			      &f->a, &x, &n, &e));
	assert_int_equal(n, 2);
	assert_str(x[0].name, "drops.ring");
	assert_str(x[1].name, "events_per_s");
	assert_int_equal(x[1].npoints, 3);
	assert_true(x[1].points[0].mean == 29.5);
	assert_true(x[1].points[1].min == 60 && x[1].points[1].max == 119);
	/* seconds go after six hours, minutes stay */
	bool more = false;
	test_now = T0_NS + 7 * 3600 * SEC;
	assert_ok(&e, store_maintain(f->s, &more, &e));
	assert_ok(&e, store_metrics(f->s, &name, 1, STR(""), T0_NS, T0_NS + 180 * SEC, 180, &f->a,
			      &x, &n, &e));
	assert_int_equal(x[0].npoints, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(findings_make_entities),
		TEST(ways_to_the_internet),
		TEST(around_an_entity),
		TEST(lists_of_entities),
		TEST(what_runs),
		TEST(scans_state_what_they_found),
		TEST(metrics_over_time),
	};

	return run_both(tests);
}
