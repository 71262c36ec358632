// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large worlds from a seed: one to three home agents, hundreds of PMAs and
 * thousands of devices that move all the time, in storms of faults and the calm
 * after them; ledger.h says what must be so all along. A seed that fails plays
 * again exactly: SEED=n, and DEVICES, PMAS and HOURS as they were. DEVICE=n
 * tells what becomes of that one meanwhile.
 *
 *	1 HA:  red, blue
 *	2 HAs: red at both, each with a pool of its own, blue at the first
 *	3 HAs: the same, but blue at the third
 *
 * Red and blue are realms with the same addresses. A storm lasts minutes and is
 * made of loss, repetition and reordering of messages, of PMAs and HAs that are
 * killed, some in the middle of what they do, some for a while, of partitions,
 * and of devices that all leave a PMA at once, so that it is sent revocations,
 * some of which, or their answers, are all lost. Clocks differ all the time.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ledger.h"

#define PORTS		64
#define PARTED_MAX	8
#define STORM_US	(120 * SEC)	/* and up to as long again */
#define CALM_US		(BOUND_WITHIN_US + 90 * SEC)
#define LOOK_US		(10 * SEC)	/* between looks at all devices */
#define GONE_US		((GRANTED_S + 100) * SEC)	/* revocations to whom nobody answers have ended as well */

/* For call_at(). */
enum call { MOVE = CALL_LEDGER + 1, FRAME, FAULT, UP, LOOK, TURN, BOUND };
enum leave { STAYS, SAYS, UNSEEN };

struct parted {
	int pma, n_pma, ha;		/* so many from that one, and that home agent */
	uint64_t until;
};

static struct {
	unsigned long long moves, frames, killed_pma, killed_ha, killed_within, down, parted, storms, storm_moves,
			 cut, steps, withdrawn;
} faults;

static struct many {
	struct ledger l;
	struct core_peer *ha_peer;	/* of PMAs, as HAs see them */
	struct parted parted[PARTED_MAX];
	bool over;
	uint64_t ends;
	uint64_t dwell;			/* mean, of a device at one place */
} m;

static struct world *world(void)
{
	return m.l.w;
}

static void call_for(uint64_t delay, enum call call, uint64_t arg)
{
	call_at(world(), world()->now + delay, (uint64_t)call << CALL_SHIFT | arg);
}

/* What the Makefile says. */
static double number(const char *name, double otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtod(text, NULL) : otherwise;
}

/* ---- who is there ---- */

static struct in_addr pma_addr(int i)
{
	return (struct in_addr){ htonl(0xc6120001 + i) };	/* 198.18.0.1 */
}

static struct in_addr ha_addr(int i)
{
	return (struct in_addr){ htonl(0xc0000201 + i) };	/* 192.0.2.1 */
}

static struct wire_sa sa_with(int pma)
{
	struct wire_sa sa = { .spi = 0x1000 + pma, .alg = WIRE_ALG_HMAC_MD5, .key_len = 16 };

	snprintf((char *)sa.key, sizeof(sa.key), "of PMA %9d", pma);
	return sa;
}

static int blue_ha(void)
{
	return m.l.n_ha == 3 ? 2 : 0;
}

/* A tenth more addresses than devices: who comes gets what somebody has left. */
static void configure_red(struct core_network *net, int ha)
{
	const uint32_t first = 0x0a000010, size = m.l.n_dev * 11 / 10 + 16;

	net->pool[0].first.s_addr = htonl(first + (ha == 1 ? size : 0));
	net->pool[0].last.s_addr = htonl(first + (ha == 1 ? size : 0) + size - 1);
	net->ha = ha_addr(ha == 1);
	if (m.l.n_ha == 1)
		return;
	net->other_ha[0] = ha_addr(ha != 1);
	net->n_other_ha = 1;
	net->other_pool[0].first.s_addr = htonl(first + (ha == 1 ? 0 : size));
	net->other_pool[0].last.s_addr = htonl(first + (ha == 1 ? 0 : size) + size - 1);
}

