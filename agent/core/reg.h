/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the core: registrations, the tables and timers that hold them,
 * and what its files call of each other. Host sees core.h only.
 *
 * Nothing here is allocated for a message before its authenticator was found
 * good. Registrations are bounded by max_registrations, a PMA's refused devices
 * (kept for a minute at most) among them. Beyond that an HA keeps a tombstone for
 * 2 * replay_window + 1 seconds at most of each NAI that left, so their number is
 * bounded by what authenticated peers register and deregister, or have refused,
 * in that time. One that its operator has ended stays until its agent has heard of
 * it, for two minutes at most and as long as its turn takes to come.
 */
#ifndef MIP4_CORE_REG_H
#define MIP4_CORE_REG_H

#include <sys/queue.h>

#include "core/core.h"

#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

#define SECOND		1000000ULL	/* in _us */
#define MSEC		1000ULL
#define FIRST_RETRY_US	(1 * SECOND)	/* RFC 5944 s3.6.3: not below 1 s, then doubled */

/* ---- tables: chained hash, links inside the objects ---- */

struct link {
	struct link *next;
	uint64_t hash;
};

struct table {
	struct link **bucket;
	size_t n, size;		/* size: power of two */
};

bool table_init(struct table *t);
void table_exit(struct table *t);
/* Never fails: without memory to grow, chains get longer. */
void table_add(struct table *t, struct link *link, uint64_t hash);
void table_del(struct table *t, struct link *link);
/* Candidates: same hash. @link NULL starts, NULL ends. */
struct link *table_next(const struct table *t, struct link *link, uint64_t hash);
/* All there are, while none comes or goes. @link NULL starts, NULL ends. */
struct link *table_walk(const struct table *t, const struct link *link);

/* ---- timers: a binary heap of embedded timers ---- */

struct core;

struct timer {
	uint64_t when_us;
	size_t pos;		/* in the heap, from 1; 0 = not armed */
	void (*fire)(struct core *core, struct timer *timer);
};

struct heap {
	struct timer **slot;	/* [0] unused */
	size_t n, room;
};

/* Make sure that @more timers than there are can be armed: arming never fails then. */
bool timers_reserve(struct core *core, size_t more);
void timer_set(struct core *core, struct timer *timer, uint64_t when_us);	/* 0 disarms */
void timers_run(struct core *core);

/* ---- peers: what we remember about each configured one ---- */

struct peer {
	struct link link;
	struct peer *next_range;
	const struct core_peer *cfg;
	int32_t offset_s;	/* its clock minus ours, by 133, lowered by ext. 137: enough for Identifications */
	int64_t ahead_min_us, ahead_max_us;	/* bounds of its clock minus ours, when */
	uint64_t heard_us;	/* it was last heard of; 0 = never */
	uint64_t clock_warned_us;
	uint64_t replied_us;	/* PMA: it last answered a request of ours; 0 = never */
	struct timer timer;	/* of the question for its time */
	const struct core_network *probe_net;	/* in whose name that is out; NULL: it isn't */
	struct in_addr probe_ha;
	uint64_t probe_id, probe_sent_us;
	unsigned int probes, unanswered;
	uint64_t hold_rrqs_until_us;	/* devices wait for the answer */
	uint64_t hold_until_us;	/* it answered 149 or 150: RFC 5563 s8.1 */
	uint8_t hold_code;
	uint64_t notify_id;	/* PMA: of the last notification that was accepted; 0 = none */
	TAILQ_HEAD(, revocation) waiting;	/* whose turn it isn't yet, as they were due */
	size_t n_waiting, n_ending;	/* @n_ending: those that begin when the store knows */
	struct timer turn;
	uint64_t paced_us;	/* the next one, if there were none at once */
	uint64_t withdraw_us;	/* what began before is to end; 0 = nothing */
	uint64_t denied_us;	/* last answer to what wasn't authentic */
	uint64_t warned_us;	/* of no, or a wrong, authenticator */
	uint64_t malformed_warned_us;
};

/* ---- mobile nodes with keys of their own ---- */

struct mn {
	struct link by_nai, by_home;
	struct mn *next_realm;
	const struct core_mn *cfg;
	uint64_t warned_us;	/* of a wrong authenticator */
	uint32_t nonce;		/* HA: what its next request must have; 0 = none was given */
};

/* ---- registrations ---- */

/* An authenticated RRQ, as much of it as is needed after the datagram is gone. */
struct request {
	struct wire_rrq rrq;
	char nai[WIRE_NAI_MAX + 1];	/* "" = none */
	struct in_addr src, dst;	/* @dst: ours, also where it came by a home network's broadcast address */
	bool by_broadcast;
	uint16_t sport;
	uint32_t link;			/* home link that it came in by, 0 = none */
	const struct core_peer *peer;
	struct mn *mn;			/* whose own keys authenticated it; NULL = only its agent's */
	const struct wire_sa *mn_sa;	/* by which its replies are signed; NULL = by none */
	bool by_aaa;			/* by MN-AAA, without MN-HA */
	bool echo_nai;			/* it had one: @nai may be the configuration's */
	bool fha;			/* its agent's key authenticated it */
	bool per_node;			/* has ext. 47 */
	bool pmip;			/* has what only a PMA says: 47 or 147 */
	char service[WIRE_SERVICE_MAX + 1];	/* "" = the default one */
	uint8_t access;			/* of ext. 147/4; 0 = it makes no difference */
	uint8_t challenge_len, challenge[UINT8_MAX];
	uint8_t method;			/* of ext. 47; 0 = not understood */
	bool keyed, revsup;
	bool offers_inform;		/* I bit of ext. 137: it leaves to us whether the device is told */
	bool poor;			/* has what its RFC doesn't allow, by place or number */
	uint8_t cvse;			/* code for the first one that we don't know; 0 = there is none */
	bool asks_host;			/* for what struct core_network has as @host */
	bool requests_ha;
	struct in_addr requested_ha;	/* ext. 139/1 */
	uint32_t key;
	uint32_t revsup_time;
};

