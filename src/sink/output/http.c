/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP POST a finding, over a connection that is kept. 2xx is delivered; a server that cannot
 * now (5xx, 408, 429, no answer) is asked again; any other answer means that it will never take
 * this finding. Redirects are not followed: findings go where the operator said.
 */
#include "sink/output/private.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { ANSWER_MAX = 1 << 20 };

struct http_state {
	struct sender_env env;
	CURL *curl;
	struct curl_slist *headers;
	size_t answered;
	uint64_t retry_after_ms;
	char message[CURL_ERROR_SIZE];
};

static size_t discard(char *data, size_t size, size_t n, void *arg)
{
	struct http_state *s = arg;

	s->answered += size * n;
	return s->answered > ANSWER_MAX ? 0 : size * n;
}

/* Called about once a second and on traffic: lets outputs_close() end a transfer. */
static int watch_stop(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http_state *s = arg;
	struct pollfd p = {.fd = s->env.stop_fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static bool add_header(struct http_state *s, const char *line)
{
	struct curl_slist *more = curl_slist_append(s->headers, line);

	if (more)
		s->headers = more;
	return more != NULL;
}

static int set_headers(struct http_state *s, struct err *e)
{
	const struct output_config *c = s->env.config;
	/* no "Expect: 100-continue": a finding is small, a round trip is not */
	bool ok = add_header(s, c->json ? "Content-Type: application/json"
					: "Content-Type: text/plain") &&
		  add_header(s, "Expect:");

	for (const char *const *h = c->headers; ok && h && *h; h++) {
		if (!strchr(*h, ':') || strpbrk(*h, "\r\n"))
			return err_set(
				e, EINVAL, "'%s' is no header line; write \"Name: value\"", *h);
		ok = add_header(s, *h);
	}
	return ok ? 0 : err_set(e, ENOMEM, "out of memory");
}

static void set_tls(struct http_state *s)
{
	const struct output_config *c = s->env.config;

	curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYPEER, c->insecure ? 0L : 1L);
	curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYHOST, c->insecure ? 0L : 2L);
	curl_easy_setopt(s->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (c->ca_cert)
		curl_easy_setopt(s->curl, CURLOPT_CAINFO, c->ca_cert);
	if (c->ca_path)
		curl_easy_setopt(s->curl, CURLOPT_CAPATH, c->ca_path);
	if (c->client_cert)
		curl_easy_setopt(s->curl, CURLOPT_SSLCERT, c->client_cert);
	if (c->client_key)
		curl_easy_setopt(s->curl, CURLOPT_SSLKEY, c->client_key);
}

static void set_options(struct http_state *s)
{
	const struct output_config *c = s->env.config;

	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(s->curl, CURLOPT_URL, c->url);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, c->user_agent ? c->user_agent : "koban");
	curl_easy_setopt(s->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(s->curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, (long)s->env.timeout_ms);
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)s->env.timeout_ms);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, watch_stop);
	curl_easy_setopt(s->curl, CURLOPT_XFERINFODATA, s);
	curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->message);
	set_tls(s);
}

static void http_close(void *state)
{
	struct http_state *s = state;

	curl_easy_cleanup(s->curl);
	curl_slist_free_all(s->headers);
	free(s);
	curl_global_cleanup();
}

static int check_url(const char *url, struct err *e)
{
	CURLU *u = url && *url ? curl_url() : NULL;
	char *scheme = NULL;
	int r = 0;

	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		(!str_ieq(str_of(scheme), STR("http")) && !str_ieq(str_of(scheme), STR("https"))))
		r = err_set(e, EINVAL, "'%s' is no http or https URL", url ? url : "");
	curl_free(scheme);
	curl_url_cleanup(u);
	return r;
}

static int http_open(const struct sender_env *env, void **ret, struct err *e)
{
	int r = check_url(env->config->url, e);

	if (r < 0)
		return r;
	struct http_state *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(s);
		return err_set(e, EIO, "libcurl does not start");
	}
	s->env = *env;
	s->curl = curl_easy_init();
	r = s->curl ? set_headers(s, e) : err_set(e, ENOMEM, "out of memory");
	if (r < 0) {
		http_close(s);
		return r;
	}
	set_options(s);
	*ret = s;
	return 0;
}

static enum send_result judge(struct http_state *s, long status, struct err *e)
{
	curl_off_t after = 0;

	if (status >= 200 && status < 300)
		return SEND_OK;
	bool is_passing = status >= 500 || status == 408 || status == 429;
	curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &after);
	s->retry_after_ms = is_passing && after > 0 ? (uint64_t)after * 1000 : 0;
	err_set(e, EPROTO, "%s: the server answers %ld", s->env.config->url, status);
	return is_passing ? SEND_RETRY : SEND_REFUSED;
}

static enum send_result http_send(void *state, struct str record, struct err *e)
{
	struct http_state *s = state;
	long status = 0;

	s->answered = 0;
	s->retry_after_ms = 0;
	s->message[0] = 0;
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, record.s);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)record.len);
	CURLcode code = curl_easy_perform(s->curl);
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	/* an answer that is too long is an answer all the same */
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status))
		return judge(s, status, e);
	err_set(e, EIO, "%s: %s", s->env.config->url,
		s->message[0] ? s->message : curl_easy_strerror(code));
	return SEND_RETRY;
}

static uint64_t http_retry_after(void *state)
{
	return ((const struct http_state *)state)->retry_after_ms;
}

const struct output_ops output_http = {
	.name = "http",
	.spools = true,
	.open = http_open,
	.send = http_send,
	.close = http_close,
	.retry_after_ms = http_retry_after,
};
