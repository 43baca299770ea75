/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Members of JSON objects, and the nouns of the store as the API shows them. */
#include "base/buf.h"
#include "sink/store/store.h"

void write_str(struct buf *b, bool *first, const char *key, struct str v);
void write_u64(struct buf *b, bool *first, const char *key, uint64_t v);
void write_bool(struct buf *b, bool *first, const char *key, bool v);
/* RFC 3339 with nine digits; null for 0. */
void write_time(struct buf *b, bool *first, const char *key, uint64_t ns);
/* A text, or null when it is empty. */
void write_str_or_null(struct buf *b, bool *first, const char *key, struct str v);
/* A number that JSON has: not a number and the infinite are 0. */
void write_double(struct buf *b, double v);
/* A value that is JSON already, or `otherwise` when it is empty. */
void write_raw(struct buf *b, bool *first, const char *key, struct str json, const char *otherwise);
void write_strs(struct buf *b, bool *first, const char *key, const struct str *v, size_t n);
void write_id(struct buf *b, bool *first, const char *key, uint64_t id);
void write_priority(struct buf *b, bool *first, const char *key, enum priority p);

/* {"items":[ … ],"next":…,"total":…}: begin, items by the caller, end. */
void write_list_begin(struct buf *b);
void write_list_end(struct buf *b, struct str next, uint64_t total, bool has_total);

/* Its members without braces, without rule and container, which a detail says in full. */
void write_finding_row(struct buf *b, bool *first, const struct store_finding *f);
void write_finding(struct buf *b, const struct store_finding *f);
void write_findings(struct buf *b, const struct store_finding *f, size_t n);
void write_entity(struct buf *b, const struct store_entity *e);