enum ha_job { HA_REGISTER, HA_DEREGISTER, HA_REVOKED, HA_WITHDRAWN };

/* Of a handover that may be undone: what was before. */
struct tentative {
	struct core_record rec;
	enum core_auth auth;
	uint16_t sport;
	uint64_t expires_us;
	uint64_t until_us;		/* decided then, one way or the other */
};

/* Where a node is registered besides (RFC 5944 s3.6.1.2), the last one first. */
struct others {
	unsigned int n;
	struct other {
		struct core_record rec;		/* but for its last_id */
		enum core_auth auth;
		uint16_t sport;
		uint64_t since_us;		/* as peer_since_us of the registration */
		uint64_t expires_us;
	} at[CORE_LEGS_MAX - 1];
};

/* A decision that waits for kernel and store, with what it takes to undo it. */
struct ha_op {
	enum ha_job job;
	struct request req;
	struct core_record prev;
	uint64_t prev_expires_us, prev_peer_since_us;
	bool had_prev;
	uint8_t code;			/* of the reply */
	uint32_t key;			/* of the reply to a deregistration */
	struct wire_revoke_ack ack;	/* HA_REVOKED */
	bool held;			/* its address was kept for it */
	bool began;			/* a tentative handover; */
	struct tentative *ended;	/* one, as the device is where it was; NULL = none */
	struct others *others;		/* HA_REGISTER, HA_WITHDRAWN: those that there were; NULL = none */
};

/* The last reply but for what the record knows: enough to send it once more. */
struct ha_reply {
	struct in_addr coa, home;	/* coa 0.0.0.0: nothing to repeat */
	uint8_t code;
	uint16_t lifetime;
	uint32_t key;			/* 0 = no ext. 48 */
	uint32_t revsup_time;		/* 0 = no ext. 137 */
	bool inform;			/* with the I bit */
};

/*
 * The end of a registration that the agent at its other end hasn't acknowledged: of
 * a care-of address that a device left, or of all that there is of it.
 */
struct revocation {
	struct revocation *next;	/* of the same registration */
	LIST_ENTRY(revocation) all;
	TAILQ_ENTRY(revocation) waiting;	/* if @waits */
	struct timer timer;
	struct reg *reg;
	struct peer *peer;
	struct in_addr home, coa, from, to;
	uint32_t first_id, last_id;	/* Revocation Identifiers used */
	unsigned int tries;
	bool waits;			/* for its peer's turn */
	bool inform;			/* HA: the device shall be told */
	uint64_t until_us;		/* the old lifetime ends; 0 = never */
};

struct notice;

struct ha_reg {
	struct ha_op *op;		/* under way; NULL = none */
	struct request *queued;		/* the newest that came meanwhile */
	struct tentative *tentative;	/* the last handover may be undone; NULL = it counts */
	struct others *others;		/* NULL = none */
	struct ha_reply reply;
	uint64_t nonce_id;		/* last accepted Identification of a node that uses nonces */
	struct in_addr left_coa;	/* by the last handover, with the key it had, */
	uint32_t left_key;		/* 0 = none; */
	uint64_t left_until_us;		/* refreshes of it are late until then */
	uint16_t sport;			/* of its last request; 0 = not known, after a restart */
	struct notice *notice;		/* its agent is being told; NULL = it isn't */
	uint64_t told_us;		/* when that ended; 0 = never */
	uint64_t notify_id;		/* of the last notification from its agent; 0 = none */
	uint32_t rev_clock;		/* last time stamp in a 137 or revocation for this device */
	bool proxied;			/* its home link takes our MAC for its address */
	bool informs;			/* whether its device is told is left to us; not after a restart */
};

struct pma_leaving;
struct farewell;

/* What a PMA's request says. */
struct pma_rrq {
	struct wire_rrq f;
	struct in_addr to;
	const struct core_peer *peer;
	struct mn *mn;			/* its keys sign; NULL: ours do, per node */
	const char *nai;
	const char *service;		/* as in struct core_network */
	uint8_t mac[6];
	uint32_t key_in;
	bool dynamic;			/* says whom it goes to by ext. 139 */
	bool ask_host;			/* for what the HA tells of the network */
};

