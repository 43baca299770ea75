/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Five things asked for through io_uring instead of by system calls: open and read FILE, rename OLD
 * to NEW, unlink GONE, connect to 127.0.0.1:PORT and send a word. Prints what each returned. Raw
 * calls, so that it needs no library; exit 77 where the kernel has no io_uring.
 *
 *   uring FILE OLD NEW GONE PORT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTRIES = 8, EXIT_SKIP = 77 };

struct uring {
	int fd;
	struct io_uring_params p;
	char *rings;
	struct io_uring_sqe *sqes;
};

static int uring_open(struct uring *u)
{
	memset(u, 0, sizeof(*u));
	u->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &u->p);
	if (u->fd < 0 || !(u->p.features & IORING_FEAT_SINGLE_MMAP))
		return -1;
	size_t size = u->p.cq_off.cqes + u->p.cq_entries * sizeof(struct io_uring_cqe);

	u->rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd, IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, u->p.sq_entries * sizeof(*u->sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
		u->fd, IORING_OFF_SQES);
	return u->rings == MAP_FAILED || u->sqes == MAP_FAILED ? -1 : 0;
}

static unsigned *at(const struct uring *u, unsigned offset)
{
	return (unsigned *)(void *)(u->rings + offset);
}

/* Submits one request and waits for it; its result. */
static int uring_do(struct uring *u, const struct io_uring_sqe *sqe)
{
	unsigned mask = *at(u, u->p.sq_off.ring_mask), tail = *at(u, u->p.sq_off.tail);

	u->sqes[tail & mask] = *sqe;
	at(u, u->p.sq_off.array)[tail & mask] = tail & mask;
	__atomic_store_n(at(u, u->p.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	unsigned head = *at(u, u->p.cq_off.head);
	const struct io_uring_cqe *cqes = (const void *)(u->rings + u->p.cq_off.cqes);
	int res = cqes[head & *at(u, u->p.cq_off.ring_mask)].res;

	__atomic_store_n(at(u, u->p.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return res;
}

static void tell(const char *what, int res)
{
	printf("%s %d\n", what, res);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct uring u;
	char buf[16];

	if (argc != 6)
		return 2;
	if (uring_open(&u) < 0)
		return EXIT_SKIP;
	int fd = uring_do(&u, &(struct io_uring_sqe){.opcode = IORING_OP_OPENAT,
				      .fd = AT_FDCWD,
				      .addr = (uintptr_t)argv[1],
				      .open_flags = O_RDONLY});
	tell("openat", fd);
	tell("read", uring_do(&u, &(struct io_uring_sqe){.opcode = IORING_OP_READ,
					  .fd = fd,
					  .addr = (uintptr_t)buf,
					  .len = sizeof(buf)}));
	tell("renameat", uring_do(&u, &(struct io_uring_sqe){.opcode = IORING_OP_RENAMEAT,
					      .fd = AT_FDCWD,
					      .addr = (uintptr_t)argv[2],
					      .len = (unsigned)AT_FDCWD,
					      .off = (uintptr_t)argv[3]}));
	tell("unlinkat", uring_do(&u, &(struct io_uring_sqe){.opcode = IORING_OP_UNLINKAT,
					      .fd = AT_FDCWD,
					      .addr = (uintptr_t)argv[4]}));
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[5])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	tell("connect", uring_do(&u, &(struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
					     .fd = sock,
					     .addr = (uintptr_t)&to,
					     .off = sizeof(to)}));
	tell("send", uring_do(&u, &(struct io_uring_sqe){.opcode = IORING_OP_SEND,
					  .fd = sock,
					  .addr = (uintptr_t) "hello",
					  .len = 5}));
	return 0;
}
