/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests as OCI writes them (image-spec, descriptor.md), and watching that bytes are what their
 * digest says while they pass. No other algorithm than the two registered ones is known: what
 * cannot be verified is not read.
 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>

#include "source/image/private.h"

static const struct algorithm {
	struct str prefix;
	size_t digits;
	const EVP_MD *(*md)(void);
} algorithms[] = {
	{STR("sha256:"), 64, EVP_sha256},
	{STR("sha512:"), 128, EVP_sha512},
};

static const struct algorithm *algorithm_of(struct str digest)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (str_starts(digest, algorithms[i].prefix))
			return &algorithms[i];
	return NULL;
}

bool digest_is_valid(struct str s)
{
	const struct algorithm *al = algorithm_of(s);

	if (!al || s.len != al->prefix.len + al->digits)
		return false;
	for (size_t i = al->prefix.len; i < s.len; i++)
		if (!(s.s[i] >= '0' && s.s[i] <= '9') && !(s.s[i] >= 'a' && s.s[i] <= 'f'))
			return false;
	return true;
}

static void write_digest(
	const struct algorithm *al, const unsigned char *md, char out[DIGEST_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;

	memcpy(p, al->prefix.s, al->prefix.len);
	p += al->prefix.len;
	for (size_t i = 0; i < al->digits / 2; i++) {
		*p++ = hex[md[i] >> 4];
		*p++ = hex[md[i] & 15];
	}
	*p = 0;
}

void image_digest(struct str bytes, struct str like, char out[DIGEST_TEXT_SIZE])
{
	const struct algorithm *al = algorithm_of(like);
	unsigned char md[EVP_MAX_MD_SIZE] = {0};

	if (!al)
		al = &algorithms[0];
	/* without memory it is the digest of nothing, which nothing is equal to */
	if (!EVP_Digest(bytes.s ? bytes.s : "", bytes.len, md, NULL, al->md(), NULL))
		memset(md, 0, sizeof(md));
	write_digest(al, md, out);
}

int verifier_init(struct verifier *v, struct str digest, uint64_t size, struct err *e)
{
	*v = (struct verifier){.want = digest, .size = size};
	if (!digest.len)
		return 0;
	if (!digest_is_valid(digest))
		return err_set(e, EBADMSG,
			"the digest \"%.*s\" is of no known kind: sha256 and sha512 are",
			STR_ARG(str_head(digest, 40)));
	v->ctx = EVP_MD_CTX_new();
	if (!v->ctx || !EVP_DigestInit_ex(v->ctx, algorithm_of(digest)->md(), NULL)) {
		verifier_done(v);
		return err_set(e, ENOMEM, "out of memory");
	}
	return 0;
}

int verifier_add(struct verifier *v, const void *p, size_t n, const char *what, struct err *e)
{
	v->seen += n;
	if (v->size != UINT64_MAX && v->seen > v->size)
		return err_set(e, EBADMSG,
			"%s is longer than the %" PRIu64 " bytes that its manifest says", what,
			v->size);
	if (v->ctx && !EVP_DigestUpdate(v->ctx, p, n))
		return err_set(e, ENOMEM, "out of memory");
	return 0;
}

int verifier_end(struct verifier *v, const char *what, struct err *e)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	char got[DIGEST_TEXT_SIZE];

	if (v->size != UINT64_MAX && v->seen != v->size)
		return err_set(e, EBADMSG,
			"%s ends after %" PRIu64 " of the %" PRIu64 " bytes that its manifest says",
			what, v->seen, v->size);
	if (!v->ctx)
		return 0;
	if (!EVP_DigestFinal_ex(v->ctx, md, NULL))
		return err_set(e, ENOMEM, "out of memory");
	write_digest(algorithm_of(v->want), md, got);
	if (!str_is(v->want, got))
		return err_set(e, EBADMSG,
			"%s is not what its digest says: its bytes are those of %s; it was damaged "
			"or "
			"replaced, so nothing of it is used",
			what, got);
	return 0;
}

void verifier_done(struct verifier *v)
{
	EVP_MD_CTX_free(v->ctx);
	v->ctx = NULL;
}
