// A call between a page and a trunk of another address family, with sound both ways. Arguments: where the gateway's media is (separated by
// commas), where the trunk is. Prints the page's pair of addresses.
import { MICROPHONE_HZ, makeWeb, openPhone, startBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { Trunk } from './trunk.mjs';

const TONE = 1000;
const [addresses, trunkHost] = process.argv.slice(2);

const trunk = new Trunk({ tone: TONE, host: trunkHost });
await trunk.open();
const web = await makeWeb();
const browser = await startBrowser();
const gateway = await startDaemon({ web: web.folder, peer: trunk.port, peerHost: trunk.uriHost, address: addresses.split(',') });
const pairs = [];

async function pairOf(phone) {
  const stats = await phone.do('stats');
  const one = (id) => stats.find((entry) => entry.id === id);
  const pair = one(one(stats.find((entry) => entry.type === 'transport').id).selectedCandidatePairId);
  return { local: one(pair.localCandidateId).address, remote: one(pair.remoteCandidateId).address };
}

async function talk(phone) {
  await Promise.all([phone.hears(TONE), trunk.hears(MICROPHONE_HZ)]);
  pairs.push(await pairOf(phone));
  await phone.do('hangUp');
  await phone.reach('ended');
  trunk.clear();
}

try {
  const phone = await openPhone(browser, gateway, 'jssip', 'alice');
  await phone.call('4930123');
  await phone.reach('confirmed');
  await talk(phone);
  trunk.invite('alice', gateway.sipPort);
  await phone.reach('incoming');
  await phone.do('answer');
  await phone.reach('confirmed');
  await talk(phone);
  console.log(JSON.stringify(pairs));
} finally {
  await browser.stop();
  await gateway.stop();
  trunk.close();
  web.remove();
}
