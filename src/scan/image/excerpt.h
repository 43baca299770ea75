/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a person is shown of a file: at most 200 printable bytes, without what may be a secret in
 * them. Used by analyzers whose evidence is a piece of text.
 */
#include "base/arena.h"

enum { EXCERPT_MAX = 200 };

/*
 * The line in which `at` lies, or what fits of it around `at`; long tokens, passwords in URLs and
 * values of names like PASSWORD are cut to their begin. Lives in `a`.
 */
struct str excerpt_line(struct arena *a, struct str content, size_t at);
/* These bytes themselves, redacted alike. */
struct str excerpt_of(struct arena *a, struct str bytes);
/* The number of the line in which `at` lies, from 1. */
unsigned excerpt_line_number(struct str content, size_t at);
