/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of this room share. A transport (one row in transports.c) knows one place where
 * images lie. It opens the place, and then either describes the image itself or hands out manifests
 * and blobs by digest, from which describe.c makes the description. Layers leave as streams that
 * verify themselves (stream.c). docs/internals/image-source.md is the tour.
 */
#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "source/image/image.h"

enum {
	MANIFEST_MAX = 4 << 20, /* bytes; what registries must accept (distribution-spec) */
	CONFIG_MAX = 8 << 20,
	LAYERS_MAX = 1000,
	INDEX_MAX = 1000,         /* entries */
	INDEX_DEPTH_MAX = 4,      /* indexes in indexes */
	JSON_DEPTH_MAX = 32,      /* levels */
	JSON_VALUES_MAX = 200000, /* keys and values: what jansson makes of them has to fit, too */
	LIST_MAX = 10000,         /* members of a list in a config */
	SOURCE_MEMORY = 96 << 20,
};

/* ---- digests (digest.c) ------------------------------------------------------------------- */

enum { DIGEST_TEXT_SIZE = 7 + 128 + 1 }; /* "sha512:" and its hex, NUL */

/* "sha256:" and 64, or "sha512:" and 128 lower-case hex digits. */
bool digest_is_valid(struct str s);
/* The digest of these bytes by the algorithm that `like` names; sha256 without one. */
void image_digest(struct str bytes, struct str like, char out[DIGEST_TEXT_SIZE]);

/* Looks on while bytes pass. */
struct verifier {
	void *ctx; /* EVP_MD_CTX; NULL = nothing is expected */
	struct str want;
	uint64_t size, seen; /* size: UINT64_MAX = not known */
};
int verifier_init(struct verifier *v, struct str digest, uint64_t size, struct err *e);
/* -EBADMSG as soon as more came than was announced. */
int verifier_add(struct verifier *v, const void *p, size_t n, const char *what, struct err *e);
int verifier_end(struct verifier *v, const char *what, struct err *e);
void verifier_done(struct verifier *v);

/* ---- streams (stream.c) ------------------------------------------------------------------- */

