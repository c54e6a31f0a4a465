// Kamailio as a PBX: over UDP, TCP and TLS, digest for everything, calls between whoever is registered, and always on the way.
import { makeCertificate } from './certificate.mjs';
import { authenticated, Kamailio, toRegistered } from './kamailio.mjs';
import { freeTcpPort } from './ports.mjs';

export class Pbx extends Kamailio {
  async parts() {
    this.tlsPort = await freeTcpPort();
    Object.assign(this, makeCertificate(this.folder, 'pbx'));
    return {
      transports: `tcp_children=2\nenable_tls=yes\nlisten=tcp:127.0.0.1:${this.port}\nlisten=tls:127.0.0.1:${this.tlsPort}`,
      modules: ['rr', 'tls'],
      parameters: `modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "${this.certificate}")
modparam("tls", "private_key", "${this.key}")
modparam("registrar", "gruu_enabled", 0)`,
      inDialog: `if (loose_route() || t_check_trans()) t_relay();
		else if (!is_method("ACK")) sl_send_reply("404", "Not On My Way");`,
      beyond: `${authenticated(this.domain)}
	consume_credentials();
	record_route();
	$ru = "sip:" + $rU + "@${this.domain}";
${toRegistered}`,
    };
  }
}
