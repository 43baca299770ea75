/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1 in the sinkhole (RFC 9112, as far as a client can tell): every path exists. What it is
 * made of follows its name, so that a downloader goes on to the step after the download: scripts
 * and programs are a script that ends at once, archives are empty ones.
 */
#include <string.h>

#include "base/json.h"
#include "scan/detonate/sink.h"

enum { HEAD_MAX = 32 << 10 };

static const char *const methods[] = {"GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "CONNECT ",
	"DELETE ", "PATCH ", "PRI ", NULL};

static int begins(struct str first)
{
	for (size_t i = 0; methods[i]; i++)
		if (str_starts(first, str_of(methods[i])))
			return 1;
	return 0;
}

static struct str header_of(struct str head, const char *name)
{
	struct str want = str_of(name);

	while (head.len) {
		struct str line = str_cut(&head, '\n');

		if (line.len > want.len && line.s[want.len] == ':' &&
			str_ieq(str_head(line, want.len), want))
			return str_trim(str_skip(line, want.len + 1));
	}
	return STR_NULL;
}

/* ---- bodies -------------------------------------------------------------------------------- */

struct body {
	const char *end; /* of the path */
	const char *type;
	struct str bytes;
};

#define SCRIPT STR("#!/bin/sh\nexit 0\n")
/* gzip of nothing (RFC 1952), and an archive without members */
#define GZIP_EMPTY STR("\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0")
#define ZIP_EMPTY  STR("PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")

static const struct body bodies[] = {
	{".json", "application/json", STR("{}")},
	{".gz", "application/gzip", GZIP_EMPTY},
	{".tgz", "application/gzip", GZIP_EMPTY},
	{".zip", "application/zip", ZIP_EMPTY},
	{".txt", "text/plain", STR("\n")},
	{".html", "text/html", STR("<html></html>\n")},
	{".htm", "text/html", STR("<html></html>\n")},
	{".css", "text/css", STR("\n")},
	{".js", "text/javascript", STR("\n")},
	{".xml", "application/xml", STR("<?xml version=\"1.0\"?><root/>\n")},
	{".sha256", "text/plain", STR("\n")},
	{"/ip", "text/plain", STR("203.0.113.7\n")},
	{"/generate_204", "text/plain", STR("")},
};
static const struct body script = {"", "application/octet-stream", SCRIPT};
static const struct body page = {"", "text/html", STR("<html></html>\n")};
static const struct body object = {"", "application/json", STR("{}")};
static const struct body address = {"", "text/plain", STR("203.0.113.7\n")};

/* Services that tell a caller its own address. */
static bool tells_address(struct str host)
{
	static const char *const names[] = {"ifconfig.me", "ipify.org", "icanhazip.com",
		"ipinfo.io", "checkip.amazonaws.com", "ident.me", "ifconfig.co", "myip"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_ifind(host, str_of(names[i])) >= 0)
			return true;
	return false;
}

static const struct body *body_of(struct str head, struct str path)
{
	struct str rest = path, name = str_cut(&rest, '?');

	if (tells_address(header_of(head, "host")))
		return &address;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		if (str_ends(name, str_of(bodies[i].end)))
			return &bodies[i];
	if (str_ifind(header_of(head, "accept"), STR("json")) >= 0 ||
		str_ifind(header_of(head, "content-type"), STR("json")) >= 0)
		return &object;
	return str_ends(name, STR("/")) ? &page : &script;
}

/* ---- requests ------------------------------------------------------------------------------ */

static void tell(struct talk *t, struct str method, struct str path, struct str head)
{
	if (!log_begin(t->sink, "http", &t->to, t->ssl != NULL))
		return;
	log_add(t->sink, "method", method);
	log_add(t->sink, "path", str_head(path, 1024));
	log_add(t->sink, "host", str_head(header_of(head, "host"), NAME_LEN));
	log_add(t->sink, "agent", str_head(header_of(head, "user-agent"), 256));
	log_end(t->sink);
}

/* A proxy was asked for: what follows is a conversation of its own. */
static void become_proxy(struct talk *t)
{
	talk_say(t, STR("HTTP/1.1 200 OK\r\n\r\n"));
	t->protocol = NULL;
	t->is_sniffed = t->ssl != NULL; /* TLS inside TLS is not looked into */
}

static void respond(struct talk *t, struct str method, struct str path, struct str head)
{
	const struct body *b = body_of(head, path);

	talk_printf(t,
		"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: %s\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n",
		b->type, b->bytes.len);
	if (!str_is(method, "HEAD"))
		talk_say(t, b->bytes);
	t->is_closing = true;
}

static size_t content_length(struct str head)
{
	uint64_t n = 0;

	str_to_u64(header_of(head, "content-length"), 10, &n);
	return n < PENDING_MAX ? (size_t)n : 0;
}

static void go(struct talk *t)
{
	struct str all = buf_str(&t->pending);
	ptrdiff_t end = str_find(all, STR("\r\n\r\n"));
	size_t gap = 4;

	if (end < 0) {
		end = str_find(all, STR("\n\n"));
		gap = 2;
	}
	if (end < 0 || t->is_closing) {
		if (t->is_closing || all.len > HEAD_MAX)
			talk_take(t, all.len);
		return;
	}
	size_t whole = (size_t)end + gap + content_length(str_head(all, (size_t)end));
	if (all.len < whole && !str_ieq(header_of(all, "expect"), STR("100-continue")))
		return;
	struct str head = str_head(all, (size_t)end), rest = head;
	struct str line = str_trim(str_cut(&rest, '\n')), method = str_cut(&line, ' ');
	struct str path = str_cut(&line, ' ');

	tell(t, method, path, head);
	if (str_is(method, "CONNECT"))
		become_proxy(t);
	else
		respond(t, method, path, head);
	talk_take(t, whole);
}

const struct protocol protocol_http = {"http", begins, go};
