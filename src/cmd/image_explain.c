/* SPDX-License-Identifier: Apache-2.0 */
/* koban image explain: one finding of a report that was written before, with all that is known. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/grid.h"
#include "base/io.h"
#include "cmd/image.h"
#include "face/report/report.h"

enum { REPORT_MAX = 128 << 20, OUT_MAX = 16 << 20, ID_SHORTEST = 4 };

static const char help[] =
	"usage: koban image explain REPORT [ID]\n"
	"\n"
	"Explains a finding of an image: what it is, where it lies, which step of the build "
	"brought\n"
	"it, what starts it, what links it to other images, and what to do.\n"
	"\n"
	"REPORT is what `koban image scan --json` wrote; - is standard input. ID is that of the\n"
	"finding, or its beginning, or the name of a check; without one the findings are listed.\n"
	"\n"
	"  --help  this text\n"
	"\n"
	"examples:\n"
	"  koban image scan --json -o app.json registry.example.org/app:1.2\n"
	"  koban image explain app.json\n"
	"  koban image explain app.json 1f6d0c\n"
	"  koban image scan --json debian:12 | koban image explain - config-root\n";

static int read_text(const char *path, struct buf *out, struct err *e)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char part[64 << 10];
	size_t n;

	if (!f)
		return err_set(e, errno, "%s: cannot be read: %s", path, strerror(errno));
	while (!out->cut && (n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, str_make(part, n));
	int r = ferror(f)  ? err_set(e, EIO, "%s: cannot be read: %s", path, strerror(errno))
		: out->cut ? err_set(e, EFBIG, "%s: larger than %d MiB", path, REPORT_MAX >> 20)
			   : 0;

	if (f != stdin)
		fclose(f);
	return r;
}

static bool is_meant(const struct artifact_finding *f, const char *id)
{
	char own[17];

	report_finding_id(f, own);
	return str_is(f->check, id) ||
	       (strlen(id) >= ID_SHORTEST && strncmp(own, id, strlen(id)) == 0);
}

static void list_findings(const struct artifact_report *r, struct buf *out)
{
	for (size_t i = 0; i < r->nfindings; i++) {
		char id[17];

		report_finding_id(&r->findings[i], id);
		buf_printf(out, "%s  %-8s  ", id, artifact_severity_name(r->findings[i].severity));
		text_add_visible(out, r->findings[i].title);
		buf_add_char(out, '\n');
	}
}

static struct report_style style_of_terminal(void)
{
	const char *no = getenv("NO_COLOR");
	bool is_tty = isatty(STDOUT_FILENO);
	struct winsize w;

	return (struct report_style){.colour = is_tty && !(no && *no),
		.columns = !is_tty                                                 ? 0
			   : ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col
										   : 80};
}

static int explain(
	const char *path, const char *id, struct arena *a, struct buf *out, struct err *e)
{
	const struct report_style style = style_of_terminal();
	struct buf text = BUF_INIT(REPORT_MAX);
	struct artifact_report report;
	size_t n = 0;
	int r = read_text(path, &text, e);

	if (r == 0 && (r = artifact_report_from_json(buf_str(&text), a, &report, e)) < 0)
		err_context(e, "%s", path);
	if (r == 0 && !id)
		list_findings(&report, out);
	for (size_t i = 0; r == 0 && id && i < report.nfindings; i++) {
		if (!is_meant(&report.findings[i], id))
			continue;
		buf_add_cstr(out, n++ ? "\n" : "");
		report_explain(&report, &report.findings[i], &style, out);
	}
	if (r == 0 && id && !n)
		r = err_set(e, ENOENT,
			"%s has no finding '%s'; without an ID its findings are listed", path, id);
	buf_done(&text);
	return r;
}

int cmd_image_explain(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct buf out = BUF_INIT(OUT_MAX);
	struct err e = {0};
	struct arena a;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		fputs(c == 'h' ? help : "Try \"koban image explain --help\".\n",
			c == 'h' ? stdout : stderr);
		return c == 'h' ? 0 : 2;
	}
	if (argc - optind < 1 || argc - optind > 2) {
		fputs("koban image explain: a report and a finding, for example: koban image "
		      "explain app.json 1f6d0c\n",
			stderr);
		return 2;
	}
	arena_init(&a, 0);
	int r = explain(argv[optind], argv[optind + 1], &a, &out, &e);

	if (r == 0)
		io_write_all(STDOUT_FILENO, buf_str(&out));
	else
		fprintf(stderr, "koban: %s\n", e.msg);
	arena_done(&a);
	buf_done(&out);
	return r < 0 ? 2 : 0;
}
