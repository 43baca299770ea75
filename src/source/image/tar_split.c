/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker and containers-storage unpack a layer and keep what a tar has beside the files' contents
 * in a "tar-split" file: gzip of JSON lines, type 2 with bytes (headers, padding) in base64, type 1
 * with the name and size of a file whose content belongs there. In that order they are the tar
 * again, byte for byte, and the diffID says whether they are: a file that was changed in the store
 * is found out.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zlib.h>

#include "source/image/local.h"

enum { LINE_MAX_BYTES = 8 << 20 };

struct split_stream {
	struct image_stream st;
	gzFile lines;
	int dir;
	struct buf line, bytes; /* bytes: decoded, not yet passed on from `at` */
	size_t at;
	int file; /* -1 = none */
	uint64_t left;
};

static int bad(struct split_stream *k, const char *why, struct err *e)
{
	return err_set(e, EBADMSG, "%s: the store's record of it (tar-split) %s", k->st.what, why);
}

/* 1 = a line, 0 = the end */
static int next_line(struct split_stream *k, struct err *e)
{
	char chunk[16384];
	int error;

	buf_clear(&k->line);
	do {
		if (!gzgets(k->lines, chunk, sizeof(chunk))) {
			gzerror(k->lines, &error);
			/* a file that was cut off ends without an error of its own */
			if ((error != Z_OK && error != Z_STREAM_END) || !gzeof(k->lines))
				return bad(k, "is damaged", e);
			return k->line.len > 0;
		}
		size_t len = strlen(chunk);

		/* it is text: a zero byte has cut the line short */
		if (!len || (len < sizeof(chunk) - 1 && chunk[len - 1] != '\n' && !gzeof(k->lines)))
			return bad(k, "is damaged", e);
		buf_add(&k->line, str_make(chunk, len));
		if (k->line.cut)
			return bad(k, "has a line of more than 8 MiB", e);
	} while (k->line.s[k->line.len - 1] != '\n');
	return 1;
}

static bool decode(struct str text, struct buf *out)
{
	buf_clear(out);
	buf_reserve(out, text.len + 4);
	if (!text.len)
		return true;
	if (!out->s || text.len % 4)
		return false;
	int n = EVP_DecodeBlock(
		(unsigned char *)out->s, (const unsigned char *)text.s, (int)text.len);

	for (size_t i = text.len; n > 0 && text.s[i - 1] == '='; i--)
		n--;
	if (n < 0)
		return false;
	out->len = (size_t)n;
	return true;
}

/* Links above the file are the layer's own: they are followed, and stay in its folder. */
static int open_file(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -EINVAL;
	}
	return fd < 0 ? -errno : fd;
}

static int begin_file(struct split_stream *k, const json_t *j, struct err *e)
{
	json_t *size = json_object_get(j, "size");
	struct str name = image_json_str(j, "name"), raw = image_json_str(j, "name_raw");
	char path[8192];

	if (!json_is_integer(size) || json_integer_value(size) <= 0)
		return 0;
	if (raw.len && decode(raw, &k->bytes)) {
		name = buf_str(&k->bytes);
		k->at = k->bytes.len;
	}
	if (!str_copy(name, path, sizeof(path)) || strlen(path) != name.len)
		return bad(k, "names a file that cannot be", e);
	k->file = open_file(k->dir, path);
	if (k->file < 0)
		return err_set(e, EBADMSG,
			"%s: the store has lost a file of it: \"%.200s\" (%s). Pull the image "
			"again",
			k->st.what, path, strerror(-k->file));
	k->left = (uint64_t)json_integer_value(size);
	return 0;
}

static int take_line(struct split_stream *k, struct err *e)
{
	json_t *j;
	int r = image_json(buf_str(&k->line), k->st.what, &j, e);

	if (r < 0)
		return r;
	json_int_t type = json_integer_value(json_object_get(j, "type"));

	if (type == 2) {
		k->at = 0;
		if (!decode(image_json_str(j, "payload"), &k->bytes))
			r = bad(k, "has bytes that are no base64", e);
	} else if (type == 1) {
		r = begin_file(k, j, e);
	} else {
		r = bad(k, "has lines of an unknown kind", e);
	}
	json_decref(j);
	return r;
}

static ptrdiff_t read_file(struct split_stream *k, void *to, size_t size, struct err *e)
{
	ssize_t n;

	do
		n = read(k->file, to, k->left < size ? (size_t)k->left : size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(
			e, errno, "%s: cannot read a file of it: %s", k->st.what, strerror(errno));
	if (n == 0)
		return err_set(e, EBADMSG,
			"%s: a file of it is shorter in the store than it was. Pull the image "
			"again",
			k->st.what);
	k->left -= (uint64_t)n;
	if (!k->left) {
		close(k->file);
		k->file = -1;
	}
	return n;
}

static ptrdiff_t split_read(struct image_stream *st, void *to, size_t size, struct err *e)
{
	struct split_stream *k = (struct split_stream *)st;

	for (;;) {
		if (k->at < k->bytes.len) {
			struct str some = str_head(str_skip(buf_str(&k->bytes), k->at), size);

			memcpy(to, some.s, some.len);
			k->at += some.len;
			return (ptrdiff_t)some.len;
		}
		if (k->file >= 0)
			return read_file(k, to, size, e);
		int r = next_line(k, e);

		if (r > 0)
			r = take_line(k, e) < 0 ? -EBADMSG : 1;
		if (r <= 0)
			return r;
	}
}

static void split_close(struct image_stream *st)
{
	struct split_stream *k = (struct split_stream *)st;

	if (k->file >= 0)
		close(k->file);
	close(k->dir);
	gzclose(k->lines);
	buf_done(&k->line);
	buf_done(&k->bytes);
	free(k);
}

int tar_split_stream(int split, int dir, const char *what, struct image_stream **ret, struct err *e)
{
	struct split_stream *k = calloc(1, sizeof(*k));
	gzFile lines = k ? gzdopen(split, "rb") : NULL;

	if (!lines) {
		free(k);
		close(split);
		close(dir);
		return err_set(e, ENOMEM, "out of memory");
	}
	*k = (struct split_stream){
		.st = {.read = split_read, .close = split_close, .verifier.size = UINT64_MAX},
		.lines = lines,
		.dir = dir,
		.line = BUF_INIT(LINE_MAX_BYTES),
		.bytes = BUF_INIT(LINE_MAX_BYTES),
		.file = -1,
	};
	image_stream_init(&k->st, "%s", what);
	*ret = &k->st;
	return 0;
}
