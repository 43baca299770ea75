/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of packages that both forms of a software bill of materials write: sorted, each once,
 * with package URLs and ids that do not depend on the order in which layers were read. Findings are
 * no part of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/package/package.h"
#include "face/report/report_private.h"

enum { SBOM_ARENA = 256 << 20 };

static int by_purl_and_path(const void *x, const void *y)
{
	const struct sbom_entry *a = x, *b = y;
	int n = str_cmp(a->purl, b->purl);

	return n ? n : str_cmp(a->p->path, b->p->path);
}

/* What the layers say of the same thing twice is one: the first of equals stays. */
static void drop_repeated(struct sbom *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (!n || by_purl_and_path(&b->entries[n - 1], &b->entries[i]) != 0)
			b->entries[n++] = b->entries[i];
	b->n = n;
}

/* A UUID of version 8 (RFC 9562): made from what the report is about, not at random. */
static void set_uuid(struct sbom *b, const struct artifact_report *r)
{
	uint64_t of_image = str_hash(r->image.digest) ^ hash_u64(str_hash(r->image.ref));
	uint64_t of_scan = hash_u64(r->scanned_ns) ^ hash_u64(r->knowledge + 1);
	uint64_t high = hash_u64(of_image ^ of_scan), low = hash_u64(high ^ of_image);

	for (size_t i = 0; i < b->n; i++)
		low = hash_u64(low ^ b->entries[i].id);
	snprintf(b->uuid, sizeof(b->uuid), "%08" PRIx32 "-%04x-8%03x-%04x-%012" PRIx64,
		(uint32_t)(high >> 32), (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff),
		(unsigned)(low >> 48 & 0x3fff) | 0x8000, low & UINT64_C(0xffffffffffff));
}

static bool is_of_distribution(const struct artifact_package *p)
{
	return p->type == PACKAGE_DPKG || p->type == PACKAGE_APK || p->type == PACKAGE_RPM;
}

/*
 * Whether it is in the image: what a distribution installed is there also when its database was
 * deleted later; what was deleted of a language's packages is not.
 */
static bool is_there(const struct artifact_package *p)
{
	return p->deleted_in < 0 || is_of_distribution(p);
}

/* ---- which of a language's packages are files of a distribution's -------------------------- */

struct owned {
	uint64_t path; /* its hash */
	const struct artifact_package *owner;
};

static int by_path(const void *x, const void *y)
{
	uint64_t a = ((const struct owned *)x)->path, b = ((const struct owned *)y)->path;

	return a < b ? -1 : a > b;
}

static size_t count_owned(const struct artifact_report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->npackages; i++)
		n += is_of_distribution(&r->packages[i]) ? r->packages[i].nfiles : 0;
	return n;
}

/* The file that the package is known by; of one inside a jar, the outermost. */
static struct owned key_of(const struct artifact_package *p)
{
	ptrdiff_t mark = str_find_char(p->path, '!');

	return (struct owned){
		.path = str_hash(mark < 0 ? p->path : str_head(p->path, (size_t)mark))};
}

/* Without memory nobody is known to own anything: a note is missing, and no package. */
static void find_owners(struct sbom *b, const struct artifact_report *r)
{
	size_t n = 0, all = count_owned(r);
	struct owned *owned = all ? malloc(all * sizeof(*owned)) : NULL;

	if (!owned)
		return;
	for (size_t i = 0; i < r->npackages; i++)
		for (size_t k = 0; is_of_distribution(&r->packages[i]) && k < r->packages[i].nfiles;
			k++)
			owned[n++] = (struct owned){r->packages[i].files[k], &r->packages[i]};
	qsort(owned, n, sizeof(*owned), by_path);
	for (size_t i = 0; i < b->n; i++) {
		struct owned key = key_of(b->entries[i].p), *o = NULL;

		if (!is_of_distribution(b->entries[i].p))
			o = bsearch(&key, owned, n, sizeof(*owned), by_path);
		b->entries[i].owner = o ? o->owner : NULL;
	}
	free(owned);
}

/* ---- the list ------------------------------------------------------------------------------ */

static bool fill(struct sbom *b, const struct artifact_report *r, bool all)
{
	struct sbom_entry *entries = arena_array(&b->arena, struct sbom_entry, r->npackages + 1);

	if (!entries)
		return false;
	for (size_t i = 0; i < r->npackages; i++) {
		const struct artifact_package *p = &r->packages[i];
		struct sbom_entry *e = &entries[b->n];

		if (!is_there(p) && !all)
			continue;
		e->p = p;
		e->purl = p->purl.len ? p->purl : package_purl(p, &r->distro, &b->arena);
		e->id = str_hash(e->purl) ^ hash_u64(str_hash(p->path));
		b->n++;
	}
	qsort(entries, b->n, sizeof(entries[0]), by_purl_and_path);
	b->entries = entries;
	drop_repeated(b);
	find_owners(b, r);
	b->image_name = r->image.repository.len ? r->image.repository : r->image.ref;
	b->image_purl = package_purl_image(&r->image, &b->arena);
	return !b->arena.failed;
}

void sbom_init(struct sbom *b, const struct artifact_report *r, bool all, struct buf *out)
{
	*b = (struct sbom){0};
	arena_init(&b->arena, SBOM_ARENA);
	if (!fill(b, r, all)) {
		b->n = 0;
		out->cut = true;
	}
	set_uuid(b, r);
}

void sbom_done(struct sbom *b)
{
	arena_done(&b->arena);
}

void sbom_add_time(uint64_t epoch_ns, struct buf *out)
{
	buf_add_char(out, '"');
	clock_add_strftime(out, epoch_ns, "%Y-%m-%dT%H:%M:%SZ", true);
	buf_add_char(out, '"');
}

struct str sbom_layer_digest(const struct artifact_report *r, const struct artifact_package *p)
{
	return p->layer < r->image.nlayers ? r->image.layers[p->layer].digest : STR_NULL;
}

struct str sbom_sha256(struct str digest)
{
	struct str prefix = STR("sha256:"), digits = str_skip(digest, prefix.len);

	if (!str_starts(digest, prefix) || digits.len != 64)
		return STR_NULL;
	for (size_t i = 0; i < digits.len; i++)
		if (!(digits.s[i] >= '0' && digits.s[i] <= '9') &&
			!(digits.s[i] >= 'a' && digits.s[i] <= 'f'))
			return STR_NULL;
	return digits;
}

void sbom_add_member(struct buf *out, bool *first, const char *key, struct str value)
{
	if (!value.len)
		return;
	json_add_key(out, first, key);
	json_add_str(out, value);
}
