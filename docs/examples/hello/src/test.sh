#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu

expect() {
	[ "$2" = "$3" ] || {
		echo "FAILED: $1: got '$2', expected '$3'" >&2
		exit 1
	}
	echo "ok: $1"
}

expect "greets the world" "$(./greet.sh)" "Hello, world!"
expect "greets by name" "$(./greet.sh Ada)" "Hello, Ada!"
