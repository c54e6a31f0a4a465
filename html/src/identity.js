// Who this tab is. In demo mode every tab takes another demo user: a Web Lock per user is held as
// long as the tab lives, so a closed tab gives its user back by itself.
const TAB_USER = 'tandem.tab-user';
let releaseLock = null;

export async function chooseIdentity(config, settings) {
  if (!config.demo || config.users.length === 0) return { account: rememberedAccount(config, settings) };
  const mine = sessionStorage.getItem(TAB_USER);
  const users = [...config.users].sort((a, b) => Number(b.name === mine) - Number(a.name === mine));
  for (const user of users) {
    if (await takeUser(user.name)) return { account: demoAccount(config, user), shared: false };
  }
  return { account: demoAccount(config, users[Math.floor(Math.random() * users.length)]), shared: true };
}

// The person picks another demo user by hand; true when no other tab of this browser is it.
export async function becomeUser(config, name) {
  const user = config.users.find((candidate) => candidate.name === name);
  const free = await takeUser(name);
  return { account: demoAccount(config, user), shared: !free };
}

async function takeUser(name) {
  sessionStorage.setItem(TAB_USER, name);
  // Web Locks exist only on https and on localhost; without them the first user is everybody's.
  if (!navigator.locks) return true;
  return new Promise((resolve) => {
    navigator.locks.request(`tandem-user-${name}`, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(false);
      releaseLock?.();
      return new Promise((release) => {
        releaseLock = release;
        resolve(true);
      });
    });
  });
}

function demoAccount(config, user) {
  return {
    name: user.name,
    displayName: user.display_name || capital(user.name),
    password: user.password || '',
    domain: config.domain,
    websocket: config.websocket,
  };
}

function rememberedAccount(config, settings) {
  const account = settings.account;
  if (!account || !account.name || !account.password) return null;
  return { ...account, domain: account.domain || config.domain, websocket: account.websocket || config.websocket };
}

export const capital = (name) => name.charAt(0).toUpperCase() + name.slice(1);
