/* SPDX-License-Identifier: Apache-2.0 */
/* koban image stats: the tables of a survey. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/io.h"
#include "cmd/image.h"
#include "research/survey/survey.h"

enum { OUT_MAX = 64 << 20, FORMAT = 256, JSON };

static const char help[] =
	"usage: koban image stats DB [OPTION]…\n"
	"\n"
	"What the images that `koban image crawl` scanned add up to: verdicts, categories by "
	"image\n"
	"and by label, kinds of secrets, imitated names, wallets, pools, layers that carry what "
	"is\n"
	"critical. Shares have 95 % intervals (Wilson). DB may be written meanwhile.\n"
	"\n"
	"  --format FORM   table, json, csv;  --json is --format json\n"
	"  --help          this text\n"
	"\n"
	"examples:\n"
	"  koban image stats survey.db\n"
	"  koban image stats survey.db --json | jq '.tables.categories.rows'\n"
	"  koban image stats survey.db --format csv > survey.csv\n";

static unsigned terminal_columns(void)
{
	struct winsize w;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

static int print(const char *path, const char *form, struct err *e)
{
	const char *no = getenv("NO_COLOR");
	struct buf out = BUF_INIT(OUT_MAX);
	struct survey *survey = NULL;
	struct survey_stats stats;
	struct arena a;

	arena_init(&a, 0);
	int r = survey_open(path, SURVEY_READ, &survey, e);

	r = r < 0 ? r : survey_stats(survey, &a, &stats, e);
	if (r == 0)
		r = survey_write(&stats, form, terminal_columns(),
			isatty(STDOUT_FILENO) && !(no && *no), &out, e);
	if (r == 0)
		io_write_all(STDOUT_FILENO, buf_str(&out));
	survey_close(survey);
	buf_done(&out);
	arena_done(&a);
	return r;
}

int cmd_image_stats(int argc, char **argv)
{
	static const struct option options[] = {{"format", required_argument, NULL, FORMAT},
		{"json", no_argument, NULL, JSON}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	const char *form = "table";
	struct err e = {0};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c != FORMAT && c != JSON) {
			fputs("Try \"koban image stats --help\".\n", stderr);
			return 2;
		}
		form = c == JSON ? "json" : optarg;
	}
	if (argc - optind != 1) {
		fputs("koban image stats: one database, as koban image crawl makes it\n", stderr);
		return 2;
	}
	if (print(argv[optind], form, &e) == 0)
		return 0;
	fprintf(stderr, "koban: %s\n", e.msg);
	return 2;
}
