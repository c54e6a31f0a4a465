// Video over a line that loses every twentieth packet in both directions: the losses are made good.
import assert from 'node:assert';
import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

// In a network of its own, where Chromium finds an address and the kernel drops what comes.
const network = `ip link set lo up && ip link add v0 type veth peer name v1 && ip addr add 10.77.0.1/24 dev v0 && ip link set v0 up && ip link set v1 up &&
ip route add default dev v0 && iptables -A INPUT -p udp -m statistic --mode random --probability 0.05 -j DROP && exec "$@"`;
const unshare = ['--net', 'sh', '-c', network, 'sh'];

function canLose() {
  try {
    execFileSync('unshare', [...unshare, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function measure(without) {
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'lib/lossy_call.mjs');
  return new Promise((resolve, reject) => {
    execFile('unshare', [...unshare, process.execPath, script, without], { timeout: 120000 }, (error, out, problems) => {
      if (error) reject(new Error(`${error.message}\n${problems}`));
      else resolve(JSON.parse(out.trim().split('\n').at(-1)));
    });
  });
}

const skip = canLose() ? false : 'needs root and the statistic match of iptables';

test('5 % of all packets are lost and asked for', { skip, timeout: 240000 }, async (t) => {
  const { sent, received, metrics } = await measure('');
  t.diagnostic(`with NACK: ${JSON.stringify({ sent, received, metrics })}`);
  const bare = await measure('^a=rtcp-fb:\\S+ nack$');
  t.diagnostic(`without: ${JSON.stringify(bare)}`);
  assert(sent.retransmittedPacketsSent > 0, 'we have asked for nothing');
  assert(received.nackCount > 0, 'the browser has asked for nothing');
  assert(metrics.sent_again > 0 && metrics.come_again > 0);
  // Of what was lost on the way to the browser nearly everything came again, and the pictures went on.
  assert(received.framesDecoded > 0.9 * received.framesExpected, `${received.framesDecoded} of ${received.framesExpected} frames`);
  assert(received.totalFreezesDuration < 2, `${received.totalFreezesDuration} s frozen`);
  assert(bare.received.framesDecoded < received.framesDecoded && bare.metrics.sent_again === 0);
});
