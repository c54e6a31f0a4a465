// Pictures in every codec, as they are seen: VP8, VP9 and H.264 with baresip, all of these and AV1 (which Debian's baresip has not) between
// pages; again after hold, and after a transfer.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { callBaresip, hangUp, startBaresip } from './lib/baresip.mjs';
import { openPhone } from './lib/browser.mjs';
import { DOMAIN } from './lib/daemon.mjs';
import { useWorld } from './lib/world.mjs';

// What a page's camera shows, and how far a codec may change it.
const COLOUR = {
  red: (red, green, blue) => red > green + 60 && red > blue + 60,
  lime: (red, green, blue) => green > red + 60 && green > blue + 60,
  blue: (red, green, blue) => blue > red + 60 && blue > green + 60,
};
const VP9 = { name: 'VP9', parameters: { 'profile-id': '0' } };
const H264 = (mode, profile = '42e01f') => ({ name: 'H264', parameters: { 'packetization-mode': mode, 'profile-level-id': profile } });
const H264_MODES = { 'H.264, packetization mode 1': H264('1'), 'H.264, packetization mode 0': H264('0') };
const ALL = { VP8: { name: 'VP8' }, VP9, AV1: { name: 'AV1', parameters: { profile: '0' } }, 'H.264': H264('1') };
const SOON_MS = 2000; // pages and baresip make key frames when they are asked, and hardly ever otherwise

const sip = (user) => `sip:${user}@${DOMAIN}`;
const looks = (phone) => phone.do('seen');

// The codecs with their parameters that the last description of pictures named which crossed the page's WebSocket, as "H264 name=value;...".
async function codecs(phone, { out }) {
  const messages = await phone.page.evaluate(() => window.test.messages);
  const { text } = messages.filter((one) => one.out === out && /^m=video/m.test(one.text)).at(-1);
  const lines = text.slice(text.indexOf('m=video'));
  return [...lines.matchAll(/^a=rtpmap:(\d+) (?!rtx|red|ulpfec)([^/]+)/gm)].map(
    ([, type, name]) => `${name} ${new RegExp(`^a=fmtp:${type} (.*?)\r?$`, 'm').exec(lines)?.[1] ?? ''}`);
}

function assertAre(found, { name, parameters = {} }) {
  const wanted = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  assert.ok(found.length > 0 && found.every((one) => one.startsWith(`${name} `) && wanted.every((parameter) => one.includes(parameter))),
    found.join('\n'));
}

function useBaresip(video) {
  const ends = {};
  const world = useWorld({
    peer: async () => (ends.baresip = await startBaresip({ tone: 1000, video, pictures: ['vp8', 'vp9', 'avcodec'] })),
    address: '127.0.0.1',
  });
  ends.open = (user, colour, pictures) => openPhone(world.browser, world.gateway, 'jssip', user, { colour, pictures });
  ends.connect = (phone, isCaller) => callBaresip({ ...ends, phone, gateway: world.gateway }, isCaller);
  ends.world = world;
  beforeEach(() => ends.baresip.forget());
  return ends;
}

describe('a telephone that shows each caller to himself', () => {
  const ends = useBaresip('vidbridge');
  let phones = [];
  const open = async (...how) => {
    phones.push(await ends.open(...how));
    return phones.at(-1);
  };
  afterEach(async () => {
    await Promise.all(phones.map((phone) => phone.close()));
    phones = [];
  });

  const shows = async (pictures, isCaller) => {
    const phone = await open('carol', 'red', pictures);
    await ends.connect(phone, isCaller);
    await phone.sees({ width: 320, height: 240, colour: COLOUR.red });
    assertAre(await codecs(phone, { out: true }), pictures);
    await hangUp({ ...ends, phone }, 'phone');
  };

  for (const [name, pictures] of Object.entries(H264_MODES)) {
    for (const isCaller of [false, true]) test(isCaller ? `calls: ${name}` : `is called: ${name}`, () => shows(pictures, isCaller));
  }

  test('is called: H.264, and answers with another profile than was offered', () => shows(H264('1', '4d001f'), false));
  test('calls: H.264 in every profile that Chromium has', () => shows({ name: 'H264' }, true));

  test('is transferred to another page', async () => {
    const [alice, carol] = [await open('alice', 'red'), await open('carol', 'blue')];
    await alice.call('baresip');
    await Promise.all([alice.reach('confirmed'), ends.baresip.established()]);
    await alice.sees({ colour: COLOUR.red, frames: 1 });
    await alice.do('transfer', sip('carol'));
    await carol.reach('incoming');
    await carol.do('answer');
    await carol.reach('confirmed');
    await carol.sees({ colour: COLOUR.blue, frames: 1 }, SOON_MS);
    await hangUp({ ...ends, phone: carol }, 'phone');
  });
});

