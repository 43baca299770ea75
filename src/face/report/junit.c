/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML, as CI systems read it: a suite an image, a case a finding. A failure is what a person
 * must act on (medium and above); the rest passes, and what is ignored is skipped with its reason.
 */
#include "base/json.h"
#include "face/report/report_private.h"

enum { TEXT_MAX = 64 << 10 };

/* Text of XML 1.0: what it cannot hold becomes U+FFFD. */
static void add_xml(struct str text, struct buf *out)
{
	while (text.len) {
		size_t n = utf8_len(text);
		unsigned char c = (unsigned char)text.s[0];
		const char *entity = c == '<'    ? "&lt;"
				     : c == '>'  ? "&gt;"
				     : c == '&'  ? "&amp;"
				     : c == '"'  ? "&quot;"
				     : c == '\n' ? "&#10;"
						 : NULL;
		/* U+FFFE and U+FFFF are no characters of XML */
		bool is_bad = !n || c < 0x20 ||
			      (n == 3 && memcmp(text.s, "\xef\xbf", 2) == 0 &&
				      (unsigned char)text.s[2] >= 0xbe);

		if (entity)
			buf_add_cstr(out, entity);
		else if (is_bad)
			buf_add_cstr(out, "\xef\xbf\xbd");
		else
			buf_add(out, str_head(text, n));
		text = str_skip(text, n ? n : 1);
	}
}

static bool is_failure(const struct artifact_finding *f)
{
	return !f->is_ignored && f->severity <= ARTIFACT_MEDIUM;
}

static void add_case(
	const struct artifact_report *r, const struct artifact_finding *f, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);

	report_add_place(f, &text);
	buf_add_cstr(out, "    <testcase classname=\"");
	add_xml(f->check, out);
	buf_add_cstr(out, "\" name=\"");
	add_xml(buf_str(&text), out);
	buf_add_cstr(out, "\">");
	buf_clear(&text);
	if (f->is_ignored) {
		buf_add_cstr(out, "<skipped message=\"");
		add_xml(f->ignored_why, out);
		buf_add_cstr(out, "\"/>");
	} else if (is_failure(f)) {
		buf_printf(out, "<failure type=\"%s\" message=\"",
			artifact_severity_name(f->severity));
		add_xml(f->title, out);
		buf_add_cstr(out, "\">");
		report_add_details(f, &text);
		if (f->mend.len)
			buf_printf(&text, "\n%.*s", STR_ARG(f->mend));
		add_xml(buf_str(&text), out);
		buf_add_cstr(out, "</failure>");
	}
	buf_add_cstr(out, "</testcase>\n");
	buf_done(&text);
}

void report_write_junit(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	size_t failures = 0, skipped = 0;

	for (size_t i = 0; i < r->nfindings; i++) {
		failures += is_failure(&r->findings[i]);
		skipped += r->findings[i].is_ignored;
	}
	buf_add_cstr(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
			  "  <testsuite name=\"");
	add_xml(r->image.ref, out);
	buf_printf(out, "\" tests=\"%zu\" failures=\"%zu\" skipped=\"%zu\" errors=\"0\">\n",
		r->nfindings + 1, failures, skipped);
	/* a suite without cases looks like one that did not run */
	buf_add_cstr(out, "    <testcase classname=\"verdict\" name=\"");
	add_xml(str_of(artifact_verdict_name(r->verdict)), out);
	buf_add_cstr(out, ": ");
	add_xml(r->reason, out);
	buf_add_cstr(out, "\"/>\n");
	for (size_t i = 0; i < r->nfindings; i++)
		add_case(r, &r->findings[i], out);
	buf_add_cstr(out, "  </testsuite>\n</testsuites>\n");
}
