// The README's "A page of your own": its scripts for JsSIP and SIP.js as they are, with a trunk that refuses and hangs up.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { build } from 'esbuild';
import { DOMAIN, TOP, USERS } from './lib/daemon.mjs';
import { change, scripts } from './lib/readme.mjs';
import { Trunk } from './lib/trunk.mjs';
import { until } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

const trunk = new Trunk({ tone: 1000 });
const world = useWorld({
  more: () => 'browser_turn : { servers = ("turn:127.0.0.1:9"); secret = "shared with nobody"; };',
  peer: async () => {
    await trunk.open();
    return { port: trunk.port, stop: () => trunk.close() };
  },
});

let page;
afterEach(() => page?.close());
after(() => trunk.endCall());

// How each library registers anew, and where the connection of a call is.
const LIBRARIES = {
  jssip: { again: 'ua.register()', isRegistered: 'ua.isRegistered()', ofCall: 'session.connection', password: "password: '...'" },
  'sip.js': { again: 'registration.register()', isRegistered: "registration.state === 'Registered'", ofCall: 'session.sessionDescriptionHandler?.peerConnection', password: "authorizationPassword: '...'" },
};

async function open(library) {
  const { again, isRegistered, ofCall, password } = LIBRARIES[library];
  const script = change(scripts.find((candidate) => candidate.includes(`from '${library}'`)), [
    ['wss://gateway.example.com:8443/ws', world.gateway.websocket],
    ['@example.com', `@${DOMAIN}`],
    [password, password.replace('...', USERS.alice)],
  ]);
  const contents = `${script}
let session;
window.told = [];
window.page = {
  call: (number) => void (session = call(number, (what) => window.told.push(what))),
  again: () => void ${again},
  isRegistered: () => ${isRegistered},
  servers: () => ${ofCall}?.getConfiguration().iceServers,
};`;
  await build({ stdin: { contents, resolveDir: path.join(TOP, 'tests/interop') }, outfile: path.join(world.web.folder, 'test/page.js'), bundle: true, format: 'iife', logLevel: 'error' });
  writeFileSync(path.join(world.web.folder, 'test/page.html'), '<!doctype html><title>page</title><script src="page.js"></script>\n');
  page = await world.browser.context.newPage();
  await page.goto(`${world.gateway.url}/test/page.html`);
  await page.waitForFunction(() => window.page.isRegistered());
}

const called = (number) => page.evaluate((n) => window.page.call(n), number);
const told = async (count) => (await page.waitForFunction((n) => window.told.length >= n && window.told, count)).jsonValue();
// The user name of the call's TURN credentials, which begins with the second of their end.
const username = async () => (await (await page.waitForFunction(() => window.page.servers())).jsonValue())[0].username;

for (const library of Object.keys(LIBRARIES)) {
  test(`${library}: why a call is refused or ended, and TURN credentials that are renewed`, async () => {
    await open(library);
    trunk.answer = { status: 503, phrase: 'No Circuit', headers: ['Reason: Q.850;cause=34;text="no circuit available"'] };
    await called('4930123');
    const [refused] = await told(1);
    assert.deepEqual(refused, { code: 503, phrase: 'No Circuit', reason: 'Q.850;cause=34;text="no circuit available"' });
    trunk.answer = 'accept';
    trunk.log.length = 0;
    await called('4930123');
    await trunk.saw('ACK');
    const first = await username();
    assert.match(first, /^\d+:alice$/);
    trunk.bye(['Reason: Q.850;cause=41']);
    assert.equal((await told(2))[1].reason, 'Q.850;cause=41;text="temporary failure"');
    // To the second: each registration may bring what the one before has.
    await until(() => `other credentials than ${first}`, async () => {
      await page.evaluate(() => window.page.again());
      trunk.answer = 404;
      await called('4930123');
      return (await username()) !== first;
    });
  });
}
