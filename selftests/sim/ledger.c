// SPDX-License-Identifier: GPL-2.0-only
/* See ledger.h. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ledger.h"

/* Kernels and rows count whole seconds, and a restart believes either within ADOPT_SLACK_S. */
#define SLACK_US	(1 * SEC + 100 * MSEC)
#define RESTART_US	(6 * SEC)
#define DECIDED_US	(1 * SEC)	/* from a row to the reply: a disk's time and more */
#define TRIES_MAX	7		/* requests of an exchange, and the first of the next */
#define REVOCATIONS	7		/* REVOKE_TRIES */
#define AT_ONCE_US	(SEC / 10)	/* what may be sent in that time may be so at once */
/* For one device: an answer, a word to the PMA that it left, and a refusal of what has waited meanwhile. */
#define PER_EVENT	3

unsigned long long looked[INVARIANT_MAX];

void violated(const struct ledger *l, enum invariant which, int dev, const char *what)
{
	static const char *const text[] = {
#define INVARIANT_TEXT(n, s) s,
		INVARIANTS(INVARIANT_TEXT)
	};

	fail_msg("seed %llu, %llu.%06llu s, event %llu, device %d: %s: %s", l->seed,
		 (unsigned long long)(l->w->now / SEC), (unsigned long long)(l->w->now % SEC),
		 (unsigned long long)l->w->count.events, dev, text[which], what);
	abort();
}

#define hold(which, dev, cond, what) do { \
	looked[which]++; \
	if (!(cond)) \
		violated(l, which, dev, what); \
} while (0)

/* ---- who is who ---- */

static struct ledger *ledger_of(const struct node *n)
{
	return n->w->driver;
}

int device_of_mac(const uint8_t mac[6])
{
	return mac[4] << 8 | mac[5];
}

uint32_t realm_of(int dev)
{
	return dev % 4 == 3 ? 2 : 1;
}

/* By the NAI, which stands first in all messages of ours; -1: of no device. */
static int device_of_nai(const char *nai, size_t len)
{
	unsigned int low = 0;

	for (size_t i = 8; i < 12; i++) {
		if (len < 13 || nai[12] != '@' || !strchr("0123456789abcdef", nai[i]))
			return -1;
		low = low << 4 | (nai[i] <= '9' ? nai[i] - '0' : nai[i] - 'a' + 10);
	}
	return low;
}

static int device_of_message(const uint8_t *data, size_t len)
{
	/* What stands before the extensions: RFC 5944 s3.3, s3.4, RFC 3543 s3.3, s3.4. */
	size_t fixed = data[0] == WIRE_RRQ ? 24 : data[0] == WIRE_REVOKE_ACK ? 12 : 20;

	if (data[0] != WIRE_RRQ && data[0] != WIRE_RRP && data[0] != WIRE_REVOKE && data[0] != WIRE_REVOKE_ACK)
		return -1;
	if (len < fixed + 2 || data[fixed] != WIRE_EXT_NAI || len < fixed + 2 + data[fixed + 1])
		return -1;
	return device_of_nai((const char *)data + fixed + 2, data[fixed + 1]);
}

