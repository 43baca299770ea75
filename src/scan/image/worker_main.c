/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's own life, in the cell: one thread takes bytes from the parent, inflates and hashes
 * them; another walks the tar and, with the threads of the crew, has the analyzers look. Between
 * them lie a few chunks. When a
 * layer ends, or is enough of a bomb, its report goes back, and what still comes of it is thrown
 * away. It knows no files and no names; it ends when the parent does.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/io.h"
#include "scan/image/chunks.h"
#include "scan/image/worker.h"

enum { MMAP_BYTES = 1 << 20, STACK_BYTES = 4 << 20 };

struct self {
	int fd;
	struct pass *pass;
	struct ledger *ledger;
	struct chunks chunks;
	uint8_t *frame; /* FRAME_MAX bytes */
	/* of the layer at hand */
	bool is_over; /* its END was read */
	bool is_aborted;
	struct unpack unpack;
	EVP_MD_CTX *sha;
};

static _Noreturn void leave(int code)
{
	_exit(code);
}

static bool read_all(int fd, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)to + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

/* ---- bytes of the layer --------------------------------------------------------------------- */

/* The next frame of the layer. */
static ptrdiff_t next_frame(void *arg, const void **block)
{
	struct self *s = arg;
	struct frame f;

	while (!s->is_over) {
		if (!read_all(s->fd, &f, sizeof(f)) || f.size > FRAME_MAX ||
			!read_all(s->fd, s->frame, f.size))
			leave(0); /* the parent is gone */
		if (f.type == FRAME_DATA && f.size) {
			*block = s->frame;
			return (ptrdiff_t)f.size;
		}
		s->is_over = f.type == FRAME_END || f.type == FRAME_ABORT;
		s->is_aborted = f.type == FRAME_ABORT;
	}
	return s->is_aborted ? -ECANCELED : 0;
}

static void drain(struct self *s)
{
	const void *block;

	while (next_frame(s, &block) > 0)
		;
}

static bool is_ratio_over(const struct self *s)
{
	const struct unpack *u = &s->unpack;

	return u->out_bytes > RATIO_GRACE && u->in_bytes &&
	       u->out_bytes / u->in_bytes >= s->pass->limits.max_ratio;
}

/* Inflates and hashes into chunks, until the end. 0 or -errno. */
static int pump(struct self *s)
{
	static const int too_much = -EFBIG;
	int r = unpack_open(&s->unpack, (struct byte_source){next_frame, s});
	void *spare = NULL;

	while (r == 0) {
		void *chunk = spare ? spare : chunks_take(&s->chunks);

		/* the reader is done: what is left counts for the digest only */
		if (!chunk)
			chunk = spare = malloc(CHUNKS_SIZE);
		if (!chunk)
			r = -ENOMEM;
		ptrdiff_t n = r == 0 ? unpack_read(&s->unpack, chunk, CHUNKS_SIZE) : r;
		if (n <= 0) {
			r = (int)n;
			break;
		}
		EVP_DigestUpdate(s->sha, chunk, (size_t)n);
		if (!spare)
			chunks_put(&s->chunks, (size_t)n);
		if (is_ratio_over(s))
			r = too_much;
		if (s->pass->is_over)
			r = -ECANCELED;
	}
	free(spare);
	chunks_end(&s->chunks, r);
	return r;
}

static void *analyze(void *arg)
{
	struct self *s = arg;
	struct byte_source src = {chunks_next, &s->chunks};

	pass_layer(s->pass, src);
	chunks_close(&s->chunks);
	return NULL;
}

/* ---- reports -------------------------------------------------------------------------------- */

static void send_report(struct self *s, const struct layer_report *l)
{
	struct buf b = BUF_INIT(LAYER_REPORT_MAX);
	struct layer_report less = {.unpacked_size = l->unpacked_size, .nfiles = l->nfiles};
	struct artifact_gap gap = {.what = STR("report"),
		.why = STR("what was found in this layer is more than a report holds"),
		.count = 1,
		.is_serious = true};

	layer_report_to_json(l, &b);
	if (b.cut) {
		/* what was found is worth more than the tree */
		less = *l;
		less.npaths = less.ndirs = less.nlinks = less.nruns = 0;
		less.found.npackages = 0;
		less.found.coverage.gaps = &gap;
		less.found.coverage.ngaps = 1;
		buf_clear(&b);
		b.cut = false;
		layer_report_to_json(&less, &b);
	}
	if (b.cut)
		leave(3);
	struct frame f = {FRAME_REPORT, (uint32_t)b.len};

	if (io_write_all(s->fd, str_make((const char *)&f, sizeof(f))) < 0 ||
		io_write_all(s->fd, buf_str(&b)) < 0)
		leave(0);
	buf_done(&b);
}

