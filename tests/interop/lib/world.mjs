// What a test file needs, started together and ended together.
import { after, before } from 'node:test';
import { makeWeb, startBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';

// `peer()` starts the far end and gives { port, stop }, and the daemon's trunk points there; or, in place of the port, `gateway`: what
// startDaemon() is to be told.
export function useWorld({ peer = async () => ({ port: 0, stop() {} }), demo = false, address = '', upstream, trunk, media, more = async () => '' } = {}) {
  const world = {};
  before(async () => {
    const started = await Promise.allSettled([makeWeb(), startBrowser(), peer()]);
    [world.web, world.browser, world.peer] = started.map(({ value }) => value); // what was started is ended, whatever else failed
    for (const { reason } of started) if (reason) throw reason;
    world.gateway = await startDaemon({ peer: world.peer.port, web: world.web.folder, demo, address, upstream, trunk, media, more: await more(), ...world.peer.gateway });
  }, { timeout: 60000 });
  after(async () => {
    await world.browser?.stop();
    await world.peer?.stop();
    world.web?.remove();
    await world.gateway?.stop();
  }, { timeout: 60000 });
  return world;
}
