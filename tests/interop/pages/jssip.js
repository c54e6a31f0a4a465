import JsSIP from 'jssip';
import { limitCodecs, limitPictures, openSound, paint, state, watch } from './common.js';

let ua;
let session;
let first; // the call before the consultation
let sound;
let leftOut; // lines of descriptions that begin so are not there

function follow(next) {
  session = next;
  session.on('sdp', (description) => {
    if (leftOut) description.sdp = description.sdp.split('\r\n').filter((line) => !new RegExp(leftOut).test(line)).join('\r\n');
  });
  if (session.connection) watch(session.connection);
  else session.on('peerconnection', ({ peerconnection }) => watch(peerconnection));
  session.on('progress', ({ originator, response }) => state('progress', { originator, code: response?.status_code }));
  session.on('confirmed', () => state('confirmed'));
  session.on('ended', ({ originator, cause }) => state('ended', { originator, cause }));
  session.on('failed', ({ originator, cause, message }) => state('failed', { originator, cause, code: message?.status_code }));
}

Object.assign(window.test, {
  async start({ websocket, domain, user, password, tone, video, colour, without, codecs, pictures }) {
    if (codecs) limitCodecs(codecs);
    if (pictures) limitPictures(pictures);
    sound = await openSound(tone, video);
    if (colour) sound.addTrack(paint(colour));
    leftOut = without;
    ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(websocket)],
      uri: `sip:${user}@${domain}`,
      password,
      session_timers: false,
      connection_recovery_min_interval: 1,
    });
    ua.on('registered', () => state('registered'));
    ua.on('disconnected', () => state('disconnected'));
    ua.on('registrationFailed', ({ cause }) => state('registrationFailed', { cause }));
    ua.on('newRTCSession', ({ originator, session: next, request }) => {
      follow(next);
      if (originator === 'remote') state('incoming', { from: request.from.uri.user });
    });
    ua.start();
  },
  call: (target) => void ua.call(target, { mediaStream: sound, pcConfig: { iceServers: [] } }),
  stats: async () => [...(await session.connection.getStats()).values()],
  answer: () => session.answer({ mediaStream: sound, pcConfig: { iceServers: [] } }),
  reject: (code) => session.terminate({ status_code: code }),
  hangUp: () => session.terminate(),
  // JsSIP tells `hold` before the answer has come, and until then refuses the next offer.
  hold: () => void session.hold({}, () => state('hold')),
  unhold: () => void session.unhold({}, () => state('unhold')),
  // A second call beside the first, which is on hold: its tracks are muted with it.
  consult(target) {
    first = session;
    const own = sound.clone();
    own.getTracks().forEach((track) => (track.enabled = true));
    ua.call(target, { mediaStream: own, pcConfig: { iceServers: [] } });
  },
  transfer: (target) => refer(session, target),
  transferToConsulted: () => refer(first, session.remote_identity.uri.toString(), { replaces: session }),
  subscribe(target, event, accept) {
    const subscriber = ua.subscribe(target, event, accept, { params: {}, extraHeaders: [] });
    subscriber.on('active', () => state('subscribed'));
    subscriber.on('notify', (_final, _request, body) => state('notify', { event, body }));
    subscriber.on('terminated', (code, reason) => state('unsubscribed', { code, reason }));
    subscriber.subscribe();
    window.test.unsubscribe = () => subscriber.terminate();
  },
  message: (target, text) => void ua.sendMessage(target, text),
  // A re-INVITE with the camera in it, and one without.
  async addVideo() {
    const camera = await navigator.mediaDevices.getUserMedia({ video: true });
    session.connection.addTrack(camera.getVideoTracks()[0], sound);
    session.renegotiate({}, () => state('renegotiated'));
  },
  // A re-INVITE with other ICE credentials.
  restartIce: () => void session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, () => state('renegotiated')),
  removeVideo() {
    session.connection.getTransceivers().filter((one) => one.receiver.track.kind === 'video').forEach((one) => one.stop());
    session.renegotiate({}, () => state('renegotiated'));
  },
  dtmf: (digits) => session.connection.getSenders()[0].dtmf.insertDTMF(digits, 100, 80),
  dtmfByInfo: (digits) => session.sendDTMF(digits, { transportType: 'INFO', duration: 100, interToneGap: 80 }),
});

function refer(from, target, options = {}) {
  from.refer(target, {
    ...options,
    eventHandlers: {
      requestSucceeded: () => state('transferring'),
      requestFailed: ({ cause }) => state('transferFailed', { cause }),
      accepted: () => state('transferred'),
      failed: ({ status_line: line }) => state('transferFailed', { code: line.status_code }),
    },
  });
}
