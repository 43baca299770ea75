/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS in the sinkhole: an authority that exists for one run, in memory, and a certificate for
 * whatever name a client asks for. Its own certificate is put among the trusted ones of the copy of
 * the image that is run (rootfs_finish.c); nobody else ever trusts it.
 */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "scan/detonate/sink.h"

enum { DAY_S = 86400, BEFORE_DAYS = 30, AFTER_DAYS = 300, CA_AFTER_DAYS = 3000 };

struct sink_authority {
	EVP_PKEY *key, *leaf_key;
	X509 *cert;
	SSL_CTX *ctx;
	char *pem;
	long serial;
};

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *x = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
	bool ok = x && X509_add_ext(cert, x, -1) == 1;
	X509_EXTENSION_free(x);
	return ok;
}

static bool set_name(X509_NAME *name, const char *common)
{
	/* a common name has at most 64 characters; the whole one is in the extension */
	int n = (int)strnlen(common, 64);

	return X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_ASC, (const unsigned char *)common, n, -1, 0) == 1;
}

static X509 *begin(struct sink_authority *a, EVP_PKEY *key, const char *common, long after_days)
{
	X509 *c = X509_new();

	if (!c)
		return NULL;
	X509_set_version(c, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(c), ++a->serial);
	X509_gmtime_adj(X509_getm_notBefore(c), -(long)BEFORE_DAYS * DAY_S);
	X509_gmtime_adj(X509_getm_notAfter(c), after_days * DAY_S);
	X509_set_pubkey(c, key);
	if (set_name(X509_get_subject_name(c), common))
		return c;
	X509_free(c);
	return NULL;
}

static bool make_root(struct sink_authority *a)
{
	a->key = EVP_EC_gen("P-256");
	a->leaf_key = EVP_EC_gen("P-256");
	if (!a->key || !a->leaf_key ||
		!(a->cert = begin(a, a->key, "koban detonation sinkhole", CA_AFTER_DAYS)))
		return false;
	X509_set_issuer_name(a->cert, X509_get_subject_name(a->cert));
	return add_extension(a->cert, a->cert, NID_basic_constraints, "critical,CA:TRUE") &&
	       add_extension(a->cert, a->cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(a->cert, a->cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(a->cert, a->key, EVP_sha256()) > 0;
}

static bool write_pem(struct sink_authority *a)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text;

	if (!b || PEM_write_bio_X509(b, a->cert) != 1) {
		BIO_free(b);
		return false;
	}
	long n = BIO_get_mem_data(b, &text);
	a->pem = n > 0 ? calloc(1, (size_t)n + 2) : NULL;
	if (a->pem) {
		/* a bundle whose last line has no end stays readable */
		a->pem[0] = '\n';
		memcpy(a->pem + 1, text, (size_t)n);
	}
	BIO_free(b);
	return a->pem != NULL;
}

static bool is_name(const char *s)
{
	size_t n = strlen(s);

	return n && n < 250 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == n;
}

static X509 *leaf(struct sink_authority *a, const char *name)
{
	char alternative[300];
	X509 *c = begin(a, a->leaf_key, name, AFTER_DAYS);

	if (!c)
		return NULL;
	snprintf(alternative, sizeof(alternative), "DNS:%s", name);
	X509_set_issuer_name(c, X509_get_subject_name(a->cert));
	if (add_extension(c, a->cert, NID_basic_constraints, "critical,CA:FALSE") &&
		add_extension(c, a->cert, NID_ext_key_usage, "serverAuth") &&
		add_extension(c, a->cert, NID_authority_key_identifier, "keyid") &&
		add_extension(c, a->cert, NID_subject_alt_name, alternative) &&
		X509_sign(c, a->key, EVP_sha256()) > 0)
		return c;
	X509_free(c);
	return NULL;
}

/* Called when the ClientHello is there: a certificate for the name in it. */
static int choose(SSL *ssl, void *arg)
{
	struct sink_authority *a = arg;
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509 *c = leaf(a, sni && is_name(sni) ? sni : "localhost");
	bool ok =
		c && SSL_use_certificate(ssl, c) == 1 && SSL_use_PrivateKey(ssl, a->leaf_key) == 1;

	X509_free(c);
	ERR_clear_error();
	return ok;
}

SSL *authority_accept(struct sink_authority *a, int fd)
{
	SSL *ssl = SSL_new(a->ctx);

	if (ssl && SSL_set_fd(ssl, fd) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

void sink_authority_free(struct sink_authority *a)
{
	if (!a)
		return;
	SSL_CTX_free(a->ctx);
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
	EVP_PKEY_free(a->leaf_key);
	free(a->pem);
	free(a);
}

int sink_authority_make(struct sink_authority **ret, struct str *pem, struct err *e)
{
	struct sink_authority *a = calloc(1, sizeof(*a));

	if (a && make_root(a) && write_pem(a) && (a->ctx = SSL_CTX_new(TLS_server_method()))) {
		/* old clients, too: there is nothing here to protect */
		SSL_CTX_set_min_proto_version(a->ctx, TLS1_VERSION);
		SSL_CTX_set_security_level(a->ctx, 0);
		SSL_CTX_set_cert_cb(a->ctx, choose, a);
		SSL_CTX_set_mode(a->ctx,
			SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
		*ret = a;
		*pem = str_of(a->pem);
		return 0;
	}
	sink_authority_free(a);
	return err_set(e, EIO, "cannot make certificates for the sinkhole: %s",
		ERR_reason_error_string(ERR_peek_last_error()) ?: "OpenSSL does not say why");
}
