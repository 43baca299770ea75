/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keccak-256 as Monero and Ethereum use it: the function of the Keccak submission (2011), whose
 * padding begins with the byte 0x01. SHA3-256 (FIPS 202) differs in that one byte, so that no
 * library of the system offers this one. Not for secrets: nothing here is constant in time.
 */
#include "engine/indicator/private.h"

enum { LANES = 25, ROUNDS = 24, RATE = 136 }; /* bytes: 1600 bits less twice 256 */

static uint64_t rotate(uint64_t x, unsigned n)
{
	return n ? x << n | x >> (64 - n) : x;
}

/*
 * The round constants come from a shift register over x^8 + x^6 + x^5 + x^4 + 1 (specification,
 * section 1.2): bit 2^j - 1 of a round's constant is the register's next bit.
 */
static uint64_t round_constant(unsigned *shift)
{
	uint64_t c = 0;

	for (unsigned j = 0; j < 7; j++) {
		c |= (uint64_t)(*shift & 1) << ((1U << j) - 1);
		*shift = *shift << 1 ^ (*shift >> 7) * 0x171;
	}
	return c;
}

static void theta(uint64_t a[LANES])
{
	uint64_t column[5];

	for (unsigned x = 0; x < 5; x++)
		column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (unsigned x = 0; x < 5; x++) {
		uint64_t d = column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1);

		for (unsigned y = 0; y < LANES; y += 5)
			a[y + x] ^= d;
	}
}

/* Lanes walk along (x, y) -> (y, 2x + 3y), turned by the triangular numbers. */
static void rho_and_pi(uint64_t a[LANES])
{
	unsigned x = 1, y = 0;
	uint64_t carried = a[1];

	for (unsigned t = 0; t < 24; t++) {
		unsigned next = (2 * x + 3 * y) % 5;

		x = y;
		y = next;
		uint64_t here = a[5 * y + x];
		a[5 * y + x] = rotate(carried, (t + 1) * (t + 2) / 2 % 64);
		carried = here;
	}
}

static void chi(uint64_t a[LANES])
{
	for (unsigned y = 0; y < LANES; y += 5) {
		uint64_t row[5];

		memcpy(row, a + y, sizeof(row));
		for (unsigned x = 0; x < 5; x++)
			a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

static void permute(uint64_t a[LANES])
{
	unsigned shift = 1;

	for (unsigned i = 0; i < ROUNDS; i++) {
		theta(a);
		rho_and_pi(a);
		chi(a);
		a[0] ^= round_constant(&shift);
	}
}

static void absorb(uint64_t a[LANES], const uint8_t block[RATE])
{
	for (size_t i = 0; i < RATE; i++)
		a[i / 8] ^= (uint64_t)block[i] << 8 * (i % 8);
	permute(a);
}

void keccak_256(const void *data, size_t size, uint8_t ret[32])
{
	uint64_t a[LANES] = {0};
	const uint8_t *p = data;
	uint8_t last[RATE] = {0};

	for (; size >= RATE; p += RATE, size -= RATE)
		absorb(a, p);
	if (size)
		memcpy(last, p, size);
	last[size] ^= 0x01;
	last[RATE - 1] ^= 0x80;
	absorb(a, last);
	for (size_t i = 0; i < 32; i++)
		ret[i] = (uint8_t)(a[i / 8] >> 8 * (i % 8));
}
