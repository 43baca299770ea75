/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Where images come from. A reference leads to a manifest, a config and layers as streams of bytes,
 * from a registry (OCI distribution-spec 1.1), a local store or an archive, all alike. Digests are
 * verified as the bytes pass: a stream that ends well was what its name said. A layer without
 * digest and diff_id (a folder, what a store keeps only unpacked) is verified by nothing. An image
 * belongs to one thread; several of its streams may be open at once.
 *
 *   NAME[:TAG][@DIGEST]       a registry, or a local store when --local says so
 *   docker-archive:PATH       `docker save`, `podman save` (also gzip, zstd)
 *   oci:DIR[:TAG|@DIGEST]     OCI image layout;  oci-archive:PATH[:TAG]
 *   dir:PATH                  an unpacked root file system (skopeo's dir: layout as well)
 *   containerd:NAME  podman:NAME  docker:NAME   the stores of this machine, read from disk
 */
#include "base/err.h"
#include "model/artifact/artifact.h"

struct image_source;

struct image_options {
	const char *platform; /* "linux/arm64"; NULL = this machine's */
	const char *
		docker_config; /* folder; NULL = $DOCKER_CONFIG, ~/.docker, containers' auth.json */
	/* instead of it: "REGISTRY=NAME", or "NAME" at the registry of the image, not at mirrors */
	const char *user, *password;
	const char *const *mirrors;   /* "docker.io=localhost:5000" or "localhost:5000";
					 NULL-terminated or NULL */
	const char *const *insecure;  /* registries that may be asked over plain http; loopback may
					 not  without it either */
	const char *ca_file;          /* of registries with a certificate of one's own */
	const char *root;             /* where local stores lie; NULL = "/" */
	const char *const *blob_dirs; /* NULL; blobs kept as DIR/sha256/HEX, looked at first */
	unsigned retries;             /* of a request; 0 = 5; waits as Retry-After says */
	void (*waiting)(void *arg, const char *registry, unsigned seconds, const char *why);
	void *arg;
	unsigned stall_s; /* a server that sends next to nothing for so long is given up; 0 = 30 */
	const volatile bool *stop; /* NULL, or set by a signal: gives up with -EINTR */
};

/* Reads manifest and config. The image lives until image_close(). */
int image_open(
	const char *ref, const struct image_options *o, struct image_source **ret, struct err *e);
const struct artifact_image *image_describe(const struct image_source *s);
/*
 * What of it could not be read, or not be verified, and why; grows while layers of folders and
 * local stores are read, so ask when they were. Borrowed from the image.
 */
const struct artifact_gap *image_gaps(const struct image_source *s, size_t *n);
void image_close(struct image_source *s);

/* A layer's bytes as they are stored (compressed). Of `dir:` the layer is a tar made on the way. */
struct image_stream;
int image_layer_open(
	struct image_source *s, size_t layer, struct image_stream **ret, struct err *e);
/*
 * Some bytes, 0 at the end, or -errno: -EBADMSG when the bytes are not what the digest says (they
 * were passed on already: what was made of them must be thrown away).
 */
ptrdiff_t image_stream_read(struct image_stream *st, void *to, size_t size, struct err *e);
void image_stream_close(struct image_stream *st);

/* Every platform's manifest of an index: their platforms; for `--platform all`. */
int image_platforms(const char *ref, const struct image_options *o, struct arena *a,
	struct str **ret, size_t *ret_n, struct err *e);
/* The repositories of a registry (GET /v2/_catalog), the tags of a repository; all pages. */
int image_catalog(const char *registry, const struct image_options *o, struct arena *a,
	struct str **ret, size_t *ret_n, struct err *e);
int image_tags(const char *repository, const struct image_options *o, struct arena *a,
	struct str **ret, size_t *ret_n, struct err *e);
/* Splits a name as docker does: "debian" is docker.io/library/debian:latest. */
int image_parse_name(struct str name, struct arena *a, struct artifact_image *ret, struct err *e);
