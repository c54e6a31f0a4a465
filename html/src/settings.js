// What the page remembers in this browser. The password is kept only when the person asked for it.
const KEY = 'tandem.settings';
const RECENTS = 'tandem.recents';
const RECENTS_MAX = 20;

const DEFAULTS = {
  theme: 'auto',
  ringtone: true,
  microphone: '',
  speaker: '',
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  account: null, // { name, displayName, domain, websocket, password? }
};

export function loadSettings() {
  return { ...DEFAULTS, ...read(KEY, {}) };
}

export function saveSettings(settings) {
  write(KEY, settings);
}

export function loadRecents(owner) {
  return read(`${RECENTS}.${owner}`, []).filter((recent) => recent && typeof recent.number === 'string');
}

// Newest first, one line per number.
export function addRecent(owner, recent) {
  const rest = loadRecents(owner).filter((old) => old.number !== recent.number);
  const recents = [recent, ...rest].slice(0, RECENTS_MAX);
  write(`${RECENTS}.${owner}`, recents);
  return recents;
}

function read(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Private windows may refuse to store; the page works without a memory.
  }
}