static void configure(struct node *n)
{
	const bool ha = n->index < m.l.n_ha;
	const int pma = n->index - m.l.n_ha;
	unsigned int nets = 0;

	m.l.w = n->w;
	n->addr[0] = ha ? ha_addr(n->index) : pma_addr(pma);
	for (int i = 0; i < 2; i++) {
		struct core_network *net = &n->net[nets];
		const char *name = i ? "blue" : "red";

		if (ha && (i ? n->index != blue_ha() : n->index == 2))
			continue;
		nets++;
		snprintf(net->name, sizeof(net->name), "%s", name);
		snprintf(net->nai, sizeof(net->nai), "*@%s.example", name);
		snprintf(net->device, sizeof(net->device), ha ? "mip-%s" : "mip0", name);
		net->realm = i + 1;
		net->gateway.s_addr = htonl(0x0a000001);
		net->plen = 8;
		net->lifetime = GRANTED_S;
		net->ha = ha_addr(blue_ha());
		net->pool[0].first.s_addr = htonl(0x0a000010);
		net->pool[0].last.s_addr = htonl(0x0a000010 + m.l.n_dev / 3);
		if (!i)
			configure_red(net, ha ? n->index : 0);
	}
	for (int i = 0; !ha && i < m.l.n_ha; i++) {
		n->peer[i] = (struct core_peer){ .addr = ha_addr(i), .sa = { sa_with(pma) }, .n_sa = 1,
						 .revocation = true, .deregister = pma % 4 == 3, .gre_key = true };
	}
	for (int i = 0; i < 2; i++) {
		snprintf(n->identity[i].nai, sizeof(n->identity[i].nai), "%%m@%s.example", i ? "blue" : "red");
		memcpy(n->identity[i].mac, i ? "\x02\0\0\2\0\0" : "\x02\0\0\1\0\0", 6);
		memcpy(n->identity[i].mask, "\xff\xff\xff\xff\0\0", 6);
	}
	n->cfg = (struct core_config){
		.ha = ha, .pma = !ha, .care_of = n->addr[0], .networks = n->net, .n_networks = nets,
		.peers = ha ? m.ha_peer : n->peer, .n_peers = ha ? m.l.n_pma : m.l.n_ha,
		.identities = n->identity, .n_identities = 2, .clock_probe = !ha,
		.replay_window = 7, .handover_grace_ms = 2000, .away_ms = 10000, .drain_rate = 100,
		.revocation_rate = REVOCATION_RATE,
	};
	n->disk = sim_random(n->w, 2);
	/* Of home agents too; PMAs are off by 5 s at most, but for a few that know nothing of the time. */
	n->skew_us = (int64_t)sim_random(n->w, 10 * SEC) - (int64_t)(5 * SEC);
	if (!ha && !sim_random(n->w, 20))
		n->skew_us = 3600 * (int64_t)SEC;
}

/* ---- devices ---- */

static void mac_to(int dev, uint8_t mac[6])
{
	memcpy(mac, (uint8_t[]){ 2, 0, 0, realm_of(dev), dev >> 8, dev }, 6);
}

static void come(int dev, enum core_trigger trigger)
{
	const struct device *d = &m.l.dev[dev];
	struct core_event ev = { .type = CORE_EV_ATTACH };
	struct node *n = &world()->node[d->at];
	char name[16];

	snprintf(name, sizeof(name), "port%u", d->port);
	ev.attach.port = d->port;
	ev.attach.port_name = name;
	mac_to(dev, ev.attach.mac);
	ev.attach.trigger = trigger;
	/* Half of them remember an address, and those of DHCP start anew without. */
	if (sim_random(world(), 2))
		ev.attach.hint = d->ha[sim_random(world(), m.l.n_ha)].home;
	ev.attach.init = trigger == CORE_TRIGGER_DHCP && !ev.attach.hint.s_addr;
	ev.attach.seen_us = 1000 * SEC + world()->now;
	sim_deliver(n, &ev);
}

static void plan_frame(int dev)
{
	if (m.l.dev[dev].frames)
		return;
	m.l.dev[dev].frames = true;
	call_for(200 * MSEC + sim_random(world(), SEC), FRAME, dev);
}

