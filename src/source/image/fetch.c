/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP of fetch.h by libcurl's multi interface: bytes are taken when the reader wants them, and
 * what is not wanted yet stays in the socket. Time is only counted while somebody waits for the
 * server.
 */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/image/fetch.h"

enum {
	BODY_SIZE = 512 << 10,
	HEAD_MAX = 256 << 10,
	RATE_MIN = 1024, /* bytes a second */
	STALL_S = 30,
	CONNECT_MAX_S = 15,
	POLL_MS = 200,
};

struct fetcher {
	CURLM *multi;
	struct image_source *source;
	unsigned stall_s;
};

struct transfer {
	struct fetch_exchange x;
	struct fetcher *http;
	CURL *easy;
	struct curl_slist *headers;
	char url[512]; /* for messages */
	char error[CURL_ERROR_SIZE];
	size_t head_size;
	bool has_head, is_done, is_paused;
	CURLcode result;
	/* the server's slowness: how long it was waited for, and how much came meanwhile */
	uint64_t waited_ns, came;
	size_t at, len;
	uint8_t body[BODY_SIZE];
};

static bool take_header(char *to, size_t size, struct str line, const char *name)
{
	struct str value = line, key = str_cut(&value, ':');

	if (!value.s || !str_ieq(key, str_of(name)))
		return false;
	value = str_trim(value);
	if (!str_copy(value, to, size))
		*to = 0;
	return true;
}

static void take_challenge(struct fetch_exchange *x, struct str line)
{
	struct str value = line, key = str_cut(&value, ':');

	if (!value.s || !str_ieq(key, STR("www-authenticate")))
		return;
	buf_add(&x->challenges, str_trim(value));
	buf_add_char(&x->challenges, '\n');
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct fetch_exchange *x = &t->x;
	struct str line = str_trim(str_make(p, size * n));

	t->head_size += size * n;
	t->came += size * n;
	if (t->head_size > HEAD_MAX)
		return 0;
	if (t->has_head) /* a trailer */
		return size * n;
	if (str_starts(line, STR("HTTP/"))) { /* also behind a 100, and a proxy's answer */
		*x->location = *x->link = *x->retry_after = *x->content_range = *x->digest = 0;
		buf_clear(&x->challenges);
	}
	if (!take_header(x->location, sizeof(x->location), line, "location") &&
		!take_header(x->link, sizeof(x->link), line, "link") &&
		!take_header(x->retry_after, sizeof(x->retry_after), line, "retry-after") &&
		!take_header(x->content_range, sizeof(x->content_range), line, "content-range") &&
		!take_header(x->digest, sizeof(x->digest), line, "docker-content-digest"))
		take_challenge(x, line);
	if (!line.len) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &x->status);
		t->has_head = x->status >= 200;
	}
	return size * n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	if (n > sizeof(t->body) - t->len && t->at) {
		memmove(t->body, t->body + t->at, t->len - t->at);
		t->len -= t->at;
		t->at = 0;
	}
	if (n > sizeof(t->body) - t->len) {
		t->is_paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	memcpy(t->body + t->len, p, n);
	t->len += n;
	t->came += n;
	return n;
}

/* ---- the client ---- */

int fetcher_open(struct image_source *s, struct fetcher **ret, struct err *e)
{
	struct fetcher *h = calloc(1, sizeof(*h));

	if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return err_set(e, ENOMEM, "out of memory");
	}
	h->source = s;
	h->stall_s = s->options.stall_s ? s->options.stall_s : STALL_S;
	h->multi = curl_multi_init();
	if (!h->multi) {
		fetcher_close(h);
		return err_set(e, ENOMEM, "out of memory");
	}
	*ret = h;
	return 0;
}

void fetcher_close(struct fetcher *h)
{
	if (!h)
		return;
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	free(h);
}

static bool add_header(struct transfer *t, const char *name, const char *value)
{
	struct buf b = BUF_INIT(64 << 10);

	buf_printf(&b, "%s: %s", name, value);
	struct curl_slist *more = b.cut ? NULL : curl_slist_append(t->headers, b.s);

	if (b.s)
		explicit_bzero(b.s, b.len);
	buf_done(&b);
	if (more)
		t->headers = more;
	return more;
}

