/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What happens, to all who listen (Server-Sent Events, html.spec.whatwg.org). A message is made
 * once; each listener has a bounded queue of them. Who reads too slowly is sent away and counted,
 * and can come back: Last-Event-ID says where it was.
 */
#include <microhttpd.h>

#include "base/buf.h"
#include "base/err.h"

struct hub;
struct listener;
struct connection;
struct connections;

enum {
	HUB_QUEUE_MAX = 512,       /* messages that wait for one listener … */
	HUB_QUEUE_BYTES = 1 << 20, /* … and their bytes */
	HUB_KEPT = 1024,           /* findings that can be sent again */
	HUB_MESSAGE_MAX = 256 << 10,
	HUB_LIFE_S = 3600, /* then a listener has to come again, and show who it is */
};

struct hub_counts {
	uint64_t listeners, messages, slow;
};

int hub_new(struct connections *l, struct hub **ret, struct err *e);
/* All listeners are over from here on; their connections end by themselves. */
void hub_close(struct hub *h);
void hub_free(struct hub *h);
struct hub_counts hub_counts(struct hub *h);

/* `data` is one line. Findings are kept for those who come back; time_ns is theirs. */
void hub_publish(
	struct hub *h, const char *event, struct str data, bool is_finding, uint64_t time_ns);
/* A ping to all, and an end to those whose time is up. Every 15 s. */
void hub_ping(struct hub *h);

/* Where a listener was: "RUN-SEQUENCE-TIME" of its last event; false for another text. */
struct hub_place {
	uint64_t run, sequence, time_ns;
};
bool hub_parse_place(struct str last_event_id, struct hub_place *ret);
/* Whether everything after that place is still here. */
bool hub_has(struct hub *h, const struct hub_place *p);

/*
 * NULL when there are too many in all; one more than a user may have ends the oldest. `from`: begin
 * with what came after it, or NULL. `session` (a hash, or a token's id) is for hub_end().
 */
struct listener *hub_listen(struct hub *h, const char *user, const char *session,
	const struct hub_place *from, struct connection *connection, struct MHD_Connection *mhd);
/* Text before all else, for this one alone: what the store knew. */
void listener_add(struct listener *l, struct str text);
/* MHD_ContentReaderCallback and its end. */
ssize_t listener_read(void *arg, uint64_t pos, char *buf, size_t max);
void listener_free(void *arg);
/* Ends those of this session; of this user with session NULL. */
void hub_end(struct hub *h, const char *user, const char *session);
/* An event with an id, as it goes over the wire. */
void hub_format(const struct hub *h, struct buf *out, const char *event, struct str data,
	uint64_t sequence, uint64_t time_ns);
uint64_t hub_sequence(struct hub *h);