/* As the kernel and host do: a frame of a device without binding is a trigger. */
static void frame(int dev)
{
	static const enum core_trigger any[] = { CORE_TRIGGER_DHCP, CORE_TRIGGER_ARP,
						 CORE_TRIGGER_PACKET, CORE_TRIGGER_LINK };
	struct device *d = &m.l.dev[dev];

	d->frames = false;
	if (d->at < 0 || is_served(&m.l, dev))
		return;
	faults.frames++;
	come(dev, any[sim_random(world(), 4)]);
	plan_frame(dev);
}

static void leave(int dev, enum core_detach why)
{
	struct core_event ev = { .type = CORE_EV_DETACH, .detach.why = why };
	struct device *d = &m.l.dev[dev];

	ev.detach.port = d->port;
	mac_to(dev, ev.detach.mac);
	sim_deliver(&world()->node[d->at], &ev);
}

/* To node @to, -1 = nowhere. */
static void go(int dev, int to, enum leave how)
{
	static const enum core_detach any[] = { CORE_DETACH_LINK, CORE_DETACH_LINK, CORE_DETACH_PORT,
						CORE_DETACH_ADMIN, CORE_DETACH_RELEASE };
	struct device *d = &m.l.dev[dev];

	faults.moves++;
	if (d->at >= 0 && how == SAYS)
		leave(dev, any[sim_random(world(), 5)]);
	d->at = to;
	d->port = 1 + sim_random(world(), PORTS);
	d->since = world()->now;
	d->arrivals++;
	d->waits = to >= 0;
	if (to < 0)
		return;
	/* Where it is still believed to be, only DHCP from the start tells; without, the next refresh does. */
	if (sim_random(world(), 2))
		come(dev, CORE_TRIGGER_DHCP);
	plan_frame(dev);
	if (m.l.calm)
		call_for(BOUND_WITHIN_US, BOUND, dev);
}

static void move(int dev)
{
	int to = sim_random(world(), 16) ? m.l.n_ha + (int)sim_random(world(), m.l.n_pma) : -1;

	if (m.over)
		return;
	/* Some stay until what they are bound by must be right. */
	if (m.l.calm && m.l.dev[dev].at >= 0 && dev % 8 == 0) {
		call_for(m.dwell, MOVE, dev);
		return;
	}
	go(dev, to, sim_random(world(), 2) ? SAYS : UNSEEN);
	call_for(SEC / 2 + sim_random(world(), 2 * m.dwell), MOVE, dev);
}

static bool present(struct node *n, const uint8_t mac[6])
{
	return m.l.dev[device_of_mac(mac)].at == n->index;
}

/* ---- faults ---- */

static bool parted(const struct node *from, const struct node *to)
{
	const struct node *ha = from->cfg.ha ? from : to, *pma = from->cfg.ha ? to : from;

	for (int i = 0; i < PARTED_MAX; i++) {
		const struct parted *p = &m.parted[i];

		if (p->until > world()->now && p->ha == ha->index &&
		    (pma->index - p->pma + m.l.n_pma) % m.l.n_pma < p->n_pma)
			return true;
	}
	return false;
}

static void kill_one(struct node *n)
{
	unsigned int how = sim_random(world(), 3);

	if (!n->core || n->last_effects)
		return;
	if (n->cfg.ha)
		faults.killed_ha++;
	else
		faults.killed_pma++;
	if (n->cfg.pma && !sim_random(world(), 4)) {
		n->step_us = (int64_t)sim_random(world(), 8 * SEC) - (int64_t)(4 * SEC);
		faults.steps++;
	}
	if (!how) {
		node_restart(n);
		return;
	}
	if (how == 1) {		/* with the next thing, or one soon after, that it wants of kernel or store */
		faults.killed_within++;
		n->last_effects = 1 + sim_random(world(), 6);
		call_for(SEC + sim_random(world(), 3 * SEC), UP, n->index);
		return;
	}
	faults.down++;
	node_stop(n);
	call_for(SEC + sim_random(world(), n->cfg.ha ? 40 * SEC : 80 * SEC), UP, n->index);
}

