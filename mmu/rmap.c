/* SPDX-License-Identifier: MIT */
/*
 * Reverse maps. Only the first descriptor of a chain may be partly full: adding
 * puts a new one in front when it is full, removing moves its last entry into
 * the hole. So a count needs no walk, and tails never need repair.
 *
 *	head ---> [more|n|tails| 1..14 entries] -> [14 entries] -> [14 entries]
 */
#include "mmu/rmap.h"

#define MANY	1ull	/* the word is a descriptor */
#define LOCKED	2ull

#define DESC_ENTRIES	14

struct rmap_desc {
	struct rmap_desc *more;	/* the next; when free: the next free one of the page */
	u32 count;		/* entries in this one */
	u32 tail_count;		/* entries in all that follow */
	spte_t *sptep[DESC_ENTRIES];
};

/* A page of descriptors. Only pages with a free one are on the VM's list. */
struct rmap_page {
	struct rmap_page *next, **link;
	struct rmap_desc *free;
	hpa_t hpa;
	u32 used;
};

#define DESC_SIZE	128
#define PAGE_DESCS	(PAGE_SIZE / DESC_SIZE - 1)	/* the first place is the header's */

_Static_assert(sizeof(struct rmap_desc) == DESC_SIZE, "32 places in a page");
_Static_assert(sizeof(struct rmap_page) <= DESC_SIZE, "the header takes one place");

/* ---- descriptors ---------------------------------------------------------------- */

static struct rmap_page *page_of(struct rmap_desc *desc)
{
	return (struct rmap_page *)((uintptr_t)desc & PAGE_MASK);
}

static void page_list(struct mmu_vm *vm, struct rmap_page *page)
{
	page->next = vm->rmap_pages;
	page->link = &vm->rmap_pages;
	if (page->next)
		page->next->link = &page->next;
	vm->rmap_pages = page;
}

static void page_unlist(struct rmap_page *page)
{
	*page->link = page->next;
	if (page->next)
		page->next->link = page->link;
}

static struct rmap_page *page_make(struct mmu_vm *vm, struct page_reserve *reserve)
{
	hpa_t hpa = mmu_page_alloc(vm, reserve);
	struct rmap_page *page;
	struct rmap_desc *desc;

	if (hpa == HPA_INVALID)
		return NULL;
	page = mmu_va(vm->env, hpa);
	page->hpa = hpa;
	desc = (struct rmap_desc *)((char *)page + DESC_SIZE);
	for (unsigned i = 0; i < PAGE_DESCS; i++, desc++) {
		desc->more = page->free;
		page->free = desc;
	}
	page_list(vm, page);
	return page;
}

static struct rmap_desc *desc_make(struct mmu_vm *vm, struct page_reserve *reserve)
{
	struct rmap_page *page = vm->rmap_pages;
	struct rmap_desc *desc;

	if (!page)
		page = page_make(vm, reserve);
	if (!page)
		return NULL;
	desc = page->free;
	page->free = desc->more;
	page->used++;
	if (!page->free)
		page_unlist(page);
	desc->more = NULL;
	desc->count = desc->tail_count = 0;
	return desc;
}

static void desc_free(struct mmu_vm *vm, struct rmap_desc *desc)
{
	struct rmap_page *page = page_of(desc);

	if (!page->free)
		page_list(vm, page);
	desc->more = page->free;
	page->free = desc;
	if (--page->used == 0) {
		page_unlist(page);
		mmu_page_free(vm, page->hpa);
	}
}

/* ---- the head word ---------------------------------------------------------------- */

static u64 head_read(const struct rmap_head *head)
{
	return atomic_load_explicit(&((struct rmap_head *)head)->word, memory_order_acquire);
}

static struct rmap_desc *word_desc(u64 word)
{
	return word & MANY ? (struct rmap_desc *)(uintptr_t)(word & ~(MANY | LOCKED)) : NULL;
}

static spte_t *word_single(u64 word)
{
	return (spte_t *)(uintptr_t)(word & ~LOCKED);
}

static u64 desc_word(const struct rmap_desc *desc)
{
	return desc ? (u64)(uintptr_t)desc | MANY : 0;
}

/*
 * Takes the lock bit and returns the word without it. An empty head is not
 * locked: there is nothing to walk, and only the holder of vm->lock adds.
 */
static u64 head_lock(const struct mmu_vm *vm, struct rmap_head *head)
{
	u64 word = head_read(head);

	while (word) {
		if (!(word & LOCKED) &&
		    atomic_compare_exchange_weak_explicit(&head->word, &word, word | LOCKED,
							  memory_order_acquire,
							  memory_order_relaxed))
			return word;
		if (word & LOCKED)
			vm->env->relax(vm->env->ctx);
		word = head_read(head);
	}
	return 0;
}

