// A SIP trunk of our own: UDP, G.711 mu-law, one call at a time, every message kept. It sends a tone,
// measures what it gets and collects RFC 4733 events.
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { hasTone, rms, share, ulawDecode, ulawEncode } from './audio.mjs';
import { freeRtpPort } from './ports.mjs';
import { until } from './wait.mjs';

const RATE = 8000;
const PACKET = 160;
const EVENT_TYPE = 101;
const KEYS = '0123456789*#ABCD';
const token = () => randomBytes(6).toString('hex');

export function parse(text) {
  const [head, body = ''] = text.split(/\r\n\r\n([^]*)/);
  const [first, ...lines] = head.split('\r\n');
  const headers = lines.map((line) => /^([^:]+?)\s*:\s*(.*)$/.exec(line)).filter(Boolean).map((m) => [m[1].toLowerCase(), m[2]]);
  const all = (name) => headers.filter(([n]) => n === name).map(([, value]) => value);
  const status = /^SIP\/2\.0 (\d+)/.exec(first);
  const [, number, method] = /^(\d+) (\S+)/.exec(all('cseq')[0] || '') || [];
  return {
    text, first, body, all, get: (name) => all(name)[0],
    status: status ? Number(status[1]) : 0,
    method, cseq: Number(number),
    uri: status ? null : first.split(' ')[1],
  };
}

const tagOf = (value) => /;tag=([^;>\s]+)/.exec(value || '')?.[1];
const uriOf = (value) => /<([^>]+)>/.exec(value)?.[1] ?? value.split(';')[0];

export class Trunk {
  // `answer`: "accept", "ring" (180 and no more), a status code, or { status, phrase, headers }. `host`: where SIP and media are.
  constructor({ tone = 0, answer = 'accept', host = '127.0.0.1' } = {}) {
    this.tone = tone;
    this.host = host;
    this.uriHost = host.includes(':') ? `[${host}]` : host;
    this.family = host.includes(':') ? 6 : 4;
    this.answer = answer;
    this.log = [];
    this.dialog = null;
    this.calls = 0;
    this.subscriptions = new Map(); // by event package
  }

  async open() {
    this.socket = dgram.createSocket(`udp${this.family}`);
    this.socket.on('message', (data, from) => this.receive(data.toString(), from));
    await new Promise((resolve) => this.socket.bind(0, this.host, resolve));
    this.port = this.socket.address().port;
    this.rtpPort = await freeRtpPort();
    this.rtp = dgram.createSocket(`udp${this.family}`);
    this.rtp.on('message', (packet) => this.receiveRtp(packet));
    await new Promise((resolve) => this.rtp.bind(this.rtpPort, this.host, resolve));
    this.clear();
    return this;
  }

  close() {
    clearInterval(this.sender);
    this.socket.close();
    this.rtp.close();
  }

  clear() {
    this.samples = [];
    this.events = new Map();
    this.packets = 0;
  }

  // --- SIP ---

  send(text, to) {
    this.log.push({ out: true, ...parse(text) });
    this.socket.send(text, to.port, this.host);
  }

  receive(text, from) {
    if (!text.trim()) return;
    const message = parse(text);
    this.log.push({ out: false, ...message });
    if (message.status) this.receiveResponse(message, from);
    else this.receiveRequest(message, from);
  }

  reply(request, to, code, reason, body = '', { toTag: tag = this.dialog?.localTag || token(), headers = [] } = {}) {
    const toTag = tagOf(request.get('to')) ? '' : `;tag=${tag}`;
    const lines = [
      `SIP/2.0 ${code} ${reason}`,
      ...request.all('via').map((via) => `Via: ${via}`),
      ...request.all('record-route').map((route) => `Record-Route: ${route}`),
      `From: ${request.get('from')}`,
      `To: ${request.get('to')}${code === 100 ? '' : toTag}`,
      `Call-ID: ${request.get('call-id')}`,
      `CSeq: ${request.get('cseq')}`,
      `Contact: <sip:peer@${this.uriHost}:${this.port}>`,
      ...headers,
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${body.length}`,
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`, to);
  }

  receiveRequest(request, from) {
    const known = this.dialog && request.get('call-id') === this.dialog.callId && tagOf(request.get('to')) === this.dialog.localTag;
    switch (request.method) {
      case 'ACK':
        return;
      case 'OPTIONS':
        return this.reply(request, from, 200, 'OK');
      case 'INVITE':
        return known ? this.receiveReinvite(request, from) : this.receiveInvite(request, from);
      case 'SUBSCRIBE':
        return this.receiveSubscribe(request, from);
      case 'MESSAGE':
        return this.reply(request, from, 200, 'OK');
      case 'CANCEL':
        this.reply(request, from, 200, 'OK');
        if (this.pending) this.reply(this.pending, from, 487, 'Request Terminated');
        this.pending = null;
        return;
      case 'BYE':
        this.reply(request, from, known ? 200 : 481, known ? 'OK' : 'No Such Call');
        if (known) this.endCall();
        return;
      default:
        this.reply(request, from, known ? 200 : 481, known ? 'OK' : 'No Such Call');
    }
  }

