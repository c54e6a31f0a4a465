// Chromium and SIPp call each other. SIPp echoes, so a tone that comes back went both ways.
import { afterEach, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { freeUdpPort } from './lib/ports.mjs';
import { startSipp } from './lib/sipp.mjs';
import { useWorld } from './lib/world.mjs';

const world = useWorld({ peer: async () => ({ port: await freeUdpPort(), stop() {} }) });
let phone;
let sipp;
afterEach(async () => {
  await phone?.close();
  await sipp?.stop();
});

async function open(library, scenario, isCaller) {
  phone = await openPhone(world.browser, world.gateway, library, 'bob');
  const target = isCaller ? { user: 'bob', gatewayPort: world.gateway.sipPort } : {};
  sipp = await startSipp(scenario, { port: world.peer.port, ...target });
}

// A SIPp that is not listening yet is called again by the INVITE's retransmission.
async function connect(isCaller) {
  if (isCaller) {
    await phone.reach('incoming');
    await phone.do('answer');
  } else await phone.call('5551234');
  await phone.reach('confirmed');
  await phone.hears(MICROPHONE_HZ);
}

async function end(hangsUp, direction) {
  if (hangsUp) await phone.do('hangUp');
  await phone.reach('ended');
  await sipp.finished();
  await phone.byeAnswered(direction);
}

for (const library of ['jssip', 'sipjs']) {
  for (const isCaller of [false, true]) {
    const who = isCaller ? `SIPp calls ${library}` : `${library} calls SIPp`;
    const scenario = isCaller ? 'uac' : 'uas';
    test(`${who}, the browser hangs up`, async () => {
      await open(library, scenario, isCaller);
      await connect(isCaller);
      await end(true, 'received');
    });
    test(`${who}, SIPp hangs up`, async () => {
      await open(library, `${scenario}_bye`, isCaller);
      await connect(isCaller);
      await end(false, 'sent');
    });
  }
}
