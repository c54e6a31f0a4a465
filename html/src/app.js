import { useEffect, useReducer, useState } from 'preact/hooks';
import { html } from './html.js';
import { CallView, callStateWords } from './callview.js';
import { Dialer } from './dialer.js';
import { Close, Logo, Sliders, Warning } from './icons.js';
import { becomeUser, capital } from './identity.js';
import { SettingsView } from './settingsview.js';
import { Side } from './side.js';
import { SignIn } from './signin.js';
import { keyTone } from './sounds.js';

const STATUS = {
  'signed-out': 'Signed out',
  connecting: 'Connecting…',
  registering: 'Signing in…',
  ready: 'Ready',
  reconnecting: 'Reconnecting…',
  trouble: 'Not signed in',
  refused: 'Not signed in',
};

export function App({ phone, config, identity }) {
  const [, redraw] = useReducer((n) => n + 1, 0);
  const [number, setNumber] = useState('');
  const [pad, setPad] = useState(false);
  const [settingsOpen, setSettingsOpen] = useState(false);
  const [shared, setShared] = useState(Boolean(identity.shared));
  const { call, status } = phone;

  useEffect(() => phone.subscribe(redraw), []);
  useEffect(() => setPad(false), [call]);
  useEffect(() => {
    document.title = title(phone);
  });
  useEffect(() => {
    const listener = (event) => keyboard(event, { phone, settingsOpen, setNumber });
    addEventListener('keydown', listener);
    return () => removeEventListener('keydown', listener);
  }, [settingsOpen]);

  const become = async (event) => {
    const next = await becomeUser(config, event.target.value);
    setShared(next.shared);
    phone.signIn(next.account);
  };
  const needsAccount = !config.demo && (status.kind === 'signed-out' || status.kind === 'refused' || !phone.account);
  return html`
    <div class=${`page ${call ? 'in-call' : ''} ${needsAccount ? 'alone' : ''}`} data-status=${status.kind} data-user=${phone.account?.name}>
      <header class="top">
        <span class="brand"><${Logo} /><b>Tandem</b></span>
        ${phone.account && html`<${Identity} phone=${phone} config=${config} become=${become} />`}
        <button type="button" class="plain" aria-label="Settings" onClick=${() => setSettingsOpen(true)}><${Sliders} /></button>
      </header>
      <${Messages} phone=${phone} config=${config} needsAccount=${needsAccount} shared=${shared} />
      <main class="card">
        ${needsAccount ? html`<${SignIn} phone=${phone} config=${config} />`
          : call ? html`<${CallView} phone=${phone} call=${call} pad=${pad} setPad=${setPad} />`
          : html`<${Dialer} phone=${phone} number=${number} setNumber=${setNumber} />`}
      </main>
      ${!needsAccount && html`
        <aside class="side">
          ${config.demo && html`<${Welcome} phone=${phone} config=${config} />`}
          <${Side} phone=${phone} config=${config} />
        </aside>`}
      ${settingsOpen && html`<${SettingsView} phone=${phone} config=${config} close=${() => setSettingsOpen(false)} />`}
      <p class="hidden" role="status" aria-live="polite">${call ? '' : STATUS[status.kind]}</p>
      <p class="hidden" aria-live="assertive">${call ? `${call.name}: ${callStateWords(call)}` : ''}</p>
    </div>`;
}

function Identity({ phone, config, become }) {
  const words = STATUS[phone.status.kind];
  const { account } = phone;
  return html`
    <span class="identity" title=${`${account.name}@${account.domain}`}>
      <i class=${`lamp ${phone.status.kind}`}></i>
      ${config.demo && config.users.length > 1 ? html`
        <label><span class="hidden">You are</span>
          <select value=${account.name} onChange=${become} disabled=${Boolean(phone.call)}>
            ${config.users.map((user) => html`<option value=${user.name}>${user.display_name || capital(user.name)}</option>`)}
          </select></label>` : html`<b>${account.displayName || account.name}</b>`}
      <span class="words" data-test="status">${words}</span>
    </span>`;
}

function Messages({ phone, config, needsAccount, shared }) {
  const { status } = phone;
  const trouble = !needsAccount && ['reconnecting', 'trouble', 'refused'].includes(status.kind) && status.text;
  const inCall = phone.call && phone.call.state === 'active' && status.kind === 'reconnecting';
  // A demo that was started anew has new passwords.
  const again = () => (config.demo && status.kind === 'refused' ? location.reload() : phone.retry());
  return html`<div class="messages">
    ${trouble && html`
      <p class="message warn" role="alert" data-test="trouble"><${Warning} />
        <span>${trouble}${inCall ? ' The call goes on.' : ''}</span>
        <button type="button" onClick=${again}>Try now</button></p>`}
    ${phone.notice && html`
      <p class="message" role="alert"><span>${phone.notice}</span>
        <button type="button" class="plain" aria-label="Dismiss" onClick=${() => phone.tell(null)}><${Close} /></button></p>`}
    ${shared && html`<p class="message"><span>Every demo user already has a tab in this browser. This tab shares one: calls to it ring in both.</span></p>`}</div>`;
}

function Welcome({ phone, config }) {
  const others = config.users.filter((user) => user.name !== phone.account?.name);
  const me = config.users.find((user) => user.name === phone.account?.name);
  return html`
    <section class="welcome" aria-label="About this demo">
      <h2>You are ${me?.display_name || capital(phone.account?.name || '')}</h2>
      <p>${others.length > 0
        ? html`Every tab of this page is another person. <a href=${location.pathname} target="_blank" rel="noopener">Open a second tab</a> and the two can call each other.`
        : 'This is a demo account.'}</p>
    </section>`;
}

function title(phone) {
  const { call } = phone;
  if (!call) return 'Tandem';
  if (call.direction === 'incoming' && call.state === 'ringing') return `☎ ${call.name} is calling`;
  return `${call.name} · ${callStateWords(call)}`;
}

// Digits dial, Enter calls or answers, Escape hangs up or declines.
function keyboard(event, { phone, settingsOpen, setNumber }) {
  if (settingsOpen || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const { call } = phone;
  const field = event.target.closest?.('input, select, textarea');
  const pressable = event.target.closest?.('button, a, summary');
  if (event.key === 'Escape') {
    if (call) phone.hangUp();
    else if (event.target.id === 'number') setNumber('');
    return;
  }
  if (event.key === 'Enter' && call && !pressable && !field) {
    if (call.direction === 'incoming' && call.state === 'ringing') phone.answer();
    return;
  }
  if (field || !/^[\d*#+]$/.test(event.key)) return;
  if (call) {
    if (!event.repeat && event.key !== '+' && (call.state === 'active' || call.state === 'connecting' || call.direction === 'outgoing')) {
      keyTone(event.key);
      call.sendDigit(event.key);
    }
  } else if (document.getElementById('number')) {
    event.preventDefault();
    setNumber((number) => number + event.key);
    document.getElementById('number').focus({ preventScroll: true });
  }
}
