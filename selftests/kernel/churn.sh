#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Bindings, legs, ports and links come, move and go under traffic, each by a process of its own, for TEST_SECONDS, by
# default 10. What the kernel has acknowledged is there, each time, and what stays is there at the end. What the kernel
# has to say, and leaks, are looked at by the runner.
#
#   cn ── ha ══ pma1 ── port: dev, which all the traffic is of
#         ║      ├───── p1, p2: others, which move between them
#         ╚═════ pma2   links and ports that come and go
# timeout: 3600

. "$(dirname "$0")/lib.sh"

LIMIT=${TEST_SECONDS:-10}
CONTEXTS=$MIP4_TOP/selftests/bench/contexts
STAY=500
senders=() pids=()

tap_cleanup()
{
	touch /tmp/enough
	end_namespaces
}

many()
{
	n "$1" "$CONTEXTS" "$2" mip0 "${@:3}"
}

# round_bulk N: what was added is there, what was deleted isn't
round_bulk()
{
	local others

	many ha mip4 1000 10.8.0.0 192.0.2.100 0x30000000 0x30000000 peers 20 &&
		many ha dump 1000 10.8.0.0 && many ha del 1000 10.8.0.0 && others=$(many ha dump 0 10.8.0.0) ||
		return
	# those that stay, dev's, and those that are about to end
	[ "${others#* }" -ge $((STAY + 1)) ] && ! ctl ha binding get dev mip0 home 10.8.0.0 2> /dev/null
}

# round_end N: of their own accord
round_end()
{
	local i

	for ((i = 1; i < 200; i++)); do
		echo "binding add dev mip0 home 10.9.0.$i lifetime 1 peer 192.0.2.$((40 + i % 9)) key $i okey $i" \
			"leg peer 192.0.2.60 key $i okey $i state receive_only for $((i * 3))ms"
	done > /tmp/end
	ctl ha -b /tmp/end && tap_wait 20 "the end of all" no_end
}

no_end()
{
	[ "$(ctl ha -j binding show | jq '[.[] | select(.addresses[0].address | startswith("10.9."))] | length')" = 0 ]
}

# round_legs N: dev's own, at both ends; what it has is what was asked for last
round_legs()
{
	local last=$((($1 % 7) + 20))

	{
		for state in copy receive_only pending; do
			echo "binding set dev mip0 home $DEV_IP peer $PMA1 key 0x2005 okey 0x1005" \
				"leg peer 192.0.2.$last key 7 okey 7 state $state"
		done
		echo "binding set dev mip0 home $DEV_IP peer $PMA1 key 0x2005 okey 0x1005 state pending"
		echo "binding set dev mip0 home $DEV_IP peer $PMA1 key 0x2005 okey 0x1005 cookie $1"
	} > /tmp/legs
	ctl ha -b /tmp/legs && sed "s/$PMA1/$HA/; s/0x2005 okey 0x1005/0x1005 okey 0x2005/" /tmp/legs > /tmp/legs1 &&
		ctl pma1 -b /tmp/legs1 &&
		[ "$(ctl ha -j binding get dev mip0 home $DEV_IP | jq -c '.[0] | [.cookie, (.legs | length)]')" = \
			"[\"$(printf %016d "$1")\",1]" ]
}

# round_ports N: 50 devices move to the other port, and go with it
round_ports()
{
	local i

	for ((i = 1; i <= 50; i++)); do
		printf "binding add dev mip0 home 10.7.0.$i port p1 mac 02:00:00:00:07:%02x peer $HA key $((i + 99)) \
			okey $((i + 99))\n" $i
	done > /tmp/ports
	for ((i = 1; i <= 50; i++)); do
		printf "binding set dev mip0 home 10.7.0.$i port p2 mac 02:00:00:00:07:%02x\n" $i
	done >> /tmp/ports
	ip -n pma1 link set dev p1 up master mip0 && ip -n pma1 link set dev p2 up master mip0 &&
		ctl pma1 -b /tmp/ports && ip -n pma1 link set dev p1 nomaster &&
		[ "$(ctl pma1 -j port show p2 | jq '.[0].bindings')" = 50 ] && ip -n pma1 link set dev p2 nomaster &&
		[ "$(ctl pma1 -j binding show | jq length)" = 1 ]
}

