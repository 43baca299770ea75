/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The OpenAPI document, from the rows of the routes. */
#include "face/console/route.h"

void openapi_add(const struct router *r, struct buf *out);
