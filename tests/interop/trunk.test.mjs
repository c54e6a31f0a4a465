// Chromium against a trunk that shows every message: audio both ways, BYE from each side, hold, DTMF, refusals.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { Trunk } from './lib/trunk.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = 1000;
const trunk = new Trunk({ tone: TONE });
const world = useWorld({ peer: async () => ({ port: (await trunk.open()).port, stop: () => trunk.close() }) });

beforeEach(() => {
  trunk.answer = 'accept';
  trunk.log.length = 0;
  trunk.pending = null;
  trunk.clear();
});
let phone;
afterEach(() => phone?.close());

const open = async (library) => (phone = await openPhone(world.browser, world.gateway, library, 'alice'));
const bothHear = () => Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]);

async function callOut() {
  await phone.call('4930123');
  await phone.reach('confirmed');
  const invite = await trunk.saw('INVITE');
  assert.match(invite.uri, /^sip:4930123@/);
  assert.match(invite.body, /m=audio \d+ RTP\/AVP /);
  assert.doesNotMatch(invite.body, /a=(candidate|ice-ufrag|fingerprint)/);
  await trunk.saw('ACK');
}

async function callIn() {
  trunk.invite('alice', world.gateway.sipPort);
  assert.equal((await phone.reach('incoming')).from, '4711');
  await phone.do('answer');
  await phone.reach('confirmed');
  await trunk.saw('INVITE', 200);
}

async function browserHangsUp() {
  await phone.do('hangUp');
  await trunk.saw('BYE');
  await phone.reach('ended');
  await phone.byeAnswered('received');
}

async function trunkHangsUp() {
  trunk.bye();
  await trunk.saw('BYE', 200);
  await phone.reach('ended');
  await phone.byeAnswered('sent');
}

for (const library of ['jssip', 'sipjs']) {
  test(`${library} calls the trunk, audio both ways, browser hangs up`, async () => {
    await open(library);
    await callOut();
    await bothHear();
    await browserHangsUp();
  });

  test(`${library} calls the trunk, trunk hangs up`, async () => {
    await open(library);
    await callOut();
    await trunkHangsUp();
  });

  test(`${library} is called, audio both ways, trunk hangs up`, async () => {
    await open(library);
    await callIn();
    await bothHear();
    await trunkHangsUp();
  });

  test(`${library} is called, browser hangs up`, async () => {
    await open(library);
    await callIn();
    await browserHangsUp();
  });

  test(`${library} holds and resumes`, async () => {
    await open(library);
    await callOut();
    await bothHear();
    const before = trunk.log.length;
    await phone.do('hold');
    await phone.reach('hold');
    const hold = await trunk.saw('INVITE', 0, before);
    assert.match(hold.body, /^a=(sendonly|inactive)/m);
    const held = trunk.log.length;
    await phone.do('unhold');
    await phone.reach('unhold');
    const resume = await trunk.saw('INVITE', 0, held);
    assert.doesNotMatch(resume.body, /^a=(sendonly|recvonly|inactive)/m);
    trunk.clear();
    await bothHear();
    await browserHangsUp();
  });

  test(`${library} is put on hold and resumed by the trunk`, async () => {
    await open(library);
    await callOut();
    await bothHear();
    let from = trunk.log.length;
    trunk.hold(true);
    assert.match((await trunk.saw('INVITE', 200, from)).body, /^a=(recvonly|inactive)/m);
    from = trunk.log.length;
    trunk.hold(false);
    assert.doesNotMatch((await trunk.saw('INVITE', 200, from)).body, /^a=(sendonly|recvonly|inactive)/m);
    trunk.clear();
    await bothHear();
    await trunkHangsUp();
  });

  test(`${library} sends digits, the trunk gets RFC 4733 events`, async () => {
    await open(library);
    await callOut();
    await bothHear();
    await phone.do('dtmf', '147*0#');
    const end = Date.now() + 10000;
    while (trunk.digits() !== '147*0#' && Date.now() < end) await phone.states();
    assert.equal(trunk.digits(), '147*0#');
    await browserHangsUp();
  });

  test(`${library}: the trunk's refusal reaches the browser`, async () => {
    await open(library);
    trunk.answer = 486;
    await phone.call('4930123');
    assert.equal((await phone.reach('failed')).code, 486);
  });

  test(`${library} cancels`, async () => {
    await open(library);
    trunk.answer = 'ring';
    await phone.call('4930123');
    await phone.reach('progress');
    await trunk.saw('INVITE');
    await phone.do('hangUp');
    await trunk.saw('CANCEL');
    await trunk.saw('ACK');
  });

  test(`${library} declines`, async () => {
    await open(library);
    trunk.invite('alice', world.gateway.sipPort);
    await phone.reach('incoming');
    await phone.do('reject', 486);
    await trunk.saw('INVITE', 486);
  });

  test(`${library}: the trunk cancels`, async () => {
    await open(library);
    trunk.invite('alice', world.gateway.sipPort);
    await phone.reach('incoming');
    await trunk.saw('INVITE', 180);
    trunk.cancel();
    await trunk.saw('CANCEL', 200);
    await trunk.saw('INVITE', 487);
    await phone.reach(library === 'jssip' ? 'failed' : 'ended');
  });
}
