// Ports that no other test has. A TCP listener per block is the claim on it, held as long as the process lives.
import dgram from 'node:dgram';
import net from 'node:net';

const BLOCK_FIRST = 41000;
const BLOCK_PORTS = 400;
const BLOCKS = 50;

// A block of UDP ports for a daemon's media: { first, last }.
export async function mediaPorts() {
  for (let i = 0; i < BLOCKS; i++) {
    const first = BLOCK_FIRST + i * BLOCK_PORTS;
    const claim = net.createServer();
    const taken = await new Promise((resolve) => {
      claim.once('error', () => resolve(true));
      claim.listen(first, '127.0.0.1', () => resolve(false));
    });
    if (taken) continue;
    claim.unref();
    return { first, last: first + BLOCK_PORTS - 1, release: () => claim.close() };
  }
  throw new Error('no block of media ports is free');
}

export function freeTcpPort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Free for UDP, and for TCP too, which some SIP programs open beside it.
export async function freeUdpPort() {
  for (;;) {
    const port = await freeTcpPort();
    if (await canBind(port)) return port;
  }
}

// A port for SIP over UDP and TCP whose neighbour is free for TLS, which some SIP programs open unasked.
export async function freeSipPort() {
  for (;;) {
    const port = await freeUdpPort();
    if (await canListen(port + 1)) return port;
  }
}

// An even port whose odd neighbour is free too, as RTP and RTCP want it.
export async function freeRtpPort() {
  for (;;) {
    const port = (await freeUdpPort()) & ~1;
    const free = await Promise.all([port, port + 1, port + 2].map(canBind));
    if (port > 1024 && free.every(Boolean)) return port;
  }
}

function canListen(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function canBind(port) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
