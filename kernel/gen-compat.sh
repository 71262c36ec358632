#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Print a header with MIP4_HAVE_… for what the kernel headers under $1 declare.
# Versions don't tell: stable kernels take changes early. Only compat.h may
# include it.
inc=$1/include

has() { # NAME FILE DECLARATION
	# what isn't found would seem to be old
	[ -f "$inc/$2" ] || { echo "gen-compat.sh: no $inc/$2" >&2; exit 1; }
	grep -qE -- "$3" "$inc/$2" && echo "#define MIP4_HAVE_$1"
}

has_file() { # NAME FILE, which old kernels don't have
	[ -f "$inc/$2" ] && echo "#define MIP4_HAVE_$1"
}

has GENL_SPLIT_OPS	net/genetlink.h		'^struct genl_split_ops \{'
has_file GSO_H		net/gso.h
has IPCB_FLAGS		net/ip_tunnels.h	'^[^*]*u16 ipcb_flags\)'
has LLTX		linux/netdevice.h	'^[[:space:]]+unsigned long[[:space:]]+lltx:1;'
has NETNS_IMMUTABLE	linux/netdevice.h	'^[[:space:]]+unsigned long[[:space:]]+netns_immutable:1;'
has NETNS_LOCAL		linux/netdevice.h	'^[[:space:]]+unsigned long[[:space:]]+netns_local:1;'
has NEWLINK_PARAMS	net/rtnetlink.h		'^struct rtnl_newlink_params \{'
has SETUP_UDP_TUNNEL_SK	net/udp_tunnel.h	'setup_udp_tunnel_sock\(struct net \*net, struct sock \*'
has_file UNALIGNED_H	linux/unaligned.h
exit 0
