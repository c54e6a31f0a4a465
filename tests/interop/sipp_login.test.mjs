// SIPp as a telephone adapter that proves itself by a login, and as a provider that wants one. It echoes, so a tone that comes back went
// both ways.
import { afterEach, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { freeUdpPort } from './lib/ports.mjs';
import { startSipp } from './lib/sipp.mjs';
import { useWorld } from './lib/world.mjs';

const LOGIN = { username: 'adapter', password: 'another-secret' };
const ports = {};
const world = useWorld({
  peer: async () => {
    ports.adapter = await freeUdpPort();
    ports.provider = await freeUdpPort();
    return {
      gateway: {
        trunks: `{ name = "adapter"; preset = "spa"; inbound_username = "${LOGIN.username}"; inbound_password = "${LOGIN.password}"; inbound = "bob"; },
          { name = "provider"; preset = "provider"; peer = "sip:127.0.0.1:${ports.provider}"; username = "gateway"; password = "a-secret"; }`,
        routes: '{ to = "provider"; }',
      },
      stop() {},
    };
  },
});
let phone;
let sipp;
afterEach(async () => {
  await phone?.close();
  await sipp?.stop();
});

async function talk() {
  await phone.reach('confirmed');
  await phone.hears(MICROPHONE_HZ);
  await phone.do('hangUp');
  await phone.reach('ended');
  await sipp.finished();
  await phone.byeAnswered('received');
}

for (const library of ['jssip', 'sipjs']) {
  test(`an adapter with a login calls ${library}`, async () => {
    phone = await openPhone(world.browser, world.gateway, library, 'bob');
    sipp = await startSipp('uac_login', { host: '127.0.0.2', port: ports.adapter, user: 'bob', gatewayPort: world.gateway.sipPort, login: LOGIN });
    await phone.reach('incoming');
    await phone.do('answer');
    await talk();
  });
  test(`${library} calls by a provider that wants a login`, async () => {
    phone = await openPhone(world.browser, world.gateway, library, 'bob');
    sipp = await startSipp('uas_asks', { port: ports.provider });
    await phone.call('5551234');
    await talk();
  });
}
