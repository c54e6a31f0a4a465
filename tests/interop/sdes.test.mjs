// Keys in the SDP (RFC 4568): RTP/SAVP.
import { testEncrypted } from './lib/encrypted.mjs';

testEncrypted({ encryption: 'srtp-mand', srtp: 'required' });
