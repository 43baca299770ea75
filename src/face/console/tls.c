/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate and key as files that somebody else renews. Each handshake gets a copy of what is in
 * use, so that a reload need not wait for handshakes that are under way.
 */
#include "face/console/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"

enum { FILE_MAX = 1 << 20, CHAIN_MAX = 16 };

/* TLS 1.2 and 1.3 alone; of 1.2 only what has forward secrecy and authenticated ciphers. */
const char tls_priorities[] =
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-256-GCM:+AES-128-GCM:"
	"+CHACHA20-POLY1305:+AEAD:+SIGN-ALL:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:+GROUP-X25519:"
	"+GROUP-SECP256R1:+GROUP-SECP384R1:+COMP-NULL:%SERVER_PRECEDENCE:%SAFE_RENEGOTIATION";

struct tls {
	pthread_mutex_t lock;
	char *cert_path, *key_path;
	struct stat cert_stat, key_stat;
	gnutls_datum_t cert, key; /* PEM */
};

static int read_pem(const char *path, gnutls_datum_t *ret, struct stat *st, struct err *e)
{
	struct arena a;
	struct str text;

	arena_init(&a, 2 * FILE_MAX);
	int r = io_read_file(&a, AT_FDCWD, path, FILE_MAX, &text, e);
	if (r == 0 && stat(path, st) < 0)
		r = err_set(e, errno, "%s: %s", path, strerror(errno));
	if (r == 0) {
		ret->data = malloc(text.len + 1);
		if (!ret->data)
			r = err_set(e, ENOMEM, "out of memory");
		else
			memcpy(ret->data, text.s, text.len + 1);
		ret->size = (unsigned)text.len;
		gnutls_memset((void *)text.s, 0, text.len);
	}
	arena_done(&a);
	return r;
}

static void forget(gnutls_datum_t *d)
{
	if (d->data)
		gnutls_memset(d->data, 0, d->size);
	free(d->data);
	*d = (gnutls_datum_t){0};
}

/* A certificate that has no such key would fail at each handshake: find out now. */
static int check_pair(
	const struct tls *t, const gnutls_datum_t *cert, const gnutls_datum_t *key, struct err *e)
{
	gnutls_certificate_credentials_t c;

	if (gnutls_certificate_allocate_credentials(&c) < 0)
		return err_set(e, ENOMEM, "out of memory");
	int r = gnutls_certificate_set_x509_key_mem2(c, cert, key, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_certificate_free_credentials(c);
	return r < 0 ? err_set(e, EINVAL, "%s with %s: %s", t->cert_path, t->key_path,
			       gnutls_strerror(r))
		     : 0;
}

static int load(struct tls *t, struct err *e)
{
	gnutls_datum_t cert = {0}, key = {0};
	struct stat cs, ks;
	int r = read_pem(t->cert_path, &cert, &cs, e);

	if (r == 0)
		r = read_pem(t->key_path, &key, &ks, e);
	if (r == 0)
		r = check_pair(t, &cert, &key, e);
	if (r == 0) {
		gnutls_datum_t old_cert = t->cert, old_key = t->key;

		pthread_mutex_lock(&t->lock);
		t->cert = cert;
		t->key = key;
		pthread_mutex_unlock(&t->lock);
		t->cert_stat = cs;
		t->key_stat = ks;
		cert = old_cert;
		key = old_key;
	}
	forget(&cert);
	forget(&key);
	return r;
}

int tls_new(const char *cert, const char *key, struct tls **ret, struct err *e)
{
	struct tls *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_set(e, ENOMEM, "out of memory");
	pthread_mutex_init(&t->lock, NULL);
	t->cert_path = strdup(cert);
	t->key_path = strdup(key);
	r = t->cert_path && t->key_path ? load(t, e) : err_set(e, ENOMEM, "out of memory");
	if (r < 0) {
		tls_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	forget(&t->cert);
	forget(&t->key);
	free(t->cert_path);
	free(t->key_path);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* Notes how it is now, so that what is bad is said once. */
static bool has_changed(const char *path, struct stat *was)
{
	struct stat now;
	bool is_new;

	if (stat(path, &now) < 0)
		return false;
	is_new = now.st_mtim.tv_sec != was->st_mtim.tv_sec ||
		 now.st_mtim.tv_nsec != was->st_mtim.tv_nsec || now.st_ino != was->st_ino ||
		 now.st_size != was->st_size;
	*was = now;
	return is_new;
}

int tls_reload(struct tls *t, struct err *e)
{
	bool cert = has_changed(t->cert_path, &t->cert_stat);
	bool key = has_changed(t->key_path, &t->key_stat);

	if (!cert && !key)
		return 0;
	int r = load(t, e);
	return r < 0 ? r : 1;
}

/* ---- handshakes ---------------------------------------------------------------------------- */

/* GnuTLS gives this callback no argument of ours, so the process has one server. */
static struct tls *in_use;

void tls_use(struct tls *t)
{
	in_use = t;
}

static int copy_key(const gnutls_datum_t *pem, gnutls_privkey_t *ret)
{
	int r = gnutls_privkey_init(ret);

	if (r < 0)
		return r;
	r = gnutls_privkey_import_x509_raw(*ret, pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (r < 0)
		gnutls_privkey_deinit(*ret);
	return r;
}

static int copy_chain(const gnutls_datum_t *pem, gnutls_pcert_st **ret, unsigned *ret_n)
{
	gnutls_pcert_st *certs = gnutls_calloc(CHAIN_MAX, sizeof(*certs));

	*ret_n = CHAIN_MAX;
	if (!certs)
		return GNUTLS_E_MEMORY_ERROR;
	int r = gnutls_pcert_list_import_x509_raw(
		certs, ret_n, pem, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (r < 0)
		gnutls_free(certs);
	else
		*ret = certs;
	return r;
}

int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **certs, unsigned *ncerts, gnutls_ocsp_data_st **ocsp, unsigned *nocsp,
	gnutls_privkey_t *key, unsigned *flags)
{
	struct tls *t = in_use;

	*ocsp = NULL;
	*nocsp = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	pthread_mutex_lock(&t->lock);
	int r = copy_key(&t->key, key);
	if (r >= 0) {
		r = copy_chain(&t->cert, certs, ncerts);
		if (r < 0)
			gnutls_privkey_deinit(*key);
	}
	pthread_mutex_unlock(&t->lock);
	return r < 0 ? -1 : 0;
}
