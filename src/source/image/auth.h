/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Who may pull: challenges of a registry, credentials of this user, tokens of a token server. */
#include "source/image/fetch.h"

struct challenge {
	bool is_bearer; /* else Basic */
	struct str realm, service, scope;
};
/*
 * The challenge to answer among the lines of WWW-Authenticate (RFC 9110, 11.6.1): Bearer if there
 * is one. False when there is none that is known, or it is malformed.
 */
bool challenge_parse(struct str lines, struct arena *a, struct challenge *ret);

struct credential {
	struct str user, password;
	struct str identity_token; /* to be exchanged for access tokens, instead of them */
};
/*
 * What this user has for a registry: in the options, Docker's configuration, or that of containers'
 * tools. 0, also when there is none; -errno when there is something and it cannot be read.
 */
int credential_find(const struct image_options *o, struct str registry, struct str repository,
	bool is_mirror, struct arena *a, struct credential *ret, struct err *e);
/* Of one configuration file's text; whether it has something. Runs helpers when `helpers`. */
int credential_in_file(struct str text, const char *path, struct str registry,
	struct str repository, bool helpers, struct arena *a, struct credential *ret,
	struct err *e);
/* docker-credential-NAME get, within its time (helper.c). 0, also when it has nothing. */
int credential_ask_helper(
	struct str name, struct str server, struct arena *a, struct credential *ret, struct err *e);

/* "Basic …" */
struct str auth_basic(const struct credential *c, struct arena *a);
/* Gets a token: "Bearer …" */
int auth_token(struct fetcher *h, const struct challenge *c, const struct credential *cred,
	const char *registry, struct arena *a, struct str *ret, struct err *e);
