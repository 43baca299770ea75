/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backdoors: ways in, and ways to stay. A table says which settings file is read by whom; every
 * program and script is looked at besides. It only tells what is there: whether a package owns the
 * file, whether ENTRYPOINT or cron reach it, and what the image is called in the end is the
 * judge's.
 */
#include <errno.h>
#include <stdlib.h>

#include "scan/image/backdoors.h"
#include "scan/image/excerpt.h"

enum { VERSION = 1, ARENA_LIMIT = 16 << 20 };

/* Which file is read by whom: the path is `name`, or begins, ends or is named so. */
enum how { IS, BELOW, ENDS, NAMED, HAS };
static const struct {
	enum how how;
	const char *name;
	backdoor_reader read;
} places[] = {
	{NAMED, "authorized_keys", backdoor_read_authorized},
	{NAMED, "authorized_keys2", backdoor_read_authorized},
	{BELOW, "/etc/ssh/authorized_keys/", backdoor_read_authorized},
	{BELOW, "/etc/dropbear/authorized_keys", backdoor_read_authorized},
	{ENDS, ".pub", backdoor_read_public_key},
	{IS, "/etc/ld.so.preload", backdoor_read_preload},
	{IS, "/etc/passwd", backdoor_read_passwd},
	{IS, "/etc/shadow", backdoor_read_shadow},
	{IS, "/etc/sudoers", backdoor_read_sudoers},
	{BELOW, "/etc/sudoers.d/", backdoor_read_sudoers},
	{BELOW, "/etc/pam.d/", backdoor_read_pam},
	{IS, "/etc/ssh/sshd_config", backdoor_read_sshd},
	{BELOW, "/etc/ssh/sshd_config.d/", backdoor_read_sshd},
	{IS, "/etc/crontab", backdoor_read_crontab},
	{BELOW, "/etc/cron.d/", backdoor_read_crontab},
	{BELOW, "/var/spool/cron/", backdoor_read_crontab},
	{BELOW, "/etc/crontabs/", backdoor_read_crontab},
	{BELOW, "/etc/cron.hourly/", backdoor_read_start},
	{BELOW, "/etc/cron.daily/", backdoor_read_start},
	{BELOW, "/etc/cron.weekly/", backdoor_read_start},
	{BELOW, "/etc/cron.monthly/", backdoor_read_start},
	{BELOW, "/etc/periodic/", backdoor_read_start},
	{BELOW, "/etc/systemd/system/", backdoor_read_unit},
	{BELOW, "/etc/systemd/user/", backdoor_read_unit},
	{BELOW, "/lib/systemd/system/", backdoor_read_unit},
	{BELOW, "/usr/lib/systemd/system/", backdoor_read_unit},
	{BELOW, "/usr/local/lib/systemd/system/", backdoor_read_unit},
	{HAS, "/.config/systemd/user/", backdoor_read_unit},
	{BELOW, "/etc/init.d/", backdoor_read_start},
	{BELOW, "/etc/rc", backdoor_read_start},
	{BELOW, "/etc/local.d/", backdoor_read_start},
	{IS, "/etc/inittab", backdoor_read_start},
	{IS, "/etc/profile", backdoor_read_start},
	{BELOW, "/etc/profile.d/", backdoor_read_start},
	{IS, "/etc/bash.bashrc", backdoor_read_start},
	{IS, "/etc/bashrc", backdoor_read_start},
	{IS, "/etc/environment", backdoor_read_start},
	{BELOW, "/etc/zsh/", backdoor_read_start},
	{IS, "/etc/ssh/sshrc", backdoor_read_start},
	{BELOW, "/etc/update-motd.d/", backdoor_read_start},
	{BELOW, "/etc/apt/apt.conf.d/", backdoor_read_start},
	{BELOW, "/etc/udev/rules.d/", backdoor_read_start},
	{NAMED, ".bashrc", backdoor_read_start},
	{NAMED, ".bash_profile", backdoor_read_start},
	{NAMED, ".bash_login", backdoor_read_start},
	{NAMED, ".bash_logout", backdoor_read_start},
	{NAMED, ".profile", backdoor_read_start},
	{NAMED, ".zshrc", backdoor_read_start},
	{NAMED, ".zshenv", backdoor_read_start},
	{NAMED, ".zprofile", backdoor_read_start},
	{HAS, "/.git/hooks/", backdoor_read_start},
	{HAS, "/.ssh/rc", backdoor_read_start},
	{ENDS, ".pth", backdoor_read_python},
	{NAMED, "usercustomize.py", backdoor_read_python},
	{NAMED, "package.json", backdoor_read_package},
};

