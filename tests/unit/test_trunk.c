#include "trunk/trunk.h"
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static const struct config_table *const tables[] = {&trunk_options, &trunk_dns_options, NULL};

static struct config_snapshot *load(const char *text)
{
	struct config_snapshot *snapshot = NULL;
	struct config_errors *errors = NULL;
	if (config_load_text("/t", text, strlen(text), tables, &snapshot, &errors) < 0)
		fail_msg("%s", config_errors_line(errors, 0));
	return snapshot;
}

static struct loop *loop;

static struct trunks *make(const char *text)
{
	struct config_snapshot *snapshot = load(text);
	struct trunks *trunks = NULL;
	assert_int_equal(trunks_new(loop, snapshot, &trunks), 0);
	config_unref(snapshot);
	return trunks;
}

/* Where the next call goes; valid as long as the trunk has it. */
static const struct net_address *first_address(struct trunk *trunk)
{
	g_autoptr(GPtrArray) hops = trunk_hops(trunk);
	return trunk_hop_address(hops->pdata[0]);
}

/* The ports of the hops in the order of their use: "5061 5062". */
static char *order(struct trunk *trunk)
{
	g_autoptr(GPtrArray) hops = trunk_hops(trunk);
	GString *text = g_string_new(NULL);
	for (guint i = 0; i < hops->len; i++)
		g_string_append_printf(text, "%s%u", i ? " " : "", net_address_port(trunk_hop_address(hops->pdata[i])));
	return g_string_free(text, FALSE);
}

static void expect_order(struct trunk *trunk, const char *wanted)
{
	g_autofree char *text = order(trunk);
	assert_string_equal(text, wanted);
}

static int set_up(void **state)
{
	return loop_new("test", &loop);
}

static int tear_down(void **state)
{
	loop = loop_free(loop);
	return 0;
}

static void test_entry(void **state)
{
	struct trunks *trunks =
	    make("trunks : ( { name = \"pbx\"; peer = \"sip:10.0.0.2\"; },\n"
		 "{ name = \"carrier\"; peer = \"sip:[2001:db8::1]:5070;transport=tcp\"; username = \"u\"; password = "
		 "\"p\";\n"
		 "  realm = \"r\"; codecs = ( \"PCMA\", \"opus\" ); latch = true; inbound = \"alice\"; } );");
	assert_int_equal(trunks_count(trunks), 2);
	assert_null(trunks_at(trunks, 2));
	assert_null(trunk_find(trunks, "nobody"));
	struct trunk *pbx = trunk_find(trunks, "pbx"), *carrier = trunk_find(trunks, "carrier");
	assert_string_equal(trunk_identity(pbx), "trunk:pbx");
	assert_int_equal(trunk_transport(pbx), SIP_TRANSPORT_UDP);
	assert_null(trunk_codecs(pbx)[0]);
	assert_false(trunk_latch(pbx));
	assert_null(trunk_inbound(pbx));
	assert_int_equal(trunk_srtp(pbx), TRUNK_SRTP_OFF);
	assert_string_equal(trunk_host(pbx), "10.0.0.2");
	char text[NET_ADDRESS_TEXT_MAX];
	assert_string_equal(net_address_format(first_address(pbx), text), "10.0.0.2:5060");
	g_autofree char *uri = trunk_uri(pbx, "100 #");
	assert_string_equal(uri, "sip:100%20%23@10.0.0.2");
	g_autofree char *bare = trunk_uri(pbx, NULL);
	assert_string_equal(bare, "sip:10.0.0.2");

	assert_int_equal(trunk_transport(carrier), SIP_TRANSPORT_TCP);
	assert_string_equal(trunk_codecs(carrier)[1], "opus");
	assert_true(trunk_latch(carrier));
	assert_string_equal(trunk_inbound(carrier), "alice");
	assert_string_equal(trunk_host(carrier), "[2001:db8::1]:5070");
	g_autofree char *other = trunk_uri(carrier, "1");
	assert_string_equal(other, "sip:1@[2001:db8::1]:5070;transport=tcp");
	trunks_free(trunks);
}

