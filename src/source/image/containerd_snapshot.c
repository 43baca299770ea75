/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where containerd unpacked a layer: its metadata names a snapshot by the chain id
 * (v1/NAMESPACE/snapshots/overlayfs/CHAIN/name), and the overlay snapshotter has a database of its
 * own in which that name has a number (v1/snapshots/NAME/id, a varint), which is the folder's name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/bolt.h"
#include "base/cursor.h"
#include "source/image/local.h"

#define SNAPSHOTTER "io.containerd.snapshotter.v1.overlayfs"

/* The value of `key` in the bucket at `path` (ends in an empty one); tried again while it changes.
 */
static struct str look_up(
	struct image_source *s, const char *db, const struct str *path, struct str key)
{
	struct str value = STR_NULL;
	int fd = local_at(s->state, db, O_RDONLY);

	for (int tries = 0; fd >= 0 && tries < 5; tries++) {
		struct bolt b;

		if (bolt_open(&b, fd, &s->arena) < 0)
			break;
		struct bolt_bucket bucket = b.root;
		bool found = true;

		for (size_t i = 0; found && path[i].len; i++)
			found = bolt_descend(&b, &bucket, path[i]);
		value = found ? bolt_get(&b, &bucket, key) : STR_NULL;
		if (bolt_is_current(&b))
			break;
		value = STR_NULL;
	}
	if (fd >= 0)
		close(fd);
	return value;
}

/* Unsigned, seven bits a byte, the lowest first (encoding/binary). */
static uint64_t read_varint(struct str s)
{
	struct cursor c = cursor_of(s.s, s.len);
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		uint8_t byte = cursor_u8(&c);

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return c.bad ? 0 : v;
	}
	return 0;
}

struct str containerd_snapshot(struct image_source *s, struct str chain)
{
	const struct local *st = s->state;
	const struct str named[] = {
		STR("v1"), st->ns, STR("snapshots"), STR("overlayfs"), chain, STR_NULL};
	struct str numbered[] = {STR("v1"), STR("snapshots"), STR_NULL, STR_NULL};
	char path[4096];

	snprintf(path, sizeof(path), "%.*s/io.containerd.metadata.v1.bolt/meta.db",
		STR_ARG(st->base));
	numbered[2] = look_up(s, path, named, STR("name"));
	if (!numbered[2].len)
		return STR_NULL;
	snprintf(path, sizeof(path), "%.*s/" SNAPSHOTTER "/metadata.db", STR_ARG(st->base));
	uint64_t id = read_varint(look_up(s, path, numbered, STR("id")));

	if (!id)
		return STR_NULL;
	return arena_printf(&s->arena, "%.*s/" SNAPSHOTTER "/snapshots/%llu/fs", STR_ARG(st->base),
		(unsigned long long)id);
}
