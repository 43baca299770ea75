/* SPDX-License-Identifier: Apache-2.0 */
/* An archive of images: which file lies where in it. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/image/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);
	struct err e = {0};
	struct tar_index t;
	struct arena a;

	arena_init(&a, SOURCE_MEMORY);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	int r = tar_index_read(fd, "it", &a, &t, &e);

	if (r < 0 && !e.msg[0])
		abort();
	for (size_t i = 0; r == 0 && i < t.nfiles; i++) {
		const struct tar_file *f = tar_index_find(&t, t.files[i].name);

		if (f && (f->target.len || f->offset > size || f->size > size - f->offset))
			abort();
	}
	close(fd);
	arena_done(&a);
	return 0;
}
