/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the headers of an ELF file say of the program: how it is linked, what it exports that hides
 * things, whether it is packed. From the file's first bytes, of which nothing is believed: every
 * offset is checked, every count has a cap. Sources: System V gABI chapters 4 and 5, elf(5).
 */
#include "base/str.h"

enum {
	ELF_MAX_SEGMENTS = 64,
	ELF_MAX_SECTIONS = 4096,
	ELF_MAX_SYMBOLS = 20000,
	ELF_MAX_DYNAMIC = 512,
	ELF_ENTROPY_BYTES = 1 << 20, /* of the code that is measured */
};

/* Functions which a library that hides or listens puts in place of libc's (exported by the file).
 */
enum elf_hook {
	ELF_HOOK_LISTING = 1 << 0,   /* readdir, readdir64, getdents64 */
	ELF_HOOK_STAT = 1 << 1,      /* stat, lstat, __xstat … */
	ELF_HOOK_OPEN = 1 << 2,      /* open, fopen, access … */
	ELF_HOOK_UNLINK = 1 << 3,    /* unlink, rename, rmdir */
	ELF_HOOK_KILL = 1 << 4,      /* kill, ptrace */
	ELF_HOOK_ACCEPT = 1 << 5,    /* accept, accept4, listen */
	ELF_HOOK_PAM = 1 << 6,       /* pam_authenticate, pam_open_session, pam_acct_mgmt */
	ELF_HOOK_EXEC = 1 << 7,      /* execve, execvp */
	ELF_HOOK_ACCOUNT = 1 << 8,   /* getpwnam, getpwuid */
	ELF_HOOK_READ = 1 << 9,      /* read, write, fgets */
	ELF_IMPORTS_DLSYM = 1 << 10, /* and asks for the real one */
	ELF_IS_SANITIZER = 1 << 11,  /* of a compiler: does the same to find bugs */
	ELF_PAM_MODULE = 1 << 12,    /* exports pam_sm_authenticate */
	ELF_IS_C_LIBRARY = 1 << 13,  /* exports __libc_start_main */
};

struct elf_facts {
	bool is_64, is_big_endian;
	uint16_t type;    /* ET_EXEC 2, ET_DYN 3, ET_REL 1 */
	uint16_t machine; /* EM_X86_64 62 … */
	unsigned nsegments, nsections, nneeded;
	struct str interpreter, soname, run_path; /* borrowed from the content */
	bool is_program;                          /* not a library, an object or a module */
	bool is_static;          /* a program without interpreter and without needed libraries */
	bool is_stripped;        /* no table of symbols */
	bool is_kernel_module;   /* an object with .modinfo */
	bool is_upx;             /* UPX's marker near the front */
	bool has_writable_code;  /* a segment that may be written and run */
	bool has_runnable_stack; /* PT_GNU_STACK asks for it */
	bool is_cut;             /* headers point behind the end of what was shown */
	uint32_t hooks;          /* enum elf_hook */
	double code_entropy;     /* bits a byte of the segment that is run; 0 = not measured */
};

/* False: no ELF file. `content` is its first window; is_whole says whether it is all. */
bool elf_read(struct str content, bool is_whole, struct elf_facts *ret);
/* "x86-64", "arm64" …; NULL when it is not known here. */
const char *elf_machine_name(uint16_t machine);
/* Bits a byte, 0 to 8. */
double elf_entropy(struct str bytes);
