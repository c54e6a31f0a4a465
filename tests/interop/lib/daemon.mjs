// The daemon under test, on free ports, with a configuration of the test's own.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freeTcpPort, freeUdpPort, mediaPorts } from './ports.mjs';
import { Process } from './process.mjs';
import { until } from './wait.mjs';

export const TOP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BUILD = path.resolve(process.env.TANDEM_BUILD || path.join(TOP, 'build'));
export const DOMAIN = 'interop.test';
export const USERS = { alice: 'wonder-land', bob: 'builder-bob', carol: 'sing-carol' };

const text = (value) => JSON.stringify(value);
const plugins = path.join(BUILD, 'plugins/.libs');
// What the configuration of a daemon that is not installed says of its plugins.
export const PLUGINS = existsSync(plugins) ? `plugins : { directory = ${text(plugins)}; };` : '';

// { upstream: the trunk's peer knows the users, and of those in `kept` we know their { username, password } there;
//   peer: port of the trunk at `peerHost`, trunk: more of its options, web: folder of pages, demo, address: where media is (or a list),
//   else wherever the host is,
//   media: more of its options, more: more groups;
//   trunks, routes: texts in place of the one trunk and its route; listen, sip: more of where the gateway speaks SIP, of its options }
export async function startDaemon({ peer = 0, peerHost = '127.0.0.1', web, demo = false, address = '', upstream, trunk = '', trunks, routes, listen = '', sip = '', media: moreMedia = '', more = '' }) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tandem-interop-'));
  const media = await mediaPorts();
  const webPort = await freeTcpPort();
  const sipPort = await freeUdpPort();
  const there = ({ username, password }) => `upstream = "peer"; upstream_username = ${text(username)}; upstream_password = ${text(password)};`;
  const users = Object.entries(USERS).filter(([name]) => !upstream || upstream.kept[name]).map(
    ([name, password]) => `{ name = ${text(name)}; password = ${text(password)}; ${upstream ? there(upstream.kept[name]) : ''} }`);
  const file = path.join(directory, 'tandem.conf');
  writeFileSync(file, `
domain = "${DOMAIN}";
web : { listen = ("127.0.0.1:${webPort}"); root = ${text(web)}; demo = ${demo}; };
sip : { listen = ("udp:${peerHost}:${sipPort}"${listen ? `, ${listen}` : ''}); ${sip} };
media : { ports = "${media.first}-${media.last}"; workers = 1;${address.length ? ` address = (${[address].flat().map(text).join(', ')});` : ''} ${moreMedia} };
${more}
${PLUGINS}
users : ( ${users.join(', ')} );
trunks : ( ${trunks ?? (peer ? `{ name = "peer"; peer = "sip:${peerHost}:${peer}"; ${upstream ? `domain = "${DOMAIN}"; expires_seconds = 10; retry_seconds = 1; ` : ''}${trunk} }` : '')} );
${upstream ? 'registrar : { upstream = "peer"; grace_seconds = 1; expires_min_seconds = 5; };' : ''}
routes : ( ${routes ?? (peer ? '{ to = "peer"; }' : '')} );
shutdown : { drain_seconds = 0; };
log : { level = "${process.env.INTEROP_LOG || 'info'}"; };
`);
  const url = `http://127.0.0.1:${webPort}`;
  const daemon = await runDaemon(file, url);
  return {
    ...daemon, sipPort,
    websocket: `ws://127.0.0.1:${webPort}/ws`,
    stop: async () => {
      await daemon.stop();
      media.release();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

// With a configuration as it is; `url` is where its web side will be.
export async function runDaemon(file, url) {
  const daemon = new Process(path.join(BUILD, 'tandem'), ['-c', file]);
  const keep = process.env.INTEROP_KEEP;
  if (keep) daemon.ended.then(() => writeFileSync(path.join(keep, `tandem-${daemon.child.pid}.log`), daemon.output));
  await until(() => `the daemon is up\n${daemon.output}`, async () => {
    if (!daemon.isRunning) throw new Error(`the daemon ended with ${daemon.code}:\n${daemon.output}`);
    return get(`${url}/healthz`).then(({ status }) => status === 200, () => false);
  });
  return {
    url, daemon,
    metrics: async () => (await get(`${url}/metrics`)).text,
    // Sanitizers report by the exit code.
    stop: async () => {
      const code = await daemon.stop();
      if (code !== 0) throw new Error(`the daemon ended with ${code}:\n${daemon.output.slice(-6000)}`);
    },
  };
}

// Whoever vouches for the certificate.
function get(url) {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? https : http).get(url, { rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve({ status: response.statusCode, text }));
    });
    request.on('error', reject);
  });
}
