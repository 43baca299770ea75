/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The way to a syslog server: a unix socket, UDP, TCP (RFC 6587 octet counting) or TLS (RFC 5425).
 */
#include "sink/output/private.h"

enum transport { TRANSPORT_UNIX, TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS };

struct syslog_link;
/* Checks the address and loads certificates; connects to nothing. */
int syslog_link_open(const struct sender_env *env, struct syslog_link **ret, struct err *e);
/* Sends one message, connecting first if need be. After an error the link is down again. */
enum send_result syslog_link_send(struct syslog_link *l, struct str message, struct err *e);
void syslog_link_drop(struct syslog_link *l);
void syslog_link_close(struct syslog_link *l);
