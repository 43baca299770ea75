/* SPDX-License-Identifier: Apache-2.0 */
/* How far a share of a sample may be from the share of the whole. */
#include <math.h>

#include "research/survey/survey.h"

void survey_interval(uint64_t k, uint64_t n, double *low, double *high)
{
	static const double z = 1.959963984540054; /* the normal's 97.5th percentile */

	if (!n) {
		*low = 0;
		*high = 1;
		return;
	}
	double total = (double)n, p = (double)k / total, zz = z * z / total;
	double middle = (p + zz / 2) / (1 + zz);
	double half = z / (1 + zz) * sqrt(p * (1 - p) / total + zz / (4 * total));

	*low = k == 0 ? 0 : middle - half;
	*high = k >= n ? 1 : middle + half;
}
