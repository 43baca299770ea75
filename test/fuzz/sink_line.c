/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the sinkhole's log, as a sinkhole that was taken over might write them. */
#include "engine/indicator/indicator.h"
#include "scan/detonate/story.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct indicators *known;
	struct str rest = str_make((const char *)data, size);
	struct artifact_report r = {0};
	struct story s;
	struct arena a;

	if (!known && indicators_load(NULL, NULL, &known, NULL) < 0)
		return 0;
	arena_init(&a, 64 << 20);
	if (story_init(&s, &a) == 0) {
		while (rest.len)
			story_sink_line(&s, str_cut(&rest, '\n'));
		(void)evidence_add(&s, known, &r);
	}
	arena_done(&a);
	return 0;
}
