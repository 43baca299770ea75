/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over every file of a folder, once, and prints TAP: the corpus as a test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	DIR *d = argc > 1 ? opendir(argv[1]) : NULL;
	int n = 0;

	if (!d) {
		printf("1..1\nnot ok 1 - no corpus folder\n");
		return 1;
	}
	for (struct dirent *de; (de = readdir(d));) {
		char path[4096];
		FILE *f;

		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], de->d_name);
		if (!(f = fopen(path, "rb")))
			continue;
		/* exactly as large as the input, so that ASan sees one byte too far */
		fseek(f, 0, SEEK_END);
		size_t size = (size_t)ftell(f);
		rewind(f);
		uint8_t *data = malloc(size ? size : 1);
		size = data ? fread(data, 1, size, f) : 0;
		fclose(f);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
		printf("ok %d - %s\n", ++n, de->d_name);
	}
	closedir(d);
	printf("1..%d\n", n);
	return n == 0;
}
