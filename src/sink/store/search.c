/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full text: what a word is, the words of a finding, and what a person asks for. Words are cut here
 * and nowhere else, so that both engines index and find the same: runs of letters, digits and of
 * bytes above ASCII, ASCII letters in lower case. "/etc/shadow" is two words side by side.
 *
 * The index also narrows filters: a row whose column equals a value holds the value's words side by
 * side (search_add_value). For that the words of every column are in a finding's text, whole; only
 * words that stand there already (an output that repeats the command line) are not put in twice.
 * Fingerprint and process id are words as well: an index of their own, with its random places, cost
 * more than the words do. How an engine writes a search is in dialect.c.
 */
#include <errno.h>
#include <inttypes.h>

#include "sink/store/private.h"

enum { TERMS_MAX = 200, WORDS_MAX = 400 /* of one phrase */ };

/* What stands for a byte in a word: ASCII letters in lower case; 0 = it is no part of one. */
static char word_byte(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c >= 0x80)
		return (char)c;
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : '\0';
}

/* Cuts the next word off *rest; false at the end. */
static bool next_word(struct str *rest, struct str *ret)
{
	size_t i = 0, n = 0;

	while (i < rest->len && !word_byte((unsigned char)rest->s[i]))
		i++;
	while (i + n < rest->len && word_byte((unsigned char)rest->s[i + n]))
		n++;
	*ret = utf8_head(str_make(rest->s + i, n), SEARCH_TOKEN_MAX);
	*rest = str_skip(*rest, i + n);
	return n > 0;
}

/* The words of a text with a blank behind each; what the buffer does not hold is left out. */
static void add_words(struct buf *b, struct str text)
{
	size_t start = b->len, n = b->len;

	text = str_head(text, b->max > b->len ? b->max - b->len - 1 : 0);
	buf_reserve(b, text.len + 1);
	if (b->cap < b->len + text.len + 2)
		return;
	for (size_t i = 0; i <= text.len; i++) {
		char c = i < text.len ? word_byte((unsigned char)text.s[i]) : '\0';

		if (c) {
			b->s[n++] = c;
		} else if (n > start) {
			n = start +
			    utf8_head(str_make(b->s + start, n - start), SEARCH_TOKEN_MAX).len;
			b->s[n++] = ' ';
			start = n;
		}
	}
	b->len = n;
	b->s[n] = '\0';
}

/* Adds the words of a text unless they stand side by side already. b begins with a blank. */
static void add_new_words(struct buf *b, struct str text)
{
	size_t before = b->len;

	if (!text.len)
		return;
	add_words(b, text);
	struct str had = str_make(b->s, before);
	struct str more = str_make(b->s + before - 1, b->len - before + 1); /* " a b " */
	if (b->len > before && str_find(had, more) >= 0) {
		b->len = before;
		b->s[b->len] = '\0';
	}
}

struct str search_text(struct arena *a, const struct row *r)
{
	struct buf b = BUF_INIT(SEARCH_TEXT_MAX);
	struct str s = STR("");

	buf_reserve(&b, 1000);
	buf_add_char(&b, ' ');
	add_words(&b, r->output);
	add_new_words(&b, r->rule);
#define X(name, max, is_searched)                                                                  \
	if (is_searched)                                                                           \
		add_new_words(&b, r->name);
	ROW_TEXTS(X)
#undef X
	if (r->fingerprint)
		buf_printf(&b, "%016" PRIx64 " ", (uint64_t)r->fingerprint);
	if (r->pid.there)
		buf_printf(&b, "pid%" PRIu64 " ", (uint64_t)r->pid.v);
	for (size_t i = 0; i < r->ntags; i++)
		add_new_words(&b, r->tag[i]);
	s = arena_str(a, utf8_head(str_trim(buf_str(&b)), SEARCH_TEXT_MAX));
	buf_done(&b);
	return s.s ? s : STR("");
}

struct str search_tsvector(struct arena *a, struct str search)
{
	struct buf b = BUF_INIT(SEARCH_TEXT_MAX * 8);
	struct str word, out;
	unsigned position = 0;

