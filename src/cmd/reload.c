/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watching rule files. The folder is watched, not the file: editors and ConfigMaps replace a file
 * by renaming another over it.
 */
#include "cmd/reload.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { REST_NS = 500000000 };

struct reload {
	int fd;
	uint64_t changed_ns; /* 0 = nothing changed */
};

static void watch(struct reload *r, const char *path)
{
	char dir[4096];
	struct stat st;

	if (!str_copy(str_of(path), dir, sizeof(dir)))
		return;
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
		ptrdiff_t slash = str_rfind_char(str_of(dir), '/');

		if (slash < 0)
			str_copy(STR("."), dir, sizeof(dir));
		else
			dir[slash ? slash : 1] = 0;
	}
	inotify_add_watch(r->fd, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_CREATE);
}

struct reload *reload_new(bool is_on, const char *const *paths, size_t n)
{
	struct reload *r = is_on ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return NULL;
	r->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->fd < 0) {
		free(r);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		watch(r, paths[i]);
	return r;
}

void reload_free(struct reload *r)
{
	if (!r)
		return;
	close(r->fd);
	free(r);
}

/* Only rule files count: an editor's swap file beside them does not. */
static bool is_rule_file(const struct inotify_event *ev)
{
	struct str name = str_make(ev->name, strnlen(ev->name, ev->len));

	return !ev->len ||
	       ((str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml"))) &&
		       name.s[0] != '.') ||
	       str_is(name, "..data");
}

bool reload_is_due(struct reload *r)
{
	_Alignas(struct inotify_event) char events[4096];
	ssize_t n;

	if (!r)
		return false;
	while ((n = read(r->fd, events, sizeof(events))) > 0) {
		for (char *p = events; p < events + n;) {
			const struct inotify_event *ev = (const void *)p;

			if (is_rule_file(ev))
				r->changed_ns = clock_boot_ns();
			p += sizeof(*ev) + ev->len;
		}
	}
	if (!r->changed_ns || clock_boot_ns() - r->changed_ns < REST_NS)
		return false;
	r->changed_ns = 0;
	return true;
}
