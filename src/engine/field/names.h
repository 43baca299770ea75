/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What fd_sock.c asks of the cache of host names; who makes and fills it is in field.h. */
#include "engine/field/field.h"

/* 1: ip is an address of host; 0: it is not; -1: host is not resolved (yet). */
int field_names_has(const struct field_names *n, struct str host, const struct ip_addr *ip);
/* A host that has the address; the string lives as long as the cache. */
bool field_names_host(const struct field_names *n, const struct ip_addr *ip, struct str *ret);