# round_links N: with a port and bindings, deleted in one order or another
round_links()
{
	ip -n pma2 link add name v0 type veth peer name v1 && ctl pma2 link add mip9 local 198.51.100.1 grace 0 &&
		ip -n pma2 link set dev mip9 up && ip -n pma2 link set dev v0 up master mip9 &&
		ctl pma2 binding add dev mip9 home 10.6.0.1 port v0 mac 02:00:00:00:06:01 peer 198.51.100.2 &&
		ctl pma2 binding add dev mip9 home 10.6.0.2 peer 198.51.100.2 encap ipip || return
	case $(($1 % 3)) in
	0) ip -n pma2 link del dev v0 && ip -n pma2 link del dev mip9 ;;
	1) ip -n pma2 link del dev mip9 && ip -n pma2 link del dev v0 ;;
	2) ctl pma2 binding flush dev mip9 all && ip -n pma2 link del dev mip9 && ip -n pma2 link del dev v1 ;;
	esac
}

# round_dumps N: whatever is going on
round_dumps()
{
	many ha dump $STAY 10.5.0.0 && ctl ha -s -j peer show && ctl pma1 -s -j port show && ctl pma1 -s -j binding show
}

# go_on NAME: rounds until the time is over or one fails, which is then in /tmp/NAME.bad
go_on()
{
	local i=0

	while [ ! -e /tmp/enough ]; do
		i=$((i + 1))
		"round_$1" $i > "/tmp/$1.log" 2>&1 || {
			{ echo "round $i"; tail -n 5 "/tmp/$1.log"; } > "/tmp/$1.bad"
			return
		}
		echo $i > "/tmp/$1.rounds"
	done
}

# sender CMD...: goes on to the end, unless something is wrong
sender()
{
	"$@" > /dev/null 2>&1 &
	senders[${#senders[@]}]=$!
}

traffic()
{
	sender ip netns exec dev ping -q -n -i 0.002 -W 1 $CN
	sender ip netns exec cn ping -q -n -i 0.002 -W 1 $DEV_IP
	sender py cn "flood('eth0', eth('$(n cn cat /sys/class/net/eth0/address)',
		'$(n ha cat /sys/class/net/cn/address)', ip('$CN', '10.8.0.5', udp(1, 2))), .001)"
	sender py dev "flood('eth0', eth('02:00:00:00:00:66', BROADCAST, echo('10.0.0.66', '$CN')), .001)"
}

NAMES="bulk end legs ports links dumps"
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1 &&
	ctl ha link set mip0 grace 0"
ip -n radio link set dev pma2 down
tap_check "those that stay" many ha mip4 $STAY 10.5.0.0 192.0.2.200 0x40000000 0x40000000 peers 5
tap_check "two more ports" eval "ip -n pma1 link add name p1 type dummy && ip -n pma1 link add name p2 type dummy"
traffic
for name in $NAMES; do
	go_on "$name" &
	pids[${#pids[@]}]=$!
done
tap_stage "$LIMIT s of churn"
# the time is what this is about
sleep "$LIMIT"
touch /tmp/enough
wait "${pids[@]}"
for name in $NAMES; do
	tap_is "$name" "$(cat "/tmp/$name.bad" 2> /dev/null)" ""
	tap_check "$name: some rounds" test -s "/tmp/$name.rounds"
done
tap_diag "rounds: $(for name in $NAMES; do printf '%s %s  ' "$name" "$(cat "/tmp/$name.rounds")"; done)"
for i in "${!senders[@]}"; do
	tap_check "sender $i went on" kill "${senders[i]}"
done
tap_check "those that stay are there" many ha dump $STAY 10.5.0.0
tap_is "and no others" "$(many ha dump 0 10.5.0.0 | cut -d' ' -f2)" $((STAY + 1))
tap_check "packets pass up" pings dev $CN
tap_check "and down" pings cn $DEV_IP
tap_end
