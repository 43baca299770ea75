/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs that servers send: where a redirect, a next page, a token server is. libcurl's parser reads
 * them, the same that will connect, so there are no two opinions about which host is meant.
 */
#include <curl/curl.h>

#include "source/image/fetch.h"

enum { FLAGS = CURLU_DISALLOW_USER };

static struct str part(CURLU *u, CURLUPart which, unsigned flags, struct arena *a)
{
	char *text = NULL;

	if (curl_url_get(u, which, &text, flags) != CURLUE_OK)
		return STR_NULL;
	struct str ret = arena_str(a, str_of(text));

	curl_free(text);
	return ret;
}

struct str url_resolve(struct str base, struct str ref, struct arena *a)
{
	CURLU *u = curl_url();
	struct str ret = STR_NULL;
	char *from = arena_cstr(a, base), *to = arena_cstr(a, ref);

	for (size_t i = 0; i < ref.len; i++)
		if ((unsigned char)ref.s[i] <= ' ' || ref.s[i] == 0x7f)
			to = NULL;
	if (u && from && to && *to && curl_url_set(u, CURLUPART_URL, from, FLAGS) == CURLUE_OK &&
		curl_url_set(u, CURLUPART_URL, to, FLAGS) == CURLUE_OK)
		ret = part(u, CURLUPART_URL, 0, a);
	curl_url_cleanup(u);
	return url_origin(ret, a).len ? ret : STR_NULL;
}

struct str url_origin(struct str url, struct arena *a)
{
	CURLU *u = curl_url();
	struct str ret = STR_NULL;
	char *text = arena_cstr(a, url);

	if (u && text && *text && curl_url_set(u, CURLUPART_URL, text, FLAGS) == CURLUE_OK) {
		struct str scheme = part(u, CURLUPART_SCHEME, 0, a),
			   host = part(u, CURLUPART_HOST, 0, a),
			   port = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, a);

		if (host.len && (str_is(scheme, "http") || str_is(scheme, "https")))
			ret = arena_printf(a, "%.*s://%.*s:%.*s", STR_ARG(scheme), STR_ARG(host),
				STR_ARG(port));
		for (size_t i = 0; i < ret.len; i++)
			if (ret.s[i] >= 'A' && ret.s[i] <= 'Z')
				((char *)ret.s)[i] += 'a' - 'A';
	}
	curl_url_cleanup(u);
	return ret;
}
