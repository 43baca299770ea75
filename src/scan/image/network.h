/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Between the files of the network analyzer. */
#include "engine/indicator/indicator.h"
#include "scan/image/literals.h"
#include "scan/image/role.h"

/* Settings of VPNs and other ways around, by the texts in them. */
struct proxy_forms;
int proxy_forms_open(const struct indicators *i, struct proxy_forms **ret, struct err *e);
void proxy_forms_close(struct proxy_forms *p);
/* Says which forms a text has; at most one finding a group. */
void proxy_forms_look(struct proxy_forms *p, struct str text, enum file_role role, uint64_t offset,
	struct ledger *l);
/* Of programs by name, for who has no content to look at. */
void proxy_program_look(
	const struct indicators *i, const struct artifact_file *f, struct ledger *l);
