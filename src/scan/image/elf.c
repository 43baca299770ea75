/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads ELF headers, segments, the dynamic section and its symbols. It follows the dynamic section
 * (what the loader would believe) and not the section headers (what tools show), except to tell
 * whether symbols were stripped and whether an object is a kernel module. It disassembles nothing.
 */
#include "scan/image/elf.h"

#include <elf.h>
#include <endian.h>
#include <math.h>

#include "base/cursor.h"

struct segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, file_size;
};

struct reader {
	struct str all;
	struct elf_facts *f;
	struct segment segments[ELF_MAX_SEGMENTS];
	/* of the dynamic section, addresses */
	uint64_t strtab, strtab_size, symtab, hash, soname, run_path;
	bool is_pie, has_dynamic;
};

/* ---- numbers ------------------------------------------------------------------------------ */

static struct cursor at(const struct reader *r, uint64_t offset)
{
	struct str rest = offset <= r->all.len ? str_skip(r->all, (size_t)offset) : STR_NULL;
	struct cursor c = cursor_of(rest.s, rest.len);

	c.bad = offset > r->all.len;
	return c;
}

static uint16_t half(const struct reader *r, struct cursor *c)
{
	uint16_t v = cursor_u16(c);

	return r->f->is_big_endian ? be16toh(v) : v;
}

static uint32_t word(const struct reader *r, struct cursor *c)
{
	uint32_t v = cursor_u32(c);

	return r->f->is_big_endian ? be32toh(v) : v;
}

/* An address, offset or size. */
static uint64_t wide(const struct reader *r, struct cursor *c)
{
	uint64_t v;

	if (!r->f->is_64)
		return word(r, c);
	v = cursor_u64(c);
	return r->f->is_big_endian ? be64toh(v) : v;
}

/* The text at an offset of the file, up to its NUL. */
static struct str text_at(const struct reader *r, uint64_t offset, size_t max)
{
	if (offset >= r->all.len)
		return STR_NULL;
	struct str s = str_head(str_skip(r->all, (size_t)offset), max);
	ptrdiff_t nul = str_find_char(s, '\0');

	return nul < 0 ? STR_NULL : str_head(s, (size_t)nul);
}

/* Where in the file an address lies; UINT64_MAX = nowhere. */
static uint64_t offset_of(const struct reader *r, uint64_t address)
{
	for (unsigned i = 0; i < r->f->nsegments; i++) {
		const struct segment *s = &r->segments[i];

		if (s->type == PT_LOAD && address >= s->vaddr && address - s->vaddr < s->file_size)
			return s->offset + (address - s->vaddr);
	}
	return UINT64_MAX;
}

/* ---- segments ----------------------------------------------------------------------------- */

double elf_entropy(struct str bytes)
{
	uint32_t counts[4][256] = {{0}};
	double bits = 0;
	size_t i = 0;

	/* four tables, so that equal neighbours do not wait for each other */
	for (; i + 4 <= bytes.len; i += 4)
		for (size_t k = 0; k < 4; k++)
			counts[k][(unsigned char)bytes.s[i + k]]++;
	for (; i < bytes.len; i++)
		counts[0][(unsigned char)bytes.s[i]]++;
	for (size_t b = 0; b < 256; b++) {
		double n = (double)counts[0][b] + counts[1][b] + counts[2][b] + counts[3][b];

		if (n > 0)
			bits -= n * log2(n / (double)bytes.len);
	}
	return bytes.len ? bits / (double)bytes.len : 0;
}

static void measure_code(struct reader *r, const struct segment *s)
{
	enum { ENOUGH = 4096 };

	if (s->offset >= r->all.len || r->f->code_entropy > 0)
		return;
	struct str code = str_head(str_skip(r->all, (size_t)s->offset),
		(size_t)(s->file_size < ELF_ENTROPY_BYTES ? s->file_size : ELF_ENTROPY_BYTES));
	if (code.len >= ENOUGH)
		r->f->code_entropy = elf_entropy(code);
}

