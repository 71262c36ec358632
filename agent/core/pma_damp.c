// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that two PMAs hear at once would be registered by one and the other
 * in turn, as fast as its frames come. Damped as routes that flap are (RFC 2439):
 * to lose it to another PMA soon after it came is a penalty, which halves by and
 * by. Above a limit, which takes three of them within seconds, its frames are no
 * reason to take it back until the penalty has come down; the other PMA keeps it
 * so long. Who moves once, or there and back, isn't delayed at all, nor is who
 * stays a while wherever it goes, or whose link went down here before.
 */
#include "core/reg.h"

#define PENALTY		1000U
#define LIMIT		2500U		/* from here on it is left alone, */
#define REUSE		1500U		/* until here: for 8 s at most, but for more losses */
#define HALVES_US	(8 * SECOND)
#define SOON_US		(3 * SECOND)
#define FORGET_US	(2 * HALVES_US)	/* a quarter of a penalty is none */

static unsigned int penalty(const struct core *core, const struct pma_reg *pma)
{
	const uint64_t age = core->now->mono_us - pma->lost_us, halves = age / HALVES_US;
	unsigned int left;

	if (!pma->penalty || halves >= 32)
		return 0;
	left = pma->penalty >> halves;
	return left - left * (age % HALVES_US) / (2 * HALVES_US);	/* straight from one half to the next */
}

void pma_lost(struct core *core, struct reg *reg)
{
	const uint64_t came_us = reg->pub.timeline.bound_us;	/* 0: in an earlier life */
	struct pma_reg *pma = &reg->pma;

	if (reg->pub.state == CORE_AWAY || !came_us || core->now->mono_us - came_us >= SOON_US)
		return;
	pma->penalty = penalty(core, pma) + PENALTY;
	pma->lost_us = core->now->mono_us;
	if (pma->penalty < LIMIT || pma->damped)
		return;
	pma->damped = true;
	act_log(core, CORE_LOG_INFO, "%s: goes back and forth: left to the other proxy agent for a while",
		reg->pub.rec.nai);
}

bool pma_damped(const struct core *core, struct reg *reg)
{
	if (reg->pma.damped && penalty(core, &reg->pma) <= REUSE)
		reg->pma.damped = false;
	return reg->pma.damped;
}

uint64_t pma_lost_until(const struct reg *reg)
{
	return reg->pma.penalty ? reg->pma.lost_us + FORGET_US : 0;
}
