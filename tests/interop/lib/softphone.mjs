// The softphone page as a person uses it.
import { hears } from './browser.mjs';

// Errors of the page are collected in `problems`, all that it writes to the console in `lines`. With an `account` ({ name, password })
// somebody signs in by the form; without, the gateway is one for demonstrations. `script` (a function) runs before the page's own.
export async function openSoftphone(browser, url, account, script = () => {}) {
  const page = await browser.context.newPage();
  const problems = [];
  const lines = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (line) => {
    lines.push(line.text());
    if (line.type() === 'error') problems.push(line.text());
  });
  // The microphone's tone must survive: noise suppression takes steady tones away.
  await page.addInitScript(() => {
    const processing = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    localStorage.setItem('tandem.settings', JSON.stringify({ ...JSON.parse(localStorage.getItem('tandem.settings') || '{}'), ...processing }));
  });
  await page.addInitScript(script);
  await page.goto(url);
  if (account) {
    await page.fill('[name=name]', account.name);
    await page.fill('[name=password]', account.password);
    await page.press('[name=password]', 'Enter');
  }
  await page.waitForSelector('[data-status=ready]');
  return { page, problems, lines, user: await page.getAttribute('.page', 'data-user') };
}

export async function dial(page, number) {
  await page.fill('#number', number);
  await page.press('#number', 'Enter');
}

export const callIs = (page, state) => page.waitForSelector(`[data-call=${state}]`);

// What the page says of the call.
export const stateWords = (page) => page.textContent('[data-test=state]');

export async function listen(page) {
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

export const hearsTone = (page, frequency) => hears(page, () => window.heard(), frequency, 'the page hears');
