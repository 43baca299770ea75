/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What is at rest: images, their layers, files and packages, and what was found in them. Nouns
 * only, which do no work. All strings are borrowed from the arena in which a report was made; all
 * paths are absolute ("/etc/passwd"), without "." and "..", and a member of an archive inside a
 * layer is written behind a "!": "/app/a.jar!/lib/b.jar!/META-INF/MANIFEST.MF".
 *
 * Sources: OCI image-spec 1.1 (config.md, layer.md, manifest.md), Docker Image Specification 1.3.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* ---- an image ----------------------------------------------------------------------------- */

struct artifact_pair {
	struct str key, value;
};

/* A step of the build (config.md "history"). */
struct artifact_step {
	struct str created, created_by, author, comment;
	bool is_empty; /* made no layer */
};

/* What the image says of itself (config.md), checked for shape and size, not for truth. */
struct artifact_config {
	struct str architecture, os, variant, created, author, user, workdir;
	const struct str *entrypoint, *cmd, *env, *ports, *volumes, *diff_ids, *onbuild, *shell,
		*healthcheck;
	size_t nentrypoint, ncmd, nenv, nports, nvolumes, ndiff_ids, nonbuild, nshell, nhealthcheck;
	const struct artifact_pair *labels;
	size_t nlabels;
	const struct artifact_step *history;
	size_t nhistory;
};

struct artifact_layer {
	struct str digest;  /* "sha256:…" of the bytes as stored; empty in a plain folder */
	struct str diff_id; /* "sha256:…" of the tar inside */
	struct str media_type;
	struct str created_by;                /* of its step in the history; empty = not known */
	uint64_t size, unpacked_size, nfiles; /* bytes, bytes, members */
	bool from_cache;                      /* was scanned before, and not read again */
};

/* Where a name leads (source/image parses and fills it). */
struct artifact_image {
	struct str ref;                       /* as the user wrote it */
	struct str registry, repository, tag; /* "docker.io", "library/debian", "12"; or empty */
	struct str digest;                    /* of the manifest */
	struct str config_digest;             /* the image's id */
	struct str platform;                  /* "linux/amd64", "linux/arm64/v8" */
	struct artifact_config config;
	const struct artifact_layer *layers; /* the lowest first */
	size_t nlayers;
};

/* ---- files -------------------------------------------------------------------------------- */

enum artifact_file_kind {
	ARTIFACT_FILE,
	ARTIFACT_DIR,
	ARTIFACT_SYMLINK,
	ARTIFACT_HARDLINK, /* target: another member of the same layer */
	ARTIFACT_DEVICE,   /* character or block */
	ARTIFACT_FIFO,
	ARTIFACT_WHITEOUT, /* of `path` (".wh." is off) */
	ARTIFACT_OPAQUE,   /* hides what lower layers have below `path` */
};

struct artifact_file {
	struct str path;
	struct str target; /* of a link, as it is written */
	enum artifact_file_kind kind;
	uint32_t mode, uid, gid; /* permission bits with setuid, setgid, sticky */
	uint64_t size;           /* bytes, as the archive says */
	int64_t mtime_s;
	unsigned depth;        /* archives around it inside the layer; 0 = the layer itself */
	bool has_capabilities; /* security.capability is among its extended attributes */
};

/* ---- packages ----------------------------------------------------------------------------- */

enum package_type {
	PACKAGE_DPKG,
	PACKAGE_APK,
	PACKAGE_RPM,
	PACKAGE_NPM,
	PACKAGE_PYPI,
	PACKAGE_GEM,
	PACKAGE_JAR, /* purl type "maven" */
	PACKAGE_GO,
	PACKAGE_CARGO,
	PACKAGE_COMPOSER,
	PACKAGE_NUGET,
	PACKAGE_TYPE_COUNT
};
/* "deb", "apk", "rpm", "npm", "pypi" …: the type of its package-url. */
const char *artifact_package_type_name(enum package_type t);

struct artifact_package {
	enum package_type type;
	struct str name, version; /* version with epoch and revision, as the ecosystem writes it */
	struct str arch;
	struct str source, source_version; /* of distribution packages: what advisories name */
	struct str group;                  /* maven group, npm scope ("@types"), composer vendor */
	struct str license, maintainer;
	struct str path;       /* of the database, metadata file or binary */
	struct str purl;       /* package-url specification 1.0 */
	unsigned layer;        /* from which it was read, from 0 */
	int deleted_in;        /* layer that deleted its database or file; -1 = none */
	const uint64_t *files; /* str_hash() of the paths that it owns, sorted */
	size_t nfiles;
};

struct artifact_distro {
	struct str id, version, codename, pretty_name; /* os-release(5) */
	struct str path;
	unsigned layer;
	struct str end_of_life; /* "2028-06-30", from data/intel/; empty = not known */
	bool is_ended;
};

/* ---- what was found ----------------------------------------------------------------------- */

enum artifact_severity {
	ARTIFACT_CRITICAL,
	ARTIFACT_HIGH,
	ARTIFACT_MEDIUM,
	ARTIFACT_LOW,
	ARTIFACT_INFO,
	ARTIFACT_SEVERITY_COUNT
};
const char *artifact_severity_name(enum artifact_severity s); /* "critical" … */
bool artifact_severity_parse(struct str s, enum artifact_severity *ret);

/*
 * What kind of thing it is: a set of these is what an image is labelled with. The first eight are
 * the categories of the 2022 report, so that its tables can be printed again.
 */
