/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is installed: parsers of package databases and of what package managers and compilers leave
 * behind, each a row {type, name, which paths it wants, parser}. A parser gets bytes of strangers
 * and calls back once a package. It allocates from the arena that it is given; what it calls back
 * with lives there or in the content, so who keeps a package copies it.
 */
#include "base/err.h"
#include "model/artifact/artifact.h"

struct package_parser;

/* What the packages that a parser finds are worth. */
enum package_says {
	PACKAGE_SAYS_ALL,   /* packages, with the files that they own where their manager says so */
	PACKAGE_SAYS_NAMES, /* packages; which files they own stands elsewhere */
	PACKAGE_SAYS_FILES, /* files of one package, to be joined to it by package_is_same() */
	PACKAGE_SAYS_HINT,  /* of a jar without better: its manifest, or the name of the file */
};

/*
 * The parser that wants a file of this path; NULL = none. Databases of distributions count in their
 * place below the root only; what lies inside an archive ("…!/…") counts only if the archive is a
 * package itself (a jar).
 */
const struct package_parser *package_parser_for(struct str path);
/* "dpkg-status", "rpm-sqlite" … */
const char *package_parser_name(const struct package_parser *p);
enum package_says package_parser_says(const struct package_parser *p);
/* The most content that it takes: a longer file cannot be read. 0 = it reads the path alone. */
size_t package_parser_max_bytes(const struct package_parser *p);
/* Rows for --help and the documentation; false behind the last. */
bool package_parser_row(size_t i, const char **name, const char **doc);

typedef void (*package_found)(void *arg, const struct artifact_package *p);
/*
 * 0, or -EBADMSG with a sentence when the file is damaged: what came before counts. -ENOMEM.
 * `content` is the whole file. `layer` and `purl` are left to the caller; `path` is filled with the
 * given one, `deleted_in` with -1.
 */
int package_parse(const struct package_parser *p, struct str path, struct str content,
	struct arena *a, package_found found, void *arg, struct err *e);
/*
 * Joining what PACKAGE_SAYS_FILES found to its package: by name, or by the folder that both are in.
 * Packages of different keys are not the same.
 */
uint64_t package_key(const struct artifact_package *p);
bool package_is_same(const struct artifact_package *p, const struct artifact_package *files);

/*
 * Binaries that say what was linked into them (Go since 1.13, Rust with cargo-auditable), read in
 * windows: zero the state before the first, and give all windows in order, each with the offset of
 * its first byte; they may overlap. Found is what lies whole in one window; of Rust, what lies in
 * the window with the section headers, which are the end of the file.
 */
enum { PACKAGE_BINARY_SEGMENTS = 8 };
struct package_binary {
	bool is_elf, is_64, is_big;
	bool has_go, has_sections; /* were seen */
	unsigned nsegments, nsections, names_index;
	struct {
		uint64_t offset, size, address;
		bool is_code;
	} segments[PACKAGE_BINARY_SEGMENTS]; /* of the file, that are loaded */
	uint64_t sections;                   /* offset of the section headers */
};
int package_parse_binary(struct package_binary *b, struct str path, struct str window,
	uint64_t offset, struct arena *a, package_found found, void *arg, struct err *e);

/* os-release(5), and the older files of distributions that have none. */
bool package_is_distro_file(struct str path);
bool package_parse_distro(
	struct str path, struct str content, struct arena *a, struct artifact_distro *ret);

/*
 * package-url specification: "pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12". `d` is
 * the distribution of the image (for packages of distributions) or NULL. Empty: memory is out.
 */
struct str package_purl(
	const struct artifact_package *p, const struct artifact_distro *d, struct arena *a);
/* "pkg:oci/debian@sha256%3A…?arch=amd64&…"; empty without a repository and a digest. */
struct str package_purl_image(const struct artifact_image *image, struct arena *a);

/* When a distribution's support ends, by data/intel/end-of-life.yaml. */
struct package_lifetimes;
/* data_dir NULL = koban's own. */
int package_lifetimes_load(const char *data_dir, struct package_lifetimes **ret, struct err *e);
void package_lifetimes_free(struct package_lifetimes *l);
/* Fills end_of_life and is_ended (at now_s, seconds since the epoch). */
void package_lifetimes_apply(const struct package_lifetimes *l, int64_t now_s,
	struct artifact_distro *d, struct arena *a);
/*
 * A number that changes when the data changes, and on each day on which a distribution ends: what
 * was judged under another number may be judged otherwise now.
 */
uint64_t package_lifetimes_knowledge(const struct package_lifetimes *l, int64_t now_s);
