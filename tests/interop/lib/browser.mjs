// Chromium with a known tone at its microphone, and the pages in it.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { writeTone } from './audio.mjs';
import { BUILD, DOMAIN, TOP, USERS } from './daemon.mjs';
import { until } from './wait.mjs';

export const MICROPHONE_HZ = 440;
const EXECUTABLE = process.env.CHROMIUM || '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
];

// The softphone and both test pages in one folder, for the daemon to serve.
export async function makeWeb() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-web-'));
  cpSync(path.join(BUILD, 'html/dist'), folder, { recursive: true });
  mkdirSync(path.join(folder, 'test'));
  const pages = path.join(TOP, 'tests/interop/pages');
  await build({
    entryPoints: [path.join(pages, 'jssip.js'), path.join(pages, 'sipjs.js')],
    outdir: path.join(folder, 'test'),
    bundle: true,
    format: 'iife',
    logLevel: 'error',
  });
  for (const name of ['jssip', 'sipjs']) {
    writeFileSync(path.join(folder, `test/${name}.html`), `<!doctype html><title>${name}</title><script src="${name}.js"></script>\n`);
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

// More of `options` are Playwright's.
export async function startBrowser(options = {}) {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'tandem-chromium-'));
  const tone = path.join(profile, 'tone.wav');
  writeTone(tone, MICROPHONE_HZ);
  const context = await chromium.launchPersistentContext(path.join(profile, 'profile'), {
    executablePath: EXECUTABLE,
    headless: true,
    args: [...FLAGS, `--use-file-for-fake-audio-capture=${tone}`],
    permissions: ['microphone', 'camera'],
    ...options,
  });
  return {
    context,
    stop: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

// A scripted page ("jssip" or "sipjs"), registered.
export async function openPhone(browser, gateway, library, user, { tone = 0, password = USERS[user], limit, ...more } = {}) {
  const page = await browser.context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${gateway.url}/test/${library}.html`);
  const phone = new ScriptedPhone(page, user, problems);
  const account = { websocket: gateway.websocket, domain: DOMAIN, user, password, tone, ...more };
  await page.evaluate((a) => window.test.start(a), account);
  await phone.reach('registered', limit);
  return phone;
}

class ScriptedPhone {
  constructor(page, user, problems) {
    this.page = page;
    this.user = user;
    this.problems = problems;
    this.seen = 0;
  }

  // Calls a function of the page: call, answer, reject, hangUp, hold, unhold, dtmf, dtmfByInfo.
  do(name, value) {
    return this.page.evaluate(([n, v]) => window.test[n](v), [name, value]);
  }

  call(number) {
    return this.do('call', `sip:${number}@${DOMAIN}`);
  }

  states() {
    return this.page.evaluate(() => window.test.states);
  }

  // Waits for a state after those that were waited for before; gives its details.
  async reach(name, limit) {
    let states = [];
    const at = await until(
      () => `${this.user} reaches ${name}; has ${JSON.stringify(states.slice(this.seen))} ${this.problems.join('; ')}`,
      async () => {
        states = await this.states();
        return states.findIndex((s, i) => i >= this.seen && s.name === name) + 1;
      },
      limit,
    );
    this.seen = at;
    return states[at - 1];
  }

  async hears(frequency, limit) {
    await hears(this.page, () => window.test.heard(), frequency, `${this.user} hears`, limit);
  }

  // So many more pictures, of a size, are decoded; `colour` (a function of red, green, blue) fits the middle of the last.
  async sees({ width, height, colour = () => true, frames = 20 }, limit) {
    const before = (await this.page.evaluate(() => window.test.seen())).decoded;
    let last;
    await until(() => `${this.user} sees ${frames} pictures after ${before}; last ${JSON.stringify(last)}`, async () => {
      last = await this.page.evaluate(() => window.test.seen());
      return last.decoded >= before + frames && last.colour && colour(...last.colour)
        && (!width || (last.width === width && last.height === height));
    }, limit);
    return last;
  }

  async hearsNothing() {
    let last;
    await until(() => `${this.user} hears nothing, but ${JSON.stringify(last)}`, async () => {
      last = await this.page.evaluate(() => window.test.heard());
      return !(last.level > -75);
    });
  }

  // Status codes of the final answers to BYE that crossed this page's WebSocket, in both directions.
  async byes() {
    const messages = await this.page.evaluate(() => window.test.messages);
    const answers = { sent: [], received: [] };
    for (const { out, text } of messages) {
      const status = /^SIP\/2\.0 (\d+)/.exec(text);
      if (status && /^CSeq: *\d+ BYE/im.test(text)) answers[out ? 'sent' : 'received'].push(Number(status[1]));
    }
    return answers;
  }

  // Waits for the final answer to the call's one BYE, which `direction` ("sent", "received") gave: a page may end its call before it comes.
  async byeAnswered(direction) {
    const byes = await until('the BYE is answered', async () => {
      const answers = await this.byes();
      return answers[direction].length > 0 && answers;
    });
    assert.deepEqual(byes, { sent: [], received: [], [direction]: [200] });
  }

  close() {
    return this.page.close();
  }
}

// The strongest frequency is the wanted one, three looks in a row.
export async function hears(page, look, frequency, what, limit) {
  let last;
  let times = 0;
  await until(() => `${what} ${frequency} Hz; last ${JSON.stringify(last)}`, async () => {
    last = await page.evaluate(look);
    const fits = Math.abs(last.frequency - frequency) < 12 && last.level > -60;
    times = fits ? times + 1 : 0;
    return times >= 3;
  }, limit);
}
