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

#define MIP4_EXPIRE_PERIOD	HZ	/* between two rounds */
#define MIP4_EXPIRE_SLICE	8192	/* bindings looked at in one go */

static bool mip4_expired(const struct mip4_binding *b, time64_t now)
{
	const time64_t expires = READ_ONCE(b->expires);

	return expires && now >= expires + READ_ONCE(b->mip->grace);
}

/* Look at one slice. Return: whether any binding in it has an end. */
static bool mip4_expire_slice(struct mip4_dev *mip, bool *done)
{
	const time64_t now = ktime_get_boottime_seconds();
	unsigned long id = mip->expire_next;
	struct mip4_binding *b;
	unsigned int n = 0;
	bool any = false;

	*done = true;
	mutex_lock(&mip->lock);
	xa_for_each_start(&mip->ids, id, b, mip->expire_next) {
		if (n++ == MIP4_EXPIRE_SLICE) {
			*done = false;
			break;
		}
		if (mip4_expired(b, now)) {
			mip4_nl_notify(b, MIP4_CMD_BINDING_DEL,
				       MIP4_DEL_EXPIRED);
			mip4_binding_del(b);
		} else if (b->expires) {
			any = true;
		}
	}
	mip->expire_next = *done ? 0 : id;
	mutex_unlock(&mip->lock);
	return any;
}

static void mip4_expire_work(struct work_struct *work)
{
	struct mip4_dev *mip = container_of(to_delayed_work(work),
					    struct mip4_dev, expire);
	const struct mip4_binding_filter all = {};
	bool any = false, done;

	if (xchg(&mip->orphaned, false)) {
		mutex_lock(&mip->lock);
		mip4_binding_flush(mip, &all, MIP4_DEL_ORPHAN);
		mutex_unlock(&mip->lock);
	}
	do {
		any |= mip4_expire_slice(mip, &done);
		cond_resched();
	} while (!done);
	if (any)
		queue_delayed_work(mip4_wq, &mip->expire, MIP4_EXPIRE_PERIOD);
}

void mip4_expire_init(struct mip4_dev *mip)
{
	INIT_DELAYED_WORK(&mip->expire, mip4_expire_work);
}

/**
 * mip4_expire_start() - a binding has got an end
 * @mip: its device
 */
void mip4_expire_start(struct mip4_dev *mip)
{
	queue_delayed_work(mip4_wq, &mip->expire, MIP4_EXPIRE_PERIOD);
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
