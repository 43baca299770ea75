/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which words of the command line are a chisel's arguments, and where one ends. The rules are
 * sysdig's, so that what people have in their fingers and scripts works. What the values mean is
 * the kind's work.
 */
#include <errno.h>
#include <unistd.h>

#include "face/chisel/private.h"

enum { VALUES_MAX = 64, WORDS_BYTES = 1 << 20 };

/* One value off the front: up to a blank; quotes hold together, and only they make it empty. */
static bool next_value(struct str *rest, struct arena *a, struct str *ret)
{
	while (rest->len && strchr(" \t\n", rest->s[0]))
		*rest = str_skip(*rest, 1);
	if (!rest->len)
		return false;
	char *out = arena_raw(a, rest->len), quote = 0;
	size_t n = 0, i = 0;
	for (; out && i < rest->len; i++) {
		char c = rest->s[i];

		if (!quote && strchr(" \t\n", c))
			break;
		if (quote ? c == quote : c == '"' || c == '\'')
			quote = quote ? 0 : c;
		else
			out[n++] = c;
	}
	*ret = str_make(out, n);
	*rest = str_skip(*rest, i);
	return out != NULL;
}

static int split(struct str word, const struct chisel_info *info, struct arena *a, struct str **ret,
	size_t *ret_n, struct err *e)
{
	/* a single argument is the whole word: paths and conditions have blanks */
	if (info->nargs == 1 && str_is(info->args[0].type, "filter")) {
		*ret = arena_new(a, struct str);
		*ret_n = *ret != NULL;
		if (*ret)
			**ret = word;
		return *ret ? 1 : err_set(e, ENOMEM, "out of memory");
	}
	*ret = arena_array(a, struct str, VALUES_MAX);
	if (!*ret)
		return err_set(e, ENOMEM, "out of memory");
	while (*ret_n < VALUES_MAX && next_value(&word, a, &(*ret)[*ret_n]))
		++*ret_n;
	return 1;
}

static bool is_condition(char *const *words, size_t n)
{
	struct buf all = BUF_INIT(WORDS_BYTES);
	struct event_filter *f = NULL;

	for (size_t i = 0; i < n; i++)
		buf_printf(&all, "%s%s", i ? " " : "", words[i]);
	/* a single word would parse, as the name of a macro that nobody defines */
	bool is = !all.cut && event_filter_open(buf_str(&all), "", &f, NULL) == 0;
	event_filter_close(f);
	buf_done(&all);
	return is;
}

int chisel_args_take(const struct chisel_info *info, char *const *words, size_t nwords,
	struct arena *a, struct str **ret, size_t *ret_n, struct err *e)
{
	bool is_needed = info->nargs && !info->args[0].is_optional;
	bool is_filter = info->nargs == 1 && str_is(info->args[0].type, "filter");

	*ret = NULL;
	*ret_n = 0;
	if (!info->nargs || !nwords)
		return 0;
	if (!is_needed && (words[0][0] == '-' || (!is_filter && is_condition(words, nwords))))
		return 0;
	return split(str_of(words[0]), info, a, ret, ret_n, e);
}
