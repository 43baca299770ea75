// SPDX-License-Identifier: Apache-2.0
// The list that one came from, so that a finding leads on to the next, and back to the same place.

let ids: string[] = [];
let last = '';

export function leave(list: string[], at: string) {
	ids = list;
	last = at;
}

export const lastSeen = () => last;

/* The one `step` away in that list; null at its ends, or when one did not come from a list. */
export function along(from: string, step: number): string | null {
	const at = ids.indexOf(from);
	const next = at < 0 ? undefined : ids[at + step];
	if (next) last = next;
	return next ?? null;
}
