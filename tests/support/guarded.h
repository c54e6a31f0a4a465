/* Memory that ends where no page is: what reads or writes past its end dies, in a library without a sanitizer too. */
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded {
	uint8_t *end;
	size_t size, mapped;
};

static inline struct guarded guarded_new(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), mapped = (size + page - 1) / page * page + page;
	uint8_t *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || mprotect(memory + mapped - page, page, PROT_NONE) < 0)
		abort();
	return (struct guarded){memory + mapped - page, size, mapped};
}

static inline void guarded_free(struct guarded *guarded)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	munmap(guarded->end + page - guarded->mapped, guarded->mapped);
}

/* The last `length` bytes, `size` of them at most. */
static inline void *guarded_last(const struct guarded *guarded, size_t length)
{
	if (length > guarded->size)
		abort();
	return guarded->end - length;
}