static const struct sip_credentials *shown_at(const struct trunk *trunk, const struct trunk_account *account, const char *host)
{
	static const struct sip_flow_operations operations;
	struct sip_flow_parameters parameters = {.transport = SIP_TRANSPORT_UDP, .sent_by = "x"};
	assert_int_equal(net_address_parse(host, 1234, &parameters.remote), 0);
	struct sip_flow *flow = sip_flow_new(&parameters, &operations, NULL);
	const struct sip_digest_client *digest = trunk_digest(trunk, account, flow);
	sip_flow_unref(flow);
	return digest ? sip_digest_client_credentials(digest) : NULL;
}

static void test_credentials_are_for_the_peer_alone(void **state)
{
	struct trunks *trunks =
	    make("trunks : ( { name = \"pbx\"; peer = \"sip:10.0.0.2\"; },\n"
		 "{ name = \"carrier\"; peer = \"sip:10.0.0.3\"; username = \"u\"; password = \"p\"; realm = \"r\"; } );");
	const struct trunk *pbx = trunk_find(trunks, "pbx"), *carrier = trunk_find(trunks, "carrier");
	struct trunk_account *user = trunk_account_new("sip:a@d", "x", &(struct sip_credentials){"r", "alice", "q"});
	struct trunk_account *browsers = trunk_account_new("sip:a@d", "x", NULL);
	assert_null(shown_at(pbx, NULL, "10.0.0.2"));
	assert_string_equal(shown_at(carrier, NULL, "10.0.0.3")->realm, "r");
	assert_string_equal(shown_at(carrier, NULL, "10.0.0.3")->username, "u");
	assert_string_equal(shown_at(carrier, NULL, "10.0.0.3")->password, "p");
	assert_null(shown_at(carrier, NULL, "10.0.0.2"));
	assert_string_equal(shown_at(carrier, user, "10.0.0.3")->username, "alice");
	assert_null(shown_at(carrier, user, "10.0.0.2"));
	assert_null(shown_at(carrier, browsers, "10.0.0.3")); /* his browser's, never the trunk's */
	trunk_account_unref(user);
	trunk_account_unref(browsers);
	trunks_free(trunks);
}

static void count(void *user)
{
	++*(int *)user;
}

static void test_accounts_of_users(void **state)
{
	struct trunks *trunks = make("trunks : ( { name = \"pbx\"; peer = \"sip:10.0.0.2\"; } );");
	struct trunk_account *first = trunk_account_new("sip:a@d", "x", NULL), *second = trunk_account_new("sip:a@d", "y", NULL);
	int n_doubts = 0;
	assert_null(trunks_account(trunks, "alice", "pbx"));
	trunks_add_account(trunks, "alice", "pbx", first);
	assert_ptr_equal(trunks_account(trunks, "alice", "pbx"), first);
	assert_null(trunks_account(trunks, "alice", "carrier"));
	assert_null(trunks_account(trunks, "bob", "pbx"));
	trunks_add_account(trunks, "alice", "carrier", second); /* the last word counts */
	assert_null(trunks_account(trunks, "alice", "pbx"));
	assert_ptr_equal(trunks_account(trunks, "alice", "carrier"), second);
	trunk_account_on_doubt(second, count, &n_doubts);
	trunk_account_doubt(first);
	trunk_account_doubt(trunks_account(trunks, "alice", "carrier"));
	assert_int_equal(n_doubts, 1);
	trunk_account_on_doubt(second, NULL, NULL);
	trunk_account_doubt(second);
	assert_int_equal(n_doubts, 1);
	trunks_remove_account(trunks, "alice");
	assert_null(trunks_account(trunks, "alice", "carrier"));
	trunks_add_account(trunks, "bob", "pbx", first); /* left behind: the owner's reference alone remains */
	trunks_free(trunks);
	trunk_account_unref(first);
	trunk_account_unref(second);
}

