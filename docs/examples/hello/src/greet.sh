#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: greet.sh [NAME]
set -eu
echo "Hello, ${1:-world}!"
