/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocols that need only a word or two to go on: SSH, SMTP, IRC, Redis, DNS over TCP; and the
 * list of all that the sinkhole speaks. Found by what the client says first, never by the port:
 * miners and droppers choose ports to be taken for something else.
 */
#include <arpa/inet.h>

#include "scan/detonate/sink.h"

enum { DNS_MAX = 4096 };

static bool starts_any(struct str s, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (str_starts(s, str_of(words[i])))
			return true;
	return false;
}

/* ---- SSH ----------------------------------------------------------------------------------- */

static int ssh_begins(struct str first)
{
	return str_starts(first, STR("SSH-"));
}

static void ssh_go(struct talk *t)
{
	if (!t->is_greeted && !t->out_bytes)
		talk_say(t, str_of(greeting_of(22)));
	t->is_greeted = true;
	talk_take(t, t->pending.len);
}

static const struct protocol ssh = {"ssh", ssh_begins, ssh_go};

/* ---- SMTP ---------------------------------------------------------------------------------- */

static int smtp_begins(struct str first)
{
	static const char *const words[] = {"EHLO ", "HELO ", "ehlo ", "helo ", NULL};

	return starts_any(first, words);
}

static void smtp_go(struct talk *t)
{
	struct str line;

	while (talk_line(t, &line)) {
		if (str_ieq(str_head(line, 4), STR("DATA")))
			talk_say(t, STR("354 go on\r\n"));
		else if (str_ieq(str_head(line, 4), STR("QUIT")))
			talk_say(t, STR("221 bye\r\n")), t->is_closing = true;
		else
			talk_say(t, STR("250 ok\r\n"));
		talk_take(t, (size_t)str_find_char(buf_str(&t->pending), '\n') + 1);
	}
}

static const struct protocol smtp = {"smtp", smtp_begins, smtp_go};

/* ---- IRC ----------------------------------------------------------------------------------- */

static int irc_begins(struct str first)
{
	static const char *const words[] = {"NICK ", "USER ", "PASS ", "CAP LS", NULL};

	return starts_any(first, words);
}

static void irc_go(struct talk *t)
{
	struct str line;

	while (talk_line(t, &line)) {
		if (str_starts(line, STR("USER ")))
			talk_say(t, STR(":irc 001 you :welcome\r\n:irc 376 you :end\r\n"));
		else if (str_starts(line, STR("PING")))
			talk_say(t, STR("PONG :irc\r\n"));
		talk_take(t, (size_t)str_find_char(buf_str(&t->pending), '\n') + 1);
	}
}

static const struct protocol irc = {"irc", irc_begins, irc_go};

/* ---- Redis --------------------------------------------------------------------------------- */

static int redis_begins(struct str first)
{
	return first.len > 2 && first.s[0] == '*' && first.s[1] >= '1' && first.s[1] <= '9';
}

static void redis_go(struct talk *t)
{
	struct str line;

	while (talk_line(t, &line)) {
		if (line.len && line.s[0] == '*')
			talk_say(t, STR("+OK\r\n"));
		talk_take(t, (size_t)str_find_char(buf_str(&t->pending), '\n') + 1);
	}
}

static const struct protocol redis = {"redis", redis_begins, redis_go};

/* ---- DNS over TCP: a length in front of each message ---------------------------------------- */

static size_t framed(struct str s)
{
	return s.len >= 2 ? (size_t)(uint8_t)s.s[0] << 8 | (uint8_t)s.s[1] : 0;
}

static int dns_begins(struct str first)
{
	size_t n = framed(first);

	/* a query with one question */
	return n >= 17 && n <= 512 && first.len == n + 2 && !(first.s[4] & 0xf8) && !first.s[6] &&
	       first.s[7] == 1;
}

static void dns_go(struct talk *t)
{
	uint8_t answer[DNS_MAX];
	size_t n;

	while ((n = framed(buf_str(&t->pending))) && t->pending.len >= n + 2) {
		size_t out = dns_answer(
			t->sink, str_make(t->pending.s + 2, n), answer + 2, sizeof(answer) - 2);

		answer[0] = (uint8_t)(out >> 8);
		answer[1] = (uint8_t)out;
		if (out)
			talk_say(t, str_make((char *)answer, out + 2));
		talk_take(t, n + 2);
	}
}

const struct protocol protocol_dns = {"dns", dns_begins, dns_go};

/* ---- all of them --------------------------------------------------------------------------- */

const struct protocol *const protocols[] = {
	&protocol_http, &protocol_pool, &ssh, &smtp, &irc, &redis, &protocol_dns, NULL};

const char *greeting_of(uint16_t port)
{
	static const struct {
		uint16_t port;
		const char *text;
	} known[] = {{21, "220 ready\r\n"}, {22, "SSH-2.0-OpenSSH_9.2p1\r\n"},
		{25, "220 mail ESMTP\r\n"}, {587, "220 mail ESMTP\r\n"}, {110, "+OK ready\r\n"},
		{143, "* OK ready\r\n"}, {23, "login: "}};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].port == port)
			return known[i].text;
	return NULL;
}
