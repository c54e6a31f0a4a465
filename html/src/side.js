import { html } from './html.js';
import { nameOf } from './call.js';
import { ArrowIn, ArrowOut, Person, Wave } from './icons.js';
import { capital } from './identity.js';
import { ago } from './words.js';

// Whom to call: the demo's people, the gateway's own extensions, and who was called before.
export function Side({ phone, config }) {
  const people = config.users
    .filter((user) => user.name !== phone.account?.name)
    .map((user) => ({ number: user.name, label: user.display_name || capital(user.name), note: 'in another tab', icon: Person }));
  const services = config.extensions.map(({ number, label }) => ({ number, label: label || number, note: number, icon: Wave }));
  const entries = [...services, ...(config.demo ? people : [])];
  const call = (entry) => phone.dial(entry.number, entry.label);
  return html`
    ${entries.length > 0 && html`
      <nav class="directory" aria-label="Whom to call">
        <h2>Try a call</h2>
        <ul>${entries.map((entry) => html`
          <li key=${entry.number}><button type="button" class="entry" disabled=${!phone.canCall()} data-number=${entry.number} onClick=${() => call(entry)}>
            <span class="face"><${entry.icon} /></span>
            <span class="text"><b>${entry.label}</b><small>${entry.note}</small></span>
          </button></li>`)}
        </ul>
      </nav>`}
    ${phone.recents.length > 0 && html`
      <nav class="recents" aria-label="Recent calls">
        <h2>Recent</h2>
        <ul>${phone.recents.slice(0, 6).map((recent) => html`<li key=${recent.number}><${Recent} recent=${recent} phone=${phone} call=${call} /></li>`)}</ul>
      </nav>`}`;
}

// Who hid his number cannot be called back.
function Recent({ recent, phone, call }) {
  const looks = `entry ${recent.answered ? '' : 'missed'} ${phone.canCall() ? '' : 'idle'}`;
  const what = html`
    <span class="face">${recent.direction === 'incoming' ? html`<${ArrowIn} />` : html`<${ArrowOut} />`}</span>
    <span class="text"><b>${nameOf(recent)}</b><small>${howItWent(recent)}</small></span>`;
  if (!recent.number) return html`<div class=${looks}>${what}</div>`;
  return html`<button type="button" class=${looks} disabled=${!phone.canCall()} onClick=${() => call(recent)}>${what}</button>`;
}

function howItWent(recent) {
  const what = recent.direction === 'incoming' ? (recent.answered ? 'called you' : 'missed') : recent.answered ? 'you called' : 'not reached';
  return `${what}, ${ago(recent.at)}`;
}
