/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpm's own database, ndb, of SUSE: Packages.db (rpm's lib/backend/ndb/rpmpkg.c). Pages of slots at
 * the beginning say where the blobs are; a header of 32 bytes takes the place of the first two.
 * All numbers are little endian, all places are multiples of 16. Checksums are not verified.
 */
#include "engine/package/private.h"

enum {
	NDB_PAGE = 4096,
	NDB_UNIT = 16, /* of a slot, and of a block */
	NDB_HEADER = 32,
	NDB_MAX_PAGES = 4096, /* 1 million slots */
};

static const struct str slot_magic = STR("Slot"), blob_magic = STR("BlbS");

/* False: enough packages. */
static bool read_slot(struct package_job *j, struct window *w, uint64_t at, bool *bad)
{
	struct str magic = window_bytes(w, at, 4);
	uint64_t index = window_number(w, at + 4, 4),
		 block = window_number(w, at + 8, 4) * NDB_UNIT;

	if (w->bad || !str_eq(magic, slot_magic)) {
		*bad = true;
		return true;
	}
	if (!block)
		return true; /* free */
	/* magic, index, generation, length */
	magic = window_bytes(w, block, 4);
	uint64_t owner = window_number(w, block + 4, 4), size = window_number(w, block + 12, 4);
	struct str blob = window_bytes(w, block + 16, size);
	if (w->bad || !str_eq(magic, blob_magic) || owner != index || size > RPM_HEADER_BYTES) {
		*bad = true;
		w->bad = false;
		return true;
	}
	return rpm_take_header(j, blob);
}

int rpm_read_ndb(struct package_job *j)
{
	struct window w = {.s = j->content};
	uint64_t version = window_number(&w, 4, 4), npages = window_number(&w, 12, 4);
	bool bad = false;

	if (w.bad || version != 0 || npages > NDB_MAX_PAGES)
		return job_bad(j, "is an ndb database with a head that is not known");
	uint64_t end = npages * NDB_PAGE;
	for (uint64_t at = NDB_HEADER; at < end && !w.bad; at += NDB_UNIT)
		if (!read_slot(j, &w, at, &bad))
			return job_bad(j, "has more than %d packages", PACKAGE_MAX_OF_FILE);
	return bad || w.bad ? job_bad(j, "is damaged: packages may be missing") : 0;
}
