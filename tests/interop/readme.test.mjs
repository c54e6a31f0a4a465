// The README's "Connect your PBX", followed to the letter: its configurations in an empty folder, the page, a peer of the kind, calls.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { startBaresip } from './lib/baresip.mjs';
import { MICROPHONE_HZ, startBrowser } from './lib/browser.mjs';
import { makeCertificate } from './lib/certificate.mjs';
import { BUILD, PLUGINS, runDaemon } from './lib/daemon.mjs';
import { Pbx } from './lib/pbx.mjs';
import { freeTcpPort, freeUdpPort } from './lib/ports.mjs';
import { blockWith, change, compose, settings, whole } from './lib/readme.mjs';
import { startSipp } from './lib/sipp.mjs';
import { callIs, dial, hearsTone, listen, openSoftphone } from './lib/softphone.mjs';
import { until } from './lib/wait.mjs';

const ALICE = { name: 'alice', password: 'wonder-land' };
const LOGIN = { username: 'adapter', password: 'another-secret' };
const TONE_HZ = 1000;

let browser;
let folder;
let gateway;
let softphone;
const started = []; // what a test has started, the last first

before(async () => {
  browser = await startBrowser({ ignoreHTTPSErrors: true });
}, { timeout: 60000 });
after(() => browser?.stop());
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-readme-'));
});
afterEach(async () => {
  await softphone?.page.close();
  for (const one of started.splice(0)) await one.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(one) {
  started.unshift(await one);
  return started[0];
}

// `trunk`: the README's lines for the peer, as its reader has changed them.
async function follow(trunk) {
  assert.deepEqual(readdirSync(folder), []);
  const { certificate, key } = makeCertificate(folder, 'gateway');
  const web = await freeTcpPort();
  const sipPort = await freeUdpPort();
  const changed = change(whole, [
    ['0.0.0.0:8443', `127.0.0.1:${web}`],
    ['/etc/tandem/fullchain.pem', certificate],
    ['/etc/tandem/key.pem', key],
    ['0.0.0.0:5060', `127.0.0.1:${sipPort}`],
    ['203.0.113.5', '127.0.0.1'],
    ['name = "alice"; password = "..."', `name = "alice"; password = "${ALICE.password}"`],
    ['web    : {', `web    : { root = "${path.join(BUILD, 'html/dist')}";`], // as the build is not installed
  ]);
  const file = path.join(folder, 'tandem.conf');
  writeFileSync(file, compose(changed, trunk, `${PLUGINS}\n`));
  gateway = { ...await start(runDaemon(file, `https://127.0.0.1:${web}`)), sipPort };
  softphone = await openSoftphone(browser, gateway.url, ALICE);
}

const registered = (trunk) => until(() => `the trunk ${trunk} is registered\n${gateway.daemon.output}`,
  async () => new RegExp(`^tandem_trunk_registered\\{.*trunk="${trunk}".*\\} 1$`, 'm').test(await gateway.metrics()));

// A PBX with an extension behind it.
async function startPbx(domain, gatewaysUser, extension) {
  const passwords = { [gatewaysUser]: 'a-secret', [extension]: 'secret-of-the-extension' };
  const pbx = await start(new Pbx(domain, passwords).open());
  const registrar = { port: pbx.port, domain, password: passwords[extension] };
  const telephone = await start(startBaresip({ tone: TONE_HZ, registrar, accounts: { [extension]: { codec: 'pcmu/8000/1', module: 'g711' } } }));
  return { pbx, telephone };
}

async function talk(telephone) {
  const { page } = softphone;
  await Promise.all([callIs(page, 'active'), telephone.established()]);
  await listen(page);
  await Promise.all([hearsTone(page, TONE_HZ), telephone.heard(MICROPHONE_HZ)]);
}

async function callBothWays(telephone, extension, gatewaysNumber) {
  const { page, problems } = softphone;
  await dial(page, extension);
  await talk(telephone);
  await page.click('[data-action=hangup]');
  await Promise.all([callIs(page, 'ended'), telephone.ended()]);
  await page.click('[data-action=back]');
  telephone.forget();
  telephone.dial(gatewaysNumber);
  await callIs(page, 'ringing');
  await page.click('[data-action=answer]');
  await talk(telephone);
  telephone.hangUp();
  await Promise.all([callIs(page, 'ended'), telephone.ended()]);
  assert.deepEqual(problems, []);
}

test('a PBX like Kamailio that wants a login: calls in both directions', async () => {
  const { pbx, telephone } = await startPbx('pbx.example.com', 'gateway', '201');
  await follow(change(blockWith('preset = "kamailio"'), [
    ['sip:10.0.0.2', `sip:127.0.0.1:${pbx.port}`],
    ['password = "..."', 'password = "a-secret"'],
  ]));
  await registered('pbx');
  await callBothWays(telephone, '201', 'sip:gateway@pbx.example.com');
});

test('a provider: calls in both directions, and its customer is shown', async () => {
  const { pbx, telephone } = await startPbx('sip.carrier.example', '49301234567', '4989555');
  await follow(change(blockWith('preset = "provider"'), [
    ['sip:sip.carrier.example', `sip:127.0.0.1:${pbx.port}`],
    ['password = "..."', 'password = "a-secret"'],
  ]));
  await registered('carrier');
  await callBothWays(telephone, '4989555', 'sip:49301234567@sip.carrier.example');
  assert.match(JSON.stringify(telephone.events()), /sip:\+49301234567@/);
});

// SIPp gives the sound back, so what is heard went both ways.
async function hearsItself(sipp) {
  const { page, problems } = softphone;
  await callIs(page, 'active');
  await listen(page);
  await hearsTone(page, MICROPHONE_HZ);
  await page.click('[data-action=hangup]');
  await callIs(page, 'ended');
  await sipp.finished();
  assert.deepEqual(problems, []);
}

test('a telephone adapter: it calls with its login from another address, and is called at its own', async () => {
  const port = await freeUdpPort();
  await follow(change(blockWith('preset = "spa"'), [
    ['192.168.1.20', `127.0.0.3:${port}`],
    ['inbound_password = "..."', `inbound_password = "${LOGIN.password}"`],
  ]));
  const { page } = softphone;
  const caller = await start(startSipp('uac_login', { host: '127.0.0.2', port, user: '100', gatewayPort: gateway.sipPort, login: LOGIN }));
  await callIs(page, 'ringing');
  await page.click('[data-action=answer]');
  await hearsItself(caller);
  await page.click('[data-action=back]');
  const called = await start(startSipp('uas', { host: '127.0.0.3', port }));
  await dial(page, '5551234');
  await hearsItself(called);
});

test('a PBX that knows the gateway by its address: calls in both directions', async () => {
  const port = await freeUdpPort();
  await follow(change(settings(whole).get('trunks'), [['sip:10.0.0.2', `sip:127.0.0.1:${port}`]]));
  const { page } = softphone;
  const called = await start(startSipp('uas', { port }));
  await dial(page, '5551234');
  await hearsItself(called);
  await page.click('[data-action=back]');
  const caller = await start(startSipp('uac', { port, user: 'alice', gatewayPort: gateway.sipPort }));
  await callIs(page, 'ringing');
  await page.click('[data-action=answer]');
  await hearsItself(caller);
});
