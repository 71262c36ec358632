#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What moves: a device between two access routers, a leg under traffic, a device between two ports of one router.
#
#   cn ── ha ══ pma1 ──┐
#            ══ pma2 ── radio ── dev
# timeout: 600

. "$(dirname "$0")/lib.sh"

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
# whoever comes to a new router still uses the MAC of the old one
gw=$(n pma1 cat /sys/class/net/port/address)
ip -n dev neighbour replace $HOME_GW lladdr "$gw" dev eth0 nud permanent

tap_stage "a leg is replaced under traffic"
spawn dev ping -q -n -c 300 -i 0.01 -W 5 $CN > /tmp/ping
ping=$!
ok=0
for ((i = 1; i <= 20; i++)); do
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 key 0x2005 okey 0x1005 cookie $i && ok=$((ok + 1))
done
tap_is "20 times" $ok 20
wait $ping
tap_is "no packet is lost" "$(sed -n 's/.* \([0-9]*\) received.*/\1/p' /tmp/ping)" 300
tap_is "the cookie is the last one" \
	"$(ctl ha -j binding get dev mip0 home $DEV_IP | jq -r '.[0].cookie')" 0000000000000020
tap_is "one peer, one leg" "$(ctl ha -j peer show | jq -c '[.[].legs]')" '[1]'

# churn NS COMMAND...: that binding and no binding, 500 times, as fast as netlink takes it
churn()
{
	local i

	for ((i = 0; i < 500; i++)); do
		echo "binding del dev mip0 home $DEV_IP"
		echo "binding add dev mip0 home $DEV_IP ${*:2}"
	done > /tmp/churn
	ctl "$1" -b /tmp/churn
}

# carried: packets that the home agent has sent to the device
carried()
{
	ctl ha -s -j binding get dev mip0 home $DEV_IP | jq '.[0].stats.down_packets'
}

tap_stage "a binding comes and goes under traffic"
before=$(carried)
spawn ha python3 "$PACKETS" "flood('mip0', ip('$CN', '$DEV_IP', udp(1, 2)))"
flood=$!
tap_check "there is traffic" tap_wait 20 "a packet" eval "[ \$(carried) -gt $before ]"
tap_check "at the home agent" churn ha peer $PMA1 key 0x2005 okey 0x1005
tap_check "at the access router" churn pma1 port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA key 0x1005 okey 0x2005
tap_check "traffic went on" kill $flood
tap_check "and is there" pings dev $CN

tap_stage "to another access router"
ip -n radio link set dev pma1 down
hears pma2
tap_check "its binding, and the HA's leg" eval "bind_pma pma2 &&
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA2 key 0x2005 okey 0x1005"
tap_check "the device goes on, with the old router's MAC" pings dev $CN
tap_check "and is found" pings cn $DEV_IP
tap_is "the old peer is gone" "$(ctl ha -j peer show | jq -r '.[].peer')" $PMA2
tap_check "the old binding too" ctl pma1 binding del dev mip0 port port mac $DEV_MAC

tap_stage "between two ports of one router"
tap_check "a second port" eval "wire pma2 port2 radio pma2b && ip -n radio link set dev pma2b master br &&
	ip -n pma2 link set dev port2 master mip0 && ip -n radio link set dev pma2 down"
tap_is "its frames there are unknown" "$(n dev ping -q -n -c 1 -W 1 $CN | sed -n 's/.* \([0-9]*\) received.*/\1/p')" 0
tap_check "the binding moves" ctl pma2 binding set dev mip0 home $DEV_IP port port2 mac $DEV_MAC
tap_check "the device goes on" pings dev $CN
tap_is "the ports count" "$(ctl pma2 -j port show | jq -c 'map({(.port): .bindings}) | add')" '{"port":0,"port2":1}'

tap_stage "its port goes"
listen pma2 /tmp/log binding
ip -n pma2 link del dev port2
tap_is "and the binding" "$(ctl pma2 -j binding show)" '[]'
tap_check "with that reason" tap_wait 10 "a notification" grep -q '"reason": *"port"' /tmp/log
tap_end
