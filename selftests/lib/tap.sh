# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# KTAP from a shell test. Source it first, then:
#
#	tap_plan 3			optional; without it tap_end prints the plan
#	tap_stage "moving to pma2"	what runs now: an aborted test names it
#	tap_check "DESC" CMD ARG...	ok if CMD succeeds
#	tap_is "DESC" GOT WANT		ok if equal, shows both if not
#	tap_ok "DESC"; tap_fail "DESC" [DIAGNOSTIC]
#	tap_skip "DESC" "REASON"	must be listed in selftests/skips
#	tap_skip_all "REASON"		the whole test; ends it
#	tap_wait SECONDS "WHAT" CMD ARG...	until CMD succeeds; on its deadline says what never came, returns 1
#	tap_end				last line of the test
#
# tap_cleanup, if the test defines it, runs on every way out.

set -uo pipefail

# from which nothing can be read
exec {tap__never}<> <(:)

tap__planned='' tap__count=0 tap__failed=0 tap__stage=start tap__done='' tap__err=''

tap__result()
{
	tap__count=$((tap__count + 1))
	printf '%s %d - %s\n' "$1" "$tap__count" "$2"
}

tap_diag()
{
	local text=$*

	printf '# %s\n' "${text//$'\n'/$'\n'# }"
}

tap_plan()
{
	tap__planned=$1
	printf 'KTAP version 1\n1..%d\n' "$1"
}

tap_stage()
{
	tap__stage=$*
	tap_diag "$*"
}

tap_ok()
{
	tap__result ok "$1"
}

tap_fail()
{
	tap__failed=$((tap__failed + 1))
	tap__result 'not ok' "$1"
	if [ $# -gt 1 ]; then
		shift
		tap_diag "$*"
	fi
}

tap_skip()
{
	tap__result ok "$1 # SKIP $2"
}

tap_skip_all()
{
	tap__done=1
	printf '1..0 # SKIP %s\n' "$1"
	exit 4
}

tap_check()
{
	local desc=$1 output status=0

	shift
	tap__stage=$desc
	output=$("$@" 2>&1) || status=$?
	if [ $status = 0 ]; then
		tap_ok "$desc"
	else
		tap_fail "$desc" "status $status of: $*"$'\n'"$output"
		return 1
	fi
}

tap_is()
{
	if [ "$2" = "$3" ]; then
		tap_ok "$1"
	else
		tap_fail "$1" " got: $2"$'\n'"want: $3"
		return 1
	fi
}

# The pause between two looks is no assumption about how long anything takes: only the deadline is. Neither clock nor
# pause is a command to start: a guest has better to do.
tap_wait()
{
	local seconds=$1 what=$2 end

	shift 2
	end=$((${EPOCHREALTIME/[!0-9]/} + seconds * 1000000))
	until "$@" > /dev/null 2>&1; do
		if [ "${EPOCHREALTIME/[!0-9]/}" -gt "$end" ]; then
			tap_diag "waited $seconds s in vain: $what"
			return 1
		fi
		read -rt 0.05 -u "$tap__never" || true
	done
}

# tap_grep ARGUMENTS: a grep -q for the end of a pipeline. That one leaves when it knows enough, and who then still
# writes dies by SIGPIPE, which pipefail takes for a failure.
tap_grep()
{
	[ "$(grep -c "$@")" -gt 0 ]
}

tap_end()
{
	tap__done=1
	[ -n "$tap__planned" ] || printf '1..%d\n' "$tap__count"
	if [ -n "$tap__planned" ] && [ "$tap__planned" != "$tap__count" ]; then
		tap_diag "planned $tap__planned, ran $tap__count"
		exit 1
	fi
	[ "$tap__failed" = 0 ] || exit 1
	exit 0
}

tap__exit()
{
	local status=$?

	if declare -F tap_cleanup > /dev/null; then
		tap_cleanup
	fi
	[ -z "$tap__done" ] || exit "$status"
	tap_fail "aborted while: $tap__stage" "status $status${tap__err:+, last failed command: $tap__err}"
	[ -n "$tap__planned" ] || printf '1..%d\n' "$tap__count"
	exit 1
}

trap tap__exit EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
set -E
trap 'tap__err="${BASH_SOURCE[0]-}:$LINENO: $BASH_COMMAND"' ERR
