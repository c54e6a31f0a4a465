// The page of somebody whose network lets nothing out but what goes to a TURN server (coturn), with credentials that the gateway made.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MICROPHONE_HZ } from './lib/browser.mjs';
import { USERS } from './lib/daemon.mjs';
import { startRelay } from './lib/relay.mjs';
import { callIs, dial, hearsTone, listen, openSoftphone } from './lib/softphone.mjs';
import { Trunk } from './lib/trunk.mjs';
import { TurnServer } from './lib/turn.mjs';
import { useWorld } from './lib/world.mjs';

const TONE_HZ = 1000;
const SECRET = 'shared with coturn';
const LASTS_S = 7200;
const SLOW_MS = 250; // for each message: an allocation, which takes several, comes long after the browser's own addresses
const turn = new TurnServer({ secret: SECRET });
const trunk = new Trunk({ tone: TONE_HZ });
let slowTurn;
before(async () => {
  await turn.start();
  slowTurn = await startRelay(turn.port, { delay: SLOW_MS });
}, { timeout: 60000 });
after(async () => {
  await slowTurn.stop();
  await turn.stop();
});
const urls = () => [`turn:127.0.0.1:${turn.port}`, `turn:127.0.0.1:${slowTurn.port}?transport=tcp`];
const world = useWorld({
  address: '127.0.0.1',
  more: () => `browser_turn : { servers = (${urls().map((url) => `"${url}"`)}); secret = "${SECRET}"; seconds = ${LASTS_S}; };`,
  peer: async () => {
    await trunk.open();
    return { port: trunk.port, stop: () => trunk.close() };
  },
});

// No way but by the server.
function relayOnly() {
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration, ...more) {
      super({ ...configuration, iceTransportPolicy: 'relay' }, ...more);
    }
  };
}

// The server is far away, and reached over TCP alone.
function slowServerOnly() {
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor({ iceServers: [server], ...configuration }, ...more) {
      super({ ...configuration, iceServers: [{ ...server, urls: server.urls.filter((url) => url.endsWith('=tcp')) }] }, ...more);
    }
  };
}

const openAlice = (script) => openSoftphone(world.browser, world.gateway.url, { name: 'alice', password: USERS.alice }, script);

async function talk(page) {
  await callIs(page, 'active');
  await listen(page);
  await Promise.all([hearsTone(page, TONE_HZ), trunk.hears(MICROPHONE_HZ)]);
}

async function check({ page, lines, problems }) {
  const { iceServers } = await page.evaluate(() => window.__tandem.phone.call.session.connection.getConfiguration());
  const [{ urls: told, username, credential }] = iceServers;
  assert.deepEqual(told, urls());
  const [ends, name] = username.split(':');
  const left = Number(ends) - Date.now() / 1000;
  assert.ok(name === 'alice' && left > LASTS_S - 60 && left <= LASTS_S + 1, username);
  const everything = [await page.content(), await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])), ...lines];
  for (const secret of [SECRET, username, credential]) assert.ok(everything.every((text) => !text.includes(secret)), 'it stays in the connection');
  assert.deepEqual(problems, []);
}

test('a call from the page goes by the TURN server, with the credentials of its registration', async () => {
  const softphone = await openAlice(relayOnly);
  await dial(softphone.page, '4930123');
  await talk(softphone.page);
  await check(softphone);
  trunk.bye();
  await callIs(softphone.page, 'ended');
  await softphone.page.close();
});

test('a call to the page does so too', async () => {
  const softphone = await openAlice(relayOnly);
  trunk.clear();
  trunk.invite('alice', world.gateway.sipPort);
  await callIs(softphone.page, 'ringing');
  await softphone.page.click('[data-action=answer]');
  await talk(softphone.page);
  await check(softphone);
  trunk.bye();
  await callIs(softphone.page, 'ended');
  await softphone.page.close();
});

test('a registration that is made anew brings new credentials', async () => {
  const { page } = await openAlice();
  const before = await page.evaluate(() => window.__tandem.phone.iceServers[0].username);
  // They are told to the second.
  await page.waitForFunction((old) => {
    const { phone } = window.__tandem;
    if (phone.iceServers[0].username === old) phone.retry();
    return phone.iceServers[0].username !== old;
  }, before, { polling: 300 });
  await page.close();
});

test('a call waits for a server that is slow', async () => {
  const { page } = await openAlice(slowServerOnly);
  trunk.log.length = 0;
  await dial(page, '4930123');
  await callIs(page, 'active');
  const offer = await page.evaluate(() => window.__tandem.phone.call.session._request.body);
  assert.match(offer, / typ host/);
  assert.match(offer, / typ relay/);
  trunk.bye();
  await callIs(page, 'ended');
  await page.close();
});
