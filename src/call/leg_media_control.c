/* Key frames by INFO (RFC 5168), for far ends without RTCP feedback. Between each far end and us, like all feedback:
 * what is asked here becomes PLI, FIR or INFO at the other leg. */
#include "call/call_private.h"
#include <string.h>

#define LEG_MEDIA_CONTROL_TYPE "application/media_control+xml"
#define LEG_PICTURE_FAST_UPDATE                                                                                        \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"                                                               \
	"<media_control><vc_primitive><to_encoder><picture_fast_update/></to_encoder></vc_primitive></"                \
	"media_control>\r\n"

bool leg_on_media_control(struct leg *leg, struct sip_server_transaction *transaction)
{
	static const char wish[] = "picture_fast_update";
	size_t length;
	const struct sip_message *request = sip_server_transaction_request(transaction);
	const char *body = sip_message_body(request, &length);
	if (g_strcmp0(sip_message_content_type(request), LEG_MEDIA_CONTROL_TYPE))
		return false;
	leg_reply(leg, transaction, leg_is_over(leg) ? 481 : 200, NULL, NULL);
	if (leg->media && !leg_is_over(leg) && body && memmem(body, length, wish, sizeof wish - 1))
		media_leg_want_key_frame(leg->media);
	return true;
}

static void leg_media_control_done(void *user, struct leg *leg, unsigned status, const struct sip_message *response)
{
	/* Who does not understand it is not asked again; who was only busy or away is. */
	bool is_refused =
	    status >= 400 && status < 600 && status != 408 && status != 481 && status != 500 && status != 503;
	leg->media_control = is_refused ? LEG_MEDIA_CONTROL_REFUSED : LEG_MEDIA_CONTROL_FREE;
	if (is_refused)
		log_debug(&leg->log, "the far end takes no requests for key frames: %u", status);
}

void leg_ask_key_frame(struct leg *leg)
{
	if (leg->kind != LEG_TRUNK || leg->state != LEG_CONFIRMED || leg->media_control != LEG_MEDIA_CONTROL_FREE)
		return;
	struct leg_request *info = leg_request_new(leg, SIP_METHOD_INFO);
	leg_request_set_body(info, LEG_MEDIA_CONTROL_TYPE, LEG_PICTURE_FAST_UPDATE);
	leg->media_control = LEG_MEDIA_CONTROL_ASKED;
	leg_request_start(info, leg_media_control_done, NULL);
}
