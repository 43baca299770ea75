/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few parameters that no column of the schema can say: arrays, what is a name only sometimes,
 * both sockets of a pair. All others are decode.c's.
 */
#include "source/sensor/decode.h"

#include <poll.h>
#include <sys/prctl.h>

/* .scap's bits of poll(2), by place, as the kernel has them (asm-generic/poll.h). */
static int16_t poll_bits(uint16_t bits)
{
	static const uint16_t kernel[] = {POLLIN, POLLPRI, POLLOUT, 0x2000 /* POLLRDHUP */, POLLERR,
		POLLHUP, POLLNVAL, 0x40, 0x80, 0x100, 0x200};
	int16_t ret = 0;

	for (unsigned i = 0; i < sizeof(kernel) / sizeof(*kernel); i++)
		if (bits & kernel[i])
			ret |= (int16_t)(1 << i);
	return ret;
}

/* .scap: u16 n, then s64 number, s16 events of each; of an array of struct pollfd. */
static struct str decode_poll(struct str array, struct arena *a)
{
	size_t n = array.len / sizeof(struct pollfd);
	char *out = arena_raw(a, 2 + n * 10);
	uint16_t count = 0;

	if (!out || !array.len)
		return STR_NULL;
	char *p = out + 2;
	for (size_t i = 0; i < n; i++) {
		struct pollfd one;

		memcpy(&one, array.s + i * sizeof(one), sizeof(one));
		if (!one.revents)
			continue;
		int64_t fd = one.fd;
		int16_t bits = poll_bits((uint16_t)one.revents);

		p = mempcpy(p, &fd, 8);
		p = mempcpy(p, &bits, 2);
		count++;
	}
	memcpy(out, &count, 2);
	return str_make(out, (size_t)(p - out));
}

/* What no column of the schema says. */
void decode_by_hand(struct decoder *d, const struct event_plan *ep, const struct record_view *v,
	struct arena *a, struct event *ev)
{
	enum { SOCKETPAIR_SOURCE = 3, SOCKETPAIR_PEER = 4 };

	switch (ev->code) {
	case EV_PRCTL: /* the second argument is a name for two options only */
		if (v->h->args[0] != PR_SET_NAME && v->h->args[0] != PR_GET_NAME)
			ev->params[2] = STR_NULL;
		break;
	case EV_GETCWD: /* what a call that failed left there is nobody's folder */
		if (v->h->ret < 0)
			ev->params[1] = STR_NULL;
		break;
	case EV_POLL:
	case EV_PPOLL:
		ev->params[1] = decode_poll(
			ep->slot[1] < RECORD_READS_MAX ? v->reads[ep->slot[1]] : STR_NULL, a);
		break;
	case EV_SOCKETPAIR:
		/* the socket that is known is the second */
		if (!ev->fd.sock.unix_peer)
			break;
		decode_number(d, ev, SOCKETPAIR_SOURCE, ev->fd.sock.unix_peer, 8);
		decode_number(d, ev, SOCKETPAIR_PEER, ev->fd.sock.unix_local, 8);
		break;
	case EV_SYSCALL:
		decode_number(d, ev, 0, syscall_id_by_number(v->h->nr, ev->is_compat), 2);
		decode_number(d, ev, 1, v->h->nr, 2);
		break;
	default:
		break;
	}
}
