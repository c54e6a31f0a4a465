#include "base/memory.h"
#include <malloc.h>

bool base_memory_look(struct base_memory *memory, size_t n_objects)
{
	memory->most = MAX(memory->most, n_objects);
	if (memory->most < BASE_MEMORY_OBJECTS_MIN || n_objects >= memory->most / 2)
		return false;
	memory->most = n_objects;
	malloc_trim(0);
	return true;
}
