/* SPDX-License-Identifier: GPL-2.0-only */
/* Big-endian integers at any alignment. */
#ifndef MIP4_WIRE_BYTES_H
#define MIP4_WIRE_BYTES_H

#include <endian.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static inline struct in_addr get_addr(const uint8_t *p)
{
	struct in_addr addr;

	memcpy(&addr, p, sizeof(addr));
	return addr;
}

static inline void set16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static inline void set32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void set64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

static inline void set_addr(uint8_t *p, struct in_addr addr)
{
	memcpy(p, &addr, sizeof(addr));
}

#endif /* MIP4_WIRE_BYTES_H */
