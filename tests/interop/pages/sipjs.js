import { Inviter, Registerer, SessionState, UserAgent, Web } from 'sip.js';
import { openSound, state, watch } from './common.js';

let agent;
let session;
let sound;

const factory = Web.defaultSessionDescriptionHandlerFactory(() => Promise.resolve(sound.clone()));
const constraints = { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } };

function follow(next) {
  session = next;
  session.delegate = {
    onSessionDescriptionHandler: (handler) => watch(handler.peerConnection),
  };
  if (session.sessionDescriptionHandler) watch(session.sessionDescriptionHandler.peerConnection);
  session.stateChange.addListener((next_state) => {
    if (next_state === SessionState.Established) state('confirmed');
    if (next_state === SessionState.Terminated) state('ended');
  });
}

Object.assign(window.test, {
  async start({ websocket, domain, user, password, tone }) {
    sound = await openSound(tone);
    agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${user}@${domain}`),
      transportOptions: { server: websocket },
      authorizationUsername: user,
      authorizationPassword: password,
      sessionDescriptionHandlerFactory: factory,
      logLevel: 'warn',
      delegate: {
        onInvite: (invitation) => {
          follow(invitation);
          state('incoming', { from: invitation.remoteIdentity.uri.user });
        },
      },
    });
    await agent.start();
    const registerer = new Registerer(agent);
    registerer.stateChange.addListener((next) => next === 'Registered' && state('registered'));
    await registerer.register({ requestDelegate: { onReject: ({ message }) => state('registrationFailed', { code: message.statusCode }) } });
  },
  call(target) {
    const inviter = new Inviter(agent, UserAgent.makeURI(target), constraints);
    follow(inviter);
    inviter.invite({
      requestDelegate: {
        onProgress: ({ message }) => state('progress', { code: message.statusCode }),
        onReject: ({ message }) => state('failed', { code: message.statusCode }),
      },
    });
  },
  answer: () => void session.accept(constraints),
  reject: (code) => void session.reject({ statusCode: code }),
  hangUp() {
    if (session.state === SessionState.Established) session.bye();
    else if (session instanceof Inviter) session.cancel();
    else session.reject();
  },
  hold: () => reinvite(true),
  unhold: () => reinvite(false),
  dtmf: (digits) => session.sessionDescriptionHandler.peerConnection.getSenders()[0].dtmf.insertDTMF(digits, 100, 80),
});

async function reinvite(hold) {
  session.sessionDescriptionHandlerModifiersReInvite = hold ? [Web.holdModifier] : [];
  await session.invite({
    sessionDescriptionHandlerModifiers: hold ? [Web.holdModifier] : [],
    requestDelegate: { onAccept: () => state(hold ? 'hold' : 'unhold') },
  });
}
