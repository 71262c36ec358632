/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A world for the core: one HA and two PMAs, their kernels and stores as
 * tables, a network that loses, repeats and reorders, and one clock. All from
 * a seed, so a failure comes back with its number. The second HA is for red
 * and nobody knows it before two_home_agents(). Larger worlds: selftests/sim.
 *
 *	pma1 198.51.100.1 ──┐           ┌── ha 192.0.2.1 (red, blue), 192.0.2.9 (green)
 *	                    ├── network ┤
 *	pma2 198.51.100.2 ──┘           └── ha2 192.0.2.2 (red)
 */
#ifndef SELFTESTS_CORE_SIM_H
#define SELFTESTS_CORE_SIM_H

#include "core/core.h"

#define SEC	1000000ULL
#define MSEC	1000ULL

enum { HA, PMA1, PMA2, HA2, NODES };
enum { RED, BLUE, GREEN, NETWORKS };

/* Of a world w, as tests call them. */
#define HA_NODE		(&w->node[HA])
#define HA2_NODE	(&w->node[HA2])
#define PMA_NODE	(&w->node[PMA1])
#define P1		(&w->node[PMA1])
#define P2		(&w->node[PMA2])
#define DEV		7		/* a device */
#define RTT		(21 * MSEC)	/* an answer is there */

#define SENT_MAX	256
#define DEVICES		64

struct sent {
	int from;
	uint64_t at;
	struct in_addr src, dst;
	uint16_t dport;
	uint32_t link;
	size_t len;
	uint8_t data[WIRE_MSG_MAX];
};

struct served {		/* what ATTACHED, REFUSED and GONE said last of one device */
	bool away;			/* answers no CONFIRM */
	bool attached;
	bool told;			/* and what, in @host */
	struct wire_host_config host;
	struct in_addr home;
	unsigned int n_attached, n_refused, n_gone;
	uint8_t code;
	char text[CORE_TEXT_MAX];
	uint64_t attached_at;
};

struct kernel_end {	/* world's now; 0 = never */
	uint64_t binding, leg[CORE_LEGS_MAX];
};

/* One that a store has been told and the disk doesn't have. */
struct row_change {
	struct core_record rec;
	bool gone;			/* FORGET; only the cookie counts */
};

/* Positions in a table, by hash of what they are looked up by. */
struct map {
	struct map_slot {
		uint64_t hash;
		size_t pos;
		bool used;
	} *slot;
	size_t n, size;			/* size: power of two */
};

void map_add(struct map *m, uint64_t hash, size_t pos);
void map_del(struct map *m, uint64_t hash, size_t pos);
bool map_next(const struct map *m, uint64_t hash, size_t *at, size_t *pos);

struct world;
struct node;

/* Of who drives a world that isn't this one. */
struct hooks {
	void (*before)(struct node *n, const struct core_event *ev);	/* the core gets it */
	void (*after)(struct node *n, const struct core_event *ev);
	void (*acted)(struct node *n, const struct core_action *a);	/* it has had its effect */
	bool (*present)(struct node *n, const uint8_t mac[6]);		/* answers CONFIRM */
	bool (*parted)(const struct node *from, const struct node *to);
	void (*call)(struct world *w, uint64_t arg);			/* as call_at() wanted */
};

struct node {
	struct world *w;
	int index;
	struct in_addr addr[2];
	struct core *core;
	uint64_t next;			/* when its first timer is due, as the core counts; 0 = none */
	uint64_t last_at;		/* when the last message on its way arrives */
	unsigned int life;		/* counts restarts: what was meant for an earlier one is lost */
	struct core_config cfg;
	struct core_network net[NETWORKS];
	struct core_peer peer[6];
	struct core_identity identity[2];
	struct core_mn mn[4];		/* none unless a test says how many are there */
	struct core_binding *kernel;
	struct core_record *row;
	size_t n_kernel, n_row;
	struct map by_kernel, by_row;
	bool disk;			/* store = disk: rows are there, and completions due, when a group is synced */
	struct row_change *change;	/* until then; an agent that is killed loses them */
	size_t n_change;
	unsigned int n_lost;		/* FORGETs of a group that failed: their rows stay */
	int64_t skew_us;		/* of its agent's clock, which never steps (core.h, core_now) */
	int64_t step_us;		/* by which its wall clock was set since: the agent's next life sees it */
	struct kernel_end *kernel_end;	/* of @kernel[i] */
	int fail_bind, fail_store;	/* errno for the next one */
	bool hold;			/* completions wait for release() */
	unsigned int last_effects;	/* killed after so many more BIND, UNBIND, STORE, FORGET; 0 = never */
	bool dead;			/* has no effect until node_restart() */
	bool absent;			/* answer to CONFIRM */
	unsigned int n_confirm, n_log;
	unsigned int n_clash, n_missing;	/* BINDs of what somebody else has; of what isn't there */
	unsigned int n_taken;		/* of the former, those where it is the address */
	char order[64];			/* of BIND, UNBIND, PROXY, UNPROXY (= Q) and SEND, by their letters */
	struct in_addr proxied;			/* address of the last PROXY or UNPROXY */
	char log[CORE_TEXT_MAX];
	struct served dev[DEVICES];
};

