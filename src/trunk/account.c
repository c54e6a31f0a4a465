#include "trunk/account.h"
#include "sip/uri.h"
#include "sip/value.h"
#include <string.h>

struct trunk_account {
	unsigned references;
	char *address_of_record;
	char *contact_user;
	struct sip_digest_client *digest; /* NULL: none */
	char *route[SIP_ROUTE_SET_MAX + 1]; /* the Service-Route, NULL-terminated */
	void (*doubted)(void *user);
	void *doubted_user;
};

struct trunk_account *trunk_account_new(const char *address_of_record, const char *contact_user,
					const struct sip_credentials *credentials)
{
	struct trunk_account *account = g_new0(struct trunk_account, 1);
	account->references = 1;
	account->address_of_record = g_strdup(address_of_record);
	account->contact_user = g_strdup(contact_user);
	account->digest = credentials ? sip_digest_client_new(credentials) : NULL;
	return account;
}

struct trunk_account *trunk_account_ref(struct trunk_account *account)
{
	account->references++;
	return account;
}

static void clear_route(struct trunk_account *account)
{
	for (size_t i = 0; account->route[i]; i++)
		BASE_CLEAR(&account->route[i], g_free);
}

struct trunk_account *trunk_account_unref(struct trunk_account *account)
{
	if (!account || --account->references)
		return NULL;
	clear_route(account);
	sip_digest_client_free(account->digest);
	g_free(account->contact_user);
	g_free(account->address_of_record);
	g_free(account);
	return NULL;
}

const char *trunk_account_address_of_record(const struct trunk_account *account)
{
	return account->address_of_record;
}

const char *trunk_account_contact_user(const struct trunk_account *account)
{
	return account->contact_user;
}

struct sip_digest_client *trunk_account_digest(const struct trunk_account *account)
{
	return account->digest;
}

void trunk_account_on_doubt(struct trunk_account *account, void (*doubted)(void *user), void *user)
{
	account->doubted = doubted;
	account->doubted_user = user;
}

void trunk_account_doubt(const struct trunk_account *account)
{
	if (account->doubted)
		account->doubted(account->doubted_user);
}

void trunk_account_learn(struct trunk_account *account, const struct sip_message *response)
{
	clear_route(account);
	const char *route;
	for (size_t i = 0; i < SIP_ROUTE_SET_MAX && (route = sip_message_header(response, "Service-Route", i)); i++)
		account->route[i] = g_strdup(route);
}

const char *const *trunk_account_route(const struct trunk_account *account)
{
	return (const char *const *)account->route;
}

uint32_t trunk_account_granted_s(const struct trunk_account *account, const struct sip_message *response, uint32_t asked_s)
{
	uint32_t seconds = asked_s;
	for (size_t i = 0; i < sip_message_contact_count(response); i++) {
		struct sip_uri uri;
		const char *text = sip_message_contact_uri(response, i);
		if (text && !sip_uri_parse(text, &uri) && !strcmp(uri.user, account->contact_user) &&
		    sip_value_seconds(sip_message_contact_parameter(response, i, "expires"), &seconds))
			return seconds;
	}
	sip_message_expires(response, &seconds);
	return seconds;
}
