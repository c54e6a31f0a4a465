// The softphone page itself, used as a person would.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MICROPHONE_HZ } from './lib/browser.mjs';
import { callIs, dial, hearsTone, listen, openSoftphone, stateWords } from './lib/softphone.mjs';
import { useWorld } from './lib/world.mjs';

const world = useWorld({ demo: true });

const openTab = () => openSoftphone(world.browser, world.gateway.url);

test('9196 by the keyboard: the page hears its own tone', async () => {
  const { page, problems } = await openTab();
  await page.keyboard.type('9196');
  assert.equal(await page.inputValue('#number'), '9196');
  await page.keyboard.press('Enter');
  await callIs(page, 'active');
  await listen(page);
  await hearsTone(page, MICROPHONE_HZ);
  await page.waitForFunction(() => document.querySelector('.timer').textContent !== '0:00');
  await page.keyboard.press('Escape');
  await callIs(page, 'ended');
  assert.deepEqual(problems, []);
  await page.close();
});

test('two tabs are two people and call each other: answer, hold, digits, hang up', async () => {
  const one = await openTab();
  const two = await openTab();
  assert.notEqual(one.user, two.user);
  await one.page.click(`[data-number=${two.user}]`);
  await callIs(two.page, 'ringing');
  assert.match(await two.page.title(), new RegExp(`${one.user} is calling`, 'i'));
  await two.page.keyboard.press('Enter');
  await Promise.all([callIs(one.page, 'active'), callIs(two.page, 'active')]);
  await Promise.all([listen(one.page), listen(two.page)]);
  await Promise.all([hearsTone(one.page, MICROPHONE_HZ), hearsTone(two.page, MICROPHONE_HZ)]);
  await one.page.click('[data-action=hold]');
  await two.page.waitForFunction(() => /hold/.test(document.querySelector('[data-test=state]').textContent));
  await one.page.click('[data-action=hold]');
  await two.page.waitForFunction(() => !/hold/.test(document.querySelector('[data-test=state]').textContent));
  await Promise.all([hearsTone(one.page, MICROPHONE_HZ), hearsTone(two.page, MICROPHONE_HZ)]);
  await one.page.click('[data-action=keypad]');
  await one.page.keyboard.press('5');
  assert.equal((await one.page.textContent('.digits')).trim(), '5');
  await two.page.click('[data-action=hangup]');
  await Promise.all([callIs(one.page, 'ended'), callIs(two.page, 'ended')]);
  assert.equal(await stateWords(one.page), 'They hung up');
  assert.deepEqual([...one.problems, ...two.problems], []);
  await Promise.all([one.page.close(), two.page.close()]);
});

test('a declined call, and a number that nobody has, in words', async () => {
  const one = await openTab();
  const two = await openTab();
  await one.page.click(`[data-number=${two.user}]`);
  await callIs(two.page, 'ringing');
  await two.page.click('[data-action=decline]');
  await callIs(one.page, 'ended');
  assert.equal(await stateWords(one.page), 'They declined the call.');
  await one.page.click('[data-action=back]');
  await dial(one.page, 'nobody');
  await callIs(one.page, 'ended');
  assert.equal(await stateWords(one.page), 'There is nobody at this number.');
  await Promise.all([one.page.close(), two.page.close()]);
});
