#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Real agents at a real home link. A device that knows nothing of it, and a mobile node with a key of its own, leave
# home and come back. Who stayed there speaks with them as ever; its neighbour cache is looked at, and nothing else
# repairs it: who leaves and who returns says nothing there that others could hear.
#
#   cn ── ha 10.0.0.1 ══ core ═╤═ pma1 ── radio ── dev      10.0.0.5, away; at home it is on lan
#          └ eth1 ── lan ─┐    ├─ pma2 ──┘
#                         host │  10.0.0.77
#                              └─ node                      10.0.0.6, away: 192.0.2.13; at home it is on lan
# timeout: 600

. "$(dirname "$0")/lib.sh"

NODE=$MIP4_TOP/selftests/host/node.py
HOST=10.0.0.77 NODE_IP=10.0.0.6 NODE_COA=192.0.2.13
HOST_MAC=02:00:00:00:00:77 NODE_MAC=02:00:00:00:00:06
TIMES=3 # as often as one thing is said

configure()
{
	local ns

	new_key key other && cat > "$dir/ha.conf" <<- END &&
		home-agent = true
		network red {
			nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
			gateway = $HOME_GW  prefix-length = 24  pool = "$DEV_IP-$NODE_IP"
		}
		peer $PMA1 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
		peer $PMA2 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
		peer $NODE_COA { per-mn = true }
		peer "10.0.0.0/24" { per-mn = true }
		mobile-node "node@red.example" { home-address = $NODE_IP  spi 0x300 { key-file = "$dir/key" } }
		device mip0 { local = $HA  addresses = {"$HOME_GW/24"}  home-link = eth1 }
	END
		for ns in pma1 pma2; do
			cat > "$dir/$ns.conf" <<- END || return
				proxy-agent = true
				care-of-address = $([ $ns = pma1 ] && echo $PMA1 || echo $PMA2)
				away-time = 1
				identity "$DEV_MAC" { nai = "%m@red.example" }
				network red {
					nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
					gateway = $HOME_GW  prefix-length = 24
				}
				peer $HA { gre-key = true  spi 0x100 { key-file = "$dir/key" } }
				device mip0 {
					local = $([ $ns = pma1 ] && echo $PMA1 || echo $PMA2)
					gateway-mac = "02:00:5e:00:00:01"  ports = {port}
				}
			END
		done
}

# goes_to WHO FROM TO: its cable
goes_to()
{
	ip -n "$2" link set dev "$1" netns "$3" && ip -n "$3" link set dev "$1" master br up
}

node_leaves()
{
	goes_to node lan core && ip -n node address flush dev eth0 && ip -n node address add $NODE_COA/24 dev eth0 &&
		ip -n node link add name tun type ipip local $NODE_COA remote $HA &&
		ip -n node address add $NODE_IP/32 dev tun && ip -n node link set tun up &&
		ip -n node route add default dev tun src $NODE_IP
}

# It knows the home agent's MAC: to ask for it would tell all others its own.
node_returns()
{
	ip -n node link del tun && goes_to node core lan && ip -n node address flush dev eth0 &&
		ip -n node address add $NODE_IP/24 dev eth0 && ip -n node route add default via $HOME_GW &&
		ip -n node neighbour replace $HOME_GW lladdr "$ha_mac" dev eth0 nud permanent
}

# registers CARE-OF-ADDRESS LIFETIME KEY: the reply's code
registers()
{
	n node "$NODE" $HA $NODE_IP "$1" "$2" node@red.example "$dir/$3"
}

learns()
{
	tap_wait 10 "$1 has $2 at $3" eval "[ \"\$(knows $1 $2)\" = $3 ]"
}

