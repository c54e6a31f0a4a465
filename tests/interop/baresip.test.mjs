// Chromium and baresip call each other; each hears the other's tone.
import { afterEach, beforeEach, test } from 'node:test';
import { callBaresip, hangUp, startBaresip } from './lib/baresip.mjs';
import { openPhone } from './lib/browser.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = 1000;
let baresip;
// baresip's media leaves from whatever address the kernel takes, and its SDP says 127.0.0.1: so the gateway is there too.
const world = useWorld({ peer: async () => (baresip = await startBaresip({ tone: TONE })), address: '127.0.0.1' });
let phone;
beforeEach(() => baresip.forget());
afterEach(() => phone?.close());

async function connect(library, isCaller) {
  phone = await openPhone(world.browser, world.gateway, library, 'carol');
  await callBaresip({ baresip, phone, gateway: world.gateway }, isCaller);
}

async function end(who, direction) {
  await hangUp({ baresip, phone }, who);
  await phone.byeAnswered(direction);
}

for (const library of ['jssip', 'sipjs']) {
  for (const isCaller of [false, true]) {
    const who = isCaller ? `baresip calls ${library}` : `${library} calls baresip`;
    test(`${who}, the browser hangs up`, async () => {
      await connect(library, isCaller);
      await end('phone', 'received');
    });
    test(`${who}, baresip hangs up`, async () => {
      await connect(library, isCaller);
      await end('baresip', 'sent');
    });
  }
}
