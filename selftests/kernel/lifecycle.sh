#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Coming and going under traffic: 100 times the module, 100 times a network namespace, ports and devices in between.
# What the kernel says about it is looked at by the runner.
# timeout: 900

. "$(dirname "$0")/lib.sh"

LOOPS=${TEST_LOOPS:-100}

links()
{
	mip4_link ha $HA && ip -n ha route add 10.0.0.0/24 dev mip0 && mip4_link pma1 $PMA1 &&
		ip -n pma1 link set dev port master mip0 && bind_ha $PMA1 && bind_pma pma1
}

# vanish NS PEER-NS/DEVICE...: a namespace goes, and in the background what it held; its wires' other ends tell when
vanish()
{
	local end

	ip netns del "$1" || return
	for end in "${@:2}"; do
		tap_wait 30 "the end of $end" gone "$end" || return
	done
}

gone()
{
	! ip -n "${1%/*}" link show dev "${1#*/}"
}

traffic()
{
	spawn dev ping -q -n -f -W 1 $CN > /dev/null 2>&1
	spawn cn ping -q -n -f -W 1 $DEV_IP > /dev/null 2>&1
	# an unbound device, which fills the hold
	spawn dev python3 "$PACKETS" \
		"flood('eth0', eth('02:00:00:00:00:66', BROADCAST, echo('10.0.0.66', '$CN')), .001)" \
		> /dev/null 2>&1
}

# A device that was asking for its gateway in vain asks once a second. The first answer may find ping's socket full of
# those to the floods.
served()
{
	tap_wait 10 "an answer" pings dev $CN
}

tap_check "module, routers, devices" eval "load && topology"
ip -n radio link set dev pma2 down
ip -n ha link del dev mip0
ip -n pma1 link del dev mip0
ip -n pma2 link del dev mip0
traffic

desc="$LOOPS times in and out"
tap_stage "$desc"
for ((i = 0; i < LOOPS; i++)); do
	links && { ((i % 10)) || served; } && rmmod mip4 && insmod "$MIP4_KO" || break
done > /tmp/loops 2>&1
tap_is "$desc" $i "$LOOPS" || tap_diag "$(tail -n 5 /tmp/loops)"
tap_is "traffic went on" "$(jobs -pr | wc -l)" 3

desc="$LOOPS times a namespace with ports, bindings and traffic"
tap_stage "$desc"
for ((i = 0; i < LOOPS; i++)); do
	links || break
	case $((i % 4)) in
	0)
		# the access router
		vanish pma1 core/pma1 radio/pma1 && namespace pma1 && router pma1 $PMA1 &&
			wire pma1 port radio pma1 && ip -n radio link set dev pma1 master br &&
			ip -n ha link del dev mip0
		;;
	1)
		# the port, at its other end
		ip -n radio link del dev pma1 && wire pma1 port radio pma1 && ip -n radio link set dev pma1 master br &&
			ip -n ha link del dev mip0 && ip -n pma1 link del dev mip0
		;;
	2)
		# the underlay of a link that lives elsewhere
		namespace far && ctl far link add mip2 local $HA realm 2 link-netns ha &&
			ip -n far link set dev mip2 up && ctl far binding add dev mip2 home $DEV_IP peer $PMA1 &&
			vanish ha core/ha cn/eth0 && namespace ha && router ha $HA && wire cn eth0 ha cn &&
			ip -n ha address add 203.0.113.1/24 dev cn && ip -n cn address add $CN/24 dev eth0 &&
			ip -n cn route add default via 203.0.113.1 && ip netns del far && ip -n pma1 link del dev mip0
		;;
	3)
		# a port out of its master and into another namespace
		ip -n pma1 link set dev port nomaster && ip -n pma1 link set dev port master mip0 &&
			ip -n pma1 link set dev port netns core && ip -n core link set dev port netns pma1 &&
			ip -n pma1 link set dev port up && ip -n ha link del dev mip0 && ip -n pma1 link del dev mip0
		;;
	esac || break
done > /tmp/loops 2>&1
tap_is "$desc" $i "$LOOPS" || tap_diag "$(tail -n 5 /tmp/loops)"
tap_is "traffic went on" "$(jobs -pr | wc -l)" 3

tap_check "and it still works" eval "links && served"
kill_jobs
tap_check "the module goes" rmmod mip4
tap_end