hex()
{
	# shellcheck disable=SC2086 # four numbers
	printf '0x%02x%02x%02x%02x' ${1//./ }
}

# said ADDRESS MAC: how often the home agent has said that this MAC has it, to all
said()
{
	local ip mac

	ip=$(hex "$1") mac=${2//:/}
	tcpdump -r "$MIP4_OUT/lan-br.pcap" -n "ether src $ha_mac and ether dst ff:ff:ff:ff:ff:ff and arp[6:2] <= 2 and
		arp[8:4] = 0x${mac:0:8} and arp[12:2] = 0x${mac:8} and arp[14:4] = $ip and arp[24:4] = $ip" \
		2> /dev/null | wc -l
}

# asked_for ADDRESS: how often host has, all
asked_for()
{
	tcpdump -r "$MIP4_OUT/lan-br.pcap" -n \
		"ether src $HOST_MAC and ether broadcast and arp[6:2] = 1 and arp[24:4] = $(hex "$1")" \
		2> /dev/null | wc -l
}

# said_times ADDRESS MAC N: until it has, and not once more
said_times()
{
	tap_wait 10 "the last of it" eval "[ \$(said $1 $2) = $3 ]"
}

# everybody reaches WHO at ADDRESS, and it everybody
everybody_reaches()
{
	local other

	for other in host:$HOST cn:$CN ha:$HOME_GW; do
		tap_check "${other%:*} to $1" pings "${other%:*}" "$2"
		tap_check "$1 to ${other%:*}" pings "$1" "${other#*:}"
	done
}

bound()
{
	ctl ha -j binding show | jq -r '[.[].addresses[0].address] | sort | join(" ")'
}

# answered ADDRESS [BY]: the MAC that an ARP request of host's gets, from all or from BY alone
answered()
{
	py host "arp_reply('eth0', arp_frame(1, '$HOST_MAC', '$HOST', '$1', dst='${2-ff:ff:ff:ff:ff:ff}'), 1.0)"
}

tap_check "routers, and a home link where all are" eval "underlay && namespace lan host node && switch lan &&
	wire ha eth1 lan ha && wire host eth0 lan host && wire node eth0 lan node && capture lan br &&
	for port in ha host node; do ip -n lan link set dev \$port master br; done &&
	device host eth0 $HOST_MAC $HOST && device node eth0 $NODE_MAC $NODE_IP && goes_to dev radio lan &&
	ip -n radio link set dev pma2 down"
ha_mac=$(n ha cat /sys/class/net/eth1/address)
n ha sysctl -qw net.ipv4.conf.eth1.rp_filter=1
configure
start_agents ha pma1 pma2
tap_is "the home agent has made it its home link" "$(ports_of ha | jq -r '.[] | .port + " " + .mode')" "eth1 home"
tap_check "and complains of a filter that would drop what comes from there" \
	grep -qF 'strict rp_filter: sysctl -w net/ipv4/conf/eth1/rp_filter=2' "$dir/ha.log"
n ha sysctl -qw net.ipv4.conf.eth1.rp_filter=2

tap_stage "at home"
# [5944-2.3-8]
everybody_reaches dev $DEV_IP
tap_check "host to node" pings host $NODE_IP
tap_is "the device is known by its own MAC" "$(knows host $DEV_IP)" $DEV_MAC
tap_is "and the node" "$(knows host $NODE_IP)" $NODE_MAC
asked=$(asked_for $DEV_IP)

tap_stage "the device leaves"
goes_to dev lan radio
tap_check "it sends, and is served" tap_wait 20 "an answer" n dev ping -c 1 -W 1 $CN
# [5944-4.6-6] [5944-4.6-7]
tap_check "the host has the home agent's MAC" learns host $DEV_IP "$ha_mac"
tap_check "which was said three times" said_times $DEV_IP "$ha_mac" $TIMES
tap_is "to who hasn't asked" "$(asked_for $DEV_IP)" "$asked"
everybody_reaches dev $DEV_IP
tap_is "asked, the home agent says the same" "$(answered $DEV_IP)" "$ha_mac"

tap_stage "the device moves"
ip -n radio link set dev pma1 down
ip -n radio link set dev pma2 up
tap_check "it is served elsewhere" tap_wait 20 "an answer" n dev ping -c 1 -W 1 $CN
tap_is "there" "$(agent pma2 show | jq -r '.[].state')" bound
everybody_reaches dev $DEV_IP
tap_is "at home nothing was said" "$(said $DEV_IP "$ha_mac") $(said $DEV_IP $DEV_MAC)" "$TIMES 0"

tap_stage "the device returns"
goes_to dev radio lan
tap_is "by what the host knows it is away" "$(knows host $DEV_IP)" "$ha_mac"
asked=$(asked_for $DEV_IP)
ip -n radio link set dev pma2 down
tap_check "its proxy agent gives up" tap_wait 10 "no binding" eval '[ -z "$(bound)" ]'
# [5944-4.6-12] [5944-4.6-13]
tap_check "the host has its own MAC again" learns host $DEV_IP $DEV_MAC
tap_check "which was said three times" said_times $DEV_IP $DEV_MAC $TIMES
tap_is "to who hasn't asked" "$(asked_for $DEV_IP)" "$asked"
tap_is "asked, it answers itself" "$(answered $DEV_IP)" $DEV_MAC
everybody_reaches dev $DEV_IP

tap_stage "the node leaves"
node_leaves
tap_is "registers with its key" "$(registers $NODE_COA 600 key)" 0
tap_check "the host has the home agent's MAC" learns host $NODE_IP "$ha_mac"
everybody_reaches node $NODE_IP
tap_check "said three times" said_times $NODE_IP "$ha_mac" $TIMES

tap_stage "the node's return is denied"
node_returns
# Its tunnel leads to nobody, and it hears of it all the same: [5944-3.8.3.1-2] [5944-3.8.3.1-3] [5944-3.8.3.1-4]
tap_is "as it hears at home" "$(registers $NODE_IP 0 other)" 131
tap_is "it is bound" "$(bound)" $NODE_IP
# [5944-4.6-22]
tap_is "nothing was said" "$(said $NODE_IP "$ha_mac") $(said $NODE_IP $NODE_MAC)" "$TIMES 0"
tap_is "the host has the home agent's MAC" "$(knows host $NODE_IP)" "$ha_mac"
tap_is "the home agent answers for it" "$(answered $NODE_IP "$ha_mac")" "$ha_mac"

tap_stage "the node returns"
asked=$(asked_for $NODE_IP)
# [5944-4.6-15]
tap_is "its return is accepted" "$(registers $NODE_IP 0 key)" 0
tap_check "the host has its own MAC" learns host $NODE_IP $NODE_MAC
tap_is "it isn't bound" "$(bound)" ""
tap_check "said three times" said_times $NODE_IP $NODE_MAC $TIMES
tap_is "to who hasn't asked" "$(asked_for $NODE_IP)" "$asked"
everybody_reaches node $NODE_IP

tap_stage "the device leaves once more, for good"
goes_to dev lan radio
ip -n radio link set dev pma1 up
tap_check "it is served" tap_wait 20 "an answer" n dev ping -c 1 -W 1 $CN
tap_check "the host knows" learns host $DEV_IP "$ha_mac"
tap_check "said three times" said_times $DEV_IP "$ha_mac" $((2 * TIMES))
stop_agent ha KILL
start_agent ha || tap_fail "agent ha again"
everybody_reaches dev $DEV_IP
before=$(said $DEV_IP $DEV_MAC)
ip -n radio link set dev pma1 down
ip -n dev link set dev eth0 down
tap_check "it ends" tap_wait 10 "no binding" eval '[ -z "$(bound)" ]'
tap_check "nobody answers" tap_wait 10 "the last question" grep -q "home link eth1: nobody has $DEV_IP" "$dir/ha.log"
tap_is "so nothing is said, nor was when the agent started again" \
	"$(said $DEV_IP "$ha_mac") $(said $DEV_IP $DEV_MAC)" "$((2 * TIMES)) $before"

tap_stage "another home link"
sed -i 's/home-link = eth1/home-link = cn/' "$dir/ha.conf"
kill -HUP "${pid[ha]}"
tap_check "is refused as long as there is this one" tap_wait 10 "a complaint" \
	grep -q 'the home link of device mip0 is eth1 already: mipctl port set eth1 mode access' "$dir/ha.log"
tap_is "and nothing has changed" "$(ports_of ha | jq -r '.[] | .port + " " + .mode')" "eth1 home"
tap_end
