#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel lets through to the agents: UDP checksums, and IPsec as RFC 5563's method 2.
#
#    ha 192.0.2.1 up0 ──── up0 192.0.2.10 pma ──── acc0
#
# Messages by hand are frames of the pma's, so they pass its own IPsec.

. "$(dirname "$0")/lib.sh"

here=$MIP4_TOP/selftests/host

# by_hand NAI METHOD CHECKSUM...: from the wire's other end
by_hand()
{
	n pma "$here/signalling.py" rrq up0 192.0.2.10 192.0.2.1 "$1" "$2" "$dir/key" "${@:3}"
}

# of NS COUNTER: the kernel's of UDP
of()
{
	n "$1" awk -v name="$2" '$1 == "Udp:" && name in column { print $column[name]; exit }
		$1 == "Udp:" { for (i = 2; i <= NF; i++) column[$i] = i }' /proc/net/snmp
}

attached()
{
	agent pma attach mac "$1" port acc0 | jq -r '.[0].home // .home'
}

homes()
{
	agent "$1" show | jq -r '[.[] | .home // empty] | join(" ")'
}

# to a tenth of a second
knows_clock()
{
	agent pma peers | jq -e '.[0] | .clock_error_ms <= 100 and (.clock_ahead_ms | fabs) <= 100'
}

none_at()
{
	[ -z "$(homes "$1")" ]
}

# configure PEER-OPTIONS [LINE [LINE-OF-BOTH [PER-NODE]]]
configure()
{
	local network='nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = 192.0.2.1
		gateway = 10.0.0.1  prefix-length = 24'

	cat > "$dir/ha.conf" <<- END
		home-agent = true
		network red { $network pool = "10.0.0.10-10.0.0.250" }
		peer 192.0.2.10 { ${4-per-node = true} $1 }
		peer 192.0.2.11 { per-node = true spi 0x100 { key-file = "$dir/key" } }
		device mip0 { local = 192.0.2.1  addresses = {"10.0.0.1/24"} }
		${3-}
	END
	cat > "$dir/pma.conf" <<- END
		proxy-agent = true
		care-of-address = 192.0.2.10
		identity "02:00:00:00:01:00/ff:ff:ff:ff:ff:00" { nai = "%m@red.example" }
		network red { $network }
		peer 192.0.2.1 { $1 }
		device mip0 { local = 192.0.2.10  ports = {acc0} }
		${2-}
		${3-}
	END
}

# policies NS SELF PEER: mip4d.conf(5)'s, with keys by hand
policies()
{
	local alg=(auth 'hmac(sha256)' "0x$(printf '%064x' 7)" enc 'cbc(aes)' "0x$(printf '%032x' 7)") way

	for way in "in $3 $2" "out $2 $3"; do
		# shellcheck disable=SC2086 # three words
		set -- "$1" "$2" "$3" $way
		ip -n "$1" xfrm policy add dir "$4" src "$5" dst "$6" proto 17 dport 434 \
			tmpl src "$5" dst "$6" proto esp mode transport level required || return
	done
	ip -n "$1" xfrm state add src 192.0.2.1 dst 192.0.2.10 proto esp spi 0x701 mode transport "${alg[@]}" &&
		ip -n "$1" xfrm state add src 192.0.2.10 dst 192.0.2.1 proto esp spi 0x702 mode transport "${alg[@]}"
}

tap_stage "topology"
namespace ha pma && wire ha up0 pma up0 && ip -n ha address add 192.0.2.1/24 dev up0 &&
	ip -n pma address add 192.0.2.10/24 dev up0 && ip -n pma link add acc0 type veth peer name dev0
for ns in ha pma; do
	n $ns sysctl -qw net.ipv4.ip_forward=1
done
# what is offloaded here has only half a checksum when it is looked at
n ha ethtool -K up0 tx off > "$dir/ethtool" 2>&1
n pma ethtool -K up0 tx off >> "$dir/ethtool" 2>&1
ip -n pma link set dev0 up
new_key key