// It decodes no VP9 of Chromium's, which is in flexible mode: so what it shows is its own camera.
describe('a telephone with a camera', () => {
  const ends = useBaresip('fakevideo');
  for (const isCaller of [false, true]) {
    test(isCaller ? 'calls: VP9' : 'is called: VP9', async () => {
      const phone = await ends.open('carol', 'blue', VP9);
      await ends.connect(phone, isCaller);
      await phone.sees({ width: 320, height: 240, colour: COLOUR.red });
      await hangUp({ ...ends, phone }, 'phone');
      await phone.close();
    });
  }
});

describe('pages', () => {
  const world = useWorld();
  let phones = [];
  const open = async (user, colour, pictures) => {
    phones.push(await openPhone(world.browser, world.gateway, 'jssip', user, { tone: 500, colour, pictures }));
    return phones.at(-1);
  };
  const connect = async (caller, callee, how = 'call') => {
    await caller.do(how, sip(callee.user));
    await callee.reach('incoming');
    await callee.do('answer');
    await Promise.all([caller.reach('confirmed'), callee.reach('confirmed')]);
  };
  afterEach(async () => {
    await Promise.all(phones.map((phone) => phone.close()));
    phones = [];
  });

  for (const [name, pictures] of Object.entries(ALL)) {
    test(`see each other, and again when one has held: ${name}`, async () => {
      const [alice, bob] = [await open('alice', 'red', pictures), await open('bob', 'lime')];
      const see = (frames) => Promise.all([alice.sees({ colour: COLOUR.lime, frames }, SOON_MS), bob.sees({ colour: COLOUR.red, frames }, SOON_MS)]);
      await connect(alice, bob);
      await see(1);
      for (const one of [{ out: false }, { out: true }]) assertAre(await codecs(bob, one), pictures);
      await see(10);
      await alice.do('hold');
      await alice.reach('hold');
      const before = await looks(bob);
      await alice.do('unhold');
      await alice.reach('unhold');
      await see(1);
      const after = await looks(bob);
      assert.ok(after.keys > before.keys && after.asked > 0, JSON.stringify([before, after]));
      await see(10);
      await bob.do('hangUp');
      await alice.reach('ended');
    });
  }

  for (const [how, prepare] of Object.entries({
    blindly: async (alice, carol, bob) => {
      const { asked } = await looks(bob);
      await alice.do('transfer', sip('carol'));
      await carol.reach('incoming');
      await carol.do('answer');
      await carol.reach('confirmed');
      return asked;
    },
    'after asking': async (alice, carol) => {
      await alice.do('hold');
      await alice.reach('hold');
      await connect(alice, carol, 'consult');
      await Promise.all([alice.sees({ colour: COLOUR.blue, frames: 1 }), carol.sees({ colour: COLOUR.red, frames: 1 })]);
      await alice.do('transferToConsulted');
      return 0; // who was held begins anew
    },
  })) {
    test(`are transferred ${how}, and see each other`, async () => {
      const [alice, bob, carol] = [await open('alice', 'red'), await open('bob', 'lime'), await open('carol', 'blue')];
      await connect(alice, bob);
      await Promise.all([alice.sees({ colour: COLOUR.lime, frames: 1 }), bob.sees({ colour: COLOUR.red, frames: 1 })]);
      const before = await prepare(alice, carol, bob);
      await alice.reach('transferred');
      await Promise.all([bob.sees({ colour: COLOUR.blue, frames: 1 }, SOON_MS), carol.sees({ colour: COLOUR.lime, frames: 1 }, SOON_MS)]);
      assert.ok((await looks(bob)).asked > before);
      await bob.do('hangUp');
      await carol.reach('ended');
    });
  }
});
