/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chisels: the text of --top (behind a first byte "t"), or a YAML file, opened with an argument,
 * given an event, ended.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "face/chisel/chisel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drop(struct str text, void *arg)
{
}

static void use(struct chisel *c)
{
	struct process p = {.pid = 7, .comm = STR("cat"), .nthreads = 1};
	struct event ev = {.num = 1,
		.ts_ns = 1600000000000000000,
		.enter_ns = 1599999999999999000,
		.code = EV_READ,
		.def = event_def(EV_READ),
		.pid = 7,
		.tid = 7,
		.has_fd = true,
		.fd = {.num = 3, .type = FD_FILE},
		.path = {.name = STR("/etc/passwd")}};
	int64_t res = 10;
	struct field_subject s = {.ev = &ev, .proc = &p};
	struct err e = {0};

	ev.nparams = ev.def->nparams;
	ev.params[event_param_index(ev.def, STR("res"))] =
		str_make((const char *)&res, sizeof(res));
	if (chisel_event(c, &s, &e) >= 0 && chisel_tick(c, ev.ts_ns + 2000000000, &e) >= 0)
		(void)!chisel_end(c, &e);
}

static void try_file(struct str text, const struct chisel_env *env)
{
	struct chisel_catalogue *catalogue;
	const struct chisel_info *info;
	struct str args[] = {STR("proc.name"), STR("5")};
	struct chisel *c;
	struct err e = {0};
	char path[64];
	int fd = memfd_create("chisel", MFD_CLOEXEC);

	if (fd < 0 || io_write_all(fd, text) < 0 ||
		chisel_catalogue_load(NULL, 0, &catalogue, &e) < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	info = chisel_catalogue_find(catalogue, str_of(path), &e);
	for (size_t n = 0; info && n <= 2; n++)
		if (chisel_open(info, args, n, env, &c, &e) == 0) {
			use(c);
			chisel_close(c);
		}
	chisel_catalogue_free(catalogue);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct chisel_env env = {.print = drop, .json = size % 2, .container = size % 3};
	struct chisel *c;
	struct err e = {0};

	if (!size || data[0] != 't') {
		try_file(text, &env);
	} else if (chisel_open_top(str_skip(text, 1), &env, &c, &e) == 0) {
		use(c);
		chisel_close(c);
	}
	return 0;
}
