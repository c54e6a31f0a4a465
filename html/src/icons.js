import { html } from './html.js';

const icon = (body) => ({ class: extra = '' }) => html`
  <svg class=${`icon ${extra}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">${body}</svg>`;

const HANDSET = html`<path d="M5.2 4.2 8 3.6c.6-.1 1.1.2 1.3.7l1.2 2.9c.2.5.1 1-.3 1.3L8.7 9.8a12.6 12.6 0 0 0 5.5 5.5l1.3-1.5c.3-.4.9-.5
  1.3-.3l2.9 1.2c.5.2.8.8.7 1.3l-.6 2.8c-.2.7-.8 1.2-1.5 1.2C10.5 20 4 13.5 4 5.700c0-.7.5-1.4 1.2-1.500z" />`;

export const Logo = icon(html`<circle cx="8.5" cy="12" r="5.5" /><circle cx="15.5" cy="12" r="5.5" />`);
export const Handset = icon(HANDSET);
export const HangUp = icon(html`<g transform="rotate(135 12 12)">${HANDSET}</g>`);
export const Microphone = icon(html`<rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5.5 11.500a6.5 6.5 0 0 0 13 0M12 18v3" />`);
export const MicrophoneOff = icon(html`<path d="M15 10V6a3 3 0 0 0-5.7-1.300M9 9v2a3 3 0 0 0 4.6 2.500M5.5 11.500a6.5 6.5 0 0 0 10.3 5.3
  M18.3 13.200a6.5 6.5 0 0 0 .2-1.700M12 18v3M4 3l16 18" />`);
export const Pause = icon(html`<path d="M9 5v14M15 5v14" />`);
export const Play = icon(html`<path d="M8 5.500v13l10.5-6.500z" />`);
export const Keypad = icon([5, 12, 19].flatMap((y) => [5, 12, 19].map((x) => html`<circle class="dot" cx=${x} cy=${y} r="1.7" />`)));
export const Sliders = icon(html`<path d="M4 7h9M19 7h1M4 17h1M11 17h9" /><circle cx="16" cy="7" r="2.6" /><circle cx="8" cy="17" r="2.6" />`);
export const Erase = icon(html`<path d="M9 6h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H9l-6-6zM12 9.500l5 5M17 9.500l-5 5" />`);
export const Close = icon(html`<path d="M6 6l12 12M18 6 6 18" />`);
export const ArrowIn = icon(html`<path d="M18 6 7 17M7 9v8h8" />`);
export const ArrowOut = icon(html`<path d="M6 18 17 7M9 7h8v8" />`);
export const Person = icon(html`<circle cx="12" cy="8.5" r="4" /><path d="M4.5 20a7.5 7.5 0 0 1 15 0" />`);
export const Wave = icon(html`<path d="M4 10v4M8 7v10M12 4v16M16 7v10M20 10v4" />`);
export const Warning = icon(html`<path d="M12 4 2.8 20h18.400zM12 10v4.500M12 17.300v.2" />`);
