// What the gateway tells its page: /config.json. Everything has a default, so that the page also
// works when it is served by another web server and only pointed at the gateway.
export async function loadConfig() {
  let answer = {};
  let problem = null;
  try {
    const response = await fetch('config.json', { cache: 'no-store' });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    answer = await response.json();
  } catch (error) {
    problem = `The gateway did not tell its settings (${error.message}).`;
  }
  return {
    domain: text(answer.domain) || location.hostname,
    websocket: websocketUrl(text(answer.websocket) || '/ws'),
    demo: answer.demo === true,
    users: list(answer.users).filter((user) => text(user.name)),
    extensions: list(answer.extensions).filter((extension) => text(extension.number)),
    problem,
  };
}

export function websocketUrl(pathOrUrl) {
  if (/^wss?:\/\//i.test(pathOrUrl)) return pathOrUrl;
  const url = new URL(pathOrUrl, location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

const text = (value) => (typeof value === 'string' ? value.trim() : '');
const list = (value) => (Array.isArray(value) ? value.filter((item) => item && typeof item === 'object') : []);
