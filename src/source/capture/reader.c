/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a capture: walks the blocks, hands the metadata to the state, gives events one by one and
 * joins those of old files to their enter events. The parts of a block are in read_*.c, the bytes
 * in input.c.
 *
 * Whatever the file says, memory is bounded: an event block to 16 MiB, other blocks are taken piece
 * by piece, enter events by count and bytes (enter.h), threads and descriptors by the state's caps.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "source/capture/read.h"

/* Blocks of pcapng that hold packets of a network. */
enum { PCAPNG_INTERFACE = 1, PCAPNG_PACKET = 2, PCAPNG_SIMPLE = 3, PCAPNG_ENHANCED = 6 };

int read_damage(struct capture *c, uint64_t offset, struct err *e, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(e, EBADMSG, "at byte %llu%s: %s", (unsigned long long)offset,
		c->in.is_gzip ? " of the unpacked capture" : "", msg);
}

int read_cut_off(struct capture *c, const struct block *b, struct err *e)
{
	uint64_t end = input_offset(&c->in) + input_left(&c->in);

	if (c->in.failed) {
		if (e)
			*e = c->in.failure;
		return c->in.failed;
	}
	return read_damage(c, b->offset, e,
		"a block of %u bytes begins, but the file ends after %llu of them (was it cut "
		"off?)",
		b->length, (unsigned long long)(end - b->offset));
}

static bool is_event_block(uint32_t type)
{
	switch (type) {
	case BLOCK_EVENT:
	case BLOCK_EVENT_FLAGS:
	case BLOCK_EVENT_LARGE:
	case BLOCK_EVENT_FLAGS_LARGE:
	case BLOCK_EVENT_V1:
	case BLOCK_EVENT_OLD:
	case BLOCK_EVENT_FLAGS_V1:
		return true;
	default:
		return false;
	}
}

/* The next block's header, not taken yet: 1; 0 at the end of the file; -errno. */
static inline int peek_block(struct capture *c, struct block *ret, struct err *e)
{
	ssize_t have = input_want(&c->in, BLOCK_HEADER_BYTES, e);

	if (have <= 0)
		return (int)have;
	ret->offset = input_offset(&c->in);
	if (have < BLOCK_HEADER_BYTES)
		return read_damage(c, ret->offset, e,
			"%zd bytes are left, too few for a block (was the file cut off?)", have);
	ret->type = load_u32(input_at(&c->in));
	ret->length = load_u32(input_at(&c->in) + 4);
	if (ret->length < BLOCK_MIN_BYTES)
		return read_damage(c, ret->offset, e,
			"block of type 0x%x says that it has %u bytes; at least %d are needed",
			ret->type, ret->length, BLOCK_MIN_BYTES);
	return 1;
}

static int wrong_trailer(struct capture *c, const struct block *b, uint32_t trailer, struct err *e)
{
	return read_damage(c, b->offset, e,
		"block of type 0x%x says %u bytes in front and %u at its end", b->type, b->length,
		trailer);
}

/* ---- metadata ---- */

static int read_section(struct list *l, struct err *e)
{
	struct capture *c = l->c;
	ssize_t have = input_want(&c->in, 16, e);

	if (have < 0)
		return (int)have;
	if (l->left < 16)
		return read_damage(c, l->block.offset, e, "section header of %u bytes, expected %d",
			l->block.length, SECTION_BYTES);
	if (have < 16)
		return read_cut_off(c, &l->block, e);
	struct cursor in = cursor_of(input_at(&c->in), 16);
	uint32_t magic = cursor_u32(&in);
	if (magic != SECTION_MAGIC)
		return read_damage(c, l->block.offset, e,
			"section header with the mark %08x, expected %08x", magic, SECTION_MAGIC);
	c->info.major = cursor_u16(&in);
	c->info.minor = cursor_u16(&in);
	if (c->info.major > SCAP_MAJOR)
		return err_set(e, ENOTSUP,
			"format version %u.%u; this program reads up to version %d", c->info.major,
			c->info.minor, SCAP_MAJOR);
	c->is_front = true;
	return 0;
}