tap_stage "UDP checksums at a home agent"
configure "spi 0x100 { key-file = \"$dir/key\" }" "clock-probe = false"
start_agent ha
before=$(of ha InCsumErrors)
# [5944-3.1-5] [5944-3.1-6] [5944-3.1-7] [5944-3.8.2.1-1]
tap_is "with a right one and without, not with a wrong one; replies have one" \
	"$(by_hand x@red.example 1 bad none good)" $'ok none 0 checksum\nok good 0 checksum'
tap_is "the kernel has counted it" $(($(of ha InCsumErrors) - before)) 1
stop_agent ha

tap_stage "UDP checksums at a proxy agent"
n ha "$here/signalling.py" ha up0 192.0.2.1 "$dir/key" bad:10.0.0.66 none:10.0.0.77 > "$dir/played" 2>&1 &
pid[played]=$!
tap_wait 10 "the played home agent" grep -q listens "$dir/played"
start_agent pma
# [5944-3.1-6] [5944-3.1-7] [5944-3.6.2.1-1] [5944-3.7.3.1-1]
tap_is "the reply without one counts, not the wrong one before" "$(attached 02:00:00:00:01:05)" 10.0.0.77
# [5944-3.1-5]
tap_is "its request had one" "$(grep asked "$dir/played")" "asked checksum"
stop_agent pma
wait "${pid[played]}"
unset "pid[played]"
rm -r "$dir/pma.state" "$dir/ha.state"
ip -n pma link del mip0
ip -n ha link del mip0

tap_stage "a key of the devices' own"
configure 'per-mn = true' '' "mobile-node \"*@red.example\" { spi 0x300 { key-file = \"$dir/key\" } }" ""
start_agent ha
start_agent pma
home=$(attached 02:00:00:00:01:05)
tap_is "a device is registered by it" "$(agent pma show | jq -r '.[0].state, .[0].auth' | xargs)" "bound mn-ha"
tap_is "at the home agent too" "$(agent ha show | jq -r '.[0].home, .[0].auth' | xargs)" "$home mn-ha"
tap_check "its port leaves" ip -n pma link set acc0 nomaster
tap_check "and the key deregisters it" tap_wait 10 "the device gone" none_at ha
stop_agent pma
stop_agent ha
ip -n pma link del mip0
ip -n ha link del mip0
rm -r "$dir/pma.state" "$dir/ha.state"

tap_stage "IPsec"
configure "method = ipsec"
start_agent ha
tap_is "without policies who claims it is believed, so what follows is well formed" \
	"$(by_hand y@red.example 2 good)" "ok good 0 checksum"
tap_check "policies" policies ha 192.0.2.1 192.0.2.10
tap_check "at both ends" policies pma 192.0.2.10 192.0.2.1
before=$(agent ha counters | jq '.[0].rrq_received // .rrq_received')
errors=$(of ha InErrors)
# [3543-3.3-8] [5563-4.1.1-1]
tap_is "with policies the same in the clear is refused" "$(by_hand z@red.example 2 good)" silence
tap_is "by the kernel" $(($(of ha InErrors) - errors)) 1
tap_is "and the agent heard nothing of it" \
	"$(agent ha counters | jq '.[0].rrq_received // .rrq_received')" "$before"
start_agent pma
home=$(attached 02:00:00:00:01:05)
tap_is "a device is registered through ESP" "$(agent pma show | jq -r '.[0].state, .[0].auth' | xargs)" "bound ipsec"
tap_is "at both ends" "$(homes pma)" "$home"
tap_check "the proxy agent learns the home agent's clock, which is its own" tap_wait 20 "a small difference" knows_clock
tap_check "the home agent has it" grep -qw "$home" <<< "$(homes ha)"
# Another PMA registers it; the reply has nowhere to go, the revocation has.
n pma "$here/signalling.py" rrq up0 192.0.2.11 192.0.2.1 020000000105@red.example 1 "$dir/key" good > /dev/null
tap_check "a revocation comes through ESP" tap_wait 10 "the device gone" none_at pma
tap_is "and is acknowledged" \
	"$(tap_wait 10 "no revocation out" bash -c "! ip netns exec ha mipctl -j agent socket $dir/ha.sock show |
		grep -q revoking" && echo yes)" yes
tap_end
