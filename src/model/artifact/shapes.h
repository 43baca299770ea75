/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What a report's structs are made of: a table a struct, with the name, kind and place of each
 * member. What walks a report (JSON, copies) walks these.
 */
#include "model/artifact/artifact.h"

enum kind {
	STRING,
	U64,
	UNSIGNED,
	INDEX,  /* int, -1 = none */
	FLAG,   /* bool */
	WORD,   /* an enum, by name */
	LABELS, /* 1 << label, as a list of names */
	HEX,    /* u64 as 16 digits: JSON's numbers end at 2^53 */
	STRINGS,
	HASHES, /* list of u64, as one string of 16 digits each */
	STRUCT,
	STRUCTS,
};

struct words {
	const char *(*name)(int v);
	int count;
};

struct shape {
	size_t size;
	const struct member *members; /* ends with a NULL name */
};

struct member {
	const char *name;
	enum kind kind;
	size_t offset, count; /* count: where the length of a list lies */
	const struct words *words;
	const struct shape *of;
};

/* A member's value in a struct at `base`. */
#define VALUE(type, base, at) (*(const type *)(const void *)((const char *)(base) + (at)))

extern const struct words artifact_labels;
extern const struct shape artifact_report_shape, artifact_image_shape;