static void read_segment(struct reader *r, uint64_t offset, struct segment *s)
{
	struct cursor c = at(r, offset);

	s->type = word(r, &c);
	if (r->f->is_64)
		s->flags = word(r, &c);
	s->offset = wide(r, &c);
	s->vaddr = wide(r, &c);
	wide(r, &c); /* physical address */
	s->file_size = wide(r, &c);
	wide(r, &c); /* size in memory */
	if (!r->f->is_64)
		s->flags = word(r, &c);
	if (c.bad) {
		*s = (struct segment){0};
		r->f->is_cut = true;
	}
}

static void apply_segment(struct reader *r, const struct segment *s)
{
	struct elf_facts *f = r->f;

	switch (s->type) {
	case PT_LOAD:
		if ((s->flags & (PF_W | PF_X)) == (PF_W | PF_X))
			f->has_writable_code = true;
		if (s->flags & PF_X)
			measure_code(r, s);
		if (s->offset > r->all.len || s->file_size > r->all.len - s->offset)
			f->is_cut = true;
		break;
	case PT_INTERP:
		f->interpreter = text_at(r, s->offset, 256);
		break;
	case PT_GNU_STACK:
		f->has_runnable_stack = (s->flags & PF_X) != 0;
		break;
	default:
		break;
	}
}

/* ---- the dynamic section ------------------------------------------------------------------ */

static void read_dynamic(struct reader *r, const struct segment *s)
{
	struct cursor c = at(r, s->offset);

	r->has_dynamic = true;
	for (unsigned i = 0; i < ELF_MAX_DYNAMIC && !c.bad; i++) {
		uint64_t tag = wide(r, &c), value = wide(r, &c);

		if (c.bad || tag == DT_NULL)
			break;
		if (tag == DT_NEEDED)
			r->f->nneeded++;
		else if (tag == DT_STRTAB)
			r->strtab = value;
		else if (tag == DT_STRSZ)
			r->strtab_size = value;
		else if (tag == DT_SYMTAB)
			r->symtab = value;
		else if (tag == DT_HASH)
			r->hash = value;
		else if (tag == DT_SONAME)
			r->soname = value;
		else if (tag == DT_FLAGS_1)
			r->is_pie = (value & DF_1_PIE) != 0;
		else if (tag == DT_RPATH || tag == DT_RUNPATH)
			r->run_path = value;
	}
}

static const struct hook {
	const char *name;
	uint32_t hook;
} hooks[] = {
	{"readdir", ELF_HOOK_LISTING},
	{"readdir64", ELF_HOOK_LISTING},
	{"getdents64", ELF_HOOK_LISTING},
	{"stat", ELF_HOOK_STAT},
	{"stat64", ELF_HOOK_STAT},
	{"lstat", ELF_HOOK_STAT},
	{"lstat64", ELF_HOOK_STAT},
	{"__xstat", ELF_HOOK_STAT},
	{"__xstat64", ELF_HOOK_STAT},
	{"__lxstat", ELF_HOOK_STAT},
	{"__lxstat64", ELF_HOOK_STAT},
	{"open", ELF_HOOK_OPEN},
	{"open64", ELF_HOOK_OPEN},
	{"openat", ELF_HOOK_OPEN},
	{"fopen", ELF_HOOK_OPEN},
	{"fopen64", ELF_HOOK_OPEN},
	{"access", ELF_HOOK_OPEN},
	{"unlink", ELF_HOOK_UNLINK},
	{"unlinkat", ELF_HOOK_UNLINK},
	{"rmdir", ELF_HOOK_UNLINK},
	{"rename", ELF_HOOK_UNLINK},
	{"kill", ELF_HOOK_KILL},
	{"ptrace", ELF_HOOK_KILL},
	{"accept", ELF_HOOK_ACCEPT},
	{"accept4", ELF_HOOK_ACCEPT},
	{"listen", ELF_HOOK_ACCEPT},
	{"pam_authenticate", ELF_HOOK_PAM},
	{"pam_open_session", ELF_HOOK_PAM},
	{"pam_acct_mgmt", ELF_HOOK_PAM},
	{"pam_vprompt", ELF_HOOK_PAM},
	{"execve", ELF_HOOK_EXEC},
	{"execvp", ELF_HOOK_EXEC},
	{"getpwnam", ELF_HOOK_ACCOUNT},
	{"getpwnam_r", ELF_HOOK_ACCOUNT},
	{"getpwuid", ELF_HOOK_ACCOUNT},
	{"read", ELF_HOOK_READ},
	{"write", ELF_HOOK_READ},
	{"fgets", ELF_HOOK_READ},
	{"__asan_init", ELF_IS_SANITIZER},
	{"__tsan_init", ELF_IS_SANITIZER},
	{"__msan_init", ELF_IS_SANITIZER},
	{"__memprof_init", ELF_IS_SANITIZER},
	{"__hwasan_init", ELF_IS_SANITIZER},
	{"pam_sm_authenticate", ELF_PAM_MODULE},
	{"__libc_start_main", ELF_IS_C_LIBRARY},
};

