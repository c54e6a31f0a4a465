// baresip with a sine of its own as microphone and its two directions recorded; steered over ctrl_tcp.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { hasTone, readWav } from './audio.mjs';
import { MICROPHONE_HZ } from './browser.mjs';
import { freeRtpPort, freeSipPort, freeTcpPort } from './ports.mjs';
import { Process } from './process.mjs';
import { until } from './wait.mjs';

const WAV_HEADER_BYTES = 44;
const BARESIP = process.env.BARESIP || 'baresip';
const MODULES = ['/usr/lib/baresip/modules', '/usr/lib/x86_64-linux-gnu/baresip/modules', '/usr/lib64/baresip/modules'];

const VIDEO = {
  fakevideo: 'video_source fakevideo,nowhere\nvideo_display fakevideo,nowhere\nvideo_size 320x240\nvideo_fps 15\nvideo_bitrate 300000',
  vidbridge: 'video_source vidbridge,loop\nvideo_display vidbridge,loop\nvideo_size 320x240\nvideo_fps 15\nvideo_bitrate 300000',
};

// { tone: of its microphone, in Hz; accounts: { name: { codec: "gsm/8000/1", module: "gsm" } }, each with a codec of its own; registrar: { port, domain, password }, where the accounts are
//   registered; encryption: "srtp-mand" for keys in the SDP, "dtls_srtp"; video: "fakevideo" is its camera,
//   "vidbridge" shows each caller to himself; pictures: the modules of its codecs for them ("avcodec": H.264) }
export async function startBaresip(options) {
  for (let attempt = 1; ; attempt++) {
    const started = await tryBaresip(options);
    if (started) return started;
    if (attempt === 5) throw new Error('baresip finds no free port');
  }
}

// null: somebody else took a port meanwhile.
async function tryBaresip({ tone, registrar, accounts = { baresip: { codec: 'pcmu/8000/1', module: 'g711' } }, encryption = '', video = '', pictures = ['vp8'] }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-baresip-'));
  const recordings = path.join(folder, 'recordings');
  mkdirSync(recordings);
  const port = await freeSipPort();
  const control = await freeTcpPort();
  const rtp = await freeRtpPort();
  const modules = MODULES.find((candidate) => existsSync(candidate));
  const more = encryption ? `;mediaenc=${encryption}` : '';
  const uri = (name) => registrar ? `sip:${name}@${registrar.domain}` : `sip:${name}@127.0.0.1:${port}`;
  const registration = registrar ? `;regint=60;auth_pass=${registrar.password};outbound="sip:127.0.0.1:${registrar.port}"` : ';regint=0';
  writeFileSync(path.join(folder, 'accounts'),
    Object.entries(accounts).map(([name, { codec }]) => `<${uri(name)}>${registration};answermode=auto;audio_codecs=${codec}${more}\n`).join(''));
  const codecs = [...new Set(Object.values(accounts).map(({ module }) => module))];
  writeFileSync(path.join(folder, 'contacts'), '');
  writeFileSync(path.join(folder, 'config'), `
sip_listen 127.0.0.1:${port}
net_interface 127.0.0.1
ctrl_tcp_listen 127.0.0.1:${control}
audio_source ausine,${tone}
ausrc_srate 48000
ausrc_channels 2
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
audio_path /nonexistent
${video ? VIDEO[video] : ''}
rtp_ports ${rtp}-${rtp + 20}
snd_path ${recordings}
module_path ${modules}
${codecs.map((name) => `module ${name}.so`).join('\n')}
module ausine.so
module aubridge.so
module sndfile.so
module srtp.so
module dtls_srtp.so
${video ? [video, ...pictures].map((name) => `module ${name}.so`).join('\n') : ''}
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
`);
  const baresip = new Process(BARESIP, ['-f', folder]);
  const socket = await until(() => `baresip is up\n${baresip.output}`,
    async () => (await connect(control)) || (!baresip.isRunning && baresip.output.includes('Address already in use')));
  if (socket === true) {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  if (registrar) await until(() => `baresip is registered\n${baresip.output}`, () => / binding\]/.test(baresip.output));
  const events = [];
  readNetstrings(socket, (text) => events.push(JSON.parse(text)));
  let asked = 0;
  const command = (name, params = '') => {
    const text = JSON.stringify({ command: name, params, token: String(++asked) });
    socket.write(`${text.length}:${text},`);
  };
  let used = 0;
  return {
    port,
    tone,
    dial: (to) => command('dial', to),
    hangUp: () => command('hangup'),
    established() {
      return this.reach('CALL_ESTABLISHED');
    },
    ended() {
      return this.reach('CALL_CLOSED');
    },
    events: () => events,
    // The account that dials and hangs up from now on; at first the first.
    choose: (account) => command('uafind', uri(account)),
    // Waits for an event after those waited for before: "CALL_ESTABLISHED", "CALL_CLOSED", ...
    async reach(type) {
      const at = await until(() => `baresip reaches ${type}; ${JSON.stringify(events.slice(used))}\n${baresip.output.slice(-2000)}`,
        () => events.findIndex((event, i) => i >= used && event.event && event.type === type) + 1);
      used = at;
    },
    // What came from the gateway in this call, as far as it is recorded.
    async heard(frequency) {
      await until(`baresip's record has ${frequency} Hz`, () => {
        const files = readdirSync(recordings).filter((name) => name.endsWith('-dec.wav')).sort();
        if (files.length === 0) return false;
        const record = readFileSync(path.join(recordings, files.at(-1)));
        if (record.length <= WAV_HEADER_BYTES) return false; // it has only been opened
        const { samples, rate } = readWav(record);
        return hasTone(samples, frequency, rate);
      });
    },
    forget() {
      readdirSync(recordings).forEach((name) => rmSync(path.join(recordings, name)));
    },
    async stop() {
      socket.destroy();
      await baresip.stop('SIGTERM', 3000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// A call of baresip's and a page's phone, the user carol's; each hears the other's tone.
export async function callBaresip({ baresip, phone, gateway }, isCaller, account) {
  if (account) baresip.choose(account);
  if (isCaller) {
    baresip.dial(`sip:carol@127.0.0.1:${gateway.sipPort}`);
    await phone.reach('incoming');
    await phone.do('answer');
  } else await phone.call(account ?? 'baresip');
  await Promise.all([phone.reach('confirmed'), baresip.established()]);
  await Promise.all([phone.hears(baresip.tone), baresip.heard(MICROPHONE_HZ)]);
}

// "phone" or "baresip" does.
export async function hangUp({ baresip, phone }, who) {
  if (who === 'baresip') baresip.hangUp();
  else await phone.do('hangUp');
  await Promise.all([phone.reach('ended'), baresip.ended()]);
}

function connect(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}

function readNetstrings(socket, take) {
  let buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      const colon = buffer.indexOf(':');
      if (colon < 0) return;
      const end = colon + 1 + Number(buffer.toString('latin1', 0, colon));
      if (buffer.length <= end) return;
      take(buffer.toString('utf8', colon + 1, end));
      buffer = buffer.subarray(end + 1);
    }
  });
}
