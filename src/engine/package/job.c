/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a parser has in hand: the package that it is about to hand on, the files collected for it,
 * and the limits that hold for all of them. It knows no format.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/package/private.h"

/* Names and versions are shown, compared and become part of URLs: text without controls. */
static bool is_word(struct str s)
{
	if (!s.len || s.len > PACKAGE_MAX_NAME)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.s[i] < ' ' || s.s[i] == 0x7f)
			return false;
	return true;
}

static struct str word_or_nothing(struct str s)
{
	return is_word(s) ? s : STR_NULL;
}

int compare_hashes(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/* Sorted, each once, in memory of the caller. */
static void take_files(struct package_job *j, struct artifact_package *p)
{
	if (!j->nfiles)
		return;
	qsort(j->files, j->nfiles, sizeof(j->files[0]), compare_hashes);
	size_t n = 1;
	for (size_t i = 1; i < j->nfiles; i++)
		if (j->files[i] != j->files[n - 1])
			j->files[n++] = j->files[i];
	uint64_t *copy = arena_raw(j->a, n * sizeof(copy[0]));
	if (copy) {
		memcpy(copy, j->files, n * sizeof(copy[0]));
		p->files = copy;
		p->nfiles = n;
	} else {
		j->no_memory = true;
	}
}

void job_drop_files(struct package_job *j)
{
	j->nfiles = 0;
}

bool job_emit(struct package_job *j, struct artifact_package *p)
{
	if (is_word(p->name)) {
		take_files(j, p);
		p->type = j->type;
		p->path = j->path;
		p->deleted_in = -1;
		p->version = word_or_nothing(p->version);
		p->arch = word_or_nothing(p->arch);
		p->group = word_or_nothing(p->group);
		p->source = word_or_nothing(p->source);
		p->source_version = word_or_nothing(p->source_version);
		p->license = str_head(p->license, PACKAGE_MAX_TEXT);
		p->maintainer = str_head(p->maintainer, PACKAGE_MAX_TEXT);
		j->found(j->arg, p);
		j->npackages++;
	}
	job_drop_files(j);
	return !j->no_memory && j->npackages < PACKAGE_MAX_OF_FILE;
}

static void add_hash(struct package_job *j, uint64_t hash)
{
	if (j->nfiles == PACKAGE_MAX_FILES)
		return;
	if (j->nfiles == j->files_cap) {
		size_t cap = j->files_cap ? j->files_cap * 2 : 256;
		uint64_t *more = realloc(j->files, cap * sizeof(more[0]));

		if (!more) {
			j->no_memory = true;
			return;
		}
		j->files = more;
		j->files_cap = cap;
	}
	j->files[j->nfiles++] = hash;
}

/* Folders that are links into /usr where /usr is merged (hier(7)); packages name files in both. */
static bool is_merged(struct str path)
{
	static const char *const dirs[] = {
		"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/"};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (str_starts(path, str_of(dirs[i])))
			return true;
	return false;
}

void job_own_in(struct package_job *j, struct str dir, struct str name)
{
	char text[5 + PACKAGE_MAX_PATH + 2] = "/usr";
	char *path = text + 4;
	size_t n = 0;

	if (str_starts(dir, STR("./")))
		dir = str_skip(dir, 1);
	while (dir.len && dir.s[dir.len - 1] == '/')
		dir.len--;
	while (dir.len && dir.s[0] == '/')
		dir = str_skip(dir, 1);
	if (!name.len || dir.len + name.len > PACKAGE_MAX_PATH)
		return;
	if (dir.len) {
		path[n++] = '/';
		memcpy(path + n, dir.s, dir.len);
		n += dir.len;
	}
	path[n++] = '/';
	memcpy(path + n, name.s, name.len);
	n += name.len;
	add_hash(j, str_hash(str_make(path, n)));
	if (is_merged(str_make(path, n)))
		add_hash(j, str_hash(str_make(text, n + 4)));
}

void job_own(struct package_job *j, struct str path)
{
	job_own_in(j, path_dir(path), path_base(path));
}

int job_bad(struct package_job *j, const char *fmt, ...)
{
	char why[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return err_set(j->e, EBADMSG, "%.*s: %s", STR_ARG(str_head(j->path, 400)), why);
}

void job_done(struct package_job *j)
{
	free(j->files);
	j->files = NULL;
}
