/* SPDX-License-Identifier: Apache-2.0 */
/* The reading end of a BPF ring buffer. */
#include "source/sensor/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int ring_open(struct ring *r, int map_fd, size_t size, struct err *e)
{
	struct epoll_event ev = {.events = EPOLLIN};
	size_t page = page_size();

	*r = (struct ring){.map_fd = map_fd, .epoll_fd = -1, .size = size, .mask = size - 1};
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (p == MAP_FAILED)
		return err_set(e, errno, "ring buffer: cannot map: %s", strerror(errno));
	r->consumer = p;
	p = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, map_fd, (off_t)page);
	if (p == MAP_FAILED) {
		int code = errno;

		ring_close(r);
		return err_set(
			e, code, "ring buffer: cannot map %zu bytes: %s", size, strerror(code));
	}
	r->producer = p;
	r->data = (const uint8_t *)p + page;
	r->at = *r->consumer;
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll_fd < 0 || epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, map_fd, &ev) < 0) {
		int code = errno;

		ring_close(r);
		return err_set(e, code, "ring buffer: cannot wait for it: %s", strerror(code));
	}
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->consumer)
		munmap(r->consumer, page_size());
	if (r->producer)
		munmap((void *)r->producer, page_size() + 2 * r->size);
	if (r->epoll_fd >= 0)
		close(r->epoll_fd);
	*r = (struct ring){.map_fd = -1, .epoll_fd = -1};
}

const void *ring_next(struct ring *r, size_t *len)
{
	while (r->at < __atomic_load_n(r->producer, __ATOMIC_ACQUIRE)) {
		const uint32_t *head = (const void *)(r->data + (r->at & r->mask));
		uint32_t word = __atomic_load_n(head, __ATOMIC_ACQUIRE);
		uint32_t n = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			return NULL; /* reserved, still being written */
		r->at += (n + BPF_RINGBUF_HDR_SZ + 7) & ~7U;
		if (word & BPF_RINGBUF_DISCARD_BIT)
			continue;
		*len = n;
		return (const uint8_t *)head + BPF_RINGBUF_HDR_SZ;
	}
	return NULL;
}

void ring_release(struct ring *r)
{
	if (r->consumer)
		__atomic_store_n(r->consumer, r->at, __ATOMIC_RELEASE);
}

void ring_wait(struct ring *r, int timeout_ms)
{
	struct epoll_event ev;

	if (epoll_wait(r->epoll_fd, &ev, 1, timeout_ms) < 0)
		return; /* EINTR: the caller looks at its signals */
}

size_t ring_used(const struct ring *r)
{
	return r->producer ? __atomic_load_n(r->producer, __ATOMIC_ACQUIRE) - r->at : 0;
}
