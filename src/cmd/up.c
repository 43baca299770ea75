/* SPDX-License-Identifier: Apache-2.0 */
/* koban up: live detection with a picture of what it watches, found and costs. */
#include <stdlib.h>

#include "base/log.h"
#include "cmd/options.h"
#include "cmd/screen.h"
#include "cmd/verbs.h"

static const char help[] = "usage: koban up [-r RULES]… [OPTION]…\n"
			   "\n"
			   "Watches this machine with koban's own rules and sane defaults. On a "
			   "terminal a panel shows\n"
			   "what is watched, found and spent; elsewhere it prints plain lines, as "
			   "`koban watch` does.\n"
			   "Repeats of an alert are folded into one line with a count.\n"
			   "\n" LIVE_OPTIONS_HELP "\n"
			   "examples:\n"
			   "  koban up                        koban's rules\n"
			   "  koban up -r my_rules.yaml       yours\n";

static int run(const struct live_options *o, struct screen *screen)
{
	struct live *live;
	struct err e = {0};

	log_info("loading rules and attaching to the kernel …");
	if (live_open(o, &live, &e) < 0) {
		screen_close(screen);
		log_error("%s", e.msg);
		return 2;
	}
	struct live_snapshot s = live_snapshot(live);
	log_info(
		"ready in %.0f ms: %zu rules, %zu kinds of events, %llu processes, %llu containers",
		s.load_ms, s.nrules, s.nsyscalls, (unsigned long long)s.state.processes,
		(unsigned long long)s.state.containers);
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

int cmd_up(int argc, char **argv)
{
	struct live_options o = {0};
	int code = live_options_parse(&o, argc, argv, help);

	if (code >= 0)
		return code;
	struct screen *screen = screen_open();
	o.on_screen = screen != NULL;
	o.colour = log_is_colour();
	code = run(&o, screen);
	live_options_done(&o);
	return code;
}
