/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many substrings in one pass: Aho-Corasick (CACM 18(6), 1975) as a table of next states. Bytes
 * that occur in no literal are one class, so that the table's rows are as wide as the literals'
 * alphabet only. A state knows the literal that ends there and the nearest shorter one that ends
 * there too.
 */
#include "engine/filter/matcher.h"

struct state {
	int32_t bit;      /* of the literal that ends here, or MATCH_NONE */
	uint32_t shorter; /* next state on the way of suffixes where one ends; 0 = none */
};

struct automaton {
	uint16_t class_of[256];
	size_t nclasses, nstates, nbits;
	bool starts[256]; /* a literal starts with this byte */
	uint32_t *next;   /* nstates × nclasses: offset of the next row; top bit: a literal ends */
	struct state *states;
	bool has_empty; /* the empty text is contained in everything */
	uint32_t empty_bit;
};

#define ENDS 0x80000000u

static unsigned char fold(unsigned char c, bool fold_case)
{
	return fold_case && c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static void make_classes(struct automaton *m, const struct str *texts, size_t n, bool fold_case)
{
	m->nclasses = 1; /* class 0: bytes of no literal */
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < texts[i].len; j++) {
			unsigned char c = fold((unsigned char)texts[i].s[j], fold_case);

			if (!m->class_of[c])
				m->class_of[c] = (uint16_t)m->nclasses++;
		}
	}
	for (int c = 'A'; fold_case && c <= 'Z'; c++)
		m->class_of[c] = m->class_of[c + 32];
}

/* While building: a state's row by its number. */
static uint32_t *row(const struct automaton *m, uint32_t state)
{
	return m->next + state * m->nclasses;
}

static uint32_t add_text(struct automaton *m, struct str text)
{
	uint32_t at = 0;

	if (!text.len) {
		if (!m->has_empty)
			m->empty_bit = (uint32_t)m->nbits++;
		m->has_empty = true;
		return m->empty_bit;
	}
	for (size_t i = 0; i < text.len; i++) {
		uint32_t *to = &row(m, at)[m->class_of[(unsigned char)text.s[i]]];

		if (!*to) {
			m->states[m->nstates].bit = MATCH_NONE;
			*to = (uint32_t)m->nstates++;
		}
		at = *to;
	}
	if (m->states[at].bit == MATCH_NONE)
		m->states[at].bit = (int32_t)m->nbits++;
	return (uint32_t)m->states[at].bit;
}

/* Breadth first: fills the missing moves from the state of the longest proper suffix. */
static bool link_states(struct automaton *m, struct arena *a)
{
	uint32_t *queue = arena_array(a, uint32_t, m->nstates);
	uint32_t *fail = arena_array(a, uint32_t, m->nstates);
	size_t head = 0, tail = 0;

	if (!queue || !fail)
		return false;
	for (size_t c = 0; c < m->nclasses; c++)
		if (m->next[c])
			queue[tail++] = m->next[c];
	while (head < tail) {
		uint32_t s = queue[head++], f = fail[s];

		m->states[s].shorter = m->states[f].bit != MATCH_NONE ? f : m->states[f].shorter;
		for (size_t c = 0; c < m->nclasses; c++) {
			uint32_t *to = &row(m, s)[c], other = row(m, f)[c];

			if (*to) {
				fail[*to] = other;
				queue[tail++] = *to;
			} else {
				*to = other;
			}
		}
	}
	return true;
}

/* Numbers of states become offsets of their rows, so that a step is one addition and one load. */
static void finish(struct automaton *m)
{
	for (int c = 0; c < 256; c++)
		m->starts[c] = m->next[m->class_of[c]] != 0;
	for (size_t i = 0; i < m->nstates * m->nclasses; i++) {
		const struct state *s = &m->states[m->next[i]];
		bool ends = s->bit != MATCH_NONE || s->shorter;

		m->next[i] = m->next[i] * (uint32_t)m->nclasses | (ends ? ENDS : 0);
	}
}

struct automaton *automaton_new(struct arena *a, const struct str *texts, size_t n, bool fold_case,
	size_t limit_bytes, uint32_t *ret_bits)
{
	struct automaton *m = arena_new(a, struct automaton);
	size_t max_states = 1;

	if (!m)
		return NULL;
	make_classes(m, texts, n, fold_case);
	for (size_t i = 0; i < n; i++)
		max_states += texts[i].len;
	if (max_states > limit_bytes / sizeof(uint32_t) / m->nclasses)
		return NULL;
	m->next = arena_array(a, uint32_t, max_states * m->nclasses);
	m->states = arena_array(a, struct state, max_states);
	if (!m->next || !m->states)
		return NULL;
	m->states[0].bit = MATCH_NONE;
	m->nstates = 1;
	for (size_t i = 0; i < n; i++)
		ret_bits[i] = add_text(m, texts[i]);
	if (!link_states(m, a))
		return NULL;
	finish(m);
	return m;
}

size_t automaton_nbits(const struct automaton *m)
{
	return m->nbits;
}

static void set_bits(const struct automaton *m, uint32_t state, uint64_t *bits)
{
	for (uint32_t s = state; s; s = m->states[s].shorter) {
		int32_t bit = m->states[s].bit;

		if (bit != MATCH_NONE)
			bits[bit / 64] |= 1ULL << (bit % 64);
	}
}

void automaton_scan(const struct automaton *m, struct str text, uint64_t *bits)
{
	uint32_t at = 0;

	if (m->has_empty)
		bits[m->empty_bit / 64] |= 1ULL << (m->empty_bit % 64);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.s[i];

		/* most bytes start nothing: this branch keeps the loads independent of each other
		 */
		if (!at && !m->starts[c])
			continue;
		at = m->next[at + m->class_of[c]];
		if (at & ENDS) {
			at &= ~ENDS;
			set_bits(m, at / (uint32_t)m->nclasses, bits);
		}
	}
}
