/* SPDX-License-Identifier: Apache-2.0 */
/* Configs: what engines write, what they wrote once, and what a stranger may write. */
#include "common.h"

#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" D0 "\"]}"

static struct arena arena;
static struct artifact_config config;
static struct err error;

static int parse(const char *text)
{
	arena_done(&arena);
	arena_init(&arena, SOURCE_MEMORY);
	error = (struct err){0};
	return image_config_parse(str_of(text), "it", &arena, &config, &error);
}

static void reads_all(void **unused)
{
	assert_int_equal(
		parse("{\"architecture\":\"arm64\",\"os\":\"linux\",\"variant\":\"v8\","
		      "\"created\":\"2026-01-01T00:00:00Z\",\"author\":\"me\",\"config\":{"
		      "\"User\":\"0:0\",\"Env\":[\"A=B\",\"C=\"],\"Entrypoint\":[\"/e\"],"
		      "\"Cmd\":[\"c\",\"d\"],\"WorkingDir\":\"/w\",\"Labels\":{\"k\":\"v\"},"
		      "\"ExposedPorts\":{\"80/tcp\":{}},\"Volumes\":{\"/data\":{}},"
		      "\"OnBuild\":[\"RUN x\"],\"Shell\":[\"/bin/sh\",\"-c\"],"
		      "\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"]}},"
		      "\"history\":[{\"created_by\":\"ADD x\",\"comment\":\"c\"},"
		      "{\"created_by\":\"ENV y\",\"empty_layer\":true}]," ROOTFS "}"),
		0);
	assert_text(config.architecture, "arm64");
	assert_text(config.variant, "v8");
	assert_text(config.author, "me");
	assert_text(config.user, "0:0");
	assert_text(config.workdir, "/w");
	assert_int_equal(config.nenv, 2);
	assert_text(config.env[1], "C=");
	assert_text(config.entrypoint[0], "/e");
	assert_text(config.cmd[1], "d");
	assert_text(config.labels[0].key, "k");
	assert_text(config.labels[0].value, "v");
	assert_text(config.ports[0], "80/tcp");
	assert_text(config.volumes[0], "/data");
	assert_text(config.onbuild[0], "RUN x");
	assert_text(config.shell[1], "-c");
	assert_text(config.healthcheck[1], "true");
	assert_text(config.diff_ids[0], D0);
	assert_int_equal(config.nhistory, 2);
	assert_false(config.history[0].is_empty);
	assert_true(config.history[1].is_empty);
}

static void reads_what_is_usual(void **unused)
{
	/* null where others have a list, and a string where others have one */
	assert_int_equal(parse("{\"config\":{\"Env\":null,\"Labels\":null,\"Entrypoint\":\"/x\"},"
			       "\"history\":null," ROOTFS "}"),
		0);
	assert_int_equal(config.nenv, 0);
	assert_text(config.entrypoint[0], "/x");
	/* as Go's readers do: the case of a key does not matter */
	assert_int_equal(
		parse("{\"Config\":{\"CMD\":[\"x\"]},\"Architecture\":\"amd64\"," ROOTFS "}"), 0);
	assert_text(config.cmd[0], "x");
	assert_text(config.architecture, "amd64");
	/* a NUL is a byte like others */
	assert_int_equal(parse("{\"config\":{\"Env\":[\"A=\\u0000B\"]}," ROOTFS "}"), 0);
	assert_int_equal(config.env[0].len, 4);
	/* no layer at all */
	assert_int_equal(parse("{\"rootfs\":{\"diff_ids\":null}}"), 0);
	assert_int_equal(config.ndiff_ids, 0);
}

static void refuses(void **unused)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "no sound JSON"},
		{"null", "no sound JSON"},
		{"[]", "rootfs"},
		{"{}", "rootfs"},
		{"{\"rootfs\":7}", "rootfs"},
		{"{\"rootfs\":{\"diff_ids\":[1]}}", "diff_ids"},
		{"{\"rootfs\":{\"diff_ids\":[\"sha256:1\"]}}", "diff_ids"},
		{"{\"rootfs\":{\"diff_ids\":{}}}", "diff_ids"},
		{"{" ROOTFS "}x", "no sound JSON"},
		{"{" ROOTFS ",\"config\":{\"Cmd\":7}}", "Cmd"},
		{"{" ROOTFS ",\"config\":{\"Cmd\":[7]}}", "Cmd"},
		{"{" ROOTFS ",\"config\":{\"Env\":{\"a\":\"b\"}}}", "Env"},
		{"{" ROOTFS ",\"config\":{\"Cmd\":[],\"cmd\":[]}}", "\"cmd\""},
		{"{" ROOTFS ",\"RootFS\":{}}", "RootFS"},
		{"{" ROOTFS "," ROOTFS "}", "no sound JSON"},
		{"{\"a\":\"\xff\"," ROOTFS "}", "no sound JSON"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (parse(bad[i].text) != -EBADMSG)
			fail_msg("%s was taken", bad[i].text);
		assert_says(&error, bad[i].says);
	}
}

static char *repeat(const char *head, const char *piece, size_t n, const char *tail)
{
	struct buf b = BUF_INIT(64 << 20);

	buf_add_cstr(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_add_cstr(&b, piece);
	buf_add_cstr(&b, tail);
	assert_false(b.cut);
	return b.s;
}

/* Small texts that would become large trees. */
static void limits(void **unused)
{
	static const struct {
		const char *head, *piece;
		size_t n;
		const char *tail, *says;
	} bombs[] = {
		{"{\"a\":", "[", 1 << 20, "", "deep"},
		{"{\"a\":", "{\"a\":", 1 << 20, "", "deep"},
		{"{\"a\":[", "[],", 1 << 20, "0]," ROOTFS "}", "values"},
		{"{\"a\":[", "0,", 1 << 20, "0]," ROOTFS "}", "values"},
		{"{\"config\":{\"Env\":[", "\"\",", 20000, "\"\"]}," ROOTFS "}", "Env"},
		{"{\"history\":[", "{},", 20000, "{}]," ROOTFS "}", "history"},
	};

	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		char *text = repeat(bombs[i].head, bombs[i].piece, bombs[i].n, bombs[i].tail);

		assert_int_equal(parse(text), -EBADMSG);
		assert_says(&error, bombs[i].says);
		free(text);
	}
	/* long texts are fine, and brackets in strings are text */
	char *text = repeat("{\"author\":\"", "[[{{\\\"", 100000, "\"," ROOTFS "}");

	assert_int_equal(parse(text), 0);
	assert_int_equal(config.author.len, 500000);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all),
		cmocka_unit_test(reads_what_is_usual),
		cmocka_unit_test(refuses),
		cmocka_unit_test(limits),
	};

	arena_init(&arena, SOURCE_MEMORY);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return r;
}