static void test_source(void **state)
{
	struct trunks *trunks = make(
	    "trunks : ( { name = \"a\"; peer = \"sip:10.0.0.2\"; }, { name = \"b\"; peer = \"sip:10.0.0.2:5070\"; },\n"
	    "{ name = \"c\"; peer = \"sip:10.0.0.3\"; transport = \"tcp\"; }, { name = \"d\"; peer = \"sip:10.0.0.4\"; "
	    "},"
	    "{ name = \"e\"; peer = \"sip:10.0.0.4\"; transport = \"tcp\"; },"
	    "{ name = \"f\"; peer = \"sip:10.0.1.1\"; inbound_addresses = (\"10.0.0.0/29\", \"10.0.2.9\", \"2001:db8::/64\"); },"
	    "{ name = \"g\"; transport = \"tcp\"; inbound_addresses = (\"10.0.2.8/31\"); } );");
	static const struct {
		enum sip_transport transport;
		const char *source, *name;
	} rows[] = {
	    {SIP_TRANSPORT_UDP, "10.0.0.2:5060", "a"},
	    {SIP_TRANSPORT_UDP, "10.0.0.2:5070", "b"},
	    {SIP_TRANSPORT_UDP, "10.0.0.2:40000", "a"}, /* any port; the first */
	    {SIP_TRANSPORT_TCP, "10.0.0.2:40000", "a"}, /* a large request */
	    {SIP_TRANSPORT_UDP, "10.0.0.3:5060", "f"}, /* a trunk on TCP is not heard over UDP; another lists it */
	    {SIP_TRANSPORT_TCP, "10.0.0.3:40000", "c"},
	    {SIP_TRANSPORT_TCP, "10.0.0.4:40000", "e"}, /* the transport decides */
	    {SIP_TRANSPORT_UDP, "10.0.0.4:40000", "d"},
	    {SIP_TRANSPORT_UDP, "10.0.0.5:5060", "f"}, /* in its list */
	    {SIP_TRANSPORT_TCP, "10.0.0.5:40000", "f"},
	    {SIP_TRANSPORT_TLS, "10.0.0.5:40000", NULL},
	    {SIP_TRANSPORT_UDP, "10.0.0.8:5060", NULL},
	    {SIP_TRANSPORT_UDP, "[2001:db8::5]:5060", "f"},
	    {SIP_TRANSPORT_TCP, "10.0.2.9:5060", "f"}, /* the first of several */
	    {SIP_TRANSPORT_TCP, "10.0.2.8:5060", "g"},
	    {SIP_TRANSPORT_UDP, "10.0.2.8:5060", NULL},
	    {SIP_TRANSPORT_WSS, "10.0.0.2:5060", NULL},
	    {SIP_TRANSPORT_UDP, "[::a00:2]:5060", NULL},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct net_address source;
		assert_int_equal(net_address_parse_with_port(rows[i].source, &source), 0);
		struct trunk *trunk = trunk_of_source(trunks, rows[i].transport, &source);
		const char *name = trunk ? trunk_name(trunk) : NULL;
		if (g_strcmp0(name, rows[i].name) != 0)
			fail_msg("%s: %s", rows[i].source, name);
	}
	trunks_free(trunks);
}

static char *listen_on_a_free_port(struct sip_stack *stack)
{
	for (unsigned port = 20000 + g_random_int() % 20000;; port++) {
		char *text = g_strdup_printf("udp:127.0.0.1:%u", port);
		if (sip_stack_listen(stack, text) == 0)
			return text;
		g_free(text);
	}
}

static void refuse(void *user, struct sip_server_transaction *transaction)
{
}
static const struct sip_stack_handler handler = {.request = refuse};

