#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where packet filters see what is inside the tunnel, and where not; NAT and connection tracking of it at the home
# agent. Rules that stood before the module, and rules that come while packets pass. INPUT and the tunnel itself:
# gre-input.sh, netfilter.sh.
#
#   cn ── FORWARD, NAT ── ha mip0: ingress, egress ══ pma1 ── port: ingress, egress ── dev
#                                                     FORWARD: nothing
# timeout: 600

. "$(dirname "$0")/lib.sh"

# rules NS < RULESET
rules()
{
	n "$1" nft -f -
}

# seen NS FAMILY TABLE COUNTER
seen()
{
	n "$1" nft -j list counter "$2" "$3" "$4" | jq '.nftables[] | select(.counter) | .counter.packets'
}

# hook NS DEVICE HOOK ADDRESS-FIELD: counts echo of the device there, by its home address
hook()
{
	rules "$1" <<- END
		table netdev $3 {
			counter c { };
			chain x {
				type filter hook $3 device $2 priority 0;
				meta protocol ip ip $4 $DEV_IP ip protocol icmp counter name c;
			};
		}
	END
}

# A firewall as home agents have: what the device opened comes back, one port is let in, the rest isn't.
home_firewall()
{
	rules ha <<- END
		table ip fw {
			counter up { };
			counter refused { };
			chain forward {
				type filter hook forward priority 0; policy drop;
				ct state established,related accept;
				iifname mip0 ip saddr $DEV_IP counter name up accept;
				oifname mip0 ct status dnat accept;
				counter name refused;
			};
		}
		table ip nat {
			chain in {
				type nat hook prerouting priority dstnat;
				iifname cn ip daddr 203.0.113.1 tcp dport 8080 dnat to $DEV_IP:80;
			};
			chain out {
				type nat hook postrouting priority srcnat;
				iifname mip0 oifname cn ip saddr $DEV_IP masquerade;
			};
		}
	END
}

# What an access router has nothing to do with
access_firewall()
{
	rules pma1 <<- END
		table ip fw {
			counter c { };
			chain forward { type filter hook forward priority 0; counter name c; };
		}
	END
}

# says NS PORT: a server that tells who asks
says()
{
	spawn "$1" socat "TCP-LISTEN:$2,reuseaddr,fork" 'SYSTEM:echo $SOCAT_PEERADDR'
	tap_wait 10 "a listener" eval "n $1 ss -Hltn 'sport = :$2' | tap_grep ."
}

asks()
{
	n "$1" timeout 15 socat -u "TCP:$2:$3" -
}

nats()
{
	tap_is "$1: the device goes out under the home agent's address" "$(asks dev $CN 7000)" 203.0.113.1
	tap_is "$1: and is reached by its port" "$(asks cn 203.0.113.1 8080)" $CN
	before=$(seen ha ip fw refused)
	tap_check "$1: what nobody opened is refused" eval "! pings cn $DEV_IP 1"
	tap_is "$1: by FORWARD" $(($(seen ha ip fw refused) - before)) 1
	before=$(seen ha ip fw up)
	tap_check "$1: its echo passes" pings dev $CN
	tap_is "$1: FORWARD saw the first of it" $(($(seen ha ip fw up) - before)) 1
	tap_check "$1: conntrack has it by inner addresses" eval \
		"n ha conntrack -L -p icmp -s $DEV_IP -d $CN 2> /dev/null | tap_grep 'dst=203.0.113.1'"
	tap_is "$1: the access router's FORWARD sees nothing" "$(seen pma1 ip fw c)" 0
}

links()
{
	overlay && bind_ha $PMA1 && bind_pma pma1
}

tap_check "routers, devices, rules; then the module" eval "
	underlay && home_firewall && access_firewall && load && links"
ip -n radio link set dev pma2 down
says cn 7000
says dev 80
nats "theirs first"
n ha nft flush ruleset
n pma1 nft flush ruleset
tap_check "without rules all pass" pings cn $DEV_IP
tap_check "rules that come while it runs" eval "home_firewall && access_firewall"
nats "ours first"
n ha nft flush ruleset
n ha conntrack -F 2> /dev/null

tap_stage "hooks of devices"
tap_check "at the home agent's mip0 and the access router's port" eval "
	hook ha mip0 ingress saddr && hook pma1 port ingress saddr"
egress=1
if ! hook ha mip0 egress daddr 2> /tmp/egress; then
	tap_diag "$(cat /tmp/egress)"
	egress=
else
	hook pma1 port egress daddr
fi
tap_check "five echo requests and their answers" pings dev $CN 5
for ns in ha pma1; do
	tap_is "$ns: ingress sees what goes up" "$(seen $ns netdev ingress c)" 5
	if [ -n "$egress" ]; then
		tap_is "$ns: egress sees what goes down" "$(seen $ns netdev egress c)" 5
	else
		tap_skip "$ns: egress sees what goes down" "this kernel or nft has no egress hook"
	fi
done
for place in "ha mip0" "pma1 port"; do
	read -r ns dev <<< "$place"
	rules "$ns" <<< "table netdev d { chain x { type filter hook ingress device $dev priority -10;
		ip saddr $DEV_IP drop; }; }"
	tap_check "$ns: ingress drops" eval "! pings dev $CN 1"
	n "$ns" nft delete table netdev d
	tap_check "$ns: and no more" pings dev $CN 1
done
tap_check "the module goes with the rules there" eval "ip -n ha link del mip0 && ip -n pma1 link del mip0 &&
	ip -n pma2 link del mip0 && rmmod mip4"
tap_end
