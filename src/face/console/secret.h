/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Secrets: made from the kernel's random numbers, kept only as hashes. A password is hashed slowly
 * (scrypt, RFC 7914), because people choose it; a session or token is 256 random bits, for which
 * one SHA-256 is enough.
 */
#include "base/arena.h"
#include "base/err.h"

enum {
	SECRET_TEXT = 43,      /* 256 bits as base64url without padding (RFC 4648, 5) */
	SECRET_HASH_TEXT = 64, /* SHA-256 in hex */
	PASSWORD_HASH_MAX = 160,
	PASSWORD_MIN = 12,
	PASSWORD_MAX = 1024,
};

/* 256 random bits as text, with a NUL. 0 or -errno. */
int secret_make(char ret[SECRET_TEXT + 1]);
/* SHA-256 of prefix, NUL and secret, in hex, with a NUL. 0 or -ENOMEM. */
int secret_hash(const char *prefix, struct str secret, char ret[SECRET_HASH_TEXT + 1])
	__attribute__((warn_unused_result));
/* In a time that does not tell where they differ. */
bool secret_equal(struct str a, struct str b);
/* Overwrites it for good. */
void secret_wipe(void *p, size_t n);

/* "$scrypt$ln=15,r=8,p=1$SALT$HASH", with a NUL. It takes about a tenth of a second. 0 or -errno.
 */
int password_hash(struct str password, char ret[PASSWORD_HASH_MAX]);
/*
 * Whether the password has this hash. An empty or broken hash takes as long as a good one and is
 * never right, so that nobody learns which users exist.
 */
bool password_verify(struct str password, struct str hash);
/* False, and a sentence on why, for one that is too short, too long, or the user's name. */
bool password_is_fit(struct str password, struct str user, struct err *e);