/* The version of a block of processes, 0 for other blocks. */
static unsigned process_version(uint32_t type)
{
	switch (type) {
	case BLOCK_PROCESSES_V1:
	case BLOCK_PROCESSES_V1_OLD:
		return 1;
	case BLOCK_PROCESSES_V2:
	case BLOCK_PROCESSES_V2_OLD:
		return 2;
	case BLOCK_PROCESSES_V3:
	case BLOCK_PROCESSES_V3_OLD:
		return 3;
	}
	return type >= BLOCK_PROCESSES_V4 && type <= BLOCK_PROCESSES_V9
		       ? type - BLOCK_PROCESSES_V4 + 4
		       : 0;
}

static int read_body(struct list *l, struct err *e)
{
	unsigned version = process_version(l->block.type);
	struct list_shape sized = {.has_length = true, .counts_itself = true}, plain = {0};

	if (version)
		return read_list(l, version >= 9 ? sized : plain, read_process, version, e);
	switch (l->block.type) {
	case BLOCK_SECTION:
		return read_section(l, e);
	case BLOCK_MACHINE:
	case BLOCK_MACHINE_OLD:
		return read_machine(l, e);
	case BLOCK_FDS_V1:
	case BLOCK_FDS_OLD:
		return read_fds(l, 1, e);
	case BLOCK_FDS_V2:
		return read_fds(l, 2, e);
	case BLOCK_INTERFACES_V1:
	case BLOCK_INTERFACES_OLD:
		return read_list(l, plain, read_interface, 1, e);
	case BLOCK_INTERFACES_V2:
		sized.counts_itself = false;
		return read_list(l, sized, read_interface, 2, e);
	case BLOCK_USERS_V1:
	case BLOCK_USERS_OLD:
		return read_list(l, plain, read_user, 1, e);
	case BLOCK_USERS_V2:
		return read_list(l, sized, read_user, 2, e);
	}
	l->c->info.unknown_blocks++;
	return 0;
}

/* A block that is no event: its body, whatever is left of it, its trailer. */
static int read_block(struct capture *c, const struct block *b, struct err *e)
{
	struct list l = {.c = c, .block = *b, .left = b->length - BLOCK_MIN_BYTES};

	input_take(&c->in, BLOCK_HEADER_BYTES);
	c->info.blocks++;
	int r = read_body(&l, e);
	if (r < 0)
		return r;
	r = list_skip(&l, l.left, e);
	if (r < 0)
		return r;
	ssize_t have = input_want(&c->in, BLOCK_TRAILER_BYTES, e);
	if (have < 0)
		return (int)have;
	if (have < BLOCK_TRAILER_BYTES)
		return read_cut_off(c, b, e);
	uint32_t trailer = load_u32(input_at(&c->in));
	if (trailer != b->length)
		return wrong_trailer(c, b, trailer, e);
	input_take(&c->in, BLOCK_TRAILER_BYTES);
	return 0;
}

/* ---- events ---- */

static int check_event_block(struct capture *c, const struct block *b, struct err *e)
{
	bool is_large = b->type == BLOCK_EVENT_LARGE || b->type == BLOCK_EVENT_FLAGS_LARGE;
	uint32_t max = is_large ? LARGE_BLOCK_MAX : EVENT_BLOCK_MAX;

	if (b->length > max)
		return read_damage(c, b->offset, e,
			"event block says that it has %u bytes; at most %u are possible", b->length,
			max);
	ssize_t have = input_want(&c->in, b->length, e);
	if (have < 0)
		return (int)have;
	if ((size_t)have < b->length)
		return read_cut_off(c, b, e);
	uint32_t trailer = load_u32(input_at(&c->in) + b->length - BLOCK_TRAILER_BYTES);
	return trailer == b->length ? 0 : wrong_trailer(c, b, trailer, e);
}

/*
 * Containers and users in front of the first event of a section are state as the process list is:
 * sysdig gives them no number and does not show them (libsinsp's is_initialstate_event(); the
 * older container events are not among them).
 */
static bool is_initial(uint16_t code)
{
	switch (code) {
	case EV_CONTAINER:
	case EV_ASYNCEVENT:
	case EV_USERADDED:
	case EV_USERDELETED:
	case EV_GROUPADDED:
	case EV_GROUPDELETED:
		return true;
	default:
		return false;
	}
}