struct pma_reg {
	struct peer *peer;		/* the HA's */
	struct mn *mn;			/* its keys authenticate; NULL: ours do, per node */
	struct in_addr want;		/* home address to ask for */
	uint64_t sent_us, tx_us;	/* last RRQ; next one, 0 = none */
	uint64_t refresh_us;
	uint64_t hold_until_us;		/* IDLE: no RRQ before */
	uint64_t accepted_id;
	uint64_t away_us;		/* AWAY: deregistered then */
	unsigned int tries, backoff_s;
	unsigned int penalty;		/* for losses to other PMAs soon after it came, as of the last one, */
	uint64_t lost_us;		/* which was then */
	bool damped;			/* its frames don't bring it back */
	unsigned int unconfirmed;	/* RRQs since CORE_EV_PRESENT */
	bool awaiting;			/* a reply to rec.last_id may come */
	bool attached;			/* CORE_ACT_ATTACHED went out */
	bool answer_due;		/* once more, when the HA has answered a refresh */
	bool cancelled;			/* WAIT_REG: the device left meanwhile */
	bool confirming;
	uint8_t deny_code;		/* WAIT_REG: why no acceptance yet */
	bool unauthentic;		/* WAIT_REG, REFRESH: replies came, with a wrong authenticator */
	uint32_t move_port;		/* BINDING: it is there by now; 0 = no */
	char move_name[CORE_NAME_MAX];
	bool moved;			/* BINDING: after a move of which the HA hasn't heard */
	bool gone;			/* WAIT_REG, BINDING: its link went down meanwhile */
	bool ask_again;			/* the next refresh leaves open who its HA is */
	bool any_ha;			/* the request leaves open who its HA is: RFC 4433 s5.1 */
	uint8_t visited;		/* HAs that sent it elsewhere since it asks: a bit each */
	struct pma_leaving *leaving;	/* REFRESH: the HA that it has, while another one is asked */
};

/* A tunnel that is no longer registered, for what is still on its way. */
struct left {
	struct left *next;
	struct core_leg leg;
	uint64_t until_us;
};

struct reg {
	struct core_reg pub;		/* first: core.h hands out pointers to it */
	struct link by_cookie, by_nai, by_mac, by_key;
	struct timer timer;
	const struct core_network *net;
	unsigned int wait_bind, wait_store;	/* completions to come, in the order of their actions */
	unsigned int stale_binds;	/* the first of wait_bind: an UNBIND came after them */
	bool committing;		/* somebody waits for the completions */
	bool in_kernel;			/* the binding, as far as completions and ADOPT tell */
	bool restored, adopted;		/* before START: from the store; in the kernel as recorded */
	bool has_key, has_home;		/* in the table of keys; holds an address of the pool */
	struct revocation *revocations;	/* the oldest first; of a PMA one at most */
	uint64_t since_us;		/* it is registered, or asks to be */
	uint64_t peer_since_us;		/* so by, or with, the other end that it has; 0 = as long */
	bool withdraw;			/* as soon as it can be */
	int error;			/* of the commit */
	char error_text[96];
	struct in_addr bound_home;	/* of the binding that in_kernel or wait_bind speak of */
	struct left *left;		/* tunnels that it had, newest first */
	union {
		struct ha_reg ha;
		struct pma_reg pma;
	};
};

/* What an HA tells of a network, by its last answer. */
struct told {
	bool answered;			/* an HA has accepted a device, whatever it told */
	bool known;
	uint64_t warned_us;		/* of a difference */
	struct wire_host_config host;
};

struct pool {
	uint64_t *used;			/* one bit per address of the ranges, one behind the other */
	const struct core_range *ranges;
	uint32_t size, n_used;
};

TAILQ_HEAD(held_list, held);

/* A MAC without a registration whose frames were answered by REFUSED. */
struct shunned {
	uint64_t until_us;		/* no more of it before */
	unsigned int backoff_s;
	uint8_t mac[6];
};

#define SHUN_WAYS	4
#define SHUN_SETS	256

/* Tokens: of a port for MACs without a registration, of a source, or all, for what that may cost. */
struct rate {
	uint64_t full_us;		/* when it has all of them again */
	uint32_t key;			/* ifindex; address */
};

#define RATE_WAYS	4
#define RATE_SETS	256

struct core {
	const struct core_config *cfg;
	core_act_fn act;
	void *arg;
	const struct core_now *now;	/* during core_event() */
	uint64_t rng[4];
	uint64_t seed;			/* of the hashes over foreign input */
	struct table cookies, nais, macs, keys, peer_table, mn_nais, mn_homes;
	struct heap timers;
	struct pool *pools, *other_pools;	/* one per network each */
	struct held_list *held;		/* one per network */
	struct table held_homes, held_nais;
	struct in_addr *ha_now;		/* PMA: whom a network's new devices ask, one per network */
	struct told *told;		/* PMA: likewise */
	struct peer *peers, *ranges;	/* @ranges: those of more than one address */
	uint64_t stranger_warned_us;	/* of who is in no section */
	struct mn *mns, *mn_realms;	/* @mn_realms: those for all of a realm */
	LIST_HEAD(, revocation) revocations;
	size_t n_revocations;
	struct drain *drains;		/* one per network */
	struct withdrawal *withdrawal;
	LIST_HEAD(, notice) notices;
	size_t n_notices;
	uint64_t notify_sent;		/* HA: Identification of the last one, by our clock */
	LIST_HEAD(, farewell) farewells;
	size_t n_farewells;
	unsigned int n_regs;		/* without tombstones */
	struct shunned shunned[SHUN_SETS][SHUN_WAYS];	/* a cache: the one due first gives way */
	struct rate port_rates[RATE_SETS][RATE_WAYS];	/* likewise: the fullest gives way */
	struct rate source_rates[RATE_SETS][RATE_WAYS];
	struct rate total_rate, registration_rate;
	uint64_t source_warned_us, total_warned_us, busy_warned_us;
	struct core_counters count;
	struct {
		uint64_t second;
		unsigned int lines, lost;
	} log[CORE_LOG_WARNING + 1];
};