static void test_flow(void **state)
{
	struct sip_stack *stack = NULL;
	assert_int_equal(sip_stack_new(loop, &handler, NULL, &stack), 0);
	struct trunks *trunks =
	    make("trunks : ( { name = \"a\"; peer = \"sip:127.0.0.1:5099\"; }, { name = \"b\"; peer = "
		 "\"sip:[::1]\"; } );");
	assert_null(trunk_flow(trunk_find(trunks, "a"), stack)); /* nothing listens */
	g_autofree char *listen = listen_on_a_free_port(stack);
	struct sip_flow *flow = trunk_flow(trunk_find(trunks, "a"), stack);
	assert_non_null(flow);
	assert_string_equal(sip_flow_identity(flow), "trunk:a");
	assert_int_equal(net_address_port(sip_flow_remote(flow)), 5099);
	assert_null(trunk_flow(trunk_find(trunks, "b"), stack)); /* no IPv6 socket */
	sip_flow_unref(flow);
	trunks_free(trunks);
	sip_stack_free(stack);
}

static void test_several_peers(void **state)
{
	struct trunks *trunks = make(
	    "trunks : ( { name = \"a\"; peers = ( \"sip:10.0.0.2:5061\", \"sip:10.0.0.3:5062;transport=tcp\", \"sip:10.0.0.4:5063\" );\n"
	    "  username = \"u\"; password = \"p\"; } );");
	struct trunk *trunk = trunk_find(trunks, "a");
	expect_order(trunk, "5061 5062 5063");
	expect_order(trunk, "5061 5062 5063");
	assert_string_equal(trunk_host(trunk), "10.0.0.2:5061");
	struct net_address source;
	assert_int_equal(net_address_parse("10.0.0.3", 40000, &source), 0);
	assert_ptr_equal(trunk_of_source(trunks, SIP_TRANSPORT_TCP, &source), trunk);
	assert_null(trunk_of_source(trunks, SIP_TRANSPORT_UDP, &source)); /* each by its own transport */
	assert_true(trunk_may_act(trunks, "trunk:a", SIP_TRANSPORT_TCP, &source));
	struct trunk_hop *second = trunk_hop_of_source(trunk, SIP_TRANSPORT_TCP, &source);
	assert_string_equal(trunk_hop_name(second), "10.0.0.3:5062");
	assert_int_equal(trunk_hop_transport(second), SIP_TRANSPORT_TCP);
	g_autofree char *uri = trunk_hop_uri(second, "7");
	assert_string_equal(uri, "sip:7@10.0.0.3:5062;transport=tcp");
	assert_ptr_equal(trunk_hop_of_host(trunk, "10.0.0.3", 5062), second);
	assert_null(trunk_hop_of_host(trunk, "10.0.0.3", 5069));
	assert_null(trunk_hop_of_host(trunk, "h", 5062));
	assert_true(trunk_has_host(trunk, "10.0.0.4"));
	assert_string_equal(shown_at(trunk, NULL, "10.0.0.4")->username, "u");
	assert_null(shown_at(trunk, NULL, "10.0.0.5"));
	trunks_free(trunks);
}

static void test_what_does_not_serve_is_passed_over(void **state)
{
	struct trunks *trunks = make("trunks : ( { name = \"a\"; peers = ( \"sip:10.0.0.2:5061\", \"sip:10.0.0.3:5062\" ); } );");
	struct trunk *trunk = trunk_find(trunks, "a");
	struct net_address source;
	assert_int_equal(net_address_parse("10.0.0.2", 5061, &source), 0);
	struct trunk_hop *first = trunk_hop_of_source(trunk, SIP_TRANSPORT_UDP, &source);
	trunk_hop_declined(first, "503"); /* without a time: only who has heard it goes on */
	expect_order(trunk, "5061 5062");
	trunk_hop_failed(first, "no response", 0);
	assert_false(trunk_hop_is_usable(first));
	expect_order(trunk, "5062");
	g_autofree char *uri = trunk_uri(trunk, "1");
	assert_string_equal(uri, "sip:1@10.0.0.3:5062");
	assert_true(trunk_has_address(trunk, &source)); /* its own calls are taken all the same */
	assert_int_equal(net_address_parse("10.0.0.3", 5062, &source), 0);
	trunk_hop_failed(trunk_hop_of_source(trunk, SIP_TRANSPORT_UDP, &source), "503", 3600);
	expect_order(trunk, "5061 5062"); /* rather than none */
	trunk_hop_answered(first);
	expect_order(trunk, "5061");
	trunks_free(trunks);
}

