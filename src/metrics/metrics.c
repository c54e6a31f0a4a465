#include "metrics/metrics.h"
#include <math.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER; /* a lock that the thread sanitizer sees */
static struct metrics_item *registry; /* families side by side, in order of name */

static int item_compare(const struct metrics_item *a, const struct metrics_item *b)
{
	int order = strcmp(a->name, b->name);
	for (unsigned i = 1; i < G_N_ELEMENTS(a->label) && !order; i += 2)
		order = g_strcmp0(a->label[i], b->label[i]);
	return order;
}

void metrics_register(struct metrics_item *item)
{
	pthread_mutex_lock(&registry_lock);
	struct metrics_item **place = &registry;
	while (*place && item_compare(*place, item) <= 0)
		place = &(*place)->next;
	item->next = *place;
	*place = item;
	pthread_mutex_unlock(&registry_lock);
}

void metrics_unregister(struct metrics_item *item)
{
	pthread_mutex_lock(&registry_lock);
	for (struct metrics_item **place = &registry; *place; place = &(*place)->next) {
		if (*place != item)
			continue;
		*place = item->next;
		item->next = NULL;
		break;
	}
	pthread_mutex_unlock(&registry_lock);
}

void metrics_observe_us(struct metrics_item *duration, int64_t duration_us)
{
	unsigned bucket = 0;
	while (bucket < METRICS_BOUNDS_MAX && duration->bounds_us[bucket] && duration_us > duration->bounds_us[bucket])
		bucket++;
	__atomic_fetch_add(&duration->buckets[bucket], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&duration->value, duration_us, __ATOMIC_RELAXED);
}

static void print_escaped(GString *text, const char *value, bool quotes)
{
	for (; *value; value++) {
		if (*value == '\\')
			g_string_append(text, "\\\\");
		else if (*value == '\n')
			g_string_append(text, "\\n");
		else if (*value == '"' && quotes)
			g_string_append(text, "\\\"");
		else
			g_string_append_c(text, *value);
	}
}

/* `bound` is the text of a bucket's `le`, or NULL. */
static void print_labels(GString *text, const struct metrics_item *item, const char *bound)
{
	if (!item->label[0] && !bound)
		return;
	g_string_append_c(text, '{');
	for (unsigned i = 0; i + 1 < G_N_ELEMENTS(item->label) && item->label[i]; i += 2) {
		g_string_append_printf(text, "%s%s=\"", i ? "," : "", item->label[i]);
		print_escaped(text, item->label[i + 1] ? item->label[i + 1] : "", true);
		g_string_append_c(text, '"');
	}
	if (bound)
		g_string_append_printf(text, "%sle=\"%s\"", item->label[0] ? "," : "", bound);
	g_string_append_c(text, '}');
}

/* Never in the locale's spelling. */
static void print_number(GString *text, double number)
{
	char digits[G_ASCII_DTOSTR_BUF_SIZE];
	if (isnan(number))
		g_string_append(text, "NaN");
	else if (isinf(number))
		g_string_append(text, number > 0 ? "+Inf" : "-Inf");
	else
		g_string_append(text, g_ascii_formatd(digits, sizeof digits, "%.15g", number));
}

static void print_duration(GString *text, struct metrics_item *item)
{
	int64_t count = 0;
	for (unsigned i = 0; i <= METRICS_BOUNDS_MAX; i++) {
		bool last = i == METRICS_BOUNDS_MAX || !item->bounds_us[i];
		g_autoptr(GString) bound = g_string_new(NULL);
		print_number(bound, last ? INFINITY : (double)item->bounds_us[i] / 1e6);
		count += __atomic_load_n(&item->buckets[i], __ATOMIC_RELAXED);
		g_string_append_printf(text, "%s_bucket", item->name);
		print_labels(text, item, bound->str);
		g_string_append_printf(text, " %" G_GINT64_FORMAT "\n", count);
		if (last)
			break;
	}
	g_string_append_printf(text, "%s_sum", item->name);
	print_labels(text, item, NULL);
	g_string_append_c(text, ' ');
	print_number(text, (double)metrics_get(item) / 1e6);
	g_string_append_printf(text, "\n%s_count", item->name);
	print_labels(text, item, NULL);
	g_string_append_printf(text, " %" G_GINT64_FORMAT "\n", count);
}

static void print_item(GString *text, struct metrics_item *item)
{
	if (item->type == METRICS_TYPE_DURATION) {
		print_duration(text, item);
		return;
	}
	g_string_append(text, item->name);
	print_labels(text, item, NULL);
	g_string_append_c(text, ' ');
	if (item->read)
		print_number(text, item->read(item->data));
	else
		g_string_append_printf(text, "%" G_GINT64_FORMAT, metrics_get(item));
	g_string_append_c(text, '\n');
}

void metrics_print(GString *text)
{
	static const char *const types[] = {
		[METRICS_TYPE_COUNTER] = "counter",
		[METRICS_TYPE_GAUGE] = "gauge",
		[METRICS_TYPE_DURATION] = "histogram",
	};
	pthread_mutex_lock(&registry_lock);
	const char *family = "";
	for (struct metrics_item *item = registry; item; item = item->next) {
		if (strcmp(family, item->name)) {
			family = item->name;
			g_string_append_printf(text, "# HELP %s ", family);
			print_escaped(text, item->help, false);
			g_string_append_printf(text, "\n# TYPE %s %s\n", family, types[item->type]);
		}
		print_item(text, item);
	}
	pthread_mutex_unlock(&registry_lock);
}
