#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two agents and a device on one wire each: what start, reload, restart, foreign hands and leaving do.
# timeout: 600
#
#    ha 192.0.2.1 ──── 192.0.2.10 pma acc0 ──── eth0 dev (udhcpc)
#       mip0 10.0.0.1/24            mip0
#
# The agents make their mip4 devices themselves.

# shellcheck source=selftests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

top=$(realpath "$(dirname "$0")/../..")
PATH=$top/agent:$top/agent/mipctl:$PATH
dir=$(mktemp -d)
mac=02:00:00:00:01:05
declare -A pid

tap_cleanup()
{
	local name

	for name in "${!pid[@]}"; do
		kill -KILL "${pid[$name]}" 2> /dev/null
	done
	for name in ha pma dev; do
		[ -z "${MIP4_OUT-}" ] || cp "$dir/$name.log" "$MIP4_OUT/" 2> /dev/null
		# what an agent that was killed has left to keep its sockets
		ip netns pids "$name" | xargs -r kill
		ip netns del "$name"
	done
	rm -rf "$dir"
}

in_ns()
{
	ip netns exec "$@"
}

# agent NS VERB…: the reply of its agent
agent()
{
	local ns=$1

	shift
	in_ns "$ns" mipctl -j agent socket "$dir/$ns.sock" "$@"
}

answers()
{
	agent "$1" version
}

# start NS [OPTION…]
start()
{
	local ns=$1

	shift
	ip netns exec "$ns" mip4d "$ns" -v -c "$dir/$ns.conf" \
		--state-dir "$dir/$ns.state" --socket "$dir/$ns.sock" "$@" \
		>> "$dir/$ns.log" 2>&1 < /dev/null &
	pid[$ns]=$!
}

start_and_wait()
{
	start "$1"
	tap_wait 20 "agent $1 answers" answers "$1"
}

stop()
{
	local ns=$1 sig=$2 status=0

	kill "-$sig" "${pid[$ns]}"
	wait "${pid[$ns]}" || status=$?
	unset "pid[$ns]"
	return $status
}

# What an agent has bound, and its kernel: home addresses, or "unknown" when it can't be asked.
in_agent()
{
	local reply

	reply=$(agent "$1" show) && jq -r '.[] | select(.state == "bound") | .home' <<< "$reply" || echo unknown
}

in_kernel()
{
	local reply

	reply=$(in_ns "$1" mipctl -j binding show) && jq -r '.[].addresses[0].address' <<< "$reply" || echo unknown
}

everywhere()
{
	echo "$(in_agent ha),$(in_agent pma),$(in_kernel ha),$(in_kernel pma)"
}

both_have()
{
	[ "$(everywhere)" = "$1,$1,$1,$1" ]
}

# one address, the same for all
agreed()
{
	local all

	IFS=, read -ra all <<< "$(everywhere)"
	[ "${#all[@]}" = 4 ] && [[ ${all[0]} =~ ^[0-9.]+$ ]] && both_have "${all[0]}"
}

all_empty()
{
	[ "$(everywhere)" = ",,," ]
}

logged()
{
	grep -q "$2" "$dir/$1.log"
}

reaches_home()
{
	in_ns dev ping -c 1 -W 2 10.0.0.1
}

dhcp()
{
	in_ns dev udhcpc -i eth0 -f -q -n -t 4 -T 2 "$@"
}

refreshed()
{
	[ "$(agent ha counters | jq -r '.[0].accepted // .accepted')" -ge "$1" ]
}

