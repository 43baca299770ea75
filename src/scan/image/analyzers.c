/* SPDX-License-Identifier: Apache-2.0 */
/* The analyzers: a row each. */
#include "scan/image/analyzer.h"

extern const struct analyzer_ops analyzer_packages;
extern const struct analyzer_ops analyzer_miners;
extern const struct analyzer_ops analyzer_malware;
extern const struct analyzer_ops analyzer_backdoors;
extern const struct analyzer_ops analyzer_secrets;
extern const struct analyzer_ops analyzer_network;
extern const struct analyzer_ops analyzer_configuration;
extern const struct analyzer_ops analyzer_masquerade;

const struct analyzer_ops *const analyzers[] = {
	&analyzer_packages,
	&analyzer_miners,
	&analyzer_malware,
	&analyzer_backdoors,
	&analyzer_secrets,
	&analyzer_network,
	&analyzer_configuration,
	&analyzer_masquerade,
	NULL,
};
