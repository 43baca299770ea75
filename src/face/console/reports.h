/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The last breaches of the content security policy that browsers reported. */
#include "base/err.h"

struct reports;

int reports_new(struct reports **ret, struct err *e);
void reports_free(struct reports *r);
