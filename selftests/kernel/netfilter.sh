#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Packet filters on the underlay: a verdict from user space puts a packet back from a process's context; conntrack
# sees the tunnel; a home agent's device in a VRF behaves as in the main table.
# timeout: 300

. "$(dirname "$0")/lib.sh"

QUEUE=$MIP4_TOP/selftests/kernel/nfqueue.py

# queue NS COUNT: INPUT's GRE there waits for a verdict from user space
queue()
{
	n "$1" nft -f - <<- 'END'
		table ip q { chain in { type filter hook input priority 0; ip protocol 47 queue num 1; }; }
	END
	spawn "$1" python3 "$QUEUE" 1 "$2" > "/tmp/queue-$1" 2>&1
}

queued()
{
	tap_wait 15 "the queue of $1" grep -q ready "/tmp/queue-$1"
}

modprobe nfnetlink_queue
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"

tap_stage "verdicts from user space"
queue ha 20
at_ha=$!
queue pma1 20
at_pma1=$!
tap_check "queues at the home agent and the access router" eval "queued ha && queued pma1"
tap_check "20 pings pass both" pings dev $CN 20
wait $at_ha
tap_is "the home agent's queue saw 20" $? 0
wait $at_pma1
tap_is "the access router's as well" $? 0
for ns in ha pma1; do
	n $ns nft flush ruleset
done

tap_stage "conntrack on the underlay"
n pma1 nft 'table ip c {
	chain in { type filter hook input priority 0; ct state invalid drop; ct state new,established accept; };
}'
tap_check "what it knows passes" pings dev $CN
n pma1 nft flush ruleset

tap_stage "the home agent's device and its correspondents in a VRF"
tap_check "a VRF" eval "ip -n ha link add red type vrf table 100 && ip -n ha link set dev red up &&
	ip -n ha link set dev mip0 master red && ip -n ha link set dev cn master red &&
	ip -n ha route replace 10.0.0.0/24 dev mip0 table 100"
tap_check "forwards" pings dev $CN
tap_check "in both directions" pings cn $DEV_IP
gw=$(n pma1 cat /sys/class/net/port/address)
tap_is "TTL 2 ends at the home agent, which says so as itself" \
	"$(py dev "icmp_reply('eth0', eth('$DEV_MAC', '$gw',
		ip('$DEV_IP', '$CN', udp(1, 2), ttl=2)), 11)" | cut -d' ' -f1,2)" \
	"203.0.113.1 0"
tap_end