static void number(struct capture *c, struct event *ev)
{
	if (c->is_front && is_initial(ev->code)) {
		c->info.initial_events++;
		ev->is_state_only = true;
		ev->num = 0;
		return;
	}
	c->is_front = false;
	ev->num = c->info.events - c->info.initial_events;
}

static void count_event(struct capture_info *i, const struct event *ev)
{
	if (!i->first_ns)
		i->first_ns = ev->ts_ns;
	i->last_ns = ev->ts_ns;
	i->state_only += ev->is_state_only;
}

/* An exit is completed by the enter before it, an old event becomes a current one. */
static void join(struct capture *c, const struct code_kind *kind, struct arena *a, struct event *ev)
{
	struct enter_slot *s = NULL;

	/* newer files have no enters */
	if (kind->is_exit && c->enters.npending)
		s = enter_take(&c->enters, ev->tid, ev->code);
	if (kind->ends_thread)
		enter_forget(&c->enters, ev->tid);
	if (s) {
		enter_unpack(s, c->kinds[s->code].def, &c->enter);
		ev->enter_ns = s->ts_ns;
		c->info.joined++;
	}
	if (!kind->is_plain || ev->nparams < kind->def->nparams || (s && kind->wants_enter))
		event_upgrade(c->upgrader, ev, s ? &c->enter : NULL, a);
}

/* 1 = give it to the caller; 0 = it was for the reader; -errno. */
static int settle(struct capture *c, struct arena *a, struct event *ev, struct err *e)
{
	const struct code_kind *kind = &c->kinds[ev->code];

	if (c->o.raw)
		return 1;
	if (!kind->is_enter) {
		join(c, kind, a, ev);
		return 1;
	}
	if (enter_keep(&c->enters, ev) < 0)
		return err_set(e, ENOMEM, "out of memory");
	return c->o.keep_enters;
}

static int take_event(
	struct capture *c, const struct block *b, struct arena *a, struct event *ret, struct err *e)
{
	int r = check_event_block(c, b, e);

	if (r < 0)
		return r;
	r = read_event(c, b, input_at(&c->in), ret, e);
	if (r < 0)
		return r;
	input_take(&c->in, b->length);
	c->info.blocks++;
	c->info.events++;
	if (r == 0) {
		c->info.unknown_events++;
		return 0;
	}
	number(c, ret);
	count_event(&c->info, ret);
	r = settle(c, a, ret, e);
	c->info.given += r > 0;
	return r;
}

/* A failure is for good, but for a signal that came while a pipe was waited for. */
static int end(struct capture *c, int r, struct err *e)
{
	c->info.offset_bytes = input_file_offset(&c->in);
	c->info.lone_enters = c->enters.lost + c->enters.npending;
	if (r == 0 || r == -EINTR)
		return r;
	err_context(e, "%s", c->name);
	c->failed = r;
	if (e)
		c->failure = *e;
	return r;
}

int capture_next(struct capture *c, struct arena *a, struct event *ret, struct err *e)
{
	struct block b;
	int r;

	if (c->failed) {
		if (e)
			*e = c->failure;
		return c->failed;
	}
	while ((r = peek_block(c, &b, e)) > 0) {
		if (is_event_block(b.type)) {
			r = take_event(c, &b, a, ret, e);
		} else {
			/* half a list cannot be taken up again */
			c->in.is_patient = true;
			r = read_block(c, &b, e);
			c->in.is_patient = false;
		}
		if (r > 0)
			return r;
		if (r < 0)
			break;
	}
	return end(c, r, e);
}

/* ---- opening ---- */

/* Files that people take for a capture. */
static int refuse(struct capture *c, const uint8_t *p, size_t n, struct err *e)
{
	uint32_t magic = n >= 4 ? load_u32(p) : 0;

	switch (magic) {
	case 0xa1b2c3d4:
	case 0xd4c3b2a1:
	case 0xa1b23c4d:
	case 0x4d3cb2a1:
		return err_set(e, ENOTSUP,
			"is a network capture (pcap); koban read takes captures of a system "
			"(.scap)");
	}
	return err_set(e, ENOTSUP, "is no capture: it begins with %02x%02x%02x%02x, not 0a0d0d0a",
		n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0);
}

