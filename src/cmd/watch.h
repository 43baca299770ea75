/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What `koban watch` does, for `koban up` too. */
#include "cmd/live.h"

/* Until a signal, the duration, or an error; says what is to be said. The exit code. */
int watch_run(struct live_options *o);
