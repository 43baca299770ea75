/* SPDX-License-Identifier: Apache-2.0 */
/* koban VERB …: finds the verb's row and calls it. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/supervise.h"
#include "cmd/verbs.h"
#include "engine/rules/rules.h"

static const struct verb {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"up", "watch this machine, with a console in the browser", cmd_up},
	{"watch", "watch this machine: one line a finding, for services and pipes", cmd_watch},
	{"serve", "the console: findings kept, searched and shown in a browser", cmd_serve},
	{"capture", "write what happens into a .scap file", cmd_capture},
	{"replay", "judge a capture by rules, as a watch judges this machine", cmd_replay},
	{"read", "print the events of a capture, or of this machine", cmd_read},
	{"chisels", "programs over events that koban read runs: topfiles_bytes, topology …",
		cmd_chisels},
	{"top", "tables of processes, files, connections … in a terminal", cmd_top},
	{"rules", "check, list, explain and test rule files", cmd_rules},
	{"fields", "every field that rules and outputs can name", cmd_fields},
	{"events", "every event that rules can ask for, with its parameters", cmd_events},
	{"image", "images: what is in them, before they run", cmd_image},
	{"store", "look after the database of findings: stats, check, backup", cmd_store},
};

enum { NVERBS = sizeof(verbs) / sizeof(*verbs) };

static int usage(FILE *out)
{
	fprintf(out, "koban %s, cloud-native threat detection\n\nusage: koban VERB [OPTION]…\n\n",
		KOBAN_VERSION);
	for (int i = 0; i < NVERBS; i++)
		fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].help);
	fprintf(out, "\nkoban VERB --help says more; man koban says all. Start with: koban up\n");
	return out == stdout ? 0 : 2;
}

static int unknown(const char *name)
{
	const struct verb *near = NULL;
	unsigned best = 3;

	for (int i = 0; i < NVERBS; i++) {
		unsigned d = str_distance(str_of(name), str_of(verbs[i].name), 2);

		if (d < best) {
			best = d;
			near = &verbs[i];
		}
	}
	fprintf(stderr, "koban: no verb '%s'", name);
	if (near)
		fprintf(stderr, "; did you mean '%s'?", near->name);
	fprintf(stderr, "\nkoban --help lists them.\n");
	return 2;
}

int main(int argc, char **argv)
{
	supervise_join();
	const char *name = argc > 1 ? argv[1] : "--help";

	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return usage(argc > 1 ? stdout : stderr);
	if (!strcmp(name, "--version") || !strcmp(name, "version")) {
		printf("koban %s (rules engine %s)\n", KOBAN_VERSION, rules_engine_version);
		return 0;
	}
	for (int i = 0; i < NVERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return verbs[i].run(argc - 1, argv + 1);
	return unknown(name);
}