static int check_first_block(struct capture *c, struct err *e)
{
	ssize_t n = input_want(&c->in, BLOCK_MIN_BYTES, e);
	const uint8_t *p = input_at(&c->in);

	if (n < 0)
		return (int)n;
	if (n == 0)
		return err_set(e, ENODATA, "is empty");
	if (n < 4 || load_u32(p) != BLOCK_SECTION)
		return refuse(c, p, (size_t)n, e);
	if (n < BLOCK_MIN_BYTES)
		return err_set(e, EBADMSG, "ends after %zd bytes", n);
	if (load_u32(p + 8) == SECTION_MAGIC_SWAPPED)
		return err_set(e, ENOTSUP,
			"was written by a machine of the other byte order (big-endian), which is "
			"not supported");
	return 0;
}

static bool is_packet_block(uint32_t type)
{
	return type == PCAPNG_PACKET || type == PCAPNG_SIMPLE || type == PCAPNG_ENHANCED;
}

/* The same framing holds captures of networks: those have packets and nothing that is ours. */
static int refuse_network(struct err *e)
{
	return err_set(e, ENOTSUP,
		"is a network capture (pcapng); koban read takes captures of a system (.scap)");
}

/* All metadata in front of the first event. */
static int read_front(struct capture *c, struct err *e)
{
	bool has_interface = false;
	struct block b;
	int r;

	while ((r = peek_block(c, &b, e)) > 0) {
		bool is_ours = c->info.blocks > 1 + c->info.unknown_blocks;
		if (is_event_block(b.type))
			return 0;
		if (is_packet_block(b.type) && !is_ours)
			return refuse_network(e);
		has_interface |= b.type == PCAPNG_INTERFACE;
		r = read_block(c, &b, e);
		if (r < 0)
			return r;
	}
	if (r == 0 && has_interface && c->info.blocks <= 1 + c->info.unknown_blocks)
		return refuse_network(e);
	return r;
}

static struct capture *capture_new(const char *name, const struct capture_options *o)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->in.fd = -1;
	if (o)
		c->o = *o;
	str_copy(str_of(name), c->name, sizeof(c->name));
	c->upgrader = event_upgrader_new();
	if (!c->upgrader) {
		capture_close(c);
		return NULL;
	}
	read_kinds(c->kinds, c->upgrader);
	return c;
}

/* r: what opening the input said. */
static int begin(struct capture *c, int r, struct capture **ret, struct err *e)
{
	c->info.is_gzip = c->in.is_gzip;
	c->info.size_bytes = c->in.size;
	if (r == 0 && c->o.opened && (r = c->o.opened(c->o.opened_arg, e)) < 0) {
		capture_close(c); /* not the file's fault: the message is the caller's */
		return r;
	}
	if (r >= 0)
		r = check_first_block(c, e);
	if (r == 0)
		r = read_front(c, e);
	if (r < 0) {
		err_context(e, "%s", c->name);
		capture_close(c);
		return r;
	}
	c->info.offset_bytes = input_file_offset(&c->in);
	*ret = c;
	return 0;
}

int capture_open(
	const char *path, const struct capture_options *o, struct capture **ret, struct err *e)
{
	struct capture *c = capture_new(strcmp(path, "-") == 0 ? "standard input" : path, o);

	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	return begin(c, input_open(&c->in, path, e), ret, e);
}

int capture_open_memory(const void *data, size_t size, const struct capture_options *o,
	struct capture **ret, struct err *e)
{
	struct capture *c = capture_new("capture in memory", o);

	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	return begin(c, input_memory(&c->in, data, size, e), ret, e);
}

const struct capture_info *capture_info(const struct capture *c)
{
	return &c->info;
}

double capture_progress(const struct capture *c)
{
	if (!c->in.size)
		return -1;
	double part = (double)input_file_offset(&c->in) / (double)c->in.size;
	return part > 1 ? 1 : part;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	event_upgrader_free(c->upgrader);
	enter_table_done(&c->enters);
	input_done(&c->in);
	free(c);
}
