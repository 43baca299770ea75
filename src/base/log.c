/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the operator, on stderr: "koban: warning: …". One write() a line. A message may quote
 * what a stranger wrote (a file's name), so no control byte of it reaches the terminal.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum log_level level_max = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	level_max = level;
}

int log_is_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDERR_FILENO) && !(no && *no);
}

/* A line end stays only before two blanks: a second line of ours, which no "koban: …" can begin. */
static void disarm(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i],
			      next = i + 1 < n ? (unsigned char)s[i + 1] : 0;

		if (c == '\n' && next == ' ' && i + 2 < n && s[i + 2] == ' ')
			continue;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			s[i] = '?';
		/* controls above ASCII, as UTF-8 */
		if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
			s[i] = s[i + 1] = '?';
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error: ", "warning: ", "", "debug: "};
	static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};
	char line[2048];
	va_list ap;

	if (level > level_max)
		return;
	int colour = log_is_colour() && colours[level][0];
	int n = snprintf(line, sizeof(line), "koban: %s%s%s", colour ? colours[level] : "",
		names[level], colour ? "\033[0m" : "");
	va_start(ap, fmt);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	int begin = n;
	n = m < 0 ? n : n + m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	disarm(line + begin, (size_t)(n - begin));
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
