// Chromium that has Opus alone, so that sound is converted, and a trunk with G.711: digits, whatever way they are pressed, come as RFC 4733 events.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { Trunk } from './lib/trunk.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = 1000;
const DIGITS = '147*0#';
const trunk = new Trunk({ tone: TONE });
const world = useWorld({ peer: async () => ({ port: (await trunk.open()).port, stop: () => trunk.close() }) });
let phone;
beforeEach(() => {
  trunk.log.length = 0;
  trunk.clear();
});
afterEach(() => phone?.close());

const ways = {
  'events of its own clock': { codecs: ['opus', 'telephone-event'], press: 'dtmf' },
  INFO: { codecs: ['opus'], press: 'dtmfByInfo' },
};

for (const library of ['jssip', 'sipjs']) {
  for (const [way, { codecs, press }] of Object.entries(ways)) {
    test(`${library} presses digits by ${way}`, async () => {
      phone = await openPhone(world.browser, world.gateway, library, 'alice', { codecs });
      await phone.call('4930123');
      await phone.reach('confirmed');
      await trunk.saw('ACK');
      await Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]);
      await phone.do(press, DIGITS);
      const end = Date.now() + 10000;
      while (trunk.digits() !== DIGITS && Date.now() < end) await phone.states();
      assert.equal(trunk.digits(), DIGITS);
      trunk.clear();
      await trunk.hears(MICROPHONE_HZ);
      await phone.do('hangUp');
      await trunk.saw('BYE');
    });
  }
}
