/* SPDX-License-Identifier: Apache-2.0 */
/* The forms: a row each. */
#include "face/report/report_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct {
	const char *name, *doc;
	void (*write)(
		const struct artifact_report *r, const struct report_style *s, struct buf *out);
} forms[] = {
	{"table", "for people, in a terminal", report_write_table},
	{"json", "all that is known, for programs", report_write_json},
	{"sarif", "SARIF 2.1.0: code scanning of GitHub, GitLab and editors", report_write_sarif},
	{"cyclonedx", "CycloneDX 1.6: the packages of the image, as JSON", report_write_cyclonedx},
	{"spdx", "SPDX 2.3: the packages of the image, as JSON", report_write_spdx},
	{"junit", "JUnit XML: test reports of CI systems", report_write_junit},
	{"markdown", "for summaries of CI jobs and merge requests", report_write_markdown},
};

enum { NFORMS = sizeof(forms) / sizeof(*forms) };

bool report_form(size_t i, const char **name, const char **doc)
{
	if (i >= NFORMS)
		return false;
	*name = forms[i].name;
	*doc = forms[i].doc;
	return true;
}

static int unknown_form(const char *form, struct err *e)
{
	struct buf known = BUF_INIT(512);

	for (size_t i = 0; i < NFORMS; i++)
		buf_printf(&known, "%s%s", i ? ", " : "", forms[i].name);
	int r = err_set(e, EINVAL, "no form '%s' of a report; there are: %s", form, known.s);

	buf_done(&known);
	return r;
}

int report_write(const char *form, const struct artifact_report *r, const struct report_style *s,
	struct buf *out, struct err *e)
{
	for (size_t i = 0; i < NFORMS; i++) {
		if (strcmp(form, forms[i].name) != 0)
			continue;
		forms[i].write(r, s, out);
		return out->cut ? err_set(e, ENOSPC,
					  "the report does not fit into %zu MiB: choose what is "
					  "scanned with --only",
					  out->max >> 20)
				: 0;
	}
	return unknown_form(form, e);
}

void report_write_json(
	const struct artifact_report *r, const struct report_style *s, struct buf *out)
{
	artifact_report_to_json(r, false, out);
	buf_add_char(out, '\n');
}

void report_finding_id(const struct artifact_finding *f, char ret[17])
{
	snprintf(ret, 17, "%016" PRIx64, artifact_finding_fingerprint(f));
}