# bound_on PORT: by the same registration; after a restart one that isn't sure of its device refreshes it first
bound_on()
{
	tap_wait 10 "a refresh" eval "
		[ \"\$(agent pma show | jq -r '.[] | [.state, .cookie, .port] | join(\" \")')\" = 'bound $cookie $1' ]"
}

# settings NS: of its mip4 device
settings()
{
	in_ns "$1" mipctl -j -d link show mip0 | jq -r '.[0] | "\(.multicast) \(.arp)"'
}

# write_pma LEASE [LINE]; lifetime in $lifetime
write_pma()
{
	cat > "$dir/pma.conf" <<- END
		proxy-agent = true
		care-of-address = 192.0.2.10
		identity "02:00:00:00:01:00/ff:ff:ff:ff:ff:00" { nai = "%m@red.example" }
		network red {
			nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = 192.0.2.1
			gateway = 10.0.0.1  prefix-length = 24  lifetime = ${lifetime-600}  lease = $1
			host-config = true
		}
		peer 192.0.2.1 { gre-key = true  spi 0x100 { key-file = "$dir/key" } }
		device mip0 { local = 192.0.2.10  gateway-mac = "02:00:5e:00:00:01"  ports = {acc0} }
		${2-}
	END
}

tap_stage "topology"
for ns in ha pma dev; do
	ip netns add $ns
	ip -n $ns link set lo up
done
ip link add up0 netns ha type veth peer name up0 netns pma
ip link add acc0 netns pma type veth peer name eth0 netns dev
ip -n ha addr add 192.0.2.1/24 dev up0
ip -n pma addr add 192.0.2.10/24 dev up0
ip -n ha link set up0 up
ip -n pma link set up0 up
# so that it says nothing that isn't asked for; ipv6.disable=1 leaves nothing to say it
[ ! -d /proc/sys/net/ipv6/conf ] || in_ns dev sysctl -qw net.ipv6.conf.all.disable_ipv6=1
ip -n dev link set eth0 address $mac
ip -n dev link set eth0 up
in_ns ha sysctl -qw net.ipv4.ip_forward=1
in_ns pma sysctl -qw net.ipv4.ip_forward=1
(umask 077; head -c 32 /dev/urandom | od -An -v -tx1 > "$dir/key")
# one agent by each policy that outlives it
cat > "$dir/ha.conf" << END
home-agent = true
store = disk
network red {
	nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = 192.0.2.1
	gateway = 10.0.0.1  prefix-length = 24  pool = "10.0.0.10-10.0.0.250"  lifetime = 600
	dns = {10.0.0.1, 10.0.0.53}  domain = red.example
}
peer 192.0.2.10 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
device mip0 { local = 192.0.2.1  addresses = {"10.0.0.1/24"}  multicast = tunnel }
END
write_pma 300

tap_stage "start"
for ns in ha pma; do
	in_ns $ns timeout 20 mip4d $ns -c "$dir/$ns.conf" --state-dir "$dir/$ns.state" --socket "$dir/nosuch/x" \
		2> "$dir/$ns.log"
	tap_is "$ns fails where its socket can't be" $? 1
	tap_check "and says so" logged $ns "cannot listen on $dir/nosuch/x"
	tap_is "having changed nothing" "$(ip -n $ns -j link show type mip4 | jq -r '.[].ifname')" ""
done
for ns in ha pma; do
	if start_and_wait $ns; then
		tap_ok "the agent $ns starts"
	else
		tap_fail "the agent $ns starts" "$(cat "$dir/$ns.log")"
		tap_end
	fi
done
tap_is "it has taken its port" "$(in_ns pma mipctl -j port show | jq -r '.[].port')" acc0
tap_check "the home network is routed to mip0" eval "ip -n ha route get 10.0.0.99 | tap_grep 'dev mip0'"
# who asks for home agents by the home network's broadcast address; what it says is too short, and counted
ip -n pma route add 10.0.0.255 via 192.0.2.1
in_ns pma bash -c 'printf "\001\0" > /dev/udp/10.0.0.255/434'
tap_check "the home network's broadcast address is listened to" tap_wait 5 "a datagram" eval \
	'[ "$(agent ha counters | jq "[.. | .drop_truncated? // empty][0]")" = 1 ]'
ip -n pma route del 10.0.0.255 via 192.0.2.1
tap_is "its multicast policy is the one configured" "$(settings ha)" "tunnel all"
tap_is "the control socket's mode" "$(stat -c %a "$dir/pma.sock")" 660

tap_stage "attach by DHCP"
# [5944-3.6-2]
tap_check "udhcpc gets its lease" dhcp
home=$(ip -n dev -j addr show eth0 | jq -r '.[0].addr_info[] | select(.family == "inet") | .local')
tap_check "of the pool" grep -Eqx '10\.0\.0\.[0-9]+' <<< "$home"
printf '#!/bin/sh\n[ "$1" != bound ] || echo "$dns, $domain" > "%s/said"\n' "$dir" > "$dir/script"
chmod +x "$dir/script"
tap_check "the same one once more" dhcp -s "$dir/script"
tap_is "with the name servers that only the home agent knows" "$(cat "$dir/said")" "10.0.0.1 10.0.0.53, red.example"
tap_check "both agents and both kernels have it" tap_wait 5 "four times $home" both_have "$home"
tap_check "it reaches its gateway through the tunnel" reaches_home
tap_is "the handover's timeline is whole" \
	"$(agent pma timeline | jq -r '.[0] | "\(.trigger) \(.phases_us | keys | length)"')" "dhcp 6"

tap_stage "a cable that is plugged again"
# what comes unasked makes an entry, so that one sees that it came
in_ns dev sysctl -qw net.ipv4.conf.eth0.arp_accept=1
ip -n dev link set eth0 down
tap_is "the device has forgotten its gateway" "$(ip -n dev neigh show 10.0.0.1)" ""
ip -n dev link set eth0 up
tap_check "and is told before it asks" tap_wait 5 "a neighbour entry" \
	eval "ip -n dev neigh show 10.0.0.1 | tap_grep 'lladdr 02:00:5e:00:00:01'"
in_ns dev sysctl -qw net.ipv4.conf.eth0.arp_accept=0

tap_stage "kill -9 and restart"
cookie=$(agent pma show | jq -r '.[0].cookie')
stop pma KILL
tap_check "forwarding goes on without the proxy agent" reaches_home
start_and_wait pma
tap_check "it takes up the same registration" bound_on acc0
stop ha KILL
tap_check "forwarding goes on without the home agent" reaches_home
start_and_wait ha
tap_check "all of it is known again" tap_wait 5 "four times $home" both_have "$home"

tap_stage "a port that is renamed"
# rename FROM TO, while no agent runs; a device that is up can't be
rename()
{
	stop pma KILL
	ip -n pma link set "$1" down
	ip -n pma link set "$1" name "$2"
	sed -i "s/{$1}/{$2}/" "$dir/pma.conf"
	start_and_wait pma
}
rename acc0 acc1
tap_check "keeps its devices" bound_on acc1
tap_check "everywhere" both_have "$home"
rename acc1 acc0
tap_check "and under the first name again" bound_on acc0
tap_check "they reach their gateway" tap_wait 5 "the gateway" reaches_home

tap_stage "a second agent"
tap_is "is refused" \
	"$(in_ns pma mip4d other -c "$dir/pma.conf" --state-dir "$dir/pma.state" --socket "$dir/x.sock" 2>&1 |
	grep -c 'another mip4d uses it')" 1
