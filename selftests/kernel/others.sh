#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own tunnels as the other end of ours, by IP-in-IP and GRE without and with keys, checksums and sequence
# numbers: an access router that isn't mip4's, and a home agent that isn't.
#
#   cn ── ha ══ mip4 │ ip_gre, ipip ══ pma2 10.0.0.8
#   home 203.0.113.77 ══ ip_gre, ipip │ mip4 ══ pma1 ── dev 10.0.0.5
#   192.0.2.2
# timeout: 600

. "$(dirname "$0")/lib.sh"

HOME_ROUTER=192.0.2.2 FAR=203.0.113.77 HOST=10.0.0.8

# both_ways NS ADDRESS OTHER-NS OTHER-ADDRESS: from each to the other's address
both_ways()
{
	tap_check "$desc: pings" eval "pings $1 $4 && pings $3 $2"
	tap_check "$desc: TCP" eval "tcp $1 $3 $4 && tcp $3 $1 $2"
	tap_check "$desc: 5000 bytes without DF" eval "ping_size $1 5000 $4 -M dont && ping_size $3 5000 $2 -M dont"
}

# told MTU FROM ADDRESS: whoever forbids fragments
told()
{
	local said

	# what the tunnel before this one carried
	ip -n "$2" route flush cache
	said=$(ping_size "$2" 1472 "$3" -M 'do')
	tap_check "$desc: who forbids fragments is told" grep -q "mtu *= *$1" <<< "$said"
	tap_diag "$said"
}

tap_check "module, routers, devices" eval "load && topology && bind_ha $PMA1 && bind_pma pma1 && namespace home &&
	router home $HOME_ROUTER && ip -n home address add $FAR/32 dev lo"
ip -n radio link set dev pma2 down
head -c 300000 /dev/urandom > /tmp/payload
tap_check "ours at both ends" pings dev $CN
# the kernel's type and options | our encapsulation and keys | what a packet of ours may have inside
while IFS='|' read -r kernels ours mtu; do
	desc=$kernels type=${kernels%% *}
	options=${kernels#"$type"}
	tap_stage "$desc"
	tap_check "$desc: an access router" eval "
		ctl ha binding add dev mip0 home $HOST peer $PMA2 encap $ours &&
		ip -n pma2 link add name other type $type local $PMA2 remote $HA ttl 64 $options &&
		batch pma2 'link set dev other up' 'address add $HOST/32 dev other' 'route add default dev other'"
	both_ways cn $CN pma2 $HOST
	# what is routed to mip0 has its MTU to keep, that of GRE with keys
	told 1472 cn $HOST
	ip -n pma2 link del dev other
	ctl ha binding del dev mip0 home $HOST
	tap_check "$desc: a home agent" eval "
		ctl pma1 binding set dev mip0 home $DEV_IP peer $HOME_ROUTER encap $ours &&
		ip -n home link add name other type $type local $HOME_ROUTER remote $PMA1 ttl 64 $options &&
		batch home 'link set dev other up' 'route add $DEV_IP/32 dev other src $FAR'"
	both_ways home $FAR dev $DEV_IP
	told "$mtu" dev $FAR
	ip -n home link del dev other
done << END
ipip|ipip|1480
gre|gre|1476
gre ikey 0x77 okey 0x77|gre key 0x77 okey 0x77|1472
gre ikey 0x77 okey 0x88|gre key 0x88 okey 0x77|1472
gre ikey 0x77 okey 0x88 ocsum oseq|gre key 0x88 okey 0x77|1472
END
tap_check "ours again" eval "ctl pma1 binding set dev mip0 home $DEV_IP peer $HA encap gre key 0x1005 okey 0x2005 &&
	pings dev $CN"
tap_end
