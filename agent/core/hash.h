/* SPDX-License-Identifier: GPL-2.0-only */
/* Hashes over what others choose: with a seed that nobody knows they keep chains short. */
#ifndef MIP4_CORE_HASH_H
#define MIP4_CORE_HASH_H

#include <stdint.h>
#include <string.h>

/* splitmix64's finish. */
static inline uint64_t hash_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static inline uint64_t hash_mac(const uint8_t mac[6], uint64_t seed)
{
	uint64_t x = 0;

	memcpy(&x, mac, 6);
	return hash_mix(x ^ seed);
}

#endif /* MIP4_CORE_HASH_H */
