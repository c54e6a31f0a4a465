// What a page is told beyond calls: waiting messages, who is on the telephone, text.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { openPhone } from './lib/browser.mjs';
import { DOMAIN } from './lib/daemon.mjs';
import { Trunk } from './lib/trunk.mjs';
import { until } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

const trunk = new Trunk();
const world = useWorld({ peer: async () => ({ port: (await trunk.open()).port, stop: () => trunk.close() }) });

let phone;
beforeEach(() => {
  trunk.log.length = 0;
  trunk.subscriptions.clear();
});
afterEach(() => phone?.close());

const WAITING = 'Messages-Waiting: yes\r\nMessage-Account: sip:alice@pbx.test\r\nVoice-Message: 2/8 (0/2)\r\n';
const NONE_WAITING = 'Messages-Waiting: no\r\nVoice-Message: 0/10 (0/2)\r\n';
const dialogInfo = (version, state) => `<?xml version="1.0"?>
<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" entity="sip:201@pbx.test">
<dialog id="d1"><state>${state}</state></dialog></dialog-info>
`;

async function notified(fits) {
  let bodies;
  await until(() => `the page is told; has ${JSON.stringify(bodies)}`, async () => {
    bodies = (await phone.states()).filter((s) => s.name === 'notify').map((s) => s.body);
    return bodies.some((body) => body && fits(body));
  });
}

async function subscribe(library, number, event, accept) {
  phone = await openPhone(world.browser, world.gateway, library, 'alice');
  await phone.page.evaluate((p) => window.test.subscribe(...p), [`sip:${number}@${DOMAIN}`, event, accept]);
  const request = await trunk.saw('SUBSCRIBE');
  assert.equal(request.get('event'), event);
  assert.doesNotMatch(request.text, /\.invalid/);
}

for (const library of ['jssip', 'sipjs']) {
  test(`${library} is told of waiting messages (MWI)`, async () => {
    await subscribe(library, '700', 'message-summary', 'application/simple-message-summary');
    trunk.notify('message-summary', 'application/simple-message-summary', WAITING);
    await trunk.saw('NOTIFY', 200);
    await phone.reach('subscribed');
    await notified((body) => body.includes('Voice-Message: 2/8'));
    trunk.notify('message-summary', 'application/simple-message-summary', NONE_WAITING);
    await notified((body) => body.includes('Messages-Waiting: no'));
  });

  test(`${library} is told who is on the telephone (BLF)`, async () => {
    await subscribe(library, '201', 'dialog', 'application/dialog-info+xml');
    for (const [version, name] of ['early', 'confirmed', 'terminated'].entries()) {
      trunk.notify('dialog', 'application/dialog-info+xml', dialogInfo(version, name));
      await notified((body) => body.includes(`<state>${name}</state>`));
    }
    await phone.page.evaluate(() => window.test.unsubscribe());
    await until('the trunk is told of the end', () => trunk.log.find((m) => !m.out && m.method === 'SUBSCRIBE' && m.get('expires') === '0'));
    trunk.notify('dialog', 'application/dialog-info+xml', dialogInfo(3, 'terminated'), 'terminated;reason=timeout');
    await phone.reach('unsubscribed');
  });
}

test('a page sends text to a page of the other library, and to the trunk', async () => {
  phone = await openPhone(world.browser, world.gateway, 'jssip', 'alice');
  const bob = await openPhone(world.browser, world.gateway, 'sipjs', 'bob');
  await phone.page.evaluate((p) => window.test.message(...p), [`sip:bob@${DOMAIN}`, 'are you there?']);
  assert.equal((await bob.reach('message')).text, 'are you there?');
  await phone.page.evaluate((p) => window.test.message(...p), [`sip:4930123@${DOMAIN}`, 'and you?']);
  assert.equal((await trunk.saw('MESSAGE')).body, 'and you?');
  await bob.close();
});