tap_is "with its own state as well" "$(in_ns pma mip4d other -c "$dir/pma.conf" --state-dir "$dir/x.state" \
	--socket "$dir/x.sock" 2>&1 | grep -c 'another agent has it')" 1

tap_stage "reload"
write_pma 300 "leese = 5"
kill -HUP "${pid[pma]}"
tap_check "a bad configuration is refused" tap_wait 5 "the refusal in the log" logged pma "running configuration stays"
tap_check "with its line" logged pma 'pma.conf:11: unknown option "leese"'
tap_check "and the device is there" both_have "$home"
# a port more for the first device, and a second device that cannot be
ip -n pma link add spare0 type veth peer name spare1
write_pma 300 "device mip1 { local = 192.0.2.10  ports = {none0} }"
sed -i 's/{acc0}/{acc0, spare0}/' "$dir/pma.conf"
kill -HUP "${pid[pma]}"
tap_check "so is one that this machine can't have" tap_wait 5 "the refusal in the log" logged pma \
	'port none0 of device mip1: there is no such network device; the running configuration stays'
tap_is "and nothing of it was done" "$(ip -n pma -j link show | jq -r '.[] | select(.ifname == "mip1" or
	(.ifname == "spare0" and .master)) | .ifname')" ""
write_pma 10
kill -HUP "${pid[pma]}"
tap_check "a good one is applied" tap_wait 5 "the reload in the log" logged pma "configuration read again"
tap_check "the device stays bound" bound_on acc0
tap_check "and reaches its gateway" reaches_home
sed -i 's/multicast = tunnel/arp = gateway/' "$dir/ha.conf"
kill -HUP "${pid[ha]}"
tap_check "the home agent reloads" tap_wait 5 "the reload in the log" logged ha "configuration read again"
tap_check "and has the device" both_have "$home"
tap_is "a new setting of its mip4 device is set, one that is gone left" "$(settings ha)" "tunnel gateway"

