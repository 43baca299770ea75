/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Structures that compare one text with many literals at once. All are built once in an arena and
 * read by many threads. Private to the room.
 */
#include "engine/filter/filter.h"

enum { MATCH_NONE = -1 };

/* ---- dict.c: text → number ---------------------------------------------------------------- */

struct dict;
/* The id of each of the n texts in ret_ids (equal texts have one id), from 0. NULL: no memory. */
struct dict *dict_new(struct arena *a, const struct str *texts, size_t n, uint32_t *ret_ids);
size_t dict_count(const struct dict *d);
int32_t dict_find(const struct dict *d, struct str text); /* or MATCH_NONE */

/* A set of small numbers. */
struct idset {
	uint32_t base, nwords;
	uint64_t *words;
};

int idset_init(struct arena *a, struct idset *s, const uint32_t *ids, size_t n);
static inline bool idset_has(const struct idset *s, int32_t id)
{
	uint32_t at = (uint32_t)id - s->base;

	return id >= 0 && at / 64 < s->nwords && s->words[at / 64] >> (at % 64) & 1;
}

/* ---- trie.c: prefixes or suffixes --------------------------------------------------------- */

struct trie;
/* Ids as of dict_new(). `backwards`: the texts are suffixes. */
struct trie *trie_new(
	struct arena *a, const struct str *texts, size_t n, bool backwards, uint32_t *ret_ids);
/* The longest of the texts that is a prefix (suffix) of `text`, or MATCH_NONE. */
int32_t trie_find(const struct trie *t, struct str text);
/* The next shorter text that is a prefix of text `id`, or MATCH_NONE. */
int32_t trie_parent(const struct trie *t, int32_t id);
size_t trie_count(const struct trie *t);

/* ---- path.c: path prefixes by component ---------------------------------------------------- */

struct path_trie;
/* Ids as of dict_new(); "/a//b/" and "a/b" are one path. */
struct path_trie *path_trie_new(
	struct arena *a, const struct str *paths, size_t n, uint32_t *ret_ids);
int32_t path_trie_find(const struct path_trie *t, struct str path); /* the longest, or MATCH_NONE */
int32_t path_trie_parent(const struct path_trie *t, int32_t id);
size_t path_trie_count(const struct path_trie *t);

/* A path with wildcards in some component. */
struct path_glob {
	struct str pattern;
};
bool path_has_glob(struct str path);
bool path_glob_matches(const struct path_glob *g, struct str path);

/* ---- automaton.c: many substrings in one pass ---------------------------------------------- */

struct automaton;
/*
 * The bit of each text in ret_bits (equal texts have one bit). `fold_case`: ASCII only. NULL when
 * the table would grow beyond `limit_bytes` or memory is out.
 */
struct automaton *automaton_new(struct arena *a, const struct str *texts, size_t n, bool fold_case,
	size_t limit_bytes, uint32_t *ret_bits);
size_t automaton_nbits(const struct automaton *m);
/* Sets the bits of all texts that `text` contains; bits[] has room for nbits and starts cleared. */
void automaton_scan(const struct automaton *m, struct str text, uint64_t *bits);
