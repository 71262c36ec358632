#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Print -DMIP4_HAVE_… for what the kernel headers under $1 declare. Versions
# don't tell: stable kernels take changes early. Only compat.h may use these.
inc=$1/include

# where nothing is found, all would seem to be old
[ -d "$inc/net" ] || { echo "gen-compat.sh: no kernel headers in $inc" >&2; exit 1; }

has() { # NAME FILE DECLARATION
	grep -qE -- "$3" "$inc/$2" 2>/dev/null && printf ' -DMIP4_HAVE_%s' "$1"
}

has GENL_SPLIT_OPS	net/genetlink.h		'^struct genl_split_ops \{'
has GSO_H		net/gso.h		'skb_gso_segment\('
has IPCB_FLAGS		net/ip_tunnels.h	'^[^*]*u16 ipcb_flags\)'
has LLTX		linux/netdevice.h	'^[[:space:]]+unsigned long[[:space:]]+lltx:1;'
has NETNS_IMMUTABLE	linux/netdevice.h	'^[[:space:]]+unsigned long[[:space:]]+netns_immutable:1;'
has NETNS_LOCAL		linux/netdevice.h	'^[[:space:]]+unsigned long[[:space:]]+netns_local:1;'
has NEWLINK_PARAMS	net/rtnetlink.h		'^struct rtnl_newlink_params \{'
has SETUP_UDP_TUNNEL_SK	net/udp_tunnel.h	'setup_udp_tunnel_sock\(struct net \*net, struct sock \*'
has UNALIGNED_H		linux/unaligned.h	'get_unaligned_be16\('
exit 0
