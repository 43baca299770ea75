/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/services as a table by port: libc's getservbyport() reads the file anew for each port, and
 * in the cell it could not.
 */
#include "cmd/services.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/io.h"

enum { FILE_BYTES = 4 << 20, PORTS = 65536 };

struct services {
	struct arena arena;
	const char *tcp[PORTS], *udp[PORTS];
};

/* The next word of a line; what stands behind # is none. */
static struct str next_word(struct str *line)
{
	size_t n = 0;

	*line = str_trim(*line);
	while (n < line->len && !strchr(" \t#", line->s[n]))
		n++;
	struct str word = str_head(*line, n);
	*line = n < line->len && line->s[n] == '#' ? STR_NULL : str_skip(*line, n);
	return word;
}

/* "https 443/tcp alias # comment" */
static void add_line(struct services *s, struct str line)
{
	struct str name = next_word(&line), proto = next_word(&line);
	struct str number = str_cut(&proto, '/');
	const char **of = str_is(proto, "tcp") ? s->tcp : str_is(proto, "udp") ? s->udp : NULL;
	uint64_t port;

	if (name.len && of && str_to_u64(number, 10, &port) && port < PORTS && !of[port])
		of[port] = arena_cstr(&s->arena, name);
}

int services_open(const char *path, struct services **ret, struct err *e)
{
	struct services *s = calloc(1, sizeof(*s));
	struct str text;

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	arena_init(&s->arena, 0);
	int r = io_read_file(&s->arena, AT_FDCWD, path, FILE_BYTES, &text, e);
	if (r < 0) {
		services_close(s);
		return r;
	}
	while (text.len)
		add_line(s, str_cut(&text, '\n'));
	*ret = s;
	return 0;
}

void services_close(struct services *s)
{
	if (!s)
		return;
	arena_done(&s->arena);
	free(s);
}

const char *services_name(const void *services, uint16_t port, uint8_t l4proto)
{
	const struct services *s = services;

	if (!s)
		return NULL;
	return l4proto == IPPROTO_UDP ? s->udp[port] : l4proto == IPPROTO_TCP ? s->tcp[port] : NULL;
}
