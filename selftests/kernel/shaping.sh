#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two devices of one port; tc holds the first to 1 Mbit/s, up where its frames come in, down at the home agent's mip0.
# The second notices nothing: of what it sends at least 95 % arrive, as without. Where the kernel has no tc police, as
# those that we build, nft does it at the same places.
#
#   cn ── ha mip0: egress ══ pma1 ── port: ingress ── radio ─┬─ dev   10.0.0.5  held
#                                                            └─ dev2  10.0.0.6
# timeout: 900

. "$(dirname "$0")/lib.sh"

MAC2=02:00:00:00:00:06
IP2=10.0.0.6
COUNT=2000

# counts NS: what arrives there for ports 7001 and 7002, which then ends
counts()
{
	n "$1" nft -f - <<- 'END'
		table ip count {
			counter c7001 { };
			counter c7002 { };
			chain in {
				type filter hook prerouting priority -300;
				udp dport 7001 counter name c7001 drop;
				udp dport 7002 counter name c7002 drop;
			};
		}
	END
}

# arrived NS PORT: since the last look
arrived()
{
	n "$1" nft -j reset counter ip count "c$2" | jq '.nftables[] | select(.counter) | .counter.packets'
}

# send NS SOURCE-MAC MAC SOURCE DESTINATION PORT: packets of 1000 bytes, 4 Mbit/s of them or what a busy machine can
send()
{
	py "$1" "send('eth0', *[eth('$2', '$3', ip('$4', '$5', udp(1000, $6, b'x' * 972)))] * $COUNT, gap=.002)"
}

# both DIRECTION: both devices at once; sets what of the first arrived in bytes, the milliseconds that all took, and per
# cent of what was sent by first, second
both()
{
	local pid start got

	start=$(date +%s%N)
	if [ "$1" = up ]; then
		send dev $DEV_MAC "$gw" $DEV_IP $CN 7001 &
		pid=$!
		send dev2 $MAC2 "$gw" $IP2 $CN 7002
	else
		send cn "$cn" "$ha" $CN $DEV_IP 7001 &
		pid=$!
		send cn "$cn" "$ha" $CN $IP2 7002
	fi
	wait $pid
	ms=$((($(date +%s%N) - start) / 1000000))
	if [ "$1" = up ]; then
		got=$(arrived cn 7001)
		second=$(($(arrived cn 7002) * 100 / COUNT))
	else
		got=$(arrived dev 7001)
		second=$(($(arrived dev2 7002) * 100 / COUNT))
	fi
	first=$((got * 100 / COUNT))
	bytes=$((got * 1000))
	tap_diag "$1: first $((bytes * 8 / ms)) kbit/s, $first %; second $second %"
}

# within VALUE LOW HIGH
within()
{
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ] || { echo "$1 isn't in $2 ... $3"; return 1; }
}

# held DESC DIRECTION, not_held DESC DIRECTION. Beside 1 Mbit/s the bucket, which was full, may have passed.
held()
{
	both "$2"
	tap_check "$1, $2: the first has 1 Mbit/s at most" within "$bytes" $((ms * 60)) $((bucket + ms * 128))
	tap_check "$1, $2: and sent more" within "$first" 0 90
	tap_check "$1, $2: the second notices nothing" within "$second" 95 100
}

not_held()
{
	both "$2"
	tap_check "$1, $2: both have what they send" eval "within $first 95 100 && within $second 95 100"
}

# limit NS DEV HOOK NFT-MATCH FLOWER-MATCH...: what matches to 1 Mbit/s
limit()
{
	if [ $how = tc ]; then
		n "$1" tc qdisc add dev "$2" clsact && n "$1" tc filter add dev "$2" "$3" protocol ip flower "${@:5}" \
			action police rate 1mbit burst 16k conform-exceed drop
	else
		n "$1" nft "table netdev hold { chain x {
			type filter hook $3 device $2 priority 0;
			$4 limit rate over 125 kbytes/second burst 16 kbytes drop;
		}; }"
	fi
}

no_limit()
{
	if [ $how = tc ]; then
		n "$1" tc qdisc del dev "$2" clsact
	else
		n "$1" nft delete table netdev hold
	fi
}

hold_up()
{
	limit pma1 port ingress "meta protocol ip ether saddr $DEV_MAC" src_mac $DEV_MAC
}

hold_down()
{
	limit ha mip0 egress "ip daddr $DEV_IP" dst_ip $DEV_IP
}

police()
{
	tc qdisc add dev lo clsact && tc filter add dev lo ingress protocol ip flower src_ip 192.0.2.99 \
		action police rate 1mbit burst 16k conform-exceed drop
}

modprobe -q -a act_police cls_flower sch_ingress
how=tc bucket=16384
if ! why=$(police 2>&1); then
	# its bucket holds a second's rate as well
	how=nft bucket=$((bucket + 128000))
	[[ ${KERNEL-} == @(uml|*debug) ]] || tap_fail "tc police" "$why"
fi
tap_diag "held by $how"
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1 && namespace dev2 &&
	wire dev2 eth0 radio dev2 && ip -n radio link set dev dev2 master br && device dev2 eth0 $MAC2 $IP2 &&
	ctl ha binding add dev mip0 home $IP2 peer $PMA1 key 0x2006 okey 0x1006 &&
	ctl pma1 binding add dev mip0 home $IP2 port port mac $MAC2 gateway $HOME_GW/24 peer $HA \
		key 0x1006 okey 0x2006"
ip -n radio link set dev pma2 down
gw=$(n pma1 cat /sys/class/net/port/address)
cn=$(n cn cat /sys/class/net/eth0/address)
ha=$(n ha cat /sys/class/net/cn/address)
tap_check "counters" eval "counts cn && counts dev && counts dev2"
not_held "before" up
not_held "before" down
tap_check "held at the port and at the home agent's mip0" eval "hold_up && hold_down"
held "ours first" up
held "ours first" down
tap_check "the link and the port are made anew, the port stays held" eval "
	ip -n pma1 link del dev mip0 && mip4_link pma1 $PMA1 && ip -n pma1 link set dev port master mip0 &&
	bind_pma pma1 &&
	ctl pma1 binding add dev mip0 home $IP2 port port mac $MAC2 gateway $HOME_GW/24 peer $HA \
		key 0x1006 okey 0x2006"
held "theirs first" up
no_limit pma1 port
no_limit ha mip0
not_held "after" up
not_held "after" down
tap_end
