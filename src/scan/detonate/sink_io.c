/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the sinkhole: bytes in and out, plain or over TLS, and the log in which it
 * ends. What is spoken on it is for the protocols to say (sink_talk.c).
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "scan/detonate/sink.h"

/* ---- the log ------------------------------------------------------------------------------- */

bool log_begin(struct sink *s, const char *kind, const struct place *to, bool is_tls)
{
	if (s->lines >= LINES_MAX) {
		s->left_out++;
		return false;
	}
	s->lines++;
	buf_clear(&s->line);
	buf_printf(&s->line, "{\"kind\":\"%s\",\"at\":%llu", kind,
		(unsigned long long)clock_boot_ns());
	if (to) {
		buf_printf(&s->line, ",\"address\":\"%s\",\"port\":%u", to->address, to->port);
		log_add(s, "name", str_of(to->name ? to->name : ""));
	}
	if (is_tls)
		buf_add_cstr(&s->line, ",\"tls\":true");
	return true;
}

void log_add(struct sink *s, const char *key, struct str value)
{
	buf_printf(&s->line, ",\"%s\":", key);
	json_add_text(&s->line, value, 4096);
}

void log_end(struct sink *s)
{
	buf_add_cstr(&s->line, "}\n");
	if (!s->line.cut && io_write_all(s->log, buf_str(&s->line)) < 0)
		_exit(0); /* koban is gone */
}

void log_bytes(struct sink *s, const char *key, const char *bytes, size_t n)
{
	unsigned char text[FIRST_MAX * 4 / 3 + 8];

	int len = EVP_EncodeBlock(text, (const unsigned char *)bytes, (int)n);
	buf_printf(&s->line, ",\"%s\":\"%.*s\"", key, len, text);
}

/* ---- one connection ------------------------------------------------------------------------ */

void talk_end(struct talk *t)
{
	struct sink *s = t->sink;

	if (log_begin(s, "tcp", &t->to, t->ssl != NULL)) {
		log_add(s, "protocol", str_of(t->protocol ? t->protocol->name : ""));
		log_add(s, "sni", str_of(t->sni));
		buf_printf(&s->line, ",\"since\":%llu,\"in\":%llu,\"out\":%llu,\"shaken\":%s",
			(unsigned long long)t->since_ns, (unsigned long long)t->in_bytes,
			(unsigned long long)t->out_bytes, t->is_shaken ? "true" : "false");
		log_bytes(s, "first_in", t->first_in, t->nfirst_in);
		log_bytes(s, "first_out", t->first_out, t->nfirst_out);
		log_end(s);
	}
	SSL_free(t->ssl);
	t->ssl = NULL;
	close(t->fd);
	t->fd = -1;
	buf_clear(&t->pending);
	buf_clear(&t->out);
}

static void keep_first(char *to, size_t *n, struct str bytes)
{
	size_t room = FIRST_MAX - *n, take = bytes.len < room ? bytes.len : room;

	if (take)
		memcpy(to + *n, bytes.s, take);
	*n += take;
}

void talk_say(struct talk *t, struct str bytes)
{
	keep_first(t->first_out, &t->nfirst_out, bytes);
	t->out_bytes += bytes.len;
	buf_add(&t->out, bytes);
}

void talk_printf(struct talk *t, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(text))
		talk_say(t, str_make(text, (size_t)n));
}

void talk_take(struct talk *t, size_t n)
{
	if (n > t->pending.len)
		n = t->pending.len;
	memmove(t->pending.s, t->pending.s + n, t->pending.len - n);
	buf_cut(&t->pending, t->pending.len - n);
}

bool talk_line(struct talk *t, struct str *ret)
{
	struct str all = buf_str(&t->pending);
	ptrdiff_t end = str_find_char(all, '\n');

	if (end < 0)
		return false;
	*ret = str_head(all, (size_t)end);
	if (ret->len && ret->s[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static void find_protocol(struct talk *t)
{
	for (size_t i = 0; !t->protocol && protocols[i]; i++)
		if (protocols[i]->begins(buf_str(&t->pending)) > 0)
			t->protocol = protocols[i];
}

static void talk_understand(struct talk *t)
{
	if (!t->protocol)
		find_protocol(t);
	if (t->protocol)
		t->protocol->go(t);
	/* what nobody reads does not pile up */
	if (!t->protocol || t->pending.cut || t->pending.len >= PENDING_MAX) {
		size_t keep = t->protocol ? 0 : FIRST_MAX;

		if (t->pending.len > keep)
			talk_take(t, t->pending.len - keep);
		t->pending.cut = false;
	}
}

static ptrdiff_t talk_read(struct talk *t, char *bytes, size_t size)
{
	if (!t->ssl) {
		ssize_t n = recv(t->fd, bytes, size, MSG_DONTWAIT);

		return n < 0 ? (errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno) : n;
	}
	ERR_clear_error();
	int n = SSL_read(t->ssl, bytes, (int)size);
	if (n > 0)
		return n;
	int why = SSL_get_error(t->ssl, n);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -EAGAIN : 0;
}

void talk_flush(struct talk *t)
{
	while (t->out.len && (!t->ssl || t->is_shaken)) {
		ssize_t n;

		if (t->ssl) {
			ERR_clear_error();
			n = SSL_write(t->ssl, t->out.s, (int)t->out.len);
		} else {
			n = send(t->fd, t->out.s, t->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
		if (n <= 0)
			return;
		memmove(t->out.s, t->out.s + n, t->out.len - (size_t)n);
		buf_cut(&t->out, t->out.len - (size_t)n);
	}
}

/* A ClientHello is left in the socket for the library to read. */
static bool sniff(struct talk *t)
{
	uint8_t first[3];
	ssize_t n = recv(t->fd, first, sizeof(first), MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && errno != EAGAIN && errno != EINTR ? false : n != 0;
	t->is_sniffed = true;
	if (first[0] == 0x16 && (n < 2 || first[1] == 3) && !t->ssl)
		t->ssl = authority_accept(t->sink->authority, t->fd);
	return true;
}

static bool shake(struct talk *t)
{
	ERR_clear_error();
	int r = SSL_accept(t->ssl);
	const char *sni = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);

	if (sni)
		snprintf(t->sni, sizeof(t->sni), "%s", sni);
	t->is_shaken = r == 1;
	if (r == 1)
		return true;
	int why = SSL_get_error(t->ssl, r);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

void talk_readable(struct talk *t)
{
	char bytes[16384];
	ptrdiff_t n = -EAGAIN;
	bool ok = t->is_sniffed || sniff(t);

	if (ok && t->ssl && !t->is_shaken)
		ok = shake(t);
	if (ok && t->is_sniffed && (!t->ssl || t->is_shaken)) {
		n = talk_read(t, bytes, sizeof(bytes));
		if (n > 0) {
			struct str got = str_make(bytes, (size_t)n);

			t->in_bytes += got.len;
			keep_first(t->first_in, &t->nfirst_in, got);
			buf_add(&t->pending, got);
			talk_understand(t);
		}
	}
	talk_flush(t);
	if (!ok || n == 0 || (n < 0 && n != -EAGAIN) || (t->is_closing && !t->out.len))
		talk_end(t);
}
