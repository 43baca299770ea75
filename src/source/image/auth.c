/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry's authentication (distribution's token specification): a 401 says where a token can
 * be got and for what; the token server gives it for the user's name and password, for an identity
 * token, or to anybody.
 */
#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "source/image/auth.h"

enum { TOKEN_ANSWER_MAX = 1 << 20, PARAMETERS_MAX = 32 };

/* ---- challenges ---- */

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static struct str cut_token(struct str *s)
{
	size_t n = 0;

	while (n < s->len && is_token_char(s->s[n]))
		n++;
	struct str token = str_head(*s, n);

	*s = str_skip(*s, n);
	return token;
}

static void skip_blanks(struct str *s)
{
	while (s->len && (s->s[0] == ' ' || s->s[0] == '\t'))
		*s = str_skip(*s, 1);
}

static bool cut_quoted(struct str *s, struct arena *a, struct str *ret)
{
	char *out = arena_raw(a, s->len + 1);
	size_t n = 0, i = 1;

	for (; out && i < s->len && s->s[i] != '"'; i++) {
		if (s->s[i] == '\\' && i + 1 < s->len)
			i++;
		out[n++] = s->s[i];
	}
	if (!out || i >= s->len)
		return false;
	out[n] = 0;
	*ret = str_make(out, n);
	*s = str_skip(*s, i + 1);
	return true;
}

static void set_parameter(struct challenge *c, struct str key, struct str value)
{
	if (str_ieq(key, STR("realm")))
		c->realm = value;
	else if (str_ieq(key, STR("service")))
		c->service = value;
	else if (str_ieq(key, STR("scope")))
		c->scope = value;
}

/*
 * key=value, …; ends before a word that no "=" follows: that is the next scheme. False: malformed.
 */
static bool cut_parameters(struct str *s, struct arena *a, struct challenge *c)
{
	for (unsigned n = 0; n < PARAMETERS_MAX; n++) {
		struct str value, before;

		skip_blanks(s);
		while (s->len && s->s[0] == ',') {
			*s = str_skip(*s, 1);
			skip_blanks(s);
		}
		before = *s;
		struct str key = cut_token(s);

		if (!key.len)
			return !s->len;
		skip_blanks(s);
		if (!s->len || s->s[0] != '=') {
			*s = before;
			return true;
		}
		*s = str_skip(*s, 1);
		skip_blanks(s);
		if (s->len && s->s[0] == '"') {
			if (!cut_quoted(s, a, &value))
				return false;
		} else {
			value = cut_token(s);
		}
		set_parameter(c, key, value);
	}
	return false;
}

bool challenge_parse(struct str lines, struct arena *a, struct challenge *ret)
{
	bool found = false;

	*ret = (struct challenge){0};
	while (lines.s) {
		struct str line = str_cut(&lines, '\n');

		while (line.len) {
			struct challenge c = {0};

			skip_blanks(&line);
			struct str scheme = cut_token(&line);

			if (!scheme.len || !cut_parameters(&line, a, &c))
				break;
			c.is_bearer = str_ieq(scheme, STR("bearer"));
			if (c.is_bearer ? !c.realm.len : !str_ieq(scheme, STR("basic")))
				continue;
			if (!found || (c.is_bearer && !ret->is_bearer))
				*ret = c;
			found = true;
		}
	}
	return found;
}

/* ---- answers ---- */

struct str auth_basic(const struct credential *c, struct arena *a)
{
	struct str plain = arena_printf(a, "%.*s:%.*s", STR_ARG(c->user), STR_ARG(c->password));
	unsigned char *out = plain.len < 64 << 10 ? arena_raw(a, plain.len / 3 * 4 + 8) : NULL;

	if (!out)
		return STR_NULL;
	int n = EVP_EncodeBlock(out, (const unsigned char *)plain.s, (int)plain.len);

	return arena_printf(a, "Basic %.*s", n, (char *)out);
}

