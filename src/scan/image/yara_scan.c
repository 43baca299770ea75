/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries a set of YARA rules on a file that comes in windows. libyara can wait between blocks of a
 * scan (ERROR_BLOCK_NOT_READY), so a file of many windows is one scan whose strings may lie in
 * different ones; when conditions are judged at the end only the file's first 64 KiB are still
 * there, which is what uint32(0) and the modules read. A gated set begins at the first window that
 * its gate lets pass: of a file larger than a window, strings in earlier windows are not seen.
 */
#include <errno.h>
#include <stdlib.h>

#include "scan/image/yara_private.h"

enum {
	MAX_INDENT = 256,
	MAX_LINE = 4096,
	/* of a text whose comments are told apart: all matches are kept for that, and a text made
	   of nothing but matches must not use up the memory */
	MAX_COMMENTED = 128 << 10,
};

int yara_make_scanner(struct yara_set *s)
{
	return yr_scanner_create(s->rules, &s->scanner) == ERROR_SUCCESS ? 0 : -ENOMEM;
}

struct str yara_rule_meta(const YR_RULE *rule, const char *key, int64_t *number)
{
	const YR_META *m;

	yr_rule_metas_foreach(rule, m)
	{
		if (strcmp(m->identifier, key) != 0)
			continue;
		if (m->type == META_TYPE_STRING)
			return str_of(m->string);
		if (m->type == META_TYPE_INTEGER && number)
			*number = m->integer;
	}
	return STR_NULL;
}

/* ---- what libyara asks for ---------------------------------------------------------------- */

static const uint8_t *give_bytes(YR_MEMORY_BLOCK *b)
{
	return b->context;
}

static uint64_t give_file_size(YR_MEMORY_BLOCK_ITERATOR *it)
{
	const struct yara_set *s = it->context;

	return s->window.file_size;
}

static YR_MEMORY_BLOCK *make_block(struct yara_set *s, const void *at, size_t size, uint64_t base)
{
	s->iterator.last_error = ERROR_SUCCESS;
	s->block = (YR_MEMORY_BLOCK){
		.size = size, .base = base, .context = (void *)at, .fetch_data = give_bytes};
	return &s->block;
}

static YR_MEMORY_BLOCK *next_block(YR_MEMORY_BLOCK_ITERATOR *it)
{
	struct yara_set *s = it->context;

	it->last_error = ERROR_SUCCESS;
	if (s->is_evaluating)
		return NULL;
	if (!s->was_given) {
		s->was_given = true;
		return make_block(s, s->window.content.s, s->window.content.len, s->window.offset);
	}
	if (!s->window.is_last) {
		it->last_error = ERROR_BLOCK_NOT_READY;
		return NULL;
	}
	s->is_evaluating = true;
	return NULL;
}

static YR_MEMORY_BLOCK *first_block(YR_MEMORY_BLOCK_ITERATOR *it)
{
	struct yara_set *s = it->context;

	if (!s->is_evaluating)
		return next_block(it);
	if (s->has_head)
		return make_block(s, s->head, s->head_size, 0);
	return make_block(s, s->window.content.s, s->window.content.len, s->window.offset);
}

/* ---- what it tells ------------------------------------------------------------------------ */

static bool looks_at_comments(const struct yara_set *s)
{
	return s->looks_at_comments && !s->has_head && s->window.content.len <= MAX_COMMENTED;
}

/* Whether the line in which a match lies is a comment in some language of scripts. */
static bool is_comment(const struct yara_set *s, uint64_t offset)
{
	static const struct str marks[] = {
		STR("#"), STR("--"), STR("//"), STR("* "), STR(";;"), STR("<!--"), STR("%")};
	struct str c = s->window.content;
	size_t at = (size_t)(offset - s->window.offset);

	size_t stop = at > MAX_LINE ? at - MAX_LINE : 0;

	if (at >= c.len)
		return false;
	while (at > stop && c.s[at - 1] != '\n')
		at--;
	if (at == stop && stop)
		return false;
	struct str line = str_trim(str_head(str_skip(c, at), MAX_INDENT));
	if (str_starts(line, STR("#!")))
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (str_starts(line, marks[i]))
			return true;
	return false;
}

/* Takes a match when it says more than the best so far. */
static void consider(const struct yara_set *s, const YR_MATCH *match, int weight,
	struct yara_match *m, int *best)
{
	uint64_t at = (uint64_t)(match->base + match->offset);
	bool comment = looks_at_comments(s) && is_comment(s, at);
	int mine = weight + (comment ? 0 : 1);

	if (match->is_private || mine < *best || (mine == *best && at >= m->offset))
		return;
	*best = mine;
	m->is_comment = comment;
	m->offset = at;
	m->bytes = str_make((const char *)match->data, (size_t)match->data_length);
}

/*
 * Which match is shown: one that is no comment before one that is, one of a string named $re…
 * before others, because it says the most, and of these the first.
 */