/* Of an end, 0 = never: is it past? */
static inline bool is_past(const struct core *core, uint64_t end_us)
{
	return end_us && end_us <= core->now->mono_us;
}

/* Of two ends, 0 = never: the one that comes first. */
static inline uint64_t first_end(uint64_t a_us, uint64_t b_us)
{
	return !a_us || (b_us && b_us < a_us) ? b_us : a_us;
}

/* reg.c */
uint64_t core_random(struct core *core);
struct reg *reg_new(struct core *core, enum core_role role, const char *nai,
		    const struct core_network *net, uint64_t cookie);	/* cookie 0: choose one */
void reg_free(struct core *core, struct reg *reg);

static inline bool is_ha(const struct reg *reg)
{
	return reg->pub.rec.role == CORE_HA;
}

/* All of them, while none comes or goes. @reg NULL starts, NULL ends. */
struct reg *reg_next(const struct core *core, const struct reg *reg);
struct reg *reg_by_cookie(const struct core *core, uint64_t cookie);
struct reg *reg_by_nai(const struct core *core, enum core_role role, const char *nai, uint8_t access);
/* All with that NAI, whatever their access, while none comes or goes. @reg NULL starts, NULL ends. */
struct reg *reg_next_by_nai(const struct core *core, enum core_role role, const char *nai, const struct reg *reg);
struct reg *reg_by_mac(const struct core *core, const uint8_t mac[6]);
/*
 * The registration of @role with these addresses, for messages without NAI.
 * *n: how many there are, for realms may share addresses; NULL unless one.
 */
struct reg *reg_by_home(const struct core *core, enum core_role role, struct in_addr home,
			struct in_addr ha, struct in_addr coa, unsigned int *n);
void reg_set_nai(struct core *core, struct reg *reg, const char *nai);
void reg_set_mac(struct core *core, struct reg *reg, const uint8_t mac[6]);
/* Where @mac stands among the shunned, or may: hash for a set of them. */
unsigned int mac_set(const struct core *core, const uint8_t mac[6]);
/* 0 releases; CHOOSE takes a free random one. Unique per local address. */
void reg_set_key_in(struct core *core, struct reg *reg, uint32_t key);
uint32_t reg_choose_key(struct core *core, struct in_addr local);
bool reg_full(const struct core *core);

/* Where @net stands in the configuration, and what is kept of it in arrays of one per network. */
static inline size_t network_index(const struct core *core, const struct core_network *net)
{
	return net - core->cfg->networks;
}

/* pool.c */
bool pools_init(struct core *core);
void pools_exit(struct core *core);
/*
 * An address outside of the pool is neither free nor taken; one that is kept for
 * a node, by configuration or because it had it, is free for that alone. @others: so
 * are those of the other home agents.
 */
bool pool_is_free(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai,
		  bool others);
/* By another device than @nai. */
bool pool_is_taken(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai);
/* Of the network's own pool: is it one that we give out? */
bool pool_is_ours(const struct core *core, const struct core_network *net, struct in_addr home);
struct in_addr pool_pick(const struct core *core, const struct core_network *net, const char *nai);
void pool_set(struct core *core, const struct core_network *net, struct in_addr home, bool used);

/* hold.c */
bool holds_init(struct core *core);
void holds_exit(struct core *core);
/* Those whose time has passed are free again. */
void holds_expire(struct core *core, const struct core_network *net);
/* @home, which is free and of the network's own pool, is kept for @nai, and no other, if the network wants that. */
void hold_add(struct core *core, const struct core_network *net, struct in_addr home, const char *nai);
/* It is free, if it was kept. */
void hold_end(struct core *core, const struct core_network *net, struct in_addr home);
bool hold_is_for(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai);
/* What is kept for @nai, 0.0.0.0 if there is nothing. */
struct in_addr hold_home(const struct core *core, const struct core_network *net, const char *nai);
/* What ends first of all that is kept; 0.0.0.0 if there is nothing. */
struct in_addr hold_oldest(const struct core *core, const struct core_network *net);

/* names.c */
uint64_t nai_hash(const char *nai, uint64_t seed);	/* realm without case */
bool nai_is_pattern(const char *nai);	/* "*@realm" */
bool nai_matches(const char *pattern, const char *nai);
bool identity_nai(const struct core_config *cfg, const uint8_t mac[6], char nai[static WIRE_NAI_MAX + 1]);
/* Inside the home prefix and an address a host may have. */
bool network_has_host(const struct core_network *net, struct in_addr addr);
/* HA: of which network is it the broadcast address? */
const struct core_network *network_by_broadcast(const struct core_config *cfg, struct in_addr addr);
/* Cut off at @size, NULL is "", the rest zero: records are compared and stored whole. */
void text_copy(char *to, size_t size, const char *from);

/* peer_auth.c */
bool peers_init(struct core *core);
void peers_exit(struct core *core);
/* The one with that address, or the narrowest range with it. */
struct peer *peer_find(const struct core *core, struct in_addr addr);

enum auth { AUTH_OK, AUTH_MISSING, AUTH_TWICE, AUTH_SPI, AUTH_BAD };
/* @ext, the first of its type or NULL, by whichever of @sa its SPI names; *@by (may be NULL) is that one. */
enum auth auth_verify(const struct wire_msg *msg, const struct wire_ext *ext, const struct wire_sa *sa,
		      unsigned int n_sa, const struct wire_sa **by);