static void add_query(struct buf *b, const char *key, struct str value)
{
	char *escaped = value.len ? curl_easy_escape(NULL, value.s, (int)value.len) : NULL;

	if (escaped)
		buf_printf(b, "%s%s=%s", b->len ? "&" : "", key, escaped);
	curl_free(escaped);
}

/* The scopes of a challenge stand behind each other with blanks between. */
static void add_scopes(struct buf *b, struct str scopes)
{
	while (scopes.s)
		add_query(b, "scope", str_cut(&scopes, ' '));
}

static bool is_header_safe(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] <= ' ' || s.s[i] >= 0x7f)
			return false;
	return s.len > 0 && s.len < 60 << 10;
}

static int read_token(
	struct str text, const char *registry, struct arena *a, struct str *ret, struct err *e)
{
	json_t *j;
	char what[300];

	snprintf(what, sizeof(what), "%s: the answer of its token server", registry);
	int r = image_json(text, what, &j, e);

	if (r < 0)
		return r;
	struct str token = image_json_str(j, "token");

	if (!token.len)
		token = image_json_str(j, "access_token");
	if (is_header_safe(token))
		*ret = arena_printf(a, "Bearer %.*s", STR_ARG(token));
	else
		r = err_set(e, EBADMSG, "%s has no token in it", what);
	json_decref(j);
	return r == 0 && !ret->s ? err_set(e, ENOMEM, "out of memory") : r;
}

static int refused(long status, const struct credential *cred, const char *registry, struct err *e)
{
	bool has_login = cred->user.len || cred->identity_token.len;

	if (status == 401 || status == 403)
		return err_set(e, EACCES, "%s: its token server %s: `docker login %s`", registry,
			has_login ? "refuses the user's name and password; log in again"
				  : "lets nobody in without a login",
			registry);
	/* may pass: the caller waits and asks again */
	if (status == 429 || status >= 500)
		return err_set(e, EAGAIN, "%s: its token server answers %ld", registry, status);
	return err_set(e, EPROTO, "%s: its token server answers %ld", registry, status);
}

static int ask(struct fetcher *h, const struct fetch_request *q, const struct credential *cred,
	const char *registry, struct arena *a, struct str *ret, struct err *e)
{
	struct buf body = BUF_INIT(TOKEN_ANSWER_MAX);
	struct fetch_exchange *x;
	int r = fetch_start(h, q, &x, e);

	if (r < 0)
		return r;
	r = x->status == 200 ? fetch_read_all(x, &body, e) : refused(x->status, cred, registry, e);
	if (r == 0)
		r = read_token(buf_str(&body), registry, a, ret, e);
	if (body.s)
		explicit_bzero(body.s, body.len);
	buf_done(&body);
	fetch_end(x);
	return r;
}

int auth_token(struct fetcher *h, const struct challenge *c, const struct credential *cred,
	const char *registry, struct arena *a, struct str *ret, struct err *e)
{
	struct buf query = BUF_INIT(128 << 10), url = BUF_INIT(192 << 10);
	struct fetch_request q = {.accept = "application/json"};

	add_query(&query, "service", c->service);
	if (cred->identity_token.len) {
		add_query(&query, "client_id", STR("koban"));
		add_query(&query, "grant_type", STR("refresh_token"));
		add_query(&query, "refresh_token", cred->identity_token);
		add_query(&query, "scope", c->scope);
		q.form = query.s;
		buf_add(&url, c->realm);
	} else {
		add_scopes(&query, c->scope);
		if (cred->user.len)
			q.authorization = auth_basic(cred, a).s;
		buf_printf(&url, "%.*s%c%.*s", STR_ARG(c->realm),
			str_find_char(c->realm, '?') < 0 ? '?' : '&', STR_ARG(buf_str(&query)));
	}
	q.url = url.s;
	int r = query.cut || url.cut ? err_set(e, ENOMEM, "out of memory")
				     : ask(h, &q, cred, registry, a, ret, e);
	buf_done(&query);
	buf_done(&url);
	return r;
}
