// A TCP relay before a port, so that a test can cut a page's connection as a network does, or make it slow.
import net from 'node:net';
import { PassThrough, Transform } from 'node:stream';

const slow = (delay) => (delay ? new Transform({ transform: (data, _, done) => setTimeout(done, delay, null, data) }) : new PassThrough());

// Each piece of data takes `delay` ms more in each direction.
export async function startRelay(port, { delay = 0 } = {}) {
  const pairs = new Set();
  let isCut = false;
  const server = net.createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = net.connect(port, '127.0.0.1');
    const pair = { near, far };
    pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    near.pipe(slow(delay)).pipe(far);
    far.pipe(slow(delay)).pipe(near);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    // Every connection breaks with a reset; until mend() no new one is taken.
    cut() {
      isCut = true;
      for (const { near, far } of pairs) {
        near.resetAndDestroy();
        far.resetAndDestroy();
      }
    },
    mend() {
      isCut = false;
    },
    stop: () => new Promise((resolve) => {
      isCut = true;
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      server.close(resolve);
    }),
  };
}