static void head_unlock(struct rmap_head *head, u64 word)
{
	atomic_store_explicit(&head->word, word, memory_order_release);
}

u64 rmap_lock(const struct mmu_vm *vm, struct rmap_head *head)
{
	return head_lock(vm, head);
}

void rmap_unlock(struct rmap_head *head, u64 word)
{
	if (word)
		head_unlock(head, word);
}

/* ---- adding and removing ------------------------------------------------------------ */

/* A descriptor with room at the front of the chain; NULL without memory. */
static struct rmap_desc *front_with_room(struct mmu_vm *vm, u64 word,
					 struct page_reserve *reserve)
{
	struct rmap_desc *old = word_desc(word), *desc;

	if (old && old->count < DESC_ENTRIES)
		return old;
	desc = desc_make(vm, reserve);
	if (desc && old) {
		desc->more = old;
		desc->tail_count = old->count + old->tail_count;
	} else if (desc) {
		desc->sptep[desc->count++] = word_single(word);
	}
	return desc;
}

enum mmu_status rmap_add(struct mmu_vm *vm, struct rmap_head *head, spte_t *sptep,
			 struct page_reserve *reserve)
{
	u64 word = head_lock(vm, head);
	struct rmap_desc *desc;

	if (!word) {
		head_unlock(head, (u64)(uintptr_t)sptep);
		return MMU_OK;
	}
	desc = front_with_room(vm, word, reserve);
	if (desc) {
		desc->sptep[desc->count++] = sptep;
		word = desc_word(desc);
	}
	head_unlock(head, word);
	return desc ? MMU_OK : MMU_NOMEM;
}

static spte_t **desc_find(struct rmap_desc *desc, const spte_t *sptep)
{
	for (; desc; desc = desc->more)
		for (u32 i = 0; i < desc->count; i++)
			if (desc->sptep[i] == sptep)
				return &desc->sptep[i];
	return NULL;
}

void rmap_remove(struct mmu_vm *vm, struct rmap_head *head, spte_t *sptep)
{
	u64 word = head_lock(vm, head);
	struct rmap_desc *first = word_desc(word);
	spte_t **hole;

	if (!first) {
		mmu_check(vm, word && word_single(word) == sptep, "a removed rmap entry is there",
			  (uintptr_t)sptep, word);
		head_unlock(head, 0);
		return;
	}
	hole = desc_find(first, sptep);
	mmu_check(vm, hole, "a removed rmap entry is there", (uintptr_t)sptep, word);
	*hole = first->sptep[--first->count];
	if (!first->count) {
		word = desc_word(first->more);
		desc_free(vm, first);
	}
	head_unlock(head, word);
}

/* ---- looking ------------------------------------------------------------------------- */

unsigned rmap_count(const struct mmu_vm *vm, const struct rmap_head *head)
{
	u64 word = head_read(head);
	const struct rmap_desc *desc = word_desc(word);

	(void)vm;
	if (!desc)
		return word_single(word) ? 1 : 0;
	return desc->count + desc->tail_count;
}

spte_t *rmap_first(const struct mmu_vm *vm, const struct rmap_head *head, struct rmap_iter *iter)
{
	u64 word = head_read(head);
	const struct rmap_desc *desc = word_desc(word);

	(void)vm;
	iter->desc = desc;
	iter->i = 0;
	return desc ? desc->sptep[0] : word_single(word);
}

spte_t *rmap_next(const struct mmu_vm *vm, struct rmap_iter *iter)
{
	const struct rmap_desc *desc = iter->desc;

	(void)vm;
	if (!desc)
		return NULL;
	if (++iter->i < desc->count)
		return desc->sptep[iter->i];
	iter->desc = desc->more;
	iter->i = 0;
	return desc->more ? desc->more->sptep[0] : NULL;
}

bool rmap_is_locked(const struct rmap_head *head)
{
	return head_read(head) & LOCKED;
}

bool rmap_is_sound(const struct mmu_vm *vm, const struct rmap_head *head)
{
	const struct rmap_desc *desc = word_desc(head_read(head));
	u32 left;

	(void)vm;
	if (!desc)
		return true;
	if (desc->count < 1 || desc->count > DESC_ENTRIES)
		return false;
	left = desc->tail_count;
	for (desc = desc->more; desc; desc = desc->more) {
		if (desc->count != DESC_ENTRIES || left < DESC_ENTRIES)
			return false;
		left -= DESC_ENTRIES;
	}
	return left == 0;
}
