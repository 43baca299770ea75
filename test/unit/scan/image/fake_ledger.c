/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See fake_ledger.h. It has no limits but its arrays, merges nothing and judges nothing; what the
 * real ledger checks of a finding (a check, a title, a label, percents) is asserted here.
 */
#include "fake_ledger.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

void fake_ledger_init(struct ledger *l)
{
	memset(l, 0, sizeof(*l));
	arena_init(&l->kept, 0);
	arena_init(&l->member, 64 << 20);
}

void fake_ledger_clear(struct ledger *l)
{
	arena_reset(&l->kept);
	l->nfindings = l->npackages = l->ndistros = l->ngaps = l->nruns = 0;
}

void fake_ledger_done(struct ledger *l)
{
	arena_done(&l->kept);
	arena_done(&l->member);
}

static struct str keep(struct ledger *l, struct str s)
{
	return s.len ? arena_str(&l->kept, s) : STR_NULL;
}

void ledger_find(struct ledger *l, const struct artifact_finding *f)
{
	struct artifact_finding *to = &l->findings[l->nfindings];
	struct artifact_pair *facts = arena_array(&l->kept, struct artifact_pair, f->nfacts + 1);

	assert(l->nfindings < FAKE_MAX);
	assert(f->check.len && f->title.len && f->label < LABEL_COUNT);
	assert(f->severity < ARTIFACT_SEVERITY_COUNT && f->confidence <= 100);
	assert(f->excerpt.len <= 200);
	l->nfindings++;
	*to = *f;
	to->check = keep(l, f->check);
	to->title = keep(l, f->title);
	to->mend = keep(l, f->mend);
	to->excerpt = keep(l, f->excerpt);
	for (size_t i = 0; i < f->nfacts; i++)
		facts[i] = (struct artifact_pair){
			keep(l, f->facts[i].key), keep(l, f->facts[i].value)};
	to->facts = facts;
	to->place = l->file ? PLACE_FILE : l->place;
	to->path = l->file ? keep(l, l->file->path) : STR_NULL;
	to->index = l->index;
	to->deleted_in = -1;
}

void ledger_package(struct ledger *l, const struct artifact_package *p)
{
	struct artifact_package *to = &l->packages[l->npackages];
	uint64_t *files = arena_array(&l->kept, uint64_t, p->nfiles + 1);

	assert(l->npackages < FAKE_MAX && p->name.len);
	l->npackages++;
	*to = *p;
	struct str *const strings[] = {&to->name, &to->version, &to->arch, &to->source,
		&to->source_version, &to->group, &to->license, &to->maintainer, &to->path,
		&to->purl};
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		*strings[i] = keep(l, *strings[i]);
	if (p->nfiles)
		memcpy(files, p->files, p->nfiles * sizeof(*files));
	to->files = files;
}

void ledger_distro(struct ledger *l, const struct artifact_distro *d)
{
	struct artifact_distro *to = &l->distros[l->ndistros];

	assert(l->ndistros < sizeof(l->distros) / sizeof(l->distros[0]));
	l->ndistros++;
	*to = *d;
	struct str *const strings[] = {&to->id, &to->version, &to->codename, &to->pretty_name,
		&to->path, &to->end_of_life};
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		*strings[i] = keep(l, *strings[i]);
}

void ledger_gap(struct ledger *l, const char *why, bool is_serious)
{
	assert(l->ngaps < FAKE_MAX && why && why[0]);
	l->gaps[l->ngaps++] = (struct fake_gap){
		l->file ? keep(l, l->file->path) : STR_NULL, keep(l, str_of(why)), is_serious};
}

void ledger_runs(struct ledger *l, struct str word)
{
	assert(l->nruns < FAKE_MAX && word.len);
	l->runs[l->nruns++] = keep(l, word);
}

struct arena *ledger_arena(struct ledger *l)
{
	return &l->member;
}

/* A member is over: whoever still points into its arena will read this. */
static void wipe_member(struct ledger *l)
{
	arena_reset(&l->member);
	for (size_t i = 0; i < 64; i++) {
		void *p = arena_raw(&l->member, 1000);

		if (p)
			memset(p, 0xdb, 1000);
	}
	arena_reset(&l->member);
}

static bool looks_like_text(struct str s)
{
	struct str head = str_head(s, 8192);
	size_t odd = 0;

	for (size_t i = 0; i < head.len; i++) {
		unsigned char c = (unsigned char)head.s[i];

		if (!c)
			return false;
		odd += (c < 32 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 27) ||
		       c == 127;
	}
	return odd * 20 <= head.len;
}

