// What both test pages share: the WebSocket's messages kept for the test, microphone or oscillator, and what is heard.
const messages = [];
const Native = window.WebSocket;
window.WebSocket = class extends Native {
  constructor(...parameters) {
    super(...parameters);
    this.addEventListener('message', ({ data }) => messages.push({ out: false, text: String(data) }));
  }

  send(data) {
    messages.push({ out: true, text: String(data) });
    super.send(data);
  }
};

// An m= line and what follows it, with the wanted codecs alone.
function thinned(section, isWanted) {
  const told = (attribute, type) => new RegExp(`^a=${attribute}:${type} (.*?)\r?$`, 'm').exec(section)?.[1] ?? '';
  const isKept = (type) => {
    const [name] = told('rtpmap', type).split('/');
    if (name === 'rtx') return isKept(told('fmtp', type).slice('apt='.length));
    return !name || name === 'telephone-event' || isWanted(name, told('fmtp', type));
  };
  const [media, ...lines] = section.split('\r\n');
  const [kind, port, profile, ...types] = media.split(' ');
  const kept = types.filter(isKept);
  const belongs = (line) => kept.includes(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line)?.[1] ?? kept[0]);
  return [[kind, port, profile, ...kept].join(' '), ...lines.filter(belongs)].join('\r\n');
}

// Chromium sends what an offer has first, even when its own answer leaves that out: so it must not see it.
function withoutOthers(sdp, kind, isWanted) {
  return sdp.split(/^(?=m=)/m).map((section) => (section.startsWith(`m=${kind} `) ? thinned(section, isWanted) : section)).join('');
}

// Makes the browser one that has no other codecs for this kind.
function limit(kind, isWanted) {
  const wanted = RTCRtpReceiver.getCapabilities(kind).codecs.filter(({ mimeType, sdpFmtpLine = '' }) => {
    const name = mimeType.slice(kind.length + 1);
    return name === 'rtx' || isWanted(name, sdpFmtpLine);
  });
  const native = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function limited(description) {
    const { type, sdp } = description;
    return native.call(this, type === 'offer' ? { type, sdp: withoutOthers(sdp, kind, isWanted) } : description);
  };
  for (const make of ['createOffer', 'createAnswer']) {
    const native = RTCPeerConnection.prototype[make];
    RTCPeerConnection.prototype[make] = function limited(...parameters) {
      for (const transceiver of this.getTransceivers())
        if (transceiver.receiver.track.kind === kind) transceiver.setCodecPreferences(wanted);
      return native.apply(this, parameters);
    };
  }
}

export const limitCodecs = (names) => limit('audio', (name) => names.includes(name));

// To one, { name: "H264", parameters: { "packetization-mode": "1" } }: an a=fmtp that says nothing of a parameter fits.
export const limitPictures = ({ name, parameters = {} }) => limit('video', (one, described) => {
  const said = Object.fromEntries(described.split(/; */).map((parameter) => parameter.split('=')));
  return one === name && Object.entries(parameters).every(([key, value]) => (said[key] ?? value) === value);
});

// A camera that shows one colour, with something small that moves.
export function paint(colour) {
  const drawing = Object.assign(document.createElement('canvas'), { width: 320, height: 240 }).getContext('2d');
  let at = 0;
  setInterval(() => {
    drawing.fillStyle = colour;
    drawing.fillRect(0, 0, 320, 240);
    drawing.fillStyle = 'white';
    drawing.fillRect((at += 8) % 320, 0, 16, 16);
  }, 1000 / 15);
  return drawing.canvas.captureStream(15).getVideoTracks()[0];
}

const context = new AudioContext();

// A tone of the page's own where several pages share one browser's fake microphone, else that microphone, untouched.
export async function openSound(tone, video = false) {
  if (!tone) {
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    return navigator.mediaDevices.getUserMedia({ audio, video });
  }
  await context.resume();
  const oscillator = context.createOscillator();
  oscillator.frequency.value = tone;
  const gain = context.createGain();
  gain.gain.value = 0.4;
  const destination = context.createMediaStreamDestination();
  oscillator.connect(gain).connect(destination);
  oscillator.start();
  return destination.stream;
}

const element = document.createElement('audio');
element.autoplay = true;
let analyser = null;

// A received track reaches an analyser only while an element plays it, too.
export function hear(stream) {
  element.srcObject = stream;
  element.play();
  analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  analyser.smoothingTimeConstant = 0;
  context.createMediaStreamSource(stream).connect(analyser);
}

const screen = document.createElement('video');
screen.autoplay = screen.muted = true;
const canvas = document.createElement('canvas');
let watched = null;

export function watch(connection) {
  watched = connection;
  connection.addEventListener('track', ({ track }) => {
    if (track.kind === 'audio') {
      hear(new MediaStream([track]));
      return;
    }
    document.body.append(screen);
    screen.srcObject = new MediaStream([track]);
    screen.play();
  });
}

// The picture that is on the screen: its size, the colour in its middle, how many were decoded, and how often a key frame was asked of us.
async function seen() {
  const figures = { decoded: 0, keys: 0, lost: 0, asked: 0, width: screen.videoWidth, height: screen.videoHeight };
  for (const report of watched ? (await watched.getStats()).values() : [])
    if (report.type === 'inbound-rtp' && report.kind === 'video')
      Object.assign(figures, { decoded: report.framesDecoded ?? 0, keys: report.keyFramesDecoded ?? 0, lost: report.packetsLost });
    else if (report.type === 'outbound-rtp' && report.kind === 'video')
      figures.asked = (report.pliCount ?? 0) + (report.firCount ?? 0);
  if (!screen.videoWidth) return figures;
  canvas.width = canvas.height = 1;
  const drawing = canvas.getContext('2d');
  drawing.drawImage(screen, screen.videoWidth / 8, screen.videoHeight / 2, 1, 1, 0, 0, 1, 1);
  return { ...figures, colour: [...drawing.getImageData(0, 0, 1, 1).data].slice(0, 3) };
}

// The browser's own figures of the sound: what it has sent and got, and what the far end's reports tell it.
async function figures() {
  const all = [...(await watched.getStats()).values()].filter(({ kind }) => kind === 'audio');
  const of = (type) => all.find((report) => report.type === type) ?? {};
  return {
    sent: of('outbound-rtp').packetsSent, received: of('inbound-rtp').packetsReceived, lost: of('inbound-rtp').packetsLost,
    lostThere: of('remote-inbound-rtp').packetsLost, roundTrip: of('remote-inbound-rtp').roundTripTime,
  };
}

// What the test calls; the pages add theirs.
window.test = {
  messages,
  seen,
  figures,
  heard() {
    if (!analyser) return { frequency: 0, level: -Infinity };
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    let best = 1;
    for (let i = 2; i < bins.length - 1; i++) if (bins[i] > bins[best]) best = i;
    return { frequency: (best * context.sampleRate) / analyser.fftSize, level: bins[best] };
  },
  states: [],
};

export function state(name, detail = {}) {
  window.test.states.push({ name, ...detail });
}
