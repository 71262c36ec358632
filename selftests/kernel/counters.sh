#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is counted, and what taps and firewalls see. Drops: drops.sh.
#
#   cn ── ha ══ pma1 ── dev
# timeout: 600

. "$(dirname "$0")/lib.sh"

# stat NS JQ-PATH: of the device's binding
stat()
{
	ctl "$1" -s -s -j binding get dev mip0 home $DEV_IP | jq ".[0].stats$2"
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
gw=$(n pma1 cat /sys/class/net/port/address)
ctl pma1 -s -j binding show > "$MIP4_OUT/binding.json"

tap_stage "a binding that did nothing yet"
for ns in ha pma1; do
	tap_is "$ns: no first packets, never seen" \
		"$(stat $ns ' | [.first_up_ns, .first_down_ns, .seen_ms] | map(select(. != null)) | length')" 0
done

tap_stage "5 packets of 100 bytes up, answers down"
n dev ip neighbour replace $HOME_GW lladdr "$gw" dev eth0 nud permanent
tap_check "ping" n dev ping -q -n -c 5 -i 0.05 -s 72 -W 5 $CN
for ns in ha pma1; do
	tap_is "$ns: packets and bytes" "$(stat $ns ' | [.up_packets, .up_bytes, .down_packets, .down_bytes, .drops]' |
		jq -c .)" "[5,500,5,500,0]"
	tap_check "$ns: first up before first down, of this boot" eval "
		stat $ns ' | .first_up_ns < .first_down_ns and .first_up_ns > 0' | tap_grep true"
	tap_check "$ns: just seen" eval "[ \$(stat $ns .seen_ms) -lt 60000 ]"
	tap_is "$ns: the link agrees" "$(ip -n $ns -s -j link show mip0 |
		jq -c '.[0].stats64 | [.rx.packets, .tx.packets]')" "[5,5]"
done

tap_stage "a device that is silent"
for ns in ha pma1; do
	tap_check "$ns: its age grows" tap_wait 20 "3 s" eval "[ \$(stat $ns .seen_ms) -ge 3000 ]"
	aged=$(stat $ns .seen_ms)
	tap_check "$ns: until it sends" eval "pings dev $CN 1 && [ \$(stat $ns .seen_ms) -lt $aged ]"
	aged=$(stat $ns .seen_ms)
	# an answer to nothing, which it ignores
	py cn "send_ip(ip('$CN', '$DEV_IP', icmp(0), proto=1))"
	tap_check "$ns: what is sent to it doesn't count" eval "[ \$(stat $ns .seen_ms) -ge $aged ]"
done

tap_stage "a packet socket on the home agent's device"
before=$(stat ha .down_packets)
py ha "send('mip0', ip('$CN', '$DEV_IP', udp(1, 2)))"
tap_is "has its packet forwarded" $(($(stat ha .down_packets) - before)) 1

counter()
{
	n pma1 nft -j list counter $1 t $2 | jq '.nftables[1].counter.packets'
}

# flushed CPU REASON COUNT FRAME: has a frame sent on that CPU been dropped? What was sent there before is through then:
# a CPU's backlog is a queue. Where that is full the frame is lost, so each look sends another one.
flushed()
{
	n dev taskset -c $1 python3 "$PACKETS" "send('eth0', $4)" && more pma1 $2 $3
}

# Packets of one device on two CPUs.
two_cpus()
{
	local before spoofed multicast senders=() cpu arrived

	n pma1 nft -f - <<- END
		table netdev t {
			counter two { }
			chain two {
				type filter hook ingress device port priority 0
				ip saddr $DEV_IP ip daddr $CN udp dport 2 counter name two
			}
		}
	END
	before=$(stat pma1 .up_packets) spoofed=$(drops pma1 spoofed_source) multicast=$(drops pma1 multicast)
	for cpu in 0 1; do
		spawn dev taskset -c $cpu python3 "$PACKETS" \
			"send('eth0', *[eth('$DEV_MAC', '$gw', ip('$DEV_IP', '$CN', udp(1, 2)))] * 20000)"
		senders+=($!)
	done
	for cpu in 0 1; do
		wait "${senders[cpu]}"
		tap_is "are sent on CPU $cpu" $? 0
	done
	tap_check "those of CPU 0 are through" tap_wait 20 "the last" flushed 0 spoofed_source $spoofed \
		"eth('$DEV_MAC', '$gw', ip('0.0.0.0', '$CN', udp(1, 2)))"
	tap_check "those of CPU 1 are through" tap_wait 20 "the last" flushed 1 multicast $multicast \
		"eth('$DEV_MAC', '$gw', ip('$DEV_IP', '224.0.0.251', udp(1, 2)))"
	arrived=$(counter netdev two)
	tap_check "many arrive" [ "$arrived" -gt 1000 ]
	tap_is "none of them is missed" $(($(stat pma1 .up_packets) - before)) "$arrived"
}

tap_stage "packets of one device on two CPUs"
if [ "$(nproc)" -gt 1 ]; then
	two_cpus
else
	tap_skip "none of them is missed" "takes two CPUs"
fi

tap_stage "taps and hooks at the access router"
for ns in ha pma1; do
	spawn $ns tcpdump -i mip0 -n -l icmp > /tmp/tap.$ns 2> /tmp/tap.$ns.err
done
n pma1 nft -f - <<- 'END'
	table netdev t {
		counter in { }
		counter out { }
		chain in { type filter hook ingress device port priority 0; ip protocol icmp counter name in; }
		chain out { type filter hook egress device port priority 0; ip protocol icmp counter name out; }
	}
	table ip t {
		counter forward { }
		chain f { type filter hook forward priority 0; counter name forward; }
	}
END
tap_wait 20 "tcpdump" eval "grep -q listening /tmp/tap.ha.err && grep -q listening /tmp/tap.pma1.err"
tap_check "ping" pings dev $CN 3
for ns in ha pma1; do
	tap_check "$ns: tcpdump on mip0 sees inner packets up" \
		tap_wait 10 "3 packets" eval "[ \$(grep -c '$DEV_IP > $CN: ICMP echo request' /tmp/tap.$ns) = 3 ]"
	tap_check "$ns: and down" \
		tap_wait 10 "3 packets" eval "[ \$(grep -c '$CN > $DEV_IP: ICMP echo reply' /tmp/tap.$ns) = 3 ]"
done
tap_is "ip -d link names the kind" "$(ip -n pma1 -d -j link show mip0 | jq -r '.[0].linkinfo.info_kind')" mip4
tap_is "the port's ingress hook sees them" "$(counter netdev in)" 3
tap_is "and its egress hook the answers" "$(counter netdev out)" 3
tap_is "FORWARD does not" "$(counter ip forward)" 0
tap_end