struct world {
	uint64_t now, seed_state;
	struct node *node;
	int n_node;
	const struct hooks *hooks;	/* NULL: of this world, whose devices are few */
	void *driver;			/* theirs */
	struct due *queue, *held;
	size_t n_queue, room_queue, n_held;
	struct map by_addr;
	struct {
		uint64_t events, lost, doubled, overtook, parted;
	} count;
	uint64_t seq;
	unsigned int loss, dup;		/* per 1000 */
	uint8_t cut;			/* messages of this type are lost, all of them; 0 = none */
	unsigned int deaf;		/* nodes that nothing reaches, a bit each */
	uint64_t delay, jitter;		/* us one way */
	struct sent sent[SENT_MAX];	/* ring */
	unsigned int n_sent;
};

struct world *world_new(uint64_t seed);
struct world *world_of(uint64_t seed, int nodes, void (*configure_node)(struct node *n), const struct hooks *hooks,
		       void *driver);
void world_free(struct world *w);
int end_world(void **state);	/* of a test whose state is a world */
void two_home_agents(struct world *w);	/* of red, with pools of their own; restarts all */
void node_start(struct node *n);	/* core_new with what n->cfg says now */
void node_stop(struct node *n);		/* kill -9 */
void node_restart(struct node *n);	/* kill -9 and up again: rows, bindings, START */
void run(struct world *w, uint64_t us);	/* let so much time pass */
void release(struct node *n);		/* held completions, and no more holding */
void call_at(struct world *w, uint64_t at, uint64_t arg);
int node_by_addr(const struct world *w, struct in_addr a);	/* -1: nobody */
struct core_binding *kernel_find(const struct node *n, uint64_t cookie);
uint64_t sim_random(struct world *w, uint64_t below);

struct in_addr ip(const char *text);
void mac_of(int device, uint8_t mac[6]);
void attach(struct node *n, int device, uint32_t port, enum core_trigger trigger, const char *hint);
void detach(struct node *n, int device, uint32_t port, enum core_detach why);
void event(struct node *n, const struct core_event *ev);
void sim_deliver(struct node *n, const struct core_event *ev);	/* the same from within run() */
const struct core_reg *find(struct node *n, const char *nai);	/* by walking */
const struct core_reg *ha_reg(struct world *w);	/* what the home agent has of DEV */
const struct core_reg *device(struct node *n, int dev);
unsigned int n_regs(struct node *n);
size_t n_served(const struct node *n);	/* bindings in the kernel, without those that only return */
const char *nai_of(int device, char buf[64]);	/* by the identity rule */

/* Messages that left, newest first: back 0 is the last. NULL if there are not so many. */
const struct sent *sent_by(struct world *w, int from, uint8_t type, unsigned int back);
unsigned int n_sent(struct world *w, int from, uint8_t type);
#define INJECT_PORT	4434	/* where it comes from: only agents of ours use 434 */
void inject(struct node *n, const char *src, const char *dst, const void *data, size_t len);

/* An RRQ put together by hand. */
struct rrq {
	struct wire_rrq f;
	const char *nai;
	int method;		/* -1 = no ext. 47 */
	bool keyed, revsup, proxied;	/* proxied: has ext. 147 */
	bool key_3gpp2;			/* the key is in a CVSE, not in ext. 48 */
	bool inform;			/* I bit of ext. 137 */
	uint32_t key, revsup_time;
	uint8_t access;		/* of ext. 147; 0 = 802.3 */
	const struct wire_sa *sa;	/* NULL = no ext. 34 */
	const struct wire_sa *mn, *aaa;	/* NULL = no ext. 32, no ext. 36 */
	const char *challenge;		/* NULL = no ext. 132 */
	const char *requested;		/* NULL = no ext. 139 */
	const char *service;		/* NULL = no ext. 151 */
	bool asks_host;			/* RFC 4332 */
	const char *src, *dst;
	uint32_t link;
};
struct rrq rrq_from(struct world *w, int pma, const char *nai);
void rrq_build(struct wire_out *out, const struct rrq *r);
void misplace(struct wire_out *out);	/* what is put next may stand where it must not */
/*
 * Send it to the HA, let it work, and parse what it answered; false: nothing came.
 * What it answered must be authenticated as the request was.
 */
bool ask(struct world *w, const struct rrq *r, struct wire_msg *msg);
uint8_t reply_code(struct world *w, const struct rrq *r);	/* likewise: the code of the answer, which there is */
uint64_t ntp_of(const struct node *n);
const struct wire_sa *sa_of(int pma);

#endif /* SELFTESTS_CORE_SIM_H */
