// Video over a line that loses every twentieth packet in both directions: the losses are made good.
import assert from 'node:assert';
import { test } from 'node:test';
import { canMakeNetwork, runInNetwork } from './lib/network.mjs';

// Chromium finds an address, and the kernel drops what comes.
const LOSSY = `ip addr add 10.77.0.1/24 dev v0 && ip route add default dev v0 &&
iptables -A INPUT -p udp -m statistic --mode random --probability 0.05 -j DROP`;

const measure = (without) => runInNetwork(LOSSY, 'lossy_call.mjs', without);
const skip = canMakeNetwork(LOSSY) ? false : 'needs root and the statistic match of iptables';

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