static uint32_t hook_of(struct str name)
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (name.len && name.s[0] == hooks[i].name[0] && str_is(name, hooks[i].name))
			return hooks[i].hook;
	return 0;
}

/*
 * How many symbols there are is said by the hash table, or follows from where their names begin,
 * which every linker puts behind them.
 */
static uint64_t count_symbols(const struct reader *r, uint64_t symbols, uint64_t names)
{
	uint64_t size = r->f->is_64 ? 24 : 16, n = 0;

	if (r->hash) {
		struct cursor c = at(r, offset_of(r, r->hash));

		word(r, &c);
		n = word(r, &c);
	}
	if (!n && names > symbols)
		n = (names - symbols) / size;
	return n && n < ELF_MAX_SYMBOLS ? n : ELF_MAX_SYMBOLS;
}

static void read_symbols(struct reader *r)
{
	uint64_t symbols = offset_of(r, r->symtab), names = offset_of(r, r->strtab);

	if (!r->symtab || !r->strtab || symbols == UINT64_MAX || names == UINT64_MAX)
		return;
	uint64_t n = count_symbols(r, symbols, names);
	struct cursor c = at(r, symbols);
	for (uint64_t i = 0; i < n && !c.bad; i++) {
		uint32_t name = word(r, &c);
		uint16_t section;

		if (r->f->is_64) {
			cursor_take(&c, 2);
			section = half(r, &c);
			cursor_take(&c, 16);
		} else {
			cursor_take(&c, 10);
			section = half(r, &c);
		}
		if (c.bad || name >= r->strtab_size)
			break; /* these are no symbols any more */
		if (!name)
			continue;
		struct str s = text_at(r, names + name, 64);
		if (section != SHN_UNDEF)
			r->f->hooks |= hook_of(s);
		else if (str_is(s, "dlsym") || str_is(s, "dlvsym"))
			r->f->hooks |= ELF_IMPORTS_DLSYM;
	}
}

static void read_names(struct reader *r)
{
	uint64_t names = offset_of(r, r->strtab);

	if (!r->strtab || names == UINT64_MAX)
		return;
	if (r->soname && r->soname < r->strtab_size)
		r->f->soname = text_at(r, names + r->soname, 256);
	if (r->run_path && r->run_path < r->strtab_size)
		r->f->run_path = text_at(r, names + r->run_path, 1024);
}

/* ---- sections ----------------------------------------------------------------------------- */

static void read_sections(
	struct reader *r, uint64_t offset, unsigned size, unsigned n, unsigned names_index)
{
	unsigned least = r->f->is_64 ? 64 : 40;
	uint64_t names = 0;
	bool has_symbols = false;

