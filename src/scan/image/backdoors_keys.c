/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys: lines of authorized_keys, each of which lets somebody in, and *.pub files, which
 * only say whose image this is. The fingerprint is the one that ssh-keygen -l prints, so that equal
 * keys in different images can be found. Private keys are the secrets analyzer's.
 */
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "scan/image/backdoors.h"

enum { MAX_BLOB = 16 << 10 };

static const char *const key_types[] = {"ssh-rsa", "ssh-dss", "ssh-ed25519", "ssh-ed448",
	"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
	"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", NULL};

struct public_key {
	struct str type, comment, fingerprint;
};

static bool is_key_type(struct str word)
{
	for (size_t i = 0; key_types[i]; i++)
		if (str_is(word, key_types[i]))
			return true;
	return false;
}

static struct str fingerprint_of(struct arena *a, struct str base64)
{
	uint8_t blob[MAX_BLOB], sha[SHA256_DIGEST_LENGTH];
	char text[64];
	size_t pad = 0;

	if (base64.len < 16 || base64.len % 4 || base64.len > MAX_BLOB / 3 * 4)
		return STR_NULL;
	int n = EVP_DecodeBlock(blob, (const uint8_t *)base64.s, (int)base64.len);
	while (pad < 2 && base64.s[base64.len - 1 - pad] == '=')
		pad++;
	/* a blob begins with the length of its type's name */
	if (n < 12 || (size_t)n <= pad || blob[0] || blob[1])
		return STR_NULL;
	SHA256(blob, (size_t)n - pad, sha);
	n = EVP_EncodeBlock((uint8_t *)text, sha, sizeof(sha));
	while (n > 0 && text[n - 1] == '=')
		n--;
	return arena_printf(a, "SHA256:%.*s", n, text);
}

static struct str next_field(struct str *rest)
{
	bool quoted = false;
	size_t n = 0;

	*rest = str_trim(*rest);
	for (; n < rest->len && (quoted || (rest->s[n] != ' ' && rest->s[n] != '\t')); n++)
		if (rest->s[n] == '"')
			quoted = !quoted;
	struct str field = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return field;
}

/* "[options] TYPE BASE64 [comment]" (sshd(8), AUTHORIZED_KEYS FILE FORMAT). */
static bool parse_key(struct arena *a, struct str line, struct public_key *ret)
{
	struct str type = next_field(&line);

	if (type.len && type.s[0] == '#')
		return false;
	if (!is_key_type(type))
		type = next_field(&line);
	if (!is_key_type(type))
		return false;
	ret->type = type;
	ret->fingerprint = fingerprint_of(a, next_field(&line));
	ret->comment = str_head(str_trim(line), 80);
	return ret->fingerprint.len > 0;
}

/* Whose login it is: /root, /home/NAME, /etc/ssh/…/NAME. */
static struct str owner_of(struct str path)
{
	if (str_starts(path, STR("/root/")))
		return STR("root");
	if (str_starts(path, STR("/home/"))) {
		struct str rest = str_skip(path, 6);

		return str_head(rest, (size_t)str_find_char(rest, '/'));
	}
	return STR_NULL;
}

void backdoor_read_authorized(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct str owner = owner_of(v->file->path), rest = text;
	struct arena *a = ledger_arena(l);

	for (unsigned n = 0; rest.len && n < BACKDOOR_KEYS;) {
		struct str line = str_cut(&rest, '\n');
		struct public_key key = {0};

		if (!parse_key(a, line, &key))
			continue;
		n++;
		backdoor_tell(l,
			&(struct backdoor){"backdoor-authorized-key", LABEL_BACKDOOR, ARTIFACT_HIGH,
				str_is(owner, "root") ? 85 : 80,
				arena_printf(a,
					"Whoever has the private key may log in as %.*s: a public "
					"key (%.*s %.*s%s%.*s) is among the authorized ones",
					STR_ARG(owner.len ? owner : STR("the folder's owner")),
					STR_ARG(key.type), STR_ARG(key.fingerprint),
					key.comment.len ? ", " : "", STR_ARG(key.comment)),
				"Take the key out; give keys to containers when they start, if at "
				"all",
				text, (size_t)(line.s - text.s), "key", key.fingerprint});
	}
}

void backdoor_read_public_key(
	struct backdoors *b, const struct file_view *v, struct str text, struct ledger *l)
{
	struct arena *a = ledger_arena(l);
	struct public_key key = {0};
	struct str rest = text;

	if (str_find(v->file->path, STR("/ssh_host_")) >= 0 ||
		!parse_key(a, str_cut(&rest, '\n'), &key))
		return;
	backdoor_tell(
		l, &(struct backdoor){"backdoor-public-key", LABEL_OTHER, ARTIFACT_INFO, 60,
			   arena_printf(a, "A public key of somebody (%.*s %.*s%s%.*s)",
				   STR_ARG(key.type), STR_ARG(key.fingerprint),
				   key.comment.len ? ", " : "", STR_ARG(key.comment)),
			   "Make sure that the private key did not come into the image with it",
			   text, 0, "key", key.fingerprint});
}
