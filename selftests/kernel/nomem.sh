#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No memory: nothing that packets ask for is given, while they pass. One allocation at a time, and commands: starved.sh.
# timeout: 900

. "$(dirname "$0")/lib.sh"

FAIL=/sys/kernel/debug/failslab

if ! [ -d $FAIL ] || ! [ -e /proc/self/fail-nth ]; then
	[[ ${KERNEL-} == *debug ]] || tap_skip_all "no fault injection in this kernel"
	tap_fail "a debug kernel has fault injection"
	tap_end
fi

# the cache of routes, whose name differs by kernel
for routes in /sys/kernel/slab/{rtable,ip_dst_cache}/failslab; do
	[ ! -e "$routes" ] || break
done

# What a CPU has cached needs no memory, a route above all: the CPU that starves is the one that packets passed on.
taskset -p -c 0 $$ > /dev/null

# the probability first, so that nothing else is starved meanwhile
KNOBS="probability task-filter times verbose ignore-gfp-wait cache-filter"
declare -A was
for knob in $KNOBS; do
	was[$knob]=$(< $FAIL/$knob)
done

tap_cleanup()
{
	for knob in $KNOBS; do
		echo "${was[$knob]}" > $FAIL/$knob
	done
	echo 0 > "$routes"
	end_namespaces
}

# hungry CMD...: while nothing that can't wait for memory gets any
hungry()
{
	local status

	echo 100 > $FAIL/probability
	"$@"
	status=$?
	echo 0 > $FAIL/probability
	return $status
}

# silence about what is made to fail
echo 0 > $FAIL/verbose
echo N > $FAIL/task-filter
echo -1 > $FAIL/times
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
gw=$(n pma1 cat /sys/class/net/port/address)
tap_check "packets pass" pings dev $CN

tap_stage "packets"
echo Y > $FAIL/ignore-gfp-wait
before=$(drops pma1 no_memory)
# to one MAC, for a bridge on the way floods copies
hungry py dev "send('eth0', *[arp_frame(1, '$DEV_MAC', '$DEV_IP', '$HOME_GW', dst='$gw')] * 20)"
tap_is "ARP requests without answer are counted" $(($(drops pma1 no_memory) - before)) 20
before=$(drops pma1 no_memory)
hungry py dev "send('eth0', *[eth('$DEV_MAC', '$gw', echo('$DEV_IP', '$CN'))] * 20)"
tap_is "packets that no header can be put before are" $(($(drops pma1 no_memory) - before)) 20
tap_check "they pass again" pings dev $CN

tap_stage "a route that isn't cached any longer"
# nothing but routes is short of memory: what would be said of it has some
echo 1 > "$routes"
echo Y > $FAIL/cache-filter
ip -n pma1 route flush cache
memory=$(drops pma1 no_memory) route=$(drops pma1 no_route)
reply=$(hungry py dev "icmp_reply('eth0', eth('$DEV_MAC', '$gw', echo('$DEV_IP', '$CN')), 3, 1)")
tap_is "up: memory is what was missing, not a route" \
	"$(($(drops pma1 no_memory) - memory)) $(($(drops pma1 no_route) - route))" "1 0"
tap_is "the device isn't told that the host is unreachable" "$reply" ""
ip -n ha route flush cache
# the way to the link and back to cn is cached by this, the peer's route isn't
tap_check "cn is told of a host that is" grep -q 'Host Unreachable' <<< "$(n cn ping -n -c 1 -W 5 10.0.0.66)"
memory=$(drops ha no_memory) route=$(drops ha no_route)
reply=$(hungry py cn "icmp_reply('eth0', eth('$(n cn cat /sys/class/net/eth0/address)',
	'$(n ha cat /sys/class/net/cn/address)', echo('$CN', '$DEV_IP')), 3, 1)")
tap_is "down: the same" "$(($(drops ha no_memory) - memory)) $(($(drops ha no_route) - route))" "1 0"
tap_is "nor is cn told" "$reply" ""
echo N > $FAIL/cache-filter
echo 0 > "$routes"
tap_check "packets pass again" pings dev $CN

tap_stage "segments"
n pma1 ethtool -K mip0 tx-tcp-segmentation off > /dev/null
memory=$(drops pma1 no_memory) bad=$(drops pma1 bad_inner)
hungry py dev "send_gso('eth0', eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)), 1000)"
tap_is "of a large packet: memory is what was missing" \
	"$(($(drops pma1 no_memory) - memory)) $(($(drops pma1 bad_inner) - bad))" "1 0"
n pma1 ethtool -K mip0 tx-tcp-segmentation on > /dev/null

tap_end
