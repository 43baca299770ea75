/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF facts: of this machine's own files, of files that the test makes, and of every cut and every
 * changed byte of them, which must lead nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "scan/image/elf.h"

static struct arena arena;

static int set_up(void **state)
{
	arena_init(&arena, 0);
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&arena);
	return 0;
}

static struct str read_program(const char *path)
{
	struct str s;
	struct err e = {0};

	if (io_read_file(&arena, AT_FDCWD, path, 64 << 20, &s, &e) < 0)
		fail_msg("%s", e.msg);
	return s;
}

/* Compiles a piece of C; skips the test where there is no compiler. */
static struct str compile(const char *source, const char *options)
{
	char dir[] = "/tmp/koban-elf-XXXXXX", command[512], path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.c", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(source, f);
	fclose(f);
	snprintf(command, sizeof(command), "cc -w -o %s/a %s %s", dir, path, options);
	int r = system(command);
	snprintf(path, sizeof(path), "%s/a", dir);
	struct str s = r == 0 ? read_program(path) : STR_NULL;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	if (r != 0)
		skip();
	return s;
}

static void programs_of_this_machine(void **state)
{
	struct elf_facts f;

	assert_false(elf_read(STR("#!/bin/sh"), true, &f));
	assert_false(elf_read(STR_NULL, true, &f));
	assert_true(elf_read(read_program("/proc/self/exe"), true, &f));
	assert_true(f.is_64 == (sizeof(void *) == 8));
	assert_true(f.is_program && !f.is_static && !f.is_kernel_module && !f.is_upx);
	assert_true(f.interpreter.len > 5 && f.nneeded > 0 && f.nsections > 10);
	assert_true(f.code_entropy > 4 && f.code_entropy < 7);
	assert_false(f.has_writable_code || f.has_runnable_stack || f.is_cut);
	assert_non_null(elf_machine_name(f.machine));
	assert_null(elf_machine_name(9999));
}

static void how_it_was_linked(void **state)
{
	struct elf_facts f;

	assert_true(elf_read(compile("int main(void){return 0;}", "-static -s"), true, &f));
	assert_true(f.is_program && f.is_static && f.is_stripped);
	assert_true(elf_read(compile("int main(void){return 0;}", "-static-pie"), true, &f));
	assert_true(f.is_program && f.is_static && !f.is_stripped);
	assert_true(elf_read(compile("int main(void){return 0;}", "-pie"), true, &f));
	assert_true(f.is_program && !f.is_static && !f.is_stripped);
	assert_true(elf_read(compile("int x(void){return 0;}",
				     "-shared -fPIC -Wl,-soname,libx.so.1 -Wl,-rpath,/opt/x"),
		true, &f));
	assert_true(!f.is_program && !f.is_static && str_is(f.soname, "libx.so.1"));
	assert_true(str_is(f.run_path, "/opt/x"));
	assert_int_equal(f.hooks, 0);
	assert_true(elf_read(compile("int main(void){return 0;}", "-Wl,-z,execstack"), true, &f));
	assert_true(f.has_runnable_stack);
}

static void functions_in_front_of_the_c_library(void **state)
{
	static const char hider[] = "#define _GNU_SOURCE\n#include <dlfcn.h>\n"
				    "void *readdir(void *d){return "
				    "((void*(*)(void*))dlsym(RTLD_NEXT, \"readdir\"))(d);}\n"
				    "int stat(void){return 0;} int accept(void){return 0;}";
	struct elf_facts f;

	assert_true(elf_read(compile(hider, "-shared -fPIC"), true, &f));
	assert_int_equal(
		f.hooks, ELF_HOOK_LISTING | ELF_HOOK_STAT | ELF_HOOK_ACCEPT | ELF_IMPORTS_DLSYM);
	assert_true(elf_read(
		compile("#include <dirent.h>\nint f(DIR *d){return !readdir(d);}", "-shared -fPIC"),
		true, &f));
	assert_int_equal(f.hooks, 0);
	assert_true(elf_read(
		compile("int pam_sm_authenticate(void){return 0;}", "-shared -fPIC"), true, &f));
	assert_int_equal(f.hooks, ELF_PAM_MODULE);
}

/* 32 bits and the other byte order, made by hand. */
static void other_machines(void **state)
{
	unsigned char raw[512] = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2MSB, 1};
	struct elf_facts f;

	raw[17] = ET_EXEC;
	raw[19] = EM_MIPS;
	raw[31] = 52; /* segments */
	raw[43] = 32; /* size of one */
	raw[45] = 1;  /* how many */
	raw[52 + 3] = PT_INTERP;
	raw[52 + 7] = 200; /* offset */
	memcpy(raw + 200, "/lib/ld.so.1", 13);
	assert_true(elf_read(str_make((char *)raw, sizeof(raw)), true, &f));
	assert_true(f.is_big_endian && !f.is_64 && f.type == ET_EXEC && f.machine == EM_MIPS);
	assert_true(str_is(f.interpreter, "/lib/ld.so.1"));
	assert_string_equal(elf_machine_name(f.machine), "mips");
}

static void entropy_is_bits_a_byte(void **state)
{
	char bytes[4096];

	memset(bytes, 'a', sizeof(bytes));
	assert_true(elf_entropy(str_make(bytes, sizeof(bytes))) == 0);
	assert_true(elf_entropy(STR_NULL) == 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	assert_true(fabs(elf_entropy(str_make(bytes, sizeof(bytes))) - 8) < 1e-9);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i & 1);
	assert_true(fabs(elf_entropy(str_make(bytes, 4095)) - 1) < 1e-6);
}

/* Cut anywhere, or with a byte changed: read without harm. */
static void damaged_files_are_read_without_harm(void **state)
{
	struct str whole = compile("int x(void){return 0;}", "-shared -fPIC");
	struct elf_facts f;

	for (size_t n = 0; n < whole.len; n += n < 2000 ? 1 : 97) {
		char *copy = malloc(n + 1);

		memcpy(copy, whole.s, n);
		elf_read(str_make(copy, n), true, &f);
		free(copy);
	}
	char *copy = malloc(whole.len);
	for (size_t i = 0; i < 1024; i++) {
		for (int v = 0; v < 256; v += 51) {
			memcpy(copy, whole.s, whole.len);
			copy[i] = (char)v;
			elf_read(str_make(copy, whole.len), true, &f);
		}
	}
	free(copy);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(programs_of_this_machine),
		TEST(how_it_was_linked),
		TEST(functions_in_front_of_the_c_library),
		TEST(other_machines),
		TEST(entropy_is_bits_a_byte),
		TEST(damaged_files_are_read_without_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
