#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No memory, one allocation at a time: the first, second, ... of each command fails, until there is none left to fail,
# and the first, second, ... that a packet needs on its way. What is refused changes nothing, nothing is half made,
# packets are counted as what they were lost by; the runner looks for leaks.
# timeout: 900

. "$(dirname "$0")/lib.sh"

FAIL=/sys/kernel/debug/failslab
GENL=$MIP4_TOP/selftests/kernel/genl.py

if ! [ -d $FAIL ] || ! [ -e /proc/self/fail-nth ]; then
	[[ ${KERNEL-} == *debug ]] || tap_skip_all "no fault injection in this kernel"
	tap_fail "a debug kernel has fault injection"
	tap_end
fi

# all that a packet needs is asked for by the CPU that sends it
taskset -p -c 0 $$ > /dev/null

KNOBS="probability space task-filter times verbose ignore-gfp-wait"
declare -A was
for knob in $KNOBS; do
	was[$knob]=$(< $FAIL/$knob)
done

tap_cleanup()
{
	for knob in $KNOBS; do
		echo "${was[$knob]}" > $FAIL/$knob
	done
	end_namespaces
}

index()
{
	n "$1" cat "/sys/class/net/$2/ifindex"
}

# command "DESC" EXPRESSION: of genl.py, at pma2
command()
{
	tap_stage "$1"
	if output=$(n pma2 python3 "$GENL" "$2" 2>&1); then
		tap_ok "$1"
		tap_diag "$output"
		tap_is "$1: some were refused" "$([[ $output =~ \ 0\ refused ]] && echo none)" ""
	else
		tap_fail "$1" "$output"
	fi
}

counters()
{
	n "$1" ethtool -S mip0 | awk -v ns="$1" '/drop_/ { print ns, $1, $2 }'
}

all_counters()
{
	counters ha && counters pma1
}

# packet "DESC" NS FRAME OTHER-REASON...: none but these and no_memory may count, and packets pass again behind it
packet()
{
	local desc=$1 ns=$2 frame=$3 want moved

	shift 3
	want=$(printf '%s\n' no_memory "$@")
	all_counters > /tmp/before
	tap_check "$desc" python3 "$PACKETS" "starve('$ns', 'eth0', $frame)"
	moved=$(all_counters | diff /tmp/before - | sed -n 's/^> [a-z0-9]* drop_\(.*\): .*/\1/p' | sort -u)
	tap_is "$desc: no other counter moves" "$(grep -vxF "$want" <<< "$moved")" ""
}

up()	# PACKET
{
	echo "eth('$DEV_MAC', '$gw', $1)"
}

down()
{
	echo "eth('$cn_mac', '$ha_mac', $1)"
}

mac()
{
	n "$1" cat "/sys/class/net/$2/address"
}

# silence about what is made to fail
echo 0 > $FAIL/verbose
echo N > $FAIL/task-filter
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
gw=$(mac pma1 port) cn_mac=$(mac cn eth0) ha_mac=$(mac ha cn)
# neighbours aren't ours to look up while there is no memory
for ns in ha pma1 cn dev; do
	tap_check "packets pass from $ns" pings $ns "$(case $ns in
		ha) echo $PMA1 ;;
		pma1) echo $HA ;;
		cn) echo $DEV_IP ;;
		dev) echo $CN ;; esac)"
done
listen pma1 /tmp/events event
echo Y > $FAIL/ignore-gfp-wait

U="udp(1, 2)"
packet "a packet up" dev "$(up "ip('$DEV_IP', '$CN', $U)")"
packet "a large one, for segments" dev "$(up "ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)"), 1000"
n pma1 ethtool -K mip0 tx-tcp-segmentation off > /dev/null
packet "segmented by us" dev "$(up "ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)"), 1000"
n pma1 ethtool -K mip0 tx-tcp-segmentation on > /dev/null
packet "one that is too big" dev "$(up "ip('$DEV_IP', '$CN', udp(1, 2, b'x' * 1460), df=1)")" too_big
packet "one that becomes fragments" dev "$(up "ip('$DEV_IP', '$CN', udp(1, 2, b'x' * 1460))")"
packet "one without hops" dev "$(up "ip('$DEV_IP', '$CN', $U, ttl=1)")" ttl
packet "an echo request to the gateway" dev "$(up "echo('$DEV_IP', '$HOME_GW', ttl=1)")"
packet "ARP" dev "arp_frame(1, '$DEV_MAC', '$DEV_IP', '$HOME_GW', dst='$gw')"
packet "an unknown device" dev "eth('02:00:00:00:00:77', '$gw', ip('10.0.0.77', '$CN', $U))" hold_full hold_expired \
	unknown_device
