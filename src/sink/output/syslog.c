/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a syslog message looks like: RFC 5424 with the finding's rule, source, fingerprint and tags
 * as structured data, or the old RFC 3164 form that daemons behind /dev/log expect. Severity is the
 * finding's priority: the two scales are the same. The way to the server is syslog_link.c.
 */
#include "sink/output/syslog.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

static const char *const facilities[] = {"kern", "user", "mail", "daemon", "auth", "syslog", "lpr",
	"news", "uucp", "cron", "authpriv", "ftp", "ntp", "security", "console", "solaris-cron",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"};

static int facility_code(const char *name)
{
	if (!name)
		return 3; /* daemon */
	for (size_t i = 0; i < sizeof(facilities) / sizeof(facilities[0]); i++)
		if (str_ieq(str_of(name), str_of(facilities[i])))
			return (int)i;
	return -1;
}

/* PRINTUSASCII of RFC 5424 §6, "-" for nothing. */
static void add_token(struct buf *b, struct str s, size_t max)
{
	if (!s.len)
		buf_add_char(b, '-');
	for (size_t i = 0; i < s.len && i < max; i++)
		buf_add_char(b, s.s[i] > ' ' && s.s[i] < 0x7f ? s.s[i] : '_');
}

/* PARAM-VALUE of §6.3.3: UTF-8, '"', '\' and ']' escaped; control bytes could break a transport. */
static void add_param(struct buf *b, const char *name, struct str s)
{
	buf_printf(b, " %s=\"", name);
	while (s.len) {
		size_t n = utf8_len(s);

		if (n == 0) {
			buf_add_cstr(b, "\xef\xbf\xbd");
			n = 1;
		} else if (n == 1 && ((unsigned char)*s.s < ' ' || *s.s == 0x7f)) {
			buf_add_char(b, ' ');
		} else {
			if (*s.s == '"' || *s.s == '\\' || *s.s == ']')
				buf_add_char(b, '\\');
			buf_add(b, str_head(s, n));
		}
		s = str_skip(s, n);
	}
	buf_add_char(b, '"');
}

static void add_data(struct buf *b, const struct finding *f)
{
	/* 32473 is the enterprise number that RFC 5612 keeps for documentation: koban has none */
	buf_add_cstr(b, "[koban@32473");
	add_param(b, "rule", f->rule);
	add_param(b, "source", f->source);
	buf_printf(b, " fingerprint=\"%016llx\"", (unsigned long long)f->fingerprint);
	for (size_t i = 0; i < f->ntags; i++)
		add_param(b, "tag", f->tags[i]);
	if (f->count > 1)
		buf_printf(b, " count=\"%llu\"", (unsigned long long)f->count);
	buf_add_char(b, ']');
}

static void add_timestamp(struct buf *b, uint64_t ts_ns)
{
	/* §6.2.3 allows six digits of a second, the clock has nine */
	clock_add_strftime(b, ts_ns, "%Y-%m-%dT%H:%M:%S", true);
	buf_printf(b, ".%06lluZ", (unsigned long long)(ts_ns % NSEC_PER_SEC / 1000));
}

static void syslog_format(const struct output_config *c, const struct finding *f, struct buf *out)
{
	int pri = facility_code(c->facility) * 8 + (int)f->priority;

	buf_printf(out, "<%d>", pri);
	if (c->rfc3164) {
		clock_add_strftime(out, f->ts_ns, "%b %e %H:%M:%S ", false);
		buf_printf(out, "koban[%d]: ", (int)getpid());
		format_message(c, f, out);
		return;
	}
	buf_add_cstr(out, "1 ");
	add_timestamp(out, f->ts_ns);
	buf_add_char(out, ' ');
	add_token(out, f->hostname, 255);
	buf_printf(out, " koban %d finding ", (int)getpid());
	add_data(out, f);
	buf_add_char(out, ' ');
	format_message(c, f, out);
}

static int syslog_open(const struct sender_env *env, void **ret, struct err *e)
{
	struct syslog_link *link;

	if (facility_code(env->config->facility) < 0)
		return err_set(e, EINVAL, "no such syslog facility: '%s'", env->config->facility);
	int r = syslog_link_open(env, &link, e);
	if (r == 0)
		*ret = link;
	return r;
}

static enum send_result syslog_send(void *state, struct str record, struct err *e)
{
	return syslog_link_send(state, record, e);
}

static void syslog_reopen(void *state)
{
	syslog_link_drop(state);
}

static void syslog_close(void *state)
{
	syslog_link_close(state);
}

const struct output_ops output_syslog = {
	.name = "syslog",
	.spools = true,
	.open = syslog_open,
	.format = syslog_format,
	.send = syslog_send,
	.reopen = syslog_reopen,
	.close = syslog_close,
};
