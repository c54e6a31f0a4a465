// The softphone page and a trunk: why a call came to nothing, in words; who calls, by name and number.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { USERS } from './lib/daemon.mjs';
import { callIs, dial, openSoftphone, stateWords } from './lib/softphone.mjs';
import { Trunk } from './lib/trunk.mjs';
import { useWorld } from './lib/world.mjs';

const trunk = new Trunk({ tone: 1000 });
const world = useWorld({
  trunk: 'trusted = true;',
  peer: async () => {
    await trunk.open();
    return { port: trunk.port, stop: () => trunk.close() };
  },
});

let page;
let problems;
beforeEach(async () => {
  if (!page) ({ page, problems } = await openSoftphone(world.browser, world.gateway.url, { name: 'alice', password: USERS.alice }));
  trunk.log.length = 0;
  trunk.answer = 'accept';
});
afterEach(async () => {
  await page.click('[data-action=back]');
  assert.deepEqual(problems.splice(0), []);
});

const shown = async (what) => ((await page.$(`[data-test=${what}]`)) ? page.textContent(`[data-test=${what}]`) : '');

const busy = 'All lines are busy. Try again in a moment.';
for (const { answer, words, said = '' } of [
  { answer: { status: 503, phrase: 'No Circuit', headers: ['Reason: Q.850;cause=34;text="no circuit available"'] }, words: busy },
  { answer: { status: 500, phrase: 'Failed', headers: ['Reason: SIP;cause=500, Q.850;cause=34'] }, words: busy },
  { answer: { status: 503, phrase: 'Service Unavailable' }, words: 'The service is not available right now.' },
  { answer: { status: 403, phrase: 'Caller ID Not Allowed' }, words: 'This call is not allowed.', said: '“Caller ID Not Allowed”' },
  { answer: { status: 403, phrase: 'Forbidden' }, words: 'This call is not allowed.' },
  { answer: { status: 403, phrase: 'Forbidden', headers: ['Warning: 399 pbx "caller id not allowed"'] }, words: 'This call is not allowed.',
    said: '“caller id not allowed”' },
  { answer: { status: 404, phrase: 'Not Found' }, words: 'There is nobody at this number.' },
  { answer: { status: 404, phrase: 'Gone Fishing', headers: ['Reason: Q.850;cause=22'] }, words: 'This number is no longer in use.' },
  { answer: { status: 486, phrase: 'Busy Here' }, words: 'They are on another call.' },
]) {
  const [cause = ''] = answer.headers ?? [];
  test(`a call refused by ${answer.status} ${answer.phrase} ${cause}: ${words} ${said}`, async () => {
    trunk.answer = answer;
    await dial(page, '4930123');
    await callIs(page, 'ended');
    assert.deepEqual([await stateWords(page), await shown('said')], [words, said]);
    assert.match(await page.getAttribute('[data-call]', 'class'), /failed/);
  });
}

for (const { reason, words, said = '', isFailure = false } of [
  { reason: 'Q.850;cause=41', words: 'The telephone network has a problem. Try again in a moment.', isFailure: true },
  { reason: 'SIP;cause=480;text="no RTP any more"', words: 'The call was cut off.', said: '“no RTP any more”', isFailure: true },
  { reason: 'Q.850;cause=16', words: 'They hung up' },
  { reason: 'SIP;cause=200;text="OK"', words: 'They hung up' },
]) {
  test(`a BYE with ${reason}: ${words} ${said}`, async () => {
    await dial(page, '4930123');
    await callIs(page, 'active');
    trunk.bye([`Reason: ${reason}`]);
    await callIs(page, 'ended');
    assert.deepEqual([await stateWords(page), await shown('said')], [words, said]);
    assert.equal(/failed/.test(await page.getAttribute('[data-call]', 'class')), isFailure);
  });
}

const asserted = 'P-Asserted-Identity: "Carla Kolumna" <sip:+49401234567@peer.test>';
for (const { what, from, headers, name, number = '', isCallable = true } of [
  { what: 'a name and a number', from: '"Jürgen Müller" <sip:+49891234@peer.test>', name: 'Jürgen Müller', number: '+49891234' },
  { what: 'a number', from: '<sip:+49891234@peer.test>', name: '+49891234' },
  { what: 'a number for a name too', from: '"+49891234" <sip:+49891234@peer.test>', name: '+49891234' },
  { what: 'P-Asserted-Identity above From', from: '"4711" <sip:4711@peer.test>', headers: [asserted], name: 'Carla Kolumna', number: '+49401234567' },
  { what: 'one who wants privacy', from: '"Anonymous" <sip:anonymous@anonymous.invalid>', headers: [asserted, 'Privacy: id'], name: 'Hidden number', isCallable: false },
  { what: 'nobody', from: '"Anonymous" <sip:anonymous@peer.test>', name: 'Hidden number', isCallable: false },
  { what: 'a name alone', from: '"Front door" <sip:unknown@peer.test>', name: 'Front door', isCallable: false },
]) {
  test(`who calls is shown: ${what}`, async () => {
    trunk.invite('alice', world.gateway.sipPort, { from, headers });
    await callIs(page, 'ringing');
    assert.deepEqual([await shown('name'), await shown('number')], [name, number]);
    assert.equal(await page.title(), `☎ ${name} is calling`);
    trunk.cancel();
    await callIs(page, 'ended');
    assert.equal(await page.isVisible('[data-action=again]'), isCallable);
    const [recent] = await page.evaluate(() => window.__tandem.phone.recents);
    assert.deepEqual([recent.label || recent.number || 'Hidden number', recent.answered], [name, false]);
  });
}

test('a call that the PBX says was answered elsewhere', async () => {
  trunk.invite('alice', world.gateway.sipPort);
  await callIs(page, 'ringing');
  trunk.cancel(['Reason: Q.850;cause=26, SIP;cause=200;text="Call completed elsewhere"']);
  await callIs(page, 'ended');
  assert.equal(await stateWords(page), 'Answered on another device');
});
