// Kamailio with digest for REGISTER and users in memory. What kind of a PBX it is say the classes made of it, in parts().
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freeUdpPort } from './ports.mjs';
import { Process } from './process.mjs';
import { until } from './wait.mjs';

const KAMAILIO = process.env.KAMAILIO || '/usr/sbin/kamailio';
const MODULES = ['tm', 'sl', 'pv', 'maxfwd', 'usrloc', 'registrar', 'textops', 'siputils', 'auth', 'htable'];

const configuration = ({ port, domain, passwords }, { transports, modules = [], parameters = '', inDialog, beyond }) => `#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=2
auto_aliases=no
listen=udp:127.0.0.1:${port}
${transports}
alias="${domain}"
${[...MODULES, ...modules].map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 5)
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "one_time_nonce", 0)
modparam("htable", "htable", "users=>size=4;")
${parameters}

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
		${inDialog}
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
${beyond}
}
`;

// Of a route: who calls proves it by digest.
export const authenticated = (domain) => `	if (!pv_proxy_authenticate("${domain}", "$sht(users=>$au)", "0")) {
		proxy_challenge("${domain}", "1");
		exit;
	}`;

// Of a route: the call goes where its user is registered.
export const toRegistered = `	if (!lookup("location")) {
		sl_send_reply("404", "Not Registered");
		exit;
	}
	t_relay();
	exit;`;

// In the foreground, its processes are children of ours and end with the first of them. Gives its Process.
async function startKamailio(folder, file, port) {
  const kamailio = new Process(KAMAILIO, ['-f', file, '-DD', '-E', '-m', '32', '-M', '4', '-Y', folder, '-w', folder]);
  await until(() => `Kamailio is up\n${kamailio.output}`, () => {
    if (!kamailio.isRunning) throw new Error(`Kamailio ended with ${kamailio.code}:\n${kamailio.output}`);
    return answersOptions(port);
  });
  return kamailio;
}

export class Kamailio {
  // passwords: of its users, by name.
  constructor(domain, passwords) {
    Object.assign(this, { domain, passwords });
  }

  // `parts()` of the class gives, as text of Kamailio's: { transports beside UDP, modules, parameters, inDialog, beyond }: routes
  // for requests in a dialog, and for those that begin one.
  async open() {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-kamailio-'));
    this.port = await freeUdpPort();
    this.file = path.join(this.folder, 'kamailio.cfg');
    writeFileSync(this.file, configuration(this, await this.parts()));
    await this.start();
    return this;
  }

  async start() {
    this.process = await startKamailio(this.folder, this.file, this.port);
  }

  // It knows nobody any more.
  async restart() {
    await this.process.stop();
    await this.start();
  }

  async stop() {
    await this.process?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function answersOptions(port) {
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const own = socket.address().port;
  const answered = new Promise((resolve) => {
    socket.once('message', () => resolve(true));
    setTimeout(() => resolve(false), 300);
  });
  socket.send([
    `OPTIONS sip:127.0.0.1:${port} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK${Date.now()}`, 'Max-Forwards: 70',
    'From: <sip:test@127.0.0.1>;tag=t', `To: <sip:127.0.0.1:${port}>`, `Call-ID: ${Date.now()}`, 'CSeq: 1 OPTIONS', 'Content-Length: 0', '', '',
  ].join('\r\n'), port, '127.0.0.1');
  const result = await answered;
  socket.close();
  return result;
}
