/* SPDX-License-Identifier: Apache-2.0 */
/* A document from a registry: as a manifest or index, and as an image's config. */
#include <stdlib.h>

#include "source/image/private.h"

static void touch(struct str s)
{
	volatile char sum = 0;

	for (size_t i = 0; i < s.len; i++)
		sum = (char)(sum + s.s[i]);
}

static void touch_list(const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		touch(list[i]);
}

static void read_manifest(struct str text, struct arena *a)
{
	struct err e = {0};
	struct manifest m;

	if (image_manifest_parse(text, "it", a, &m, &e) < 0) {
		if (!e.msg[0])
			abort();
		return;
	}
	if (!m.is_index && !digest_is_valid(m.config.digest))
		abort();
	for (size_t i = 0; i < m.nitems; i++) {
		if (!digest_is_valid(m.items[i].digest))
			abort();
		touch(m.items[i].media_type);
		touch(image_platform_text(&m.items[i].platform, a));
		image_platform_match(&m.items[0].platform, &m.items[i].platform);
	}
}

static void read_config(struct str text, struct arena *a)
{
	struct artifact_config c;
	struct err e = {0};

	if (image_config_parse(text, "it", a, &c, &e) < 0) {
		if (!e.msg[0])
			abort();
		return;
	}
	touch(c.user);
	touch_list(c.env, c.nenv);
	touch_list(c.cmd, c.ncmd);
	touch_list(c.entrypoint, c.nentrypoint);
	touch_list(c.ports, c.nports);
	touch_list(c.volumes, c.nvolumes);
	touch_list(c.healthcheck, c.nhealthcheck);
	for (size_t i = 0; i < c.ndiff_ids; i++)
		if (!digest_is_valid(c.diff_ids[i]))
			abort();
	for (size_t i = 0; i < c.nlabels; i++)
		touch(c.labels[i].value);
	for (size_t i = 0; i < c.nhistory; i++)
		touch(c.history[i].created_by);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct arena a;

	arena_init(&a, SOURCE_MEMORY);
	read_manifest(text, &a);
	read_config(text, &a);
	arena_done(&a);
	return 0;
}
