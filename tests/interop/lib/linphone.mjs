// linphonec, registered at a PBX: it plays a tone out of a file, answers by itself, and records what it hears.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hasTone, writeTone } from './audio.mjs';
import { freeRtpPort, freeUdpPort } from './ports.mjs';
import { Process } from './process.mjs';
import { until } from './wait.mjs';

const WAV_HEADER_BYTES = 44;
const RATE_HZ = 8000; // of PCMU, the codec it is left with
const LINPHONE = process.env.LINPHONE || 'linphonec';

// { tone: in Hz; registrar: { port, domain }, user, password }
export async function startLinphone({ tone, registrar, user, password }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-linphone-'));
  for (const name of ['.local/share/linphone', '.config/linphone']) mkdirSync(path.join(folder, name), { recursive: true });
  const port = await freeUdpPort();
  const played = path.join(folder, 'tone.wav');
  const recorded = path.join(folder, 'heard.wav');
  writeTone(played, tone, { rate: 16000 });
  writeFileSync(path.join(folder, 'linphonerc'), `
[sip]
sip_port=${port}
sip_tcp_port=0
sip_tls_port=0
bind_address=127.0.0.1
use_ipv6=0
guess_hostname=0
contact=sip:${user}@127.0.0.1:${port}
media_encryption=none
default_proxy=0
[rtp]
audio_rtp_port=${await freeRtpPort()}
[proxy_0]
reg_proxy=<sip:127.0.0.1:${registrar.port}>
reg_identity=sip:${user}@${registrar.domain}
reg_route=<sip:127.0.0.1:${registrar.port};lr>
reg_expires=60
reg_sendregister=1
[auth_info_0]
username=${user}
passwd=${password}
realm=${registrar.domain}
`);
  const linphone = new Process('stdbuf', ['-o0', LINPHONE, '-c', path.join(folder, 'linphonerc'), '-a'],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, HOME: folder } });
  const command = (text) => linphone.child.stdin.write(`${text}\n`);
  let used = 0;
  // Waits for what it says, after what was waited for before.
  const says = (pattern) => until(() => `linphone says ${pattern}\n${linphone.output.slice(used).slice(-2000)}`, () => {
    if (!linphone.isRunning) throw new Error(`linphone ended with ${linphone.code}:\n${linphone.output.slice(-3000)}`);
    const found = pattern.exec(linphone.output.slice(used));
    if (found) used += found.index + found[0].length;
    return found;
  });
  for (const text of ['soundcard use files', `play ${played}`, `record ${recorded}`, 'codec disable all', 'codec list']) command(text);
  command(`codec enable ${(await says(/(\d+): PCMU /))[1]}`);
  await until(() => `linphone is registered\n${linphone.output.slice(-3000)}`, () => {
    command('status register');
    return /registered=1|registered, identity/.test(linphone.output);
  });
  return {
    tone,
    dial: (to) => command(`call ${to}`),
    hangUp: () => command('terminate'),
    established: () => says(/Call \d+ with .* connected/),
    ended: () => says(/Call \d+ with .* ended/),
    async heard(frequency) {
      await until(`linphone's record has ${frequency} Hz`, () => {
        const file = existsSync(recorded) ? readFileSync(recorded) : Buffer.alloc(0);
        const samples = new Float64Array(Math.max(0, (file.length - WAV_HEADER_BYTES) >> 1));
        for (let i = 0; i < samples.length; i++) samples[i] = file.readInt16LE(WAV_HEADER_BYTES + 2 * i); // its header comes last
        return hasTone(samples, frequency, RATE_HZ);
      });
    },
    forget: () => rmSync(recorded, { force: true }),
    async stop() {
      command('quit');
      await linphone.stop('SIGTERM', 3000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
