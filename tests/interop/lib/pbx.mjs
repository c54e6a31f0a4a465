// Kamailio as a PBX: over UDP, TCP and TLS, digest for everything, calls between whoever is registered, and always on the way.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from './certificate.mjs';
import { startKamailio } from './kamailio.mjs';
import { freeTcpPort, freeUdpPort } from './ports.mjs';

const MODULES = ['tm', 'sl', 'pv', 'maxfwd', 'rr', 'usrloc', 'registrar', 'textops', 'siputils', 'auth', 'htable', 'tls'];

const configuration = ({ port, tlsPort, domain, passwords, certificate, key }) => `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=2
tcp_children=2
enable_tls=yes
auto_aliases=no
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
listen=tls:127.0.0.1:${tlsPort}
alias="${domain}"
${MODULES.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "${certificate}")
modparam("tls", "private_key", "${key}")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 5)
modparam("registrar", "gruu_enabled", 0)
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "one_time_nonce", 0)
modparam("htable", "htable", "users=>size=4;")

event_route[htable:mod-init] {
${Object.entries(passwords).map(([name, password]) => `	$sht(users=>${name}) = "${password}";`).join('\n')}
}

request_route {
	if (!mf_process_maxfwd_header("10")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (is_method("CANCEL")) {
		if (t_check_trans()) t_relay();
		exit;
	}
	if (has_totag()) {
		if (loose_route() || t_check_trans()) t_relay();
		else if (!is_method("ACK")) sl_send_reply("404", "Not On My Way");
		exit;
	}
	if (is_method("OPTIONS")) {
		sl_send_reply("200", "OK");
		exit;
	}
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("${domain}", "$sht(users=>$tU)", "0")) {
			www_challenge("${domain}", "1");
			exit;
		}
		if ($au != $tU) {
			sl_send_reply("403", "Not Your Address");
			exit;
		}
		if (!save("location")) sl_reply_error();
		exit;
	}
	if (!pv_proxy_authenticate("${domain}", "$sht(users=>$au)", "0")) {
		proxy_challenge("${domain}", "1");
		exit;
	}
	consume_credentials();
	record_route();
	$ru = "sip:" + $rU + "@${domain}";
	if (!lookup("location")) {
		sl_send_reply("404", "Nobody Is There");
		exit;
	}
	t_relay();
}
`;

export class Pbx {
  // passwords: of its users, by name.
  constructor(domain, passwords) {
    Object.assign(this, { domain, passwords });
  }

  async open() {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-pbx-'));
    this.port = await freeUdpPort();
    this.tlsPort = await freeTcpPort();
    Object.assign(this, makeCertificate(this.folder, 'pbx'));
    const file = path.join(this.folder, 'kamailio.cfg');
    writeFileSync(file, configuration(this));
    this.process = await startKamailio(this.folder, file, this.port);
    return this;
  }

  async stop() {
    await this.process?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
