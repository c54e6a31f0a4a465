/* The one place where sofia-sip's headers come in. Its macros of methods stand in the way of our names. */
#pragma once
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_protos.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su.h>
#pragma GCC diagnostic pop
#undef SIP_METHOD_UNKNOWN
#undef SIP_METHOD_INVITE
#undef SIP_METHOD_ACK
#undef SIP_METHOD_BYE
#undef SIP_METHOD_CANCEL
#undef SIP_METHOD_REGISTER
#undef SIP_METHOD_OPTIONS
#undef SIP_METHOD_PRACK
#undef SIP_METHOD_UPDATE
#undef SIP_METHOD_REFER
#undef SIP_METHOD_NOTIFY
#undef SIP_METHOD_SUBSCRIBE
#undef SIP_METHOD_MESSAGE
#undef SIP_METHOD_INFO
#undef SIP_METHOD_PUBLISH
