// SPDX-License-Identifier: GPL-2.0-only
#include "host/timeline.h"
#include "host/datapath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct timeline {
	struct handover ring[TIMELINE_MAX];
	unsigned int next, used;
};

struct timeline *timeline_new(void)
{
	return calloc(1, sizeof(struct timeline));
}

void timeline_free(struct timeline *timeline)
{
	free(timeline);
}

void timeline_add(struct timeline *timeline, const struct core_reg *reg, const char *device)
{
	struct handover *h;

	for (unsigned int i = 0; i < timeline->used; i++)
		if (timeline->ring[i].cookie == reg->rec.cookie &&
		    timeline->ring[i].at.seen_us == reg->timeline.seen_us)
			return;
	h = &timeline->ring[timeline->next];
	timeline->next = (timeline->next + 1) % TIMELINE_MAX;
	if (timeline->used < TIMELINE_MAX)
		timeline->used++;
	*h = (struct handover){ .realm = reg->rec.realm, .home = reg->rec.home, .cookie = reg->rec.cookie,
				.at = reg->timeline };
	memcpy(h->mac, reg->rec.mac, sizeof(h->mac));
	strcpy(h->nai, reg->rec.nai);
	strcpy(h->port_name, reg->rec.port_name);
	snprintf(h->device, sizeof(h->device), "%s", device);
}

static void refresh(struct handover *h, struct datapath *dp)
{
	struct datapath_binding b;

	if (h->closed || (h->first_up_us && h->first_down_us) ||
	    datapath_get(dp, h->device, h->realm, h->home, &b) || b.as.cookie != h->cookie)
		return;
	/* A binding that was there before this attach counts from its own beginning. */
	if (b.first_up_us >= h->at.seen_us)
		h->first_up_us = b.first_up_us;
	if (b.first_down_us >= h->at.seen_us)
		h->first_down_us = b.first_down_us;
}

void timeline_close(struct timeline *timeline, struct datapath *dp, uint64_t cookie)
{
	for (unsigned int i = 0; i < timeline->used; i++)
		if (timeline->ring[i].cookie == cookie) {
			refresh(&timeline->ring[i], dp);
			timeline->ring[i].closed = true;
		}
}

void timeline_walk(struct timeline *timeline, struct datapath *dp,
		   void (*fn)(void *arg, const struct handover *handover), void *arg)
{
	for (unsigned int i = 0; i < timeline->used; i++) {
		const unsigned int at = timeline->next + TIMELINE_MAX - timeline->used + i;
		struct handover *h = &timeline->ring[at % TIMELINE_MAX];

		refresh(h, dp);
		fn(arg, h);
	}
}