/* Take out what stands behind @last, but for ext. 48 if @keep_key. */
void auth_trim(struct wire_msg *msg, const struct wire_ext *last, bool keep_key);
/*
 * The FA-HA authentication extension, or ESP in its place. What isn't covered
 * is taken out of @msg.
 */
enum auth auth_check(const struct core_peer *peer, struct wire_msg *msg);
/* Says who sent it, if that is a peer. */
void peer_malformed(struct core *core, struct in_addr from, enum wire_error error);
/* Counts what isn't AUTH_OK, and warns of it. */
void auth_count(struct core *core, struct peer *peer, struct in_addr from, const struct wire_msg *msg,
		enum auth result);
/* A message of another agent's own; true: authentic, and @req has peer, src, dst, sport and nai ("" = it had none). */
bool peer_authentic(struct core *core, const struct core_event *ev, struct wire_msg *msg, struct request *req);
/* Is there a way for the two agents to authenticate to each other? */
bool auth_shared(const struct core_peer *peer);
/* HA: devices of @net at all? */
bool auth_may_register(const struct core_peer *peer, const struct core_network *net);
/* HA: does its word register devices? */
bool auth_per_node(const struct core_peer *peer);
/* Must a request with that lifetime, and its reply, have a FA-HA extension? protocol/security.md s6. */
bool auth_wants_fha(const struct core_config *cfg, const struct core_peer *peer, bool per_node, uint16_t lifetime);
void auth_sign(struct wire_out *out, const struct core_peer *peer);
/* A GRE key in the encoding that @peer is configured for. */
void peer_put_key(struct wire_out *out, const struct core_peer *peer, uint32_t key);

/* mn_auth.c */
bool mns_init(struct core *core);
void mns_exit(struct core *core);
/* Whose keys are that node's; NULL: nobody's. */
struct mn *mn_by_nai(const struct core *core, const char *nai);
/* What its section has; 0.0.0.0: nothing. */
struct in_addr mn_home(const struct core *core, const char *nai);
/* Is it the configured home address of a node other than @nai? */
bool mn_keeps(const struct core *core, const struct core_network *net, struct in_addr home, const char *nai);
void mn_auth_count(struct core *core, struct mn *mn, const char *nai, struct in_addr from,
		   const struct wire_ext *ext, enum auth result);
/*
 * Who asks? True: @msg has only what is covered, and all that tells how to
 * answer is in @req. False: counted, and answered if it is to be.
 */
bool ha_authenticate(struct core *core, struct wire_msg *msg, struct request *req);
/* The keys by which a device with that NAI is registered in per-MN mode; NULL: per node. */
struct mn *pma_mn(const struct core *core, const struct peer *ha, const char *nai);
bool pma_can_sign(const struct core *core, const struct peer *ha, const char *nai);
/* Is a reply to a request with that lifetime authentic? True: @msg has only what is covered. @mn NULL: per node. */
bool pma_authenticate(struct core *core, struct peer *peer, struct mn *mn, const char *nai, uint16_t lifetime,
		      struct in_addr from, struct wire_msg *msg);

/* replay.c: Identifications, as an HA sees them */
enum fresh { FRESH, DUPLICATE, STALE };
/* Step 6 of protocol/security.md s5; @reg NULL: its NAI is unknown. A FRESH one isn't so again. */
enum fresh replay_check(const struct core *core, const struct reg *reg, const struct request *req);
/* It has been decided upon. */
void replay_note(struct reg *reg, const struct request *req);
/* Identification of a reply; of one with code 133. */
uint64_t replay_reply_id(struct core *core, const struct request *req);
uint64_t replay_refused_id(struct core *core, const struct request *req);
/* When a replay of @last_id fails the test of time by itself; 0 = it does. */
uint64_t replay_until(const struct core *core, uint64_t last_id);

/* clock.c: home agents' clocks, as a PMA sees them */
/* The time as @peer has it, as well as is known. */
uint64_t clock_id(const struct core *core, const struct peer *peer);
/* An Identification for it, later than @last (0 = none): RFC 5944 s5.7.1. */
uint64_t clock_next_id(struct core *core, const struct peer *peer, uint64_t last);
void clocks_start(struct core *core);
/* Answers of @peer to what was sent at @sent_us: by code 133, by ext. 137. */
void clock_mismatch(struct core *core, struct peer *peer, uint64_t sent_us, uint32_t ha_seconds);
void clock_bound(struct core *core, struct peer *peer, uint64_t sent_us, uint32_t ha_seconds);
bool clock_known(const struct peer *peer);
/* True: it was the answer to the question for the time, and is dealt with. */
bool clock_reply(struct core *core, const struct core_event *ev, struct wire_msg *msg);

