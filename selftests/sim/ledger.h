/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must be true in a large world, whatever happens in it, kept apart from
 * the agents: by the messages that they send and get, by what they ask of
 * kernel and store, and by where the devices are. After each event what that
 * has touched is looked at, and all of it from time to time: a look at 10,000
 * devices after each of a million events would take days.
 */
#ifndef SELFTESTS_SIM_LEDGER_H
#define SELFTESTS_SIM_LEDGER_H

#include "sim.h"

#define HAS_MAX		3
#define GRANTED_S	60U		/* lifetime, at most */
/*
 * So long after the last fault whoever stays where it is must be bound: what a
 * PMA or HA wrongly believes ends with its lifetime, then it rests for 30 s at
 * most (BACKOFF_MAX_S), and asks within 31 s (PMA_RRQ_TRIES).
 */
#define BOUND_WITHIN_US	((GRANTED_S + 30 + 31) * SEC)

#define INVARIANTS(x) \
	x(FORWARDS, "the HA forwards to a PMA that a later accepted registration left") \
	x(OWNED_TWICE, "an address is owned twice in a realm") \
	x(SECOND_RRQ, "a handover isn't accepted by the second RRQ") \
	x(OUTLIVES, "a binding outlives its lifetime") \
	x(UNBOUND, "a device that stays attached isn't bound again in time") \
	x(MESSAGES, "an event costs too many messages") \
	x(CLASH, "two devices of a home agent have one tunnel") \
	x(LEFTOVER, "something is left when all have gone")
#define INVARIANT_ENUM(n, s) n,
enum invariant { INVARIANTS(INVARIANT_ENUM) INVARIANT_MAX };

/* What one home agent has said of a device, and what is asked of its kernel. */
struct at_ha {
	uint64_t id;			/* of the last request that was accepted, */
	unsigned int id_life;		/* by that life of the agent, which remembers it only itself if */
	bool unstored;
	uint64_t bound_id;		/* of the last that registered, at .coa; later ones may have ended others' */
	struct in_addr coa, home;	/* its care-of address, and what it was given */
	uint64_t until;			/* its lifetime ends; 0 = it is deregistered */
	uint64_t leaves_id;		/* of the last deregistration that came */
	struct in_addr said_coa, revoked_coa;	/* PMAs of the last revocation that came, that was acknowledged, */
	uint32_t said_id, revoked_id;	/* and their Identifiers */
	uint64_t cookie;
	uint64_t stored_id;		/* what its row says */
	struct in_addr stored_coa;
	uint64_t stored_at;
	uint64_t answered_id;		/* of the last that wasn't refused by 133 */
	uint64_t top_id;		/* the latest of those that came, */
	bool guessed;			/* by_guess */
	uint64_t heard_at[2];		/* when requests came from the last two PMAs, */
	struct in_addr heard[2];	/* these */
	unsigned int accepted_life;	/* of the agent */
	unsigned int revocations;	/* that may still be sent */
	bool withdrawn;			/* the PMA that has it is told that it no longer has */
};

/* The last request of a kind. */
struct asked {
	uint64_t id, at;
	uint64_t told_at;		/* 133 came for it or for one before, in that life of the home agent */
	unsigned int life, told_life;
	uint32_t ha;
	bool by_guess;			/* its PMA doesn't know the time there, and can't help it */
	unsigned int n;			/* those without an answer, since something happened */
};

/* What one PMA has asked for a device. */
struct stay {
	uint64_t cookie;
	uint64_t until;			/* what was accepted last ends then, counted from the request */
	unsigned int until_life;
	struct asked ask[2];		/* registrations; deregistrations */
	struct asked revoke;
};

struct device {
	int at;				/* node where it is, -1 = nowhere */
	uint32_t port;
	uint64_t since;
	unsigned int arrivals;
	bool frames;			/* its next one is planned */
	bool waits;			/* for its first binding since it came */
	struct at_ha ha[HAS_MAX];
	unsigned int in_event, sent;	/* messages for it in that event */
};

struct ledger {
	struct world *w;
	unsigned long long seed;
	int n_ha, n_pma, n_dev;
	int told;			/* device whose story is printed; -1 = none's */
	struct device *dev;
	struct stay **stay;		/* of each node, once it has had a device */
	struct pma {
		unsigned int life, heard[HAS_MAX];	/* in which it last heard of each home agent */
		uint64_t born;
	} *pma;				/* by node */
	struct pace {
		unsigned int life;
		uint64_t next;		/* if none were sent at once */
	} (*pace)[HAS_MAX][2];		/* of revocations, by PMA and home agent, from and to the PMA */
	struct map by_cookie;		/* devices */
	struct map owner;		/* devices, by realm and address */
	bool calm;			/* since, all is well but for who moves */
	uint64_t calm_since;
	/* of the event that is looked at */
	unsigned int event;
	struct {
		int node, dev;
	} touched[64];
	unsigned int n_touched;
	struct {
		int dev;		/* -1: it is none */
		uint64_t id;
		struct in_addr coa;
		uint16_t lifetime;
	} rrq;
	/* of all */
	unsigned int most_sent;		/* for one device by one event */
	uint64_t longest_us;		/* from the end of the faults, or from its arrival since, until one is bound */
	unsigned long long messages, accepted, handovers, refused_id, second_rrqs, revocations, by_pma, looks;
	unsigned long long denied[256];
};

void ledger_before(struct node *n, const struct core_event *ev);
void ledger_acted(struct node *n, const struct core_action *a);
void ledger_after(struct node *n);
void ledger_ended(struct ledger *l, uint64_t arg);	/* a call that the ledger wanted */
void ledger_look(struct ledger *l);			/* at all devices */
void ledger_empty(struct ledger *l);			/* all have gone long ago */
void ledger_free(struct ledger *l);

#define REVOCATION_RATE	5U		/* a second, to one peer */
#define CALL_SHIFT	56
#define CALL_LEDGER	1		/* further ones are the driver's */
bool is_served(struct ledger *l, int dev);		/* by the kernel where it is */
void is_bound_in_time(struct ledger *l, int dev);
struct stay *stay_of(struct ledger *l, int node, int dev);
int device_of_mac(const uint8_t mac[6]);
int device_of_cookie(const struct ledger *l, uint64_t cookie);	/* -1: of none */
uint32_t realm_of(int dev);
void violated(const struct ledger *l, enum invariant which, int dev, const char *what)
	__attribute__((noreturn));
extern unsigned long long looked[INVARIANT_MAX];	/* how often each could have been found untrue */

#endif /* SELFTESTS_SIM_LEDGER_H */
