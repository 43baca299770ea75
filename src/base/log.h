/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Lines for the operator, on stderr. Only cmd/, sink/ and face/ log: a library returns its error,
 * so that a failure is said once.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level);
/* True when stderr is a terminal and NO_COLOR is not set (no-color.org). */
int log_is_colour(void);
/*
 * One line, cut at 2 KB. Control bytes in it become '?', but for tabs and for a line end before two
 * blanks (a filter and the mark below it).
 */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
