// G.711, tones and their recognition.
import { writeFileSync } from 'node:fs';

export function ulawEncode(sample) {
  const sign = sample < 0 ? 0x80 : 0;
  let magnitude = Math.min(Math.abs(sample), 32635) + 132;
  let exponent = 7;
  for (let mask = 0x4000; (magnitude & mask) === 0 && exponent > 0; mask >>= 1) exponent--;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 255;
}

export function ulawDecode(byte) {
  const code = ~byte & 255;
  const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return code & 128 ? -magnitude : magnitude;
}

// The share of the samples' energy that lies at `frequency`: near 1 for a pure tone, near 0 otherwise.
export function share(samples, frequency, rate) {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let before = 0;
  let last = 0;
  let energy = 0;
  for (const sample of samples) {
    const next = sample + coefficient * last - before;
    before = last;
    last = next;
    energy += sample * sample;
  }
  const power = before * before + last * last - coefficient * before * last;
  return energy === 0 ? 0 : (2 * power) / (samples.length * energy);
}

export function rms(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

// The tone stands in some half second of it: a call begins and ends with silence.
export function hasTone(samples, frequency, rate, { least = 0.8, level = 500 } = {}) {
  const length = rate / 2;
  for (let at = 0; at + length <= samples.length; at += length / 2) {
    const part = samples.subarray(at, at + length);
    if (rms(part) >= level && share(part, frequency, rate) >= least) return true;
  }
  return false;
}

export function writeTone(path, frequency, { rate = 48000, seconds = 10, amplitude = 12000 } = {}) {
  const count = rate * seconds;
  const wav = Buffer.alloc(44 + count * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + count * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(count * 2, 40);
  for (let i = 0; i < count; i++) {
    wav.writeInt16LE(Math.round(amplitude * Math.sin((2 * Math.PI * frequency * i) / rate)), 44 + 2 * i);
  }
  writeFileSync(path, wav);
}

// 16-bit PCM; of several channels the first. A file whose writer has not finished it is read as far as it goes.
export function readWav(buffer) {
  let at = 12;
  let format = null;
  while (at + 8 <= buffer.length) {
    const name = buffer.toString('latin1', at, at + 4);
    let size = buffer.readUInt32LE(at + 4);
    at += 8;
    if (name === 'fmt ') format = { channels: buffer.readUInt16LE(at + 2), rate: buffer.readUInt32LE(at + 4) };
    if (name === 'data') {
      if (size === 0 || at + size > buffer.length) size = buffer.length - at;
      const step = 2 * format.channels;
      const samples = new Float64Array(Math.floor(size / step));
      for (let i = 0; i < samples.length; i++) samples[i] = buffer.readInt16LE(at + i * step);
      return { rate: format.rate, samples };
    }
    at += size + (size & 1);
  }
  throw new Error('no WAV file');
}
