// SIP's codes and causes in plain words.
import JsSIP from 'jssip';

const STATUS = {
  400: 'The gateway did not understand the call.',
  401: 'The gateway refused the password.',
  403: 'This call is not allowed.',
  404: 'There is nobody at this number.',
  407: 'The gateway refused the password.',
  408: 'Nobody answered.',
  410: 'This number is no longer in use.',
  415: 'The other side cannot talk with this browser.',
  480: 'They cannot be reached right now.',
  481: 'The call had already ended.',
  482: 'The call ran in a circle.',
  483: 'The call was passed on too often.',
  484: 'The number is not complete.',
  486: 'They are on another call.',
  487: 'The call was cancelled.',
  488: 'The other side cannot talk with this browser.',
  500: 'The other side has a problem.',
  501: 'The other side cannot do this.',
  502: 'The way to this number is broken.',
  503: 'The service is not available right now.',
  504: 'The other side did not answer in time.',
  600: 'They are busy.',
  603: 'They declined the call.',
  604: 'There is nobody at this number.',
  606: 'The other side cannot talk with this browser.',
};

// Of the telephone network (ITU-T Q.850), as gateways pass them on in Reason.
const Q850 = {
  1: 'There is nobody at this number.',
  2: 'The way to this number is broken.',
  3: 'The way to this number is broken.',
  17: 'They are on another call.',
  18: 'Nobody answered.',
  19: 'Nobody answered.',
  20: 'They cannot be reached right now.',
  21: 'They declined the call.',
  22: 'This number is no longer in use.',
  27: 'The line to this number is out of order.',
  28: 'The number is not complete.',
  34: 'All lines are busy. Try again in a moment.',
  38: 'The telephone network is out of order.',
  41: 'The telephone network has a problem. Try again in a moment.',
  42: 'All lines are busy. Try again in a moment.',
  47: 'All lines are busy. Try again in a moment.',
  50: 'This account may not do this.',
  55: 'This number takes no calls.',
  57: 'This call is not allowed.',
  65: 'The other side cannot talk with this browser.',
  88: 'The other side cannot talk with this browser.',
  102: 'The telephone network did not answer in time.',
};

// What the network says of itself; 16, somebody who has hung up, is no news, and neither is why a caller has given up.
function networkWords({ originator, cause, message }) {
  if (originator !== 'remote' || cause === 'Canceled') return undefined;
  return Q850[/(?:^|,)\s*Q\.850\s*;[^,]*?cause\s*=\s*(\d+)/i.exec(message?.getHeader?.('Reason') || '')?.[1]];
}

// The text of a Reason that is about this very status.
function reasonText(message) {
  const reasons = (message?.getHeaders?.('Reason') || []).join(', ');
  const [, code, text] = /(?:^|,)\s*SIP\s*;\s*cause\s*=\s*(\d+)\s*;\s*text\s*=\s*"([^"]+)"/i.exec(reasons) || [];
  return Number(code) === message?.status_code ? text : '';
}

// A refusal's own words ("caller id not allowed"), where they are more than the usual ones of its code.
function ownWords({ originator, message }) {
  const usual = [JsSIP.C.REASON_PHRASE[message?.status_code], message?.status_code === 500 && 'Server Internal Error'];
  const isUsual = (words) => usual.some((one) => one && one.toLowerCase() === words.toLowerCase());
  const said = [reasonText(message), message?.reason_phrase?.trim()];
  return (originator === 'remote' && said.find((words) => words && !isUsual(words))) || '';
}