static void tell(struct yara_set *s, YR_SCAN_CONTEXT *context, const YR_RULE *rule)
{
	struct yara_match m = {.rule = rule};
	int best = -1;
	const YR_STRING *string;

	yr_rule_strings_foreach(rule, string)
	{
		int weight = strncmp(string->identifier, "$re", 3) == 0 ? 2 : 0;

		for (const void *p = context->matches[string->idx].head; p;) {
			YR_MATCH match;

			/* libyara packs these close behind one another: they lie unaligned */
			memcpy(&match, p, sizeof(match));
			p = match.next;
			consider(s, &match, weight, &m, &best);
		}
	}
	s->fn(s->arg, &m);
}

static int take_message(YR_SCAN_CONTEXT *context, int message, void *data, void *arg)
{
	struct yara_set *s = arg;

	if (message != CALLBACK_MSG_RULE_MATCHING)
		return CALLBACK_CONTINUE;
	tell(s, context, data);
	return ++s->nmatches < YARA_MAX_MATCHES ? CALLBACK_CONTINUE : CALLBACK_ABORT;
}

/* ---- a file ------------------------------------------------------------------------------- */

static int define(struct yara_set *s, const char *name, struct str value)
{
	char text[4096];

	str_copy(value, text, sizeof(text));
	return yr_scanner_define_string_variable(s->scanner, name, text) == ERROR_SUCCESS ? 0
											  : -ENOMEM;
}

static int define_externals(struct yara_set *s)
{
	const struct yara_window *w = &s->window;
	ptrdiff_t slash = str_rfind_char(w->path, '/');
	struct str name = slash < 0 ? w->path : str_skip(w->path, (size_t)slash + 1);
	ptrdiff_t dot = str_rfind_char(name, '.');
	int r = define(s, "filename", name);

	if (r == 0)
		r = define(s, "filepath", w->path);
	if (r == 0)
		r = define(s, "extension", dot < 0 ? STR_NULL : str_skip(name, (size_t)dot));
	return r == 0 ? define(s, "filetype", str_of(w->type)) : r;
}

/* The first window that YARA sees of a file. */
static int begin_scan(struct yara_set *s)
{
	uint64_t extra = s->window.file_size / YARA_BYTES_A_S;
	int r = s->gate ? 0 : define_externals(s);

	if (r < 0)
		return r;
	yr_scanner_set_callback(s->scanner, take_message, s);
	/*
	 * Fast: a string that was found is not looked for again, which would hide the match that
	 * is no comment behind one that is.
	 */
	yr_scanner_set_flags(s->scanner, (looks_at_comments(s) ? 0 : SCAN_FLAGS_FAST_MODE) |
						 SCAN_FLAGS_NO_TRYCATCH |
						 SCAN_FLAGS_REPORT_RULES_MATCHING);
	yr_scanner_set_timeout(s->scanner, YARA_BASE_S + (int)(extra < 3600 ? extra : 3600));
	s->iterator = (YR_MEMORY_BLOCK_ITERATOR){.context = s,
		.first = first_block,
		.next = next_block,
		.file_size = give_file_size,
		.last_error = ERROR_SUCCESS};
	s->nmatches = 0;
	return 0;
}

static int scan_window(struct yara_set *s)
{
	s->was_given = s->window.content.s == NULL;
	s->is_evaluating = false;
	int r = yr_scanner_scan_mem_blocks(s->scanner, &s->iterator);

	s->is_scanning = r == ERROR_BLOCK_NOT_READY;
	switch (r) {
	case ERROR_SUCCESS:
	case ERROR_BLOCK_NOT_READY:
		return 0;
	case ERROR_SCAN_TIMEOUT:
		return -ETIME;
	case ERROR_INSUFFICIENT_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void ignore_match(void *arg, const struct yara_match *m)
{
}

/*
 * A file broke off between two windows. Its scan is brought to an end, without telling anybody:
 * only then the library lets go of what it holds for it.
 */
void yara_end_scan(struct yara_set *s)
{
	if (!s->is_scanning)
		return;
	s->window.content = STR_NULL;
	s->window.is_last = true;
	s->has_head = true;
	s->fn = ignore_match;
	scan_window(s);
	s->is_scanning = false;
}

int yara_set_scan(struct yara_set *s, const struct yara_window *w, yara_match_fn fn, void *arg)
{
	int r = 0;
	bool goes_on;

	if (w->is_first) {
		yara_end_scan(s);
		s->gave_up = false;
		s->has_head = !w->is_last;
		s->head_size = s->has_head ? str_head(w->content, YARA_HEAD).len : 0;
		if (s->head_size)
			memcpy(s->head, w->content.s, s->head_size);
	}
	goes_on = s->is_scanning;
	if (s->gave_up || (!goes_on && s->gate && !yara_gate_lets_pass(s->gate, w)))
		return 0;
	s->window = *w;
	s->fn = fn;
	s->arg = arg;
	if (!goes_on)
		r = begin_scan(s);
	if (r == 0)
		r = scan_window(s);
	s->gave_up = r < 0;
	return r;
}
