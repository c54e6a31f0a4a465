// Keys by DTLS on the RTP port (RFC 5763): UDP/TLS/RTP/SAVP.
import { testEncrypted } from './lib/encrypted.mjs';

testEncrypted({ encryption: 'dtls_srtp', srtp: 'dtls' });