struct image_stream {
	/* some bytes, 0 at the end, -errno */
	ptrdiff_t (*read)(struct image_stream *st, void *to, size_t size, struct err *e);
	void (*close)(struct image_stream *st); /* frees st */
	struct verifier verifier;
	char what[256]; /* "layer sha256:… of localhost:5000/x", for messages */
	int failed;     /* what it failed with: it never goes on */
	bool ended;
};
void image_stream_init(struct image_stream *st, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A part of a file; owns fd. */
int image_stream_of_file(
	int fd, uint64_t offset, uint64_t size, struct image_stream **ret, struct err *e);
/* All of it, at most `limit` bytes, into the arena. Closes the stream. */
int image_stream_read_all(
	struct image_stream *st, size_t limit, struct arena *a, struct str *ret, struct err *e);

/* ---- JSON of strangers (json_in.c) -------------------------------------------------------- */

/* An object or array; refuses what is too deep, has too many values, or says a key twice. */
int image_json(struct str text, const char *what, json_t **ret, struct err *e);
/*
 * The value of a key, whatever its case is: that is how the engines read it, which are written in
 * Go. What has two such keys is refused by image_json_keys(), since readers differ about it.
 */
json_t *image_json_get(const json_t *o, const char *key);
struct str image_json_str(const json_t *o, const char *key); /* borrowed from o; empty = none */
struct str image_json_text(const json_t *v);
/* -EBADMSG when two keys of the object differ only in case. */
int image_json_keys(const json_t *o, const char *what, struct err *e);

/* ---- platforms (platform.c) --------------------------------------------------------------- */

struct platform {
	struct str os, arch, variant;
};
/* "linux/arm64/v8", with the usual names for the same thing made one. */
int image_platform_parse(struct str text, struct arena *a, struct platform *ret, struct err *e);
void image_platform_here(struct platform *ret);
void image_platform_normalize(struct platform *p);
/* How well `have` serves who wants `want`: 0 = not at all, more is better. */
unsigned image_platform_match(const struct platform *want, const struct platform *have);
struct str image_platform_text(const struct platform *p, struct arena *a);

/* ---- manifests (manifest.c) and configs (config.c) ---------------------------------------- */

struct descriptor {
	struct str digest, media_type;
	uint64_t size;                   /* UINT64_MAX = not said */
	struct str ref_name, image_name; /* annotations of layouts */
	struct platform platform;
	bool is_foreign; /* only its publisher hands it out */
	struct str file; /* where it lies in an archive, if not by its digest */
};

struct manifest {
	bool is_index;
	struct descriptor config;
	struct descriptor *items; /* layers, the lowest first; or the manifests of an index */
	size_t nitems;
};
/* An image manifest or index, OCI or Docker; `what` is named in messages. */
int image_manifest_parse(
	struct str text, const char *what, struct arena *a, struct manifest *ret, struct err *e);
/* Is there an image for no machine: attestations and the like. */
bool descriptor_is_image(const struct descriptor *d);
int image_config_parse(struct str text, const char *what, struct arena *a,
	struct artifact_config *ret, struct err *e);

/* ---- the image ---------------------------------------------------------------------------- */

struct transport;

struct image_source {
	struct arena arena;
	struct image_options options;
	const struct transport *transport;
	void *state; /* of the transport */
	struct artifact_image image;
	struct descriptor *layers; /* image.nlayers */
	struct str want;           /* tag or digest; empty = the only one there is */
	char name[512];            /* the reference, printable, for messages */
	struct artifact_gap *gaps;
	size_t ngaps;
};

struct transport {
	const char *scheme; /* "oci"; NULL = a name in a registry */
	/* Opens the place. Either describes the image, or has `manifest` and sets s->want. */
	int (*open)(struct image_source *s, struct str rest, struct err *e);
	/* The manifest of a tag or digest (empty: the only one), verified if it was a digest. */
	int (*manifest)(struct image_source *s, struct str want, struct str *ret, struct err *e);
	/* The bytes of a blob, not yet verified. */
	int (*blob)(struct image_source *s, const struct descriptor *d, struct image_stream **ret,
		struct err *e);
	/* NULL, or looks what there is of the layers, once they are described. */
	int (*settle)(struct image_source *s, struct err *e);
	/* NULL, or makes the stream of a layer itself, with its own verification. */
	int (*layer)(struct image_source *s, size_t i, struct image_stream **ret, struct err *e);
	void (*close)(struct image_source *s);
};
extern const struct transport transport_registry, transport_oci, transport_oci_archive,
	transport_docker_archive, transport_dir, transport_containerd, transport_podman,
	transport_docker;

/* describe.c: fills s->image by the transport's manifests and blobs. */
int describe_image(struct image_source *s, struct err *e);
int describe_platforms(
	struct image_source *s, struct arena *a, struct str **ret, size_t *ret_n, struct err *e);
/* The same when manifest and config lie there already. */
int describe_manifest(struct image_source *s, struct str text, struct err *e);
int describe_config(struct image_source *s, struct str text, struct err *e);
/* s->image.layers from s->layers and the config; they must be as many. */
int describe_layers(struct image_source *s, struct err *e);
/* A small blob whole, verified. */
int source_blob(struct image_source *s, const struct descriptor *d, size_t limit, struct str *ret,
	struct err *e);
/* A layer as a verified stream of its blob: what is done where a transport has no `layer`. */
int source_layer(struct image_source *s, const struct descriptor *d, struct image_stream **ret,
	struct err *e);
/* Remembers what could not be read; at most some dozen kinds, counted by `why`. */
void source_gap(struct image_source *s, struct str what, const char *why, bool is_serious);
bool source_stopped(const struct image_source *s);
/* Text from outside as it may stand in a message: printable, at most `max` bytes. */
struct str image_printable(struct str s, size_t max, struct arena *a);

/* ---- named files: a folder, or a tar that was indexed (bag.c, tar_index.c) ----------------- */

struct tar_file {
	struct str name;   /* without "./" in front */
	struct str target; /* of a link, in terms of the archive; else empty */
	uint64_t offset, size;
};
struct tar_index {
	struct tar_file *files;
	size_t nfiles, cap;
};
/* What lies where in a tar file. Bounded in members and memory; -EBADMSG for what is none. */
int tar_index_read(int fd, const char *what, struct arena *a, struct tar_index *ret, struct err *e);
const struct tar_file *tar_index_find(const struct tar_index *t, struct str name);

struct bag {
	int fd; /* of the folder, or of the tar file */
	bool is_tar;
	struct tar_index index;
	char what[256]; /* for messages */
};
/* A folder, a tar, or a compressed tar (which is unpacked into a file without a name). */
int bag_open(struct image_source *s, struct str path, struct bag *ret, struct err *e);
void bag_close(struct bag *b);
bool bag_has(const struct bag *b, struct str name);
uint64_t bag_size(const struct bag *b, struct str name); /* 0 when it has no such file */
/* -ENOENT when it has no such file. */
int bag_stream(const struct bag *b, struct str name, struct image_stream **ret, struct err *e);
int bag_read(const struct bag *b, struct str name, size_t limit, struct arena *a, struct str *ret,
	struct err *e);
/* inflate.c: a file without a name with the content of `fd`, unpacked in a cell. */
int inflate_to_temporary(struct image_source *s, int fd, const char *what, int *ret, struct err *e);
/* "PATH[:TAG][@DIGEST]", where the path may have such characters, too: what is there decides. */
void image_split_path(struct str rest, struct str *path, struct str *want);
/* Remembers the bag as the transport's state. */
int bag_attach(struct image_source *s, struct str path, struct err *e);
void bag_detach(struct image_source *s);

/* ---- a folder as a tar (tree.c) ------------------------------------------------------------ */

struct tree_options {
	bool is_overlay; /* whiteouts are those of overlayfs: made OCI's */
};
/* Owns dirfd. */
int tree_stream(struct image_source *s, int dirfd, const struct tree_options *o,
	struct image_stream **ret, struct err *e);
/* openat2 below a folder, following no link. */
int image_open_beneath(int dirfd, const char *path, int flags);
