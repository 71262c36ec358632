# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of real agents under streams share: agents in namespaces, and a stream each way between cn at $CN and dev
# at $DEV_IP of which each packet is counted. The agent of NS has $dir/NS.conf.

. "$(dirname "${BASH_SOURCE[0]}")/../kernel/lib.sh"

PATH=$MIP4_TOP/agent:$MIP4_TOP/agent/mipctl:$PATH
FLOW=$MIP4_TOP/selftests/demo/flow
case ${KERNEL-} in
uml | debug) RATE=1000 ;;
*) RATE=200 ;;
esac
# shellcheck disable=SC2034 # used by who includes this
RTT_MS=20
dir=$(mktemp -d)
declare -A pid

tap_cleanup()
{
	local ns

	exec 2> /dev/null
	for ns in "${!pid[@]}"; do
		kill -KILL "${pid[$ns]}"
		wait "${pid[$ns]}"
		cp "$dir/$ns.log" "$MIP4_OUT/" 2> /dev/null
	done
	rm -rf "$dir"
}

# No two ends with one number: Linux would tell of a carrier up to a second later (linkwatch_urgent_event()).
wires=100
wire()
{
	wires=$((wires + 1))
	ip -n "$1" link add name "$2" index $wires type veth peer name "$4" netns "$3" &&
		ip -n "$1" link set dev "$2" up && ip -n "$3" link set dev "$4" up
}

agent()
{
	local ns=$1

	shift
	n "$ns" mipctl -j agent socket "$dir/$ns.sock" "$@"
}

# It waits for nothing else that this guest does: what is measured is the handover, not jq.
start_agent()
{
	local ns=$1

	ip netns exec "$ns" chrt -f 20 mip4d "$ns" -v -c "$dir/$ns.conf" --state-dir "$dir/$ns.state" \
		--socket "$dir/$ns.sock" >> "$dir/$ns.log" 2>&1 < /dev/null &
	pid[$ns]=$!
	tap_wait 20 "agent $ns answers" agent "$ns" version
}

# start: both streams
start()
{
	spawn cn "$FLOW" recv 4000 /tmp/up
	up_recv=$!
	spawn dev "$FLOW" recv 4001 /tmp/down
	down_recv=$!
	tap_wait 20 "receivers" eval 'n cn ss -Hlnu | grep -q :4000 && n dev ss -Hlnu | grep -q :4001' || return
	spawn dev "$FLOW" send $CN 4000 "$RATE" u > /tmp/up.sent
	up=$!
	spawn cn "$FLOW" send $DEV_IP 4001 "$RATE" d > /tmp/down.sent
	down=$!
	tap_wait 20 "both streams" eval '[ "$(lines up)" -gt 50 ] && [ "$(lines down)" -gt 50 ]'
}

lines()
{
	wc -l < "/tmp/$1"
}

stop()
{
	kill $up $down
	wait $up $down
	# the last one, or what was lost at the very end
	tap_wait 5 "the last packets" eval 'last_came up && last_came down'
	kill $up_recv $down_recv
	wait $up_recv $down_recv
}

last_came()
{
	[ "$(tail -n 1 "/tmp/$1" | cut -d ' ' -f 1)" -ge $(($(cat "/tmp/$1.sent") - 1)) ]
}

# flows on: a packet that was sent after now has come
flows_on()
{
	local since

	since=$(now_ns)
	tap_wait 20 "packets both ways" eval "[ \"\$(tail -n 1 /tmp/up | cut -d ' ' -f 2)\" -gt $since ] &&
		[ \"\$(tail -n 1 /tmp/down | cut -d ' ' -f 2)\" -gt $since ]"
}

# CLOCK_MONOTONIC, as in flow's logs and timelines
now_ns()
{
	python3 -c 'import time; print(time.monotonic_ns())'
}

lost()
{
	awk -v sent="$(cat "/tmp/$1.sent")" '{ n[$1]++ } END {
		for (i = 0; i < sent; i++)
			lost += !(i in n)
		print lost + 0
	}' "/tmp/$1"
}

twice()
{
	awk '{ twice += n[$1]++ > 0 } END { print twice + 0 }' "/tmp/$1"
}
