/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes, of OCI and Docker, and what is neither. */
#include "common.h"

#define BLOB   "{\"mediaType\":\"application/x\",\"digest\":\"" D0 "\",\"size\":10}"
#define CONFIG "\"config\":" BLOB
#define OCI    "application/vnd.oci.image."
#define DOCKER "application/vnd.docker.distribution.manifest."

static struct arena arena;
static struct manifest m;
static struct err error;

static int parse(const char *text)
{
	arena_done(&arena);
	arena_init(&arena, SOURCE_MEMORY);
	error = (struct err){0};
	return image_manifest_parse(str_of(text), "it", &arena, &m, &error);
}

static void reads_manifests(void **unused)
{
	static const char *const types[] = {"", "\"mediaType\":\"" OCI "manifest.v1+json\",",
		"\"mediaType\":\"" DOCKER "v2+json\","};
	char text[1000];

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(text, sizeof(text),
			"{\"schemaVersion\":2,%s" CONFIG ",\"layers\":[" BLOB ",{\"digest\":\"" D0
			"\",\"urls\":[\"https://x\"]}]}",
			types[i]);
		assert_int_equal(parse(text), 0);
		assert_false(m.is_index);
		assert_int_equal(m.nitems, 2);
		assert_text(m.items[0].digest, D0);
		assert_int_equal(m.items[0].size, 10);
		assert_true(m.items[1].size == UINT64_MAX);
		assert_true(m.items[1].is_foreign && !m.items[0].is_foreign);
		assert_text(m.config.media_type, "application/x");
	}
}

static void reads_indexes(void **unused)
{
	assert_int_equal(
		parse("{\"schemaVersion\":2,\"mediaType\":\"" DOCKER
		      "list.v2+json\",\"manifests\":["
		      "{\"digest\":\"" D0 "\",\"platform\":{\"os\":\"linux\",\"architecture\":"
		      "\"arm\",\"variant\":\"v6\"}},"
		      "{\"digest\":\"" D0 "\",\"platform\":{\"os\":\"unknown\",\"architecture\":"
		      "\"unknown\"}},"
		      "{\"digest\":\"" D0
		      "\",\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}}]}"),
		0);
	assert_true(m.is_index);
	assert_int_equal(m.nitems, 3);
	assert_text(m.items[0].platform.variant, "v6");
	assert_true(descriptor_is_image(&m.items[0]));
	assert_false(descriptor_is_image(&m.items[1]));
	assert_text(m.items[2].ref_name, "v1");
}

static void refuses(void **unused)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} bad[] = {
		{"{}", EBADMSG, "neither"},
		{"[]", EBADMSG, "neither"},
		{"{\"layers\":[]}", EBADMSG, "neither"},
		{"{" CONFIG "}", EBADMSG, "neither"},
		{"{" CONFIG ",\"layers\":{}}", EBADMSG, "neither"},
		{"{" CONFIG ",\"layers\":[],\"manifests\":[]}", EBADMSG, "at once"},
		{"{\"manifests\":[]," CONFIG "}", EBADMSG, "at once"},
		{"{\"mediaType\":\"" OCI "index.v1+json\"," CONFIG ",\"layers\":[]}", EBADMSG,
			"and is not"},
		{"{\"mediaType\":\"" OCI "manifest.v1+json\",\"manifests\":[]}", EBADMSG,
			"and is not"},
		{"{" CONFIG ",\"layers\":[7]}", EBADMSG, "descriptor"},
		{"{" CONFIG ",\"layers\":[{}]}", EBADMSG, "digest"},
		{"{" CONFIG ",\"layers\":[{\"digest\":\"sha256:../../etc/passwd\"}]}", EBADMSG,
			"digest"},
		{"{" CONFIG ",\"layers\":[{\"digest\":\"" D0 "\",\"size\":-1}]}", EBADMSG, "size"},
		{"{" CONFIG ",\"layers\":[{\"digest\":\"" D0 "\",\"size\":\"9\"}]}", EBADMSG,
			"size"},
		{"{" CONFIG ",\"layers\":[{\"digest\":\"" D0 "\",\"Digest\":\"x\"}]}", EBADMSG,
			"\"Digest\""},
		{"{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}", EPROTONOSUPPORT, "skopeo"},
		{"{\"mediaType\":\"" DOCKER "v1+prettyjws\"}", EPROTONOSUPPORT, "schema 1"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int r = parse(bad[i].text);

		if (r != -bad[i].code)
			fail_msg("%s: %d %s", bad[i].text, r, error.msg);
		assert_says(&error, bad[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_manifests),
		cmocka_unit_test(reads_indexes),
		cmocka_unit_test(refuses),
	};

	arena_init(&arena, SOURCE_MEMORY);
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	arena_done(&arena);
	return r;
}
