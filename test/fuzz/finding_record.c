/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finding of any bytes as a record: one line of valid JSON within its limit. Input: pieces of
 * text, each behind its u16 length, dealt out to the finding's strings in turn; lengths are
 * multiplied so that limits are reached.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "model/finding/finding.h"

enum { TEXTS = 64 };

struct texts {
	struct str s[TEXTS];
	unsigned n, at;
};

static struct str next(struct texts *t)
{
	return t->n ? t->s[t->at++ % t->n] : STR_NULL;
}

/* The piece repeated up to eight times. */
static struct str repeat(struct arena *a, struct str s, unsigned times)
{
	char *p = arena_raw(a, s.len * times + 1);

	for (unsigned i = 0; p && i < times && s.len; i++)
		memcpy(p + i * s.len, s.s, s.len);
	return p ? str_make(p, s.len * times) : s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_of(data, size);
	struct texts t = {0};
	struct arena a;
	static struct buf out = BUF_INIT(1 << 20);

	arena_init(&a, 64 << 20);
	while (t.n < TEXTS && cursor_left(&c)) {
		uint16_t len = cursor_u16(&c);
		struct str s = cursor_str(&c, len % (cursor_left(&c) + 1));

		t.s[t.n++] = repeat(&a, s, 1 + len % 8);
	}
	struct finding_mount mounts[3] = {{next(&t), next(&t), true}, {next(&t), next(&t), false}};
	struct finding_container k = {next(&t), next(&t), next(&t), next(&t), next(&t), next(&t),
		next(&t), next(&t), "podman", true, false, true, mounts, 3};
	struct finding_process p[FINDING_PROCESSES_MAX];
	for (unsigned i = 0; i < FINDING_PROCESSES_MAX; i++)
		p[i] = (struct finding_process){.pid = i,
			.flags = i,
			.name = next(&t),
			.exe = next(&t),
			.cmdline = next(&t),
			.cwd = next(&t),
			.user = next(&t)};
	struct finding_field fields[20];
	for (unsigned i = 0; i < 20; i++)
		fields[i] = (struct finding_field){
			.name = next(&t), .type = i % (FV_BOOL + 1), .s = next(&t)};
	struct str tags[3] = {next(&t), next(&t), next(&t)};
	struct finding_context x = {.event_type = next(&t),
		.event_args = next(&t),
		.file = {next(&t), next(&t), next(&t)},
		.connection = {"tcp", "client", "ipv6", next(&t), next(&t)},
		.processes = p,
		.nprocesses = t.n % (FINDING_PROCESSES_MAX + 1),
		.container = size & 1 ? &k : NULL,
		.capture = next(&t)};
	struct finding f = {.rule = next(&t),
		.source = next(&t),
		.output = next(&t),
		.hostname = next(&t),
		.tags = tags,
		.ntags = 3,
		.fields = fields,
		.nfields = 20,
		.context = size & 2 ? NULL : &x};

	buf_clear(&out);
	finding_format_record(&f, &out);
	json_t *j = json_loadb(out.s, out.len, 0, NULL);
	if (!j || out.cut || out.len > FINDING_RECORD_MAX || memchr(out.s, '\n', out.len))
		abort();
	json_decref(j);
	arena_done(&a);
	return 0;
}