  receiveInvite(request, from) {
    if (this.pending?.get('via') === request.get('via')) return; // a retransmission
    if (this.dialog?.inviteVia === request.get('via')) return;
    this.calls++;
    this.dialog = {
      callId: request.get('call-id'), localTag: token(), remoteTag: tagOf(request.get('from')), inviteVia: request.get('via'),
      local: request.get('to'), remote: request.get('from'), target: uriOf(request.get('contact')), cseq: 1, peer: from,
    };
    this.reply(request, from, 100, 'Trying');
    const { status = this.answer, phrase = 'No', headers } = this.answer;
    if (typeof status === 'number') return this.reply(request, from, status, phrase, '', { headers });
    this.reply(request, from, 180, 'Ringing');
    this.pending = request;
    if (this.answer === 'accept') this.accept();
  }

  // --- subscriptions: granted, and told what the test says ---

  receiveSubscribe(request, from) {
    const event = request.get('event').split(';')[0];
    const expires = request.get('expires') ?? '3600';
    const known = this.subscriptions.get(event);
    const localTag = known?.localTag ?? token();
    this.subscriptions.set(event, {
      event, expires, localTag, peer: from, cseq: known?.cseq ?? 0, callId: request.get('call-id'), local: request.get('to').split(';tag=')[0],
      remote: request.get('from'), target: uriOf(request.get('contact')),
    });
    this.reply(request, from, 200, 'OK', '', { toTag: localTag, headers: [`Expires: ${expires}`] });
    this.subscribed?.(event, expires);
  }

