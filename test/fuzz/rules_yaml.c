/* SPDX-License-Identifier: Apache-2.0 */
/* Rule files: loading, the report in both forms, the description. */
#include "engine/rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size), name = STR("fuzz.yaml");
	struct ruleset_options o = {
		.texts = &text, .text_names = &name, .ntexts = 1, .min_priority = PRIORITY_DEBUG};
	struct buf b = BUF_INIT(8 << 20);
	struct load_report *report;
	struct ruleset *rs;

	ruleset_load(&o, &rs, &report);
	load_report_format_text(report, true, true, &b);
	buf_clear(&b);
	load_report_format_json(report, &b);
	buf_clear(&b);
	if (rs)
		ruleset_describe_json(rs, STR_NULL, &b);
	buf_done(&b);
	load_report_free(report);
	ruleset_unref(rs);
	return 0;
}
