// The telephone without a face: one account, one call at a time. The views read `status`, `call`
// and `notice`, and are told by subscribe() when any of them changed.
import JsSIP from 'jssip';
import { Call } from './call.js';
import { Gateway } from './gateway.js';
import { addRecent, loadRecents, saveSettings } from './settings.js';
import { callEnd, microphoneWords, registrationWords } from './words.js';
import * as sounds from './sounds.js';

const RETRY_MS = 10000;
const ENDED_SHOWN_MS = 2500;
const FAILED_SHOWN_MS = 6000;
const NO_ANSWER_S = 90;
const HOST_WAIT_MS = 500;
const RELAY_WAIT_MS = 3000;

export class Phone {
  constructor(config, settings) {
    this.config = config;
    this.settings = settings;
    this.account = null;
    this.status = { kind: 'signed-out' };
    this.notice = config.problem;
    this.call = null;
    this.recents = [];
    this.ua = null;
    this.iceServers = [];
    this.listeners = new Set();
    this.stopSound = null;
    this.timers = {};
    this.audio = document.createElement('audio');
    this.audio.autoplay = true;
    addEventListener('online', () => this.retry());
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed() {
    for (const listener of this.listeners) listener();
  }

  // --- the account ---

  signIn(account) {
    this.signOut();
    let socket;
    try {
      socket = new Gateway(account.websocket, (servers) => (this.iceServers = servers));
    } catch {
      return this.setStatus('refused', 'The address of the gateway is not right.');
    }
    this.account = account;
    this.recents = loadRecents(account.name);
    try {
      this.ua = new JsSIP.UA({
        sockets: [socket],
        uri: new JsSIP.URI('sip', account.name, account.domain).toString(),
        authorization_user: account.name,
        password: account.password,
        display_name: account.displayName || null,
        register_expires: 300,
        session_timers: false,
        no_answer_timeout: NO_ANSWER_S,
        connection_recovery_min_interval: 1,
        connection_recovery_max_interval: 8,
        user_agent: 'Tandem softphone',
      });
    } catch {
      return this.setStatus('refused', 'This name or this domain cannot be used.');
    }
    this.setStatus('connecting');
    this.listenTo(this.ua);
    this.ua.start();
  }

  listenTo(ua) {
    const own = (handler) => (event) => this.ua === ua && handler(event);
    ua.on('connecting', own(() => this.status.kind !== 'reconnecting' && this.setStatus('connecting')));
    ua.on('connected', own(() => this.setStatus('registering')));
    ua.on('disconnected', own((event) => {
      const wasThere = this.status.kind === 'ready' || this.status.kind === 'reconnecting';
      this.setStatus('reconnecting', wasThere || !event.error
        ? 'The connection is lost. Trying to get it back…'
        : 'The gateway cannot be reached. Trying again…');
    }));
    ua.on('registered', own(() => this.setStatus('ready')));
    ua.on('unregistered', own(() => this.status.kind === 'ready' && this.setStatus('registering')));
    ua.on('registrationFailed', own((event) => this.registrationFailed(event)));
    ua.on('newRTCSession', own(({ originator, session, request }) => {
      if (originator === 'remote') this.incoming(session, request);
    }));
  }

  registrationFailed(event) {
    const { wrongPassword, text } = registrationWords(event);
    if (event.cause === 'Connection Error') return; // `disconnected` tells it better
    this.setStatus(wrongPassword ? 'refused' : 'trouble', text);
    if (!wrongPassword) this.timers.register = setTimeout(() => this.ua?.isConnected() && this.ua.register(), RETRY_MS);
  }

  signOut() {
    clearTimeout(this.timers.register);
    const { ua } = this;
    this.ua = null;
    ua?.stop();
    this.account = null;
    this.setStatus('signed-out');
  }

  // The person is impatient, or the browser says that the network is back.
  retry() {
    if (!this.ua) return;
    if (this.ua.isConnected()) this.ua.register();
    else this.ua.transport?.connect();
  }

  setStatus(kind, text = '') {
    this.status = { kind, text };
    this.changed();
  }

  // The gateway is reached directly wherever that is possible; TURN is for networks that let no UDP out.
  pcConfig() {
    return { ...PC_CONFIG, iceServers: this.iceServers };
  }

  // --- settings ---

  change(settings) {
    Object.assign(this.settings, settings);
    saveSettings(this.settings);
    if ('speaker' in settings) this.useSpeaker();
    this.changed();
  }

  useSpeaker() {
    this.audio.setSinkId?.(this.settings.speaker).catch(() => this.tell('The chosen speaker is not there any more.'));
  }

  tell(notice) {
    this.notice = notice;
    this.changed();
  }

  // --- calls ---

  canCall() {
    return this.status.kind === 'ready' && (!this.call || this.call.state === 'ended');
  }

  async dial(number, label = '') {
    const target = this.target(number);
    if (!target || !this.canCall()) return;
    const call = this.begin(new Call('outgoing', number.trim(), label));
    const stream = await this.openMicrophone(call);
    if (!stream) return;
    try {
      const session = this.ua.call(target, { mediaStream: stream, pcConfig: this.pcConfig(), rtcOfferConstraints: AUDIO_ONLY });
      this.watch(call, session);
    } catch {
      this.ended(call, { failed: true, text: 'This cannot be called. Check the number.' });
    }
  }

  // What people type, as a SIP URI: "bob", "+49 (30) 1234-5", "sip:bob@example.com".
  target(number) {
    const typed = number.trim();
    if (!typed || !this.account) return null;
    if (/^sips?:/i.test(typed)) return typed;
    if (typed.includes('@')) return `sip:${typed}`;
    const user = /^\+?[\d\s().\/-]+$/.test(typed) ? typed.replace(/[\s().\/-]/g, '') : typed;
    return `sip:${encodeURIComponent(user).replace(/%2B/g, '+')}@${this.account.domain}`;
  }

  incoming(session, request) {
    if (this.call && this.call.state !== 'ended') return session.terminate({ status_code: 486 });
    const { number, label } = callerOf(request.from);
    const call = this.begin(new Call('incoming', number, label));
    call.set('ringing');
    this.watch(call, session);
    if (this.settings.ringtone) this.play(sounds.startRinging());
  }

  begin(call) {
    clearTimeout(this.timers.ended);
    this.notice = null;
    this.call = call;
    call.onchange = () => this.changed();
    this.changed();
    return call;
  }

  async answer() {
    const { call } = this;
    if (!call || call.direction !== 'incoming' || call.state !== 'ringing') return;
    call.set('answering');
    this.play(null);
    const stream = await this.openMicrophone(call);
    if (!stream) return call.session.terminate({ status_code: 480 });
    call.session.answer({ mediaStream: stream, pcConfig: this.pcConfig() });
  }

  hangUp() {
    const { call } = this;
    if (!call) return;
    if (call.state === 'ended') return this.forget(call);
    // No session yet: the browser is still asking for the microphone.
    if (!call.session) return this.ended(call, { text: 'Call cancelled' });
    const unanswered = call.direction === 'incoming' && call.state === 'ringing';
    call.session.terminate(unanswered ? { status_code: 603, reason_phrase: 'Decline' } : {});
  }

  async openMicrophone(call) {
    const { microphone, echoCancellation, noiseSuppression, autoGainControl } = this.settings;
    const audio = { echoCancellation, noiseSuppression, autoGainControl };
    if (microphone) audio.deviceId = { ideal: microphone };
    try {
      if (!navigator.mediaDevices) throw new Error('not available');
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      if (call.state === 'ended') {
        stream.getTracks().forEach((track) => track.stop());
        return null;
      }
      call.microphone = stream;
      return stream;
    } catch (error) {
      this.ended(call, { failed: true, text: microphoneWords(error) });
      return null;
    }
  }

  watch(call, session) {
    call.session = session;
    const onPeerConnection = (connection) => this.watchMedia(call, connection);
    if (session.connection) onPeerConnection(session.connection);
    else session.on('peerconnection', ({ peerconnection }) => onPeerConnection(peerconnection));
    // Some host candidate is there at once; do not wait for slow interfaces and silent servers. But who needs a relay has no other way.
    const limit = this.iceServers.length > 0 ? RELAY_WAIT_MS : HOST_WAIT_MS;
    let gathering = null;
    session.on('icecandidate', ({ candidate, ready }) => {
      if (candidate.type === 'relay') ready();
      else gathering ??= setTimeout(ready, limit);
    });
    session.on('progress', ({ originator, response }) => {
      if (originator !== 'remote') return;
      call.set('ringing');
      if (response.body) this.play(null); // early media: the network makes the sound
      else if (!this.stopSound) this.play(sounds.startRingback());
    });
    session.on('accepted', () => {
      this.play(null);
      call.set('connecting');
    });
    session.on('confirmed', () => call.set('active'));
    for (const name of ['hold', 'unhold']) {
      session.on(name, ({ originator }) => call.setHold(originator, name === 'hold'));
    }
    session.on('muted', () => call.setMuted(true));
    session.on('unmuted', () => call.setMuted(false));
    for (const name of ['ended', 'failed']) {
      session.on(name, (event) => this.ended(call, callEnd(event, call, name === 'ended')));
    }
    this.changed();
  }

  watchMedia(call, connection) {
    connection.addEventListener('track', ({ track, streams }) => {
      call.remoteStream = streams[0] || new MediaStream([track]);
      this.audio.srcObject = call.remoteStream;
      if (this.settings.speaker) this.useSpeaker();
      this.audio.play().catch(() => this.tell('The browser plays no sound before a click on the page.'));
      this.changed();
    });
    connection.addEventListener('connectionstatechange', () => call.setMedia(connection.connectionState));
  }

  // `how`: what Call's end() takes.
  ended(call, how) {
    if (call.state === 'ended') return;
    const answered = call.startedAt !== null;
    call.end(how);
    if (this.call !== call) return;
    this.play(null);
    if (answered) sounds.endTone();
    this.audio.srcObject = null;
    if (this.account) {
      const { direction, number, label } = call;
      this.recents = addRecent(this.account.name, { direction, number, label, answered, at: Date.now() });
    }
    this.timers.ended = setTimeout(() => this.forget(call), call.failed ? FAILED_SHOWN_MS : ENDED_SHOWN_MS);
    this.changed();
  }

  forget(call) {
    if (this.call !== call) return;
    clearTimeout(this.timers.ended);
    this.call = null;
    this.changed();
  }

  play(stop) {
    this.stopSound?.();
    this.stopSound = stop;
  }
}

const PC_CONFIG = { bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' };
const AUDIO_ONLY = { offerToReceiveAudio: true, offerToReceiveVideo: false };

// Telephone networks have several words for one who does not want to be known; none of them can be called.
const NOBODY = /^(anonymous|restricted|private|unavailable|unknown)?$/i;

// { number, label } of who calls; both may be empty.
function callerOf({ uri, display_name: name }) {
  const user = decodeURIComponent(uri.user || '');
  return { number: NOBODY.test(user) ? '' : user, label: NOBODY.test(name || '') ? '' : name };
}
