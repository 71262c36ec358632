/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The load: PMAs with devices that attach, renew, hand over and deregister, as a pure state machine. No sockets, no
 * clock; times are microseconds of one clock that never steps.
 *
 * The generator is open: what is to be sent when is settled by the rate alone, and response times count from then. A
 * slow home agent shows in them, and doesn't make the load less.
 */
#ifndef MIP4_LOAD_ENGINE_H
#define MIP4_LOAD_ENGINE_H

#include "load/hist.h"
#include "load/request.h"

#define LOAD_TRIES_MAX	7		/* 1, 2, 4 … 64 s */
#define LOAD_NAI_PART	120
#define LOAD_GAP_US	1000000ULL	/* RFC 5944 s3.6: one request of a device a second */

/* The last two are the end of a run: is each acknowledged binding there, then away with it. */
#define LOAD_OPS(x) \
	x(ATTACH, "attach") x(RENEW, "renew") x(HANDOVER, "handover") x(DEREGISTER, "deregister") \
	x(CHECK, "check") x(LEAVE, "leave")
#define LOAD_OP_ENUM(n, s) LOAD_##n,
enum load_op { LOAD_OPS(LOAD_OP_ENUM) LOAD_OP_MAX };
#define LOAD_MIX	LOAD_CHECK	/* so many can be mixed */

struct load_pma {
	struct in_addr addr;
	struct wire_sa sa;		/* FA-HA */
};

struct load_config {
	struct in_addr ha;
	struct load_pma *pmas;
	unsigned int n_pmas;
	bool fha;			/* their sa are set */
	bool per_mn;			/* devices sign by @mn, not their PMA per node */
	struct wire_sa mn;
	unsigned int devices;		/* of all PMAs together */
	char nai_head[LOAD_NAI_PART], nai_tail[LOAD_NAI_PART];	/* the device's number in between */
	unsigned int mix[LOAD_MIX];	/* weights */
	uint32_t rate;			/* operations per second */
	uint64_t duration_us;
	uint16_t lifetime;
	bool gre_key, revocation;
	unsigned int tries;
	int32_t clock_error_s;		/* of the PMAs' clocks */
	uint64_t seed;
	bool keep;			/* leave the bindings there */
};

struct load_now {
	uint64_t us;
	uint64_t ntp;			/* RFC 5944 s5.7.1 */
};

#define LOAD_COUNTERS(x) \
	x(unbegun) x(sent) x(retransmitted) x(resynchronised) x(timed_out) \
	x(unauthentic) x(malformed) x(late) x(wrong_source) \
	x(no_nai) x(no_method) x(lifetime_raised) x(bad_identification) \
	x(revocations) x(revocations_refused) x(revoked) x(expired) \
	x(checked) x(lost_denied) x(lost_silent) x(lost_moved) x(lost_shared) \
	x(icmp_errors)
#define LOAD_COUNTER_FIELD(name) uint64_t name;

struct load_op_stats {
	uint64_t n, accepted, denied, timed_out;	/* @n: begun */
	struct hist time;		/* from when it was meant to leave to its answer; CHECK, LEAVE: when it did */
};

struct load_stats {
	struct load_op_stats op[LOAD_OP_MAX];
	uint64_t code[256];		/* of authentic replies */
	LOAD_COUNTERS(LOAD_COUNTER_FIELD)
	struct hist lag;		/* how late what was due was begun; what never was, how late by the end */
	uint64_t start_us, end_us;	/* of the mix */
	uint64_t bound;			/* devices with an acknowledged binding, at its end */
	char lost_first[WIRE_NAI_MAX + 64];	/* "" if none */
};

typedef void (*load_send_fn)(void *arg, unsigned int pma, uint16_t dport, const struct wire_out *out);

struct engine;

/* NULL: no memory. @cfg must outlive it. */
struct engine *engine_new(const struct load_config *cfg, const struct load_now *now, load_send_fn send, void *arg);
void engine_free(struct engine *engine);
/* All that is due. */
void engine_tick(struct engine *engine, const struct load_now *now);
/* What came to @pma. */
void engine_datagram(struct engine *engine, const struct load_now *now, unsigned int pma, struct in_addr src,
		     uint16_t sport, const uint8_t *data, size_t len);
void engine_icmp(struct engine *engine);
/* When engine_tick() is wanted; 0: all is done. */
uint64_t engine_next(const struct engine *engine);
/* Begin with the end. */
void engine_stop(struct engine *engine, const struct load_now *now);
const struct load_stats *engine_stats(const struct engine *engine);
/* Acknowledged bindings that aren't there, or answers of nobody known, or no acceptance at all. */
bool load_failed(const struct load_stats *stats);
uint64_t load_lost(const struct load_stats *stats);

#endif /* MIP4_LOAD_ENGINE_H */
