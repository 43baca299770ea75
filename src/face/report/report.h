/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A report of an image for people and for machines: rows {name, doc, writer}. Tables and pictures
 * in a terminal, JSON, SARIF 2.1.0, CycloneDX 1.6, SPDX 2.3, JUnit, Markdown.
 */
#include "base/err.h"
#include "model/artifact/artifact.h"

struct report_style {
	unsigned columns; /* of the terminal; 0 = no limit */
	bool colour;
	bool all; /* packages, ignored and low findings as well */
};

/* -EINVAL with the known names when there is no such form. `out` names its own maximum. */
int report_write(const char *form, const struct artifact_report *r, const struct report_style *s,
	struct buf *out, struct err *e);
bool report_form(size_t i, const char **name, const char **doc);
/* One finding with its evidence chain, what it means, what to do: `koban image explain`. */
void report_explain(const struct artifact_report *r, const struct artifact_finding *f,
	const struct report_style *s, struct buf *out);
/* The id by which explain, .kobanignore and the console name a finding: 16 hexadecimal digits. */
void report_finding_id(const struct artifact_finding *f, char ret[17]);
