# SPDX-License-Identifier: MIT
hv_sources =
