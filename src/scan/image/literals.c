/* SPDX-License-Identifier: Apache-2.0 */
/* Many literals at once, by Vectorscan in block mode: a few hundred cost little more than one. */
#include "scan/image/literals.h"

#include <errno.h>
#include <hs/hs.h>
#include <stdlib.h>

struct literals {
	hs_database_t *database;
	hs_scratch_t *scratch;
	size_t n;
};

static int compile(struct literals *l, const struct str *texts, size_t n, struct err *e)
{
	const char **expressions = calloc(n + 1, sizeof(*expressions));
	size_t *lengths = calloc(n + 1, sizeof(*lengths));
	unsigned *flags = calloc(n + 1, sizeof(*flags)), *ids = calloc(n + 1, sizeof(*ids));
	hs_compile_error_t *wrong = NULL;
	int r = -ENOMEM;

	if (!expressions || !lengths || !flags || !ids)
		goto out;
	l->n = n;
	for (size_t i = 0; i <= n; i++) {
		struct str text = i < n ? texts[i] : STR(LITERAL_SHORT);

		expressions[i] = text.s;
		lengths[i] = text.len;
		flags[i] = HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH;
		ids[i] = (unsigned)i;
	}
	r = 0;
	if (hs_compile_lit_multi(expressions, flags, ids, lengths, (unsigned)n + 1, HS_MODE_BLOCK,
		    NULL, &l->database, &wrong) != HS_SUCCESS) {
		r = err_set(e, EINVAL, "cannot compile the signs to look for: %s",
			wrong ? wrong->message : "out of memory");
		hs_free_compile_error(wrong);
	}
out:
	free(ids);
	free(flags);
	free(lengths);
	free(expressions);
	return r == -ENOMEM ? err_set(e, ENOMEM, "out of memory") : r;
}

int literals_compile(const struct str *texts, size_t n, struct literals **ret, struct err *e)
{
	struct literals *l = calloc(1, sizeof(*l));

	if (!l)
		return err_set(e, ENOMEM, "out of memory");
	int r = compile(l, texts, n, e);
	if (r == 0 && hs_alloc_scratch(l->database, &l->scratch) != HS_SUCCESS)
		r = err_set(e, ENOMEM, "out of memory");
	if (r < 0)
		literals_free(l);
	else
		*ret = l;
	return r;
}

void literals_free(struct literals *l)
{
	if (!l)
		return;
	hs_free_scratch(l->scratch);
	hs_free_database(l->database);
	free(l);
}

struct search {
	literal_found found;
	void *arg;
	size_t n;
};

static int on_match(
	unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	const struct search *s = arg;

	(void)from;
	(void)flags;
	return id < s->n && s->found(s->arg, id, (size_t)to);
}

void literals_find(const struct literals *l, struct str text, literal_found found, void *arg)
{
	struct search s = {found, arg, l->n};

	/* a window has at most 16 MiB: its length fits */
	if (text.len)
		hs_scan(l->database, text.s, (unsigned)text.len, 0, l->scratch, on_match, &s);
}