static void test_calls_are_shared(void **state)
{
	struct trunks *trunks = make("trunks : ( { name = \"a\"; peers = ( \"sip:10.0.0.2:5061\", \"sip:10.0.0.3:5062\",\n"
				     "  \"sip:10.0.0.4:5063\" ); balance = \"share\"; } );");
	struct trunk *trunk = trunk_find(trunks, "a");
	struct net_address source;
	expect_order(trunk, "5061 5062 5063");
	expect_order(trunk, "5062 5063 5061");
	expect_order(trunk, "5063 5061 5062");
	assert_int_equal(net_address_parse("10.0.0.3", 5062, &source), 0);
	trunk_hop_failed(trunk_hop_of_source(trunk, SIP_TRANSPORT_UDP, &source), "no response", 0);
	expect_order(trunk, "5061 5063");
	expect_order(trunk, "5063 5061");
	expect_order(trunk, "5061 5063");
	trunks_free(trunks);
}

static void test_shared_host(void **state)
{
	/* Two accounts at one peer: what came in as the first one's may be about the second one's call. */
	struct trunks *trunks =
	    make("trunks : ( { name = \"a\"; peer = \"sip:10.0.0.2\"; }, { name = \"b\"; peer = "
		 "\"sip:10.0.0.2:5070\"; }, { name = \"c\"; peer = \"sip:10.0.0.9;transport=tcp\"; } );");
	struct net_address source;
	assert_int_equal(net_address_parse("10.0.0.2", 40000, &source), 0);
	assert_true(trunk_may_act(trunks, "trunk:a", SIP_TRANSPORT_UDP, &source));
	assert_true(trunk_may_act(trunks, "trunk:b", SIP_TRANSPORT_UDP, &source));
	assert_true(trunk_may_act(trunks, "trunk:b", SIP_TRANSPORT_TCP, &source));
	assert_false(trunk_may_act(trunks, "trunk:c", SIP_TRANSPORT_TCP, &source));
	assert_false(trunk_may_act(trunks, "trunk:a", SIP_TRANSPORT_WS, &source));
	assert_false(trunk_may_act(trunks, "user:a", SIP_TRANSPORT_UDP, &source));
	assert_int_equal(net_address_parse("10.0.0.9", 5060, &source), 0);
	assert_false(trunk_may_act(trunks, "trunk:c", SIP_TRANSPORT_UDP, &source));
	trunks_free(trunks);
}