static void part(void)
{
	struct parted *p = &m.parted[sim_random(world(), PARTED_MAX)];

	faults.parted++;
	*p = (struct parted){
		.pma = m.l.n_ha + sim_random(world(), m.l.n_pma),
		.n_pma = 1 + sim_random(world(), sim_random(world(), 4) ? m.l.n_pma / 8 + 1 : m.l.n_pma),
		.ha = sim_random(world(), m.l.n_ha),
		.until = world()->now + SEC + sim_random(world(), 60 * SEC),
	};
}

/* All that a home agent has, or a proxy agent with one of them, by its operator's word. */
static void withdraw(void)
{
	struct node *n = &world()->node[sim_random(world(), 4) ? m.l.n_ha + (int)sim_random(world(), m.l.n_pma) :
					(int)sim_random(world(), m.l.n_ha)];
	struct core_event ev = { .type = CORE_EV_REVOKE };

	if (!n->core || n->dead)
		return;
	if (n->cfg.pma)
		ev.revoke.peer = ha_addr(sim_random(world(), m.l.n_ha));
	else if (sim_random(world(), 4))
		ev.revoke.peer = pma_addr(sim_random(world(), m.l.n_pma));
	else
		ev.revoke.all = true;
	faults.withdrawn += core_revocable(n->core, &ev.revoke);
	sim_deliver(n, &ev);
}

/* Everybody leaves a few PMAs, which hear nothing of it but from the home agents. */
static void revocation_storm(void)
{
	const int first = sim_random(world(), m.l.n_pma), n = 1 + sim_random(world(), m.l.n_pma / 20 + 1);

	faults.storms++;
	for (int dev = 0; dev < m.l.n_dev; dev++) {
		const int at = m.l.dev[dev].at;

		if (at < 0 || (at - m.l.n_ha - first + m.l.n_pma) % m.l.n_pma >= n)
			continue;
		faults.storm_moves++;
		go(dev, m.l.n_ha + (int)sim_random(world(), m.l.n_pma), UNSEEN);
	}
}

static void fault(void)
{
	struct world *w = world();

	if (m.l.calm)
		return;
	for (int i = 0; i < m.l.n_pma / 50 + 1; i++) {
		if (!sim_random(w, 4))
			kill_one(&w->node[m.l.n_ha + sim_random(w, m.l.n_pma)]);
	}
	if (!sim_random(w, 30))
		kill_one(&w->node[sim_random(w, m.l.n_ha)]);
	if (!sim_random(w, 10))
		part();
	if (!sim_random(w, 8))
		revocation_storm();
	if (!sim_random(w, 4))
		withdraw();
	if (!sim_random(w, 10)) {
		w->cut = w->cut ? 0 : sim_random(w, 2) ? WIRE_REVOKE : WIRE_REVOKE_ACK;
		faults.cut += !!w->cut;
	}
	if (!sim_random(w, 20)) {
		w->loss = sim_random(w, 250);
		w->dup = sim_random(w, 100);
		w->jitter = sim_random(w, 3) ? sim_random(w, 400 * MSEC) : 0;
	}
	call_for(SEC, FAULT, 0);
}

/* From calm to storm, or the other way round. */
static void turn(void)
{
	struct world *w = world();

	m.l.calm = !m.l.calm;
	if (!m.l.calm) {
		w->loss = sim_random(w, 250);
		w->dup = sim_random(w, 100);
		w->jitter = sim_random(w, 400 * MSEC);
		call_for(0, FAULT, 0);
		call_for(STORM_US + sim_random(w, STORM_US), TURN, 0);
		return;
	}
	m.l.calm_since = w->now;
	w->loss = w->dup = w->cut = w->jitter = 0;
	memset(m.parted, 0, sizeof(m.parted));
	for (int i = 0; i < w->n_node; i++) {
		if (!w->node[i].core || w->node[i].last_effects || w->node[i].dead)
			node_restart(&w->node[i]);
	}
	for (int dev = 0; dev < m.l.n_dev; dev++)
		m.l.dev[dev].waits = m.l.dev[dev].at >= 0 && !is_served(&m.l, dev);
	for (int dev = 0; dev < m.l.n_dev; dev++)
		call_for(BOUND_WITHIN_US, BOUND, dev);
	call_for(CALM_US, TURN, 0);
}

