import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.js';
import { Handset, HangUp, Keypad as KeypadIcon, Microphone, MicrophoneOff, Pause, Play, Warning } from './icons.js';
import { Keypad } from './keypad.js';
import { meter } from './sounds.js';
import { duration } from './words.js';

export function callStateWords(call) {
  switch (call.state) {
    case 'starting':
      return call.session ? 'Calling…' : 'Waiting for the microphone…';
    case 'ringing':
      return call.direction === 'incoming' ? 'Incoming call' : 'Ringing…';
    case 'answering':
    case 'connecting':
      return 'Connecting…';
    case 'ended':
      return call.endText;
    default:
      if (call.hold.local && call.hold.remote) return 'Both of you hold the call';
      if (call.hold.local) return 'On hold';
      if (call.hold.remote) return 'They put you on hold';
      return call.muted ? 'You are muted' : 'In call';
  }
}

function mediaWords(call) {
  if (call.state !== 'active') return '';
  if (call.media === 'failed') return 'There is no way for the sound between this browser and the gateway.';
  if (call.media === 'disconnected') return 'The sound is interrupted. Waiting for it to come back…';
  return '';
}

export function CallView({ phone, call, pad, setPad }) {
  const heading = useRef(null);
  const answer = useRef(null);
  const incoming = call.direction === 'incoming' && call.state === 'ringing';
  useEffect(() => (incoming ? answer : heading).current?.focus({ preventScroll: true }), [incoming, call]);
  const up = call.state === 'active' || call.state === 'connecting';
  return html`
    <section class=${`call ${call.state} ${call.failed ? 'failed' : ''}`} data-call=${call.state} data-direction=${call.direction}
      aria-label=${incoming ? 'Incoming call' : 'Call'}>
      <div class="who">
        <${Avatar} call=${call} />
        <h1 ref=${heading} tabindex="-1" data-test="name" class=${call.name.length > 16 ? 'long' : ''}>${call.name}</h1>
        ${call.number && call.name.toLowerCase() !== call.number.toLowerCase() && html`<p class="number" data-test="number">${call.number}</p>`}
        <p class="state" data-test="state">${callStateWords(call)}</p>
        ${call.said && html`<p class="said" data-test="said">“${call.said}”</p>`}
        ${(up || (call.state === 'ended' && call.seconds > 0)) && html`<${Timer} call=${call} />`}
        ${mediaWords(call) && html`<p class="trouble" role="alert"><${Warning} />${mediaWords(call)}</p>`}
      </div>
      ${pad && up && html`
        <div class="pad">
          <output class="digits" aria-label="Keys sent">${call.digits || '\u00a0'}</output>
          <${Keypad} onKey=${(key) => call.sendDigit(key)} />
        </div>`}
      ${up && html`<${Controls} call=${call} pad=${pad} setPad=${setPad} />`}
      <div class="actions">
        ${incoming && html`
          <button type="button" class="round danger" data-action="decline" onClick=${() => phone.hangUp()}><${HangUp} /><span>Decline</span></button>
          <button type="button" class="round go pulse" data-action="answer" ref=${answer} onClick=${() => phone.answer()}><${Handset} /><span>Answer</span></button>`}
        ${!incoming && call.state !== 'ended' && html`
          <button type="button" class="round danger" data-action="hangup" onClick=${() => phone.hangUp()}><${HangUp} /><span>${up ? 'Hang up' : 'Cancel'}</span></button>`}
        ${call.state === 'ended' && html`
          <button type="button" class="round quiet" data-action="back" onClick=${() => phone.hangUp()}><${KeypadIcon} /><span>Back</span></button>
          ${call.number && html`
            <button type="button" class="round go" data-action="again" disabled=${!phone.canCall()}
              onClick=${() => phone.dial(call.number, call.label)}><${Handset} /><span>${call.direction === 'incoming' ? 'Call back' : 'Call again'}</span></button>`}`}
      </div>
    </section>`;
}

function Controls({ call, pad, setPad }) {
  const ready = call.state === 'active';
  return html`
    <div class="controls" role="group" aria-label="In the call">
      <button type="button" class="control" aria-pressed=${call.muted} disabled=${!ready} data-action="mute" onClick=${() => call.toggleMute()}>
        <span class="face">${call.muted ? html`<${MicrophoneOff} />` : html`<${Microphone} />`}</span>Mute</button>
      <button type="button" class="control" aria-pressed=${pad} data-action="keypad" onClick=${() => setPad(!pad)}>
        <span class="face"><${KeypadIcon} /></span>Keypad</button>
      <button type="button" class="control" aria-pressed=${call.hold.local} disabled=${!ready} data-action="hold" onClick=${() => call.toggleHold()}>
        <span class="face">${call.hold.local ? html`<${Play} />` : html`<${Pause} />`}</span>Hold</button>
    </div>`;
}

function Timer({ call }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (call.state === 'ended') return undefined;
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, [call.state]);
  const seconds = call.state === 'ended' ? call.seconds : (Date.now() - call.startedAt) / 1000;
  return html`<p class="timer" role="timer" aria-label="Call time">${duration(seconds)}</p>`;
}

// The halo around the initials moves with the voice from the other side.
function Avatar({ call }) {
  const element = useRef(null);
  useEffect(() => {
    if (!call.remoteStream || call.state === 'ended') return undefined;
    const show = (level) => element.current?.style.setProperty('--level', level.toFixed(2));
    const stop = meter(call.remoteStream, show);
    return () => {
      stop();
      show(0);
    };
  }, [call.remoteStream, call.state === 'ended']);
  return html`<div class="avatar" ref=${element} aria-hidden="true"><i></i><i></i><b>${initials(call)}</b></div>`;
}

function initials({ name, number, label }) {
  if (!number && !label) return '?';
  if (/^[+\d*#]/.test(name)) return '#';
  const words = name.replace(/^sips?:/i, '').split(/[\s._-]+/).filter(Boolean);
  return words.slice(0, 2).map((word) => word[0]).join('').toUpperCase() || '?';
}