const CAUSE = {
  Terminated: 'Call ended',
  Canceled: 'Call cancelled',
  Rejected: 'They declined the call.',
  Busy: 'They are on another call.',
  Unavailable: 'They cannot be reached right now.',
  'Not Found': 'There is nobody at this number.',
  'Address Incomplete': 'The number is not complete.',
  'No Answer': 'Nobody answered.',
  Expires: 'Nobody answered.',
  'Request Timeout': 'The gateway did not answer in time.',
  'Connection Error': 'The connection to the gateway is lost.',
  'Authentication Error': 'The gateway refused the password.',
  'User Denied Media Access': 'The microphone may not be used. Allow it in the browser’s address bar and call again.',
  'Incompatible SDP': 'The other side cannot talk with this browser.',
  'Bad Media Description': 'The other side cannot talk with this browser.',
  'Missing SDP': 'The other side cannot talk with this browser.',
  'WebRTC Error': 'The browser could not set up the sound.',
  'RTP Timeout': 'No sound came any more, so the call was ended.',
  'Dialog Error': 'The call had already ended.',
  'No ACK': 'The call could not be completed.',
  'Internal Error': 'Something went wrong.',
};

// Of a BYE that nobody wanted, such as the gateway's when no sound comes any more.
function cutOff({ originator, message }) {
  const reason = /(?:^|,)\s*SIP\s*;[^,]*?cause\s*=\s*[3-6]\d\d\s*;\s*text\s*=\s*"([^"]*)"/i;
  return originator === 'remote' && reason.exec(message?.getHeader?.('Reason') || '')?.[1];
}

// `event` is JsSIP's `failed` or `ended`. { text, said: what the other side says itself beside that, failed: it is no one's wish }
export function callEnd(event, call, wasUp) {
  const network = networkWords(event);
  if (network) return { text: network, failed: true };
  const why = wasUp && cutOff(event);
  if (why) return { text: 'The call was cut off.', said: why, failed: true };
  return { text: callEndWords(event, call), said: ownWords(event), failed: !wasUp && event.originator !== 'local' };
}

function callEndWords(event, call) {
  const code = event.message?.status_code;
  if (event.cause === 'Canceled') {
    if (event.originator === 'local') return call.direction === 'incoming' ? 'Declined' : 'Call cancelled';
    return /answered elsewhere|completed elsewhere|;cause=200/i.test(event.message?.getHeader?.('Reason') || '')
      ? 'Answered on another device'
      : 'They hung up before you answered.';
  }
  if (event.originator === 'local' && event.cause === 'Rejected') return 'Declined';
  // A status code says more than JsSIP's grouping of it (408 and 480 are both "Unavailable" there).
  if (event.originator === 'remote' && code >= 300 && STATUS[code]) return STATUS[code];
  if (event.originator === 'remote' && event.cause === 'Terminated') return 'They hung up';
  return CAUSE[event.cause] || (code ? `The call failed (${code}).` : 'The call failed.');
}

export function registrationWords(event) {
  const code = event.response?.status_code;
  if (code === 403 && /too many/i.test(event.response.reason_phrase))
    return { text: 'This account is signed in on too many devices. Trying again…' };
  // The gateway does not say which of the two is wrong.
  if (code === 401 || code === 403 || code === 407 || event.cause === 'Authentication Error')
    return { wrongPassword: true, text: 'The name or the password is wrong.' };
  if (code === 404) return { wrongPassword: true, text: 'The gateway does not know this name.' };
  if (code === 503) return { text: 'The gateway takes no one in right now.' };
  if (code) return { text: `The gateway refused to sign in (${code} ${event.response.reason_phrase}).` };
  return { text: CAUSE[event.cause] || 'Signing in failed.' };
}

export function microphoneWords(error) {
  switch (error?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'The microphone may not be used. Allow it in the browser’s address bar and try again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'No microphone was found. Plug one in, or choose another in the settings.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The microphone is in use by another program.';
    default:
      return globalThis.isSecureContext === false
        ? 'Browsers give the microphone only to https pages. Open this page with https.'
        : `The microphone could not be opened (${error?.message || error}).`;
  }
}

export function duration(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(s / 3600);
  return hours > 0 ? `${hours}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

export function ago(time, now = Date.now()) {
  const minutes = Math.floor((now - time) / 60000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(time).toLocaleDateString();
}
