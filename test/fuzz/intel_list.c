/* SPDX-License-Identifier: Apache-2.0 */
/* A user's list: a plain one, or CSV when its first byte says so. A mistake is said with its line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/indicator/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct indicators i; /* large */
	struct err e = {0};
	char path[40];
	int fd = memfd_create("list", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	i = (struct indicators){.today = 20000};
	arena_init(&i.arena, 1 << 20);
	if (list_load(&i, path, &e) < 0 && !strstr(e.msg, path))
		abort();
	for (size_t k = 0; k < i.nlists; k++)
		if (i.lists[k].kind >= LIST_KIND_COUNT || i.lists[k].category >= NET_CATEGORY_COUNT)
			abort();
	struct names *sets[] = {&i.domains, &i.addresses, &i.hashes, &i.suffixes, &i.algorithms,
		&i.miners, &i.officials, &i.publishers, &i.layers, &i.signs, &i.proxy_forms,
		&i.proxy_programs, &i.marks};
	for (size_t k = 0; k < sizeof(sets) / sizeof(sets[0]); k++) {
		struct name_entry entry;
		size_t n = 0;

		for (size_t pos = 0; names_next(sets[k], &pos, &entry); n++)
			if (!names_has(sets[k], entry.name))
				abort();
		if (n != sets[k]->count)
			abort();
		names_done(sets[k]);
	}
	arena_done(&i.arena);
	close(fd);
	return 0;
}