static void test_tls(void **state)
{
	struct trunks *trunks = make("trunks : ( { name = \"a\"; peer = \"sip:10.0.0.1\"; transport = \"tls\"; },\n"
				     "{ name = \"b\"; peer = \"sips:10.0.0.2:5071;transport=tcp\"; },\n"
				     "{ name = \"c\"; peer = \"sip:10.0.0.3;transport=TLS\"; client_certificate = true; } );");
	struct trunk *a = trunk_find(trunks, "a"), *b = trunk_find(trunks, "b"), *c = trunk_find(trunks, "c");
	g_autofree char *plain = trunk_uri(a, "1"), *secure = trunk_uri(b, "1");
	struct net_address source;
	assert_int_equal(trunk_transport(a), SIP_TRANSPORT_TLS);
	assert_int_equal(trunk_transport(b), SIP_TRANSPORT_TLS);
	assert_int_equal(trunk_transport(c), SIP_TRANSPORT_TLS);
	assert_string_equal(plain, "sip:1@10.0.0.1;transport=tls");
	assert_string_equal(secure, "sips:1@10.0.0.2:5071");
	assert_int_equal(net_address_port(first_address(a)), 5061);
	assert_int_equal(net_address_port(first_address(b)), 5071);
	assert_int_equal(net_address_parse("10.0.0.1", 40000, &source), 0);
	assert_ptr_equal(trunk_of_source(trunks, SIP_TRANSPORT_TLS, &source), a);
	assert_null(trunk_of_source(trunks, SIP_TRANSPORT_TCP, &source));
	assert_null(trunk_of_source(trunks, SIP_TRANSPORT_UDP, &source));
	assert_true(trunk_may_act(trunks, "trunk:a", SIP_TRANSPORT_TLS, &source));
	assert_false(trunk_may_act(trunks, "trunk:a", SIP_TRANSPORT_TCP, &source));
	assert_int_equal(net_address_parse("10.0.0.3", 40000, &source), 0);
	assert_null(trunk_of_source(trunks, SIP_TRANSPORT_TLS, &source)); /* its certificate says who it is */
	assert_false(trunk_may_act(trunks, "trunk:c", SIP_TRANSPORT_TLS, &source));
	trunks_free(trunks);
}

static void look(void *data)
{
	if (trunk_is_looked_up(data))
		loop_quit(loop);
	else
		loop_post(loop, look, data);
}

static void test_name(void **state)
{
	struct trunks *trunks = make("trunks : ( { name = \"pbx\"; peer = \"sip:localhost:5099\"; } );");
	struct trunk *trunk = trunk_find(trunks, "pbx");
	assert_false(trunk_is_found(trunk)); /* nobody waited for it */
	look(trunk);
	loop_run(loop);
	assert_true(trunk_is_found(trunk));
	assert_int_equal(net_address_port(first_address(trunk)), 5099);
	struct net_address source = *first_address(trunk);
	net_address_set_port(&source, 1234);
	assert_ptr_equal(trunk_of_source(trunks, SIP_TRANSPORT_UDP, &source), trunk);
	g_autofree char *uri = trunk_uri(trunk, "1");
	assert_string_equal(uri, "sip:1@localhost:5099");
	trunks_free(trunks);
}

static void test_name_that_is_none(void **state)
{
	struct trunks *trunks = make("trunks : ( { name = \"pbx\"; peer = \"sip:nothing.invalid\"; } );");
	struct trunk *trunk = trunk_find(trunks, "pbx");
	look(trunk);
	loop_run(loop);
	assert_false(trunk_is_found(trunk));
	trunks_free(trunks);
}

static void test_freed_while_looked_up(void **state)
{
	/* The thread is under way, has posted, or has not begun: none of it may touch what is gone. */
	for (int i = 0; i < 50; i++) {
		struct trunks *trunks = make("trunks : ( { name = \"pbx\"; peer = \"sip:localhost\"; } );");
		struct trunk *kept = trunk_ref(trunk_find(trunks, "pbx"));
		if (i % 3 == 0)
			g_thread_yield();
		trunks_free(trunks);
		assert_string_equal(trunk_name(kept), "pbx");
		trunk_unref(kept);
		if (i % 10 == 9) {
			loop = loop_free(loop);
			assert_int_equal(loop_new("test", &loop), 0);
		}
	}
}