static bool wants(const struct analyzer_ops *ops, void *self, const struct artifact_file *f)
{
	return f->kind == ARTIFACT_FILE && ops->file && (!ops->wants || ops->wants(self, f));
}

void fake_show_windows(const struct analyzer_ops *ops, void *self, struct ledger *l,
	const struct artifact_file *f, struct str content, size_t window, size_t overlap)
{
	struct file_view v = {.file = f,
		.is_text = looks_like_text(content),
		.is_elf = str_starts(content, STR("\177ELF"))};

	assert(overlap < window);
	l->file = f;
	if (ops->entry)
		ops->entry(self, f, l);
	for (size_t at = 0; wants(ops, self, f); at += window - overlap) {
		struct str part = str_head(str_skip(content, at), window);
		/* a copy, so that reading past its end is seen */
		char *copy = memcpy(malloc(part.len + 1), part.len ? part.s : "", part.len);

		assert(copy);
		copy = realloc(copy, part.len ? part.len : 1);
		v.content = str_make(copy, part.len);
		v.offset = at;
		v.is_first = at == 0;
		v.is_last = at + part.len == content.len;
		v.has_sha256 = v.is_last;
		if (v.is_last)
			SHA256((const uint8_t *)content.s, content.len, v.sha256);
		ops->file(self, &v, l);
		free(copy);
		if (v.is_last)
			break;
	}
	wipe_member(l);
	l->file = NULL;
}

void fake_show_file(const struct analyzer_ops *ops, void *self, struct ledger *l,
	const struct artifact_file *f, struct str content)
{
	struct artifact_file sized = *f;

	if (f->kind == ARTIFACT_FILE)
		sized.size = content.len;
	fake_show_windows(ops, self, l, &sized, content, ANALYZER_WINDOW, ANALYZER_OVERLAP);
}

void fake_show(const struct analyzer_ops *ops, void *self, struct ledger *l, const char *path,
	uint32_t mode, struct str content)
{
	struct artifact_file f = {.path = str_of(path), .kind = ARTIFACT_FILE, .mode = mode};

	fake_show_file(ops, self, l, &f, content);
}

void fake_show_text(const struct analyzer_ops *ops, void *self, struct ledger *l,
	enum artifact_place place, unsigned index, const char *text)
{
	l->place = place;
	l->index = index;
	if (ops->text)
		ops->text(self, place, index, str_of(text), l);
	wipe_member(l);
	l->index = 0;
}

void fake_show_image(const struct analyzer_ops *ops, void *self, struct ledger *l,
	const struct artifact_image *image)
{
	l->place = PLACE_CONFIG;
	if (ops->image)
		ops->image(self, image, l);
	wipe_member(l);
}

void fake_end_layer(const struct analyzer_ops *ops, void *self, struct ledger *l)
{
	if (ops->layer_end)
		ops->layer_end(self, l);
	wipe_member(l);
}

const struct artifact_finding *fake_find(const struct ledger *l, const char *check)
{
	for (size_t i = 0; i < l->nfindings; i++)
		if (str_is(l->findings[i].check, check))
			return &l->findings[i];
	return NULL;
}

size_t fake_count(const struct ledger *l, const char *check)
{
	size_t n = 0;

	for (size_t i = 0; i < l->nfindings; i++)
		n += str_is(l->findings[i].check, check);
	return n;
}

bool fake_has_run(const struct ledger *l, const char *word)
{
	for (size_t i = 0; i < l->nruns; i++)
		if (str_is(l->runs[i], word))
			return true;
	return false;
}

void fake_print(const struct ledger *l)
{
	for (size_t i = 0; i < l->nfindings; i++) {
		const struct artifact_finding *f = &l->findings[i];

		fprintf(stderr, "# %.*s %s %s %u%% %.*s: %.*s | %.*s\n", STR_ARG(f->check),
			artifact_label_name(f->label), artifact_severity_name(f->severity),
			f->confidence, STR_ARG(f->path), STR_ARG(f->title), STR_ARG(f->excerpt));
	}
	for (size_t i = 0; i < l->ngaps; i++)
		fprintf(stderr, "# gap %.*s: %.*s\n", STR_ARG(l->gaps[i].path),
			STR_ARG(l->gaps[i].why));
}
