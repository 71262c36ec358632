#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mip4load against a mip4d that serves as home agent: a mix without a loss, also across kill -9; a home agent that
# forgets, one by another key and none at all; the catalogue. TEST_RATE, TEST_DEVICES (of each of four PMAs, up to 1900)
# and TEST_SECONDS make the mix a measurement.
# timeout: 600
#
#    ha 192.0.2.1 up0 ──── up0 192.0.2.10 to .13, stranger .66: pma

. "$(dirname "$0")/lib.sh"

ha()
{
	agent ha "$@"
}

counter()
{
	ha counters | jq -r ".[0].$1 // .$1"
}

# Beside the generator, and as it is used: neither first nor verbose.
start()
{
	ip netns exec ha mip4d ha -c "$dir/ha.conf" --state-dir "$dir/ha.state" --socket "$dir/ha.sock" \
		>> "$dir/ha.log" 2>&1 < /dev/null &
	pid[ha]=$!
	tap_wait 20 "the home agent answers" ha version
}

# peer_by ADDRESS: a peer's options, with the key of that one
peer_by()
{
	echo "per-node = true  spi 0x200 { key-file = \"$dir/key.$1\" }"
}

# configure FIRST-LAST [LINE]
configure()
{
	local i

	cat > "$dir/ha.conf" <<- END
		home-agent = true
		network red {
			nai = "*@red.example"  realm = 1  device = mip0  home-agent-address = 192.0.2.1
			gateway = 10.0.0.1  prefix-length = 16  pool = "$1"
		}
		device mip0 { local = 192.0.2.1  addresses = {"10.0.0.1/16"} }
		${2-}
	END
	for i in 10 11 12 13; do
		echo "peer 192.0.2.$i { $(peer_by 192.0.2.$i) }" >> "$dir/ha.conf"
	done
}

# run NAME ARGUMENT...: its JSON into $dir/NAME.json, its status into $status
run()
{
	status=0
	n pma mip4load -j run ha 192.0.2.1 pma 192.0.2.10-192.0.2.13 nai load%d@red.example key "$dir/key.%a" \
		spi 0x200 "${@:2}" > "$dir/$1.json" 2>> "$dir/load.log" || status=$?
}

malformed()
{
	status=0
	n pma mip4load -j malformed ha 192.0.2.1 pma 192.0.2.10 nai probe%d@red.example key "$dir/key.%a" \
		spi 0x200 stranger 192.0.2.66 wait 200ms "${@:2}" > "$dir/$1.json" 2>> "$dir/load.log" || status=$?
}

# of NAME FILTER
of()
{
	jq -r ".[0] | $2" "$dir/$1.json"
}

in_kernel()
{
	n ha mipctl -j binding show | jq length
}

accepted()
{
	[ "$(counter accepted)" -ge "$1" ]
}

tap_stage "topology"
namespace ha pma && wire ha up0 pma up0 && ip -n ha address add 192.0.2.1/24 dev up0
for i in 10 11 12 13 66; do
	ip -n pma address add 192.0.2.$i/24 dev up0
	new_key key.192.0.2.$i
done
n ha sysctl -qw net.ipv4.ip_forward=1
configure 10.0.1.0-10.0.31.255

tap_stage "nobody there"
malformed none
tap_is "malformed: exit status without a home agent" $status 2
tap_check "which ICMP says" grep -q "order: ICMP type 3 code 3" "$dir/load.log"
run none devices 5 rate 5 duration 1s tries 1
tap_is "run: exit status" $status 4
tap_check "ICMP is counted" test "$(of none .icmp_errors)" -gt 0
tap_is "all timed out" "$(of none '"\(.timed_out) \(.lost)"')" "$(of none '"\(.begun) 0"')"
start || tap_end

tap_stage "a mix"
run mix devices "${TEST_DEVICES:-250}" rate "${TEST_RATE:-300}" duration "${TEST_SECONDS:-10}" seed 1
tap_diag "$(of mix .begun_per_second) registrations/s"
tap_diag "renewals: $(of mix '.operations.renew | del(.number, .accepted, .denied, .timed_out) | tojson')"
tap_diag "sent late by: $(of mix '.lag | tojson')"
tap_is "exit status" $status 0
tap_is "as many as were to be" "$(of mix .begun)" $((${TEST_RATE:-300} * ${TEST_SECONDS:-10}))
# [5944-3.8.2.2-2]
tap_is "nothing lost, unauthentic, raised or out of order" "$(of mix '.lost + .unauthentic + .malformed +
	.wrong_source + .no_nai + .no_method + .lifetime_raised + .bad_identification + .timed_out + .overruns')" 0
