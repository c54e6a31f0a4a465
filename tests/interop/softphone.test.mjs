// The softphone page itself, used as a person would.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hears, MICROPHONE_HZ } from './lib/browser.mjs';
import { useWorld } from './lib/world.mjs';

const world = useWorld({ demo: true });

async function openTab() {
  const page = await world.browser.context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (line) => line.type() === 'error' && problems.push(line.text()));
  // The microphone's tone must survive: noise suppression takes steady tones away.
  await page.addInitScript(() => {
    const processing = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    localStorage.setItem('tandem.settings', JSON.stringify({ ...JSON.parse(localStorage.getItem('tandem.settings') || '{}'), ...processing }));
  });
  await page.goto(world.gateway.url);
  await page.waitForSelector('[data-status=ready]');
  return { page, problems, user: await page.getAttribute('.page', 'data-user') };
}

const call = (page, state) => page.waitForSelector(`[data-call=${state}]`);

async function listen(page) {
  await page.evaluate(async () => {
    const context = new AudioContext();
    await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(window.__tandem.phone.call.remoteStream).connect(analyser);
    window.heard = () => {
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const best = bins.indexOf(Math.max(...bins));
      return { frequency: (best * context.sampleRate) / analyser.fftSize, level: bins[best] };
    };
  });
}

const hearsTone = (page) => hears(page, () => window.heard(), MICROPHONE_HZ, 'the page hears');

test('9196 by the keyboard: the page hears its own tone', async () => {
  const { page, problems } = await openTab();
  await page.keyboard.type('9196');
  assert.equal(await page.inputValue('#number'), '9196');
  await page.keyboard.press('Enter');
  await call(page, 'active');
  await listen(page);
  await hearsTone(page);
  await page.waitForFunction(() => document.querySelector('.timer').textContent !== '0:00');
  await page.keyboard.press('Escape');
  await call(page, 'ended');
  assert.deepEqual(problems, []);
  await page.close();
});

test('two tabs are two people and call each other: answer, hold, digits, hang up', async () => {
  const one = await openTab();
  const two = await openTab();
  assert.notEqual(one.user, two.user);
  await one.page.click(`[data-number=${two.user}]`);
  await call(two.page, 'ringing');
  assert.match(await two.page.title(), new RegExp(`${one.user} is calling`, 'i'));
  await two.page.keyboard.press('Enter');
  await Promise.all([call(one.page, 'active'), call(two.page, 'active')]);
  await Promise.all([listen(one.page), listen(two.page)]);
  await Promise.all([hearsTone(one.page), hearsTone(two.page)]);
  await one.page.click('[data-action=hold]');
  await two.page.waitForFunction(() => /hold/.test(document.querySelector('[data-test=state]').textContent));
  await one.page.click('[data-action=hold]');
  await two.page.waitForFunction(() => !/hold/.test(document.querySelector('[data-test=state]').textContent));
  await Promise.all([hearsTone(one.page), hearsTone(two.page)]);
  await one.page.click('[data-action=keypad]');
  await one.page.keyboard.press('5');
  assert.equal((await one.page.textContent('.digits')).trim(), '5');
  await two.page.click('[data-action=hangup]');
  await Promise.all([call(one.page, 'ended'), call(two.page, 'ended')]);
  assert.equal(await one.page.textContent('[data-test=state]'), 'They hung up');
  assert.deepEqual([...one.problems, ...two.problems], []);
  await Promise.all([one.page.close(), two.page.close()]);
});

test('a declined call, and a number that nobody has, in words', async () => {
  const one = await openTab();
  const two = await openTab();
  await one.page.click(`[data-number=${two.user}]`);
  await call(two.page, 'ringing');
  await two.page.click('[data-action=decline]');
  await call(one.page, 'ended');
  assert.equal(await one.page.textContent('[data-test=state]'), 'They declined the call.');
  await one.page.click('[data-action=back]');
  await one.page.fill('#number', 'nobody');
  await one.page.keyboard.press('Enter');
  await call(one.page, 'ended');
  assert.equal(await one.page.textContent('[data-test=state]'), 'There is nobody at this number.');
  await Promise.all([one.page.close(), two.page.close()]);
});
