/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* A report with one of everything, and with strings that try to break out of each form. */
#include "model/artifact/artifact.h"

#define NASTY "/opt/<b>&\"'|`\\ \xff\n\x1b[31m\xe2\x80\xae]]>:%41"

static const struct artifact_pair sample_facts[] = {
	{STR("wallet"), STR("4ABC")}, {STR("pool"), STR("pool.example.invalid:3333")}};
static const struct artifact_finding sample_findings[] = {
	{.check = STR("miner-config"),
		.analyzer = STR("miners"),
		.label = LABEL_CRYPTOMINING,
		.severity = ARTIFACT_CRITICAL,
		.confidence = 99,
		.title = STR(
			"A miner's configuration with a pool and a wallet whose checksum is right"),
		.mend = STR("Do not run it."),
		.place = PLACE_FILE,
		.path = STR("/opt/x/config.json"),
		.layer = 1,
		.line = 3,
		.offset = 42,
		.excerpt = STR("\"url\": \"pool.example.invalid:3333\""),
		.created_by = STR("COPY x /opt/x"),
		.reach = REACH_ENTRYPOINT,
		.deleted_in = -1,
		.facts = sample_facts,
		.nfacts = 2},
	{.check = STR("secret-private-key"),
		.analyzer = STR("secrets"),
		.label = LABEL_SECRETS,
		.severity = ARTIFACT_HIGH,
		.confidence = 90,
		.title = STR(NASTY),
		.mend = STR("Take it out and make a new one."),
		.place = PLACE_FILE,
		.path = STR(NASTY),
		.layer = 0,
		.reach = REACH_NONE,
		.deleted_in = 1},
	{.check = STR("secret-private-key"),
		.analyzer = STR("secrets"),
		.label = LABEL_SECRETS,
		.severity = ARTIFACT_HIGH,
		.title = STR("Another key"),
		.place = PLACE_ENV,
		.index = 2,
		.deleted_in = -1,
		.is_ignored = true,
		.ignored_why = STR("a test key " NASTY)},
	{.check = STR("config-no-healthcheck"),
		.analyzer = STR("configuration"),
		.label = LABEL_CONFIGURATION,
		.severity = ARTIFACT_INFO,
		.title = STR("It has no HEALTHCHECK"),
		.place = PLACE_CONFIG,
		.deleted_in = -1},
};
static const struct artifact_package sample_packages[] = {
	{.type = PACKAGE_DPKG,
		.name = STR("libc6"),
		.version = STR("2.36-9+deb12u9"),
		.arch = STR("amd64"),
		.source = STR("glibc"),
		.license = STR("LGPL-2.1"),
		.path = STR("/var/lib/dpkg/status"),
		.purl = STR("pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12"),
		.deleted_in = -1},
	{.type = PACKAGE_NPM,
		.name = STR("left-pad"),
		.version = STR("1.3.0"),
		.path = STR("/app/node_modules/left-pad/package.json"),
		.purl = STR("pkg:npm/left-pad@1.3.0"),
		.layer = 1,
		.deleted_in = -1},
	/* without a purl, twice, and with strings of strangers */
	{.type = PACKAGE_JAR,
		.group = STR(NASTY),
		.name = STR(NASTY),
		.version = STR(NASTY),
		.license = STR(NASTY),
		.maintainer = STR(NASTY),
		.path = STR(NASTY),
		.layer = 99,
		.deleted_in = -1},
	{.type = PACKAGE_JAR,
		.group = STR(NASTY),
		.name = STR(NASTY),
		.version = STR(NASTY),
		.path = STR(NASTY),
		.layer = 99,
		.deleted_in = -1},
	{.type = PACKAGE_GEM,
		.name = STR("gone"),
		.version = STR("1"),
		.path = STR("/g"),
		.deleted_in = 1},
};
static const struct artifact_layer sample_layers[] = {
	{.digest = STR("sha256:aa"), .diff_id = STR("sha256:ab"), .size = 61200000},
	{.digest = STR("sha256:ba"), .diff_id = STR("sha256:bb"), .size = 1100, .from_cache = true},
};
static const struct artifact_gap sample_gaps[] = {
	{STR("/var/big.bin"), STR("larger than 1 GiB: its first 1 GiB was read"), 1, 3, true},
	{STR(NASTY), STR("no archive"), 0, 1, false},
};

static inline struct artifact_report sample_report(void)
{
	return (struct artifact_report){
		.image = {.ref = STR("localhost:5000/evil/ubuntu:22.04"),
			.registry = STR("localhost:5000"),
			.repository = STR("evil/ubuntu"),
			.tag = STR("22.04"),
			.digest = STR(
				"sha256:"
				"0000000000000000000000000000000000000000000000000000000000000001"),
			.platform = STR("linux/amd64"),
			.layers = sample_layers,
			.nlayers = 2},
		.distro = {.id = STR("debian"),
			.version = STR("12"),
			.pretty_name = STR("Debian GNU/Linux 12 (bookworm)"),
			.end_of_life = STR("2028-06-30")},
		.packages = sample_packages,
		.npackages = sizeof(sample_packages) / sizeof(sample_packages[0]),
		.findings = sample_findings,
		.nfindings = 4,
		.labels =
			1U << LABEL_CRYPTOMINING | 1U << LABEL_SECRETS | 1U << LABEL_CONFIGURATION,
		.verdict = VERDICT_MALICIOUS,
		.reason = STR("it starts a miner with the container"),
		.coverage = {.layers = 2,
			.files = 6961,
			.bytes = 171000000,
			.archives = 2,
			.gaps = sample_gaps,
			.ngaps = 2},
		.scanned_ns = UINT64_C(1700000000000000000),
		.scanner = STR("koban 0.1.0"),
		.knowledge = 7};
}