static bool is_place(enum how how, struct str path, struct str base, struct str name)
{
	switch (how) {
	case IS:
		return str_eq(path, name);
	case BELOW:
		return str_starts(path, name);
	case ENDS:
		return str_ends(base, name);
	case NAMED:
		return str_eq(base, name);
	case HAS:
		return str_find(path, name) >= 0;
	}
	return false;
}

void backdoor_tell(struct ledger *l, const struct backdoor *b)
{
	struct arena *a = ledger_arena(l);
	struct artifact_pair fact = {str_of(b->fact), b->value};
	struct artifact_finding f = {
		.check = str_of(b->check),
		.label = b->label,
		.severity = b->severity,
		.confidence = b->confidence,
		.title = b->title,
		.mend = str_of(b->mend),
		.facts = &fact,
		.nfacts = b->fact ? 1 : 0,
	};

	if (!f.title.len)
		return; /* memory of this member is used up */
	if (b->content.len) {
		f.offset = b->at;
		f.line = excerpt_line_number(b->content, b->at);
		f.excerpt = excerpt_line(a, b->content, b->at);
	}
	ledger_find(l, &f);
}

static void read_settings(struct backdoors *b, const struct file_view *v, struct ledger *l)
{
	struct str path = v->file->path;
	ptrdiff_t slash = str_rfind_char(path, '/');
	struct str base = str_skip(path, (size_t)(slash + 1));

	if (str_ends(base, STR(".sample")) || str_ends(base, STR(".dpkg-dist")))
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!is_place(places[i].how, path, base, str_of(places[i].name)))
			continue;
		places[i].read(b, v, str_head(v->content, BACKDOOR_TEXT), l);
		if (v->content.len > BACKDOOR_TEXT)
			ledger_gap(l, "larger than 1 MiB: only its begin was read for backdoors",
				false);
		return;
	}
}

static void backdoors_file(void *self, const struct file_view *v, struct ledger *l)
{
	struct backdoors *b = self;

	if (!v->is_first)
		return;
	if (v->is_elf)
		backdoor_see_program(v, l);
	if (!v->is_text)
		return;
	read_settings(b, v, l);
	if (str_starts(v->content, STR("#!"))) {
		backdoor_see_script(v, l);
		backdoor_tell_words(str_head(v->content, BACKDOOR_TEXT), l);
	}
}

static void backdoors_entry(void *self, const struct artifact_file *f, struct ledger *l)
{
	backdoor_see_entry(self, f, l);
}

static void backdoors_close(void *self)
{
	struct backdoors *b = self;

	table_done(&b->expected);
	arena_done(&b->arena);
	free(b);
}

static int backdoors_open(const struct analyzer_options *o, void **ret, struct err *e)
{
	struct backdoors *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_set(e, ENOMEM, "no memory for the list of expected files");
	arena_init(&b->arena, ARENA_LIMIT);
	r = backdoor_load_expected(b, o->data_dir, e);
	if (r < 0) {
		backdoors_close(b);
		return r;
	}
	*ret = b;
	return 0;
}

static uint64_t backdoors_knowledge(void *self)
{
	return hash_u64(((const struct backdoors *)self)->hash ^ VERSION);
}

const struct analyzer_ops analyzer_backdoors = {
	.name = "backdoors",
	.doc = "ways in and ways to stay: keys, accounts, cron, services, setuid files, hidden "
	       "programs",
	.open = backdoors_open,
	.file = backdoors_file,
	.entry = backdoors_entry,
	.knowledge = backdoors_knowledge,
	.close = backdoors_close,
};
