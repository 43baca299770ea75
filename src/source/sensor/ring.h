/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The reading end of a BPF ring buffer, one record at a time (libbpf's reader calls back for all
 * that is there, which would turn the live loop inside out). Layout: kernel/bpf/ringbuf.c and
 * include/uapi/linux/bpf.h, "BPF_RINGBUF_*".
 */
#include "base/err.h"

struct ring {
	int map_fd, epoll_fd;
	size_t size, mask;
	unsigned long *consumer;       /* a page of its own, writable */
	const unsigned long *producer; /* followed by the data, mapped twice */
	const uint8_t *data;
	unsigned long at; /* our position; given back to the kernel by ring_release() */
};

int ring_open(struct ring *r, int map_fd, size_t size, struct err *e);
void ring_close(struct ring *r);
/* The next record, borrowed until ring_release(); NULL when there is none. */
const void *ring_next(struct ring *r, size_t *len);
/* Gives all that was read back to the kernel. */
void ring_release(struct ring *r);
/* Waits until the kernel says that much is waiting, or for timeout_ms. */
void ring_wait(struct ring *r, int timeout_ms);
size_t ring_used(const struct ring *r);
