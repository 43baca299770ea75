/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wallets: the published test vectors of BIP 173, BIP 350, EIP-55 and Keccak, Monero's documented
 * donation addresses, and the property that a changed wallet is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/indicator/indicator.h"

/* monero.git README.md and the "donate" command of monero-wallet-cli */
#define MONERO_STANDARD                                                                            \
	"44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RV" \
	"G"                                                                                        \
	"QBEP3A"
#define MONERO_SUBADDRESS                                                                          \
	"888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoog" \
	"D"                                                                                        \
	"avup3H"
/* documentation of the monero crate (docs.rs/monero, util::address) */
#define MONERO_INTEGRATED                                                                          \
	"4Byr22j9M2878Mtyb3fEPcBNwBZf5EXqn1Yi6VzR46618SFBrYysab2Cs1474CVDbsh94AJq7vuV3Z2DRq4zLcY3" \
	"L"                                                                                        \
	"Hzo1Nbv3d8J6VhvCV"

static void assert_wallet(const char *text, enum wallet_coin coin, const char *kind)
{
	struct wallet w = {0};

	if (!wallet_parse(str_of(text), &w))
		fail_msg("not taken for a wallet: %s", text);
	assert_int_equal(w.coin, coin);
	assert_int_equal(w.proof, WALLET_VALID);
	assert_string_equal(w.kind, kind);
	assert_true(str_is(w.text, text));
}

static void assert_no_wallet(const char *text)
{
	struct wallet w;

	if (wallet_parse(str_of(text), &w))
		fail_msg("taken for a wallet of %s: %s", wallet_coin_name(w.coin), text);
}

static void assert_hash(const char *data, const char *hex)
{
	uint8_t hash[32];
	char got[65];

	keccak_256(data, strlen(data), hash);
	for (size_t i = 0; i < 32; i++)
		snprintf(got + 2 * i, 3, "%02x", hash[i]);
	assert_string_equal(got, hex);
}

