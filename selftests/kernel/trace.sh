#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tracepoints mip4:*: bindings that come, change and go, packets that are nobody's, packets that are dropped and why.
#
#   cn ── ha ══ pma1 ── dev
# timeout: 600

. "$(dirname "$0")/lib.sh"

TRACE=/sys/kernel/tracing
if ! mountpoint -q $TRACE && ! mount -t tracefs tracefs $TRACE 2> /dev/null; then
	[[ -z ${KERNEL-} || $KERNEL = uml ]] || { tap_fail "this kernel has tracefs"; tap_end; }
	tap_skip_all "no tracefs in this kernel"
fi

tap_cleanup()
{
	[ ! -d $TRACE/events/mip4 ] || echo 0 > $TRACE/events/mip4/enable
	echo 0 > $TRACE/events/skb/kfree_skb/enable
	end_namespaces
}

# traced REGEX: is there such a line?
traced()
{
	grep -qE -- "$1" $TRACE/trace
}

# tells "DESC" REGEX CMD...: is that traced when CMD has run?
tells()
{
	local desc=$1 regex=$2

	shift 2
	tap_stage "$desc"
	echo > $TRACE/trace
	if ! "$@" > /tmp/said 2>&1; then
		tap_fail "$desc" "failed: $*"$'\n'"$(cat /tmp/said)"
	elif tap_wait 10 "its trace" traced "$regex"; then
		tap_ok "$desc"
	else
		tap_fail "$desc" "want: $regex"$'\n'" got: $(grep -v '^#' $TRACE/trace | tail -n 20)"
	fi
}

# symbols EVENT: number and name of each value that its last field may have
symbols()
{
	sed -n '/^print fmt/s/.*__print_symbolic//p' "$TRACE/events/mip4/$1/format" |
		grep -o '{ *[A-Za-z0-9_]*, *"[a-z_]*" *}' | tr -d '{",}' | awk '{ print $1, $2 }'
}

numbered()
{
	awk '{ print NR - 1, $1 }'
}

to_ha()
{
	py pma1 "send_ip(ip('$PMA1', '$HA', $1, proto=${2:-47}))"
}

from_dev()
{
	py dev "send('eth0', eth('$DEV_MAC', '$gw', $1))"
}

INNER="ip('$DEV_IP', '$CN', udp(1, 2))"
header=$MIP4_TOP/uapi/linux/mip4.h
tap_check "module, routers, devices" eval "load && topology"
ip -n radio link set dev pma2 down
gw=$(n pma1 cat /sys/class/net/port/address)
index=$(n pma1 cat /sys/class/net/port/ifindex)

tap_is "the tracepoints" "$(cd $TRACE/events/mip4 && printf '%s\n' */ | tr -d / | tr '\n' ' ')" \
	"mip4_attach mip4_change mip4_detach mip4_drop mip4_miss "
tap_is "drop reasons have the names of the header" "$(symbols mip4_drop)" \
	"$(sed -n 's/^\tx([A-Z_]*, "\([a-z_]*\)").*/\1/p' "$header" | numbered)"
tap_is "and so have reasons to detach" "$(symbols mip4_detach)" \
	"$(sed -n 's/^\tMIP4_DEL_\([A-Z_]*\),.*/\L\1/p' "$header" | numbered)"

tap_stage "switched off"
echo > $TRACE/trace
tap_check "a binding comes and goes" eval "bind_ha $PMA1 && ctl ha binding del dev mip0 home $DEV_IP"
tap_is "in silence" "$(grep -c mip4_ $TRACE/trace)" 0
echo 1 > $TRACE/events/mip4/enable

tap_stage "bindings"
tells "attach, at the home agent" \
	"mip4_attach: dev=mip0 id=[0-9]+ realm=0 home=$DEV_IP port=0 mac=00:00:00:00:00:00 peer=$PMA1" bind_ha $PMA1
