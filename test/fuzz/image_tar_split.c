/* SPDX-License-Identifier: Apache-2.0 */
/* The recipe by which a store's layer becomes a tar again; the folder has one file, "a". */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/image/local.h"

static int folder(void)
{
	static char path[] = "/tmp/koban-fuzz-XXXXXX";
	static int dir = -1;

	if (dir < 0 && mkdtemp(path)) {
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int fd = openat(dir, "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 || write(fd, "content", 7) != 7)
			abort();
		close(fd);
	}
	return fcntl(dir, F_DUPFD_CLOEXEC, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("split", MFD_CLOEXEC);
	struct image_stream *st;
	struct err e = {0};
	char chunk[4096];
	ptrdiff_t n;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	if (tar_split_stream(fd, folder(), "it", &st, &e) < 0)
		return 0;
	while ((n = image_stream_read(st, chunk, sizeof(chunk), &e)) > 0)
		;
	if (n < 0 && !e.msg[0])
		abort();
	image_stream_close(st);
	return 0;
}
