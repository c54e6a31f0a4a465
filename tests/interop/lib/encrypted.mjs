// Chromium and baresip call each other over a trunk that takes nothing but SRTP; each hears the other's tone.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { startBaresip } from './baresip.mjs';
import { MICROPHONE_HZ, openPhone } from './browser.mjs';
import { useWorld } from './world.mjs';

const TONE = 1000;

// `encryption` in baresip's words, `srtp` in the trunk's.
export function testEncrypted({ encryption, srtp }) {
  let baresip;
  const world = useWorld({
    peer: async () => (baresip = await startBaresip({ tone: TONE, encryption })),
    address: '127.0.0.1',
    trunk: `srtp = "${srtp}";`,
  });
  let phone;
  beforeEach(() => baresip.forget());
  afterEach(() => phone?.close());

  const failures = async () => (await world.gateway.metrics()).split('\n')
    .filter((line) => line.startsWith('tandem_media_failures_total') && !line.endsWith(' 0'));

  for (const isCaller of [false, true]) {
    test(isCaller ? 'baresip calls' : 'a page calls baresip', async () => {
      phone = await openPhone(world.browser, world.gateway, 'jssip', 'carol');
      if (isCaller) {
        baresip.dial(`sip:carol@127.0.0.1:${world.gateway.sipPort}`);
        await phone.reach('incoming');
        await phone.do('answer');
      } else await phone.call('baresip');
      await Promise.all([phone.reach('confirmed'), baresip.reach('CALL_ESTABLISHED')]);
      await Promise.all([phone.hears(TONE), baresip.heard(MICROPHONE_HZ)]);
      if (isCaller) baresip.hangUp();
      else await phone.do('hangUp');
      await Promise.all([phone.reach('ended'), baresip.reach('CALL_CLOSED')]);
      assert.deepEqual(await failures(), []);
    });
  }
}