tap_check "what waited for a binding is given up" tap_wait 10 "an empty hold" eval \
	'[ "$(ctl pma1 -s -j port show port | jq ".[0].held")" = 0 ]'
packet "a wrong source" dev "$(up "ip('10.0.0.78', '$CN', $U)")" spoofed_source
packet "a packet down" cn "$(down "ip('$CN', '$DEV_IP', $U)")"
packet "a large one down" cn "$(down "ip('$CN', '$DEV_IP', tcp(1, 2, b'x' * 5000), proto=6)"), 1000"
ip -n pma1 link set dev port mtu 1300
packet "one that the port can't carry" cn "$(down "ip('$CN', '$DEV_IP', udp(1, 2, b'x' * 1400), df=1)")" too_big
packet "one that it cuts" cn "$(down "ip('$CN', '$DEV_IP', udp(1, 2, b'x' * 1400))")"
packet "segments that it cuts" cn "$(down "ip('$CN', '$DEV_IP', tcp(1, 2, b'x' * 5000), proto=6)"), 1400"
ip -n pma1 link set dev port mtu 1500
packet "to nobody" cn "$(down "ip('$CN', '10.0.0.66', $U)")" no_binding
tap_check "packets pass again" pings dev $CN
tap_check "a leg for copies" ctl pma1 binding set dev mip0 home $DEV_IP peer $HA key 0x1005 okey 0x2005 \
	leg peer $PMA2 key 7 okey 7 state copy
packet "a packet and its copy" dev "$(up "ip('$DEV_IP', '$CN', $U)")"
tap_check "a pending leg" ctl pma1 binding set dev mip0 home $DEV_IP peer $HA key 0x1005 okey 0x2005 state pending
packet "a packet that waits" dev "$(up "ip('$DEV_IP', '$CN', $U)"), needs=False" hold_full hold_expired no_leg
tap_check "minimal encapsulation" eval "ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap minimal &&
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap minimal"
packet "a packet up, minimal" dev "$(up "ip('$DEV_IP', '$CN', $U)")"
packet "a large one up, minimal" dev "$(up "ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)"), 1000"
packet "a fragment up, by IP-in-IP" dev "$(up "ip('$DEV_IP', '$CN', $U, frag=0x2000)")"
packet "a packet down, minimal" cn "$(down "ip('$CN', '$DEV_IP', $U)")"
tap_check "packets pass again" pings dev $CN
tap_check "UDP" eval "hold ha && hold pma1 && ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap udp &&
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap udp"
packet "a packet up, by UDP" dev "$(up "ip('$DEV_IP', '$CN', $U)")"
packet "fragments up, by UDP" dev "$(up "ip('$DEV_IP', '$CN', udp(1, 2, b'x' * 1460))")"
packet "a large one up, by UDP" dev "$(up "ip('$DEV_IP', '$CN', tcp(1, 2, b'x' * 5000), proto=6)"), 1000"
packet "a packet down, by UDP" cn "$(down "ip('$CN', '$DEV_IP', $U)")"
tap_check "packets pass again" pings dev $CN
tap_check "a router that its device has left" ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap udp state return
packet "what it sends back, and waits" cn "$(down "ip('$CN', '$DEV_IP', $U)")" hold_full hold_expired no_leg

tap_stage "commands"
# these may wait for memory, and so shall fail
echo N > $FAIL/ignore-gfp-wait
ip -n pma2 link add name under type dummy
ip -n pma2 link add name veth0 type veth peer name veth1
listen pma2 /tmp/bindings binding
command "a link" "starved_link('mip9', '198.51.100.1', $(index pma2 under))"
tap_check "which is there" ctl pma2 link set mip9 realm 9
M="u32(A_IFINDEX, $(index pma2 mip9))" P0=$(index pma2 veth0) P1=$(index pma2 veth1)
command "a port" "starved_port($P0, $(index pma2 mip9))"
tap_check "which is there" ctl pma2 port set veth0 unknown drop
command "another" "starved_port($P1, $(index pma2 mip9))"
HOME="addrs(addr('10.9.0.1'))" MAC="mac('02:00:00:00:09:01')"
ONE_LEG="legs(leg('198.51.100.2', 5, 6))"
ONE="binding($HOME, $ONE_LEG, port($P0), $MAC)"
FIVE="*[binding(addrs(addr(f'10.9.1.{i}')), legs(leg(f'198.51.101.{i}', i, i)), port($P0), mac(f'02:00:00:00:08:0{i}'))
	for i in range(1, 6)]"
