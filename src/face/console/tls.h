/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The server's certificate and key (GnuTLS, through libmicrohttpd), read anew when they change. */
#include <gnutls/abstract.h>

#include "base/err.h"

struct tls;

/* Reads both files; the key has to belong to the certificate. 0 or -errno. */
int tls_new(const char *cert, const char *key, struct tls **ret, struct err *e);
void tls_free(struct tls *t);
/* Reads the files again if they changed. 1 = new ones are in use, 0 = nothing new; -errno = the new
 * ones are bad and the old stay. */
int tls_reload(struct tls *t, struct err *e);
/* Which one tls_retrieve() answers with. */
void tls_use(struct tls *t);

extern const char tls_priorities[];
/* gnutls_certificate_retrieve_function3 */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **certs, unsigned *ncerts, gnutls_ocsp_data_st **ocsp, unsigned *nocsp,
	gnutls_privkey_t *key, unsigned *flags);
