#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# fuzz.sh for hours, if TEST_REQUESTS says so; see there.
# timeout: 14400

TEST_REQUESTS=${TEST_REQUESTS:-100000} exec "$(dirname "$0")/fuzz.sh"
