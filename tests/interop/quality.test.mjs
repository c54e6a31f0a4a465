// What the operator is told of a call agrees with what the browser itself has counted.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { until } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

const folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-admin-'));
const socket = path.join(folder, 'admin.sock');
after(() => rmSync(folder, { recursive: true }));
const world = useWorld({ more: async () => `admin : { socket = ${JSON.stringify(socket)}; };` });

async function ask(command) {
  let text = '';
  for await (const part of net.connect(socket).setEncoding('utf8').end(`${command}\n`)) text += part;
  return JSON.parse(text);
}

for (const library of ['jssip', 'sipjs']) {
  test(`${library}: the gateway's figures of a call are the browser's`, async () => {
    const phone = await openPhone(world.browser, world.gateway, library, 'alice');
    await phone.call('9196');
    await phone.reach('confirmed');
    await phone.hears(MICROPHONE_HZ);
    let browser, leg;
    await until(() => `reports have come from both sides: ${JSON.stringify({ browser, leg })}`, async () => {
      browser = await phone.page.evaluate(() => window.test.figures());
      [[leg]] = (await ask('calls')).calls.map(({ legs }) => legs);
      return browser.roundTrip !== undefined && leg.mos_far_end !== null;
    });
    assert.equal(leg.codec, 'opus');
    assert.ok(leg.received >= browser.sent && leg.received < browser.sent + 100, `${leg.received} received of ${browser.sent} sent`);
    assert.ok(leg.sent >= browser.received && leg.sent < browser.received + 100, `${leg.sent} sent, ${browser.received} received`);
    assert.deepEqual([leg.lost, browser.lost, browser.lostThere], [0, 0, 0]);
    assert.ok(leg.mos > 4 && leg.mos_far_end > 4, `MOS ${leg.mos} and ${leg.mos_far_end}`);
    assert.equal(leg.trouble, null);
    await phone.do('hangUp');
    await phone.reach('ended');
    await phone.close();
  });
}
