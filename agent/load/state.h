/* SPDX-License-Identifier: GPL-2.0-only */
/* What engine.c, who talks, and schedule.c, who says when, know of devices. */
#ifndef MIP4_LOAD_STATE_H
#define MIP4_LOAD_STATE_H

#include <sys/queue.h>

#include "load/engine.h"

#define SECOND		1000000ULL
#define NONE		UINT32_MAX

struct device {
	TAILQ_ENTRY(device) wait;	/* in a list of who waits */
	uint64_t when_us;		/* its turn there */
	uint64_t due_us;		/* the operation was meant to leave */
	uint64_t last_id, accepted_id;
	uint64_t expires_us;		/* of the acknowledged binding; 0: never */
	struct in_addr home;
	uint32_t key, new_key;
	uint32_t stamp, left_stamp;	/* of the HA's ext. 137 to @pma and @left; 0: no revocation there */
	uint32_t next_asked;		/* the same bucket */
	uint32_t place;			/* among the ready ones of its kind */
	uint16_t pma, left, to;		/* serves it; did before; is being asked by */
	uint8_t op, tries, resyncs, list;
	bool bound, busy, ready, checked;
};

TAILQ_HEAD(waiting, device);

struct ready {
	uint32_t *device;
	uint32_t n;
};

enum phase { MIX, MIX_ENDS, CHECKS, CHECKS_END, LEAVES, LEAVES_END, DONE };

struct engine {
	const struct load_config *cfg;
	load_send_fn send;
	void *arg;
	const struct load_now *now;
	struct load_stats stats;
	struct device *device;
	/* By the number of tries: who is asked again when, in order, as all of a list wait equally long. */
	struct waiting waiting[LOAD_TRIES_MAX];
	struct ready idle, bound;
	uint32_t *asked;		/* buckets by the low half of the Identification */
	uint32_t asked_mask;
	uint32_t *offset_s;		/* of the HA's clock to each PMA's, by code 133 */
	uint64_t seed, ids;
	uint64_t phase_us, issued;	/* when the phase began, and how many have left since */
	uint32_t n_busy, next_key;
	uint32_t walk;			/* CHECKS, LEAVES: the next device */
	enum phase phase;
	bool blocked;			/* something is due, but by nobody just now */
};

/* schedule.c */
uint64_t load_draw(struct engine *e, uint64_t below);
void load_set_bound(struct engine *e, struct device *d, bool bound);
/* Out of the ready ones: it has something to do. */
void load_leave_ready(struct engine *e, struct device *d);
/* In @list it waits for 2^@list s. */
void load_wait(struct engine *e, struct device *d, unsigned int list);
void load_wait_again(struct engine *e, struct device *d);
bool load_has_expired(const struct engine *e, const struct device *d);

/* engine.c */
void load_begin(struct engine *e, struct device *d, enum load_op op, uint64_t due_us);
void load_send(struct engine *e, struct device *d);
/* The last try is over. */
void load_unanswered(struct engine *e, struct device *d);
/* @counter: of a kind of loss. */
void load_lose(struct engine *e, const struct device *d, uint64_t *counter, const char *how);

#endif /* MIP4_LOAD_STATE_H */
