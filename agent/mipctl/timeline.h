/* SPDX-License-Identifier: GPL-2.0-only */
/* Handovers of an agent: a table, or a drawing. */
#ifndef MIPCTL_TIMELINE_H
#define MIPCTL_TIMELINE_H

struct json_object;

void timeline_head(void);
void timeline_print(struct json_object *handover);

/* A drawing is made of all of them. */
void timeline_keep(struct json_object *handover);
void timeline_draw(void);
void timeline_forget(void);

#endif /* MIPCTL_TIMELINE_H */