static void call(struct world *w, uint64_t arg)
{
	const uint64_t what = arg & ((1ULL << CALL_SHIFT) - 1);

	switch (arg >> CALL_SHIFT) {
	case CALL_LEDGER:
		ledger_ended(&m.l, what);
		break;
	case MOVE:
		move(what);
		break;
	case FRAME:
		frame(what);
		break;
	case FAULT:
		fault();
		break;
	case UP:
		if (!w->node[what].core || w->node[what].last_effects || w->node[what].dead)
			node_restart(&w->node[what]);
		break;
	case LOOK:
		ledger_look(&m.l);
		/* A kernel without an agent says nothing when it ends a binding. */
		for (int dev = 0; dev < m.l.n_dev; dev++) {
			if (m.l.dev[dev].at >= 0 && !is_served(&m.l, dev))
				plan_frame(dev);
		}
		call_for(LOOK_US, LOOK, 0);
		break;
	case TURN:
		if (!m.over)
			turn();
		break;
	case BOUND:
		is_bound_in_time(&m.l, what);
		break;
	}
}

/* ---- hooks ---- */

static void acted(struct node *n, const struct core_action *a)
{
	int dev;

	ledger_acted(n, a);
	if (a->type == CORE_ACT_SEND || a->type == CORE_ACT_LOG || !n->cfg.pma)
		return;
	if (a->type != CORE_ACT_UNBIND && a->type != CORE_ACT_GONE && a->type != CORE_ACT_REFUSED &&
	    a->type != CORE_ACT_ATTACHED)
		return;
	/* What is found at a restart and belongs to nobody has no MAC. */
	dev = a->type == CORE_ACT_UNBIND ? device_of_cookie(&m.l, a->bind.cookie) : device_of_mac(a->device.mac);
	if (dev < 0 || dev >= m.l.n_dev || m.l.dev[dev].at != n->index)
		return;
	if (a->type != CORE_ACT_ATTACHED) {
		plan_frame(dev);
	} else if (m.l.calm && m.l.dev[dev].waits) {
		struct device *d = &m.l.dev[dev];
		uint64_t since = d->since > m.l.calm_since ? d->since : m.l.calm_since;

		d->waits = false;
		if (world()->now - since > m.l.longest_us)
			m.l.longest_us = world()->now - since;
	}
}

static void after(struct node *n, const struct core_event *ev)
{
	(void)ev;
	ledger_after(n);
}

static const struct hooks hooks = {
	.before = ledger_before, .after = after, .acted = acted, .present = present, .parted = parted, .call = call,
};

/* ---- worlds ---- */

static double hours;
static unsigned long long events, messages, handovers, lost, doubled, overtook, unheard, denied[256];

