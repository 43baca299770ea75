/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Something is given to a name that says "password", "secret", "token" or "key": the rule for what
 * has no form of its own. The name is read to both sides of the keyword, then what lies between a
 * name and a value in the languages of the world (=, :, =>, (, XML, a command's option), then the
 * value; and then most of them are sorted out: names that speak of something else, values that no
 * person or machine would make up as a secret. What is left says how sure it is.
 */
#include <ctype.h>

#include "engine/secret/private.h"

enum { NAME_MAX_BYTES = 80, GAP_MAX = 24 };

struct assignment {
	struct str name, value;
	bool is_quoted, is_option, is_tag, is_call, is_argument, is_compared, is_wrapped;
	bool is_query; /* ?token=…&… */
};

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static struct str name_around(struct str t, size_t end)
{
	size_t from = end, to = end;

	while (from > 0 && end - from < NAME_MAX_BYTES && is_name_byte(t.s[from - 1]))
		from--;
	while (to < t.len && to - end < NAME_MAX_BYTES && is_name_byte(t.s[to]))
		to++;
	return str_make(t.s + from, to - from);
}

static size_t skip_blanks(struct str t, size_t i)
{
	while (i < t.len && (t.s[i] == ' ' || t.s[i] == '\t'))
		i++;
	return i;
}

static bool at_text(struct str t, size_t i, const char *s)
{
	return str_starts(str_skip(t, i), str_of(s));
}

/* A type between name and value: "password: string = ". */
static size_t skip_type(struct str t, size_t i)
{
	static const char *const types[] = {
		"string", "String", "str", "&str", "char", "var", "text", NULL};
	size_t k;

	if (i >= t.len || (t.s[i] != ':' && t.s[i] != ' '))
		return i;
	k = skip_blanks(t, i + (t.s[i] == ':'));
	for (const char *const *w = types; *w; w++) {
		if (!at_text(t, k, *w))
			continue;
		size_t end = skip_blanks(t, k + strlen(*w));
		if (end < t.len && t.s[end] == '=')
			return end;
	}
	return i;
}

/* Behind the operator, or 0 when nothing is given to the name. */
static size_t skip_operator(struct str t, size_t i, struct assignment *a)
{
	static const char *const operators[] = {
		"===", "!==", "==", "!=", "=>", ":=", "||=", "||", "=", ":", NULL};

	for (const char *const *o = operators; *o; o++) {
		if (!at_text(t, i, *o))
			continue;
		a->is_compared = strlen(*o) > 1 && (*o)[strlen(*o) - 1] == '=' && **o != ':';
		if (at_text(t, i, "::"))
			return 0;
		return i + strlen(*o);
	}
	if (i < t.len && t.s[i] == '>' && a->name.s > t.s && a->name.s[-1] == '<') {
		a->is_tag = true;
		return i + 1;
	}
	/* put("password", "…"), but not f(password, "…") */
	if (i < t.len && i > 0 && (t.s[i] == '(' || (t.s[i] == ',' && is_quote(t.s[i - 1])))) {
		a->is_call = t.s[i] == '(';
		a->is_argument = t.s[i] == ',';
		return i + 1;
	}
	return 0;
}

static size_t skip_gap(struct str t, size_t i, struct assignment *a)
{
	size_t start = i, next;

	while (i < t.len && i - start < 4 && strchr("\"'`])\\", t.s[i]))
		i++;
	i = skip_type(t, i);
	next = skip_operator(t, skip_blanks(t, i), a);
	if (next)
		return skip_blanks(t, next);
	if (i < t.len && t.s[i] == ' ' && a->is_option)
		return skip_blanks(t, i);
	return 0;
}

static bool quoted_value(struct str t, size_t i, size_t max, struct assignment *a)
{
	bool is_escaped = t.s[i] == '\\';
	char quote = t.s[i + is_escaped];
	size_t from = i + 1 + is_escaped, k = from;

	while (k < t.len && k - from <= max && t.s[k] != '\n' && t.s[k] != quote)
		k += t.s[k] == '\\' && k + 1 < t.len && !is_escaped ? 2 : 1;
	if (k >= t.len || t.s[k] != quote || k - from > max)
		return false;
	a->value = str_make(t.s + from, k - from - (is_escaped && k > from && t.s[k - 1] == '\\'));
	a->is_quoted = true;
	/* the first argument of several is not what the call is named after */
	return !a->is_call || (k + 1 < t.len && t.s[k + 1] == ')');
}

static bool bare_value(struct str t, size_t i, size_t max, struct assignment *a)
{
	size_t k = i;
	const char *stops = a->is_tag     ? "<\n\r"
			    : a->is_query ? " \t\n\r\"'`,;<>|\\&"
					  : " \t\n\r\"'`,;<>|\\";

	while (k < t.len && k - i <= max && !strchr(stops, t.s[k]) && t.s[k])
		k++;
	if (k - i > max)
		return false;
	a->value = str_trim(str_make(t.s + i, k - i));
	/* a closing bracket that was opened before */
	while (a->value.len && strchr(")]}", a->value.s[a->value.len - 1]) &&
		str_find_char(a->value, '(') < 0 && str_find_char(a->value, '[') < 0 &&
		str_find_char(a->value, '{') < 0)
		a->value.len--;
	return true;
}

/* Calls around a text: Some("…"), new String("…"), Base64.decode("…"). Behind the bracket. */
static size_t skip_wrapper(struct str t, size_t i, struct assignment *a)
{
	enum { WRAPPER_MAX = 48 };
	size_t k = i;

	while (k < t.len && k - i < WRAPPER_MAX &&
		(isalnum((unsigned char)t.s[k]) || strchr("_.:&[] ", t.s[k])))
		k++;
	if (k == i || k + 1 >= t.len || t.s[k] != '(' || !is_quote(t.s[k + 1]))
		return t.s[i] == '@' ? i + 1 : i;
	a->is_wrapped = true;
	return k + 1;
}

static bool read_assignment(struct str t, size_t end, size_t max, struct assignment *a)
{
	size_t i;

	a->name = name_around(t, end);
	i = (size_t)(a->name.s + a->name.len - t.s);
	/* the dot or colon that ends a sentence */
	while (a->name.len && strchr("-.", a->name.s[a->name.len - 1]))
		a->name.len--;
	a->is_option = str_starts(a->name, STR("--"));
	a->is_query = a->name.s > t.s && strchr("?&\"'`", a->name.s[-1]);
	i = skip_gap(t, i, a);
	if (!i || i + 1 >= t.len)
		return false;
	i = skip_wrapper(t, i, a);
	if (i + 1 >= t.len)
		return false;
	/* prefixes of strings: b"", u"", r"" */
	if (strchr("burRBUL", t.s[i]) && is_quote(t.s[i + 1]))
		i++;
	if (i + 1 < t.len && (is_quote(t.s[i]) || (t.s[i] == '\\' && is_quote(t.s[i + 1]))))
		return quoted_value(t, i, max, a);
	return !a->is_call && !a->is_argument && !a->is_wrapped && bare_value(t, i, max, a);
}

/* ---- what is sorted out --------------------------------------------------------------------- */

/* A name whose last part says that it holds something about a secret, not one. */
static bool is_about(const struct secret_rules *r, struct str name, size_t keyword_end)
{
	struct str tail = str_make(name.s + keyword_end, name.len - keyword_end);

	for (size_t i = 0; i < r->nnot_names; i++) {
		struct str w = r->not_names[i];

		if (w.s[0] == '^' ? str_ifind(str_head(name, w.len - 1), str_skip(w, 1)) == 0
				  : tail.len >= w.len && str_ifind(tail, w) >= 0)
			return true;
	}
	return false;
}

/* "password" given to password, "api_key" to apiKey: a name, a label, a column. */
static bool names_itself(struct str name, struct str value)
{
	char a[128], b[128];
	struct str n = secret_letters(name, a, sizeof(a)), v = secret_letters(value, b, sizeof(b));

	return v.len && (str_eq(n, v) || (v.len >= 4 && str_ends(n, v)));
}

/* Without quotes, in a language in which that is a name: only what can be none. */
static bool is_bare_text(struct str text, struct str v)
{
	const char *end = v.s + v.len;

	/* a name that is called, passed on, or ends a statement */
	if (end < text.s + text.len && strchr(";,().[{", *end))
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (!isalnum((unsigned char)v.s[i]) && !strchr("+/=_-", v.s[i]))
			return false;
	return secret_is_made_up(v);
}

/* A digest that a name calls one. */
static bool is_digest(const struct assignment *a)
{
	static const char *const names[] = {
		"sha", "md5", "hash", "digest", "checksum", "fingerprint", "commit", "thumb", NULL};

	for (size_t i = 0; i < a->value.len; i++)
		if (!isxdigit((unsigned char)a->value.s[i]))
			return false;
	for (const char *const *n = names; *n; n++)
		if (str_ifind(a->name, str_of(*n)) >= 0)
			return true;
	return false;
}

/*
 * A password of words: a weak one, if it is given to a name as one gives a value. In settings words
 * without quotes are values, in a program they are not.
 */
static bool is_weak_password(
	const struct secret_rule *r, const struct assignment *a, enum text_form form)
{
	size_t letters = 0;

	for (size_t i = 0; i < a->value.len; i++)
		letters += isalpha((unsigned char)a->value.s[i]) != 0;
	if (r->needs_noise || letters < 3 || a->is_wrapped || a->is_call || a->is_argument ||
		a->is_compared)
		return false;
	return form == FORM_CONFIG || (a->is_quoted && form == FORM_CODE);
}

/* 0 = sorted out; else per cent of the rule's confidence. */
static unsigned weigh(
	const struct secret_pass *p, const struct secret_rule *r, const struct assignment *a)
{
	struct str v = a->value;
	enum text_form form = p->s->form;
	bool is_code = form != FORM_CONFIG;

	if (v.len < r->min || v.len > r->max)
		return 0;
	if (is_code && !a->is_quoted && !a->is_tag && (a->is_compared || !is_bare_text(p->text, v)))
		return 0;
	if (secret_value_kind(p->s->rules, v) != VALUE_GOOD || is_digest(a))
		return 0;
	if (names_itself(a->name, v) || secret_is_of_words(p->s->rules, v))
		return 0;
	if (secret_is_made_up(v))
		return a->is_quoted ? 100 : 90;
	return is_weak_password(r, a, form) ? 45 : 0;
}

void secret_assignment(struct secret_pass *p, const struct secret_rule *r, size_t end)
{
	struct assignment a = {0};
	const char *keyword_end = p->text.s + end;
	unsigned share;

	if (!read_assignment(p->text, end, r->max, &a))
		return;
	/* newPasswordData("…") is a call, and not of the secret itself */
	if ((a.is_call || r->ends_name) && a.name.s + a.name.len > keyword_end)
		return;
	if (is_about(p->s->rules, a.name, (size_t)(keyword_end - a.name.s)))
		return;
	share = weigh(p, r, &a);
	if (share)
		secret_judge(p, r, (size_t)(a.value.s - p->text.s), a.value.len,
			r->confidence * share / 100);
}