  notify(event, type, body, subscriptionState = 'active;expires=3600') {
    const one = this.subscriptions.get(event);
    const lines = [
      `NOTIFY ${one.target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.uriHost}:${this.port};branch=z9hG4bK${token()};rport`,
      'Max-Forwards: 70',
      `From: ${one.local};tag=${one.localTag}`,
      `To: ${one.remote}`,
      `Call-ID: ${one.callId}`,
      `CSeq: ${++one.cseq} NOTIFY`,
      `Contact: <sip:peer@${this.uriHost}:${this.port}>`,
      `Event: ${event}`,
      `Subscription-State: ${subscriptionState}`,
      `Content-Type: ${type}`,
      `Content-Length: ${body.length}`,
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`, one.peer);
  }

  accept() {
    const request = this.pending;
    this.pending = null;
    this.takeMedia(request.body);
    this.reply(request, this.dialog.peer, 200, 'OK', this.sdp('sendrecv'));
    this.startSending();
  }

  receiveReinvite(request, from) {
    this.takeMedia(request.body);
    const offered = /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(request.body)?.[1] || 'sendrecv';
    const answered = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' }[offered];
    this.direction = offered;
    this.reply(request, from, 200, 'OK', this.sdp(answered));
  }

  receiveResponse(response, from) {
    const { dialog } = this;
    if (response.method !== 'INVITE' || response.status < 200 || response.get('call-id') !== dialog?.callId) return;
    if (response.status < 300) {
      dialog.remoteTag = tagOf(response.get('to'));
      dialog.remote = response.get('to');
      dialog.target = uriOf(response.get('contact'));
      this.takeMedia(response.body);
      this.startSending();
    }
    this.request('ACK', { cseq: response.cseq, to: response.get('to'), branch: response.status < 300 ? token() : dialog.branch });
  }

  request(method, { cseq, to, branch = token(), body = '', uri, headers = [] } = {}) {
    const { dialog } = this;
    const lines = [
      `${method} ${uri || dialog.target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.uriHost}:${this.port};branch=z9hG4bK${branch};rport`,
      'Max-Forwards: 70',
      `From: ${dialog.local}${tagOf(dialog.local) ? '' : `;tag=${dialog.localTag}`}`,
      `To: ${to || dialog.remote}`,
      `Call-ID: ${dialog.callId}`,
      `CSeq: ${cseq ?? ++dialog.cseq} ${method}`,
      `Contact: <sip:peer@${this.uriHost}:${this.port}>`,
      ...headers,
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${body.length}`,
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`, dialog.peer);
  }

  // `from`: who calls, as a header's value.
  invite(user, gatewayPort, { from = '<sip:4711@peer.test>', headers } = {}) {
    this.dialog = {
      callId: token(), localTag: token(), cseq: 0, branch: token(), peer: { port: gatewayPort }, local: from,
      remote: `<sip:${user}@${this.uriHost}:${gatewayPort}>`, target: `sip:${user}@${this.uriHost}:${gatewayPort}`,
    };
    this.request('INVITE', { branch: this.dialog.branch, body: this.sdp('sendrecv'), headers });
  }

  cancel(headers = []) {
    this.request('CANCEL', { branch: this.dialog.branch, cseq: this.dialog.cseq, headers });
  }

  hold(on) {
    this.request('INVITE', { body: this.sdp(on ? 'sendonly' : 'sendrecv') });
  }

  bye(headers) {
    this.request('BYE', { headers });
    this.endCall();
  }

  // Waits for a message from the gateway: a status code with the method it answers, or a request's method.
  saw(method, status = 0, after = 0) {
    return until(() => `the trunk sees ${status || ''} ${method}\n${this.trace()}`,
      () => this.log.slice(after).find((m) => !m.out && m.method === method && m.status === status));
  }

  trace() {
    return this.log.map((m) => `${m.out ? '>' : '<'} ${m.text.split('\r\n').slice(0, 1)} ${m.get('cseq')} ${m.get('call-id')}`).join('\n');
  }

  // --- media ---

  sdp(direction) {
    this.version = (this.version || 0) + 1;
    return [
      'v=0', `o=peer 4711 ${this.version} IN IP${this.family} ${this.host}`, 's=-', `c=IN IP${this.family} ${this.host}`, 't=0 0', `m=audio ${this.rtpPort} RTP/AVP 0 ${EVENT_TYPE}`,
      'a=rtpmap:0 PCMU/8000', `a=rtpmap:${EVENT_TYPE} telephone-event/8000`, `a=fmtp:${EVENT_TYPE} 0-16`, 'a=ptime:20', `a=${direction}`, '',
    ].join('\r\n');
  }

  takeMedia(sdp) {
    if (!sdp) return;
    const port = /^m=audio (\d+)/m.exec(sdp);
    if (port) this.remoteRtp = { port: Number(port[1]), address: /^c=IN IP[46] (\S+)/m.exec(sdp)[1] };
  }

  startSending() {
    clearInterval(this.sender);
    const ssrc = randomBytes(4).readUInt32BE();
    const start = Date.now();
    let sent = 0;
    this.sender = setInterval(() => {
      // By the clock, not by the timer's count: timers of a busy machine come late.
      for (const due = (Date.now() - start) / 20; sent < due; sent++) this.sendPacket(sent, ssrc);
    }, 10);
  }

  sendPacket(number, ssrc) {
    const packet = Buffer.alloc(12 + PACKET, 0xff);
    packet[0] = 0x80;
    packet[1] = number === 0 ? 0x80 : 0;
    packet.writeUInt16BE(number & 0xffff, 2);
    packet.writeUInt32BE((number * PACKET) >>> 0, 4);
    packet.writeUInt32BE(ssrc, 8);
    for (let i = 0; this.tone && i < PACKET; i++) {
      packet[12 + i] = ulawEncode(Math.round(12000 * Math.sin((2 * Math.PI * this.tone * (number * PACKET + i)) / RATE)));
    }
    this.rtp.send(packet, this.remoteRtp.port, this.remoteRtp.address);
  }

  receiveRtp(packet) {
    const type = packet[1] & 0x7f;
    if (packet.length < 12 || packet[0] >> 6 !== 2) return;
    this.packets++;
    const payload = packet.subarray(12 + 4 * (packet[0] & 15));
    if (type === EVENT_TYPE) {
      const timestamp = packet.readUInt32BE(4);
      this.events.set(timestamp, { key: KEYS[payload[0]], ended: Boolean(payload[1] & 0x80), duration: payload.readUInt16BE(2) });
    } else if (type === 0) {
      for (const byte of payload) this.samples.push(ulawDecode(byte));
      if (this.samples.length > 5 * RATE) this.samples.splice(0, this.samples.length - 5 * RATE);
    }
  }

  // The digits whose events have ended, in the order they came.
  digits() {
    return [...this.events.values()].filter((event) => event.ended).map((event) => event.key).join('');
  }

  hears(frequency) {
    const last = () => Float64Array.from(this.samples.slice(-RATE));
    return until(
      () => `the trunk hears ${frequency} Hz; rms ${rms(last()).toFixed(0)}, share ${share(last(), frequency, RATE).toFixed(2)}, packets ${this.packets}`,
      () => hasTone(last(), frequency, RATE),
    );
  }

  endCall() {
    clearInterval(this.sender);
  }
}
