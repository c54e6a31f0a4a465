// Every configuration of README.md passes the check, with nothing in it changed but what a reader has to.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { writeTone } from './lib/audio.mjs';
import { makeCertificate } from './lib/certificate.mjs';
import { BUILD } from './lib/daemon.mjs';
import { blocks, blockWith, change, commandWith, compose, settings, settingInText, whole } from './lib/readme.mjs';

const TRUNK_LINES_MAX = 6;
const TANDEM = path.join(BUILD, 'tandem');
const folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-readme-'));
let changes;

before(() => {
  renameSync(makeCertificate(folder, 'fullchain').key, path.join(folder, 'key.pem'));
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const files = {
    'alice.secret': 'a-password\n',
    'turn.secret': 'shared-with-coturn\n',
    'keys.json': JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1', alg: 'ES256', use: 'sig' }] }),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  writeTone(path.join(folder, 'closed.ogg'), 440, { rate: 16000, seconds: 1 });
  const hashes = execFileSync(TANDEM, ['hash', 'bob', 'example.com'], { input: 'a-password\n', encoding: 'utf8' });
  const hash = (name) => new RegExp(`${name} = "[0-9a-f]+"`).exec(hashes)[0];
  changes = [
    ['/etc/tandem/', `${folder}/`],
    ['ha1_md5 = "..."', hash('ha1_md5')],
    ['ha1_sha256 = "..."', hash('ha1_sha256')],
    ['password = "..."', 'password = "a-password"'],
  ];
});
after(() => rmSync(folder, { recursive: true, force: true }));

const used = new Set();

function check(text) {
  const fitting = changes.filter(([from]) => text.includes(from));
  fitting.forEach(([from]) => used.add(from));
  const file = path.join(folder, 'tandem.conf');
  writeFileSync(file, change(text, fitting), { mode: 0o600 });
  const { status, stdout, stderr } = spawnSync(TANDEM, ['-t', '-c', file], { encoding: 'utf8', env: { ...process.env, PBX_PASSWORD: 'a-password' } });
  assert.equal(status, 0, `${stderr}\n${text}`);
  assert.match(stdout + stderr, /the configuration is right/);
}

for (const block of blocks) test(`the check takes ${block.replace(/\s+/g, ' ').slice(0, 70)}`, () => check(compose(whole, block)));

test('a trunk is at most six lines', () => {
  for (const block of blocks) {
    const lines = (settings(block).get('trunks') ?? '').trim().split('\n').length;
    assert.ok(lines <= TRUNK_LINES_MAX, `${lines} lines:\n${block}`);
  }
});

test('"tandem route" says what the README has it say', () => {
  const { command, output } = commandWith('tandem route');
  const alice = [['password = "..."', 'password = "a-password"; groups = ("staff"); caller_id = "+493012345"']];
  const text = compose(change(whole, alice), blockWith('emergency = true'), settingInText('numbers'));
  writeFileSync(path.join(folder, 'tandem.conf'), change(text, [['/etc/tandem/', `${folder}/`]]));
  const said = execFileSync('sh', ['-c', command.replace('tandem', '"$0"'), TANDEM], { cwd: folder, encoding: 'utf8' });
  assert.equal(said, output);
});

test('whatever is changed is in the README', () => {
  assert.deepEqual(changes.map(([from]) => from).filter((from) => !used.has(from)), []);
});
