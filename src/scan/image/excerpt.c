/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts and redacts what is shown of a file. It is careful, not clever: a long token with letters
 * and digits may be a key, so only its first four bytes are shown, whatever it is. It finds no
 * secrets; the secrets analyzer does, and has its own redaction.
 */
#include "scan/image/excerpt.h"

#include <ctype.h>

#include "base/buf.h"

enum { LONG_TOKEN = 24, SHOWN = 4 };

static bool is_token(unsigned char c)
{
	return isalnum(c) || c == '+' || c == '/' || c == '_' || c == '=' || c == '-';
}

/* Letters and digits mixed, and no path: what keys look like. */
static bool looks_secret(struct str t)
{
	unsigned digits = 0, letters = 0, slashes = 0;

	for (size_t i = 0; i < t.len; i++) {
		digits += isdigit((unsigned char)t.s[i]) != 0;
		letters += isalpha((unsigned char)t.s[i]) != 0;
		slashes += t.s[i] == '/';
	}
	return t.len >= LONG_TOKEN && digits >= 2 && letters >= 2 && slashes * 12 < t.len;
}

static bool names_secret(struct str before)
{
	static const char *const words[] = {"pass", "secret", "token", "apikey", "api_key",
		"api-key", "credential", "pwd", "access_key", "private_key"};
	struct str tail = before.len > 32 ? str_skip(before, before.len - 32) : before;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_ifind(tail, str_of(words[i])) >= 0)
			return true;
	return false;
}

/* Of "://user:pass@host": whether `at` is behind the colon, and how long the password is. */
static size_t url_password(struct str s, size_t at)
{
	size_t n = 0;

	if (at < 5 || s.s[at - 1] != ':')
		return 0;
	for (size_t i = at - 1; i > 2; i--) {
		if (s.s[i - 1] == '/') {
			while (at + n < s.len && s.s[at + n] > 32 && s.s[at + n] != '@' &&
				s.s[at + n] != '/')
				n++;
			return at + n < s.len && s.s[at + n] == '@' ? n : 0;
		}
		if (!isalnum((unsigned char)s.s[i - 1]) && !strchr("_.%+-", s.s[i - 1]))
			return 0;
	}
	return 0;
}

static void add_byte(struct buf *out, unsigned char c)
{
	if (c == '\t' || c == '\r' || c == '\n')
		c = ' ';
	buf_add_char(out, c >= 32 && c < 127 ? (char)c : '.');
}

/* The word before `at`: of "--password hunter2" and "-u user:pw" the option. */
static struct str option_before(struct str s, size_t at)
{
	size_t end = at, from;

	while (end > 0 && strchr(" '\"", s.s[end - 1]))
		end--;
	for (from = end; from > 0 && s.s[from - 1] > 32;)
		from--;
	struct str word = str_make(s.s + from, end - from);
	return end < at && word.len > 1 && word.s[0] == '-' ? word : STR_NULL;
}

static void add_redacted(struct buf *out, struct str s)
{
	/* "user:password | chpasswd", "curl -u user:password" */
	bool has_pairs = str_find(s, STR("chpasswd")) >= 0 || str_find(s, STR(" -u ")) >= 0 ||
			 str_find(s, STR("--user")) >= 0;

	for (size_t i = 0; i < s.len;) {
		size_t n = url_password(s, i);
		bool is_value = i > 0 && (s.s[i - 1] == '=' || s.s[i - 1] == ':');
		size_t name = i;

		if (n) {
			buf_add_cstr(out, "***");
			i += n;
			continue;
		}
		while (i + n < s.len && is_token((unsigned char)s.s[i + n]))
			n++;
		while (is_value && name > 0 && s.s[name - 1] > 32)
			name--;
		struct str token = str_make(s.s + i, n);
		/* NAME=VALUE is one token: look at its value */
		ptrdiff_t eq = str_find_char(token, '=');
		bool is_named = (n && is_value && names_secret(str_make(s.s + name, i - name))) ||
				(eq > 0 && names_secret(str_head(token, (size_t)eq)) &&
					(size_t)eq + 1 < token.len) ||
				(n && names_secret(option_before(s, i))) ||
				(n && has_pairs && i > 0 && s.s[i - 1] == ':');
		size_t shown = is_named && eq > 0    ? (size_t)eq + 1
			       : is_named            ? 0
			       : looks_secret(token) ? SHOWN
						     : n;
		for (size_t k = 0; k < shown; k++)
			add_byte(out, (unsigned char)token.s[k]);
		if (shown < n)
			buf_add_cstr(out, "***");
		i += n;
		if (!n)
			add_byte(out, (unsigned char)s.s[i++]);
	}
}

struct str excerpt_of(struct arena *a, struct str bytes)
{
	struct buf out = BUF_INIT(EXCERPT_MAX);
	struct str ret;

	add_redacted(&out, str_head(bytes, 2 * EXCERPT_MAX));
	ret = arena_str(a, str_head(str_trim(buf_str(&out)), EXCERPT_MAX));
	buf_done(&out);
	return ret;
}

struct str excerpt_line(struct arena *a, struct str content, size_t at)
{
	size_t from, to;

	if (at > content.len)
		at = content.len;
	for (from = at; from > 0 && content.s[from - 1] != '\n' && at - from < EXCERPT_MAX / 2;)
		from--;
	/* a token that is cut at its begin would not be known for what it is */
	while (from < at && from > 0 && is_token((unsigned char)content.s[from - 1]))
		from++;
	for (to = at; to < content.len && content.s[to] != '\n' && to - from < 2 * EXCERPT_MAX;)
		to++;
	return excerpt_of(a, str_make(content.s + from, to - from));
}

unsigned excerpt_line_number(struct str content, size_t at)
{
	const char *p = content.s, *end = content.s + (at < content.len ? at : content.len);
	unsigned line = 1;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		line++;
		p++;
	}
	return line;
}