/* core.c */
void act_log(struct core *core, enum core_log level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void act_send(struct core *core, const struct wire_out *out, struct in_addr src,
	      struct in_addr dst, uint16_t dport);
/* By home link @link, 0 = as routed. */
void act_send_by(struct core *core, uint32_t link, const struct wire_out *out, struct in_addr src,
		 struct in_addr dst, uint16_t dport);
void act_forget(struct core *core, struct reg *reg);
/* Its completion is counted but nobody waits: undo, tombstones. */
void act_store(struct core *core, struct reg *reg);
/*
 * Ask store and (if @bind) kernel at once; ha_done() or pma_done() when both
 * have answered. Everywhere the store comes first: killed in between, the next
 * life finds in the row what was meant and START brings the kernel there.
 */
void commit(struct core *core, struct reg *reg, bool bind);
void reg_arm_expiry(struct core *core, struct reg *reg, uint16_t lifetime, uint64_t from_us);
uint32_t ntp_seconds(const struct core *core);
uint64_t unix_seconds(const struct core *core);		/* since 1970 */
const char *addr_text(struct in_addr addr, char buf[static INET_ADDRSTRLEN]);

/* legs.c */
#define PENDING_MS	40000		/* longer than a PMA asks for an acceptance */
struct core_leg leg_of_record(const struct core_record *rec);
struct core_leg leg_of(const struct reg *reg);	/* of the tunnel that is registered; state and ms aren't set */
/* As the kernel tells tunnels apart. */
bool same_tunnel(const struct core_leg *a, const struct core_leg *b);
/* @leg was that tunnel until now: for @ms it still takes packets. */
void left_add(struct core *core, struct reg *reg, const struct core_leg *leg, uint32_t ms);
void left_free(struct reg *reg);
/* Is there a binding, as far as one can know before completions come? */
bool may_be_in_kernel(const struct reg *reg);
/* Its home address, or the one that it most likely gets; 0.0.0.0: no idea. */
struct in_addr binding_home(const struct reg *reg);
/* Completions are counted but nobody waits, see commit(). */
void act_bind(struct core *core, struct reg *reg);
void act_unbind(struct core *core, struct reg *reg);
/* IDLE from now on: what still comes by tunnels that were left is returned. */
void act_let_go(struct core *core, struct reg *reg);

/* notify.c */
/* Tell the agent of @reg; false: it can't be told. */
bool notice_start(struct core *core, struct reg *reg, const char *text);
void notice_end(struct core *core, struct reg *reg);
void notify_message(struct core *core, const struct core_event *ev, struct wire_msg *msg);
void notify_ack_message(struct core *core, const struct core_event *ev, struct wire_msg *msg);

/* drain.c */
bool drains_init(struct core *core);
void drains_exit(struct core *core);
void drain_event(struct core *core, const struct core_event *ev);
bool is_draining(const struct core *core, const struct core_network *net);
/* Where devices of @net shall register instead; 0.0.0.0: here. */
struct in_addr redirect_of(const struct core *core, const struct core_network *net);

/* withdraw.c */
bool withdrawal_init(struct core *core);
void withdrawal_exit(struct core *core);
void withdraw_event(struct core *core, const struct core_event *ev);

/* ha.c */
void ha_op_free(struct ha_op *op);	/* with what it takes to undo it; NULL is nothing */
/* What @req is about; NULL: nothing that is known. */
struct reg *ha_reg_of(const struct core *core, const struct request *req);
void ha_deny(struct core *core, const struct request *req, const struct core_network *net, uint8_t code);
void ha_rrq(struct core *core, const struct core_event *ev, struct wire_msg *msg);
void ha_done(struct core *core, struct reg *reg);
void ha_timeout(struct core *core, struct reg *reg);
void ha_resume(struct core *core, struct reg *reg);
void ha_show_state(struct reg *reg);
/* HA: its PMA has said that it doesn't serve it any more, see is_revoked(). */
static inline bool was_revoked(const struct core_record *rec)
{
	return rec->tombstone && !rec->lifetime && rec->peer_revsup;
}

/* How long a PMA's revocation is remembered, in s. */
static inline uint16_t revoked_s(const struct core *core)
{
	const uint32_t s = 2 * core->cfg->replay_window + 1;

	return s < WIRE_LIFETIME_INFINITE ? s : WIRE_LIFETIME_INFINITE - 1;
}

/* True: it goes, and the Ack follows when the store knows. False: not now. */
bool ha_revoked(struct core *core, struct reg *reg, const struct request *req,
		const struct wire_revoke_ack *ack);
/* End it, and tell its agent if that was agreed on, when the store knows. False: not now. */
bool ha_withdraw(struct core *core, struct reg *reg);
/* UNBIND and keep only what replay protection needs, or nothing; may free @reg. */
void ha_bury(struct core *core, struct reg *reg);

/* Wait for the end of the registration, or of its memory; frees @reg if that is over. */
void ha_settle(struct core *core, struct reg *reg);
/* Refreshes by the agent that it has left for another one are late, for @more_ms at least. */
void ha_note_left(struct core *core, struct reg *reg, const struct core_record *left, uint32_t more_ms);

/* simultaneous.c */
bool is_other(const struct others *others, struct in_addr coa);
/* What is registered at @coa besides; NULL: nothing. */
const struct core_record *other_at(const struct reg *reg, struct in_addr coa);
/* Is @req to leave alone where the node is registered already, and can that be? @reg may be NULL. */
bool others_wanted(const struct request *req, const struct core_network *net, const struct reg *reg);
/* Would @coa be one too many? */
bool others_full(const struct core_network *net, const struct reg *reg, struct in_addr coa);
/* The record has just become another's: @before stay, and so does @last, whose it was; NULL = whose it is. */
bool others_keep(struct reg *reg, const struct others *before, const struct other *last);
/* Those of @before that are no longer: their tunnels were left; their agents are told, where that was agreed on. */
void others_leave(struct core *core, struct reg *reg, const struct others *before);
void others_tell(struct core *core, struct reg *reg, const struct others *before, uint32_t after_ms);
void other_end(struct core *core, struct reg *reg, struct in_addr coa);		/* the caller binds */
/* The record is over, another one's takes its place; the caller stores and binds. False: there is none. */
bool others_promote(struct core *core, struct reg *reg);
uint64_t others_expire_us(const struct reg *reg);	/* the first of them; 0 = none does */
bool others_timeout(struct core *core, struct reg *reg);	/* False: nothing ended, or all */
/* The kernel has @leg, to @peer, since before a restart, and for @ms, 0 = without end. False: it can't be kept. */
bool others_adopt(struct core *core, struct reg *reg, const struct peer *peer, const struct core_leg *leg, uint32_t ms);
void others_free(struct reg *reg);

/* tentative.c */
/* The handover from what @reg was, @rec, may be undone. False: there is no memory. */
bool tentative_start(struct core *core, struct reg *reg, const struct core_record *rec, uint64_t expires_us);
void tentative_extend(struct core *core, struct reg *reg);
void tentative_drop(struct reg *reg);
bool tentative_by(const struct reg *reg, struct in_addr coa);	/* was it at that agent before? */
/* It has a tentative handover from @coa, and these addresses; NULL: none or several have. */
struct reg *tentative_by_home(const struct core *core, struct in_addr home, struct in_addr ha, struct in_addr coa);
/* @tell who was left, which hasn't said so itself. */
void tentative_commit(struct core *core, struct reg *reg, bool tell);
/* The record as it was; the caller brings store and kernel there. */
void tentative_back(struct core *core, struct reg *reg);
/* Time has passed: true, if something came of it. */
bool tentative_timeout(struct core *core, struct reg *reg);

/* home.c */
void home_begin(struct core *core, struct reg *reg);	/* it has a binding */
void home_end(struct core *core, struct reg *reg);	/* after its UNBIND */
/* @there, which nobody knows, was taken out of the kernel. */
void home_swept(struct core *core, const struct core_binding *there);
/* The home link by which who asked is to be answered, since it is at home; 0 = as routed (RFC 5944 s3.8.3.1). */
uint32_t home_link_of(const struct request *req);

/* pma.c */
#define PMA_RRQ_TRIES		5	/* 1, 2, 4, 8, 16 s: outlasts the replay window of a clock ahead of ours */
#define PMA_CONFIRM_TRIES	3	/* RRQs of a refresh until it is asked again */
void pma_present(struct core *core, const struct core_event *ev);
void pma_done(struct core *core, struct reg *reg);
void pma_timeout(struct core *core, struct reg *reg);
void pma_resume(struct core *core, struct reg *reg);
void pma_arm(struct core *core, struct reg *reg);
bool pma_is_due(const struct core *core, const struct reg *reg);	/* its refresh */
void pma_plan_refresh(struct core *core, struct reg *reg);
void pma_tell(struct core *core, const struct reg *reg, enum core_action_type type, const char *text);
/* Nothing is registered any more; what limits the device's next try stays. May free @reg. */
void pma_to_idle(struct core *core, struct reg *reg);
void pma_note_refusal(struct core *core, struct reg *reg, uint8_t code, const char *text);
void pma_refuse(struct core *core, struct reg *reg, uint8_t code, const char *text);	/* may free @reg */

/* pma_attach.c */
void pma_attach(struct core *core, const struct core_event *ev);
void pma_move(struct core *core, struct reg *reg);	/* to pma.move_port */

/* pma_request.c */
void pma_set_mode(const struct core *core, struct reg *reg);
uint8_t pma_method(const struct core_peer *peer);	/* of ext. 47 */
uint8_t pma_flags(const struct peer *peer);
void pma_put_rrq(struct core *core, const struct pma_rrq *r);
void pma_send_rrq(struct core *core, struct reg *reg);
/* Now, or when a second has passed since the last one. */
void pma_send_in_time(struct core *core, struct reg *reg);
/* Begin an exchange in the state just entered, one second after the last RRQ at the soonest. */
void pma_exchange(struct core *core, struct reg *reg, enum core_state state);
void pma_refresh(struct core *core, struct reg *reg);
void pma_deregister(struct core *core, struct reg *reg);
/* Or revoke it, where that was agreed on and nobody wants it otherwise. */
void pma_revoke(struct core *core, struct reg *reg);
void pma_go_on(struct core *core, const struct peer *peer);

/* pma_reply.c */
/* It says nothing about the device or its binding: the home agent can't just now. */
bool code_says_nothing(uint8_t code);
void pma_rrp(struct core *core, const struct core_event *ev, struct wire_msg *msg);

/* pma_ha.c */
bool network_has_ha(const struct core_network *net, struct in_addr ha);
/* What the HA tells of a network; NULL: nothing so far. */
const struct wire_host_config *pma_told(const struct core *core, const struct core_network *net);
/* Does it wait to be told, since the agent has started? */
bool pma_is_untold(const struct core *core, const struct core_network *net);
void pma_be_told(struct core *core, const struct core_network *net, const struct wire_msg *msg);
struct in_addr pma_ha_now(const struct core *core, const struct core_network *net);
void pma_ha_accepted(struct core *core, const struct reg *reg);
/* It is silent, and not just to that device: what comes next asks the next one that can be asked. */
void pma_ha_silent(struct core *core, const struct reg *reg);
/* So many requests to another HA are without answer before the device stays with its own. */
unsigned int pma_patience(const struct reg *reg);
/* It takes nobody, or not from us: what comes next asks the one that is configured. */
void pma_ha_declines(struct core *core, const struct reg *reg);
void pma_set_ha(struct core *core, struct reg *reg, struct peer *peer, struct in_addr ha);
/* Code 143, or a 136 that names another one. False: it can't or needn't be asked. */
bool pma_redirected(struct core *core, struct reg *reg, struct in_addr to);
/* The tunnel that carries it while another HA is asked; NULL = none is. */
const struct core_leg *pma_leaving_leg(const struct reg *reg);
/* Does it have @ha while another one is asked? *@revsup: time stamp of that one's ext. 137. */
bool pma_leaves(const struct reg *reg, struct in_addr ha, uint32_t *revsup);
/* The new HA has accepted; so does the kernel. */
void pma_moved(struct core *core, struct reg *reg);
void pma_left(struct core *core, struct reg *reg);
/* No longer asks another HA, if it did: BOUND. */
void pma_stay(struct core *core, struct reg *reg, const char *why);
/* Deregister it at @rec's HA, whom it has last asked at @sent_us, whatever becomes of its registration here. */
void farewell_start(struct core *core, const struct core_record *rec, struct peer *peer, uint64_t sent_us);
/* It registers there again. When the last one was sent, 0: there was none. */
uint64_t farewell_cancel(struct core *core, const char *nai, struct in_addr ha);
void farewells_exit(struct core *core);
/*
 * @ha notified of it: so it asks once more, or says farewell where it has moved
 * already. False: it has nothing to do with @ha.
 */
bool pma_ask_again(struct core *core, struct reg *reg, struct in_addr ha, struct peer *peer);
/* True: it was the answer to one, and is dealt with. */
bool farewell_reply(struct core *core, const struct core_event *ev, struct wire_msg *msg);

/* pma_leave.c */
void pma_end(struct core *core, struct reg *reg, const char *text);	/* its HA isn't told; may free @reg */
/* The device has left. */
void pma_leave(struct core *core, struct reg *reg, const char *text);
/* We no longer serve it, whether it is there or not; may free @reg. */
void pma_withdraw(struct core *core, struct reg *reg, const char *text);
/* Its revocation has been acknowledged, or never will be; may free @reg. */
void pma_withdrawn(struct core *core, struct reg *reg);
void pma_away(struct core *core, struct reg *reg);
void pma_detach(struct core *core, const struct core_event *ev);
void pma_revoked(struct core *core, struct reg *reg);	/* may free @reg */
/* A revocation with Identifier @id for a device whose home address isn't known yet. */
void pma_revoked_waiting(struct core *core, struct reg *reg, uint32_t id);

/* pma_damp.c */
void pma_lost(struct core *core, struct reg *reg);	/* to another PMA, from now on */
/* Is it to be left to that one for now? */
bool pma_damped(const struct core *core, struct reg *reg);
uint64_t pma_lost_until(const struct reg *reg);	/* its losses count until then; 0 = there are none */

/* limits.c */
#define BACKOFF_MAX_S	30	/* rest between two tries of what is refused */
bool was_asked(const struct core_event *ev);
void refuse_attach(struct core *core, const struct core_event *ev,
		   const struct core_network *net, uint8_t code, const char *text);
#define WARN_GAP_US	(60 * SECOND)
/* Each kind of complaint once in @gap_us; the counters have all of them. True: now, and noted. */
bool may_warn(const struct core *core, uint64_t *warned_us, uint64_t gap_us);
bool new_device_ok(struct core *core, uint32_t port);	/* takes a token if there is one */
/*
 * May a message of @src be verified? The last half of its tokens, and of those of
 * all, is for what is @served: renewals, handovers and ends go before what is new.
 */
bool message_ok(struct core *core, struct in_addr src, bool served);
/* HA: one more registration, or its end, goes to store and kernel. */
void note_work(struct core *core);
/* Is there room for a new device beside what those cost that are served, and go on in any case? */
bool work_is_left(struct core *core);

/* revoke.c */
/*
 * HA: tell the agent at @coa. PMA: tell the home agent; @coa is ours. @after_ms: it
 * may serve so long. @until_us: its registration ends then, 0 = never. @inform: its
 * device shall be told. False: nobody can be told.
 */
bool revoke_start(struct core *core, struct reg *reg, struct in_addr coa, uint64_t until_us, uint32_t after_ms,
		  bool inform);
bool told_by_revocation(const struct reg *reg, const struct peer *peer);
void revoke_turns_init(struct peer *peer);
void revoke_cancel(struct core *core, struct reg *reg, struct in_addr coa);
void revoke_cancel_all(struct core *core, struct reg *reg);
uint32_t revoke_clock(struct core *core, struct reg *reg);
/* @req: from the revocation: peer, src, dst, sport, nai ("" = it had none). */
void revoke_send_ack(struct core *core, const struct request *req, const struct wire_revoke_ack *ack);
void revoke_message(struct core *core, const struct core_event *ev, struct wire_msg *msg);
void revoke_ack_message(struct core *core, const struct core_event *ev, struct wire_msg *msg);

#endif /* MIP4_CORE_REG_H */
