import { useEffect, useRef } from 'preact/hooks';
import { html } from './html.js';
import { Keypad } from './keypad.js';
import { Erase, Handset } from './icons.js';

const WAITING = {
  connecting: 'Connecting…',
  registering: 'Signing in…',
  reconnecting: 'Waiting for the connection…',
  trouble: 'Not signed in',
};

export function Dialer({ phone, number, setNumber }) {
  const field = useRef(null);
  useEffect(() => {
    // On a touch screen the focus would bring up the keyboard over the dial pad.
    if (matchMedia('(hover: hover)').matches) field.current.focus({ preventScroll: true });
  }, []);
  const call = (event) => {
    event.preventDefault();
    if (number.trim()) {
      if (!phone.canCall()) return;
      phone.dial(number);
      setNumber('');
    } else setNumber(phone.recents.find((recent) => recent.number)?.number ?? '');
  };
  const type = (key) => {
    const { selectionStart: from, selectionEnd: to } = field.current;
    const at = document.activeElement === field.current ? from : number.length;
    const end = document.activeElement === field.current ? to : number.length;
    setNumber(number.slice(0, at) + key + number.slice(end));
  };
  return html`
    <form class="dialer" onSubmit=${call} aria-label="Make a call">
      <div class="field">
        <label class="hidden" for="number">Name or number to call</label>
        <input id="number" ref=${field} value=${number} onInput=${(event) => setNumber(event.target.value)}
          placeholder="Name or number" autocomplete="off" autocapitalize="none" autocorrect="off" spellcheck=${false}
          enterkeyhint="go" maxlength="256" class=${number.length > 14 ? 'long' : ''} />
        <button type="button" class="erase" aria-label="Delete the last character" hidden=${!number}
          onClick=${() => setNumber(number.slice(0, -1))}><${Erase} /></button>
      </div>
      <${Keypad} plus onKey=${type} />
      <button class="call-button" disabled=${!phone.canCall()} data-action="call">
        <${Handset} /><span>${WAITING[phone.status.kind] || 'Call'}</span>
      </button>
    </form>`;
}
