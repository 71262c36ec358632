// SPDX-License-Identifier: GPL-2.0-only
/*
 * The safety net under the agent's own lifetimes: bindings that nobody renewed
 * go when lifetime and grace are over, or with the last agent if so wished.
 */
#include <linux/workqueue.h>

#include "binding.h"
#include "device.h"
#include "expire.h"
#include "netlink.h"

#define MIP4_EXPIRE_MIN		1	/* s between two rounds */
#define MIP4_EXPIRE_MAX		3600
#define MIP4_EXPIRE_SLICE	8192	/* bindings looked at in one go */

/* Is its time over? If not, @next becomes its end if that comes first. */
static bool mip4_expired(const struct mip4_binding *b, time64_t now,
			 time64_t *next)
{
	if (!b->expires)
		return false;
	if (now >= b->expires + READ_ONCE(b->mip->grace))
		return true;
	if (!*next || b->expires < *next)
		*next = b->expires;
	return false;
}

/*
 * Look at one slice and keep the earliest end in @next. Return: whether that
 * was the last one.
 */
static bool mip4_expire_slice(struct mip4_dev *mip, time64_t *next)
{
	const time64_t now = ktime_get_boottime_seconds();
	unsigned long id = mip->expire_next;
	struct mip4_binding *b;
	unsigned int n = 0;
	bool done = true;

	mutex_lock(&mip->lock);
	xa_for_each_start(&mip->ids, id, b, mip->expire_next) {
		if (n++ == MIP4_EXPIRE_SLICE) {
			done = false;
			break;
		}
		if (!mip4_expired(b, now, next))
			continue;
		mip4_nl_notify(b, MIP4_CMD_BINDING_DEL, MIP4_DEL_EXPIRED);
		mip4_binding_del(b);
		cond_resched();
	}
	mip->expire_next = done ? 0 : id;
	if (done && *next)
		mip4_expire_at(mip, *next);
	mutex_unlock(&mip->lock);
	return done;
}

/* The last agent has gone. Has another come meanwhile? */
static void mip4_expire_flush(struct mip4_dev *mip)
{
	const struct mip4_binding_filter all = {};

	mutex_lock(&mip->lock);
	if (!mip4_nl_listens(mip, MIP4_NL_BINDINGS))
		mip4_binding_flush(mip, &all, MIP4_DEL_ORPHAN);
	mutex_unlock(&mip->lock);
}

static void mip4_expire_work(struct work_struct *work)
{
	struct mip4_dev *mip = container_of(to_delayed_work(work),
					    struct mip4_dev, expire);
	time64_t next = 0;

	if (xchg(&mip->orphaned, false))
		mip4_expire_flush(mip);
	/* a lifetime that starts while we walk calls us again */
	mutex_lock(&mip->lock);
	mip->expire_due = 0;
	mutex_unlock(&mip->lock);
	while (!mip4_expire_slice(mip, &next))
		cond_resched();
}

/**
 * mip4_expire_init() - prepare the expiry of a new device's bindings
 * @mip: device
 *
 * Context: RTNL, before it can have bindings.
 */
void mip4_expire_init(struct mip4_dev *mip)
{
	INIT_DELAYED_WORK(&mip->expire, mip4_expire_work);
}

/**
 * mip4_expire_at() - a binding has an end
 * @mip: its device
 * @expires: boottime seconds, without grace
 *
 * Context: process, mip4_dev.lock held.
 */
void mip4_expire_at(struct mip4_dev *mip, time64_t expires)
{
	time64_t wait;

	if (mip->expire_due && mip->expire_due <= expires)
		return;
	mip->expire_due = expires;
	wait = expires + READ_ONCE(mip->grace) - ktime_get_boottime_seconds();
	wait = clamp_t(time64_t, wait, MIP4_EXPIRE_MIN, MIP4_EXPIRE_MAX);
	mod_delayed_work(mip4_wq, &mip->expire, wait * HZ);
}

/**
 * mip4_expire_again() - look at all ends anew, for grace has changed
 * @mip: device
 */
void mip4_expire_again(struct mip4_dev *mip)
{
	mod_delayed_work(mip4_wq, &mip->expire, 0);
}

/**
 * mip4_expire_orphans() - flush all bindings soon: their agent has gone
 * @mip: device
 */
void mip4_expire_orphans(struct mip4_dev *mip)
{
	WRITE_ONCE(mip->orphaned, true);
	mod_delayed_work(mip4_wq, &mip->expire, 0);
}

/**
 * mip4_expire_stop() - undo mip4_expire_init()
 * @mip: device, dead
 *
 * Context: process.
 */
void mip4_expire_stop(struct mip4_dev *mip)
{
	cancel_delayed_work_sync(&mip->expire);
}
