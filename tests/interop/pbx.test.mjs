// The gateway as a line of a PBX (Kamailio with digest, always on the way) over UDP, TCP and TLS: browsers call telephones that are
// registered there, and are called by them.
import { after, afterEach, beforeEach, test } from 'node:test';
import { startBaresip } from './lib/baresip.mjs';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { makeCertificate } from './lib/certificate.mjs';
import { startLinphone } from './lib/linphone.mjs';
import { Pbx } from './lib/pbx.mjs';
import { freeTcpPort } from './lib/ports.mjs';
import { until } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

const DOMAIN = 'pbx.test';
const TRANSPORTS = ['udp', 'tcp', 'tls'];
const TELEPHONES = ['baresip', 'linphone'];
const PASSWORDS = Object.fromEntries([...TRANSPORTS.map((name) => `line-${name}`), ...TELEPHONES].map((name) => [name, `secret-of-${name}`]));
const pbx = new Pbx(DOMAIN, PASSWORDS);
const telephones = {};

function trunk(transport) {
  const user = `line-${transport}`;
  const peer = transport === 'tls' ? `sip:127.0.0.1:${pbx.tlsPort};transport=tls` : `sip:127.0.0.1:${pbx.port};transport=${transport}`;
  return `{ name = "${transport}"; preset = "kamailio"; peer = "${peer}"; domain = "${DOMAIN}"; register = true; retry_seconds = 1;
    username = "${user}"; password = "${PASSWORDS[user]}"; inbound = "carol"; ${transport === 'tls' ? `ca_file = "${pbx.certificate}";` : ''} }`;
}

const world = useWorld({
  address: '127.0.0.1',
  peer: async () => {
    await pbx.open();
    const registrar = { port: pbx.port, domain: DOMAIN };
    [telephones.baresip, telephones.linphone] = await Promise.all([
      startBaresip({ tone: 1000, registrar: { ...registrar, password: PASSWORDS.baresip } }),
      startLinphone({ tone: 1500, registrar, user: 'linphone', password: PASSWORDS.linphone }),
    ]);
    const own = makeCertificate(pbx.folder, 'gateway');
    return {
      gateway: {
        listen: `"tcp:127.0.0.1:${await freeTcpPort()}", "tls:127.0.0.1:${await freeTcpPort()}"`,
        sip: `certificate = "${own.certificate}"; key = "${own.key}";`,
        trunks: TRANSPORTS.map(trunk).join(', '),
        routes: TRANSPORTS.map((name) => `{ match = "^${name}-(.*)$"; replace = "\\\\1"; to = "${name}"; }`).join(', '),
      },
      stop: () => pbx.stop(),
    };
  },
});
after(() => Promise.all(Object.values(telephones).map((telephone) => telephone.stop())));

let phone;
let telephone;
beforeEach(async () => {
  await until(() => `every line is registered\n${world.gateway.daemon.output}`, async () => {
    const text = await world.gateway.metrics();
    return TRANSPORTS.every((name) => new RegExp(`^tandem_trunk_registered\\{.*trunk="${name}".*\\} 1$`, 'm').test(text));
  });
});
afterEach(() => phone?.close());

async function connect(library, name, transport, isCalled) {
  telephone = telephones[name];
  telephone.forget();
  phone = await openPhone(world.browser, world.gateway, library, 'carol');
  if (isCalled) {
    telephone.dial(`sip:line-${transport}@${DOMAIN}`);
    await phone.reach('incoming');
    await phone.do('answer');
  } else await phone.call(`${transport}-${name}`);
  await Promise.all([phone.reach('confirmed'), telephone.established()]);
  await Promise.all([phone.hears(telephone.tone), telephone.heard(MICROPHONE_HZ)]);
}

for (const transport of TRANSPORTS) {
  for (const name of TELEPHONES) {
    test(`jssip calls ${name} by the PBX over ${transport}, and hangs up`, async () => {
      await connect('jssip', name, transport, false);
      await phone.do('hangUp');
      await Promise.all([phone.reach('ended'), telephone.ended()]);
      await phone.byeAnswered('received');
    });
    test(`${name} calls sipjs by the PBX over ${transport}, and hangs up`, async () => {
      await connect('sipjs', name, transport, true);
      telephone.hangUp();
      await Promise.all([phone.reach('ended'), telephone.ended()]);
      await phone.byeAnswered('sent');
    });
  }
}
