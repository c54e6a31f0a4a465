import { useRef } from 'preact/hooks';
import { html } from './html.js';
import { keyTone } from './sounds.js';

const KEYS = [
  ['1', ''], ['2', 'ABC'], ['3', 'DEF'],
  ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'],
  ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'],
  ['*', ''], ['0', '+'], ['#', ''],
];
const SPOKEN = { '*': 'star', '#': 'hash', 0: '0, hold for plus' };
const LONG_PRESS_MS = 500;

export function Keypad({ onKey, plus }) {
  const held = useRef(null);
  const press = (key) => {
    if (held.current === 'done') {
      held.current = null;
      return;
    }
    clearTimeout(held.current);
    held.current = null;
    keyTone(key);
    onKey(key);
  };
  const down = () => {
    held.current = setTimeout(() => {
      held.current = 'done';
      onKey('+');
    }, LONG_PRESS_MS);
  };
  const away = () => {
    if (held.current !== 'done') clearTimeout(held.current);
  };
  return html`
    <div class="keypad" role="group" aria-label="Dial pad">
      ${KEYS.map(([key, letters]) => html`
        <button type="button" class="key" aria-label=${(plus && SPOKEN[key]) || (key !== '0' && SPOKEN[key]) || key}
          data-key=${key} onClick=${() => press(key)}
          ...${plus && key === '0' ? { onPointerDown: down, onPointerUp: away, onPointerLeave: away } : {}}>
          <span class="digit">${key}</span>
          ${(letters !== '+' || plus) && html`<span class="letters">${letters || '\u00a0'}</span>`}
        </button>`)}
    </div>`;
}
