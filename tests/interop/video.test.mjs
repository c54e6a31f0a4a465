// Pictures between Chromium and baresip, which has its own camera, or shows each caller to himself.
import { afterEach, beforeEach, describe, test } from 'node:test';
import { callBaresip, hangUp, startBaresip } from './lib/baresip.mjs';
import { openPhone } from './lib/browser.mjs';
import { useWorld } from './lib/world.mjs';

const TONE = 1000;

function useBaresip(video, { encryption = '', srtp = 'off' } = {}) {
  const ends = {};
  const world = useWorld({
    peer: async () => (ends.baresip = await startBaresip({ tone: TONE, video, encryption })),
    address: '127.0.0.1',
    trunk: `srtp = "${srtp}";`,
  });
  ends.open = async (options = { video: true }) => (ends.phone = await openPhone(world.browser, world.gateway, 'jssip', 'carol', options));
  ends.connect = (isCaller) => callBaresip({ ...ends, gateway: world.gateway }, isCaller);
  ends.end = () => hangUp(ends, 'phone');
  beforeEach(() => ends.baresip.forget());
  afterEach(() => ends.phone?.close());
  return ends;
}

describe('a telephone with a camera', () => {
  const ends = useBaresip('fakevideo');
  for (const isCaller of [false, true]) {
    test(isCaller ? 'calls, and is seen' : 'is called, and is seen', async () => {
      await ends.open();
      await ends.connect(isCaller);
      await ends.phone.sees({ width: 320, height: 240 });
      await ends.end();
    });
  }

  test('a page that holds sees again at once', async () => {
    await ends.open();
    await ends.connect(false);
    await ends.phone.sees({});
    await ends.phone.do('hold');
    await ends.phone.reach('hold');
    await ends.phone.do('unhold');
    await ends.phone.reach('unhold');
    await ends.phone.sees({});
    await ends.end();
  });
});

// The camera of Chromium's is green with a moving disc.
const isGreen = (red, green, blue) => green > red + 30 && green > blue + 30;

for (const [how, keys] of Object.entries({
  'keys in the SDP': { encryption: 'srtp-mand', srtp: 'required' },
  DTLS: { encryption: 'dtls_srtp', srtp: 'dtls' },
})) {
  describe(`a telephone with ${how} for each stream shows each caller to himself`, () => {
    const ends = useBaresip('vidbridge', keys);
    for (const isCaller of [false, true]) {
      test(isCaller ? 'it calls' : 'it is called', async () => {
        await ends.open();
        await ends.connect(isCaller);
        await ends.phone.sees({ colour: isGreen });
        await ends.end();
      });
    }
  });
}

describe('two pages', () => {
  const world = useWorld();
  const open = (user) => openPhone(world.browser, world.gateway, 'jssip', user, { video: true });
  test('see each other', async () => {
    const [alice, bob] = await Promise.all([open('alice'), open('bob')]);
    await alice.call('bob');
    await bob.reach('incoming');
    await bob.do('answer');
    await Promise.all([alice.reach('confirmed'), bob.reach('confirmed')]);
    await Promise.all([alice.sees({ colour: isGreen }), bob.sees({ colour: isGreen })]);
    await bob.do('hangUp');
    await alice.reach('ended');
    await Promise.all([alice.close(), bob.close()]);
  });
});

describe('a telephone that shows each caller to himself', () => {
  const ends = useBaresip('vidbridge');
  for (const isCaller of [false, true]) {
    test(isCaller ? 'calls: pictures go there and back' : 'is called: pictures go there and back', async () => {
      await ends.open();
      await ends.connect(isCaller);
      await ends.phone.sees({ colour: isGreen });
      await ends.end();
    });
  }

  test('pictures are added to a call of voices', async () => {
    await ends.open({});
    await ends.connect(false);
    await ends.phone.do('addVideo');
    await ends.phone.reach('renegotiated');
    await ends.phone.sees({ colour: isGreen });
    await ends.phone.hears(TONE);
    await ends.end();
  });
});
