# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A stream each way between cn at $CN and dev at $DEV_IP, of which each packet is counted: 1,000 a second, 200 where the
# guest is emulated. Included after lib.sh.

FLOW=$MIP4_TOP/selftests/demo/flow
case ${KERNEL-} in
uml | debug) RATE=1000 ;;
*) RATE=200 ;;
esac

# start: both streams
start()
{
	spawn cn "$FLOW" recv 4000 /tmp/up
	up_recv=$!
	spawn dev "$FLOW" recv 4001 /tmp/down
	down_recv=$!
	tap_wait 20 "receivers" eval 'n cn ss -Hlnu | tap_grep :4000 && n dev ss -Hlnu | tap_grep :4001' || return
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
	tap_wait 5 "the last packets" eval 'all_came up && all_came down'
	kill $up_recv $down_recv
	wait $up_recv $down_recv
}

# all_came NAME: does no more come? Where some may be lost: the last one is there.
all_came()
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