enum artifact_label {
	LABEL_CRYPTOMINING,
	LABEL_SECRETS,
	LABEL_PROXY_AVOIDANCE,
	LABEL_NEW_DOMAIN,
	LABEL_MALICIOUS_SITE,
	LABEL_HACKING,
	LABEL_DYNAMIC_DNS,
	LABEL_MALWARE,
	LABEL_BACKDOOR,
	LABEL_MASQUERADE,
	LABEL_MINER_CAPABLE, /* can mine, and is not shown to be set up for it */
	LABEL_CONFIGURATION,
	LABEL_OUTDATED, /* its distribution has ended */
	LABEL_HOSTILE,  /* an archive made to harm who reads it */
	LABEL_OTHER,
	LABEL_COUNT
};
const char *artifact_label_name(enum artifact_label l); /* "cryptomining", "embedded-secrets" … */
const char *artifact_label_title(enum artifact_label l); /* "Cryptomining", "Embedded secrets" … */
bool artifact_label_parse(struct str s, enum artifact_label *ret);

/* What would run the file of a finding. */
enum artifact_reach {
	REACH_UNKNOWN, /* was not asked: the finding is about no file */
	REACH_NONE,
	REACH_ENTRYPOINT, /* ENTRYPOINT, CMD or HEALTHCHECK, itself or through scripts and links */
	REACH_CRON,
	REACH_SERVICE, /* systemd, init scripts */
	REACH_LOGIN,   /* profile, shell start files, authorized_keys */
	REACH_PRELOAD, /* ld.so.preload: every program */
};
const char *artifact_reach_name(enum artifact_reach r);

enum artifact_place {  /* in what of the image it lies */
	PLACE_FILE,    /* path, layer */
	PLACE_HISTORY, /* step `index` */
	PLACE_ENV,
	PLACE_LABEL,
	PLACE_ENTRYPOINT, /* of the config; `index` in its list */
	PLACE_CONFIG,     /* the rest of it */
	PLACE_NAME,       /* the reference itself */
	PLACE_RUN,        /* seen while it ran (detonation) */
};
const char *artifact_place_name(enum artifact_place p);

struct artifact_finding {
	struct str check; /* stable id: "secret-github-token", "miner-config", "backdoor-preload" */
	struct str analyzer; /* "secrets", "miners", … */
	enum artifact_label label;
	enum artifact_severity severity;
	unsigned confidence; /* per cent: how sure that it is what it says */
	struct str title;    /* one sentence about this image: what, and why that is so */
	struct str mend;     /* one sentence: what to do */
	enum artifact_place place;
	struct str path;    /* PLACE_FILE, else empty */
	unsigned index;     /* of history, env, …; from 0 */
	unsigned layer;     /* from 0 */
	uint64_t offset;    /* bytes, in the file */
	unsigned line;      /* from 1; 0 = not a text */
	struct str excerpt; /* redacted; at most 200 bytes */
	struct str created_by;
	enum artifact_reach reach;
	int deleted_in; /* layer that deleted or replaced the file; -1 = it is in the image */
	const struct artifact_pair
		*facts; /* "wallet": "4…", "pool": "…", "sha256": "…": what links images */
	size_t nfacts;
	bool is_ignored;        /* by .kobanignore */
	struct str ignored_why; /* its reason */
};
/* Equal for the same thing in the same place of any image: check, path, and facts or excerpt. */
uint64_t artifact_finding_fingerprint(const struct artifact_finding *f);
/* The value of a fact; empty when it has none of that name. */
struct str artifact_finding_fact(const struct artifact_finding *f, const char *key);

/* ---- the report --------------------------------------------------------------------------- */

/* What was not read, or only in part, and why. Never empty-handed about it. */
struct artifact_gap {
	struct str what; /* path, or "layer 3" */
	struct str why;  /* "larger than 512 MiB: its first 512 MiB were read" */
	unsigned layer;
	uint64_t count;  /* of such files; `what` is the first */
	bool is_serious; /* a thing of weight may be hidden in it: the image is not called clean */
};

enum artifact_verdict { /* the worst first */
	VERDICT_MALICIOUS,
	VERDICT_SUSPICIOUS, /* a person must look */
	VERDICT_RISKY,      /* nothing malicious, but secrets or settings that harm its user */
	VERDICT_UNKNOWN,    /* too much of it could not be read */
	VERDICT_CLEAN,
	VERDICT_COUNT
};
const char *artifact_verdict_name(enum artifact_verdict v);

struct artifact_coverage {
	uint64_t layers, files, bytes;   /* bytes unpacked */
	uint64_t read_files, read_bytes; /* given to at least one analyzer whole */
	uint64_t archives;               /* opened inside layers */
	const struct artifact_gap *gaps;
	size_t ngaps;
};

struct artifact_report {
	struct artifact_image image;
	struct artifact_distro distro; /* empty id = none */
	const struct artifact_package *packages;
	size_t npackages;
	const struct artifact_finding *findings; /* the most severe first, stable order */
	size_t nfindings;
	uint32_t labels; /* 1 << enum artifact_label */
	enum artifact_verdict verdict;
	struct str reason; /* one sentence */
	struct artifact_coverage coverage;
	uint64_t scanned_ns; /* since the epoch */
	struct str scanner;  /* "koban 0.1.0" */
	uint64_t knowledge;  /* hash of rules and data: the same = the same knowledge */
};

/* A copy whose strings and lists all live in `a`. 0 or -ENOMEM. */
int artifact_image_copy(
	const struct artifact_image *from, struct arena *a, struct artifact_image *ret);

/*
 * The report as one JSON object, and back; described in docs/images.md. With `with_files`, packages
 * keep the hashes of the files that they own. Reading checks kinds and sizes: a report may come
 * from a worker that was taken over. -EBADMSG or -ENOMEM; what is read lives in `a`.
 */
void artifact_report_to_json(const struct artifact_report *r, bool with_files, struct buf *out);
int artifact_report_from_json(
	struct str text, struct arena *a, struct artifact_report *ret, struct err *e);
