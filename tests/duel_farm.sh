# SPDX-License-Identifier: MIT
# The duel for long: duel_farm.sh [OPS [SEED]] runs that many operations (a hundred
# million) from that seed on (1), half of them on each back end, by all CPUs, and
# says how far it is. What fails is shortened and written down; then all stop.
set -u
: "${top_builddir:=build}"
duel=$(cd "$top_builddir" && pwd)/tests/duel.t
ops=${1:-100000000} first=${2:-1}
per_run=20000 runs=25	# a chunk is half a million operations
chunk=$((per_run * runs))
chunks=$(((ops + 2 * chunk - 1) / chunk / 2 * 2))
cpus=$(nproc 2>/dev/null || echo 1)
dir=$(mktemp -d "${TMPDIR:-/tmp}/farm.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'touch "$dir/stop"; wait; exit 99' HUP INT TERM
began=$(date +%s)

# Every CPU takes each so many-th chunk; the odd ones are the shadow MMU's.
worker()	# NUMBER
{
	i=$1
	while [ "$i" -lt "$chunks" ] && [ ! -e "$dir/stop" ]; do
		mmu=tdp
		[ $((i % 2)) = 0 ] || mmu=shadow
		if "$duel" --mmu=$mmu --seed=$((first + i / 2 * runs)) --ops=$per_run \
			--runs=$runs --every=1024 >"$dir/out.$1" 2>&1; then
			echo "$mmu" >>"$dir/done"
			n=$(wc -l <"$dir/done")
			echo "$((n * chunk)) of $((chunks * chunk)) operations," \
				"$(($(date +%s) - began)) s; $(sed 's/^# //' "$dir/out.$1")"
		else
			touch "$dir/stop"
			cat "$dir/out.$1"
			echo "$mmu" >>"$dir/failed"
		fi
		i=$((i + cpus))
	done
}

for n in $(seq 0 $((cpus - 1))); do
	worker "$n" &
done
wait
took=$(($(date +%s) - began))
[ ! -e "$dir/failed" ] || { echo "FAILED after $took s"; exit 1; }
echo "$((chunks * chunk)) operations without a difference, seeds from $first on, in $took s"