static void test_keccak(void **state)
{
	(void)state;
	/* the first is known to everybody who met an empty account in Ethereum */
	assert_hash("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
	assert_hash("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
	/* Ethereum's event signature Transfer(address,address,uint256) */
	assert_hash("Transfer(address,address,uint256)",
		"ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

static void test_monero(void **state)
{
	(void)state;
	assert_wallet(MONERO_STANDARD, WALLET_MONERO, "standard");
	assert_wallet(MONERO_SUBADDRESS, WALLET_MONERO, "subaddress");
	assert_wallet(MONERO_INTEGRATED, WALLET_MONERO, "integrated");
	/* testnet (monero-python's documentation) */
	assert_no_wallet(
		"A2GmyHHJ9jtUhPiwoAbR2tXU9LJu2U6fJjcsv3rxgkVRWU6tEYcn6C1NBc7wqCv5V7NW3zeYuzKf6"
		"RGGgZTFTpVC4QxAiAX");
}

static void test_bitcoin(void **state)
{
	(void)state;
	/* the first block's; all zeros; BIP 16's */
	assert_wallet("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", WALLET_BITCOIN, "p2pkh");
	assert_wallet("1111111111111111111114oLvT2", WALLET_BITCOIN, "p2pkh");
	assert_wallet("3P14159f73E4gFr7JterCCQh9QjiTjiZrG", WALLET_BITCOIN, "p2sh");
	assert_no_wallet("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb");
	/* one leading "1" more is another number of bytes */
	assert_no_wallet("11A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa");
	/* a private key, testnet */
	assert_no_wallet("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ");
	assert_no_wallet("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn");
}

static void test_bech32(void **state)
{
	(void)state;
	/* BIP 173, BIP 350: valid */
	assert_wallet(
		"BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", WALLET_BITCOIN, "segwit (p2wpkh)");
	assert_wallet("bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
		WALLET_BITCOIN, "segwit (p2wsh)");
	assert_wallet("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
		WALLET_BITCOIN, "taproot");
	assert_wallet("bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
		WALLET_BITCOIN, "segwit (later version)");
	assert_wallet(
		"bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", WALLET_BITCOIN, "segwit (later version)");
	/* BIP 350: bech32 where bech32m belongs, and the other way round */
	assert_no_wallet("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd");
	assert_no_wallet("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL");
	assert_no_wallet("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh");
	/* a character that is no digit, mixed case, a wrong length, another net */
	assert_no_wallet("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4");
	assert_no_wallet("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4");
	assert_no_wallet("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P");
	assert_no_wallet("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7");
}

static void test_ethereum(void **state)
{
	struct wallet w;

	(void)state;
	/* EIP-55 */
	assert_wallet("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", WALLET_ETHEREUM, "checksummed");
	assert_wallet("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", WALLET_ETHEREUM, "checksummed");
	assert_wallet("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", WALLET_ETHEREUM, "checksummed");
	assert_wallet("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb", WALLET_ETHEREUM, "checksummed");
	assert_no_wallet("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
	assert_true(wallet_parse(STR("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"), &w));
	assert_int_equal(w.proof, WALLET_UNCHECKED);
	assert_no_wallet("0x0000000000000000000000000000000000000000");
	assert_no_wallet("0xdeaddeaddeaddeaddeaddeaddeaddeaddeaddead");
}

static void test_next(void **state)
{
	static const char text[] =
		"{\"user\": \"" MONERO_STANDARD ".worker\", \"pass\": \"x\"}\n"
		"btc=1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa;x" MONERO_STANDARD " " MONERO_SUBADDRESS;
	struct wallet w;
	size_t at = 0;

	(void)state;
	assert_true(wallet_next(str_of(text), &at, &w));
	assert_true(str_is(w.text, MONERO_STANDARD));
	assert_true(wallet_next(str_of(text), &at, &w));
	assert_int_equal(w.coin, WALLET_BITCOIN);
	/* the one with an x in front is a longer word, and none */
	assert_true(wallet_next(str_of(text), &at, &w));
	assert_string_equal(w.kind, "subaddress");
	assert_false(wallet_next(str_of(text), &at, &w));
	assert_int_equal(at, sizeof(text) - 1);
}

/* Each single changed character of each wallet, and each two neighbours that change places. */
static void test_changed(void **state)
{
	static const char *const wallets[] = {MONERO_STANDARD, MONERO_SUBADDRESS, MONERO_INTEGRATED,
		"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG",
		"bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
		"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"};
	static const char digits[] =
		"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0OIl-";
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(wallets) / sizeof(wallets[0]); i++) {
		size_t n = strlen(wallets[i]);

		for (size_t k = 0; k < n; k++) {
			snprintf(text, sizeof(text), "%s", wallets[i]);
			for (const char *c = digits; *c; c++) {
				text[k] = *c;
				if (*c != wallets[i][k])
					assert_no_wallet(text);
			}
			if (k == 0 || wallets[i][k] == wallets[i][k - 1])
				continue;
			text[k] = wallets[i][k - 1];
			text[k - 1] = wallets[i][k];
			assert_no_wallet(text);
		}
		/* cut, and with a digit more */
		snprintf(text, sizeof(text), "%.*s", (int)n - 1, wallets[i]);
		assert_no_wallet(text);
		snprintf(text, sizeof(text), "%s2", wallets[i]);
		assert_no_wallet(text);
	}
}

/* A wallet is found wherever it lies, whatever bytes are around it. */
static void test_anywhere(void **state)
{
	uint8_t noise[400];
	struct wallet w;

	(void)state;
	srand(7);
	for (unsigned round = 0; round < 2000; round++) {
		size_t n = strlen(MONERO_STANDARD), at = (size_t)rand() % (sizeof(noise) - n),
		       from = 0;
		bool is_found = false;

		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)rand();
		memcpy(noise + at, MONERO_STANDARD, n);
		if (at)
			noise[at - 1] = '"';
		if (at + n < sizeof(noise))
			noise[at + n] = 0;
		while (wallet_next(str_make((char *)noise, sizeof(noise)), &from, &w))
			is_found |= w.text.s == (char *)noise + at;
		assert_true(is_found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keccak),
		cmocka_unit_test(test_monero),
		cmocka_unit_test(test_bitcoin),
		cmocka_unit_test(test_bech32),
		cmocka_unit_test(test_ethereum),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
