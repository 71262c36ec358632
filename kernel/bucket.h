/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MIP4_BUCKET_H
#define _MIP4_BUCKET_H

#include <linux/jiffies.h>
#include <linux/spinlock.h>

/* A token bucket for what the slow path may send. Any context. */
struct mip4_bucket {
	spinlock_t lock;	/* the fields below */
	unsigned long stamp;	/* jiffies of the last refill */
	u32 tokens;
	u32 burst;
	u32 rate;		/* tokens per second */
};

static inline void mip4_bucket_init(struct mip4_bucket *bucket, u32 burst,
				    u32 rate)
{
	spin_lock_init(&bucket->lock);
	bucket->stamp = jiffies;
	bucket->tokens = burst;
	bucket->burst = burst;
	bucket->rate = rate;
}

/* Return: true and one token less, or false when there is none. */
static inline bool mip4_bucket_take(struct mip4_bucket *bucket)
{
	unsigned long flags, now = jiffies, add;
	bool ok;

	spin_lock_irqsave(&bucket->lock, flags);
	add = (now - bucket->stamp) / HZ >= bucket->burst ? bucket->burst :
	      (now - bucket->stamp) * bucket->rate / HZ;
	if (add) {
		bucket->tokens = min_t(unsigned long, bucket->burst,
				       bucket->tokens + add);
		bucket->stamp = now;
	}
	ok = bucket->tokens > 0;
	if (ok)
		bucket->tokens--;
	spin_unlock_irqrestore(&bucket->lock, flags);
	return ok;
}

#endif /* _MIP4_BUCKET_H */
