/* SPDX-License-Identifier: Apache-2.0 */
/* The options that `koban watch` and `koban up` share. */
#include "cmd/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void add(const char *const **list, size_t *n, const char *s)
{
	const char **more = realloc((void *)*list, (*n + 1) * sizeof(*more));

	if (!more)
		abort();
	more[(*n)++] = s;
	*list = more;
}

void live_options_done(struct live_options *o)
{
	free((void *)o->rules);
	free((void *)o->overrides);
}

void live_options_add(struct live_options *o, int option, const char *arg)
{
	if (option == 'r')
		add(&o->rules, &o->nrules, arg);
	else
		add(&o->overrides, &o->noverrides, arg);
}

static int wrong(const char *what, const char *arg)
{
	fprintf(stderr, "koban: %s '%s'; --help shows the usage\n", what, arg);
	return 2;
}

static bool parse_fd(const char *text, int *ret)
{
	uint64_t n;

	if (!str_to_u64(str_of(text), 10, &n) || n < 3 || n > 1023)
		return false;
	*ret = (int)n;
	return true;
}

int live_options_parse(struct live_options *o, int argc, char **argv, const char *help)
{
	enum { OPT_JSON = 256, OPT_NO_FOLD, OPT_ALL_EVENTS, OPT_PANEL };
	static const struct option longs[] = {
		{"rules", required_argument, NULL, 'r'},
		{"config", required_argument, NULL, 'c'},
		{"option", required_argument, NULL, 'o'},
		{"json", no_argument, NULL, OPT_JSON},
		{"no-fold", no_argument, NULL, OPT_NO_FOLD},
		{"all-events", no_argument, NULL, OPT_ALL_EVENTS},
		{"panel", optional_argument, NULL, OPT_PANEL},
		{"seconds", required_argument, NULL, 'M'},
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "r:c:o:M:qh", longs, NULL)) != -1) {
		switch (c) {
		case 'r':
		case 'o':
			live_options_add(o, c, optarg);
			break;
		case 'c':
			o->config_path = optarg;
			break;
		case 'M':
			if (!str_to_u64(str_of(optarg), 10, &o->duration_s))
				return wrong("not a number of seconds:", optarg);
			break;
		case 'q':
			o->is_quiet = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_NO_FOLD:
			o->no_fold = true;
			break;
		case OPT_ALL_EVENTS:
			o->all_events = true;
			break;
		case OPT_PANEL:
			o->panel = true;
			if (optarg && !parse_fd(optarg, &o->notes_fd))
				return wrong("not a descriptor:", optarg);
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs("--help shows the usage\n", stderr);
			return 2;
		}
	}
	return optind < argc ? wrong("unexpected argument", argv[optind]) : -1;
}
