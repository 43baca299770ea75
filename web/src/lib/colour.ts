// SPDX-License-Identifier: Apache-2.0
// The style sheet's colours for what draws on a canvas.
import { shown } from './settings';

/* A token's value under the theme that is shown; reading it makes the caller follow the theme. */
export function colour(token: string): string {
	void shown.value;
	return getComputedStyle(document.documentElement).getPropertyValue(`--${token}`).trim();
}
