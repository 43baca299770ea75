/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings files, scripts and texts of the config as a stranger may have written them, through the
 * analyzers "backdoors" and "configuration". The first byte chooses what the rest is.
 */
#include <stdlib.h>

#include "fake_ledger.h"

extern const struct analyzer_ops analyzer_backdoors, analyzer_configuration;

static const char *const paths[] = {"/root/.ssh/authorized_keys", "/srv/x.pub",
	"/etc/ld.so.preload", "/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/pam.d/x",
	"/etc/ssh/sshd_config", "/etc/crontab", "/var/spool/cron/root",
	"/etc/systemd/system/x.service", "/etc/init.d/x", "/root/.bashrc", "/usr/lib/python3/x.pth",
	"/x/package.json", "/usr/bin/ps", "/x"};
enum { NPATHS = sizeof(paths) / sizeof(paths[0]) };

static void check(const struct ledger *l)
{
	for (size_t i = 0; i < l->nfindings; i++)
		for (size_t k = 0; k < l->findings[i].excerpt.len; k++)
			if ((unsigned char)l->findings[i].excerpt.s[k] < 32)
				abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ledger l;
	static void *self;
	struct err e = {0};

	if (!self) {
		fake_ledger_init(&l);
		if (analyzer_backdoors.open(&(struct analyzer_options){0}, &self, &e) < 0)
			abort();
	}
	if (!size)
		return 0;
	fake_ledger_clear(&l);
	struct str rest = str_make((const char *)data + 1, size - 1);
	if (data[0] % 32 < NPATHS) {
		fake_show(&analyzer_backdoors, self, &l, paths[data[0] % 32], 0755, rest);
	} else {
		char *text = malloc(size);

		memcpy(text, rest.s, rest.len);
		text[rest.len] = 0;
		fake_show_text(&analyzer_configuration, NULL, &l,
			data[0] & 32   ? PLACE_ENV
			: data[0] & 64 ? PLACE_ENTRYPOINT
				       : PLACE_HISTORY,
			0, text);
		free(text);
	}
	check(&l);
	return 0;
}
