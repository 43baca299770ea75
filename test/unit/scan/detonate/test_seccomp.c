/* SPDX-License-Identifier: Apache-2.0 */
/* The profile of a detonated image: what must never be in it, and that it can be loaded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "scan/detonate/private.h"

/* Each is a way to the kernel's depths or out of the container. */
static const char *const never[] = {"mount", "umount2", "umount", "pivot_root", "chroot", "setns",
	"unshare", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	"keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "open_by_handle_at", "name_to_handle_at",
	"reboot", "swapon", "swapoff", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime",
	"acct", "quotactl", "syslog", "sethostname", "setdomainname", "iopl", "ioperm",
	"fanotify_init", "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr",
	"socketcall", "lookup_dcookie", "vhangup", "nfsservctl", "mbind", "migrate_pages",
	"move_pages", "clone3", "uselib", "ustat", "sysfs", "_sysctl", "vm86", "vm86old"};

static bool allows(const json_t *profile, const char *name, bool unconditionally)
{
	size_t i, k;
	json_t *rule, *one;

	json_array_foreach(json_object_get(profile, "syscalls"), i, rule)
	{
		if (strcmp(json_string_value(json_object_get(rule, "action")), "SCMP_ACT_ALLOW"))
			continue;
		if (unconditionally && json_object_get(rule, "args"))
			continue;
		json_array_foreach(json_object_get(rule, "names"), k, one)
		{
			if (!strcmp(json_string_value(one), name))
				return true;
		}
	}
	return false;
}

static void refuses_ways_out(void **state)
{
	json_t *p = seccomp_profile();

	(void)state;
	assert_non_null(p);
	assert_string_equal(
		json_string_value(json_object_get(p, "defaultAction")), "SCMP_ACT_ERRNO");
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (allows(p, never[i], false))
			fail_msg("%s is allowed", never[i]);
	json_decref(p);
}

static void allows_by_argument_only(void **state)
{
	static const char *const checked[] = {"socket", "clone", "personality"};
	json_t *p = seccomp_profile();

	(void)state;
	for (size_t i = 0; i < sizeof(checked) / sizeof(*checked); i++) {
		assert_true(allows(p, checked[i], false));
		assert_false(allows(p, checked[i], true));
	}
	assert_true(allows(p, "execve", true));
	json_decref(p);
}

/* A family that is in no rule cannot be opened: the profile is a list of what may be. */
static void names_four_families(void **state)
{
	json_t *p = seccomp_profile();
	size_t i;
	json_t *rule;

	(void)state;
	json_array_foreach(json_object_get(p, "syscalls"), i, rule)
	{
		const json_t *names = json_object_get(rule, "names");
		const json_t *first = json_array_get(json_object_get(rule, "args"), 0);

		if (strcmp(json_string_value(json_array_get(names, 0)), "socket"))
			continue;
		assert_string_equal(json_string_value(json_object_get(first, "op")), "SCMP_CMP_EQ");
		json_int_t family = json_integer_value(json_object_get(first, "value"));
		assert_true(family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
			    family == AF_NETLINK);
	}
	json_decref(p);
}

/* A name that no kernel has would silently allow nothing: a slip of the pen. */
static void knows_its_calls(void **state)
{
	json_t *p = seccomp_profile();
	size_t i, k;
	json_t *rule, *one;

	(void)state;
	json_array_foreach(json_object_get(p, "syscalls"), i, rule)
	{
		json_array_foreach(json_object_get(rule, "names"), k, one)
		{
			if (seccomp_syscall_resolve_name(json_string_value(one)) == __NR_SCMP_ERROR)
				fail_msg("%s is no system call", json_string_value(one));
		}
	}
	json_decref(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_ways_out),
		cmocka_unit_test(allows_by_argument_only),
		cmocka_unit_test(names_four_families),
		cmocka_unit_test(knows_its_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
