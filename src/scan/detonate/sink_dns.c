/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sinkhole's name server (RFC 1035): every name exists. Each has an address of its own, so that
 * a connection tells which name it was meant for: of 198.18.0.0/15 (RFC 2544, never routed) and of
 * one prefix of unique local addresses. Other types have no records; the name exists all the same.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

#include "scan/detonate/sink.h"

enum {
	HEADER = 12,
	TYPE_A = 1,
	TYPE_AAAA = 28,
	CLASS_IN = 1,
	TTL_S = 60,
	FIRST_ADDRESS = 0xc6120001, /* 198.18.0.1 */
};
static const uint8_t prefix6[14] = {0xfd, 0x00, 0x6b, 0x6f, 0, 1};

/* The question's name, lower case, labels joined by dots; the offset behind it, 0 = no name. */
static size_t read_name(struct str m, char name[NAME_LEN])
{
	size_t at = HEADER, n = 0;

	for (;;) {
		unsigned len = at < m.len ? (uint8_t)m.s[at] : 255;

		at++;
		if (len == 0)
			break;
		if (len > 63 || at + len > m.len || n + len + 2 > NAME_LEN)
			return 0;
		if (n)
			name[n++] = '.';
		for (unsigned i = 0; i < len; i++) {
			unsigned char c = (unsigned char)m.s[at + i];

			/* other bytes are no part of a name that anybody registers */
			name[n++] = (char)(isgraph(c) && c != '.' ? tolower(c) : '?');
		}
		at += len;
	}
	name[n] = 0;
	return at;
}

static size_t row_of(struct sink *s, const char *name)
{
	uint64_t h = str_hash(str_of(name));

	for (size_t i = 0; i < s->nnames; i++)
		if (s->names[i].hash == h && !strcmp(s->names[i].name, name))
			return i;
	if (s->nnames == NAMES_MAX) /* all further names share the last address */
		return NAMES_MAX - 1;
	s->names[s->nnames].hash = h;
	snprintf(s->names[s->nnames].name, NAME_LEN, "%s", name);
	return s->nnames++;
}

const char *dns_name_of(const struct sink *s, int family, const void *ip)
{
	uint32_t v4;
	uint16_t low;
	size_t row = SIZE_MAX;

	if (family == AF_INET) {
		memcpy(&v4, ip, sizeof(v4));
		row = (size_t)ntohl(v4) - FIRST_ADDRESS;
	} else if (!memcmp(ip, prefix6, sizeof(prefix6))) {
		memcpy(&low, (const uint8_t *)ip + 14, sizeof(low));
		row = (size_t)ntohs(low) - 1;
	}
	return row < s->nnames ? s->names[row].name : NULL;
}

static const char *type_name(unsigned type, char text[16])
{
	static const struct {
		unsigned type;
		const char *name;
	} known[] = {{TYPE_A, "A"}, {2, "NS"}, {5, "CNAME"}, {6, "SOA"}, {12, "PTR"}, {15, "MX"},
		{16, "TXT"}, {TYPE_AAAA, "AAAA"}, {33, "SRV"}, {65, "HTTPS"}, {255, "ANY"}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].type == type)
			return known[i].name;
	snprintf(text, 16, "TYPE%u", type);
	return text;
}

/* The record's data: 4 or 16 bytes, or 0 when this type has none. */
static size_t record_of(struct sink *s, unsigned type, const char *name, uint8_t ip[16])
{
	if (type == TYPE_A) {
		uint32_t v4 = htonl(FIRST_ADDRESS + (uint32_t)row_of(s, name));

		memcpy(ip, &v4, sizeof(v4));
		return 4;
	}
	if (type == TYPE_AAAA && s->fds[SINK_TCP6] >= 0) {
		uint16_t low = htons((uint16_t)(row_of(s, name) + 1));

		memcpy(ip, prefix6, sizeof(prefix6));
		memcpy(ip + 14, &low, sizeof(low));
		return 16;
	}
	return 0;
}

static void tell(struct sink *s, const char *name, unsigned type, const uint8_t *ip, size_t n)
{
	char text[INET6_ADDRSTRLEN] = "", other[16];

	if (n)
		inet_ntop(n == 4 ? AF_INET : AF_INET6, ip, text, sizeof(text));
	if (!log_begin(s, "dns", NULL, false))
		return;
	log_add(s, "name", str_of(name));
	log_add(s, "type", str_of(type_name(type, other)));
	log_add(s, "answer", str_of(text));
	log_end(s);
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

size_t dns_answer(struct sink *s, struct str q, uint8_t *answer, size_t size)
{
	char name[NAME_LEN];
	uint8_t ip[16];

	/* a query (QR 0, OPCODE 0) with one question at least */
	if (q.len < HEADER || ((uint8_t)q.s[2] & 0xf8) || !(q.s[4] | q.s[5]))
		return 0;
	size_t end = read_name(q, name);
	if (!end || end + 4 > q.len || end + 4 + 28 > size)
		return 0;
	unsigned type = (unsigned)(uint8_t)q.s[end] << 8 | (uint8_t)q.s[end + 1];
	size_t n = record_of(s, type, name, ip);

	tell(s, name, type, ip, n);
	memcpy(answer, q.s, end + 4);
	answer[2] = 0x84 | ((uint8_t)q.s[2] & 1); /* response, authoritative; RD as asked */
	answer[3] = 0x80;                         /* recursion is available, no error */
	put16(answer + 4, 1);
	put16(answer + 6, n ? 1 : 0);
	put16(answer + 8, 0);
	put16(answer + 10, 0);
	uint8_t *p = answer + end + 4;
	if (n) {
		p = put16(p, 0xc000 | HEADER); /* the name in the question */
		p = put16(p, type);
		p = put16(p, CLASS_IN);
		p = put16(p, 0);
		p = put16(p, TTL_S);
		p = put16(p, (unsigned)n);
		memcpy(p, ip, n);
		p += n;
	}
	return (size_t)(p - answer);
}