static void test_reload(void **state)
{
	struct trunks *trunks =
	    make("trunks : ( { name = \"a\"; peer = \"sip:10.0.0.1\"; }, { name = \"b\"; peer = \"sip:10.0.0.2\"; },"
		 "{ name = \"c\"; peer = \"sip:10.0.0.3\"; } );");
	struct trunk *a = trunk_find(trunks, "a"), *b = trunk_ref(trunk_find(trunks, "b")),
		     *c = trunk_ref(trunk_find(trunks, "c"));
	struct config_snapshot *snapshot =
	    load("trunks : ( { name = \"d\"; peer = \"sip:10.0.0.4\"; }, { name = \"b\"; peer = \"sip:10.0.0.9\"; },"
		 "{ name = \"a\"; peer = \"sip:10.0.0.1\"; latch = false; } );");
	assert_int_equal(trunks_reload(trunks, snapshot), 0);
	config_unref(snapshot);
	assert_ptr_equal(trunk_find(trunks, "a"), a);
	assert_ptr_not_equal(trunk_find(trunks, "b"), b);
	assert_null(trunk_find(trunks, "c"));
	assert_non_null(trunk_find(trunks, "d"));
	assert_string_equal(trunk_host(b), "10.0.0.2"); /* a call that holds it still reads what it had */
	assert_string_equal(trunk_name(c), "c");
	struct net_address source;
	assert_int_equal(net_address_parse("10.0.0.3", 40000, &source), 0);
	assert_null(trunk_of_source(trunks, SIP_TRANSPORT_UDP, &source));	   /* no new call, */
	assert_true(trunk_may_act(trunks, "trunk:c", SIP_TRANSPORT_UDP, &source)); /* but the running one is ended */
	assert_false(trunk_may_act(trunks, "trunk:a", SIP_TRANSPORT_UDP, &source));
	c = trunk_unref(c);
	assert_false(trunk_may_act(trunks, "trunk:c", SIP_TRANSPORT_UDP, &source));
	trunks_free(trunks); /* before a call lets go */
	trunk_unref(b);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *entry, *said;
	} rows[] = {
	    {"peer = \"10.0.0.2\";", "/t:1: trunks[0].peer wants a URI such as"},
	    {"peer = \"sips:10.0.0.2;transport=udp\";", "says \"sips:\" and a transport that is not TLS"},
	    {"peer = \"sips:10.0.0.2\"; transport = \"tcp\";", "says another transport"},
	    {"peer = \"sip:10.0.0.2\"; ca_file = \"/x\";", "trunks[0].ca_file is of use with transport = \"tls\" only"},
	    {"peer = \"sips:10.0.0.2\"; ca_file = \"/nonexistent\";", "trunks[0].ca_file /nonexistent cannot be read"},
	    {"peer = \"tel:123\";", "wants a URI that begins with \"sip:\""},
	    {"peer = \"sip:bob@10.0.0.2\";", "names a user"},
	    {"peer = \"sip:10.0.0.256\";", "holds a host that is neither an address nor a name"},
	    {"peer = \"sip:0.0.0.0\";", "not one that stands for every address"},
	    {"peer = \"sip:pbx..example\";", "holds a host that is neither"},
	    {"peer = \"sip:-pbx.example\";", "holds a host that is neither"},
	    {"peer = \"sip:[::g]\";", "peer "},
	    {"peer = \"sip:10.0.0.2;transport=sctp\";", "asks for a transport that trunks do not have"},
	    {"peer = \"sip:10.0.0.2;transport=tcp\"; transport = \"udp\";", "says another transport"},
	    {"", "trunks[0].peer is missing"},
	    {"peer = \"sip:h\"; transport = \"ws\";", "trunks[0].transport wants \"udp\", \"tcp\" or \"tls\", not \"ws\""},
	    {"peer = \"sip:h\"; peers = ( \"sip:i\" );", "trunks[0].peers stands beside peer"},
	    {"peers = ( \"sip:h\", \"sips:i\" ); transport = \"udp\";", "trunks[0].peers says another transport"},
	    {"peers = ( \"sip:1.1.1.1\", \"sip:2\", \"sip:h\", \"sip:h\", \"sip:h\", \"sip:h\", \"sip:h\", \"sip:h\", \"sip:h\" );",
	     "trunks[0].peers holds more than 8"},
	    {"peer = \"sip:h\"; username = \"u\";", "trunks[0].username needs a password"},
	    {"peer = \"sip:h\"; password = \"hidden\";", "trunks[0].password needs a username"},
	    {"peer = \"sip:h\"; register = true;", "trunks[0].register needs username and password"},
	    {"inbound_username = \"u\";", "trunks[0].inbound_username needs an inbound_password"},
	    {"peer = \"sip:h\"; inbound_password = \"hidden\";", "trunks[0].inbound_password needs an inbound_username"},
	    {"inbound_username = \"u\"; inbound_password = \"hidden\"; username = \"u\"; password = \"hidden\"; register = true;",
	     "trunks[0].register needs a peer"},
	    {"peer = \"sip:h\"; codecs = ( \"PCMU/8000\" );", "trunks[0].codecs holds a name that is no encoding name"},
	    {"peer = \"sip:h\"; codecs = ( \"PCMU\", \"pcmu\" );", "trunks[0].codecs names pcmu twice"},
	    {"peer = \"sip:h\"; usrname = \"u\";", "trunks[0].usrname is not known; is \"username\" meant?"},
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct config_snapshot *snapshot = NULL;
		struct config_errors *errors = NULL;
		g_autofree char *text = g_strdup_printf("trunks : ( { name = \"a\"; %s } );", rows[i].entry);
		if (config_load_text("/t", text, strlen(text), tables, &snapshot, &errors) == 0)
			fail_msg("taken: %s", text);
		bool is_said = false;
		for (size_t j = 0; j < config_errors_count(errors); j++) {
			is_said |= strstr(config_errors_line(errors, j), rows[i].said) != NULL;
			assert_null(strstr(config_errors_line(errors, j), "hidden"));
		}
		if (!is_said)
			fail_msg("for %s: %s", text, config_errors_line(errors, 0));
		config_errors_free(errors);
	}
}

