/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Between the two files that read lists. */
#include "engine/indicator/private.h"

struct reading {
	struct indicators *i;
	const char *path;
	unsigned line;
	struct list *list;
	bool is_csv, has_category, has_entries;
	int64_t max_age;               /* days */
	int domain_column, day_column; /* of CSV; -1 = not known yet */
	struct err *e;
};

int list_add_entry(struct reading *r, struct str name, struct str note);
/* A hosts file's own names, and what blocks nothing. */
bool list_is_local_name(struct str s);
/* "path:line: …". Returns -EINVAL. */
int list_mistake(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
