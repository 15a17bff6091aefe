#!/bin/sh
# SPDX-License-Identifier: MIT
# Hundreds of random hostile guests, and every port; see hostile.sh. A farm by hand:
#
#   SEEDS=1-5000 sh tests/hostile_long.sh

SEEDS=${SEEDS:-1000-1200} SWEEPS=ports ONLY=random
export SEEDS SWEEPS ONLY
exec sh "${top_srcdir:-.}/tests/hostile.sh"
