// One call as the person sees it.
const NEXT = {
  starting: ['ringing', 'connecting', 'active', 'ended'],
  ringing: ['ringing', 'answering', 'connecting', 'active', 'ended'],
  answering: ['connecting', 'active', 'ended'],
  connecting: ['active', 'ended'],
  active: ['ended'],
  ended: [],
};

const TONE_MS = 120;
const GAP_MS = 70;

// Of a call, or of what is remembered of one.
export const nameOf = ({ label, number }) => label || number || 'Hidden number';

export class Call {
  constructor(direction, number, label) {
    this.direction = direction;
    this.number = number;
    this.label = label;
    this.state = 'starting';
    this.startedAt = null;
    this.seconds = 0;
    this.muted = false;
    this.hold = { local: false, remote: false };
    this.media = 'new';
    this.digits = '';
    this.endText = '';
    this.said = ''; // by whoever refused it, in their own words
    this.failed = false;
    this.session = null;
    this.microphone = null;
    this.remoteStream = null;
    this.onchange = () => {};
  }

  // Who does not show a number has none here.
  get name() {
    return nameOf(this);
  }

  set(state) {
    if (!NEXT[this.state].includes(state)) return;
    this.state = state;
    if ((state === 'connecting' || state === 'active') && this.startedAt === null) this.startedAt = Date.now();
    this.onchange();
  }

  setHold(originator, on) {
    this.hold = { ...this.hold, [originator]: on };
    this.onchange();
  }

  setMuted(on) {
    this.muted = on;
    this.onchange();
  }

  setMedia(state) {
    this.media = state;
    this.onchange();
  }

  toggleMute() {
    if (this.muted) this.session?.unmute({ audio: true });
    else this.session?.mute({ audio: true });
  }

  toggleHold() {
    if (this.state !== 'active') return;
    if (this.hold.local) this.session.unhold();
    else this.session.hold();
  }

  // RFC 4733 events when the other side agreed to them, INFO otherwise.
  sendDigit(digit) {
    if (!this.session || this.state === 'ended') return;
    this.digits += digit;
    const sender = this.session.connection?.getSenders().find((candidate) => candidate.dtmf)?.dtmf;
    if (sender?.canInsertDTMF) sender.insertDTMF(sender.toneBuffer + digit, TONE_MS, GAP_MS);
    else if (this.state === 'active') {
      this.session.sendDTMF(digit, { transportType: 'INFO', duration: TONE_MS, interToneGap: GAP_MS });
    }
    this.onchange();
  }

  end({ text, said = '', failed = false }) {
    this.seconds = this.startedAt === null ? 0 : (Date.now() - this.startedAt) / 1000;
    this.endText = text;
    this.said = said;
    this.failed = failed;
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.set('ended');
  }
}
