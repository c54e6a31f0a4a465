// Chromium where packets have no straight way: by a TURN server of the gateway's, reached by UDP, TCP or TLS, and over TCP. And ICE restart.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { Trunk } from './lib/trunk.mjs';
import { TurnServer } from './lib/turn.mjs';
import { until } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

// Leaves of both sides' candidates only those that fit; before the page's own scripts.
async function keepCandidates(context, pattern) {
  await context.addInitScript((source) => {
    const wanted = new RegExp(source, 'i');
    const filter = (sdp) => sdp.split('\r\n').filter((line) => !line.startsWith('a=candidate:') || wanted.test(line)).join('\r\n');
    const connection = RTCPeerConnection.prototype;
    const { setRemoteDescription } = connection;
    connection.setRemoteDescription = function set(description) {
      return setRemoteDescription.call(this, { type: description.type, sdp: filter(description.sdp) });
    };
    const { get } = Object.getOwnPropertyDescriptor(connection, 'localDescription');
    Object.defineProperty(connection, 'localDescription', {
      get() {
        const description = get.call(this);
        return description && { type: description.type, sdp: filter(description.sdp) };
      },
    });
  }, pattern);
}

async function hearsItself(world) {
  const phone = await openPhone(world.browser, world.gateway, 'jssip', 'alice');
  await phone.call('9196');
  await phone.reach('confirmed');
  await phone.hears(MICROPHONE_HZ);
  const answer = await phone.page.evaluate(() => window.test.messages.filter(({ out, text }) => !out && /^SIP\/2.0 200/.test(text)
    && /a=candidate/.test(text)).map(({ text }) => text).pop());
  await phone.do('hangUp');
  await phone.reach('ended');
  await phone.close();
  return answer.split('\r\n').filter((line) => line.startsWith('a=candidate:'));
}

for (const transport of ['udp', 'tcp', 'tls']) {
  describe(`a TURN server that is reached by ${transport}`, () => {
    const turn = new TurnServer();
    after(() => turn.stop());
    const world = useWorld({
      address: '127.0.0.1',
      media: 'relay_only = true;',
      more: async () => (await turn.start()).configuration(transport),
    });
    test('carries a call', async () => {
      const candidates = await hearsItself(world);
      assert.ok(candidates.length > 0 && candidates.every((line) => / typ relay/.test(line)), candidates.join('\n'));
    });
  });
}

describe('a network without UDP', () => {
  const world = useWorld({ address: '127.0.0.1', media: 'ice_tcp = true;' });
  test('carries a call over TCP', async () => {
    await keepCandidates(world.browser.context, ' tcp ');
    const candidates = await hearsItself(world);
    assert.ok(candidates.some((line) => / tcp .* tcptype passive/i.test(line)), candidates.join('\n'));
  });
});

describe('an ICE restart of the page', () => {
  const TONE = 1000;
  const trunk = new Trunk({ tone: TONE });
  const world = useWorld({ peer: async () => ({ port: (await trunk.open()).port, stop: () => trunk.close() }) });
  const ufragOf = (text) => /^a=ice-ufrag:(\S+)/m.exec(text)?.[1];

  test('leads both sides to other credentials, and the sound goes on', async () => {
    const phone = await openPhone(world.browser, world.gateway, 'jssip', 'alice');
    const bothHear = () => Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]);
    const transport = async () => (await phone.do('stats')).find((entry) => entry.type === 'transport');
    const ufrags = async () => (await phone.page.evaluate(() => window.test.messages.map(({ out, text }) => ({ out, text }))))
      .filter(({ text }) => /^a=ice-ufrag:/m.test(text)).slice(-2).map(({ text }) => ufragOf(text));
    await phone.call('4930123');
    await phone.reach('confirmed');
    await bothHear();
    const before = { ...(await transport()), ufrags: await ufrags() };
    const began = trunk.log.length;
    await phone.do('restartIce');
    await phone.reach('renegotiated');
    await until('the page has another pair', async () => {
      const now = await transport();
      return now.iceLocalUsernameFragment !== before.iceLocalUsernameFragment && now.selectedCandidatePairChanges > before.selectedCandidatePairChanges
        && now.iceState === 'connected';
    });
    trunk.clear();
    await bothHear();
    const after = await ufrags();
    assert.equal(new Set([...before.ufrags, ...after]).size, 4, JSON.stringify([before.ufrags, after]));
    assert.equal((await transport()).dtlsState, 'connected');
    assert.ok(!trunk.log.slice(began).some(({ out, method }) => !out && method === 'INVITE'), 'the trunk was told');
    await phone.do('hangUp');
    await phone.reach('ended');
    await phone.close();
  });
});