tells "at the access router" \
	"mip4_attach: dev=mip0 id=[0-9]+ realm=0 home=$DEV_IP port=$index mac=$DEV_MAC peer=$HA" bind_pma pma1
tells "change" "mip4_change: dev=mip0 id=[0-9]+ realm=0 home=$DEV_IP port=0 .*peer=$PMA2\$" \
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA2 key 0x2005 okey 0x1005
tells "and back" "mip4_change: .*peer=$PMA1\$" \
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 key 0x2005 okey 0x1005
n dev ip neighbour replace $HOME_GW lladdr "$gw" dev eth0 nud permanent
tap_check "packets pass" pings dev $CN

tap_stage "packets"
echo > $TRACE/trace
tap_check "good ones" pings dev $CN
tap_is "are no event" "$(grep -c 'mip4_[a-z]*:' $TRACE/trace)" 0
tells "a miss, by key" \
	"mip4_miss: dev=core local=$HA peer=$PMA1 proto=47 keyed=1 key=0x9999 saddr=$DEV_IP daddr=$CN" \
	to_ha "gre($INNER, key=0x9999)"
tells "a miss of IP-in-IP" "mip4_miss: dev=core local=$HA peer=$PMA1 proto=4 keyed=0 key=0x0 saddr=$DEV_IP daddr=$CN" \
	to_ha "$INNER" 4
id=$(ctl pma1 -j binding get dev mip0 home $DEV_IP | jq .[0].id)
tells "a drop of a binding" \
	"mip4_drop: dev=mip0 id=$id .*protocol=0x0800 saddr=10.0.0.6 daddr=$CN reason=spoofed_source\$" \
	from_dev "ip('10.0.0.6', '$CN', udp(1, 2))"
tells "one of none" "mip4_drop: dev=mip0 id=0 .* saddr=$CN daddr=10.0.0.66 reason=no_binding\$" \
	py cn "send_ip(ip('$CN', '10.0.0.66', udp(1, 2)))"
tells "one before decapsulation" "mip4_drop: dev=mip0 id=0 .* saddr=$PMA1 daddr=$HA reason=inner_address\$" \
	to_ha "gre(ip('10.0.0.66', '$CN', udp(1, 2)), key=0x2005)"
tells "one without IPv4 header" "mip4_drop: .*protocol=0x0806 saddr=0.0.0.0 daddr=0.0.0.0 reason=arp\$" \
	py dev "send('eth0', arp_frame(1, '$DEV_MAC', '$DEV_IP', '$DEV_IP'))"

tap_stage "the kernel's own event"
echo 1 > $TRACE/events/skb/kfree_skb/enable
tells "has the kernel's reason where there is one" "kfree_skb: .*reason: IP_INHDR" \
	to_ha "gre(ip('$DEV_IP', '$CN', udp(1, 2), total=999), key=0x2005)"
tells "and ours beside it" "mip4_drop: .*reason=bad_inner\$" \
	to_ha "gre(ip('$DEV_IP', '$CN', udp(1, 2), total=999), key=0x2005)"
echo 0 > $TRACE/events/skb/kfree_skb/enable

tap_stage "bindings go"
tells "on request" "mip4_detach: dev=mip0 id=$id realm=0 home=$DEV_IP reason=request\$" \
	ctl pma1 binding del dev mip0 home $DEV_IP
tells "by a flush" "mip4_detach: .*reason=flush\$" eval "bind_pma pma1 && ctl pma1 binding flush dev mip0 all"
tells "with their port" "mip4_detach: .*reason=port\$" \
	eval "bind_pma pma1 && ip -n pma1 link set dev port nomaster && ip -n pma1 link set dev port master mip0"
tells "with their time" "mip4_detach: .*reason=expired\$" \
	eval "ctl pma1 link set mip0 grace 0 && bind_pma pma1 &&
		ctl pma1 binding set dev mip0 home $DEV_IP lifetime 1"
tells "with their link" "mip4_detach: .*reason=link\$" eval "bind_pma pma1 && ip -n pma1 link del dev mip0"
tap_end
