/* SPDX-License-Identifier: Apache-2.0 */
/* A bbolt database, as it may be on a damaged or hostile disk. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bolt.h"

static void add(void *arg, struct str key, struct str value)
{
	size_t *sum = arg;

	for (size_t i = 0; i < key.len; i++)
		*sum += (unsigned char)key.s[i];
	for (size_t i = 0; i < value.len; i++)
		*sum += (unsigned char)value.s[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str path[] = {
		STR("v1"), STR("default"), STR("containers"), STR("web-1"), STR("labels")};
	int fd = memfd_create("bolt", MFD_CLOEXEC);
	struct arena a;
	struct bolt b;
	size_t sum = 0;

	arena_init(&a, 64 << 20);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || bolt_open(&b, fd, &a) < 0)
		goto out;
	struct bolt_bucket bucket = b.root;

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		add(&sum, bolt_get(&b, &bucket, STR("image")), STR_NULL);
		bolt_each(&b, &bucket, add, &sum);
		bolt_each_bucket(&b, &bucket, add, &sum);
		if (!bolt_descend(&b, &bucket, path[i]))
			break;
	}
	if (!bolt_is_current(&b))
		abort();
out:
	if (fd >= 0)
		close(fd);
	arena_done(&a);
	return 0;
}
