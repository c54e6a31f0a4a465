// Users of a PBX (Kamailio with digest) behind the gateway: with the browser's password, and with one kept in the gateway.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { USERS } from './lib/daemon.mjs';
import { HomePbx } from './lib/home_pbx.mjs';
import { Trunk } from './lib/trunk.mjs';
import { until } from './lib/wait.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = 1000;
const KEPT = { bob: { username: '2002', password: 'known to no browser' } };
const telephone = new Trunk({ tone: TONE });
const pbx = new HomePbx({ alice: USERS.alice, 2002: KEPT.bob.password }, telephone);
const world = useWorld({
  upstream: { kept: KEPT },
  peer: async () => {
    await telephone.open();
    const { port } = await pbx.open();
    return {
      port,
      stop: async () => {
        await pbx.stop();
        telephone.close();
      },
    };
  },
});

let phone;
beforeEach(() => {
  telephone.log.length = 0;
  telephone.pending = null;
  telephone.clear();
});

const metric = async (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await world.gateway.metrics())?.[1]);
const registered = (count) => until(() => `${count} users are registered with the PBX\n${world.gateway.daemon.output}`,
  async () => (await metric('tandem_upstream_registered_users')) === count);
afterEach(async () => {
  await phone?.close();
  await registered(0); // so that the next test's user is the one that counts
});
const bothHear = () => Promise.all([phone.hears(TONE), telephone.hears(MICROPHONE_HZ)]);

async function isCalled(name) {
  telephone.invite(name, pbx.port);
  await phone.reach('incoming');
  await phone.do('answer');
  await phone.reach('confirmed');
  const answer = await telephone.saw('INVITE', 200);
  assert.doesNotMatch(answer.get('contact'), /alice|bob|2002|invalid/);
  await bothHear();
  telephone.bye();
  await telephone.saw('BYE', 200);
  await phone.reach('ended');
}

async function callsOut(name) {
  await phone.call('4930123');
  await phone.reach('confirmed');
  const invite = await telephone.saw('INVITE');
  assert.match(invite.get('from'), new RegExp(`sip:${name}@`));
  assert.equal(invite.get('proxy-authorization'), undefined);
  await bothHear();
  await phone.do('hangUp');
  await telephone.saw('BYE');
  await phone.reach('ended');
}

for (const library of ['jssip', 'sipjs']) {
  test(`${library} registers with the PBX's own password, is called and calls`, async () => {
    phone = await openPhone(world.browser, world.gateway, library, 'alice');
    await registered(1);
    await isCalled('alice');
    telephone.log.length = 0;
    await callsOut('alice');
  });
}

test('a password that is kept in the gateway: the page registers with another, is called and calls', async () => {
  phone = await openPhone(world.browser, world.gateway, 'jssip', 'bob');
  await registered(1);
  await isCalled('2002');
  telephone.log.length = 0;
  await callsOut('2002');
  const { messages } = await phone.page.evaluate(() => window.test);
  assert.ok(messages.every(({ text }) => !text.includes('2002')), 'nothing of the PBX account reaches the page');
});

test('the PBX restarts with an empty memory', async () => {
  phone = await openPhone(world.browser, world.gateway, 'jssip', 'bob');
  await registered(1);
  await pbx.restart();
  await until(() => `the telephone reaches bob again\n${telephone.trace()}`, async () => {
    const before = telephone.log.length;
    telephone.invite('2002', pbx.port);
    const answers = () => telephone.log.slice(before).filter((m) => !m.out && m.method === 'INVITE' && m.status > 100);
    const [first] = await until(() => 'an answer', () => answers().length > 0 && answers());
    return first.status === 180;
  });
  await phone.do('reject', 486);
  await telephone.saw('INVITE', 486);
});

test('a wrong password is told to the page, and nobody is registered', async () => {
  await assert.rejects(openPhone(world.browser, world.gateway, 'jssip', 'alice', { password: 'wrong', limit: 3000 }), /Authentication Error/);
  assert.equal(await metric('tandem_upstream_registered_users'), 0);
});

test('the last tab is closed: the PBX knows the user no more', async () => {
  phone = await openPhone(world.browser, world.gateway, 'jssip', 'bob');
  await registered(1);
  await phone.close();
  phone = null;
  await until(() => 'bob is unregistered', async () => (await metric('tandem_upstream_users')) === 0);
  telephone.invite('2002', pbx.port);
  await telephone.saw('INVITE', 404);
});
