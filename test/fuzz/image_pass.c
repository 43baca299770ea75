/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole pass over a stranger's bytes, as a worker does it: unpacking, the tar, archives inside,
 * what entries try, words of scripts, and the report as JSON and back. The first byte says whether
 * the rest is a layer or a member of one, and in blocks of which size it comes.
 */
#include <stdlib.h>

#include "scan/image/layer.h"
#include "scan/image/pass.h"

enum { MEMBER_MAX = 1 << 20, HEADER = 512 };

struct fed {
	struct str s;
	size_t at, step;
	struct unpack unpack;
	uint8_t out[4096];
};

static ptrdiff_t next_stored(void *arg, const void **block)
{
	struct fed *f = arg;
	size_t left = f->s.len - f->at, n = left < f->step ? left : f->step;

	*block = f->s.s + f->at;
	f->at += n;
	return (ptrdiff_t)n;
}

static ptrdiff_t next_plain(void *arg, const void **block)
{
	struct fed *f = arg;

	*block = f->out;
	return unpack_read(&f->unpack, f->out, sizeof(f->out));
}

/* Touches every byte that it is shown. */
static void look(void *self, const struct file_view *v, struct ledger *l)
{
	uint64_t *sum = self;

	for (size_t i = 0; i < v->content.len; i++)
		*sum += (unsigned char)v->content.s[i];
	if (v->is_first != (v->offset == 0) && v->is_first && !v->file->size)
		abort();
}

static bool always(void *self)
{
	return true;
}

static const struct analyzer_ops looker = {
	.name = "looker", .doc = "", .file = look, .wants_sha256 = always};

/* A tar with the bytes as its only member. */
static char *wrap(const uint8_t *data, size_t size, size_t *ret)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	size_t cap = size + 8 * HEADER;
	char *to = malloc(cap);

	archive_write_set_format_ustar(a);
	archive_write_set_bytes_per_block(a, 0);
	archive_write_open_memory(a, to, cap, ret);
	archive_entry_set_pathname(e, "a");
	archive_entry_set_mode(e, 0100644);
	archive_entry_set_size(e, (la_int64_t)size);
	archive_write_header(a, e);
	archive_write_data(a, data, size);
	archive_entry_free(e);
	archive_write_free(a);
	return to;
}

static void check_report(struct ledger *ledger)
{
	struct layer_report l, back;
	struct buf b = BUF_INIT(LAYER_REPORT_MAX);
	struct arena a;

	if (ledger_report(ledger, &l) < 0)
		return;
	layer_report_to_json(&l, &b);
	arena_init(&a, 0);
	if (!b.cut && layer_report_from_json(buf_str(&b), &a, &back, NULL) < 0)
		abort();
	arena_done(&a);
	buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t sum;
	static const struct analyzer_set set = {.ops = {&looker}, .self = {&sum}, .n = 1};
	static const struct scan_limits limits = {.max_layer_bytes = 64 << 20,
		.max_file_bytes = 32 << 20,
		.max_members = 2000,
		.max_depth = 3,
		.max_ratio = 200,
		.max_layer_s = 60,
		.max_findings = 50};
	static const size_t steps[] = {1, 100, 4096, 1 << 20};
	struct fed f = {0};
	struct ledger *ledger;
	struct pass p;
	char *wrapped = NULL;

	if (size < 2 || size > MEMBER_MAX || ledger_open(&limits, &ledger) < 0)
		return 0;
	f.step = steps[data[0] & 3];
	f.s = str_make((const char *)data + 1, size - 1);
	if (data[0] & 4) {
		wrapped = wrap(data + 1, size - 1, &f.s.len);
		f.s.s = wrapped;
	}
	if (pass_open(&p, &set, &limits, ledger, NULL, 1) == 0 &&
		unpack_open(&f.unpack, (struct byte_source){next_stored, &f}) == 0)
		pass_layer(&p, (struct byte_source){next_plain, &f});
	check_report(ledger);
	unpack_close(&f.unpack);
	pass_close(&p);
	ledger_free(ledger);
	free(wrapped);
	return 0;
}
