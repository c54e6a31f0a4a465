// Chromium that has Opus alone, and telephones (baresip) that have one codec each, another: each hears the other's tone.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { callBaresip, hangUp, startBaresip } from './lib/baresip.mjs';
import { openPhone } from './lib/browser.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = 1000;
const accounts = {
  pcmu: { codec: 'pcmu/8000/1', module: 'g711' },
  pcma: { codec: 'pcma/8000/1', module: 'g711' },
  g722: { codec: 'G722/16000/1', module: 'g722' },
  g726: { codec: 'G726-32/8000/1', module: 'g726' },
  gsm: { codec: 'GSM/8000/1', module: 'gsm' },
  l16: { codec: 'L16/16000/1', module: 'l16' },
  amr: { codec: 'AMR/8000/1', module: 'amr' },
};
let baresip;
const world = useWorld({ peer: async () => (baresip = await startBaresip({ tone: TONE, accounts })), address: '127.0.0.1' });
let phone;
beforeEach(() => baresip.forget());
afterEach(() => phone?.close());

for (const library of ['jssip', 'sipjs']) {
  for (const account of Object.keys(accounts)) {
    for (const isCaller of [false, true]) {
      test(isCaller ? `${account} calls ${library} that has Opus alone` : `${library} that has Opus alone calls ${account}`, async () => {
        phone = await openPhone(world.browser, world.gateway, library, 'carol', { codecs: ['opus'] });
        await callBaresip({ baresip, phone, gateway: world.gateway }, isCaller, account);
        const { messages } = await phone.page.evaluate(() => window.test);
        const own = messages.filter(({ out, text }) => out && /^m=audio/m.test(text)).map(({ text }) => text);
        assert.ok(own.length > 0 && own.every((text) => !/PCM[UA]|G722/.test(text)), own.join('\n'));
        await hangUp({ baresip, phone }, isCaller ? 'phone' : 'baresip');
      });
    }
  }
}
