#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Plants the bug that TEST_BUG names and succeeds: what is wrong, the runner has to see.
case $TEST_BUG in
abort) sh -c 'kill -ABRT $$' ;;
*) insmod "$CATCH_KO" "what=$TEST_BUG" ;;
esac
echo ok 1 - planted
echo 1..1
