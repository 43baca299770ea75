/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the sample in the form that is named: for test/golden/test_report_forms.py. */
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "face/report/report.h"
#include "sample_report.h"

int main(int argc, char **argv)
{
	const struct artifact_report r = sample_report();
	struct report_style s = {.columns = argc > 2 ? (unsigned)atoi(argv[2]) : 0,
		.colour = argc > 3 && argv[3][0] == 'c',
		.all = argc > 4};
	struct buf out = BUF_INIT(4 << 20);
	struct err e = {0};
	int n = 0;

	if (argc > 1 && str_is(str_of(argv[1]), "explain"))
		report_explain(&r, &r.findings[0], &s, &out);
	else if (argc > 1)
		n = report_write(argv[1], &r, &s, &out, &e);
	if (n < 0)
		fprintf(stderr, "%s\n", e.msg);
	io_write_all(1, buf_str(&out));
	buf_done(&out);
	return n < 0 ? 2 : 0;
}
