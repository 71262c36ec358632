#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# IPsec between the two routers, ESP in transport mode: around the tunnel, whatever its encapsulation, and around the
# agents' signalling. Policies that were there before the leg, and that come while it is in use.
#
#   cn ── ha ══ ESP [ GRE or IP-in-IP ] ══ pma1 ── dev
#         ha ── ESP [ UDP 434 ] ────────── pma1
# timeout: 1200

. "$(dirname "$0")/lib.sh"

# state NS: both directions' keys
state()
{
	local alg=(auth 'hmac(sha256)' "0x$(printf '%064x' 7)" enc 'cbc(aes)' "0x$(printf '%032x' 7)")

	ip -n "$1" xfrm state add src $HA dst $PMA1 proto esp spi 0x701 mode transport "${alg[@]}" &&
		ip -n "$1" xfrm state add src $PMA1 dst $HA proto esp spi 0x702 mode transport "${alg[@]}"
}

# policy NS LOCAL REMOTE SELECTOR...: nothing passes without
policy()
{
	ip -n "$1" xfrm policy add dir out src "$2/32" dst "$3/32" "${@:4}" \
		tmpl src "$2" dst "$3" proto esp mode transport &&
		ip -n "$1" xfrm policy add dir in src "$3/32" dst "$2/32" "${@:4}" \
			tmpl src "$3" dst "$2" proto esp mode transport
}

policies()
{
	state ha && state pma1 && policy ha $HA $PMA1 "$@" && policy pma1 $PMA1 $HA "$@"
}

no_policies()
{
	local ns

	for ns in ha pma1; do
		ip -n $ns xfrm policy flush && ip -n $ns xfrm state flush || return
	done
}

# watch: what the core carries, until the wires' ESP or else was seen
watch()
{
	spawn core tcpdump -i br -n -l "host $PMA1" > /tmp/wire 2> /tmp/wire.err
	watcher=$!
	tap_wait 15 "tcpdump" grep -q listening /tmp/wire.err
}

# end_watch: how many packets in ESP, how many of the regex in the clear
end_watch()
{
	kill $watcher
	wait $watcher 2> /dev/null
	echo "$(grep -c 'ESP(' /tmp/wire | sed 's/^[1-9].*/some/') $(grep -cE "$1" /tmp/wire)"
}

carries()
{
	watch
	tap_check "$1: up" pings dev $CN
	tap_check "$1: down" pings cn $DEV_IP
	tap_check "$1: TCP up" tcp dev cn $CN
	tap_check "$1: TCP down" tcp cn dev $DEV_IP
	tap_check "$1: in fragments" n cn ping -q -n -c 1 -W 5 -s 1472 -M dont $DEV_IP
	tap_is "$1: in ESP, and only there" "$(end_watch "GREv0|ipip|IP $CN|IP $DEV_IP")" "some 0"
}

# legs ENCAP: as its options say
legs()
{
	ctl ha binding set dev mip0 home $DEV_IP peer $PMA1 "$@" &&
		ctl pma1 binding set dev mip0 home $DEV_IP peer $HA "$@"
}

head -c 2000000 /dev/urandom > /tmp/payload
tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1"
ip -n radio link set dev pma2 down
for encap in gre ipip; do
	protocol=47
	[ $encap = gre ] || protocol=4
	tap_check "$encap in the clear" eval "legs encap $encap && pings dev $CN"
	tap_check "$encap: policies come" policies proto $protocol
	carries "$encap, ours first"
	tap_check "$encap: who forbids fragments learns that ESP takes its part" eval "
		! n cn ping -q -n -c 1 -W 5 -s $((1500 - 28 - 20 - 8)) -M do $DEV_IP &&
		n cn ip route get $DEV_IP | tap_grep -E 'mtu 1[34][0-9][0-9]'"
	before=$(drops ha policy)
	tap_check "$encap: one end without its policy" eval "ip -n pma1 xfrm policy flush && ! pings dev $CN 1"
	tap_check "$encap: what comes in the clear is dropped as that" more ha policy "$before"
	tap_check "$encap: and again with" policy pma1 $PMA1 $HA proto $protocol
	tap_check "$encap: a new leg" eval "ctl ha binding del dev mip0 home $DEV_IP &&
		ctl pma1 binding del dev mip0 home $DEV_IP && bind_ha $PMA1 && bind_pma pma1 && legs encap $encap"
	carries "$encap, theirs first"
	tap_check "$encap: policies go" no_policies
	tap_check "$encap: in the clear again" pings dev $CN
	ip -n cn route flush cache
done

tap_stage "the agents' signalling"
for ns in ha pma1 pma2; do
	ip -n $ns link del dev mip0
done
(umask 077; head -c 32 /dev/urandom | od -An -v -tx1 > /tmp/key)
cat > /tmp/ha.conf << END
home-agent = true
network red {
	nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
	gateway = 10.0.0.1  prefix-length = 24  pool = "10.0.0.10-10.0.0.250"  lifetime = 600
}
peer $PMA1 { per-node = true  spi 0x100 { key-file = "/tmp/key" } }
device mip0 { local = $HA  addresses = {"10.0.0.1/24"} }
END
cat > /tmp/pma1.conf << END
proxy-agent = true
care-of-address = $PMA1
identity "02:00:00:00:00:00/ff:ff:ff:ff:ff:00" { nai = "%m@red.example" }
network red {
	nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = $HA
	gateway = 10.0.0.1  prefix-length = 24  lifetime = 600  lease = 300  dns = {10.0.0.1}
}
peer $HA { gre-key = true  spi 0x100 { key-file = "/tmp/key" } }
device mip0 { local = $PMA1  gateway-mac = "02:00:5e:00:00:01"  ports = {port} }
END

answers()
{
	n "$1" mipctl -j agent socket "/tmp/$1.sock" version
}

registers()
{
	ip -n dev address flush dev eth0 && n dev udhcpc -i eth0 -f -q -n -t 4 -T 2
}

tap_check "policies for UDP 434" policies proto 17 sport 434 dport 434
watch
for ns in ha pma1; do
	spawn $ns mip4d $ns -v -c /tmp/$ns.conf --state-dir /tmp/$ns.state --socket /tmp/$ns.sock \
		> "$MIP4_OUT/$ns.log" 2>&1
	tap_check "the agent $ns starts" tap_wait 20 "agent $ns" answers $ns
done
tap_check "a device registers" registers
tap_check "and reaches its gateway" pings dev $HOME_GW
tap_is "signalling in ESP, none in the clear" "$(end_watch '\.434[ :]')" "some 0"
tap_check "the tunnel itself in the clear, as nobody asked for more" grep -q GREv0 /tmp/wire
ip -n pma1 xfrm state flush
ip -n dev link set dev eth0 address 02:00:00:00:00:07
tap_check "without keys a device doesn't register" eval "! registers"
tap_check "with them it does" eval "state pma1 && registers"
tap_end
