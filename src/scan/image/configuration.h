/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by the files of the analyzer "configuration". */
#include "scan/image/analyzer.h"

struct config_finding {
	const char *check;
	enum artifact_label label;
	enum artifact_severity severity;
	unsigned confidence;
	struct str title;
	const char *mend;
	struct str excerpt; /* redacted already */
	const char *cis;    /* number in the CIS Docker Benchmark 1.6, or NULL */
};
void config_tell(struct ledger *l, const struct config_finding *f);

/* configuration_text.c: one step, one NAME=value, the command that starts. */
void config_read_step(struct str step, struct ledger *l);
void config_read_env(struct str pair, struct ledger *l);
void config_read_entrypoint(struct str command, struct ledger *l);
