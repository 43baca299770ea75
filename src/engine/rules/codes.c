/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of what can be wrong with a rules file. Names are Falco's, because tools look for them;
 * the sentences are ours.
 */
#include "engine/rules/rules.h"

static const struct {
	const char *name, *desc;
} codes[LOAD_CODE_COUNT] = {
	[LOAD_ERR_FILE_READ] = {"LOAD_ERR_FILE_READ", "The file cannot be read."},
	[LOAD_ERR_YAML_PARSE] = {"LOAD_ERR_YAML_PARSE", "The file is not valid YAML."},
	[LOAD_ERR_YAML_VALIDATE] = {"LOAD_ERR_YAML_VALIDATE",
		"The YAML is valid, but an item does not have the form that rules files need: a "
		"key "
		"is missing, or a value has the wrong type."},
	[LOAD_ERR_COMPILE_CONDITION] = {"LOAD_ERR_COMPILE_CONDITION",
		"A condition is not a valid filter expression."},
	[LOAD_ERR_COMPILE_OUTPUT] = {"LOAD_ERR_COMPILE_OUTPUT",
		"An output is not a valid format: a field in it does not exist or cannot be "
		"printed."},
	[LOAD_ERR_VALIDATE] = {"LOAD_ERR_VALIDATE",
		"A rule, macro, list or exception contradicts another item or a requirement: an "
		"undefined macro, an append to nothing, an engine or plugin version that is not "
		"met."},
	[LOAD_ERR_EXTENSION] = {"LOAD_ERR_EXTENSION", "An item of an extension is wrong."},
	[LOAD_UNKNOWN_SOURCE] = {"LOAD_UNKNOWN_SOURCE",
		"A rule is for an event source that is not there; the rule is skipped."},
	[LOAD_UNSAFE_NA_CHECK] = {"LOAD_UNSAFE_NA_CHECK",
		"A condition compares with <NA>; use `exists` to ask whether there is a value."},
	[LOAD_NO_EVTTYPE] = {"LOAD_NO_EVTTYPE",
		"A condition does not say which events it is about and must be evaluated for "
		"nearly all of them; add an evt.type."},
	[LOAD_UNKNOWN_FILTER] = {"LOAD_UNKNOWN_FILTER",
		"A rule names a field or event type that does not exist; because it says "
		"skip-if-unknown-filter, it is skipped."},
	[LOAD_UNUSED_MACRO] = {"LOAD_UNUSED_MACRO", "A macro is not used by any rule or macro."},
	[LOAD_UNUSED_LIST] = {"LOAD_UNUSED_LIST", "A list is not used by any rule, macro or list."},
	[LOAD_UNKNOWN_ITEM] = {"LOAD_UNKNOWN_ITEM",
		"A top-level item is none that rules files know; it is ignored."},
	[LOAD_DEPRECATED_ITEM] = {"LOAD_DEPRECATED_ITEM",
		"Something is used that has a better replacement."},
	[LOAD_WARNING_EXTENSION] = {"LOAD_WARNING_EXTENSION",
		"An item of an extension deserves a look."},
	[LOAD_APPEND_NO_VALUES] = {"LOAD_APPEND_NO_VALUES",
		"An exception is appended to without any values."},
	[LOAD_EXCEPTION_NAME_NOT_UNIQUE] = {"LOAD_EXCEPTION_NAME_NOT_UNIQUE",
		"Two exceptions of one rule have the same name."},
	[LOAD_INVALID_MACRO_NAME] = {"LOAD_INVALID_MACRO_NAME",
		"A macro has a name that conditions cannot refer to."},
	[LOAD_INVALID_LIST_NAME] = {"LOAD_INVALID_LIST_NAME",
		"A list has a name that conditions may not be able to refer to."},
	[LOAD_COMPILE_CONDITION] = {"LOAD_COMPILE_CONDITION",
		"A condition compiles, but probably does not mean what was meant."},
	[LOAD_UNKNOWN_KEY] = {"LOAD_UNKNOWN_KEY",
		"An item has a key that its kind does not know; the key is ignored."},
};

const char *load_code_name(enum load_code c)
{
	return (unsigned)c < LOAD_CODE_COUNT ? codes[c].name : "?";
}

const char *load_code_desc(enum load_code c)
{
	return (unsigned)c < LOAD_CODE_COUNT ? codes[c].desc : "?";
}

bool load_code_is_error(enum load_code c)
{
	return c <= LOAD_ERR_EXTENSION;
}
