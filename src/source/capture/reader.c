/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-in until the reader is there. */
#include "source/capture/capture.h"
#include <errno.h>
int capture_open(
	const char *path, const struct capture_options *o, struct capture **ret, struct err *e)
{
	return err_set(e, ENOSYS, "%s: captures cannot be read yet", path);
}
int capture_next(struct capture *c, struct arena *a, struct event *ret, struct err *e)
{
	return -ENOSYS;
}
const struct capture_info *capture_info(const struct capture *c)
{
	return NULL;
}
double capture_progress(const struct capture *c)
{
	return -1;
}
void capture_close(struct capture *c)
{
}
