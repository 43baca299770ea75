/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The last that sensors said of themselves: what /now shows without asking the store. */
#include "base/buf.h"
#include "sink/store/store.h"

struct latest;

int latest_new(struct latest **ret, struct err *e);
void latest_free(struct latest *l);
/* From the store's on_put: keeps metrics and inventories. */
void latest_take(struct latest *l, const struct store_put_event *ev);
/* The sensor's part of /now, an object; `hostname` empty = the one that spoke last. */
void latest_add_sensor(struct latest *l, struct str hostname, struct buf *out);
/* The containers of the last inventory, by id: processes, CPU, memory, connections. */
void latest_add_container(struct latest *l, struct str id, struct buf *out);
/* "metrics" and "inventory" of the stream: what a page needs of a record. */
void latest_format_metrics(struct str record, struct buf *out);
void latest_format_inventory(struct str record, struct buf *out);
