#!/bin/sh
# SPDX-License-Identifier: MIT
# fetch-kernel.sh [--update] NAME: the kernel that `vitrine run linux-NAME` boots;
# hv/guests/linux/fetch.sh says all of it.
exec sh "$(dirname "$0")/../hv/guests/linux/fetch.sh" "$@"
