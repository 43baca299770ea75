/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The options that `koban watch` and `koban up` share. */
#include "cmd/live.h"

#define LIVE_OPTIONS_HELP                                                                          \
	"  -r, --rules PATH      a rule file or a folder of them; may be given often\n"            \
	"  -c, --config FILE     instead of /etc/koban/koban.yaml\n"                               \
	"  -o, --option K=V      overrides a key of the configuration: -o priority=warning\n"      \
	"      --json            findings as JSON lines, Falco's keys\n"                           \
	"      --no-fold         every repeat of an alert, too\n"                                  \
	"      --all-events      every syscall that has an event, not only what rules need\n"      \
	"  -M, --seconds N       stop after N seconds\n"                                           \
	"  -q, --quiet           errors only on stderr\n"                                          \
	"  -h, --help            this text\n"

/* -1 to go on, else the exit code. Strings borrow from argv. */
int live_options_parse(struct live_options *o, int argc, char **argv, const char *help);
/* One more of -r or -o. */
void live_options_add(struct live_options *o, int option, const char *arg);
void live_options_done(struct live_options *o);
