import JsSIP from 'jssip';
import { openSound, state, watch } from './common.js';

let ua;
let session;
let sound;

function follow(next) {
  session = next;
  if (session.connection) watch(session.connection);
  else session.on('peerconnection', ({ peerconnection }) => watch(peerconnection));
  session.on('progress', ({ originator, response }) => state('progress', { originator, code: response?.status_code }));
  session.on('confirmed', () => state('confirmed'));
  session.on('ended', ({ originator, cause }) => state('ended', { originator, cause }));
  session.on('failed', ({ originator, cause, message }) => state('failed', { originator, cause, code: message?.status_code }));
}

Object.assign(window.test, {
  async start({ websocket, domain, user, password, tone }) {
    sound = await openSound(tone);
    ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(websocket)],
      uri: `sip:${user}@${domain}`,
      password,
      session_timers: false,
    });
    ua.on('registered', () => state('registered'));
    ua.on('registrationFailed', ({ cause }) => state('registrationFailed', { cause }));
    ua.on('newRTCSession', ({ originator, session: next, request }) => {
      follow(next);
      if (originator === 'remote') state('incoming', { from: request.from.uri.user });
    });
    ua.start();
  },
  call: (target) => void ua.call(target, { mediaStream: sound, pcConfig: { iceServers: [] } }),
  answer: () => session.answer({ mediaStream: sound, pcConfig: { iceServers: [] } }),
  reject: (code) => session.terminate({ status_code: code }),
  hangUp: () => session.terminate(),
  // JsSIP tells `hold` before the answer has come, and until then refuses the next offer.
  hold: () => void session.hold({}, () => state('hold')),
  unhold: () => void session.unhold({}, () => state('unhold')),
  dtmf: (digits) => session.connection.getSenders()[0].dtmf.insertDTMF(digits, 100, 80),
});
