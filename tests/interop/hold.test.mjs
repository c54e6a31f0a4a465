// Who is put on hold by a browser hears the gateway's music, and then the browser again.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, test } from 'node:test';
import { writeTone } from './lib/audio.mjs';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { Trunk } from './lib/trunk.mjs';
import { useWorld } from './lib/world.mjs';

const MUSIC_HZ = 1250;
const BOB_HZ = 700;
const TRUNK_HZ = 1000;
const folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-music-'));
const music = path.join(folder, 'music.wav');
writeTone(music, MUSIC_HZ, { rate: 16000, seconds: 3 });
after(() => rmSync(folder, { recursive: true }));

const trunk = new Trunk({ tone: TRUNK_HZ });
const world = useWorld({
  peer: async () => ({ port: (await trunk.open()).port, stop: () => trunk.close() }),
  media: `hold = "music"; music = ${JSON.stringify(music)};`,
});
let phones = [];
beforeEach(() => trunk.clear());
afterEach(() => Promise.all(phones.map((phone) => phone.close())));

const open = async (library, user, tone) => {
  const phone = await openPhone(world.browser, world.gateway, library, user, { tone });
  phones.push(phone);
  return phone;
};

for (const library of ['jssip', 'sipjs']) {
  test(`${library} holds a page: it hears music, then the voice again`, async () => {
    phones = [];
    const alice = await open(library, 'alice');
    const bob = await open(library, 'bob', BOB_HZ);
    await alice.call('bob');
    await bob.reach('incoming');
    await bob.do('answer');
    await Promise.all([alice.reach('confirmed'), bob.reach('confirmed')]);
    await Promise.all([bob.hears(MICROPHONE_HZ), alice.hears(BOB_HZ)]);
    await alice.do('hold');
    await alice.reach('hold');
    await bob.hears(MUSIC_HZ);
    await alice.do('unhold');
    await alice.reach('unhold');
    await Promise.all([bob.hears(MICROPHONE_HZ), alice.hears(BOB_HZ)]);
    await bob.do('hangUp');
    await Promise.all([alice.reach('ended'), bob.reach('ended')]);
  });

  test(`${library} holds the trunk: it hears music, then the voice again`, async () => {
    phones = [];
    const alice = await open(library, 'alice');
    await alice.call('4930123');
    await alice.reach('confirmed');
    await Promise.all([trunk.hears(MICROPHONE_HZ), alice.hears(TRUNK_HZ)]);
    await alice.do('hold');
    await alice.reach('hold');
    trunk.clear();
    await trunk.hears(MUSIC_HZ);
    await alice.do('unhold');
    await alice.reach('unhold');
    trunk.clear();
    await Promise.all([trunk.hears(MICROPHONE_HZ), alice.hears(TRUNK_HZ)]);
    await alice.do('hangUp');
    await alice.reach('ended');
  });
}
