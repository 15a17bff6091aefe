# SPDX-License-Identifier: MIT
# Mutants: each breaks one thing in the library, as a person might; the duel must
# notice every one. A mutant whose line is not there any more is a failure, too:
# look for the line's new form, or strike the mutant out.
set -u
: "${top_srcdir:=.}" "${top_builddir:=build}" "${CC:=cc}"
dir=$(mktemp -d "${TMPDIR:-/tmp}/mutants.XXXXXX") || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM

# BACKEND | FILE | SED EXPRESSION | WHAT IT BREAKS
# BACKEND is shadow or tdp for the duel, or a scenario of tests/sim.
cat >"$dir/list" <<'END'
shadow|shadow_page|s/^\tif (was_writable) {$/\tif (!was_writable) {/|no flush after write-protecting a table
shadow|shadow_zap|s/^\t*was_writable |= spte & SPTE_MMU_W;//|the flush after write-protecting forgotten deeper down
shadow|shadow_zap|s/spte & ~(SPTE_W . SPTE_MMU_W));/spte);/|a table is not write-protected
shadow|role|s/role.quadrant = role.level == LEVEL_4K ? index & 1 : index;/(void)index;/|the quadrant is not in the role
shadow|role|s/LEVEL_4K ? index & 1 : index;/LEVEL_4K ? 0 : index;/|both halves of a 2-level guest's page table are one
shadow|shadow_zap|s/per_page != sp->role.quadrant/per_page != 0/|a guest's write finds quadrant 0 only
shadow|shadow_zap|s/LEVEL_4K ? 1 : 2;/LEVEL_4K ? 1 : 1;/|a 2-level directory entry is taken for one 2 MiB entry
shadow|shadow_leaf|s/^\trmap_remove(op->vm, slot_rmap.*//|a dropped leaf stays in its rmap
shadow|spte|s/if (leaf->access & ACC_USER)/if (1)/|U of the guest is ignored
shadow|spte|s/leaf->mmu_writable && leaf->access & ACC_WRITE)/leaf->mmu_writable)/|W of the guest is ignored
shadow|spte|s/if (!(leaf->access & ACC_EXEC))/if (0)/|NX of the guest is ignored
shadow|shadow_fetch|s/if (!walk->leaf_dirty)/if (0)/|W is given before the guest's D is set
shadow|role|s/role.access = access;/role.access = ACC_ALL;/|the rights above are not in the role
shadow|shadow_mmu|s/^\tflush_vcpu(vcpu, FLUSH_guest);//|INVLPG is ignored
shadow|shadow_root|s/^\tflush_vcpu(vcpu, FLUSH_guest);//|a load of CR3 does not flush
shadow|shadow_zap|s/^\tif (zapped)$/\tif (0)/|no flush after a range was zapped
shadow|shadow_zap|s/^\tif (any)$/\tif (0)/|no flush after the guest wrote to a table
shadow|shadow_zap|s/gpte <= (end - 1) . size/gpte <= start \/ size/|of a write to several entries the last is missed
shadow|shadow_leaf|s/if (spte_needs_flush(old_spte, spte, level))/if (0)/|no flush when a leaf loses rights
rights-of-large-pages|shadow_fetch|s/child->gfn == gfn && child->role.word == role.word/child->gfn == gfn/|a linked page is reused whatever its role
shadow|shadow_root|s/^\t\treread_pdptes(.*//|PDPTEs are not read anew
shadow|gwalk_perm|s/return role->ext.cr4_smep;/return false;/|SMEP is ignored
shadow|guest_pte|s/return reserved | reserved_of_level(role, level, leaf);/return 0;/|reserved bits are ignored
shadow|guest_pte|s/^\tif (role.direct)$/\tif (1)/|how entries are read is not in a page's key
shadow|gwalk|s/regs->ac && regs->cpl < 3/regs->ac/|AC lifts SMAP for what user mode does as supervisor
shadow|flush|s/atomic_fetch_or(&vcpu->requests, request);/(void)request;/|requests are lost
tdp|tdp_mmu|s/^\t\tflush_need(op, FLUSH_zap, start, end - start);/\t\t;/|no flush after a range was zapped
tdp|tdp_fault|s/slot_is_writable(want->slot),/true,/|a read-only slot is mapped writable
tdp|memslot|s/if (!(shift & mask) && /if (/|a huge page whose host memory is not aligned
tdp|memslot|s/ && slot_contains(slot, gfn & ~mask) &&/ \&\&/|a huge page that begins before its slot
shadow|memslot|s/if (!(shift & mask) && /if (/|a huge page whose host memory is not aligned
tdp|tdp_mmu|s/spte_set(op, iter.sp, iter.index, iter.gfn, 0);/;/|zapped leaves stay
END

cflags=$(sed -n 's/^CFLAGS = //p' "$top_builddir/Makefile")
objects=
for o in duel duel_guest duel_host duel_model duel_regs duel_run duel_step naive; do
	objects="$objects $top_builddir/tests/$o.o"
done
archives="$top_builddir/hv/sim/libsim.a $top_builddir/tui/libtui.a $top_builddir/hv/libhv.a
	$top_builddir/mmu/libmmu.a"
jansson=$(pkg-config --libs jansson 2>/dev/null || echo -ljansson)

# Compiles the library's FILE from $dir and links the duel with it.
build()
{
	# shellcheck disable=SC2086
	$CC -std=gnu11 $cflags -w -I"$top_srcdir" -I"$top_builddir" -c "$dir/$1.c" -o "$dir/$1.o" &&
		$CC $cflags -o "$dir/duel" $objects "$dir/$1.o" $archives $jansson &&
		$CC $cflags -o "$dir/sim" "$top_builddir/hv/sim/main.o" "$dir/$1.o" $archives
}

duel()	# BACKEND SECONDS
{
	case $1 in
	shadow | tdp)
		timeout 120 "$dir/duel" --mmu="$1" --seconds="$2" --first >"$dir/out" 2>&1 ;;
	*)
		timeout 120 "$dir/sim" "$top_srcdir/tests/sim/$1.scn" >"$dir/out" 2>&1 ;;
	esac
}

echo "1..$(($(wc -l <"$dir/list") + 1))"
number=1
cp "$top_srcdir/mmu/spte.c" "$dir/spte.c"
if build spte && duel shadow 2 && duel tdp 2; then
	echo 'ok 1 - the library as it is passes'
else
	echo 'not ok 1 - the library as it is passes'
	sed 's/^/# /' "$dir/out"
fi
while IFS='|' read -r backend file rest; do
	what=${rest##*|} expression=${rest%|*}
	number=$((number + 1))
	verdict='not ok' why=
	sed "$expression" "$top_srcdir/mmu/$file.c" >"$dir/$file.c"
	if cmp -s "$top_srcdir/mmu/$file.c" "$dir/$file.c"; then
		why='its line is not there any more'
	elif ! build "$file" 2>"$dir/out"; then
		why="it does not compile: $(head -n 1 "$dir/out")"
	elif duel "$backend" 60; then	# only a survivor takes that long
		why='it survives'
	else
		verdict=ok why=$(sed -n 's/^# FAILED: //p; s/^vitrine-sim: //p' "$dir/out" | head -n 1)
	fi
	rm -f "$dir/$file.o"
	echo "$verdict $number - $what ($backend)"
	echo "# ${why:-it ends in a crash}"
done <"$dir/list"
