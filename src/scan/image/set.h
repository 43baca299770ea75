/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The analyzers of a scan, opened: what they compiled is shared by the workers. */
#include "scan/image/analyzer.h"
#include "scan/image/image.h"

enum { ANALYZERS_MAX = 24 };

struct analyzer_set {
	const struct analyzer_ops *ops[ANALYZERS_MAX];
	void *self[ANALYZERS_MAX];
	size_t n;
	uint64_t knowledge; /* with the limits: the same = the same report of the same layer */
};

/* -EINVAL for a name in `only` that is no analyzer's. 0 or -errno. */
int analyzer_set_open(const struct analyzer_ops *const *rows, const struct scan_options *o,
	struct analyzer_set *ret, struct err *e);
void analyzer_set_close(struct analyzer_set *s);