tap_is "all were accepted" "$(of mix '.replies[] | "\(.code) \(.text)"')" "0 accepted"
tap_is "each of them" "$(of mix '.replies[0].number')" "$(of mix '.sent - .retransmitted')"
tap_is "of all kinds" "$(of mix '.operations | keys | join(" ")')" "attach check deregister handover leave renew"
tap_is "the home agent says so, too" "$(counter handovers)" "$(of mix .operations.handover.number)"
tap_is "all that were bound were found" "$(of mix .checked)" "$(of mix .bound)"
tap_check "some were" test "$(of mix .bound)" -gt 100
tap_check "revocations were answered" test "$(of mix .revocations)" -gt 300
tap_is "none in vain" "$(counter drop_revocation_invalid)" 0
tap_is "percentiles are in order" "$(of mix '.operations[] | [.p50_us, .p90_us, .p99_us, .p999_us, .max_us] |
	. == sort and .[0] > 0' | sort -u)" true
tap_is "nobody is left in the kernel" "$(in_kernel)" 0

tap_stage "kept"
run keep devices 50 rate 100 duration 5s keep
tap_is "exit status" $status 0
tap_is "the bindings stay" "$(in_kernel)" "$(of keep .bound)"

tap_stage "clocks that differ by an hour"
run skew devices 50 rate 50 duration 3s clock-error 1h
tap_is "exit status" $status 0
tap_check "code 133 sets them" test "$(of skew .resynchronised)" -gt 0
tap_is "and none was lost of it" "$(of skew '"\(.timed_out) \(.lost)"')" "0 0"

# behind NAME ARGUMENT...: and back when so much is accepted
behind()
{
	local before

	before=$(counter accepted)
	{ run "$@"; echo "$status" > "$dir/$1.status"; } &
	load=$!
	tap_wait 30 "300 acceptances" accepted $((before + 300))
}

tap_stage "kill -9 of a home agent"
behind kill devices 100 rate 200 duration 10s lifetime 600
stop_agent ha KILL
start
wait $load
tap_is "exit status" "$(cat "$dir/kill.status")" 0
tap_is "no acknowledged binding is lost" "$(of kill .lost)" 0
tap_is "nor a request" "$(of kill .timed_out)" 0
tap_check "what came meanwhile has waited, and that shows" test "$(of kill .operations.renew.max_us)" -gt 20000

tap_stage "a home agent that forgets"
behind forget devices 100 rate 200 duration 10s lifetime 600
stop_agent ha KILL
rm -rf "$dir/ha.state"
configure 10.0.64.0-10.0.95.255
start
wait $load
tap_is "exit status" "$(cat "$dir/forget.status")" 4
tap_check "lost bindings are counted" test "$(of forget .lost)" -gt 0
tap_check "and one is named" grep -Eq 'load[0-9]+@red.example had 10\.' <<< "$(of forget .lost_first)"

tap_stage "the catalogue"
malformed all
tap_is "exit status" $status 0
tap_is "each is answered as the RFCs want" "$(of all '.cases[] | select(.wrong) | "\(.name): \(.answer)"')" ""
tap_is "all were sent" "$(of all .sent)" "$(mip4load -j list | jq length)"
tap_is "the home agent lives, and has the binding" "$(of all '"\(.alive) \(.binding_kept)"')" "true true"

tap_stage "a home agent that trusts too many"
configure 10.0.64.0-10.0.95.255 "peer 192.0.2.66 { $(peer_by 192.0.2.10) }"
kill -HUP "${pid[ha]}"
tap_wait 10 "the reload" grep -q "configuration read again" "$dir/ha.log"
malformed trusts only stranger
tap_is "exit status" $status 4
tap_is "it is named" "$(of trusts '.cases[] | select(.wrong) | "\(.name): \(.answer)"')" "stranger: 0 accepted"

tap_stage "another key"
new_key key.192.0.2.10
malformed key
tap_is "malformed: exit status" $status 2
tap_check "it says why" grep -q "signed by another key" "$dir/load.log"
new_key key.192.0.2.1{1,2,3}
run key devices 10 rate 10 duration 2s tries 2
tap_is "run: exit status" $status 4
tap_check "replies aren't authentic" test "$(of key .unauthentic)" -gt 0
tap_is "nothing else counts" "$(of key '"\(.replies | length) \(.bound) \(.lost)"')" "0 0 0"
tap_check "a warning says what to compare" grep -q "do key, spi and algorithm fit" "$dir/load.log"
stop_agent ha TERM
tap_end