static void add_digest(struct self *s, char text[80])
{
	uint8_t sha[32];
	int at = snprintf(text, 80, "sha256:");

	EVP_DigestFinal_ex(s->sha, sha, NULL);
	for (size_t i = 0; i < sizeof(sha); i++)
		at += snprintf(text + at, 80 - (size_t)at, "%02x", sha[i]);
}

/*
 * The kernel ends what forgets the time: a little later than the pass would. 0 = no more. (A limit
 * of the process would count all its layers, and the cell lets nobody raise one.)
 */
static void limit_cpu(unsigned seconds)
{
	const struct itimerval t = {.it_value.tv_sec = seconds};

	setitimer(ITIMER_PROF, &t, NULL);
}

/* What the other thread could not know. */
static void say_the_rest(struct self *s, int pumped)
{
	if (pumped == -EFBIG)
		pass_say_ratio(s->pass, s->unpack.in_bytes, s->unpack.out_bytes);
	if (pumped == -EBADMSG) {
		char why[200];

		snprintf(why, sizeof(why), "%s: what came before was read", s->unpack.why);
		ledger_gap(s->ledger, why, true);
	}
	if (pumped == -ENOMEM)
		ledger_gap(s->ledger, "no memory left to unpack it", true);
	if (pumped == 0 && s->unpack.has_trailing)
		ledger_gap(s->ledger, "bytes behind the end of its compressed stream were not read",
			false);
}

static void read_layer(struct self *s)
{
	struct layer_report l;
	pthread_t thread;
	pthread_attr_t attr;
	char digest[80] = "";

	s->is_over = s->is_aborted = false;
	chunks_reset(&s->chunks);
	limit_cpu(s->pass->limits.max_layer_s + s->pass->limits.max_layer_s / 8 + 1);
	EVP_DigestInit_ex(s->sha, s->pass->md, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (pthread_create(&thread, &attr, analyze, s) != 0)
		leave(4);
	pthread_attr_destroy(&attr);
	int pumped = pump(s);
	pthread_join(thread, NULL);
	limit_cpu(0);
	say_the_rest(s, pumped);
	ledger_report(s->ledger, &l);
	if (pumped == 0)
		add_digest(s, digest);
	l.diff_id = str_of(digest);
	l.unpacked_size = s->unpack.out_bytes;
	l.found.coverage.bytes = s->pass->bytes;
	unpack_close(&s->unpack);
	send_report(s, &l);
	drain(s);
	ledger_reset(s->ledger);
	malloc_trim(0);
}

static void read_image(struct self *s, size_t size)
{
	struct artifact_report r;
	struct layer_report l;
	struct arena a;
	char *text = malloc(size + 1);

	if (!text || !read_all(s->fd, text, size))
		leave(0);
	arena_init(&a, 4 * (size_t)IMAGE_MAX);
	if (artifact_report_from_json(str_make(text, size), &a, &r, NULL) == 0)
		pass_image(s->pass, &r.image);
	else
		ledger_gap_of(s->ledger, STR("config"), "it cannot be read", true);
	free(text);
	ledger_report(s->ledger, &l);
	l.diff_id = STR("");
	send_report(s, &l);
	ledger_reset(s->ledger);
	arena_done(&a);
}

_Noreturn void scan_worker_main(int fd, struct pass *p, struct ledger *l)
{
	struct self s = {.fd = fd, .pass = p, .ledger = l, .frame = malloc(FRAME_MAX)};
	struct frame f;

	/* one heap, which gives back what is large: the limit is one of address space */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	s.sha = EVP_MD_CTX_new();
	if (!s.frame || !s.sha || chunks_init(&s.chunks) < 0)
		leave(5);
	pass_start(p);
	while (read_all(fd, &f, sizeof(f))) {
		if (f.type == FRAME_LAYER)
			read_layer(&s);
		else if (f.type == FRAME_IMAGE && f.size <= IMAGE_MAX)
			read_image(&s, f.size);
		else if (f.type != FRAME_DATA || f.size)
			leave(6);
	}
	leave(0);
}
