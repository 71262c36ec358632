/* SPDX-License-Identifier: GPL-2.0-only */
/* The control socket: Documentation/control-socket.md. */
#ifndef MIP4_CONTROL_H
#define MIP4_CONTROL_H

#include "host/host.h"

struct control;

/* Listens on host->socket_path. NULL with a sentence in @text (CORE_TEXT_MAX). */
struct control *control_open(struct host *host, char *text);
void control_close(struct control *control);

/* CORE_ACT_ATTACHED, REFUSED and GONE, after the core has returned. */
void control_result(struct control *control, const struct core_action *action);
/* After each event: has a detach that somebody waits for come to its end? */
void control_poll(struct control *control);
/* Who waits is told @why: the core that was asked is gone. */
void control_reset(struct control *control, const char *why);

#endif /* MIP4_CONTROL_H */