static bool set_request(struct transfer *t, const struct fetch_request *q)
{
	CURL *c = t->easy;
	char range[64];
	bool ok = curl_easy_setopt(c, CURLOPT_URL, q->url) == CURLE_OK;

	if (q->accept)
		ok = ok && add_header(t, "Accept", q->accept);
	if (q->authorization)
		ok = ok && add_header(t, "Authorization", q->authorization);
	if (q->form)
		ok = ok && curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, q->form) == CURLE_OK;
	if (q->from) {
		snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)q->from);
		ok = ok && add_header(t, "Range", range);
	}
	return ok && curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

/*
 * A certificate authority of one's own, beside the system's, which libcurl finds in its folder: the
 * one that was named, or the one that container engines would take for this server.
 */
static bool set_authority(struct transfer *t, const struct image_options *o, const char *url)
{
	static const char *const dirs[] = {"/etc/docker/certs.d", "/etc/containers/certs.d"};
	struct str host = str_of(url), path = STR_NULL;
	ptrdiff_t at = str_find(host, STR("://"));
	char file[512];

	if (o->ca_file)
		return curl_easy_setopt(t->easy, CURLOPT_CAINFO, o->ca_file) == CURLE_OK;
	path = str_skip(host, at < 0 ? 0 : (size_t)at + 3);
	host = str_cut(&path, '/');
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		int n = snprintf(file, sizeof(file), "%s/%.*s/ca.crt", dirs[i], STR_ARG(host));

		if (n < (int)sizeof(file) && str_find(host, STR("..")) < 0 &&
			access(file, R_OK) == 0)
			return curl_easy_setopt(t->easy, CURLOPT_CAINFO, file) == CURLE_OK;
	}
	return true;
}

static bool set_options(struct transfer *t, const char *url)
{
	const struct image_options *o = &t->http->source->options;
	unsigned stall = t->http->stall_s;
	CURL *c = t->easy;
	bool ok = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;

	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "koban");
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 128L << 10);
	curl_easy_setopt(
		c, CURLOPT_CONNECTTIMEOUT, (long)(stall < CONNECT_MAX_S ? stall : CONNECT_MAX_S));
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	return ok && set_authority(t, o, url);
}

/*
 * TLS writes to sockets that the other side may have closed: the signal of that is kept from a
 * program that has not said what it wants of it.
 */
