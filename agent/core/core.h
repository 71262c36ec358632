/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol core: (event, now) -> actions. Home Agent and Proxy Mobility
 * Agent as pure state machines: no sockets, no clock, no globals. What it
 * needs from outside (time, random bytes, completions, stored records, the
 * kernel's bindings) comes in with the call or as an event; what it wants
 * done goes out as an action.
 *
 * One struct core is one shard and is not thread-safe. Addresses and GRE keys
 * in struct in_addr are in network byte order; GRE keys in uint32_t and all
 * other integers are in host byte order. Times ending in _us are
 * CLOCK_MONOTONIC microseconds, 0 = never.
 */
#ifndef MIP4_CORE_H
#define MIP4_CORE_H

#include "wire/wire.h"

#define CORE_NAME_MAX	32	/* names of networks and devices, NUL included */
#define CORE_SA_MAX	4	/* security associations of one peer, valid at once */
#define CORE_TEXT_MAX	256
#define CORE_OTHERS_MAX	3	/* further home agents of a home network */
#define CORE_RANGES_MAX		16
#define CORE_PEER_NETWORKS_MAX 16
#define CORE_SERVICES_MAX 8	/* of a home network */

/* ---- configuration: read by host, owned by the core's creator, unchanged while in use ---- */

/*
 * A mobility agent, or all of a range of addresses: what we share with it and
 * what it may do. One without a key, without ipsec and without per_mn is none.
 */
struct core_peer {
	struct in_addr addr;
	uint8_t host_bits;	/* low ones of addr that are anything; 0: one agent */
	struct wire_sa sa[CORE_SA_MAX];	/* FA-HA: [0] signs what we send, any verifies */
	unsigned int n_sa;
	bool proxy;		/* HA: may register per node, as it authenticates itself (47) */
	bool per_mn;		/* nodes with keys of their own register through it (HA) or with it (PMA) */
	bool ipsec;		/* per node by method 2: ESP covers all, see mip4d.conf(5) */
	bool revocation;	/* offer and accept RFC 3543 */
	bool deregister;	/* PMA: what it stops serving is deregistered, even where revocation was agreed on */
	bool gre_key;		/* PMA: ask for GRE with key; without: IP-in-IP */
	bool gre_key_3gpp2;	/* keys that we send it are in 3GPP2's CVSE, not in ext. 48; both are read */
	char networks[CORE_PEER_NETWORKS_MAX][CORE_NAME_MAX];	/* HA: whose devices it may register */
	unsigned int n_networks;	/* 0: those of all */
};

/* A mobile node that has keys of its own, or all of a realm that have the same. */
struct core_mn {
	char nai[WIRE_NAI_MAX + 1];	/* exact, or "*@red.example"; exact ones win, then the first */
	struct in_addr home;		/* HA: the node's, and its name where a request has no NAI; 0 = none */
	struct wire_sa sa[CORE_SA_MAX];	/* MN-HA: [0] signs what we send, any verifies */
	unsigned int n_sa;		/* HA: 0 for one that only has a home address */
	struct wire_sa aaa[CORE_SA_MAX];	/* HA: MN-AAA */
	unsigned int n_aaa;
	bool nonce;			/* HA: against replay by nonces, not timestamps; exact NAIs only */
};

/* Which deregistrations and their replies bear FA-HA authentication: RFC 5944 s3.5.4 against RFC 5563 s5.1. */
enum core_fha_on_dereg {
	CORE_FHA_PMIP,		/* per-node ones, which nothing else authenticates */
	CORE_FHA_ALWAYS,
	CORE_FHA_NEVER,
};

/* The Home Agent field of a device's first request: RFC 4433 s5.1, RFC 5563 s4.6. */
enum core_ask {
	CORE_ASK_NAMED,		/* the one that is asked */
	CORE_ASK_ZEROS,
	CORE_ASK_ONES,
};

/* Of addresses, both ends included; one that begins at 0.0.0.0 ends an array. */
struct core_range {
	struct in_addr first, last;
};

/*
 * A home network: where addresses come from (HA), how devices see it (PMA).
 * The same struct serves both; each role reads its part.
 */
struct core_network {
	char name[CORE_NAME_MAX];
	char nai[WIRE_NAI_MAX + 1];	/* "*@red.example" or an exact NAI; first match wins */
	uint32_t realm;
	char device[CORE_NAME_MAX];	/* mip4 netdevice that carries its bindings */
	struct in_addr ha;		/* Home Agent address; on an HA: ours */
	struct in_addr other_ha[CORE_OTHERS_MAX];	/* HA: who may take over; PMA: where else it may be sent */
	unsigned int n_other_ha;
	enum core_ask ask;		/* PMA */
	struct in_addr gateway;		/* first hop the devices believe in */
	uint8_t plen;			/* of the home prefix */
	struct core_range pool[CORE_RANGES_MAX + 1];	/* HA: they don't overlap */
	struct core_range other_pool[CORE_RANGES_MAX + 1];	/* HA: given to who asks for them; those of other HAs */
	uint32_t address_hold_s;	/* HA: a device's address is nobody else's for so long; 0 = is free at once */
	char service[WIRE_SERVICE_MAX + 1];	/* PMA: asked for, RFC 5446; "" = the default one */
	char services[CORE_SERVICES_MAX][WIRE_SERVICE_MAX + 1];	/* HA: to be had beside the default one */
	unsigned int n_services;	/* HA: 0 = nobody is asked */
	struct in_addr redirect;	/* HA: who isn't registered here shall be there; 0 = here */
	uint16_t lifetime;		/* s; HA: most that is granted, PMA: asked for */
	uint32_t tentative_ms;		/* HA: a handover may be undone so long (RFC 5563 s11.1); 0 = not at all */
	bool tentative_back;		/* it is undone then, unless something says that it counts; else it counts */
	unsigned int simultaneous;	/* HA: care-of addresses of a node at once (RFC 5944 s3.6.1.2); below 2: one */
	bool no_gre;			/* HA: IP-in-IP only */
	bool wants_reverse;		/* HA: who asks for no reverse tunnel is denied, RFC 3024 s4.3.1 */
	bool bicast;			/* HA: during handover_grace_ms the PMA that was left gets copies */
	bool ask_host;			/* PMA: asks for the next line (RFC 4332) */
	struct wire_host_config host;	/* HA: told to who asks */
	bool home_link;			/* HA: it is a real one, whose hosts are told by ARP where devices are */
};

/* Identity by MAC: first matching rule wins. */
struct core_identity {
	uint8_t mac[6], mask[6];
	/* %m = MAC as 12 lower-case hex digits, %M with colons, %% = percent */
	char nai[WIRE_NAI_MAX + 1];
};

struct core_config {
	bool ha, pma;			/* roles; both at once is legal */
	struct in_addr care_of;		/* PMA: our end of the tunnels and source of RRQs */
	const struct core_network *networks;
	unsigned int n_networks;
	const struct core_peer *peers;
	unsigned int n_peers;
	const struct core_mn *mns;
	unsigned int n_mns;
	enum core_fha_on_dereg fha_on_dereg;
	const struct core_identity *identities;	/* PMA */
	unsigned int n_identities;
	unsigned int max_registrations;	/* 0 = none */
	uint32_t source_rate;		/* messages of one source that are looked at, a second; 0 = all */
	uint32_t total_rate;		/* those of all sources */
	uint32_t registration_rate;	/* HA: so much goes to store and kernel before new devices are denied */
	unsigned int access_bindings;	/* HA: most of one NAI, one per access (RFC 5563 s5.5); below 2: one in all */
	uint8_t access;			/* PMA: how devices are connected, a Tech-Type; 0 = it isn't said */
	bool clock_probe;		/* PMA: ask each HA for its time before devices are served */
	uint32_t replay_window;		/* s: tolerance of Identification, default 7 (RFC 5944 s5.7.1) */
	uint32_t handover_grace_ms;	/* how long a tunnel that was left still takes packets; 0 = not at all */
	uint32_t away_ms;		/* PMA: how long a device whose link went down stays registered */
	uint32_t drain_rate;		/* HA: agents told in a second, from 1 on */
	uint32_t revocation_rate;	/* to one peer in a second, repetitions among them; 0 = any */
};

/* ---- registrations: the core's state for one device, readable by host ---- */

enum core_role { CORE_HA = 1, CORE_PMA = 2 };

enum core_state {
	CORE_IDLE,		/* PMA: nothing under way (kept only to remember) */
	CORE_WAIT_REG,		/* PMA: first RRQ is out */
	CORE_BINDING,		/* reply decided, the kernel or the store is at it */
	CORE_BOUND,
	CORE_REFRESH,		/* PMA: renewal is out, forwarding untouched */
	CORE_AWAY,		/* PMA: its link went down; what comes for it is returned */
	CORE_DEREG,		/* PMA: deregistration is out */
	CORE_REVOKING,		/* HA: old PMA told, PMA: HA told; no Ack yet */
	CORE_TENTATIVE,		/* HA: it isn't known yet whether the device has left the PMA before this one */
	CORE_STATE_MAX
};

/* How a device was noticed. The one list of names. */
#define CORE_TRIGGERS(x) \
	x(DHCP, "dhcp") x(ARP, "arp") x(PACKET, "packet") x(FDB, "fdb") x(HOSTAPD, "hostapd") \
	x(API, "api") x(LINK, "link")
#define CORE_TRIGGER_ENUM(n, s) CORE_TRIGGER_##n,
enum core_trigger { CORE_TRIGGERS(CORE_TRIGGER_ENUM) CORE_TRIGGER_MAX };

/* Whose authentication a registration stands on. */
#define CORE_AUTHS(x) \
	x(NONE, "none") x(FA_HA, "fa-ha") x(IPSEC, "ipsec") x(MN_HA, "mn-ha") x(MN_AAA, "mn-aaa")
#define CORE_AUTH_ENUM(n, s) CORE_AUTH_##n,
enum core_auth { CORE_AUTHS(CORE_AUTH_ENUM) CORE_AUTH_MAX };

/* Handover timeline of a PMA's attach, all CLOCK_MONOTONIC us. */
struct core_timeline {
	enum core_trigger trigger;	/* the one that won */
	uint64_t seen_us;		/* frame or event reached the router */
	uint64_t identity_us;		/* NAI known */
	uint64_t rrq_us;		/* last RRQ left */
	uint64_t rrp_us;		/* accepting RRP came */
	uint64_t bound_us;		/* binding in the kernel */
	/* first packets: the kernel's FIRST_UP_NS, FIRST_DOWN_NS; host reads them */
};

/* What survives a restart: a row of the store, also what host shows. */
struct core_record {
	uint64_t cookie;		/* random, also in the kernel's binding; the key */
	enum core_role role;
	char nai[WIRE_NAI_MAX + 1];
	char network[CORE_NAME_MAX];
	uint32_t realm;
	struct in_addr home, ha, coa;
	bool gre, keyed;
	uint32_t key_in, key_out;	/* GRE keys: what we receive, what we send */
	uint16_t lifetime;		/* s granted */
	uint64_t expires_unix;		/* s since 1970, wall clock: survives a reboot; UINT64_MAX = never */
	uint64_t last_id;		/* HA: last accepted Identification; PMA: last sent */
	uint32_t peer_revsup;		/* timestamp of the other side's ext. 137, 0 = no revocation */
	uint8_t access;			/* HA: the Tech-Type whose binding it is; 0 = of any */
	bool tombstone;			/* HA: deregistered; last_id is kept against replay */
	/* PMA only */
	uint32_t port;			/* ifindex */
	char port_name[CORE_NAME_MAX];
	uint8_t mac[6];
	bool dhcp;			/* its address was given by our DHCP server */
};

struct core_reg {
	struct core_record rec;
	enum core_state state;
	struct core_timeline timeline;
	uint8_t last_code;		/* of the last reply */
	enum core_auth auth;		/* NONE: not known, after a restart */
	uint64_t expires_us;		/* 0 = never; rec.expires_unix says it for the next life */
	/* the core's own fields follow in reg.h; host sees this much */
};

/* As enum mip4_leg_state of the kernel. */
enum core_leg_state {
	CORE_LEG_ACTIVE, CORE_LEG_COPY, CORE_LEG_RECEIVE_ONLY, CORE_LEG_PENDING, CORE_LEG_RETURN
};

struct core_leg {
	struct in_addr local, peer;
	bool gre, keyed;
	uint32_t key_in, key_out;	/* key_out is 0 as long as it is pending */
	enum core_leg_state state;
	uint32_t ms;			/* until the kernel removes it, 0 = never */
};

#define CORE_LEGS_MAX	4		/* of a binding, at most MIP4_LEGS_MAX */

/* Copies that go on for longer than those of a handover are a simultaneous binding's. */
static inline bool core_is_simultaneous(const struct core_config *cfg, const struct core_leg *leg)
{
	return leg->state == CORE_LEG_COPY && (!leg->ms || leg->ms > cfg->handover_grace_ms);
}

/* A binding as the kernel should have it, or has it. */
struct core_binding {
	uint64_t cookie;
	char device[CORE_NAME_MAX];
	uint32_t realm;
	struct in_addr home, gateway;
	uint8_t plen;			/* of the home prefix */
	struct core_leg leg[CORE_LEGS_MAX];	/* the active one first; all return or none */
	unsigned int n_legs;
	uint32_t port;			/* ifindex; 0: routed, or its legs return */
	uint8_t mac[6];
	uint32_t lifetime;		/* s, 0 = no end */
	bool exists;			/* expected to be there: change it, create it if it is gone */
};

/* ---- events ---- */

struct core_now {
	uint64_t mono_us;
	/*
	 * NTP format: s since 1900 in the high half, fraction below. Runs like
	 * mono_us while the process lives: a step of the wall clock must not
	 * show, for every Identification accepted so far would be in the
	 * future. Peers adapt to what it is by code 133.
	 */
	uint64_t ntp;
	uint8_t random[32];	/* fresh with every call */
};

enum core_event_type {
	CORE_EV_DATAGRAM,	/* UDP 434 */
	CORE_EV_ATTACH,
	CORE_EV_DETACH,
	CORE_EV_BOUND,		/* completion of CORE_ACT_BIND */
	CORE_EV_STORED,		/* completion of CORE_ACT_STORE */
	CORE_EV_DRAIN,		/* HA: send the devices of a network elsewhere, or no longer */
	CORE_EV_REVOKE,		/* end registrations that there are, and tell the other end of each */
	CORE_EV_PRESENT,	/* answer to CORE_ACT_CONFIRM */
	CORE_EV_RESTORE,	/* at start: one row of the store */
	CORE_EV_ADOPT,		/* at start, after all RESTOREs: one binding of the kernel with a cookie */
	CORE_EV_START,		/* at start, after all ADOPTs: sweep and go on */
	CORE_EV_TIMEOUT,	/* core_next() has come */
};

/* LINK: it may be back at once or be elsewhere by now; the others are final. */
enum core_detach {
	CORE_DETACH_RELEASE, CORE_DETACH_LEASE_END, CORE_DETACH_ADMIN, CORE_DETACH_PORT, CORE_DETACH_LINK
};

struct core_event {
	enum core_event_type type;
	union {
		struct {
			struct in_addr src, dst;	/* dst: the local address it came to */
			uint16_t sport;
			uint32_t link;		/* ifindex of the home link that it came in by; 0 = none */
			const uint8_t *data;
			size_t len;
		} datagram;
		struct {
			uint32_t port;
			const char *port_name;
			uint8_t mac[6];
			enum core_trigger trigger;
			bool init;		/* DHCP: the client starts anew, so it may have been elsewhere */
			struct in_addr hint;	/* address the device uses or asks for; 0 = none */
			const char *nai;	/* overrides the identity rules; NULL = by rule */
			uint64_t seen_us;
		} attach;
		struct {
			uint32_t port;		/* 0 = any */
			uint8_t mac[6];
			enum core_detach why;
		} detach;
		struct {
			uint64_t cookie;
			int error;		/* 0 or a positive errno */
			const char *text;	/* extack or strerror; with an error */
		} done;				/* BOUND, STORED */
		struct {
			uint64_t cookie;
			bool present;
		} present;
		struct {
			const struct core_network *network;
			struct in_addr to;	/* 0 = the first of its other home agents */
			bool stop;
		} drain;
		struct core_which {		/* one of them; if none is set, nothing is meant */
			bool all;
			const struct core_network *network;
			struct in_addr peer;	/* the agent at the other end */
			const char *nai;
		} revoke;
		struct core_record restore;
		struct core_binding adopt;	/* lifetime: what is left */
	};
};

/* ---- actions ---- */

enum core_action_type {
	CORE_ACT_SEND,
	CORE_ACT_BIND,		/* create or change; answered by CORE_EV_BOUND */
	CORE_ACT_UNBIND,
	CORE_ACT_STORE,		/* answered by CORE_EV_STORED once the policy is met */
	CORE_ACT_FORGET,	/* remove the row; not answered */
	CORE_ACT_ATTACHED,	/* PMA: the device has its home address: DHCP and API may answer */
	CORE_ACT_REFUSED,	/* PMA: it will not get one now */
	CORE_ACT_GONE,		/* PMA: no longer served here; not sent after DETACH by DHCP or API */
	CORE_ACT_CONFIRM,	/* PMA: is it still attached? answered by CORE_EV_PRESENT (RFC 5563 s4.4) */
	CORE_ACT_PROXY,		/* HA: hosts of the home link shall take our MAC for that address (RFC 5944 s4.6) */
	CORE_ACT_UNPROXY,	/* HA: they shall take that of who has it there; if nobody does, so be it */
	CORE_ACT_LOG,
};

enum core_log { CORE_LOG_DEBUG, CORE_LOG_INFO, CORE_LOG_WARNING };

struct core_action {
	enum core_action_type type;
	union {
		struct {
			struct in_addr src, dst;
			uint16_t dport;		/* source port is always 434 */
			uint32_t link;		/* ifindex: @dst is on it, whatever bindings say; 0 = as routed */
			size_t len;
			uint8_t data[WIRE_MSG_MAX];
		} send;
		struct core_binding bind;	/* BIND; UNBIND uses device, realm, home, cookie */
		struct core_record store;	/* STORE; FORGET uses cookie */
		struct {
			uint32_t port;
			uint8_t mac[6];
			struct in_addr home, gateway, ha;
			uint8_t plen;
			uint16_t lifetime;	/* s granted */
			const char *network;	/* name, lives as long as the configuration */
			/* ATTACHED: what the HA tells of it, lives as long as the core; NULL = nothing */
			const struct wire_host_config *host;
			uint8_t code;		/* REFUSED: reply code, 0 = none came */
			char text[CORE_TEXT_MAX];	/* REFUSED and GONE: why */
		} device;			/* ATTACHED, REFUSED, GONE */
		struct {
			uint64_t cookie;
			char device[CORE_NAME_MAX];
			uint32_t realm, port;
			uint8_t mac[6];
			struct in_addr home, gateway;
		} confirm;
		struct {
			char device[CORE_NAME_MAX];	/* mip4 netdevice whose home link it is */
			struct in_addr home;
		} proxy;			/* PROXY, UNPROXY */
		struct {
			enum core_log level;
			char text[CORE_TEXT_MAX];
		} log;
	};
};

/* ---- calls ---- */

struct core;

/*
 * @act is called for each action, in order, from within core_event(); it must
 * not call core_event() again (queue completions and feed them afterwards).
 */
typedef void (*core_act_fn)(void *arg, const struct core_action *action);

/* @config must outlive the core. NULL: no memory. */
struct core *core_new(const struct core_config *config, core_act_fn act, void *arg);
void core_free(struct core *core);

/*
 * Every BIND and every STORE is answered by one completion, those of one
 * cookie in the order of their actions; UNBIND and FORGET take their turn
 * between them.
 */
void core_event(struct core *core, const struct core_now *now, const struct core_event *event);

/* When CORE_EV_TIMEOUT is wanted, monotonic us; 0 = no timer runs. */
uint64_t core_next(const struct core *core);

/* Every registration, tombstones left out; stops when @fn returns false. */
void core_walk(const struct core *core, bool (*fn)(void *arg, const struct core_reg *reg), void *arg);
const struct core_reg *core_find_device(const struct core *core, uint32_t port, const uint8_t mac[static 6]);

/* What is known of a peer beyond its configuration. */
struct core_peer_state {
	const struct core_peer *cfg;
	bool clock_known;		/* PMA: of a home agent, */
	int64_t ahead_us, error_us;	/* its clock is so much ahead of ours, give or take */
	int32_t offset_s;		/* added to our Identifications while no more is known */
	uint8_t code;			/* PMA: why it isn't asked before */
	uint64_t hold_until_us;		/* 0 = it is */
};

void core_walk_peers(const struct core *core, void (*fn)(void *arg, const struct core_peer_state *state), void *arg);

/* Why CORE_EV_DRAIN would do nothing; NULL: it does. */
const char *core_drain_refused(const struct core_config *cfg, const struct core_network *net, struct in_addr to);

struct core_drain_state {
	struct in_addr to;		/* 0 = it isn't drained */
	size_t left;			/* devices that are registered here */
	size_t told;			/* those whose agents have been told, and haven't moved yet */
};

void core_drain_state(const struct core *core, const struct core_network *net, struct core_drain_state *state);

/* HA: where @reg is registered besides: @coa gets so many, the last one first. */
unsigned int core_others(const struct core_reg *reg, struct in_addr coa[CORE_LEGS_MAX - 1]);

/* How many registrations CORE_EV_REVOKE would end. */
size_t core_revocable(const struct core *core, const struct core_which *which);

/* Named counters: drops and refusals, one spelling in log, CLI and JSON. */
#define CORE_COUNTERS(x) \
	x(rrq_received) x(rrp_received) x(revoke_received) x(revoke_ack_received) \
	x(notify_received) x(notify_ack_received) x(revoke_sent) x(withdrawn) \
	x(accepted) x(denied) x(handovers) x(tentative_done) x(tentative_undone) x(expired) \
	x(drop_truncated) x(drop_malformed) x(drop_unknown_extension) x(drop_unknown_type) \
	x(drop_source_rate) x(drop_source_rate_new) x(drop_total_rate) x(drop_total_rate_new) \
	x(drop_no_authentication) x(drop_unknown_peer) x(drop_unknown_spi) \
	x(drop_bad_authenticator) x(drop_wrong_source) x(drop_unmatched_reply) \
	x(drop_bad_method) x(drop_revocation_invalid) x(drop_notification_invalid) x(drop_no_network) \
	x(drop_broadcast) \
	x(no_identity) x(new_device_limit) x(busy_new_device) x(damped) \
	x(duplicate_rrq) x(id_mismatch) x(retransmitted) x(timed_out) \
	x(drop_fha_unshared) x(drop_unknown_mn) x(drop_mn_unknown_spi) x(drop_mn_bad_authenticator) \
	x(redirects_followed) x(redirects_refused) \
	x(drop_aaa_unknown_spi) x(drop_aaa_bad_authenticator) \
	CORE_DENIALS(CORE_DENIAL_COUNTER, x)

/* Reply codes that the HA denies by, each with its counter. */
#define CORE_DENIALS(y, x) \
	y(x, 128) y(x, 129) y(x, 130) y(x, 131) y(x, 132) y(x, 133) y(x, 134) y(x, 135) y(x, 136) y(x, 138) \
	y(x, 139) y(x, 140) y(x, 141) y(x, 143) y(x, 144) y(x, 149) y(x, 150) y(x, 151)
#define CORE_DENIAL_COUNTER(x, code) x(denied_##code)

struct core_counters {
#define CORE_COUNTER_FIELD(name) uint64_t name;
	CORE_COUNTERS(CORE_COUNTER_FIELD)
};

const struct core_counters *core_counters(const struct core *core);

const char *core_state_name(enum core_state state);	/* "bound" ... */
const char *core_trigger_name(enum core_trigger trigger);
const char *core_auth_name(enum core_auth auth);
bool nai_equal(const char *a, const char *b);		/* realms without case, RFC 4282 s2.4 */
/* The first that takes it; NULL: none does. */
const struct core_network *network_by_nai(const struct core_config *cfg, const char *nai);
/*
 * Are we its home agent? A gateway that is that for some networks and proxy
 * agent for others has peers at those others' home agents.
 */
bool network_is_ours(const struct core_config *cfg, const struct core_network *net);
/* 0.0.0.0: its prefix is too long to have one. */
struct in_addr network_broadcast(const struct core_network *net);
const struct core_network *network_by_name(const struct core_config *cfg, const char *name);	/* NULL: none */

#endif /* MIP4_CORE_H */
