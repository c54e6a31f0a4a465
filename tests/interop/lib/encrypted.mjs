// Chromium and baresip call each other over a trunk that takes nothing but SRTP; each hears the other's tone.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { callBaresip, hangUp, startBaresip } from './baresip.mjs';
import { openPhone } from './browser.mjs';
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
      await callBaresip({ baresip, phone, gateway: world.gateway }, isCaller);
      await hangUp({ baresip, phone }, isCaller ? 'baresip' : 'phone');
      assert.deepEqual(await failures(), []);
    });
  }
}