tap_stage "leases"
tap_check "the new lease is granted" dhcp -r "$home"
tap_check "a device that never renews is let go" tap_wait 25 "everything empty" all_empty
tap_check "because its lease ended" logged pma "its lease has ended"
write_pma 300
kill -HUP "${pid[pma]}"

tap_stage "attach by a packet"
# the address is still on the device
tap_check "a ping attaches it" tap_wait 10 "the gateway" reaches_home
tap_check "with the address that it uses" tap_wait 5 "four times $home" both_have "$home"

tap_stage "foreign hands"
in_ns pma mipctl binding flush dev mip0 all > /dev/null
tap_check "a flush is noticed" tap_wait 5 "the warning" logged pma "deleted by others"
tap_check "and the device comes back by itself" tap_wait 15 "the gateway" reaches_home
tap_check "everywhere" tap_wait 5 "four times $home" both_have "$home"

tap_stage "the control socket"
tap_check "detach" agent pma detach mac $mac
tap_check "empties all" tap_wait 5 "everything empty" all_empty
tap_is "attach gives the registration" \
	"$(agent pma attach mac $mac port acc0 home 10.0.0.77 | jq -r '.[].home')" 10.0.0.77
tap_check "detach again" agent pma detach mac $mac port acc0
tap_is "an unknown identity is refused" \
	"$(agent pma attach mac 02:00:00:00:09:09 port acc0 2>&1 | grep -c 'no identity rule')" 1
tap_is "a port that isn't one is refused" \
	"$(agent pma attach mac 02:00:00:00:01:06 port up0 2>&1 | grep -c "not a port")" 1

tap_stage "release"
ip netns exec dev udhcpc -i eth0 -f -t 4 -T 2 > /dev/null 2>&1 &
pid[udhcpc]=$!
tap_check "a lease" tap_wait 15 "an address" agreed
kill -USR2 "${pid[udhcpc]}"
tap_check "its release empties all" tap_wait 10 "everything empty" all_empty
kill "${pid[udhcpc]}"
wait "${pid[udhcpc]}"
unset "pid[udhcpc]"

tap_stage "presence"
lifetime=30 write_pma 300
kill -HUP "${pid[pma]}"
# by ARP, so that no lease ends it
ip -n dev addr flush dev eth0
ip -n dev addr add 10.0.0.88/24 dev eth0
tap_check "a device without DHCP attaches" tap_wait 10 "the gateway" reaches_home
before=$(agent ha counters | jq -r '.[0].accepted // .accepted')
tap_check "a silent device that answers ARP is refreshed, and again" \
	tap_wait 60 "two refreshes" refreshed $((before + 2))
tap_check "it stays bound everywhere" both_have 10.0.0.88
ip -n dev addr flush dev eth0
tap_check "one that doesn't answer any more is let go" tap_wait 40 "everything empty" all_empty
tap_check "and not by the end of its lifetime" logged pma "no longer there at refresh"
write_pma 300
kill -HUP "${pid[pma]}"

tap_stage "the end"
tap_check "one more lease" dhcp
tap_check "is there" tap_wait 5 "an address" agreed
home=$(in_kernel ha)
stop ha TERM
tap_is "SIGTERM ends the home agent with" $? 0
tap_check "its binding stays" test "$(in_kernel ha)" = "$home"
tap_check "its socket doesn't" test ! -e "$dir/ha.sock"
start_and_wait ha
ip -n pma link set acc0 nomaster
tap_check "a port that leaves takes its devices along" tap_wait 10 "everything empty" all_empty
stop pma TERM
tap_is "SIGTERM ends the proxy agent with" $? 0
tap_check "no secret was logged" bash -c "! grep -qi \"$(tr -d ' \n' < "$dir/key" | head -c 16)\" $dir/*.log"
tap_end