NO_FIVE="*[binding(addrs(addr(f'10.9.1.{i}'))) for i in range(1, 6)]"
THREE_LEGS="legs(leg('198.51.100.2', 5, 6), leg('198.51.100.3', 7, 8, state=1), leg('198.51.100.4', 9, 9, state=3))"
set_legs()
{
	echo "BINDING_SET, [$M, binding($HOME, $1)]"
}
command "a binding" "starved_command(BINDING_NEW, [$M, $ONE], 0, [(BINDING_FLUSH, [$M, a(A_ALL)])])"
tap_is "which is there, alone" "$(ctl pma2 -j binding show | jq -c '[.[].addresses[0].address]')" '["10.9.0.1"]'
tap_is "with its peer" "$(ctl pma2 -j peer show | jq -c '[.[].legs]')" '[1]'
command "five more, all or none" "starved_command(BINDING_NEW, [$M, $FIVE], 0, [(BINDING_DEL, [$M, $NO_FIVE])])"
tap_is "which are there" "$(ctl pma2 -j binding show | jq length)" 6
command "three legs" "starved_command($(set_legs "$THREE_LEGS"), 0, [($(set_legs "$ONE_LEG"))])"
command "another leg instead" "starved_command($(set_legs "legs(leg('198.51.100.5', 11, 12))"), 0,
	[($(set_legs "$THREE_LEGS"))])"
command "one leg again" "starved_command($(set_legs "$ONE_LEG"), 0,
	[($(set_legs "legs(leg('198.51.100.5', 11, 12))"))])"
command "another port" "starved_command(BINDING_SET, [$M, binding($HOME, port($P1), $MAC)], 0,
	[(BINDING_SET, [$M, binding($HOME, port($P0), $MAC)])])"
command "a port's policy" "starved_command(PORT_SET, [nest(A_PORT, u32(PORT_A_IFINDEX, $P1), u8(PORT_A_UNKNOWN, 1))], 0,
	[(PORT_SET, [nest(A_PORT, u32(PORT_A_IFINDEX, $P1), u8(PORT_A_UNKNOWN, 0))])])"
command "what there is of a binding" "starved_command(BINDING_GET, [$M, binding($HOME)])"
command "of a port" "starved_command(PORT_GET, [nest(A_PORT, u32(PORT_A_IFINDEX, $P1))])"
PREFIX="nest(B_ADDR, a(ADDR_ADDRESS, socket.inet_aton('10.50.0.0')), u8(ADDR_PLEN, 16))"
command "a binding with a prefix behind it" "starved_command(BINDING_NEW,
	[$M, binding(addrs(addr('10.9.0.2'), $PREFIX), legs(leg('198.51.100.2', 15, 16)))], 0,
	[(BINDING_DEL, [$M, binding(addrs(addr('10.9.0.2')))])])"
command "it goes" "starved_command(BINDING_DEL, [$M, binding(addrs(addr('10.9.0.2')))], 0, [(BINDING_NEW,
	[$M, binding(addrs(addr('10.9.0.2'), $PREFIX), legs(leg('198.51.100.2', 15, 16)))])])"
command "a socket" "starved_socket($(index pma2 mip9))"
command "another gateway MAC, and copies of multicast" "starved_change($(index pma2 mip9),
	a(LINK_GWMAC, bytes.fromhex('02000000bb02')) + u8(LINK_MULTICAST, 2),
	a(LINK_GWMAC, bytes(6)) + u8(LINK_MULTICAST, 0))"
for what in BINDING PORT PEER; do
	command "of each ${what,,}" "starved_command(${what}_GET, [], DUMP)"
done
command "five go" "starved_command(BINDING_DEL, [$M, $NO_FIVE], 0, [(BINDING_NEW, [$M, $FIVE])])"
command "all go" "starved_command(BINDING_FLUSH, [$M, a(A_ALL)], 0,
	[(BINDING_NEW, [$M, binding($HOME, $ONE_LEG, port($P1), $MAC)])])"
tap_is "none is left" "$(ctl pma2 -j binding show)" "[]"
tap_is "nor a peer" "$(ctl pma2 -j peer show)" "[]"
tap_check "the port goes" goes pma2 veth0
tap_check "the link goes" goes pma2 mip9
tap_check "the underlay of a link that could not be made goes" goes pma2 under
tap_end
