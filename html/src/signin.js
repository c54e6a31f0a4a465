import { useState } from 'preact/hooks';
import { html } from './html.js';
import { websocketUrl } from './config.js';
import { Warning } from './icons.js';

export function SignIn({ phone, config }) {
  const remembered = phone.settings.account || {};
  const [busy, setBusy] = useState(false);
  const submit = (event) => {
    event.preventDefault();
    const form = Object.fromEntries(new FormData(event.target));
    let websocket = config.websocket;
    try {
      if (form.websocket.trim()) websocket = websocketUrl(form.websocket.trim());
    } catch {
      return phone.setStatus('refused', 'The address of the gateway is not right.');
    }
    const account = {
      name: form.name.trim(),
      displayName: form.displayName.trim(),
      domain: form.domain.trim() || config.domain,
      websocket,
    };
    // The defaults are not stored: a gateway that moves would otherwise be looked for at the old place.
    const stored = { ...account, domain: form.domain.trim(), websocket: form.websocket.trim() };
    phone.change({ account: form.keep ? { ...stored, password: form.password } : stored });
    setBusy(true);
    phone.signIn({ ...account, password: form.password });
  };
  const problem = phone.status.kind === 'refused' ? phone.status.text : '';
  const working = busy && !problem && phone.status.kind !== 'signed-out';
  return html`
    <form class="signin" onSubmit=${submit} aria-label="Sign in">
      <h1>Sign in</h1>
      <p class="lead">with your telephone account at ${config.domain}</p>
      ${problem && html`<p class="trouble" role="alert"><${Warning} />${problem}</p>`}
      <label>Name<input name="name" required autocomplete="username" autocapitalize="none" spellcheck=${false}
        defaultValue=${remembered.name || ''} autofocus /></label>
      <label>Password<input name="password" type="password" autocomplete="current-password" aria-invalid=${Boolean(problem)} /></label>
      <label class="check"><input type="checkbox" name="keep" defaultChecked=${Boolean(remembered.password)} />Keep the password in this browser</label>
      <details>
        <summary>More</summary>
        <label>Shown name<input name="displayName" autocomplete="name" defaultValue=${remembered.displayName || ''} /></label>
        <label>Domain<input name="domain" placeholder=${config.domain} autocapitalize="none" spellcheck=${false} defaultValue=${remembered.domain || ''} /></label>
        <label>Gateway<input name="websocket" placeholder=${config.websocket} inputmode="url" autocapitalize="none" spellcheck=${false}
          defaultValue=${remembered.websocket || ''} /></label>
      </details>
      <button class="call-button" disabled=${working}>${working ? 'Signing in…' : 'Sign in'}</button>
    </form>`;
}
