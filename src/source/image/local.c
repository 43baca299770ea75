/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common ground of the local stores: paths below a root, names as engines complete them, and
 * layers made from unpacked folders. Nothing is asked of a daemon.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "source/image/local.h"

enum { LOCAL_FILE_MAX = 64 << 20 };

int local_open(struct image_source *s, struct local **ret, struct err *e)
{
	const char *root = s->options.root ? s->options.root : "/";
	struct local *st = arena_new(&s->arena, struct local);

	if (!st)
		return err_set(e, ENOMEM, "out of memory");
	st->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (st->root < 0)
		return err_set(e, errno, "%s: cannot open: %s", root, strerror(errno));
	s->state = st;
	*ret = st;
	return 0;
}

void local_close(struct image_source *s)
{
	struct local *st = s->state;

	close(st->root);
	s->state = NULL;
}

int local_at(const struct local *st, const char *path, int flags)
{
	struct open_how how = {
		/* the kernel refuses these two beside O_PATH */
		.flags = (uint64_t)flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY | O_NONBLOCK),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, st->root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int local_text(struct image_source *s, const char *path, size_t limit, struct str *ret)
{
	const struct local *st = s->state;

	return io_read_in_root(&s->arena, st->root, path, limit, ret);
}

int local_json(struct image_source *s, const char *path, json_t **ret, struct err *e)
{
	struct str text;
	struct arena a;
	const struct local *st = s->state;

	arena_init(&a, LOCAL_FILE_MAX * 2);
	int r = io_read_in_root(&a, st->root, path, LOCAL_FILE_MAX, &text);

	if (r == 0)
		r = image_json(text, path, ret, e);
	else if (r != -ENOENT && r != -ENOTDIR)
		err_set(e, -r, "/%s: cannot read: %s", path, strerror(-r));
	arena_done(&a);
	return r == -ENOTDIR ? -ENOENT : r;
}

bool local_has(const struct local *st, const char *fmt, ...)
{
	char path[4096];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(path, sizeof(path), fmt, ap);

	va_end(ap);
	int fd = n > 0 && n < (int)sizeof(path) ? local_at(st, path, O_PATH) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void local_names(struct str name, struct arena *a, struct str ret[LOCAL_NAMES])
{
	struct artifact_image im;
	size_t n = 0;

	ret[n++] = name;
	if (image_parse_name(name, a, &im, NULL) == 0) {
		struct str tag = im.tag.len ? im.tag : STR("latest");
		const char *sep = im.digest.len ? "@" : ":";

		if (im.digest.len)
			tag = im.digest;
		ret[n++] = arena_printf(a, "%.*s/%.*s%s%.*s", STR_ARG(im.registry),
			STR_ARG(im.repository), sep, STR_ARG(tag));
		/* a name without a registry may be one that was built here */
		if (str_is(im.registry, "docker.io")) {
			struct str path = im.repository;

			if (str_starts(path, STR("library/")))
				path = str_skip(path, 8);
			ret[n++] = arena_printf(
				a, "localhost/%.*s%s%.*s", STR_ARG(path), sep, STR_ARG(tag));
			ret[n++] = arena_printf(a, "%.*s%s%.*s", STR_ARG(path), sep, STR_ARG(tag));
		}
	}
	ret[n] = STR_NULL;
}

int local_unknown(struct image_source *s, const char *engine, struct err *e)
{
	const struct local *st = s->state;

	return err_set(e, ENOENT, "%s: %s has no such image in %s/%.*s", s->name, engine,
		s->options.root ? s->options.root : "", STR_ARG(st->base));
}

/* ---- layers ---- */

struct str local_chain(struct image_source *s, struct str below, struct str diff_id)
{
	char digest[DIGEST_TEXT_SIZE];

	if (!below.len)
		return diff_id;
	image_digest(arena_printf(&s->arena, "%.*s %.*s", STR_ARG(below), STR_ARG(diff_id)),
		STR_NULL, digest);
	return arena_str(&s->arena, str_of(digest));
}

int local_describe(struct image_source *s, struct str config, struct err *e)
{
	int r = describe_config(s, config, e);
	size_t n = s->image.config.ndiff_ids;

	if (r < 0)
		return r;
	if (n > LAYERS_MAX)
		return err_set(e, EBADMSG, "%s has %zu layers; more than %d are not read", s->name,
			n, LAYERS_MAX);
	s->layers = arena_array(&s->arena, struct descriptor, n ? n : 1);
	s->image.nlayers = n;
	return s->layers ? 0 : err_set(e, ENOMEM, "out of memory");
}

void local_set_layer(
	struct image_source *s, size_t i, bool has_split, struct str file, uint64_t size)
{
	s->layers[i] = (struct descriptor){
		.digest = has_split ? s->image.config.diff_ids[i] : STR_NULL,
		.media_type = STR("application/vnd.oci.image.layer.v1.tar"),
		.size = size,
		.file = file,
	};
}

int local_layer(struct image_source *s, size_t i, const char *dir, const char *split,
	struct image_stream **ret, struct err *e)
{
	const struct local *st = s->state;
	const struct descriptor *d = &s->layers[i];
	int dirfd = local_at(st, dir, O_RDONLY | O_DIRECTORY), r;

	if (dirfd < 0)
		return err_set(e, -dirfd, "%s: /%s, where layer %zu lies: cannot open: %s", s->name,
			dir, i, strerror(-dirfd));
	if (!d->digest.len) {
		source_gap(s, arena_printf(&s->arena, "layer %zu", i),
			"its store keeps no record of the tar that it was: what it has now is read "
			"and "
			"cannot be verified",
			false);
		return tree_stream(s, dirfd, &(struct tree_options){.is_overlay = true}, ret, e);
	}
	int fd = local_at(st, split, O_RDONLY);

	if (fd < 0) {
		close(dirfd);
		return err_set(e, -fd, "%s: /%s: cannot open: %s", s->name, split, strerror(-fd));
	}
	r = tar_split_stream(fd, dirfd, s->name, ret, e);
	if (r < 0)
		return r;
	image_stream_init(*ret, "%s: layer %zu", s->name, i);
	r = verifier_init(&(*ret)->verifier, d->digest, UINT64_MAX, e);
	if (r < 0)
		image_stream_close(*ret);
	return r;
}
