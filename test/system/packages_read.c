/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What test/system/test_packages.py compares with the package managers' own answers: reads files as
 * the packages of an image, each as PATH-IN-IMAGE=FILE, and prints a line a package, fields between
 * tabs; with --owner PATH… the packages that own these paths.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "engine/package/package.h"

enum { WINDOW = 16 << 20, OVERLAP = 64 << 10 };

static char **owners;
static int nowners;

static int compare(const void *key, const void *row)
{
	uint64_t a = *(const uint64_t *)key, b = *(const uint64_t *)row;

	return a < b ? -1 : a > b;
}

static void print_package(void *arg, const struct artifact_package *p)
{
	(void)arg;
	if (!nowners)
		printf("%s\t%.*s%s%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%zu\n",
			artifact_package_type_name(p->type), STR_ARG(p->group),
			p->group.len ? "/" : "", STR_ARG(p->name), STR_ARG(p->version),
			STR_ARG(p->arch), STR_ARG(p->source), STR_ARG(p->source_version),
			STR_ARG(p->license), STR_ARG(p->maintainer), p->nfiles);
	for (int i = 0; i < nowners; i++) {
		uint64_t hash = str_hash(str_of(owners[i]));

		if (p->nfiles && bsearch(&hash, p->files, p->nfiles, sizeof(hash), compare))
			printf("%.*s\t%s\n", STR_ARG(p->name), owners[i]);
	}
}

static void read_binary(struct str path, struct str content, struct arena *a, struct err *e)
{
	struct package_binary b = {0};
	size_t at = 0;

	for (;;) {
		struct str window = str_head(str_skip(content, at), WINDOW);

		if (package_parse_binary(&b, path, window, at, a, print_package, NULL, e) < 0)
			fprintf(stderr, "%s\n", e->msg);
		if (at + window.len == content.len)
			return;
		at += window.len - OVERLAP;
	}
}

static bool read_one(char *arg)
{
	char *equals = strchr(arg, '=');
	struct arena a;
	struct str content, path = str_make(arg, equals ? (size_t)(equals - arg) : 0);
	struct err e = {0};

	arena_init(&a, 1 << 30);
	if (!equals || io_read_file(&a, AT_FDCWD, equals + 1, 1 << 30, &content, &e) < 0) {
		fprintf(stderr, "%s: %s\n", arg, e.msg);
		arena_done(&a);
		return false;
	}
	const struct package_parser *p = package_parser_for(path);
	if (!p)
		read_binary(path, content, &a, &e);
	else if (package_parse(p, path, content, &a, print_package, NULL, &e) < 0)
		fprintf(stderr, "%s\n", e.msg);
	arena_done(&a);
	return true;
}

int main(int argc, char **argv)
{
	int end = argc;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--owner") == 0) {
			owners = argv + i + 1;
			nowners = argc - i - 1;
			end = i;
			break;
		}
	for (int i = 1; i < end; i++)
		if (!read_one(argv[i]))
			return 1;
	return 0;
}
