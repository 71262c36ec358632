#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tunnels through UDP while the agent, whose socket they go by, is killed and starts again: with a keeper of its own,
# and with a service manager that stores file descriptors.
#
#   cn ── ha: mip4d ══ UDP 434 ══ pma1: mipctl socket hold ── dev

# shellcheck source=selftests/kernel/lib.sh
. "$(dirname "$0")/../kernel/lib.sh"

top=$(realpath "$(dirname "$0")/../..")
mip4d=$top/agent/mip4d
dir=$(mktemp -d)
MIPCTL=$top/agent/mipctl/mipctl

tap_cleanup()
{
	[ -z "${MIP4_OUT-}" ] || cp "$dir/log" "$MIP4_OUT/" 2> /dev/null
	kill_jobs
	# keepers are nobody's children
	ip netns pids ha | xargs -r kill
	end_namespaces
	rm -rf "$dir"
}

# its number is in /tmp/agent
start()
{
	spawn ha "$mip4d" ha -c "$dir/ha.conf" --state-dir "$dir/state" --socket "$dir/sock" >> "$dir/log" 2>&1
	echo $! > /tmp/agent
	tap_wait 20 "an agent that answers" answers
}

answers()
{
	ctl ha agent socket "$dir/sock" version
}

# The socket of port 434, whoever has it: its inode
inode()
{
	n ha ss -Hlune "sport = :434" | sed -n 's/.* ino:\([0-9]*\) .*/\1/p'
}

keeper()
{
	pgrep -f "^mip4d --keep$"
}

# steady CMD...: does it lose no packet of a stream meanwhile?
steady()
{
	local ping

	spawn dev ping -q -n -i 0.01 -W 2 $CN > /tmp/steady
	ping=$!
	"$@" || return
	kill -INT $ping
	wait $ping
	cat /tmp/steady
	awk '/transmitted/ { exit !($1 > 20 && $1 - $4 <= 1) }' /tmp/steady
}

killed()
{
	kill -9 "$(< /tmp/agent)" && tap_wait 10 "its end" eval "! kill -0 $(< /tmp/agent)" && pings dev $CN 30
}

tap_check "module, routers, device" eval "{ [ -d /sys/module/mip4 ] || load; } && topology"
ip -n radio link set dev pma2 down
(umask 077; head -c 32 /dev/urandom | od -An -v -tx1 > "$dir/key")
cat > "$dir/ha.conf" << END
home-agent = true
network red {
	nai = "*@red.example"  device = mip0  home-agent-address = $HA
	gateway = 10.0.0.1  prefix-length = 24  pool = "10.0.0.100-10.0.0.200"
}
peer $PMA1 { per-node = true  spi 0x100 { key-file = "$dir/key" } }
END

tap_stage "with a keeper"
tap_check "the agent starts" start
tap_is "its device tunnels by its socket" "$(ctl ha -d -j link show mip0 | jq '.[0].udp_port')" 434
tap_check "bindings by hand" eval "ctl ha binding add dev mip0 home $DEV_IP peer $PMA1 encap udp &&
	ctl pma1 binding add dev mip0 home $DEV_IP port port mac $DEV_MAC gateway $HOME_GW/24 peer $HA encap udp"
spawn pma1 "$MIPCTL" socket hold dev mip0 > /tmp/hold 2>&1
tap_check "dev pings cn" tap_wait 10 "a reply" pings dev $CN 1
before=$(inode)
tap_check "there is a keeper" keeper
tap_is "it has its socket, a port and nothing else" \
	"$(find "/proc/$(keeper)/fd" -lname 'socket:*' | wc -l) $(find "/proc/$(keeper)/fd" -type l | wc -l)" "3 6"
tap_check "the agent is killed: no packet is lost" steady killed
tap_is "the socket is as before" "$(inode)" "$before"
restarted()
{
	start && pings dev $CN 20
}
tap_check "a new one starts: no packet is lost" steady restarted
tap_is "the socket is as before" "$(inode)" "$before"
tap_is "as is the device's" "$(ctl ha -d -j link show mip0 | jq '.[0].udp_port')" 434
tap_is "there is one keeper" "$(keeper | wc -l)" 1
tap_check "and it is heard" eval "py pma1 'send_ip(ip(\"$PMA1\", \"$HA\", udp(434, 434, b\"\\x01\" + bytes(40))))' &&
	tap_wait 10 'a counter' eval \"ctl ha -j agent socket $dir/sock counters | tap_grep -E '[^0-9]1[,} ]'\""
tap_check "the agent ends: so does the keeper" eval "kill $(< /tmp/agent) && tap_wait 10 'its end' eval '! keeper'"
tap_check "and the socket" tap_wait 10 "a free port" eval '[ -z "$(inode)" ]'
tap_check "nothing passes" eval '! pings dev $CN 1'
tap_check "the keeper's own socket is gone" test ! -e "$dir/sock.keep"

tap_stage "with a service manager's store"
store="python3 $top/selftests/host/store.py"
# shellcheck disable=SC2086
spawn ha $store $mip4d ha -c "$dir/ha.conf" --state-dir "$dir/state" --socket "$dir/sock" > /tmp/store 2>> "$dir/log"
manager=$!
tap_check "the agent starts" tap_wait 20 "readiness" grep -q ready /tmp/store
tap_is "and stores its socket" "$(grep -v ready /tmp/store)" "stored udp-$HA"
tap_check "there is no keeper" eval '! keeper'
tap_check "dev pings cn" pings dev $CN
before=$(inode)
sed -n 's/^ready //p' /tmp/store > /tmp/agent
again()
{
	killed && tap_wait 20 "another" eval '[ "$(grep -c ready /tmp/store)" = 2 ]'
}
tap_check "killed, and started again: no packet is lost" steady again
tap_is "the socket is as before" "$(inode)" "$before"
tap_is "it isn't stored again" "$(grep -c stored /tmp/store)" 1
kill "$(sed -n 's/^ready //p' /tmp/store | tail -n 1)"
tap_check "the end" tap_wait 10 "it" eval "! kill -0 $manager"
tap_end
