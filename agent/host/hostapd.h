/* SPDX-License-Identifier: GPL-2.0-only */
/* Stations that associate with, and leave, access points of this machine, by hostapd's control interface. */
#ifndef MIP4_HOSTAPD_H
#define MIP4_HOSTAPD_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct event_base;
struct hostapds;

/*
 * @interface is the access point's. @here: the station is authorised there, since just
 * now if @now, or since before it was asked; otherwise it has left, all access points
 * here.
 */
typedef void (*hostapd_fn)(void *arg, const char *interface, const uint8_t mac[static 6], bool here, bool now);

struct hostapds *hostapds_new(struct event_base *base, hostapd_fn station, void *arg);
/* The control sockets are @config's from now on; one that isn't there is tried again. False: no memory. */
bool hostapds_configure(struct hostapds *all, const struct config *config);
void hostapds_free(struct hostapds *all);

#endif /* MIP4_HOSTAPD_H */
