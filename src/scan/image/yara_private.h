/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by yara_set.c, which compiles, and yara_scan.c, which scans. */
#include "scan/image/yara_gate.h"

struct yara_set {
	YR_RULES *rules;
	YR_SCANNER *scanner;
	struct yara_gate *gate; /* NULL: every file is scanned */
	bool looks_at_comments;
	size_t nrules;
	uint64_t hash;
	/* a file that is being scanned */
	bool is_scanning;   /* YARA has seen a window of it, and waits for more */
	bool is_evaluating; /* all windows were seen: conditions are judged */
	bool gave_up;       /* it took too long: the rest of it is not looked at */
	bool has_head;      /* it has several windows, and `head` holds its begin */
	bool was_given;     /* the window that is shown was handed out */
	struct yara_window window;
	YR_MEMORY_BLOCK block;
	YR_MEMORY_BLOCK_ITERATOR iterator;
	size_t head_size;
	uint8_t head[YARA_HEAD];
	/* who is told */
	yara_match_fn fn;
	void *arg;
	size_t nmatches;
};

/* Variables that rules may name; all are texts. */
extern const char *const yara_externals[];
int yara_make_scanner(struct yara_set *s);
void yara_end_scan(struct yara_set *s);
