/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the gate of YARA rules looks for in a file: texts, many at once, and regular expressions,
 * one at a time. A sign that several rules share is one. Compiled before the cell; looking
 * allocates nothing and tells of what is there: it may be wrong in saying that something is, never
 * in saying that it is not.
 */
#include "base/arena.h"
#include "base/err.h"
#include "scan/image/yara_condition.h"

/* In the order in which they are to be added. */
enum yara_sign_group { SIGNS_ANCHORS, SIGNS_TEXTS, SIGNS_EXPRESSIONS, SIGN_GROUPS };

struct yara_signs;

struct yara_signs *yara_signs_new(struct arena *a);
void yara_signs_free(struct yara_signs *s);
/* Whether the string belongs to that group, or (for anchors) may belong to it. */
bool yara_signs_fit(const struct yara_string *string, enum yara_sign_group group);
/* Its number, the same for the same string; YARA_NO_SIGN for too many. */
uint32_t yara_signs_add(
	struct yara_signs *s, const struct yara_string *string, enum yara_sign_group group);
int yara_signs_compile(struct yara_signs *s, struct err *e);

/* Of each sign, by number: YARA_PERHAPS for one that was not looked for. */
const uint8_t *yara_signs_found(const struct yara_signs *s);
void yara_signs_forget(struct yara_signs *s);
/* Looks for all texts of that group. How many stand there; 0 or more, or -EIO. */
int yara_signs_look(struct yara_signs *s, enum yara_sign_group group, struct str content);
/* Looks for one expression, unless that was done. */
void yara_signs_try(struct yara_signs *s, uint32_t sign, struct str content);
