// Kamailio as the PBX whose users the gateway's are: digest for their calls too, which all go to one telephone. It is on no way but the first.
import { DOMAIN } from './daemon.mjs';
import { authenticated, Kamailio, toRegistered } from './kamailio.mjs';

export class HomePbx extends Kamailio {
  // The calls of `telephone` (a Trunk, open by the time this one is) are trusted, and go to the users.
  constructor(passwords, telephone) {
    super(DOMAIN, passwords);
    this.telephone = telephone;
  }

  parts() {
    return {
      transports: 'disable_tcp=yes',
      inDialog: 't_relay();',
      beyond: `	if (!is_method("INVITE")) {
		sl_send_reply("405", "Method Not Allowed");
		exit;
	}
	if ($sp == ${this.telephone.port}) {
${toRegistered}
	}
${authenticated(this.domain)}
	if ($au != $fU) {
		sl_send_reply("403", "Not Your Address");
		exit;
	}
	consume_credentials();
	$du = "sip:127.0.0.1:${this.telephone.port}";
	t_relay();`,
    };
  }
}
