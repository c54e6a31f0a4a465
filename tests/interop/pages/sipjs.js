import { Inviter, Messager, Registerer, SessionState, Subscriber, UserAgent, Web } from 'sip.js';
import { limitCodecs, openSound, state, watch } from './common.js';

let agent;
let session;
let registerer;
let first; // the call before the consultation
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
  async start({ websocket, domain, user, password, tone, codecs }) {
    if (codecs) limitCodecs(codecs);
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
        onMessage: (message) => {
          message.accept();
          state('message', { text: message.request.body });
        },
        onDisconnect: (error) => {
          state('disconnected');
          if (error) comeBack();
        },
      },
    });
    await agent.start();
    registerer = new Registerer(agent);
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
  // A second call beside the first, which is on hold.
  consult(target) {
    first = session;
    window.test.call(target);
  },
  transfer: (target) => refer(session, UserAgent.makeURI(target)),
  transferToConsulted: () => refer(first, session),
  subscribe(target, event, accept) {
    const subscriber = new Subscriber(agent, UserAgent.makeURI(target), event, { extraHeaders: [`Accept: ${accept}`] });
    subscriber.delegate = {
      onNotify: (notification) => {
        notification.accept();
        state('notify', { event, body: notification.request.body });
      },
    };
    subscriber.stateChange.addListener((next) => {
      if (next === 'Subscribed') state('subscribed');
      if (next === 'Terminated') state('unsubscribed');
    });
    subscriber.subscribe();
    window.test.unsubscribe = () => void subscriber.unsubscribe();
  },
  message: (target, text) => void new Messager(agent, UserAgent.makeURI(target), text).message(),
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
  async dtmfByInfo(digits) {
    for (const digit of digits) {
      const body = { contentDisposition: 'render', contentType: 'application/dtmf-relay', content: `Signal=${digit}\r\nDuration=100` };
      await session.info({ requestOptions: { body } });
    }
  },
});

async function reinvite(hold) {
  session.sessionDescriptionHandlerModifiersReInvite = hold ? [Web.holdModifier] : [];
  await session.invite({
    sessionDescriptionHandlerModifiers: hold ? [Web.holdModifier] : [],
    requestDelegate: { onAccept: () => state(hold ? 'hold' : 'unhold') },
  });
}

function refer(from, target) {
  from.refer(target, {
    requestDelegate: {
      onAccept: () => state('transferring'),
      onReject: ({ message }) => state('transferFailed', { code: message.statusCode }),
    },
    onNotify(notification) {
      notification.accept();
      const code = Number(/^SIP\/2\.0 (\d+)/.exec(notification.request.body)?.[1]);
      if (code >= 200) state(code < 300 ? 'transferred' : 'transferFailed', { code });
    },
  });
}

// The library leaves it to the page to come back.
async function comeBack() {
  try {
    await agent.reconnect();
    await registerer.register();
    state('registered');
  } catch {
    setTimeout(comeBack, 500);
  }
}
