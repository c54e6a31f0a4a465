// Chromium and a trunk that have no address family in common, and Chromium where one of two families leads nowhere.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { canMakeNetwork, runInNetwork } from './lib/network.mjs';

const IPV4 = 'ip addr add 10.77.0.1/24 dev v0 && ip route add default dev v0';
const IPV6 = 'ip addr add fd00:77::1/64 dev v0 nodad && ip -6 route add default dev v0';
const skip = canMakeNetwork(`${IPV4} && ${IPV6} && iptables -L INPUT`) ? false : 'needs root, IPv6 and iptables';

async function check(network, addresses, trunk, family) {
  const pairs = await runInNetwork(network, 'family_call.mjs', addresses, trunk);
  assert.equal(pairs.length, 2);
  for (const { local, remote } of pairs) assert.deepEqual([net.isIP(local), net.isIP(remote)], [family, family], JSON.stringify(pairs));
}

test('a page on IPv6 and a trunk on IPv4 hear each other', { skip, timeout: 120000 },
  () => check(IPV6, 'fd00:77::1,127.0.0.1', '127.0.0.1', 6));

test('a page on IPv4 and a trunk on IPv6 hear each other', { skip, timeout: 120000 },
  () => check(IPV4, '10.77.0.1,::1', '::1', 4));

test('a page of both families takes the one that works', { skip, timeout: 120000 },
  () => check(`${IPV4} && ${IPV6} && iptables -A INPUT -p udp -d 10.77.0.1 -j DROP`, '10.77.0.1,fd00:77::1,127.0.0.1', '127.0.0.1', 6));
