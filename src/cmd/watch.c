/* SPDX-License-Identifier: Apache-2.0 */
/* koban watch: live detection, one line a finding. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/options.h"
#include "cmd/verbs.h"

static const char help[] =
	"usage: koban watch [-r RULES]… [OPTION]…\n"
	"\n"
	"Watches this machine and its containers and prints a line for each finding.\n"
	"Findings go to stdout (and what the configuration says), all else to stderr.\n"
	"\n" LIVE_OPTIONS_HELP "\n"
	"examples:\n"
	"  koban watch -r /etc/falco/falco_rules.yaml     the rules that you have\n"
	"  koban watch --json | jq .rule                  for machines\n"
	"  koban watch -o file_output.enabled=true -o file_output.filename=/var/log/koban.log\n"
	"\n"
	"SIGHUP reloads the rules, SIGUSR1 reopens files, SIGINT and SIGTERM end it.\n";

int cmd_watch(int argc, char **argv)
{
	struct live_options o = {0};
	struct live *live;
	struct err e = {0};
	int code = live_options_parse(&o, argc, argv, help);

	if (code >= 0)
		return code;
	if (live_open(&o, &live, &e) < 0) {
		log_error("%s", e.msg);
		live_options_done(&o);
		return 2;
	}
	struct live_snapshot s = live_snapshot(live);
	log_info("watching: %zu rules, %zu event types, %zu named files, ready in %.0f ms",
		s.nrules, s.nsyscalls, s.nknown, s.load_ms);
	code = live_run(live, &e) < 0 ? 2 : 0;
	if (code)
		log_error("%s", e.msg);
	live_close(live);
	live_options_done(&o);
	return code;
}
