/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file lies where in a tar (POSIX ustar and pax, GNU's long names), so that single ones can
 * be read from it: what `docker save` and oci-archive write. It is no general reader: it wants
 * names, sizes and links of plain files, and takes nothing for granted that the headers say.
 * Contents are skipped, not read. Sparse files, which no such tool writes, are left out.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/image/private.h"

enum {
	BLOCK = 512,
	MEMBERS_MAX = 20000,
	NAME_MAX_BYTES = 4096,
	PAX_MAX = 64 << 10, /* bytes of one extended header */
	LINKS_MAX = 8,
};

struct walk {
	int fd;
	const char *what;
	struct arena *a;
	struct err *e;
	uint64_t at, end; /* of the file */
	/* what an extended header said of the next member */
	struct str name, target;
	uint64_t size;
	bool has_size;
	unsigned nmembers;
};

static int bad(struct walk *w, const char *why)
{
	return err_set(w->e, EBADMSG, "%s is no sound tar: %s", w->what, why);
}

/* Octal digits, or GNU's binary form (first bit set). */
static bool read_number(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	if (p[0] & 0x80) {
		if (p[0] != 0x80)
			return false; /* negative, or enormous */
		for (i = 1; i < n; i++) {
			if (v >> 55)
				return false;
			v = v << 8 | p[i];
		}
		*ret = v;
		return true;
	}
	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) {
		if (v >> 60)
			return false;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	if (i < n && p[i] != 0 && p[i] != ' ')
		return false;
	*ret = v;
	return true;
}

static bool sum_is_right(const uint8_t *h)
{
	uint64_t want, sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return read_number(h + 148, 8, &want) && want == sum;
}

static struct str field(const uint8_t *p, size_t n)
{
	return str_make((const char *)p, strnlen((const char *)p, n));
}

/* The name as it is compared: no "./", no "/" in front, none behind. */
static struct str clean(struct str s)
{
	while (str_starts(s, STR("./")) || str_starts(s, STR("/")))
		s = str_skip(s, s.s[0] == '/' ? 1 : 2);
	while (str_ends(s, STR("/")))
		s.len--;
	return s;
}

static int read_at(struct walk *w, void *to, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(w->fd, (char *)to + got, n - got, (off_t)(w->at + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(
				w->e, errno, "%s: cannot read: %s", w->what, strerror(errno));
		if (r == 0)
			return bad(w, "it ends in the middle");
		got += (size_t)r;
	}
	return 0;
}

/* "LENGTH KEY=VALUE\n", as often as they fit (pax, POSIX.1-2001). */
static int read_pax(struct walk *w, struct str text)
{
	while (text.len) {
		ptrdiff_t blank = str_find_char(text, ' ');
		uint64_t len;

		if (blank <= 0 || !str_to_u64(str_head(text, (size_t)blank), 10, &len) ||
			len > text.len || len < (size_t)blank + 2 || text.s[len - 1] != '\n')
			return bad(w, "an extended header is broken");
		struct str record = str_make(text.s + blank + 1, (size_t)len - (size_t)blank - 2);
		struct str value = record, key = str_cut(&value, '=');

		text = str_skip(text, (size_t)len);
		if (str_is(key, "path"))
			w->name = value;
		else if (str_is(key, "linkpath"))
			w->target = value;
		else if (str_is(key, "size")) {
			if (!str_to_u64(value, 10, &w->size))
				return bad(w, "an extended header has a size that is no number");
			w->has_size = true;
		}
	}
	return 0;
}

/* What stands in front of the next member and belongs to it. */
static int read_extension(struct walk *w, char type, uint64_t size)
{
	if (size > PAX_MAX)
		return bad(w, "an extended header is larger than 64 KiB");
	char *p = arena_raw(w->a, (size_t)size + 1);

	if (!p)
		return err_set(w->e, ENOMEM, "out of memory");
	int r = read_at(w, p, (size_t)size);

	if (r < 0)
		return r;
	struct str text = str_make(p, (size_t)size);

	if (type == 'x')
		return read_pax(w, text);
	if (type == 'L')
		w->name = str_head(text, strnlen(p, (size_t)size));
	else if (type == 'K')
		w->target = str_head(text, strnlen(p, (size_t)size));
	return 0;
}

/* "a/b" with "../c/d" is "c/d"; empty when it would leave the archive. */
static struct str join(struct arena *a, struct str name, struct str target)
{
	ptrdiff_t slash = str_rfind_char(name, '/');
	struct str dir = slash < 0 ? STR_NULL : str_head(name, (size_t)slash), rest = target;
	char path[2 * NAME_MAX_BYTES + 2];
	size_t n = 0;

	if (dir.len > NAME_MAX_BYTES || target.len > NAME_MAX_BYTES)
		return STR_NULL;
	if (!str_starts(target, STR("/")) && dir.len) {
		memcpy(path, dir.s, dir.len);
		n = dir.len;
	}
	while (rest.s) {
		struct str part = str_cut(&rest, '/');

		if (!part.len || str_is(part, "."))
			continue;
		if (str_is(part, "..")) {
			if (!n)
				return STR_NULL;
			while (n && path[--n] != '/')
				;
			continue;
		}
		if (n)
			path[n++] = '/';
		memcpy(path + n, part.s, part.len);
		n += part.len;
	}
	return arena_str(a, str_make(path, n));
}

static int add(struct walk *w, struct tar_index *t, const struct tar_file *f)
{
	if (t->nfiles == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct tar_file *more = arena_array(w->a, struct tar_file, cap);

		if (!more)
			return err_set(w->e, ENOMEM, "out of memory");
		if (t->nfiles)
			memcpy(more, t->files, t->nfiles * sizeof(*more));
		t->files = more;
		t->cap = cap;
	}
	t->files[t->nfiles++] = *f;
	return 0;
}

static int add_member(
	struct walk *w, struct tar_index *t, const uint8_t *h, char type, uint64_t size)
{
	struct str name = w->name, prefix = field(h + 345, 155);
	struct tar_file f = {.offset = w->at, .size = size};

	if (!name.len && memcmp(h + 257, "ustar\0", 6) == 0 && prefix.len)
		name = arena_printf(w->a, "%.*s/%.*s", STR_ARG(prefix), STR_ARG(field(h, 100)));
	else if (!name.len)
		name = field(h, 100);
	name = clean(name);
	if (name.len > NAME_MAX_BYTES)
		return bad(w, "a name is longer than 4,096 bytes");
	f.name = arena_str(w->a, name);
	if (type == '1' || type == '2') {
		struct str target = w->target.len ? w->target : field(h + 157, 100);

		f.size = 0;
		f.target =
			type == '2' ? join(w->a, f.name, target) : arena_str(w->a, clean(target));
		if (!f.target.len)
			return 0; /* leads out of the archive: to nothing of ours */
	}
	return w->a->failed ? err_set(w->e, ENOMEM, "out of memory") : add(w, t, &f);
}

static bool is_zero(const uint8_t *h)
{
	for (size_t i = 0; i < BLOCK; i++)
		if (h[i])
			return false;
	return true;
}

/* One header and what belongs to it; 1 = more to come, 0 = the end. */
static int step(struct walk *w, struct tar_index *t)
{
	uint8_t h[BLOCK];
	uint64_t size, padded;
	int r;

	if (w->end - w->at < BLOCK)
		return w->at == w->end && t->nfiles ? 0 : bad(w, "it ends in the middle");
	r = read_at(w, h, sizeof(h));
	if (r < 0)
		return r;
	if (is_zero(h))
		return 0;
	if (!sum_is_right(h) || !read_number(h + 124, 12, &size))
		return bad(w, "a header's checksum is wrong");
	if (++w->nmembers > MEMBERS_MAX)
		return bad(w, "it has more than 20,000 members");
	char type = (char)h[156];
	bool is_extension = type == 'x' || type == 'g' || type == 'L' || type == 'K';

	if (!is_extension && w->has_size)
		size = w->size;
	/* links and folders have no content, whatever their size says */
	if (type >= '1' && type <= '6')
		size = 0;
	w->at += BLOCK;
	padded = (size + BLOCK - 1) & ~(uint64_t)(BLOCK - 1);
	if (size > w->end - w->at)
		return bad(w, "a member is larger than the archive");
	r = 0;
	if (is_extension)
		r = read_extension(w, type, size);
	else if (type == '0' || type == 0 || type == '7' || type == '1' || type == '2')
		r = add_member(w, t, h, type, size);
	if (!is_extension) {
		w->name = w->target = STR_NULL;
		w->has_size = false;
	}
	w->at = padded > w->end - w->at ? w->end : w->at + padded;
	return r < 0 ? r : 1;
}

int tar_index_read(int fd, const char *what, struct arena *a, struct tar_index *ret, struct err *e)
{
	struct walk w = {.fd = fd, .what = what, .a = a, .e = e};
	struct stat st;
	int r;

	*ret = (struct tar_index){0};
	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "%s: cannot read: %s", what, strerror(errno));
	w.end = (uint64_t)st.st_size;
	while ((r = step(&w, ret)) > 0)
		;
	return r;
}

/* The last one of a name counts, as when it is unpacked. */
static const struct tar_file *find(const struct tar_index *t, struct str name)
{
	for (size_t i = t->nfiles; i-- > 0;)
		if (str_eq(t->files[i].name, name))
			return &t->files[i];
	return NULL;
}

const struct tar_file *tar_index_find(const struct tar_index *t, struct str name)
{
	const struct tar_file *f = find(t, clean(name));

	for (unsigned hops = 0; f && f->target.len; hops++)
		f = hops < LINKS_MAX ? find(t, f->target) : NULL;
	return f;
}
