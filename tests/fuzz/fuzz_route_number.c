/* Numbers of any text: what is written in the one way stays as it is, and what is no number is not touched. */
#include "route/number.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct route_numbering numberings[] = {{0}, {"49", "00", "0"}, {"1", "011", "1"}};
	g_autofree char *text = g_strndup((const char *)data, size);
	for (size_t i = 0; i < G_N_ELEMENTS(numberings); i++) {
		char once[ROUTE_NUMBER_BYTES_MAX], twice[ROUTE_NUMBER_BYTES_MAX];
		if (!route_number_normalise(text, &numberings[i], once))
			continue;
		if (route_number_is(text) ? once[strspn(once, "+0123456789*#")] != '\0' : strcmp(once, text) != 0)
			abort();
		if (!route_number_normalise(once, &numberings[i], twice) || strcmp(once, twice) != 0)
			abort();
	}
	return 0;
}