static void perform(struct fetcher *h)
{
	static const struct timespec now;
	sigset_t pipe, before, pending;
	int n;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	bool was_pending = sigismember(&pending, SIGPIPE) == 1;

	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	curl_multi_perform(h->multi, &n);
	if (!was_pending)
		sigtimedwait(&pipe, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void pump(struct fetcher *h)
{
	int n;

	perform(h);
	for (const CURLMsg *m; (m = curl_multi_info_read(h->multi, &n));) {
		struct transfer *t = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		t->is_done = true;
		t->result = m->data.result;
	}
}

static int say(struct transfer *t, struct err *e)
{
	const char *why = *t->error ? t->error : curl_easy_strerror(t->result);
	int code = ECONNRESET;

	if (t->head_size > HEAD_MAX)
		return err_set(e, EPROTO, "%s: the head of the answer is larger than %d KiB",
			t->url, HEAD_MAX >> 10);
	switch (t->result) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
		code = EHOSTUNREACH;
		break;
	case CURLE_OPERATION_TIMEDOUT:
		code = ETIMEDOUT;
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(e, EPROTO,
			"%s: %s. If its certificate is of your own, put the authority's into "
			"/etc/docker/certs.d/HOST:PORT/ca.crt",
			t->url, why);
	case CURLE_SSL_CONNECT_ERROR:
		return err_set(e, EPROTO,
			"%s: %s. If it speaks plain http only, name it with --insecure", t->url,
			why);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR:
		code = EPROTO;
		break;
	default:
		break;
	}
	return err_set(e, code, "%s: %s", t->url, why);
}

/* Too slow? `waited_ns` of waiting brought `came` bytes; else a new count begins. */
static bool is_stalled(struct transfer *t, bool for_head)
{
	uint64_t limit_ns = (for_head ? 2 : 1) * t->http->stall_s * NSEC_PER_SEC;

	if (t->waited_ns < limit_ns)
		return false;
	if (for_head || t->came < (uint64_t)RATE_MIN * t->http->stall_s)
		return true;
	t->waited_ns = t->came = 0;
	return false;
}

/* Waits until there is a head, some of the body, or the end. */
static int wait_for(struct transfer *t, bool for_head, struct err *e)
{
	uint64_t last = clock_boot_ns();

	for (;;) {
		pump(t->http);
		uint64_t now = clock_boot_ns();

		t->waited_ns += now - last;
		last = now;
		if (t->is_done || (for_head ? t->has_head : t->len > t->at))
			return 0;
		if (source_stopped(t->http->source))
			return err_set(e, EINTR, "%s: stopped", t->url);
		if (is_stalled(t, for_head))
			return err_set(e, ETIMEDOUT,
				"%s: the server sent nothing, or next to nothing, for %u seconds",
				t->url, t->http->stall_s * (for_head ? 2 : 1));
		curl_multi_poll(t->http->multi, NULL, 0, POLL_MS, NULL);
	}
}

int fetch_start(struct fetcher *h, const struct fetch_request *q, struct fetch_exchange **ret,
	struct err *e)
{
	struct transfer *t = calloc(1, sizeof(*t));
	struct str shown = str_of(q->url);
	ptrdiff_t query = str_find_char(shown, '?');

	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	t->http = h;
	t->x.challenges = BUF_INIT(16 << 10);
	/* a signature that lets one in may stand behind the question mark */
	str_copy(query < 0 ? shown : str_head(shown, (size_t)query), t->url, sizeof(t->url));
	t->easy = curl_easy_init();
	if (!t->easy || !set_options(t, q->url) || !set_request(t, q) ||
		curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
		err_set(e, EPROTO, "%s: cannot ask for it: %s", t->url,
			*t->error ? t->error : "no such address, or out of memory");
		fetch_end(&t->x);
		return -EPROTO;
	}
	int r = wait_for(t, true, e);

	t->waited_ns = t->came = 0;
	if (r == 0 && !t->has_head)
		r = t->result == CURLE_OK ? err_set(e, EPROTO, "%s: no answer in HTTP", t->url)
					  : say(t, e);
	if (r < 0) {
		fetch_end(&t->x);
		return r;
	}
	*ret = &t->x;
	return 0;
}

ptrdiff_t fetch_read(struct fetch_exchange *x, void *to, size_t size, struct err *e)
{
	struct transfer *t = (struct transfer *)x;

	if (t->at == t->len) {
		t->at = t->len = 0;
		if (t->is_paused && !t->is_done) {
			t->is_paused = false;
			curl_easy_pause(t->easy, CURLPAUSE_CONT);
		}
		int r = t->len || t->is_done ? 0 : wait_for(t, false, e);

		if (r < 0)
			return r;
		if (t->len == t->at)
			return say(t, e);
	}
	size_t n = t->len - t->at < size ? t->len - t->at : size;

	memcpy(to, t->body + t->at, n);
	t->at += n;
	return (ptrdiff_t)n;
}

int fetch_read_all(struct fetch_exchange *x, struct buf *to, struct err *e)
{
	const struct transfer *t = (const struct transfer *)x;
	char chunk[16384];
	ptrdiff_t n;

	while ((n = fetch_read(x, chunk, sizeof(chunk), e)) > 0) {
		buf_add(to, str_make(chunk, (size_t)n));
		if (to->cut)
			return err_set(e, EFBIG, "%s: the answer is larger than %zu KiB", t->url,
				to->max >> 10);
	}
	return n < 0 ? (int)n : 0;
}

void fetch_end(struct fetch_exchange *x)
{
	struct transfer *t = (struct transfer *)x;

	if (!t)
		return;
	if (t->easy)
		curl_multi_remove_handle(t->http->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	buf_done(&x->challenges);
	free(t);
}
