// Blind and attended transfer by pages of both libraries, audio checked by what is heard.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { openPhone } from './lib/browser.mjs';
import { DOMAIN } from './lib/daemon.mjs';
import { Trunk } from './lib/trunk.mjs';
import { until } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = { alice: 600, bob: 1500, carol: 2400, trunk: 1000 };
const trunk = new Trunk({ tone: TONE.trunk });
const world = useWorld({ peer: async () => ({ port: (await trunk.open()).port, stop: () => trunk.close() }) });
const OTHER = { jssip: 'sipjs', sipjs: 'jssip' };
const sip = (user) => `sip:${user}@${DOMAIN}`;

let phones = [];
beforeEach(() => {
  trunk.answer = 'accept';
  trunk.log.length = 0;
  trunk.clear();
});
afterEach(async () => {
  await Promise.all(phones.map((phone) => phone.close()));
  phones = [];
  await until('no call is left', async () => /^tandem_calls 0$/m.test(await world.gateway.metrics()));
});

async function open(library, user) {
  const phone = await openPhone(world.browser, world.gateway, library, user, { tone: TONE[user] });
  phones.push(phone);
  return phone;
}

async function connect(caller, callee, how = 'call') {
  await caller.do(how, sip(callee.user));
  await callee.reach('incoming');
  await callee.do('answer');
  await Promise.all([caller.reach('confirmed'), callee.reach('confirmed')]);
}

async function hangUp(one, other) {
  await one.do('hangUp');
  await Promise.all([one.reach('ended'), other.reach('ended')]);
}

for (const library of ['jssip', 'sipjs']) {
  test(`${library} transfers a page blindly to a page`, async () => {
    const alice = await open(library, 'alice');
    const bob = await open(OTHER[library], 'bob');
    const carol = await open(library, 'carol');
    await connect(alice, bob);
    await alice.do('transfer', sip('carol'));
    await alice.reach('transferring');
    assert.equal((await carol.reach('incoming')).from, 'bob');
    await carol.do('answer');
    await carol.reach('confirmed');
    await alice.reach('transferred');
    await alice.reach('ended');
    await Promise.all([bob.hears(TONE.carol), carol.hears(TONE.bob)]);
    await hangUp(bob, carol);
  });

  test(`${library} is transferred back to when the target refuses`, async () => {
    const alice = await open(library, 'alice');
    const bob = await open(OTHER[library], 'bob');
    const carol = await open(library, 'carol');
    await connect(alice, bob);
    await alice.do('transfer', sip('carol'));
    await carol.reach('incoming');
    await carol.do('reject', 486);
    await alice.reach('transferFailed');
    await Promise.all([alice.hears(TONE.bob), bob.hears(TONE.alice)]);
    await hangUp(alice, bob);
  });

  test(`${library} transfers a page to another page it has asked before`, async () => {
    const alice = await open(library, 'alice');
    const bob = await open(OTHER[library], 'bob');
    const carol = await open(library, 'carol');
    await connect(alice, bob);
    await alice.do('hold');
    await alice.reach('hold');
    await connect(alice, carol, 'consult');
    await Promise.all([alice.hears(TONE.carol), carol.hears(TONE.alice)]);
    await alice.do('transferToConsulted');
    await alice.reach('transferred');
    await Promise.all([bob.hears(TONE.carol), carol.hears(TONE.bob)]);
    await hangUp(carol, bob);
  });

  test(`${library} transfers the trunk's caller to a page`, async () => {
    const alice = await open(library, 'alice');
    const carol = await open(OTHER[library], 'carol');
    trunk.invite('alice', world.gateway.sipPort);
    await alice.reach('incoming');
    await alice.do('answer');
    await alice.reach('confirmed');
    await alice.do('transfer', sip('carol'));
    assert.equal((await carol.reach('incoming')).from, '4711');
    await carol.do('answer');
    await alice.reach('transferred');
    trunk.clear();
    await Promise.all([carol.hears(TONE.trunk), trunk.hears(TONE.carol)]);
    trunk.bye();
    await carol.reach('ended');
  });

  test(`${library} transfers a page to a telephone number`, async () => {
    const alice = await open(library, 'alice');
    const bob = await open(OTHER[library], 'bob');
    await connect(alice, bob);
    await alice.do('transfer', sip('4930123'));
    await alice.reach('transferred');
    await Promise.all([bob.hears(TONE.trunk), trunk.hears(TONE.bob)]);
    await bob.do('hangUp');
    await trunk.saw('BYE');
    await bob.reach('ended');
  });
}
