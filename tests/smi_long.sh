#!/bin/sh
# SPDX-License-Identifier: MIT
# smi.sh with every guest in both modes of the MMU.
STORMS=all exec sh "${top_srcdir:-.}/tests/smi.sh"
