# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What tests of real agents share: agents in namespaces. The one of NS has $dir/NS.conf.

. "$(dirname "${BASH_SOURCE[0]}")/../kernel/lib.sh"

PATH=$MIP4_TOP/agent:$MIP4_TOP/agent/mipctl:$MIP4_TOP/agent/load:$PATH
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
		# what an agent that was killed has left to keep its sockets
		ip netns pids "$ns" | xargs -r kill
	done
	[ -z "${MIP4_OUT-}" ] || cp "$dir"/*.log "$dir"/*.json "$MIP4_OUT/"
	end_namespaces
	rm -rf "$dir"
}

# delays NS...: half of RTT_MS each from the core
delays()
{
	local ns

	for ns in "$@"; do
		tap_check "$((RTT_MS / 2)) ms from the core to $ns" \
			n core tc qdisc add dev "$ns" root netem delay $((RTT_MS / 2))ms limit 100000
	done
}

# new_key FILE...: below $dir
new_key()
{
	local file

	for file in "$@"; do
		(umask 077; head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "$dir/$file") || return
	done
}

agent()
{
	mipctl -n "$1" -j agent socket "$dir/$1.sock" "${@:2}"
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

# start_agents NS...: without which there is no test
start_agents()
{
	local ns

	for ns in "$@"; do
		if start_agent "$ns"; then
			tap_ok "agent $ns"
		else
			tap_fail "agent $ns" "$(cat "$dir/$ns.log")"
			tap_end
		fi
	done
}

# stop_agent NS [SIGNAL]: and wait for its end
stop_agent()
{
	kill "-${2-TERM}" "${pid[$1]}"
	wait "${pid[$1]}" 2> /dev/null
	unset "pid[$1]"
}
