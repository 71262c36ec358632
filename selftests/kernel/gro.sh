#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a home agent's stack gets of a tunnel: TCP merged, be it there or already by the underlay's device, and UDP
# when asked to
# for, and all of it where netfilter and taps of an ordinary device look.
#
#   dev ── pma1 ══ ha ── cn	neither the device nor a wire merges or leaves segments whole
# timeout: 300

. "$(dirname "$0")/lib.sh"

server()
{
	spawn cn iperf3 -s > /dev/null 2>&1
	tap_wait 10 "a server" listening cn 5201
}

# burst PORT BYTES: from the device, 1000 to a datagram, through the stack at once
burst()
{
	n dev python3 -c "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(17, 103, 1000)	# SOL_UDP, UDP_SEGMENT
s.sendto(bytes($2), ('$CN', $1))"
}

# watched FILTER CMD...: what of it passes mip0 while the command runs, into /tmp/mip0; all has when a last datagram
# does
watched()
{
	local pid

	spawn ha timeout 60 tcpdump -i mip0 -n -l -v "$1 or udp port 7" > /tmp/mip0 2> /tmp/mip0.err
	pid=$!
	shift
	tap_wait 10 "tcpdump" grep -q listening /tmp/mip0.err && "$@" && burst 7 1000 &&
		tap_wait 10 "the last datagram" grep -q '\.7: UDP' /tmp/mip0 || return
	kill $pid
	wait $pid 2> /dev/null
	true
}

# lengths: of the IPv4 packets seen, one of each
lengths()
{
	sed -n 's/.* IP (.* length \([0-9]*\))$/\1/p' /tmp/mip0 | sort -nu | tr '\n' ' '
}

longest()
{
	sed -n 's/.* IP (.* length \([0-9]*\))$/\1/p' /tmp/mip0 | sort -n | tail -n 1
}

# seen PROTOCOL: by PREROUTING
seen()
{
	n ha nft -j list counter ip f "from_$1" | jq -e '.nftables[].counter.packets? // 0 | select(. > 0)'
}

# Tunnels in each other, each of which the stack opens where it is: two bindings whose peers are each other's home
# address, by UDP, which FOU takes off on the spot. 40 would take more than the stack that there is.
NESTED="__import__('functools').reduce(
	lambda inner, i: ip('10.0.0.%d' % (7 + i % 2), '$HA', udp(1000, 5555, inner)), range(40),
	ip('10.0.0.8', '$CN', udp(1000, 9)))"

nested()
{
	modprobe fou && ip -n ha fou add port 5555 ipproto 4 &&
		ctl ha binding add dev mip0 home 10.0.0.7 peer 10.0.0.8 encap ipip &&
		ctl ha binding add dev mip0 home 10.0.0.8 peer 10.0.0.7 encap ipip &&
		watched "udp port 9" py pma1 "send_ip($NESTED)" &&
		ip -n ha fou del port 5555 && modprobe -r fou
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
tap_check "no segments beyond the MTU" n dev ethtool -K eth0 tso off gso off tx-udp-segmentation off
tap_check "rules" n ha nft 'table ip f {
	counter from_tcp { }; counter from_udp { }; counter from_icmp { };
	chain pre { type filter hook prerouting priority 0; iif mip0 counter name ip protocol map {
		tcp : "from_tcp", udp : "from_udp", icmp : "from_icmp" }; };
}'
server
tap_check "TCP" watched tcp n dev iperf3 -c $CN -t 1
tap_check "is merged" test "$(longest)" -gt 2000
# a veth merges only what comes from one that could have sent it whole, but mustn't
tap_check "an underlay that looks into tunnels" eval 'n ha ethtool -K core gro on && n core ethtool -K ha tso off'
tap_check "TCP" watched tcp n dev iperf3 -c $CN -t 1
tap_check "is merged by that" test "$(longest)" -gt 2000
for encap in minimal "gre key 0x2005 okey 0x1005"; do
	tap_check "now by $encap" eval "ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 encap $encap && ctl pma1 \
		binding set dev mip0 home $DEV_IP peer $HA encap $(
			sed 's/0x2005 okey 0x1005/0x1005 okey 0x2005/' <<< "$encap")"
	tap_check "TCP" watched tcp n dev iperf3 -c $CN -t 1
	tap_check "is merged, whoever does it" test "$(longest)" -gt 2000
done
n ha ethtool -K core gro off
n core ethtool -K ha tso on
tap_check "UDP" watched "udp port 9" burst 9 8000
tap_is "isn't" "$(lengths)" "1028 "
tap_check "is when that is asked for" eval 'n ha ethtool -K mip0 rx-udp-gro-forwarding on &&
	watched "udp port 9" burst 9 8000 && [ "$(longest)" -gt 2000 ]'
n ha ethtool -K mip0 rx-udp-gro-forwarding off
tap_check "40 tunnels in each other" nested
tap_is "are opened one after the other" "$(lengths)" "29 1028 "
tap_check "echo passes" pings dev $CN
for protocol in tcp udp icmp; do
	tap_check "PREROUTING sees $protocol" seen $protocol
done
tap_end
