/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What compilers leave in ELF files (gABI, chapters 4 and 5): Go's build information and
 * cargo-auditable's section. It finds and frames them; go.c and cargo.c read what is inside.
 *
 * Go (debug/buildinfo): 16-byte aligned, "\xff Go buildinf:", a byte with the size of a pointer,
 * one of flags. Flag 2 (since 1.18): at 32 follow two strings, each a varint and its bytes: version
 * and modules. Without it, two pointers follow at 16, each to a pointer and a length; flag 1 then
 * says big endian.
 */
#include <elf.h>

#include "engine/package/private.h"

static const struct str go_magic = STR("\xff Go buildinf:");

enum {
	GO_ALIGN = 16,
	GO_HEADER = 32,
	GO_IS_BIG = 1,
	GO_INLINE = 2,
	GO_FRAME = 16,                 /* bytes before and behind the modules, for debuggers */
	GO_MODULES_BYTES = 2 << 20,    /* of the largest programs it is 200 KiB */
	BINARY_MAX_HEADERS = 4096,     /* sections */
	BINARY_SECTION_BYTES = 4 << 20 /* compressed */
};

/* A field of a structure that exists in two sizes. */
#define ELF_FIELD(w, at, type, field)                                                              \
	((w)->is_64 ? window_number(w, (at) + offsetof(Elf64_##type, field),                       \
			      sizeof(((Elf64_##type *)0)->field))                                  \
		    : window_number(w, (at) + offsetof(Elf32_##type, field),                       \
			      sizeof(((Elf32_##type *)0)->field)))
#define ELF_SIZE(w, type) ((w)->is_64 ? sizeof(Elf64_##type) : sizeof(Elf32_##type))

static void read_segments(struct package_binary *b, struct window *w)
{
	uint64_t at = ELF_FIELD(w, 0, Ehdr, e_phoff);
	uint64_t n = ELF_FIELD(w, 0, Ehdr, e_phnum);

	for (uint64_t i = 0; i < n && b->nsegments < PACKAGE_BINARY_SEGMENTS && !w->bad; i++) {
		uint64_t ph = at + i * ELF_SIZE(w, Phdr);

		if (ELF_FIELD(w, ph, Phdr, p_type) != PT_LOAD || w->bad)
			continue;
		b->segments[b->nsegments].offset = ELF_FIELD(w, ph, Phdr, p_offset);
		b->segments[b->nsegments].size = ELF_FIELD(w, ph, Phdr, p_filesz);
		b->segments[b->nsegments].address = ELF_FIELD(w, ph, Phdr, p_vaddr);
		b->segments[b->nsegments].is_code = ELF_FIELD(w, ph, Phdr, p_flags) & PF_X;
		b->nsegments += !w->bad;
	}
}

static void read_header(struct package_binary *b, struct str s)
{
	struct window w = {.s = s};

	if (s.len < sizeof(Elf32_Ehdr) || memcmp(s.s, ELFMAG, SELFMAG) != 0)
		return;
	b->is_elf = true;
	w.is_64 = b->is_64 = s.s[EI_CLASS] == ELFCLASS64;
	w.is_big = b->is_big = s.s[EI_DATA] == ELFDATA2MSB;
	b->sections = ELF_FIELD(&w, 0, Ehdr, e_shoff);
	b->nsections = (unsigned)ELF_FIELD(&w, 0, Ehdr, e_shnum);
	b->names_index = (unsigned)ELF_FIELD(&w, 0, Ehdr, e_shstrndx);
	read_segments(b, &w);
}

/* ---- Go ------------------------------------------------------------------------------------- */

/* A varint and as many bytes; false when they are not all here. */
static bool go_inline_string(struct window *w, uint64_t *at, struct str *ret)
{
	uint64_t len = 0;

	for (unsigned shift = 0; shift < 63 && !w->bad; shift += 7) {
		uint64_t byte = window_number(w, (*at)++, 1);

		len |= (byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (len > GO_MODULES_BYTES)
			return false;
		*ret = window_bytes(w, *at, len);
		*at += len;
		return !w->bad;
	}
	return false;
}

static bool file_offset(const struct package_binary *b, uint64_t address, uint64_t *ret)
{
	for (unsigned i = 0; i < b->nsegments; i++) {
		uint64_t into = address - b->segments[i].address;

		if (address >= b->segments[i].address && into < b->segments[i].size) {
			*ret = b->segments[i].offset + into;
			return true;
		}
	}
	return false;
}

/* A pointer at `at` to a pointer and a length. */
static bool go_pointed_string(const struct package_binary *b, struct window *w, uint64_t at,
	size_t pointer, struct str *ret)
{
	uint64_t header, text;

	if (!file_offset(b, window_number(w, at, pointer), &header) || w->bad ||
		!file_offset(b, window_number(w, header, pointer), &text) || w->bad)
		return false;
	uint64_t len = window_number(w, header + pointer, pointer);
	*ret = window_bytes(w, text, len);
	return !w->bad && len <= GO_MODULES_BYTES;
}

static bool go_strings(const struct package_binary *b, struct window *w, uint64_t at,
	struct str *version, struct str *modules)
{
	uint64_t pointer = window_number(w, at + 14, 1), flags = window_number(w, at + 15, 1);
	uint64_t next = at + GO_HEADER;

	if (flags & GO_INLINE)
		return go_inline_string(w, &next, version) && go_inline_string(w, &next, modules);
	if ((pointer != 4 && pointer != 8) || flags > GO_IS_BIG)
		return false;
	w->is_big = flags & GO_IS_BIG;
	if (!go_pointed_string(b, w, at + 16, pointer, version))
		return false;
	/* built without modules: the second pointer leads nowhere */
	if (!go_pointed_string(b, w, at + 16 + pointer, pointer, modules))
		*modules = STR_NULL;
	return true;
}

static bool is_go_version(struct str s)
{
	return s.len && s.len < 100 && (str_starts(s, STR("go")) || str_starts(s, STR("devel ")));
}

static bool go_take(
	struct package_binary *b, struct package_job *j, struct str s, uint64_t offset, uint64_t at)
{
	struct window w = {.s = s, .offset = offset, .is_64 = b->is_64, .is_big = b->is_big};
	struct str version, modules;

	/* the same bytes may stand in a program that reads such programs */
	if (!go_strings(b, &w, at, &version, &modules) || !is_go_version(version))
		return false;
	if (modules.len > 2 * GO_FRAME && modules.s[modules.len - GO_FRAME - 1] == '\n')
		modules = str_make(modules.s + GO_FRAME, modules.len - 2 * GO_FRAME);
	else
		modules = STR_NULL;
	b->has_go = true;
	j->type = PACKAGE_GO;
	go_parse_modules(j, version, modules);
	return true;
}

/* The part of the window that lies in a segment, searched at each 16th byte. */
static void go_search(
	struct package_binary *b, struct package_job *j, struct str s, uint64_t offset, unsigned i)
{
	uint64_t begin = b->segments[i].offset, size = b->segments[i].size;
	uint64_t end = begin + size < begin ? UINT64_MAX : begin + size;

	if (begin < offset)
		begin = offset;
	if (end > offset + s.len)
		end = offset + s.len;
	if (begin >= end) /* a segment may be said to begin where rounding up goes round */
		return;
	begin = (begin + GO_ALIGN - 1) & ~(uint64_t)(GO_ALIGN - 1);
	for (uint64_t at = begin; at < end && end - at >= GO_HEADER; at += GO_ALIGN)
		if (memcmp(s.s + (at - offset), go_magic.s, go_magic.len) == 0 &&
			go_take(b, j, s, offset, at))
			return;
}

/* ---- Rust ----------------------------------------------------------------------------------- */

static struct str section_bytes(struct window *w, uint64_t header)
{
	uint64_t at = ELF_FIELD(w, header, Shdr, sh_offset);
	uint64_t size = ELF_FIELD(w, header, Shdr, sh_size);

	return w->bad || size > BINARY_SECTION_BYTES ? STR_NULL : window_bytes(w, at, size);
}

static bool is_named(struct str names, uint64_t at, struct str name)
{
	return at < names.len && str_starts(str_skip(names, (size_t)at), name) &&
	       names.len - at > name.len && names.s[at + name.len] == '\0';
}

/* 0 also when the section headers are not in this window. */
static int cargo_search(struct package_binary *b, struct package_job *j, struct window w)
{
	size_t size = ELF_SIZE(&w, Shdr);

	if (!b->sections || b->nsections > BINARY_MAX_HEADERS || b->names_index >= b->nsections)
		return 0;
	window_bytes(&w, b->sections, b->nsections * size);
	struct str names = section_bytes(&w, b->sections + b->names_index * size);
	if (w.bad)
		return 0;
	b->has_sections = true;
	for (unsigned i = 0; i < b->nsections; i++) {
		uint64_t header = b->sections + i * size;

		if (!is_named(names, ELF_FIELD(&w, header, Shdr, sh_name), STR(".dep-v0")))
			continue;
		struct str section = section_bytes(&w, header);
		if (w.bad || !section.len)
			return job_bad(
				j, "its section .dep-v0 is too far from its section headers");
		j->type = PACKAGE_CARGO;
		return cargo_parse(j, section);
	}
	return 0;
}

int package_parse_binary(struct package_binary *b, struct str path, struct str window,
	uint64_t offset, struct arena *a, package_found found, void *arg, struct err *e)
{
	struct package_job j = {.path = path, .a = a, .found = found, .arg = arg, .e = e};
	int r = 0;

	if (offset == 0)
		read_header(b, window);
	if (!b->is_elf)
		return 0;
	for (unsigned i = 0; i < b->nsegments && !b->has_go; i++)
		if (!b->segments[i].is_code)
			go_search(b, &j, window, offset, i);
	if (!b->has_go && !b->has_sections)
		r = cargo_search(b, &j,
			(struct window){.s = window,
				.offset = offset,
				.is_64 = b->is_64,
				.is_big = b->is_big});
	job_done(&j);
	return r;
}
