// The gateway's own extensions, heard by a browser.
import { test } from 'node:test';
import { MICROPHONE_HZ, openPhone } from './lib/browser.mjs';
import { useWorld } from './lib/world.mjs';

const world = useWorld();
const MILLIWATT_HZ = 1004;

for (const library of ['jssip', 'sipjs']) {
  test(`${library}: 9196 gives back what is said`, async () => {
    const phone = await openPhone(world.browser, world.gateway, library, 'alice');
    await phone.call('9196');
    await phone.reach('confirmed');
    await phone.hears(MICROPHONE_HZ);
    await phone.do('hangUp');
    await phone.reach('ended');
    await phone.close();
  });

  test(`${library}: 9197 is the milliwatt tone`, async () => {
    const phone = await openPhone(world.browser, world.gateway, library, 'alice');
    await phone.call('9197');
    await phone.reach('confirmed');
    await phone.hears(MILLIWATT_HZ);
    await phone.do('hangUp');
    await phone.reach('ended');
    await phone.close();
  });

  test(`${library}: a number that nobody has`, async () => {
    const phone = await openPhone(world.browser, world.gateway, library, 'alice');
    await phone.call('nobody');
    const { code } = await phone.reach('failed');
    if (code !== 404) throw new Error(`answered ${code}`);
    await phone.close();
  });
}
