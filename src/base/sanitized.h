/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Is this a build under a sanitizer? gcc says so by a macro of each, clang by a feature of each.
 * Such a program maps terabytes of address space for its shadow, makes calls of its own and brings
 * its own malloc: what limits those must step aside for it.
 */
#if defined(__has_feature)
#define SANITIZED_FEATURE(name) __has_feature(name)
#else
#define SANITIZED_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
	SANITIZED_FEATURE(address_sanitizer) || SANITIZED_FEATURE(memory_sanitizer) ||             \
	SANITIZED_FEATURE(thread_sanitizer)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif
