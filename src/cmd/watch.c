/* SPDX-License-Identifier: Apache-2.0 */
/* koban watch: live detection, one line a finding. */
#include "cmd/watch.h"

#include <stddef.h>

#include "base/log.h"
#include "cmd/options.h"
#include "cmd/screen.h"
#include "cmd/verbs.h"

static const char help[] =
	"usage: koban watch [-r RULES]… [OPTION]…\n"
	"\n"
	"Watches this machine and its containers and prints a line for each finding.\n"
	"Findings go to stdout (and what the configuration says), all else to stderr.\n"
	"\n" LIVE_OPTIONS_HELP
	"      --panel           on a terminal, a picture of what is watched, found and spent\n"
	"\n"
	"examples:\n"
	"  koban watch -r /etc/falco/falco_rules.yaml     the rules that you have\n"
	"  koban watch --json | jq .rule                  for machines\n"
	"  koban watch -o file_output.enabled=true -o file_output.filename=/var/log/koban.log\n"
	"\n"
	"SIGHUP reloads the rules, SIGUSR1 reopens files, SIGINT and SIGTERM end it.\n";

int watch_run(struct live_options *o)
{
	struct screen *screen = o->panel ? screen_open(o->notes_fd) : NULL;
	struct live *live;
	struct err e = {0};

	o->on_screen = screen != NULL;
	o->colour = screen && screen_is_colour();
	if (o->panel)
		log_info("loading rules and attaching to the kernel …");
	if (live_open(o, &live, &e) < 0) {
		screen_close(screen);
		log_error("%s", e.msg);
		return 2;
	}
	struct live_snapshot s = live_snapshot(live);
	log_info("watching: %zu rules, %zu event types, %zu named files, ready in %.0f ms",
		s.nrules, s.nsyscalls, s.nknown, s.load_ms);
	if (screen)
		screen_start(screen, live);
	int r = live_run(live, &e);
	if (r < 0)
		log_error("%s", e.msg);
	/* the screen asks live for its numbers: it goes first */
	screen_close(screen);
	live_close(live);
	return r < 0 ? 2 : 0;
}

int cmd_watch(int argc, char **argv)
{
	struct live_options o = {0};
	int code = live_options_parse(&o, argc, argv, help);

	if (code < 0)
		code = watch_run(&o);
	live_options_done(&o);
	return code;
}
