// The connection to the gateway. With the 200 to each REGISTER it tells TURN servers and credentials that last a while; JsSIP's event
// `registered` comes with the first of several in a row only, so they are read where everything arrives.
import JsSIP from 'jssip';

export class Gateway extends JsSIP.WebSocketInterface {
  // `onIceServers`: called with what RTCPeerConnection takes, for calls to come.
  constructor(url, onIceServers) {
    super(url);
    this.onIceServers = onIceServers;
  }

  get ondata() {
    return this.take;
  }

  set ondata(take) {
    this.take = (data) => {
      const servers = iceServers(data);
      if (servers) this.onIceServers(servers);
      take(data);
    };
  }
}

// Of a 200 to REGISTER; of all else undefined.
function iceServers(message) {
  const [head] = String(message).split('\r\n\r\n', 1);
  if (!/^SIP\/2\.0 200 /.test(head) || !/^CSeq: *\d+ +REGISTER\r?$/im.test(head)) return undefined;
  try {
    const list = JSON.parse(/^X-Ice-Servers: *(.*)$/im.exec(head)?.[1] ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}
