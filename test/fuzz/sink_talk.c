/* SPDX-License-Identifier: Apache-2.0 */
/* What a detonated image says to the sinkhole: the first byte chooses datagram or connection. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "scan/detonate/sink.h"

static struct sink *sink_once(void)
{
	static struct sink *s;

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	s->names = calloc(NAMES_MAX, sizeof(*s->names));
	s->line = BUF_INIT(60 << 10);
	s->log = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return s;
}

static void converse(struct sink *s, struct str bytes, size_t step)
{
	struct talk t = {.sink = s,
		.fd = -1,
		.to = {.address = "198.18.0.1", .port = 80},
		.pending = BUF_INIT(PENDING_MAX),
		.out = BUF_INIT(PENDING_MAX)};

	while (bytes.len && !t.is_closing) {
		buf_add(&t.pending, str_head(bytes, step));
		bytes = str_skip(bytes, step);
		for (size_t i = 0; !t.protocol && protocols[i]; i++)
			if (protocols[i]->begins(buf_str(&t.pending)) > 0)
				t.protocol = protocols[i];
		if (t.protocol)
			t.protocol->go(&t);
	}
	buf_done(&t.pending);
	buf_done(&t.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sink *s = sink_once();
	uint8_t answer[600];

	if (size < 2)
		return 0;
	struct str bytes = str_make((const char *)data + 1, size - 1);

	s->lines = s->nnames = 0;
	if (data[0] == 0)
		(void)dns_answer(s, bytes, answer, sizeof(answer));
	else
		converse(s, bytes, data[0]);
	return 0;
}
