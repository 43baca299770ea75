/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What live detection and replay begin with alike: the configuration, the rules, the detector. */
#include "cmd/config.h"
#include "engine/detect/detect.h"

/*
 * Loads the configuration, writes all its errors to stderr, logs its warnings and sets the log
 * level. 0 or -errno.
 */
int setup_config(const char *path, const char *const *overrides, size_t noverrides, bool is_quiet,
	struct config **ret, struct err *e);
/*
 * Loads `paths` (of -r), or what the configuration names when there are none, with its selections;
 * errors of the rules go to stderr in full. 0 or -errno.
 */
int setup_rules(const struct config *c, const char *const *paths, size_t npaths, bool suggested,
	struct ruleset **ret, struct err *e);
/* 0 or -errno. */
int setup_detect(const struct config *c, struct ruleset *rs, const char *hostname,
	struct detect **ret, struct err *e);
/* Rules that are on; kinds of events that they want. */
size_t setup_count_rules(const struct ruleset *rs);
size_t setup_count_codes(const struct ruleset *rs);
