// A call with video to the echo, for a while; prints what the browser and the gateway have counted. Argument: the lines of
// descriptions to leave out, as a regular expression.
import { makeWeb, openPhone, startBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { delay, until } from './wait.mjs';

const SECONDS = 20;
const without = process.argv[2] || '';

const video = (stats, type) => stats.find((s) => s.type === type && s.kind === 'video') || {};

const web = await makeWeb();
const browser = await startBrowser();
const gateway = await startDaemon({ web: web.folder });
try {
  const phone = await openPhone(browser, gateway, 'jssip', 'alice', { video: true, without });
  await phone.call('9196');
  await phone.reach('confirmed');
  await until('pictures come back', async () => video(await phone.do('stats'), 'inbound-rtp').framesDecoded > 0);
  const before = await phone.do('stats');
  await delay(SECONDS * 1000);
  const after = await phone.do('stats');
  const metrics = Object.fromEntries(
    [...(await gateway.metrics()).matchAll(/^tandem_media_repair_total\{what="(\w+)"\} (\d+)/gm)].map(([, what, n]) => [what, Number(n)]));
  const grown = (type, names) => Object.fromEntries(
    names.map((name) => [name, (video(after, type)[name] || 0) - (video(before, type)[name] || 0)]));
  const sent = grown('outbound-rtp', ['packetsSent', 'framesSent', 'retransmittedPacketsSent', 'nackCount', 'pliCount', 'firCount', 'bytesSent']);
  const received = grown('inbound-rtp', ['packetsReceived', 'packetsLost', 'framesReceived', 'framesDecoded', 'framesDropped',
    'nackCount', 'pliCount', 'firCount', 'freezeCount', 'totalFreezesDuration', 'retransmittedPacketsReceived', 'bytesReceived']);
  received.framesExpected = sent.framesSent;
  console.log(JSON.stringify({ sent, received, metrics }));
} finally {
  await browser.stop();
  await gateway.stop();
  web.remove();
}
