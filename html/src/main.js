import { render } from 'preact';
import { loadConfig } from './config.js';
import { loadSettings } from './settings.js';
import { chooseIdentity } from './identity.js';
import { Phone } from './phone.js';
import { applyTheme } from './theme.js';
import { html } from './html.js';
import { App } from './app.js';

const settings = loadSettings();
applyTheme(settings.theme);

const root = document.getElementById('app');
root.textContent = '';

const config = await loadConfig();
const identity = await chooseIdentity(config, settings);
const phone = new Phone(config, settings);
// The one handle for tests and for a curious operator at the console.
window.__tandem = { phone };

render(html`<${App} phone=${phone} config=${config} identity=${identity} />`, root);
if (identity.account) phone.signIn(identity.account);
addEventListener('pagehide', () => phone.signOut());
// A page taken back from the browser's cache of pages has lost its connection: start afresh.
addEventListener('pageshow', (event) => event.persisted && location.reload());
