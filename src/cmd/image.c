/* SPDX-License-Identifier: Apache-2.0 */
/*
 * koban image VERB …: finds the verb's row and calls it. Each verb is a file of its own,
 * image_VERB.c; what they share is in image_options.c.
 */
#include "cmd/image.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/verbs.h"

static const struct row {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} rows[] = {
	{"scan", "what is in an image: packages, secrets, miners, malware; and a verdict",
		cmd_image_scan},
	{"explain", "one finding of a report with all that is known of it", cmd_image_explain},
	{"detonate", "run an image in a sandbox without a way out, and tell what it does",
		cmd_image_detonate},
	{"crawl", "scan the images of a registry or a list into a database", cmd_image_crawl},
	{"stats", "what such a database adds up to: shares with their intervals", cmd_image_stats},
	{"sbom", "which packages are in an image, as CycloneDX or SPDX", cmd_image_sbom},
};

enum { NROWS = sizeof(rows) / sizeof(*rows) };

static int usage(FILE *out)
{
	fprintf(out, "usage: koban image VERB [OPTION]… REF…\n\n");
	for (int i = 0; i < NROWS; i++)
		fprintf(out, "  %-9s %s\n", rows[i].name, rows[i].help);
	fprintf(out, "\nREF is an image's name in a registry, or\n"
		     "  docker-archive:FILE         what \"docker save\" wrote\n"
		     "  oci:DIR[:TAG]               an OCI image layout; oci-archive:FILE[:TAG]\n"
		     "  dir:DIR                     an unpacked root file system\n"
		     "  containerd:NAME podman:NAME docker:NAME   this machine's stores\n"
		     "\n\"koban image VERB --help\" tells more.\n");
	return out == stdout ? 0 : 2;
}

int cmd_image(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return usage(stdout);
	/* how wide characters are is the locale's to say: without one, only ASCII is shown */
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	for (int i = 0; i < NROWS; i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].run(argc - 1, argv + 1);
	if (*name)
		fprintf(stderr, "koban image: no verb '%s'\n", name);
	return usage(stderr);
}
