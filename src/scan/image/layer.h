/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is known of one layer when it was read: what the analyzers found in it, and the facts of its
 * file tree by which layers are put together. The worker makes it, the cache keeps it.
 */
#include "model/artifact/artifact.h"

struct layer_link {
	struct str path, target; /* target as it is written */
};

/* What starts the programs that a file names. */
enum layer_starter {
	STARTER_SCRIPT, /* runs them when it is run itself */
	STARTER_CRON,
	STARTER_SERVICE,
	STARTER_LOGIN,
	STARTER_PRELOAD,
	STARTER_COUNT
};

struct layer_runs {
	struct str path;
	enum layer_starter by;
	const struct str *words;
	size_t nwords;
};

struct layer_report {
	struct artifact_report found; /* packages, findings, distro, coverage with its gaps */
	struct str diff_id; /* "sha256:…" of what came out of it; empty = not to its end */
	uint64_t unpacked_size, nfiles;
	const uint64_t *paths,
		*dirs; /* str_hash() of paths of non-directories, directories; sorted */
	size_t npaths, ndirs;
	const struct str *whiteouts, *opaques;
	size_t nwhiteouts, nopaques;
	const struct layer_link *links;
	size_t nlinks;
	const struct layer_runs *runs;
	size_t nruns;
	bool is_partial; /* by accident (a dead worker, a stream that broke): not to be remembered
			  */
};

/* As two lines of JSON, and back; reading checks shapes and sizes. -EBADMSG or -ENOMEM. */
void layer_report_to_json(const struct layer_report *l, struct buf *out);
int layer_report_from_json(
	struct str text, struct arena *a, struct layer_report *ret, struct err *e);
enum { LAYER_REPORT_MAX = 64 << 20 }; /* bytes of its JSON */

bool layer_has_path(const struct layer_report *l, uint64_t hash);
bool layer_has_dir(const struct layer_report *l, uint64_t hash);