	if (!n || size < least || offset > r->all.len) {
		/* they may lie behind the window that is shown: then nobody knows */
		r->f->is_stripped = !n || size < least;
		return;
	}
	r->f->nsections = n;
	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < n && i < ELF_MAX_SECTIONS; i++) {
			struct cursor c = at(r, offset + (uint64_t)i * size);
			uint32_t name = word(r, &c), type = word(r, &c);

			wide(r, &c);
			wide(r, &c);
			uint64_t where = wide(r, &c);
			if (c.bad)
				break;
			if (pass == 0 && i == names_index)
				names = where;
			has_symbols |= type == SHT_SYMTAB;
			if (pass == 1 && names && r->f->type == ET_REL &&
				str_is(text_at(r, names + name, 16), ".modinfo"))
				r->f->is_kernel_module = true;
		}
	}
	r->f->is_stripped = !has_symbols;
}

/* ---- the file ----------------------------------------------------------------------------- */

static void judge(struct reader *r)
{
	struct elf_facts *f = r->f;

	f->is_program = f->type == ET_EXEC ||
			(f->type == ET_DYN && (f->interpreter.len || r->is_pie ||
						      (!r->has_dynamic && f->nsegments)));
	f->is_static = f->is_program && !f->interpreter.len && !f->nneeded;
	f->is_upx = str_find(str_head(r->all, 1024), STR("UPX!")) >= 0;
}

bool elf_read(struct str content, bool is_whole, struct elf_facts *ret)
{
	struct reader r = {.all = content, .f = ret};
	struct cursor c = cursor_of(content.s, content.len);
	const uint8_t *ident = cursor_take(&c, EI_NIDENT);

	*ret = (struct elf_facts){0};
	if (!ident || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return false;
	ret->is_64 = ident[EI_CLASS] == ELFCLASS64;
	ret->is_big_endian = ident[EI_DATA] == ELFDATA2MSB;
	ret->type = half(&r, &c);
	ret->machine = half(&r, &c);
	word(&r, &c);
	wide(&r, &c); /* entry */
	uint64_t segments = wide(&r, &c), sections = wide(&r, &c);
	word(&r, &c);
	half(&r, &c);
	unsigned segment_size = half(&r, &c), nsegments = half(&r, &c);
	unsigned section_size = half(&r, &c), nsections = half(&r, &c), names = half(&r, &c);
	if (c.bad) {
		ret->is_cut = true;
		return true;
	}
	ret->nsegments = nsegments < ELF_MAX_SEGMENTS ? nsegments : ELF_MAX_SEGMENTS;
	if (segment_size < (ret->is_64 ? 56u : 32u) || segments > content.len)
		ret->nsegments = 0;
	for (unsigned i = 0; i < ret->nsegments; i++) {
		read_segment(&r, segments + (uint64_t)i * segment_size, &r.segments[i]);
		apply_segment(&r, &r.segments[i]);
	}
	for (unsigned i = 0; i < ret->nsegments; i++)
		if (r.segments[i].type == PT_DYNAMIC)
			read_dynamic(&r, &r.segments[i]);
	read_names(&r);
	read_symbols(&r);
	read_sections(&r, sections, section_size, nsections, names);
	judge(&r);
	ret->is_cut = ret->is_cut && is_whole;
	return true;
}

const char *elf_machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_386:
		return "x86";
	case EM_X86_64:
		return "x86-64";
	case EM_ARM:
		return "arm";
	case EM_AARCH64:
		return "arm64";
	case EM_MIPS:
		return "mips";
	case EM_PPC:
		return "powerpc";
	case EM_PPC64:
		return "powerpc64";
	case EM_S390:
		return "s390";
	case EM_RISCV:
		return "riscv";
	case EM_SPARC:
		return "sparc";
	case EM_SH:
		return "sh";
	case EM_68K:
		return "m68k";
	default:
		return NULL;
	}
}
