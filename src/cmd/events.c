/* SPDX-License-Identifier: Apache-2.0 */
/* koban events: what evt.type can be, and the parameters that evt.arg can name. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/verbs.h"
#include "model/event/event.h"

static const char help[] =
	"usage: koban events [NAME]… [--json]\n"
	"\n"
	"Lists the events that a live host can show, with their parameters: what `evt.type` can\n"
	"be and what `evt.arg.NAME` can name.\n"
	"\n"
	"examples:\n"
	"  koban events connect openat      two of them\n"
	"  koban events --json | jq .name   for machines\n";

static bool is_live(const struct event_def *def)
{
	return def && !(def->flags & (EF_OLD | EF_ENTER | EF_META));
}

static bool is_asked(const struct event_def *def, int argc, char **argv)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		any = true;
		if (!strcmp(argv[i], def->name))
			return true;
	}
	return !any;
}

static void print_json(const struct event_def *def)
{
	struct buf b = BUF_INIT(65536);
	bool first = true;

	buf_printf(&b, "{\"code\":%u,\"name\":\"%s\",\"category\":\"%s\",\"params\":[", def->code,
		def->name, event_category_name(def->category));
	for (unsigned i = 0; i < def->nparams; i++) {
		buf_add_cstr(&b, first ? "" : ",");
		first = false;
		json_add_str(&b, str_of(def->params[i].name));
	}
	buf_add_cstr(&b, "]}");
	puts(b.s);
	buf_done(&b);
}

static int terminal_width(void)
{
	struct winsize w;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 40 ? w.ws_col : 80;
}

static void print_row(const struct event_def *def, int width)
{
	int at = printf("%-18s", def->name);

	for (unsigned i = 0; i < def->nparams; i++) {
		const char *name = def->params[i].name;

		if (at + (int)strlen(name) + 1 > width)
			at = printf("\n%18s", "") - 1;
		at += printf(" %s", name);
	}
	putchar('\n');
}

int cmd_events(int argc, char **argv)
{
	bool json = false, found = false;
	int width = terminal_width();

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			return 0;
		}
		json |= !strcmp(argv[i], "--json");
	}
	for (unsigned code = 0; code < EVENT_CODE_MAX; code++) {
		const struct event_def *def = event_def((uint16_t)code);

		if (!is_live(def) || !is_asked(def, argc, argv))
			continue;
		found = true;
		if (json)
			print_json(def);
		else
			print_row(def, width);
	}
	if (!found)
		fprintf(stderr, "koban: no such event; `koban events` lists them all\n");
	return found ? 0 : 2;
}
