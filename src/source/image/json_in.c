/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON that a stranger wrote. jansson keeps a tree many times the size of its text, so
 * depth and number of values are counted before it sees it. What two readers could understand
 * differently (a key that is there twice) is refused: a scanner must not see another image than the
 * engine that will run it.
 */
#include <errno.h>
#include <strings.h>

#include "source/image/private.h"

/* Brackets and separators outside strings. That the text is JSON at all is jansson's to say. */
static int count_values(struct str text, const char *what, struct err *e)
{
	size_t depth = 0, values = 0;
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.s[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		in_string = c == '"';
		if (c == '{' || c == '[')
			depth++, values++;
		else if (c == '}' || c == ']')
			depth -= depth > 0;
		else if (c == ',' || c == ':')
			values++;
		if (depth > JSON_DEPTH_MAX)
			return err_set(e, EBADMSG, "%s is nested more than %d levels deep", what,
				JSON_DEPTH_MAX);
		if (values > JSON_VALUES_MAX)
			return err_set(
				e, EBADMSG, "%s has more than %d values", what, JSON_VALUES_MAX);
	}
	return 0;
}

/* jansson quotes what it stumbled over; that may be half a password. */
static int say(const json_error_t *why, const char *what, struct err *e)
{
	struct str text = str_of(why->text);
	ptrdiff_t near = str_find(text, STR(" near '"));

	if (near >= 0)
		text = str_head(text, (size_t)near);
	return err_set(e, EBADMSG, "%s is no sound JSON: line %d, column %d: %.*s", what, why->line,
		why->column, STR_ARG(text));
}

int image_json(struct str text, const char *what, json_t **ret, struct err *e)
{
	json_error_t why;
	int r = count_values(text, what, e);

	if (r < 0)
		return r;
	json_t *j = json_loadb(
		text.s ? text.s : "", text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);

	if (!j)
		return say(&why, what, e);
	*ret = j;
	return 0;
}

json_t *image_json_get(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key), *each;
	const char *k;

	if (v || !json_is_object(o))
		return v;
	json_object_foreach((json_t *)o, k, each) if (strcasecmp(k, key) == 0) return each;
	return NULL;
}

int image_json_keys(const json_t *o, const char *what, struct err *e)
{
	const char *k, *l;
	json_t *v, *w;
	size_t n = 0;

	json_object_foreach((json_t *)o, k, v)
	{
		if (++n > 256)
			return err_set(e, EBADMSG, "%s has more than 256 keys", what);
		json_object_foreach((json_t *)o, l,
			w) if (k != l && strcasecmp(k, l) == 0) return err_set(e, EBADMSG,
			"%s has both \"%.40s\" and \"%.40s\": programs disagree about "
			"which counts",
			what, k, l);
	}
	return 0;
}

struct str image_json_text(const json_t *v)
{
	return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NULL;
}

struct str image_json_str(const json_t *o, const char *key)
{
	return image_json_text(image_json_get(o, key));
}