	while (next_word(&search, &word)) {
		if (position < 16383) /* PostgreSQL's last position */
			position++;
		buf_add_char(&b, '\'');
		buf_add(&b, word);
		buf_printf(&b, "':%u ", position);
	}
	out = arena_str(a, buf_str(&b));
	buf_done(&b);
	return out.s ? out : STR("");
}

/* ---- asking --------------------------------------------------------------------------------- */

static struct search_term *add_term(struct arena *a, struct search *s)
{
	if (s->nterms == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 8;
		struct search_term *t = arena_array(a, struct search_term, cap);

		if (!t || s->nterms >= TERMS_MAX)
			return NULL;
		if (s->nterms)
			memcpy(t, s->term, s->nterms * sizeof(*t));
		s->term = t;
		s->cap = cap;
	}
	s->term[s->nterms] = (struct search_term){0};
	return &s->term[s->nterms];
}

/* The words of a text into a term that is not counted yet; 0 if there are none. */
static size_t take_words(struct arena *a, struct search_term *t, struct str text)
{
	struct buf b = BUF_INIT(SEARCH_TEXT_MAX);
	struct str rest, word;

	add_words(&b, text);
	rest = arena_str(a, buf_str(&b));
	buf_done(&b);
	t->word = arena_array(a, struct str, WORDS_MAX);
	if (!rest.s || !t->word)
		return 0;
	while (t->nwords < WORDS_MAX && next_word(&rest, &word))
		t->word[t->nwords++] = word;
	return t->nwords;
}

bool search_add_value(struct arena *a, struct search *s, struct str value, unsigned any)
{
	struct search_term *t = add_term(a, s);

	if (!t || !take_words(a, t, value))
		return false;
	t->any = any;
	s->nterms++;
	return true;
}

/* Without the word at its head, of which a text may hold the end only. */
static struct str drop_first_word(struct str s)
{
	while (s.len && word_byte((unsigned char)s.s[0]))
		s = str_skip(s, 1);
	return s;
}

static struct str drop_last_word(struct str s)
{
	while (s.len && word_byte((unsigned char)s.s[s.len - 1]))
		s.len--;
	return s;
}

bool search_add_part(struct arena *a, struct search *s, struct str part, bool at_start, bool at_end,
	unsigned any)
{
	if (!at_start)
		part = drop_first_word(part);
	if (!at_end)
		part = drop_last_word(part);
	return search_add_value(a, s, part, any);
}

/* The next piece of what was typed: a "phrase" or what stands between blanks. */
static struct str next_piece(struct str *rest, bool *is_not)
{
	*rest = str_trim(*rest);
	*is_not = rest->len > 1 && rest->s[0] == '-';
	if (*is_not)
		*rest = str_skip(*rest, 1);
	if (rest->len && rest->s[0] == '"') {
		struct str inner = str_skip(*rest, 1);
		ptrdiff_t end = str_find_char(inner, '"');
		size_t n = end < 0 ? inner.len : (size_t)end;

		*rest = str_skip(inner, n + 1);
		return str_head(inner, n);
	}
	size_t n = 0;
	while (n < rest->len && !strchr(" \t\r\n", rest->s[n]))
		n++;
	struct str piece = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return piece;
}

int search_parse(struct arena *a, struct str text, struct search *s, struct err *e)
{
	bool has_positive = false;

	if (text.len > STORE_SEARCH_MAX)
		return err_set(
			e, EINVAL, "the search text is longer than %d bytes", STORE_SEARCH_MAX);
	if (memchr(text.s ? text.s : "", '\0', text.len))
		return err_set(e, EINVAL, "the search text holds a NUL byte");
	while (text.len) {
		bool is_not = false;
		struct str piece = next_piece(&text, &is_not);
		struct search_term *t = add_term(a, s);

		if (!t)
			return err_set(e, EINVAL, "the search text has too many words");
		if (!take_words(a, t, piece))
			continue;
		t->is_not = is_not;
		t->is_prefix = str_ends(piece, STR("*"));
		has_positive |= !is_not;
		s->nterms++;
	}
	if (!has_positive)
		return err_set(e, EINVAL,
			"a search needs a word that must be there: letters or digits, not only "
			"words with a minus in front");
	return 0;
}
