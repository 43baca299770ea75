/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The verbs below `koban image`, a file each, and what they share. */
#include <getopt.h>

#include "base/err.h"
#include "scan/image/image.h"
#include "source/image/image.h"

int cmd_image_scan(int argc, char **argv);
int cmd_image_detonate(int argc, char **argv);
int cmd_image_crawl(int argc, char **argv);
int cmd_image_stats(int argc, char **argv);
int cmd_image_explain(int argc, char **argv);
int cmd_image_sbom(int argc, char **argv);

/* ---- what they share ------------------------------------------------------------------------- */

enum { IMAGE_LIST_MAX = 64 }; /* options that may be given several times */
enum { IMAGE_PASSWORD_MAX = 4096 };

/* The options by which all of them find images. */
struct image_place {
	const char *mirrors[IMAGE_LIST_MAX + 1], *insecure[IMAGE_LIST_MAX + 1];
	size_t nmirrors, ninsecure;
	const char *platform, *user, *ca_file, *root;
	char password[IMAGE_PASSWORD_MAX];
	bool is_local; /* a bare name is looked for in the stores of this machine first */
	bool is_quiet;
};

/* The options by which all of them know what to look for, and where layers are remembered. */
struct image_knowledge {
	const char *only[IMAGE_LIST_MAX + 1], *yara[IMAGE_LIST_MAX + 1], *feeds[IMAGE_LIST_MAX + 1],
		*secrets[IMAGE_LIST_MAX + 1];
	size_t nonly, nyara, nfeeds, nsecrets;
	const char *cache; /* NULL = where it is usual */
	bool is_uncached;
	unsigned threads; /* that look at a layer; 0 = as there are processors */
};

enum image_option {
	IMAGE_OPT_FIRST = 512,
	IMAGE_OPT_PLATFORM,
	IMAGE_OPT_LOCAL,
	IMAGE_OPT_MIRROR,
	IMAGE_OPT_INSECURE,
	IMAGE_OPT_USER,
	IMAGE_OPT_PASSWORD_FILE,
	IMAGE_OPT_CA_FILE,
	IMAGE_OPT_ROOT,
	IMAGE_OPT_ONLY,
	IMAGE_OPT_YARA,
	IMAGE_OPT_FEED,
	IMAGE_OPT_SECRETS,
	IMAGE_OPT_CACHE,
	IMAGE_OPT_NO_CACHE,
};

/* Rows of a table of getopt_long(3), and the lines of --help that go with them. */
#define IMAGE_PLACE_OPTIONS                                                                        \
	{"platform", required_argument, NULL, IMAGE_OPT_PLATFORM},                                 \
		{"local", no_argument, NULL, IMAGE_OPT_LOCAL},                                     \
		{"mirror", required_argument, NULL, IMAGE_OPT_MIRROR},                             \
		{"insecure", required_argument, NULL, IMAGE_OPT_INSECURE},                         \
		{"user", required_argument, NULL, IMAGE_OPT_USER},                                 \
		{"password-file", required_argument, NULL, IMAGE_OPT_PASSWORD_FILE},               \
		{"ca-file", required_argument, NULL, IMAGE_OPT_CA_FILE},                           \
		{"root", required_argument, NULL, IMAGE_OPT_ROOT},                                 \
	{                                                                                          \
		"quiet", no_argument, NULL, 'q'                                                    \
	}
#define IMAGE_PLACE_HELP                                                                           \
	"  --platform P         of an image for several machines: linux/arm64; scan takes all\n"   \
	"  --local              look for a bare name in this machine's stores first\n"             \
	"  --root DIR           the stores are those below DIR, a disk of another machine\n"       \
	"  --mirror [REG=]M     ask this registry instead; may be repeated\n"                      \
	"  --insecure REG       this registry is asked over plain http; may be repeated\n"         \
	"  --user [REG=]NAME    at the registry, instead of who is logged in there\n"              \
	"  --password-file FILE their password; - is standard input\n"                             \
	"  --ca-file FILE       who signs the certificates of registries, as PEM\n"
#define IMAGE_KNOWLEDGE_OPTIONS                                                                    \
	{"only", required_argument, NULL, IMAGE_OPT_ONLY},                                         \
		{"yara", required_argument, NULL, IMAGE_OPT_YARA},                                 \
		{"feed", required_argument, NULL, IMAGE_OPT_FEED},                                 \
	{                                                                                          \
		"secrets", required_argument, NULL, IMAGE_OPT_SECRETS                              \
	}
#define IMAGE_KNOWLEDGE_HELP                                                                       \
	"  --only NAME          this analyzer only; may be repeated\n"                             \
	"  --yara PATH          YARA rules of yours, a file or a folder; may be repeated\n"        \
	"  --feed PATH          lists of yours: domains, addresses, hashes; may be repeated\n"     \
	"  --secrets PATH       secret patterns of yours; may be repeated\n"
#define IMAGE_CACHE_OPTIONS                                                                        \
	{"cache", required_argument, NULL, IMAGE_OPT_CACHE},                                       \
	{                                                                                          \
		"no-cache", no_argument, NULL, IMAGE_OPT_NO_CACHE                                  \
	}
#define IMAGE_CACHE_HELP                                                                           \
	"  --cache DIR          where layers that were read are remembered\n"                      \
	"  --no-cache           reads every layer again, and remembers none\n"

/* One of these options is taken: 1, none of them: 0, wrong, which is said: -1. */
int image_place_take(struct image_place *p, int opt, const char *arg);
int image_knowledge_take(struct image_knowledge *k, int opt, const char *arg);
/*
 * Do they go together? A user needs a password; and the registry's name when several images are
 * opened, so that no other registry is told the password. False: not, which is said.
 */
bool image_place_check(const struct image_place *p, bool is_one_image);
/* Adds to a NULL-terminated list; false when it is full, which is said. */
bool image_list_add(const char **list, size_t *n, const char *value, const char *option);

/* Opens a reference as the options say. 0 or -errno. */
int image_place_open(const struct image_place *p, const char *ref, const char *platform,
	struct image_source **ret, struct err *e);
/* Fills options of source/image. */
void image_place_fill(const struct image_place *p, struct image_options *o);
/* A scanner that knows this. 0 or -errno. */
int image_knowledge_open(const struct image_knowledge *k, struct scanner **ret, struct err *e);
/* To a file, or to standard output when that is NULL. 0 or -errno. */
int image_write_out(const char *file, struct str text, struct err *e);