static void test_keys_in_clear_are_warned_of(void **state)
{
	static const char *const words[] = {"off", "optional", "required"};
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		struct config_snapshot *snapshot = NULL;
		struct config_errors *errors = NULL;
		g_autofree char *text =
		    g_strdup_printf("trunks : (\n{ name = \"a\"; peer = \"sip:10.0.0.2\";\nsrtp = \"%s\"; } );", words[i]);
		assert_int_equal(config_load_text("/t", text, strlen(text), tables, &snapshot, &errors), 0);
		const char *const *warnings = config_warnings(snapshot);
		if (i == 0) {
			assert_null(warnings[0]);
		} else {
			assert_true(g_str_has_prefix(warnings[0], "/t:3: trunks[0].srtp puts the keys into"));
			assert_null(warnings[1]);
		}
		config_unref(snapshot);
	}
}

static void test_trust(void **state)
{
	struct trunks *trunks = make("trunks : ( { name = \"pbx\"; peer = \"sip:10.0.0.2\"; },\n"
				     "{ name = \"six\"; peer = \"sip:[2001:db8::1]:5070\"; redirect = \"trunk\";\n"
				     "  refer = \"trunk\"; } );");
	struct trunk *pbx = trunk_find(trunks, "pbx"), *six = trunk_find(trunks, "six");
	assert_false(trunk_may_redirect(pbx) || trunk_may_refer_back(pbx));
	assert_true(trunk_may_redirect(six) && trunk_may_refer_back(six));
	assert_true(trunk_has_host(pbx, "10.0.0.2"));
	assert_true(trunk_has_host(six, "2001:DB8:0::1"));
	assert_false(trunk_has_host(pbx, "10.0.0.3"));
	assert_false(trunk_has_host(pbx, "10.0.0.2.example.com"));
	assert_false(trunk_has_host(pbx, "2001:db8::1"));
	assert_false(trunk_has_host(pbx, ""));
	trunks_free(trunks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys_in_clear_are_warned_of),
	    cmocka_unit_test_setup_teardown(test_entry, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_credentials_are_for_the_peer_alone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_accounts_of_users, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_trust, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_source, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_several_peers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_does_not_serve_is_passed_over, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_calls_are_shared, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_shared_host, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_flow, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_tls, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_name, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_name_that_is_none, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_freed_while_looked_up, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
	    cmocka_unit_test(test_mistakes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
