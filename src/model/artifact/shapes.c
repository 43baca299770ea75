/* SPDX-License-Identifier: Apache-2.0 */
/* The tables. A member that is added to a struct of artifact.h is a row here. */
#include <stddef.h>

#include "model/artifact/shapes.h"

_Static_assert((int)LABEL_COUNT <= 32, "a bit a label");

#define WORDS(id, linkage, type, function, n)                                                      \
	static const char *id##_name(int v)                                                        \
	{                                                                                          \
		return function((enum type)v);                                                     \
	}                                                                                          \
	linkage const struct words id = {id##_name, (n)};
WORDS(severities, static, artifact_severity, artifact_severity_name, ARTIFACT_SEVERITY_COUNT)
WORDS(artifact_labels, , artifact_label, artifact_label_name, LABEL_COUNT)
WORDS(reaches, static, artifact_reach, artifact_reach_name, REACH_PRELOAD + 1)
WORDS(places, static, artifact_place, artifact_place_name, PLACE_RUN + 1)
WORDS(verdicts, static, artifact_verdict, artifact_verdict_name, VERDICT_COUNT)
WORDS(package_types, static, package_type, artifact_package_type_name, PACKAGE_TYPE_COUNT)

/* clang-format off */
#define AT(s, m)                offsetof(struct s, m)
#define ROW(s, m, kind)         {#m, kind, AT(s, m), 0, NULL, NULL}
#define ROW_WORD(s, m, w)       {#m, WORD, AT(s, m), 0, &(w), NULL}
#define ROW_LIST(s, m, kind)    {#m, kind, AT(s, m), AT(s, n##m), NULL, NULL}
#define ROW_OF(s, m, shape)     {#m, STRUCT, AT(s, m), 0, NULL, &(shape)}
#define ROW_LIST_OF(s, m, shape) {#m, STRUCTS, AT(s, m), AT(s, n##m), NULL, &(shape)}
#define END                     {0}
/* clang-format on */

static const struct shape pair = {
	sizeof(struct artifact_pair), (const struct member[]){ROW(artifact_pair, key, STRING),
					      ROW(artifact_pair, value, STRING), END}};

static const struct shape step = {sizeof(struct artifact_step),
	(const struct member[]){ROW(artifact_step, created, STRING),
		ROW(artifact_step, created_by, STRING), ROW(artifact_step, author, STRING),
		ROW(artifact_step, comment, STRING), ROW(artifact_step, is_empty, FLAG), END}};

static const struct shape config = {sizeof(struct artifact_config),
	(const struct member[]){ROW(artifact_config, architecture, STRING),
		ROW(artifact_config, os, STRING), ROW(artifact_config, variant, STRING),
		ROW(artifact_config, created, STRING), ROW(artifact_config, author, STRING),
		ROW(artifact_config, user, STRING), ROW(artifact_config, workdir, STRING),
		ROW_LIST(artifact_config, entrypoint, STRINGS),
		ROW_LIST(artifact_config, cmd, STRINGS), ROW_LIST(artifact_config, env, STRINGS),
		ROW_LIST(artifact_config, ports, STRINGS),
		ROW_LIST(artifact_config, volumes, STRINGS),
		ROW_LIST(artifact_config, diff_ids, STRINGS),
		ROW_LIST(artifact_config, onbuild, STRINGS),
		ROW_LIST(artifact_config, shell, STRINGS),
		ROW_LIST(artifact_config, healthcheck, STRINGS),
		ROW_LIST_OF(artifact_config, labels, pair),
		ROW_LIST_OF(artifact_config, history, step), END}};

static const struct shape layer = {sizeof(struct artifact_layer),
	(const struct member[]){ROW(artifact_layer, digest, STRING),
		ROW(artifact_layer, diff_id, STRING), ROW(artifact_layer, media_type, STRING),
		ROW(artifact_layer, created_by, STRING), ROW(artifact_layer, size, U64),
		ROW(artifact_layer, unpacked_size, U64), ROW(artifact_layer, nfiles, U64),
		ROW(artifact_layer, from_cache, FLAG), END}};

const struct shape artifact_image_shape = {sizeof(struct artifact_image),
	(const struct member[]){ROW(artifact_image, ref, STRING),
		ROW(artifact_image, registry, STRING), ROW(artifact_image, repository, STRING),
		ROW(artifact_image, tag, STRING), ROW(artifact_image, digest, STRING),
		ROW(artifact_image, config_digest, STRING), ROW(artifact_image, platform, STRING),
		ROW_OF(artifact_image, config, config), ROW_LIST_OF(artifact_image, layers, layer),
		END}};

static const struct shape distro = {sizeof(struct artifact_distro),
	(const struct member[]){ROW(artifact_distro, id, STRING),
		ROW(artifact_distro, version, STRING), ROW(artifact_distro, codename, STRING),
		ROW(artifact_distro, pretty_name, STRING), ROW(artifact_distro, path, STRING),
		ROW(artifact_distro, layer, UNSIGNED), ROW(artifact_distro, end_of_life, STRING),
		ROW(artifact_distro, is_ended, FLAG), END}};

static const struct shape package = {sizeof(struct artifact_package),
	(const struct member[]){ROW_WORD(artifact_package, type, package_types),
		ROW(artifact_package, name, STRING), ROW(artifact_package, version, STRING),
		ROW(artifact_package, arch, STRING), ROW(artifact_package, source, STRING),
		ROW(artifact_package, source_version, STRING), ROW(artifact_package, group, STRING),
		ROW(artifact_package, license, STRING), ROW(artifact_package, maintainer, STRING),
		ROW(artifact_package, path, STRING), ROW(artifact_package, purl, STRING),
		ROW(artifact_package, layer, UNSIGNED), ROW(artifact_package, deleted_in, INDEX),
		ROW_LIST(artifact_package, files, HASHES), END}};

static const struct shape finding = {sizeof(struct artifact_finding),
	(const struct member[]){ROW(artifact_finding, check, STRING),
		ROW(artifact_finding, analyzer, STRING),
		ROW_WORD(artifact_finding, label, artifact_labels),
		ROW_WORD(artifact_finding, severity, severities),
		ROW(artifact_finding, confidence, UNSIGNED), ROW(artifact_finding, title, STRING),
		ROW(artifact_finding, mend, STRING), ROW_WORD(artifact_finding, place, places),
		ROW(artifact_finding, path, STRING), ROW(artifact_finding, index, UNSIGNED),
		ROW(artifact_finding, layer, UNSIGNED), ROW(artifact_finding, offset, U64),
		ROW(artifact_finding, line, UNSIGNED), ROW(artifact_finding, excerpt, STRING),
		ROW(artifact_finding, created_by, STRING),
		ROW_WORD(artifact_finding, reach, reaches),
		ROW(artifact_finding, deleted_in, INDEX),
		ROW_LIST_OF(artifact_finding, facts, pair), ROW(artifact_finding, is_ignored, FLAG),
		ROW(artifact_finding, ignored_why, STRING), END}};

static const struct shape gap = {sizeof(struct artifact_gap),
	(const struct member[]){ROW(artifact_gap, what, STRING), ROW(artifact_gap, why, STRING),
		ROW(artifact_gap, layer, UNSIGNED), ROW(artifact_gap, count, U64),
		ROW(artifact_gap, is_serious, FLAG), END}};

static const struct shape coverage = {sizeof(struct artifact_coverage),
	(const struct member[]){ROW(artifact_coverage, layers, U64),
		ROW(artifact_coverage, files, U64), ROW(artifact_coverage, bytes, U64),
		ROW(artifact_coverage, read_files, U64), ROW(artifact_coverage, read_bytes, U64),
		ROW(artifact_coverage, archives, U64), ROW_LIST_OF(artifact_coverage, gaps, gap),
		END}};

const struct shape artifact_report_shape = {sizeof(struct artifact_report),
	(const struct member[]){ROW_OF(artifact_report, image, artifact_image_shape),
		ROW_WORD(artifact_report, verdict, verdicts), ROW(artifact_report, reason, STRING),
		ROW(artifact_report, labels, LABELS), ROW_OF(artifact_report, distro, distro),
		ROW_LIST_OF(artifact_report, findings, finding),
		ROW_OF(artifact_report, coverage, coverage),
		ROW_LIST_OF(artifact_report, packages, package),
		ROW(artifact_report, scanned_ns, U64), ROW(artifact_report, scanner, STRING),
		ROW(artifact_report, knowledge, HEX), END}};
