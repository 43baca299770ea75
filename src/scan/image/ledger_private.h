/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the two files of the ledger share. A ledger is the pass's own, and has a lane for each
 * analyzer: a ledger of the same kind, in which only this analyzer writes, from whichever thread it
 * runs on. ledger.c writes things down; ledger_join.c puts the lanes together, in the order in
 * which one thread would have heard them.
 */
#include "scan/image/ledger.h"

#include "base/table.h"

enum {
	KEEP_MAX = 40 << 20, /* bytes of a lane's report */
	MEMBER_MAX = 32 << 20,
	PACKAGES_MAX = 100000,
	OWNED_MAX = 2 << 20, /* files of all packages */
	GAPS_MAX = 256,
	CHECKS_MAX = 4096,
	PATHS_MAX = 3 << 19,
	NAMES_MAX = 200000, /* whiteouts, opaques, links: each */
	RUNS_MAX = 20000,
	WORDS_MAX = 64, /* of a file */
	WORD_BYTES = 256,
	FACTS_MAX = 16,
	FACT_BYTES = 512,
	TITLE_BYTES = 500,
	EXCERPT_BYTES = 200,
};

/* A list that grows to its maximum. */
struct list {
	void *items;
	size_t n, cap, size, max;
};

/* Something that was said, and of which member of the layer. */
struct said_finding {
	struct artifact_finding f;
	uint64_t number;
};
struct said_gap {
	struct artifact_gap g;
	uint64_t number;
};
struct said_runs {
	struct layer_runs r;
	uint64_t number;
};

/* How often a check was heard. */
struct check_count {
	struct str check;
	uint64_t found, kept;
	struct str path; /* of the first that was not kept */
};

struct ledger {
	struct scan_limits limits;
	struct ledger *lanes[ANALYZERS_MAX];
	size_t nlanes;
	struct arena keep, member;
	struct list findings, packages, gaps, paths, dirs, whiteouts, opaques, links, runs;
	struct list joined_findings, joined_packages, joined_gaps, joined_runs; /* of all lanes */
	struct table checks;
	struct artifact_distro distro;
	uint64_t distro_number;
	const char *analyzer;
	struct artifact_file file;
	uint64_t number; /* of the member at hand */
	enum artifact_place place;
	unsigned index;
	enum layer_starter starter;
	struct str words[WORDS_MAX];
	size_t nwords, owned;
	uint64_t files, read_files, read_bytes, archives;
	bool is_full;      /* something of it was not kept */
	bool is_tree_full; /* of the tree's facts */
};

/* Room for one more, zeroed; NULL when the list is full or memory is out. */
void *ledger_list_add(struct list *v);
/* The count of a check; NULL when there are too many kinds of it. */
struct check_count *ledger_count_check(struct ledger *l, struct str check);
