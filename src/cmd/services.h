/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Names of ports, from /etc/services (services(5)): read once, asked for each line. */
#include "base/err.h"

struct services;
int services_open(const char *path, struct services **ret, struct err *e);
void services_close(struct services *s);
/* The first name that stands there, or NULL. `services` may be NULL; l4proto is of IPPROTO_. */
const char *services_name(const void *services, uint16_t port, uint8_t l4proto);
