#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a device on a port needs goes in any order, under traffic both ways: its port (P), the mip4 device (D), the
# namespace of both (N), that of the underlay (U), in each of the 24 orders; and among them, at each place, the listener
# without whom bindings are flushed (L), and the process that has the socket of UDP tunnels (S).
#
#   gen ── rad (switch) ── port acc mip0, link-netns und ══ core und ── core (switch) ── gen
#   frames of the device                                                      packets of its home agent
# timeout: 600

. "$(dirname "$0")/lib.sh"

UND_MAC=02:00:00:00:aa:11 HA_MAC=02:00:00:00:aa:01
UDP=$MIP4_TOP/selftests/kernel/udp.py

worlds()
{
	namespace gen rad core && switch rad && switch core && wire gen dev rad gen && wire gen ha core gen &&
		ip -n rad link set dev gen master br && ip -n core link set dev gen master br
}

# Whatever comes and goes at the other sides of the switches.
traffic()
{
	# by GRE, and by UDP those of a second device
	flow dev "eth('$DEV_MAC', '02:00:00:00:aa:fe', ip('$DEV_IP', '$CN', udp(1, 2)))"
	flow dev "eth('02:00:00:00:00:06', '02:00:00:00:aa:fe', ip('10.0.0.6', '$CN', udp(1, 2)))"
	flow ha "eth('$HA_MAC', '$UND_MAC',
		ip('$HA', '$PMA1', gre(ip('$CN', '$DEV_IP', udp(1, 2)), key=0x1005), proto=47))"
	flow ha "eth('$HA_MAC', '$UND_MAC',
		ip('$HA', '$PMA1', udp(434, 434, tunnel_data(ip('$CN', '10.0.0.6', udp(1, 2))))))"
}

# flow DEV FRAME
flow()
{
	spawn gen python3 "$PACKETS" "flood('$1', $2, .002)" > /dev/null 2>&1
}

# By a process that is in none of the namespaces that go: it would keep them.
holder()
{
	python3 -u "$UDP" "hold_from_outside('mip0', 'acc', 'und')" > /tmp/holder 2>&1 &
	holder=$!
	tap_wait 10 "a socket" grep -q ready /tmp/holder
}

build()
{
	namespace acc und && wire und core core und && ip -n core link set dev und master br &&
		ip -n und link set dev core address $UND_MAC && ip -n und address add $PMA1/24 dev core &&
		ip -n und neigh replace $HA lladdr $HA_MAC dev core &&
		wire acc port rad acc && ip -n rad link set dev acc master br &&
		ctl acc link add mip0 local $PMA1 orphan flush link-netns und && ip -n acc link set dev mip0 up &&
		ip -n acc link set dev port master mip0 && listen acc /tmp/log binding && listener=$! &&
		bind_pma acc && holder && ctl acc binding add dev mip0 home 10.0.0.6 port port mac 02:00:00:00:00:06 \
			gateway $HOME_GW/24 peer $HA encap udp && tap_wait 10 "packets both ways" passes
}

passes()
{
	ctl acc -s -j binding show |
		jq -e 'length == 2 and all(.[].stats; .up_packets > 0 and .down_packets > 0)'
}

# end_of WHAT: unless something else took it along
end_of()
{
	case $1 in
	P) ip -n rad link del dev acc ;;
	D) ip -n acc link del dev mip0 ;;
	N) ip netns del acc ;;
	U) ip netns del und ;;
	L) kill "$listener" && wait "$listener" ;;
	S) kill "$holder" && wait "$holder" ;;
	esac 2> /dev/null
}

all_gone()
{
	! ip -n rad link show dev acc && ! ip -n core link show dev und
}

orders()
{
	local a b c d

	for a in P D N U; do for b in P D N U; do for c in P D N U; do for d in P D N U; do
		[ "$(printf '%s\n' $a $b $c $d | sort -u | wc -l)" != 4 ] || echo "$a $b $c $d"
	done; done; done; done
}

# what is looked at is order, not how long a grace period takes
tap_cleanup()
{
	echo 0 > /sys/kernel/rcu_expedited
	end_namespaces
}
echo 1 > /sys/kernel/rcu_expedited
tap_check "module, switches" eval "load && worlds"
traffic
i=0
while read -r -a order; do
	order=("${order[@]:0:i % 5}" L "${order[@]:i % 5}")
	order=("${order[@]:0:i % 6}" S "${order[@]:i % 6}")
	tap_stage "${order[*]}"
	build || break
	for what in "${order[@]}"; do
		end_of "$what"
	done
	tap_wait 20 "the end of all" all_gone || break
	i=$((i + 1))
done < <(orders)
tap_is "24 orders" $i 24
tap_is "traffic went on" "$(jobs -pr | wc -l)" 4

kill_jobs
tap_check "the module goes" tap_wait 20 "rmmod" rmmod mip4
tap_end
