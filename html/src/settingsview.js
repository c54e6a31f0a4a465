import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.js';
import { Close } from './icons.js';
import { applyTheme } from './theme.js';

export function SettingsView({ phone, config, close }) {
  const dialog = useRef(null);
  const [devices, setDevices] = useState([]);
  const { settings } = phone;
  useEffect(() => {
    dialog.current.showModal();
    navigator.mediaDevices?.enumerateDevices().then(setDevices, () => {});
  }, []);
  const set = (name) => (event) => {
    const { target } = event;
    phone.change({ [name]: target.type === 'checkbox' ? target.checked : target.value });
    if (name === 'theme') applyTheme(target.value);
  };
  const choice = (name, label, kind) => {
    const found = devices.filter((device) => device.kind === kind && device.deviceId && device.deviceId !== 'default');
    return html`<label>${label}
      <select value=${settings[name]} onChange=${set(name)}>
        <option value="">As the browser chooses</option>
        ${found.map((device, i) => html`<option value=${device.deviceId}>${device.label || `${label} ${i + 1}`}</option>`)}
      </select></label>`;
  };
  const check = (name, label) => html`
    <label class="check"><input type="checkbox" checked=${settings[name]} onChange=${set(name)} />${label}</label>`;
  return html`
    <dialog ref=${dialog} class="settings" aria-labelledby="settings-title" onClose=${close}
      onClick=${(event) => event.target === dialog.current && dialog.current.close()}>
      <form method="dialog">
        <header><h2 id="settings-title">Settings</h2><button class="plain" aria-label="Close"><${Close} /></button></header>
        <fieldset class="segments"><legend>Look</legend>
          ${[['auto', 'System'], ['light', 'Light'], ['dark', 'Dark']].map(([value, label]) => html`
            <label><input type="radio" name="theme" value=${value} checked=${settings.theme === value} onChange=${set('theme')} /><span>${label}</span></label>`)}
        </fieldset>
        ${choice('microphone', 'Microphone', 'audioinput')}
        ${'setSinkId' in HTMLMediaElement.prototype && choice('speaker', 'Speaker', 'audiooutput')}
        <fieldset><legend>Sound</legend>
          ${check('ringtone', 'Ring when a call comes in')}
          ${check('echoCancellation', 'Cancel echo')}
          ${check('noiseSuppression', 'Suppress noise')}
          ${check('autoGainControl', 'Even out the volume')}
          <p class="hint">Changes to the microphone’s sound count from the next call on.</p>
        </fieldset>
        ${phone.account && html`
          <fieldset><legend>Account</legend>
            <p class="hint">${phone.account.name}@${phone.account.domain}<br />${phone.account.websocket}</p>
            ${!config.demo && html`<button type="button" class="wide" disabled=${Boolean(phone.call)} onClick=${() => {
              phone.change({ account: { ...settings.account, password: undefined } });
              phone.signOut();
              dialog.current.close();
            }}>Sign out</button>`}
          </fieldset>`}
      </form>
    </dialog>`;
}
