#include "net/fetch.h"
#include "loop/job.h"
#include <curl/curl.h>
#include <pthread.h>

struct net_fetch {
	struct loop_job *job;
	char *url, *ca_file;
	size_t bytes_max;
	uint32_t timeout_ms;
	void (*done)(void *user, const GString *text, const char *problem);
	void *user;
	GString *text;
	bool is_too_large;
	char problem[CURL_ERROR_SIZE]; /* "": none */
};

static size_t take(char *bytes, size_t size, size_t n, void *data)
{
	struct net_fetch *fetch = data;
	fetch->is_too_large = fetch->text->len + size * n > fetch->bytes_max;
	if (fetch->is_too_large)
		return 0;
	g_string_append_len(fetch->text, bytes, (gssize)(size * n));
	return size * n;
}

static void set_up(struct net_fetch *fetch, CURL *curl)
{
	curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)fetch->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->problem);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
	if (fetch->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, fetch->ca_file);
}

static void run(void *data)
{
	struct net_fetch *fetch = data;
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;
	if (curl) {
		set_up(fetch, curl);
		code = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_cleanup(curl);
	}
	if (fetch->is_too_large)
		g_snprintf(fetch->problem, sizeof fetch->problem, "it has more than %zu bytes", fetch->bytes_max);
	else if (code == CURLE_OK && status != 200)
		g_snprintf(fetch->problem, sizeof fetch->problem, "the server answered %ld", status);
	else if (code != CURLE_OK && !*fetch->problem)
		g_strlcpy(fetch->problem, curl_easy_strerror(code), sizeof fetch->problem);
	else if (code == CURLE_OK)
		*fetch->problem = '\0';
}

static void tell(void *data)
{
	struct net_fetch *fetch = data;
	bool is_there = !*fetch->problem;
	fetch->done(fetch->user, is_there ? fetch->text : NULL, is_there ? NULL : fetch->problem);
}

static void clear(void *data)
{
	struct net_fetch *fetch = data;
	g_free(fetch->url);
	g_free(fetch->ca_file);
	g_string_free(fetch->text, TRUE);
	g_free(fetch);
}

static void begin(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int net_fetch_start(struct loop *loop, const struct net_fetch_settings *settings,
		    void (*done)(void *user, const GString *text, const char *problem), void *user, struct net_fetch **ret_fetch)
{
	static const struct loop_job_handler handler = {.name = "fetch", .run = run, .done = tell, .clear = clear};
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, begin);
	struct net_fetch *fetch = g_new0(struct net_fetch, 1);
	fetch->url = g_strdup(settings->url);
	fetch->ca_file = g_strdup(settings->ca_file);
	fetch->bytes_max = settings->bytes_max;
	fetch->timeout_ms = settings->timeout_ms;
	fetch->text = g_string_new(NULL);
	fetch->done = done;
	fetch->user = user;
	int error = loop_job_start(loop, &handler, fetch, &fetch->job);
	if (error < 0)
		clear(fetch);
	else
		*ret_fetch = fetch;
	return error;
}

struct net_fetch *net_fetch_abandon(struct net_fetch *fetch)
{
	if (fetch)
		loop_job_abandon(fetch->job);
	return NULL;
}