static void play(unsigned long long seed)
{
	const uint64_t end = number("HOURS", 0.1) * 3600 * SEC;
	struct world *w;

	memset(&m, 0, sizeof(m));
	m.l.seed = seed;
	m.l.told = number("DEVICE", -1);
	m.l.n_ha = 1 + seed % HAS_MAX;
	m.l.n_pma = number("PMAS", 40);
	m.l.n_dev = number("DEVICES", 300);
	m.l.dev = calloc(m.l.n_dev, sizeof(*m.l.dev));
	m.l.stay = calloc(m.l.n_ha + m.l.n_pma, sizeof(*m.l.stay));
	m.l.pma = calloc(m.l.n_ha + m.l.n_pma, sizeof(*m.l.pma));
	m.l.pace = calloc(m.l.n_ha + m.l.n_pma, sizeof(*m.l.pace));
	m.ha_peer = calloc(m.l.n_pma, sizeof(*m.ha_peer));
	assert_true(m.l.dev && m.l.stay && m.l.pma && m.l.pace && m.ha_peer && m.l.n_dev < 65536 && m.l.n_pma > 0);
	for (int i = 0; i < m.l.n_pma; i++)
		m.ha_peer[i] = (struct core_peer){ .addr = pma_addr(i), .sa = { sa_with(i) }, .n_sa = 1,
						   .proxy = true, .revocation = true, .gre_key = true };
	w = world_of(seed, m.l.n_ha + m.l.n_pma, configure, &hooks, &m.l);
	m.dwell = (seed % 2 ? 20 : 90) * SEC;
	for (int dev = 0; dev < m.l.n_dev; dev++) {
		m.l.dev[dev].at = -1;
		call_for(sim_random(w, 20 * SEC), MOVE, dev);
	}
	m.l.calm = true;
	call_for(20 * SEC, TURN, 0);
	call_for(LOOK_US, LOOK, 0);
	/* A storm that has begun also ends. */
	while (w->now < end || !m.l.calm || w->now < m.l.calm_since + CALM_US - SEC)
		run(w, SEC);

	m.over = true;
	for (int dev = 0; dev < m.l.n_dev; dev++) {
		if (m.l.dev[dev].at >= 0)
			leave(dev, CORE_DETACH_RELEASE);
		m.l.dev[dev].at = -1;
	}
	run(w, GONE_US);
	ledger_empty(&m.l);

	hours += w->now / 3600.0 / SEC;
	events += w->count.events;
	lost += w->count.lost;
	doubled += w->count.doubled;
	overtook += w->count.overtook;
	unheard += w->count.parted;
	messages += m.l.messages;
	handovers += m.l.handovers;
	for (int i = 0; i < 256; i++)
		denied[i] += m.l.denied[i];
	print_message("# seed %llu: %d HAs, %d PMAs, %d devices, %.2f h: %llu events, %llu messages, %llu handovers, "
		      "%llu × 133, %llu revocations, %llu by PMAs, bound within %.1f s\n",
		      seed, m.l.n_ha, m.l.n_pma, m.l.n_dev,
		      w->now / 3600.0 / SEC, (unsigned long long)w->count.events, m.l.messages, m.l.handovers,
		      m.l.refused_id, m.l.revocations, m.l.by_pma, m.l.longest_us / 1e6);
	fflush(stdout);
	world_free(w);
	ledger_free(&m.l);
	free(m.ha_peer);
}

static void test_worlds(void **state)
{
	static const char *const name[] = {
#define INVARIANT_NAME(n, s) s,
		INVARIANTS(INVARIANT_NAME)
	};
	const unsigned long long one = number("SEED", 0), first = one ? one : 1;
	const unsigned long long n = one ? 1 : number("SEEDS", 3);

	(void)state;
	for (unsigned long long seed = first; seed < first + n; seed++)
		play(seed);
	print_message("# %llu worlds, %.2f hours in all, %llu events, %llu messages, %llu handovers\n", n, hours,
		      events, messages, handovers);
	print_message("# faults: %llu messages lost, %llu repeated, %llu overtook another, %llu kept back by %llu "
		      "partitions; %llu PMAs and %llu HAs killed, %llu of those in the middle of something, %llu for "
		      "a while, %llu clocks set; %llu storms of %llu devices, %llu times no revocations or answers; "
		      "%llu withdrawn\n",
		      lost, doubled, overtook, unheard, faults.parted, faults.killed_pma, faults.killed_ha,
		      faults.killed_within, faults.down, faults.steps, faults.storms, faults.storm_moves, faults.cut,
		      faults.withdrawn);
	print_message("# devices: %llu moves, %llu frames\n", faults.moves, faults.frames);
	for (int i = 0; i < 256; i++) {
		if (denied[i])
			print_message("# code %d: %llu times\n", i, denied[i]);
	}
	/* What was never looked at would hold in any case. */
	for (int i = 0; i < INVARIANT_MAX; i++) {
		print_message("# looked %llu times whether %s\n", looked[i], name[i]);
		assert_true(looked[i]);
	}
	assert_true(handovers > 100 * n && lost && doubled && overtook && unheard && faults.killed_pma &&
		    faults.storms);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_worlds) };

	return cmocka_run_group_tests_name("core: many devices", tests, NULL, NULL);
}