static uint64_t read_be(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

static struct in_addr read_addr(const uint8_t *p)
{
	struct in_addr a;

	memcpy(&a, p, sizeof(a));
	return a;
}

static uint64_t hash(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 32;
}

int device_of_cookie(const struct ledger *l, uint64_t cookie)
{
	size_t at = hash(cookie), dev;

	return map_next(&l->by_cookie, hash(cookie), &at, &dev) ? (int)dev : -1;
}

static void note_cookie(struct ledger *l, uint64_t cookie, int dev)
{
	if (device_of_cookie(l, cookie) < 0)
		map_add(&l->by_cookie, hash(cookie), dev);
}

struct stay *stay_of(struct ledger *l, int node, int dev)
{
	if (!l->stay[node]) {
		l->stay[node] = calloc(l->n_dev, sizeof(**l->stay));
		assert_non_null(l->stay[node]);
	}
	return &l->stay[node][dev];
}

static void touch(struct ledger *l, int node, int dev)
{
	for (unsigned int i = l->n_touched > 4 ? l->n_touched - 4 : 0; i < l->n_touched; i++) {
		if (l->touched[i].node == node && l->touched[i].dev == dev)
			return;
	}
	if (l->n_touched == sizeof(l->touched) / sizeof(l->touched[0]))
		ledger_after(&l->w->node[node]);	/* a restart or many timers: not all at the end */
	l->touched[l->n_touched].node = node;
	l->touched[l->n_touched++].dev = dev;
}

/* ---- the story of one device, to read ---- */

__attribute__((format(printf, 4, 5)))
static void tell(const struct ledger *l, const struct node *n, int dev, const char *fmt, ...)
{
	va_list args;

	if (dev < 0 || dev != l->told)
		return;
	printf("# %llu.%06llu node %d: ", (unsigned long long)(l->w->now / SEC),
	       (unsigned long long)(l->w->now % SEC), n->index);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

static void tell_message(const struct ledger *l, const struct node *n, int dev, const char *what, struct in_addr other,
			 const uint8_t *data)
{
	if (dev < 0 || dev != l->told)
		return;
	tell(l, n, dev, "%s %s type %u code/flags %u lifetime %u id %llx", what, inet_ntoa(other), data[0], data[1],
	     data[0] <= WIRE_RRP ? (unsigned int)read_be(data + 2, 2) : 0,
	     data[0] == WIRE_RRQ ? (unsigned long long)read_be(data + 16, 8) :
	     data[0] == WIRE_RRP ? (unsigned long long)read_be(data + 12, 8) : 0);
}

static void tell_binding(const struct ledger *l, const struct node *n, int dev, const struct core_binding *b)
{
	char home[INET_ADDRSTRLEN];

	if (dev < 0 || dev != l->told)
		return;
	tell(l, n, dev, "BIND %s to %s, state %d, %u legs, %u s, cookie %llx",
	     inet_ntop(AF_INET, &b->home, home, sizeof(home)), inet_ntoa(b->leg[0].peer), b->leg[0].state, b->n_legs,
	     b->lifetime, (unsigned long long)b->cookie);
}

/* ---- what an agent gets ---- */

static void look_again(struct ledger *l, int node, int dev, uint64_t at)
{
	call_at(l->w, at, (uint64_t)CALL_LEDGER << CALL_SHIFT | (uint64_t)node << 32 | dev);
}

static void got_rrq(struct ledger *l, struct node *n, const struct core_event *ev, int dev)
{
	const uint8_t *data = ev->datagram.data;
	struct at_ha *at = &l->dev[dev].ha[n->index];

	l->rrq.dev = dev;
	l->rrq.lifetime = read_be(data + 2, 2);
	l->rrq.coa = read_addr(data + 12);
	l->rrq.id = read_be(data + 16, 8);
	if (at->heard[0].s_addr != l->rrq.coa.s_addr) {
		at->heard[1] = at->heard[0];
		at->heard_at[1] = at->heard_at[0];
		at->heard[0] = l->rrq.coa;
	}
	at->heard_at[0] = l->w->now;
	if ((int64_t)(l->rrq.id - at->top_id) > 0 || !at->top_id) {
		const struct stay *stay = stay_of(l, node_by_addr(l->w, l->rrq.coa), dev);

		at->top_id = l->rrq.id;
		at->guessed = stay->ask[!l->rrq.lifetime].by_guess;
	}
	if (!l->rrq.lifetime && (int64_t)(l->rrq.id - at->id) > 0)
		at->leaves_id = l->rrq.id;
}

/* Time stamps of ours are the seconds of the Identification, which come in the same request. */
static bool is_after(uint32_t revocation, uint64_t rrq_id)
{
	return (int32_t)(revocation - (uint32_t)(rrq_id >> 32)) > 0;
}

/*
 * RFC 3543 s4.2.3.2: a PMA's revocation ends what that PMA has registered before, and
 * the home agent can free it at once. Nobody asks whether the device has said anything:
 * it can't, without service.
 */
static void got_revocation(struct ledger *l, struct node *n, const struct core_event *ev, int dev)
{
	const uint8_t *data = ev->datagram.data;
	struct at_ha *at = &l->dev[dev].ha[n->index];
	const struct in_addr coa = read_addr(data + 12);
	const uint32_t id = read_be(data + 16, 4);

	if (coa.s_addr != at->coa.s_addr || !is_after(id, at->bound_id))
		return;		/* late */
	at->said_coa = coa;
	at->said_id = id;
}

static void ends_at_ha(struct ledger *l, int dev, struct at_ha *at)
{
	if (at->until)
		map_del(&l->owner, hash((uint64_t)realm_of(dev) << 32 | at->home.s_addr), dev);
	at->until = 0;
}

/* Withdrawn, and the PMA that had it knows: before, its address is its own, whatever the home agent has decided. */
static void got_acknowledgment(struct ledger *l, struct node *n, const struct core_event *ev, int dev)
{
	struct at_ha *at = &l->dev[dev].ha[n->index];

	if (at->withdrawn && at->coa.s_addr == ev->datagram.src.s_addr)
		ends_at_ha(l, dev, at);
}

static bool has_left(const struct at_ha *at)
{
	return (int64_t)(at->leaves_id - at->id) > 0 ||
	       (at->said_coa.s_addr == at->coa.s_addr && is_after(at->said_id, at->bound_id));
}

static void got_rrp(struct ledger *l, struct node *n, const struct core_event *ev, int dev)
{
	const uint8_t *data = ev->datagram.data;
	struct stay *stay = stay_of(l, n->index, dev);
	const uint32_t low = read_be(data + 16, 4), ha = ev->datagram.src.s_addr;
	const uint16_t lifetime = read_be(data + 2, 2);

	for (int leaves = 0; leaves < 2; leaves++) {
		struct asked *ask = &stay->ask[leaves];

		if (low != (uint32_t)ask->id || ha != ask->ha)
			continue;
		ask->n = 0;
		if (data[1] == WIRE_CODE_HA_ID_MISMATCH) {
			ask->told_at = l->w->now;
			ask->told_life = l->w->node[node_by_addr(l->w, ev->datagram.src)].life;
		}
	}
	if (data[1] > WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS || !lifetime || low != (uint32_t)stay->ask[0].id ||
	    ha != stay->ask[0].ha)
		return;
	stay->until = stay->ask[0].at + lifetime * SEC;
	stay->until_life = n->life;
	look_again(l, n->index, dev, stay->until + SLACK_US);
}

/* An agent's next life begins with what the store has: what was answered, and maybe more. */
static void restored(struct ledger *l, struct node *n, const struct core_record *rec)
{
	int dev = device_of_nai(rec->nai, strlen(rec->nai));
	struct at_ha *at;

	if (dev < 0 || !n->cfg.ha)
		return;
	tell(l, n, dev, "RESTORE coa %s, id %llx, cookie %llx%s", inet_ntoa(rec->coa), (unsigned long long)rec->last_id,
	     (unsigned long long)rec->cookie, rec->tombstone ? ", tombstone" : "");
	at = &l->dev[dev].ha[n->index];
	hold(FORWARDS, dev, !at->id || at->unstored || (int64_t)(rec->last_id - at->id) >= 0,
	     "what was accepted isn't in the store");
	/* Killed when the kernel had it and the disk didn't: the kernel is believed, and has what was granted. */
	if ((int64_t)(at->stored_id - rec->last_id) > 0 && at->until && at->until < at->stored_at + GRANTED_S * SEC)
		at->until = at->stored_at + GRANTED_S * SEC;
	at->stored_id = rec->last_id;
	at->stored_coa = rec->coa;
	if (rec->last_id == at->id || rec->tombstone)
		return;
	at->id = at->bound_id = rec->last_id;	/* decided, and nobody was told */
	at->coa = rec->coa;
	at->until = at->stored_at + rec->lifetime * SEC;
}

/* Something has happened, so that it may ask anew. */
static void may_ask(struct ledger *l, struct node *n, int dev)
{
	struct stay *stay = stay_of(l, n->index, dev);

	stay->ask[0].n = stay->ask[1].n = 0;
}

void ledger_before(struct node *n, const struct core_event *ev)
{
	struct ledger *l = ledger_of(n);
	const struct core_reg *reg;
	int dev;

	l->event++;
	l->rrq.dev = -1;
	if (l->pma[n->index].life != n->life) {
		l->pma[n->index].life = n->life;
		l->pma[n->index].born = l->w->now;
	}
	if (n->cfg.pma && ev->type == CORE_EV_DATAGRAM && ev->datagram.data[0] == WIRE_RRP &&
	    ev->datagram.data[1] == WIRE_CODE_HA_ID_MISMATCH)
		l->pma[n->index].heard[node_by_addr(l->w, ev->datagram.src)] = n->life;
	switch (ev->type) {
	case CORE_EV_DATAGRAM:
		dev = device_of_message(ev->datagram.data, ev->datagram.len);
		if (dev < 0)
			break;
		tell_message(l, n, dev, "gets from", ev->datagram.src, ev->datagram.data);
		if (n->cfg.ha && ev->datagram.data[0] == WIRE_RRQ)
			got_rrq(l, n, ev, dev);
		else if (n->cfg.ha && ev->datagram.data[0] == WIRE_REVOKE)
			got_revocation(l, n, ev, dev);
		else if (n->cfg.ha && ev->datagram.data[0] == WIRE_REVOKE_ACK)
			got_acknowledgment(l, n, ev, dev);
		else if (n->cfg.pma && ev->datagram.data[0] == WIRE_RRP)
			got_rrp(l, n, ev, dev);
		else if (n->cfg.pma)
			may_ask(l, n, dev);
		break;
	case CORE_EV_ATTACH:
		tell(l, n, device_of_mac(ev->attach.mac), "attach, trigger %d, port %u", ev->attach.trigger,
		     ev->attach.port);
		reg = core_find_device(n->core, 0, ev->attach.mac);
		/* A frame of who is waited for changes nothing. */
		if (!reg || reg->state != CORE_WAIT_REG)
			may_ask(l, n, device_of_mac(ev->attach.mac));
		break;
	case CORE_EV_RESTORE:
		restored(l, n, &ev->restore);
		break;
	case CORE_EV_DETACH:
		tell(l, n, device_of_mac(ev->detach.mac), "detach, %d", ev->detach.why);
		may_ask(l, n, device_of_mac(ev->detach.mac));
		break;
	case CORE_EV_PRESENT:
	case CORE_EV_BOUND:
		dev = n->cfg.pma ? device_of_cookie(l, ev->done.cookie) : -1;
		if (dev >= 0)
			may_ask(l, n, dev);
		break;
	default:
		break;
	}
}

/* ---- what an agent does ---- */

/* RFC 5944 s3.6: not more than one a second; s3.6.3: unanswered, each after twice the time at least. */
static void sends_rrq(struct ledger *l, struct node *n, const struct core_action *a, int dev)
{
	const uint8_t *data = a->send.data;
	const bool leaves = !read_be(data + 2, 2);
	const uint64_t id = read_be(data + 16, 8);
	struct stay *stay = stay_of(l, n->index, dev);
	struct asked *ask = &stay->ask[leaves];
	const struct pma *pma = &l->pma[n->index];

	for (int i = 0; i < 2; i++) {
		if (stay->ask[i].life == n->life && stay->ask[i].ha == a->send.dst.s_addr)
			hold(MESSAGES, dev, l->w->now - stay->ask[i].at >= SEC, "requests within a second");
	}
	hold(MESSAGES, dev, stay->revoke.life != n->life || stay->revoke.ha != a->send.dst.s_addr ||
	     l->w->now - stay->revoke.at >= SEC, "a request within a second of a revocation");
	if (ask->life == n->life && ask->ha == a->send.dst.s_addr) {
		hold(MESSAGES, dev, ask->n < TRIES_MAX, "it asks on and on");
		hold(MESSAGES, dev, !ask->n || l->w->now - ask->at >= SEC << (ask->n - 1),
		     "requests without backing off");
	} else {
		ask->n = 0;
		ask->told_at = 0;
	}
	/* Whoever asks for the time and gets no answer goes on after a second; and no Identification goes back. */
	ask->by_guess = (pma->heard[node_by_addr(l->w, a->send.dst)] != n->life && l->w->now >= pma->born + SEC) ||
			id - stay->ask[0].id < 16 || id - stay->ask[1].id < 16;
	ask->n++;
	ask->id = id;
	ask->at = l->w->now;
	ask->ha = a->send.dst.s_addr;
	ask->life = n->life;
}

/* Whoever else was given it has it no longer: it has said so, or its time is over. */
static void owns(struct ledger *l, int dev, struct at_ha *at, struct in_addr home)
{
	const uint64_t key = hash((uint64_t)realm_of(dev) << 32 | home.s_addr);
	size_t i = key, other;

	while (map_next(&l->owner, key, &i, &other)) {
		struct device *d = &l->dev[other];

		for (int ha = 0; (int)other != dev && ha < l->n_ha; ha++) {
			const struct at_ha *has = &d->ha[ha];

			if (realm_of(other) != realm_of(dev) || has->home.s_addr != home.s_addr)
				continue;
			if (has->until > l->w->now + SLACK_US && !has_left(has))
				printf("# device %zu has %s at home agent %d until %.6f\n", other, inet_ntoa(home),
				       ha, has->until / 1e6);
			hold(OWNED_TWICE, dev, has->until <= l->w->now + SLACK_US || has_left(has),
			     "given to another device that has it still");
		}
	}
	if (!at->until || at->home.s_addr != home.s_addr) {
		ends_at_ha(l, dev, at);
		map_add(&l->owner, key, dev);
	}
	at->home = home;
}

static void accepts(struct ledger *l, struct node *n, const struct core_action *a, int dev)
{
	const uint8_t *data = a->send.data;
	const uint16_t lifetime = read_be(data + 2, 2);
	struct at_ha *at = &l->dev[dev].ha[n->index];
	const uint64_t id = read_be(data + 12, 8);

	if (at->unstored && at->id_life != n->life)
		at->id = 0;
	if (id == at->id)	/* said again: nothing of it is new */
		return;
	hold(FORWARDS, dev, !at->id || (int64_t)(id - at->id) > 0, "an older request is accepted");
	at->id = id;
	at->id_life = n->life;
	at->unstored = id != at->stored_id;	/* of who wasn't registered: for this life only */
	if (!lifetime) {
		if (at->coa.s_addr == a->send.dst.s_addr)
			ends_at_ha(l, dev, at);
		return;
	}
	/* Whatever has overtaken what: of one PMA's words the later counts. */
	hold(FORWARDS, dev, at->revoked_coa.s_addr != a->send.dst.s_addr || !is_after(at->revoked_id, id) ||
	     !at->revoked_id, "a request from before the revocation of its PMA is accepted");
	l->accepted++;
	looked[SECOND_RRQ]++;
	owns(l, dev, at, read_addr(data + 4));
	if (at->coa.s_addr != a->send.dst.s_addr) {
		l->handovers += at->until > l->w->now;
		at->revocations += REVOCATIONS;
	}
	at->coa = a->send.dst;
	at->bound_id = id;
	at->withdrawn = false;
	at->until = l->w->now + lifetime * SEC;
	at->accepted_life = n->life;
	look_again(l, n->index, dev, at->until + SLACK_US);
	touch(l, n->index, dev);
}

/*
 * What is refused has been sent after another 133 of the same life, so by the
 * clock of who refuses, and nobody else has asked for the device since, nor
 * before by guess: RFC 5944 s5.7.1 lets nobody in before that time comes.
 */
static void refuses_id(struct ledger *l, struct node *n, const struct core_action *a, int dev)
{
	const struct at_ha *at = &l->dev[dev].ha[n->index];
	int pma = node_by_addr(l->w, a->send.dst);
	const struct asked *ask;

	l->refused_id++;
	if (l->rrq.dev != dev || l->rrq.id == at->answered_id)	/* a copy */
		return;
	ask = &stay_of(l, pma, dev)->ask[!l->rrq.lifetime];
	if (l->rrq.id != ask->id || l->w->node[pma].life != ask->life || !ask->told_at ||
	    ask->at < ask->told_at || ask->told_life != n->life ||
	    at->heard_at[1] >= ask->told_at || at->guessed)
		return;
	violated(l, SECOND_RRQ, dev, "133 to a request by the clock of who answers");
}

static void sends_rrp(struct ledger *l, struct node *n, const struct core_action *a, int dev)
{
	const uint8_t code = a->send.data[1];

	if (code != WIRE_CODE_HA_ID_MISMATCH)
		l->dev[dev].ha[n->index].answered_id = read_be(a->send.data + 12, 8);
	if (code <= WIRE_CODE_ACCEPTED_NO_SIMULTANEOUS) {
		accepts(l, n, a, dev);
		return;
	}
	l->denied[code]++;
	if (code == WIRE_CODE_HA_ID_MISMATCH)
		refuses_id(l, n, a, dev);
}

/* RFC 3543 s3.3, s4.2.3.1. */
static void pma_revokes(struct ledger *l, struct node *n, const struct core_action *a, int dev)
{
	struct stay *stay = stay_of(l, n->index, dev);
	const uint32_t id = read_be(a->send.data + 16, 4);
	struct asked *last = &stay->revoke;

	l->by_pma++;
	for (int i = 0; i < 2; i++) {
		if (stay->ask[i].life == n->life && stay->ask[i].ha == a->send.dst.s_addr)
			hold(MESSAGES, dev, l->w->now - stay->ask[i].at >= SEC,
			     "a revocation within a second of a request");
	}
	hold(OUTLIVES, dev, l->w->now <= stay->until + SLACK_US + (n->life != stay->until_life ? RESTART_US : 0),
	     "a PMA revokes what is over");
	if (last->life != n->life || last->ha != a->send.dst.s_addr || (int64_t)(stay->ask[0].at - last->at) > 0)
		last->n = 0;
	if (last->n) {
		hold(MESSAGES, dev, last->n < 5, "a PMA revokes on and on");
		hold(MESSAGES, dev, l->w->now - last->at >= SEC << (last->n - 1), "revocations without backing off");
		hold(MESSAGES, dev, (int32_t)(id - (uint32_t)last->id) > 0, "a revocation has an Identifier again");
	}
	hold(MESSAGES, dev, !stay->ask[0].id || stay->ask[0].life != n->life || is_after(id, stay->ask[0].id),
	     "a revocation no later than what it revokes");
	*last = (struct asked){ .id = id, .at = l->w->now, .ha = a->send.dst.s_addr, .life = n->life,
				.n = last->n + 1 };
}

/* So many a second to one peer, repeated ones among them. */
static void takes_turn(struct ledger *l, struct node *n, const struct core_action *a)
{
	const int other = node_by_addr(l->w, a->send.dst), ha = n->cfg.ha ? n->index : other;
	struct pace *pace = &l->pace[n->cfg.ha ? other : n->index][ha][n->cfg.ha];

	if (pace->life != n->life)
		pace->next = 0;
	pace->life = n->life;
	hold(MESSAGES, -1, pace->next <= l->w->now + AT_ONCE_US, "revocations faster than their rate");
	pace->next = (pace->next > l->w->now ? pace->next : l->w->now) + SEC / REVOCATION_RATE;
}

/* RFC 3543 s4.2.3.2; what isn't there is acknowledged as well. */
static void acknowledges(struct ledger *l, struct node *n, const struct core_action *a, int dev)
{
	const uint32_t id = read_be(a->send.data + 8, 4);
	struct at_ha *at = &l->dev[dev].ha[n->index];

	if (at->coa.s_addr != a->send.dst.s_addr || !is_after(id, at->bound_id))
		return;
	ends_at_ha(l, dev, at);
	at->revoked_coa = at->coa;
	at->revoked_id = id;
}

static void sends(struct ledger *l, struct node *n, const struct core_action *a)
{
	const uint8_t type = a->send.data[0];
	int dev = device_of_message(a->send.data, a->send.len);
	struct device *d;

	l->messages++;
	if (dev < 0)
		return;
	tell_message(l, n, dev, "sends to", a->send.dst, a->send.data);
	assert_true(dev < l->n_dev);
	d = &l->dev[dev];
	if (d->in_event != l->event)
		d->sent = 0;
	d->in_event = l->event;
	d->sent++;
	if (d->sent > l->most_sent)
		l->most_sent = d->sent;
	hold(MESSAGES, dev, d->sent <= PER_EVENT, "of one event");
	if (type == WIRE_RRQ) {
		sends_rrq(l, n, a, dev);
	} else if (type == WIRE_RRP) {
		sends_rrp(l, n, a, dev);
	} else if (type == WIRE_REVOKE_ACK && n->cfg.ha) {
		acknowledges(l, n, a, dev);
	} else if (type == WIRE_REVOKE && n->cfg.pma) {
		takes_turn(l, n, a);
		pma_revokes(l, n, a, dev);
	} else if (type == WIRE_REVOKE) {
		takes_turn(l, n, a);
		if (d->ha[n->index].coa.s_addr == a->send.dst.s_addr && !d->ha[n->index].withdrawn) {
			d->ha[n->index].withdrawn = true;
			d->ha[n->index].revocations += REVOCATIONS;
		}
		l->revocations++;
		hold(MESSAGES, dev, d->ha[n->index].revocations, "revocations of one handover");
		d->ha[n->index].revocations--;
	}
}

static void stores(struct ledger *l, struct node *n, const struct core_record *rec)
{
	int dev = device_of_nai(rec->nai, strlen(rec->nai));
	struct at_ha *at;

	if (dev < 0)
		return;
	tell(l, n, dev, "STORE coa %s, id %llx, %u s, cookie %llx%s", inet_ntoa(rec->coa),
	     (unsigned long long)rec->last_id, rec->lifetime, (unsigned long long)rec->cookie,
	     rec->tombstone ? ", tombstone" : "");
	note_cookie(l, rec->cookie, dev);
	if (!n->cfg.ha)
		return;
	at = &l->dev[dev].ha[n->index];
	at->cookie = rec->cookie;
	at->stored_id = rec->last_id;
	at->stored_coa = rec->coa;
	at->stored_at = l->w->now;
	if (rec->tombstone)
		at->stored_coa.s_addr = INADDR_ANY;
}

void ledger_acted(struct node *n, const struct core_action *a)
{
	struct ledger *l = ledger_of(n);
	int dev = -1;

	switch (a->type) {
	case CORE_ACT_SEND:
		sends(l, n, a);
		return;
	case CORE_ACT_STORE:
		stores(l, n, &a->store);
		return;
	case CORE_ACT_FORGET:
		tell(l, n, device_of_cookie(l, a->store.cookie), "FORGET cookie %llx",
		     (unsigned long long)a->store.cookie);
		return;
	case CORE_ACT_BIND:
	case CORE_ACT_UNBIND:
		dev = n->cfg.pma && a->type == CORE_ACT_BIND ? device_of_mac(a->bind.mac) :
							       device_of_cookie(l, a->bind.cookie);
		break;
	case CORE_ACT_GONE:
	case CORE_ACT_REFUSED:
	case CORE_ACT_ATTACHED:
		dev = device_of_mac(a->device.mac);
		if (!strcmp(a->device.text, "withdrawn by the operator"))
			may_ask(l, n, dev);
		break;
	default:
		break;
	}
	if (dev < 0 || dev >= l->n_dev)
		return;
	if (a->type == CORE_ACT_BIND)
		tell_binding(l, n, dev, &a->bind);
	else if (a->type == CORE_ACT_UNBIND)
		tell(l, n, dev, "UNBIND");
	else
		tell(l, n, dev, "%s", a->type == CORE_ACT_ATTACHED ? "ATTACHED" : a->device.text);
	if (a->type == CORE_ACT_BIND && n->cfg.pma) {
		note_cookie(l, a->bind.cookie, dev);
		stay_of(l, n->index, dev)->cookie = a->bind.cookie;
	}
	touch(l, n->index, dev);
}

/* ---- what must be so ---- */

static const struct core_binding *active(const struct node *n, uint64_t cookie, const struct kernel_end **end)
{
	const struct core_binding *k = cookie ? kernel_find(n, cookie) : NULL;

	if (!k || k->leg[0].state != CORE_LEG_ACTIVE)
		return NULL;
	*end = &n->kernel_end[k - n->kernel];
	return k;
}

/* Whoever is killed in the middle of something stands still. */
static bool lives(const struct node *n)
{
	return n->core && !n->dead;
}

static void look_at_ha(struct ledger *l, const struct node *n, int dev)
{
	const struct at_ha *at = &l->dev[dev].ha[n->index];
	/* Decided, and not answered yet, or never, since the agent was killed. */
	const bool decided = (int64_t)(at->stored_id - at->id) > 0 || !at->id ||
			     (at->unstored && at->id_life != n->life);
	const bool anew = n->life != at->accepted_life, alive = lives(n);
	const struct kernel_end *end;
	const struct core_binding *k = active(n, at->cookie, &end);

	if (!k)
		return;
	/* Killed in between, it has got only so far. */
	if (decided && !alive && k->leg[0].peer.s_addr == at->coa.s_addr)
		return;
	if (decided && alive)
		hold(FORWARDS, dev, l->w->now <= at->stored_at + DECIDED_US, "it switches, and nobody is told");
	hold(FORWARDS, dev, k->leg[0].peer.s_addr == (decided ? at->stored_coa : at->coa).s_addr,
	     "its active leg isn't that of the last request that was accepted");
	for (unsigned int i = 1; i < k->n_legs; i++) {
		hold(FORWARDS, dev, k->leg[i].state == CORE_LEG_RECEIVE_ONLY && end->leg[i] &&
		     end->leg[i] <= l->w->now + n->cfg.handover_grace_ms * MSEC, "to more than one");
	}
	if (decided)
		return;
	hold(OUTLIVES, dev, end->binding && end->binding <= at->until + SLACK_US + (anew ? RESTART_US : 0),
	     "the home agent's kernel has it for longer than was granted");
	hold(OUTLIVES, dev, !alive || l->w->now <= at->until + SLACK_US + (anew ? RESTART_US : 0),
	     "a home agent forwards");
}

static void look_at_pma(struct ledger *l, const struct node *n, int dev)
{
	const struct stay *stay = stay_of(l, n->index, dev);
	const uint64_t slack = SLACK_US + (n->life != stay->until_life ? RESTART_US : 0);
	const struct kernel_end *end;
	const struct core_binding *k = active(n, stay->cookie, &end);

	if (!k)
		return;
	hold(OUTLIVES, dev, stay->until, "a PMA serves what no home agent has accepted");
	hold(OUTLIVES, dev, end->binding && end->binding <= stay->until + slack,
	     "the PMA's kernel has it for longer than was granted");
	hold(OUTLIVES, dev, !lives(n) || l->w->now <= stay->until + slack, "a PMA forwards");
}

void ledger_after(struct node *n)
{
	struct ledger *l = ledger_of(n);

	if (n->cfg.ha) {
		hold(OWNED_TWICE, -1, !n->n_taken, "a kernel is asked for it while another device has it");
		hold(CLASH, -1, !n->n_clash, "in a kernel");
	}
	for (unsigned int i = 0; i < l->n_touched; i++) {
		const struct node *at = &l->w->node[l->touched[i].node];

		if (at->cfg.ha)
			look_at_ha(l, at, l->touched[i].dev);
		else
			look_at_pma(l, at, l->touched[i].dev);
	}
	l->n_touched = 0;
}

/* An agent that is down lets go when it is back; its kernel does by itself, 30 s later. */
void ledger_ended(struct ledger *l, uint64_t arg)
{
	const int node = arg >> 32 & 0xffff, dev = arg & 0xffffff;
	const struct node *n = &l->w->node[node];
	const uint64_t until = n->cfg.ha ? l->dev[dev].ha[node].until : stay_of(l, node, dev)->until;
	const struct kernel_end *end;

	if (!until || until + SLACK_US > l->w->now)
		return;		/* it was ended or prolonged since */
	if (!lives(n) && l->w->now < until + 31 * SEC + RESTART_US + SLACK_US) {
		look_again(l, node, dev, l->w->now + SEC);
		return;
	}
	if (!lives(n))
		hold(OUTLIVES, dev, !active(n, n->cfg.ha ? l->dev[dev].ha[node].cookie :
					    stay_of(l, node, dev)->cookie, &end), "a kernel without an agent");
	else if (n->cfg.ha)
		look_at_ha(l, n, dev);
	else
		look_at_pma(l, n, dev);
}

bool is_served(struct ledger *l, int dev)
{
	const struct device *d = &l->dev[dev];
	const struct kernel_end *end;
	const struct core_binding *k;

	if (d->at < 0)
		return false;
	k = active(&l->w->node[d->at], stay_of(l, d->at, dev)->cookie, &end);
	return k && k->port == d->port;
}

/* From the port to the home agent and back. */
static const char *not_bound(struct ledger *l, int dev)
{
	const struct device *d = &l->dev[dev];
	const struct core_binding *ha, *pma;
	const struct kernel_end *end;
	int i;

	if (!is_served(l, dev))
		return "the PMA doesn't serve it";
	pma = active(&l->w->node[d->at], stay_of(l, d->at, dev)->cookie, &end);
	i = node_by_addr(l->w, pma->leg[0].peer);
	if (i < 0 || i >= l->n_ha)
		return "its tunnel ends nowhere";
	ha = active(&l->w->node[i], d->ha[i].cookie, &end);
	if (!ha)
		return "the home agent doesn't have it";
	if (ha->leg[0].peer.s_addr != pma->leg[0].local.s_addr)
		return "the home agent sends elsewhere";
	if (ha->leg[0].local.s_addr != pma->leg[0].peer.s_addr || ha->leg[0].key_in != pma->leg[0].key_out ||
	    ha->leg[0].key_out != pma->leg[0].key_in)
		return "the tunnel's ends don't fit";
	if (ha->home.s_addr != pma->home.s_addr || ha->realm != pma->realm)
		return "with another address";
	return NULL;
}

void is_bound_in_time(struct ledger *l, int dev)
{
	const struct device *d = &l->dev[dev];
	const uint64_t since = d->since > l->calm_since ? d->since : l->calm_since;
	const char *why;

	if (!l->calm || d->at < 0 || l->w->now < since + BOUND_WITHIN_US)
		return;
	why = not_bound(l, dev);
	hold(UNBOUND, dev, !why, why);
}

void ledger_look(struct ledger *l)
{
	l->looks++;
	for (int dev = 0; dev < l->n_dev; dev++) {
		for (int i = 0; i < l->w->n_node; i++) {
			if (i < l->n_ha)
				look_at_ha(l, &l->w->node[i], dev);
			else if (l->stay[i])
				look_at_pma(l, &l->w->node[i], dev);
		}
		is_bound_in_time(l, dev);
	}
	for (int i = 0; i < l->n_ha; i++) {
		const struct node *ha = &l->w->node[i];
		struct map seen = { 0 };

		for (size_t k = 0; k < ha->n_kernel; k++) {
			const uint64_t key = hash((uint64_t)ha->kernel[k].realm << 32 | ha->kernel[k].home.s_addr);
			size_t at = key, other;

			while (map_next(&seen, key, &at, &other)) {
				hold(OWNED_TWICE, -1, ha->kernel[other].realm != ha->kernel[k].realm ||
				     ha->kernel[other].home.s_addr != ha->kernel[k].home.s_addr, "in a kernel");
			}
			map_add(&seen, key, k);
		}
		free(seen.slot);
	}
}

void ledger_empty(struct ledger *l)
{
	for (int i = 0; i < l->w->n_node; i++) {
		hold(LEFTOVER, -1, !l->w->node[i].n_kernel, "bindings");
		hold(LEFTOVER, -1, !l->w->node[i].n_row, "rows");
		hold(LEFTOVER, -1, !n_regs(&l->w->node[i]), "registrations");
		hold(LEFTOVER, -1, !core_next(l->w->node[i].core), "timers");
	}
}

void ledger_free(struct ledger *l)
{
	for (int i = 0; i < l->n_ha + l->n_pma; i++)
		free(l->stay[i]);
	free(l->stay);
	free(l->pma);
	free(l->pace);
	free(l->dev);
	free(l->by_cookie.slot);
	free(l->owner.slot);
}
