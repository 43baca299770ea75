/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into no capture: values of the environment and single arguments whose name matches a
 * pattern. The place stays, so that whoever reads the capture sees that something was there. It
 * does not look into the data of reads and writes: who wants none of it takes a small snaplen.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "source/capture/write.h"

enum { ITEM_MAX = 8192 };

static const struct str redacted = {"(redacted)", sizeof("(redacted)") - 1};

int redact_init(struct redact *r, const struct capture_writer_options *o)
{
	const char **patterns = calloc(o->nredact + 1, sizeof(*patterns));

	*r = (struct redact){.no_environment = o->no_environment};
	if (!patterns)
		return -ENOMEM;
	r->patterns = patterns;
	for (size_t i = 0; i < o->nredact; i++) {
		char *copy = strdup(o->redact[i]);

		if (!copy)
			return -ENOMEM;
		patterns[r->npatterns++] = copy;
	}
	return 0;
}

void redact_done(struct redact *r)
{
	for (size_t i = 0; i < r->npatterns; i++)
		free((char *)r->patterns[i]);
	free((void *)r->patterns);
	*r = (struct redact){0};
}

bool redact_wants(const struct redact *r)
{
	return r->npatterns || r->no_environment;
}

static bool matches(const struct redact *r, const char *text, bool *is_literal)
{
	for (size_t i = 0; i < r->npatterns; i++) {
		if (fnmatch(r->patterns[i], text, 0) == 0) {
			*is_literal = strcmp(r->patterns[i], text) == 0;
			return true;
		}
	}
	return false;
}

enum verdict { KEEP, DROP_VALUE, DROP_ALL, DROP_NEXT };

/*
 * NAME=value and --name=value lose the value when the name or the whole matches. An option that a
 * pattern names exactly ("--password") loses the argument after it; any other match loses itself.
 */
static enum verdict judge(const struct redact *r, struct str item)
{
	char text[ITEM_MAX];
	bool is_literal = false;
	ptrdiff_t eq = str_find_char(item, '=');

	str_copy(item, text, sizeof(text)); /* cut: a longer one is told by its beginning */
	if (matches(r, text, &is_literal))
		return eq >= 0 ? DROP_VALUE : is_literal && *text == '-' ? DROP_NEXT : DROP_ALL;
	if (eq < 0 || (size_t)eq >= sizeof(text))
		return KEEP;
	text[eq] = 0;
	return matches(r, text, &is_literal) ? DROP_VALUE : KEEP;
}

static size_t add(char *out, size_t at, size_t size, struct str s)
{
	size_t n = s.len < size - at ? s.len : size - at;

	memcpy(out + at, s.s, n);
	return at + n;
}

struct str redact_vector(
	struct redact *r, struct str vector, bool is_environment, char *out, size_t size)
{
	bool is_next = false;
	size_t n = 0;
	struct str rest = vector;

	if (is_environment && r->no_environment) {
		r->count += vector.len > 0;
		return STR_NULL;
	}
	if (!r->npatterns || !vector.len)
		return vector;
	while (rest.len) {
		struct str item = str_cut(&rest, '\0');
		enum verdict v = is_next ? DROP_ALL : judge(r, item);

		is_next = v == DROP_NEXT && !is_environment;
		if (v == DROP_VALUE)
			n = add(out, n, size, str_head(item, (size_t)str_find_char(item, '=') + 1));
		else if (v != DROP_ALL)
			n = add(out, n, size, item);
		if (v == DROP_VALUE || v == DROP_ALL) {
			n = add(out, n, size, redacted);
			r->count++;
		}
		if (rest.s)
			n = add(out, n, size, STR("\0"));
	}
	return str_make(out, n);
}
