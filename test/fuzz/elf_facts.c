/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF file as a stranger may have made it. */
#include <stdlib.h>

#include "scan/image/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_make((const char *)data, size);
	struct elf_facts f;

	for (int is_whole = 0; is_whole < 2; is_whole++) {
		if (!elf_read(s, is_whole, &f))
			continue;
		if (f.nsegments > ELF_MAX_SEGMENTS || !(f.code_entropy >= 0 && f.code_entropy <= 8))
			abort();
		if (f.interpreter.len && (f.interpreter.s < s.s ||
						 f.interpreter.s + f.interpreter.len > s.s + s.len))
			abort();
	}
	return 0;
}
