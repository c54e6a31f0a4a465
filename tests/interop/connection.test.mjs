// A page's connection breaks in a call, or the page is gone.
import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { startRelay } from './lib/relay.mjs';
import { Trunk } from './lib/trunk.mjs';
import { delay } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = 1000;
const BYE_WITHIN_MS = 10000;
const trunk = new Trunk({ tone: TONE });
const world = useWorld({ peer: async () => ({ port: (await trunk.open()).port, stop: () => trunk.close() }) });
let relay;
let through; // the gateway, through the relay
let phone;

after(() => relay?.stop());
beforeEach(() => {
  relay?.mend();
  trunk.log.length = 0;
  trunk.clear();
});
afterEach(() => phone?.close());

async function open(library) {
  if (!relay) {
    relay = await startRelay(Number(new URL(world.gateway.url).port));
    through = { ...world.gateway, url: `http://127.0.0.1:${relay.port}`, websocket: `ws://127.0.0.1:${relay.port}/ws` };
  }
  phone = await openPhone(world.browser, through, library, 'alice');
}

async function call(library) {
  await open(library);
  await phone.call('4930123');
  await phone.reach('confirmed');
  await Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]);
}

for (const library of ['jssip', 'sipjs']) {
  test(`${library}: the connection breaks in a call and is made again: audio goes on, BYE of the trunk reaches the page`, async () => {
    await call(library);
    relay.cut();
    await phone.reach('disconnected');
    trunk.clear();
    await Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]); // without any connection
    relay.mend();
    await phone.reach('registered');
    trunk.clear();
    await Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]);
    trunk.bye();
    await trunk.saw('BYE', 200);
    await phone.reach('ended');
    await phone.byeAnswered('sent');
  });

  test(`${library}: after its return the page can hang up`, async () => {
    await call(library);
    relay.cut();
    await phone.reach('disconnected');
    relay.mend();
    await phone.reach('registered');
    await phone.do('hangUp');
    await trunk.saw('BYE');
    await phone.reach('ended');
    await phone.byeAnswered('received');
  });

  test(`${library}: the trunk hangs up while the page is away: the page hears of it when it is back`, async () => {
    await call(library);
    relay.cut();
    await phone.reach('disconnected');
    trunk.bye();
    await trunk.saw('BYE', 200);
    relay.mend();
    await phone.reach('ended');
    await phone.byeAnswered('sent');
  });

  test(`${library}: the connection breaks while the page rings and is made again: it answers, with audio both ways`, async () => {
    await open(library);
    trunk.invite('alice', world.gateway.sipPort);
    await phone.reach('incoming');
    relay.cut();
    await phone.reach('disconnected');
    relay.mend();
    if (library === 'jssip') await phone.reach('incoming'); // it has forgotten the call: what comes again is a new one to it
    await phone.reach('registered');
    await phone.do('answer');
    await phone.reach('confirmed');
    await trunk.saw('INVITE', 200);
    await Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]);
    await phone.do('hangUp');
    await trunk.saw('BYE');
  });
}

for (const [how, end] of [['is closed', (page) => page.close()], ['crashes', crash]]) {
  test(`the tab ${how} in a call: the trunk gets its BYE`, async (context) => {
    await call('jssip');
    const started = Date.now();
    await end(phone.page);
    await trunk.saw('BYE');
    const took = Date.now() - started;
    context.diagnostic(`BYE after ${(took / 1000).toFixed(1)} s`);
    assert.ok(took < BYE_WITHIN_MS, `${took} ms`);
  });
}

async function crash(page) {
  const session = await page.context().newCDPSession(page);
  await Promise.race([session.send('Page.crash').catch(() => {}), delay(1000)]);
}
