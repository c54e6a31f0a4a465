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

// Chromium sends what an offer has first, even when its own answer leaves that out: so it must not see it.
function withoutOthers(sdp, names) {
  const types = [...sdp.matchAll(/^a=rtpmap:(\d+) ([^/]+)/gm)];
  const others = types.filter(([, , name]) => !names.includes(name) && name !== 'telephone-event').map(([, type]) => type);
  return sdp.split('\r\n')
    .filter((line) => !others.some((type) => new RegExp(`^a=(rtpmap|fmtp|rtcp-fb):${type} `).test(line)))
    .map((line) => (line.startsWith('m=audio') ? line.split(' ').filter((word, i) => i < 3 || !others.includes(word)).join(' ') : line))
    .join('\r\n');
}

// Makes the browser one that has no other codecs for sound.
export function limitCodecs(names) {
  const wanted = RTCRtpReceiver.getCapabilities('audio').codecs.filter(({ mimeType }) => names.includes(mimeType.slice('audio/'.length)));
  const native = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function limited(description) {
    return native.call(this, { type: description.type, sdp: withoutOthers(description.sdp, names) });
  };
  for (const make of ['createOffer', 'createAnswer']) {
    const native = RTCPeerConnection.prototype[make];
    RTCPeerConnection.prototype[make] = function limited(...parameters) {
      for (const transceiver of this.getTransceivers())
        if (transceiver.receiver.track.kind === 'audio') transceiver.setCodecPreferences(wanted);
      return native.apply(this, parameters);
    };
  }
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

// The picture that is on the screen: its size, the colour in its middle, and how many were decoded.
async function seen() {
  const figures = { decoded: 0, keys: 0, lost: 0, width: screen.videoWidth, height: screen.videoHeight };
  for (const report of watched ? (await watched.getStats()).values() : [])
    if (report.type === 'inbound-rtp' && report.kind === 'video')
      Object.assign(figures, { decoded: report.framesDecoded ?? 0, keys: report.keyFramesDecoded ?? 0, lost: report.packetsLost });
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
