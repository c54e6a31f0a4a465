// All sounds are made here by WebAudio: ring tone, ring-back, key tones. No files, no licences.
let context = null;

export function audioContext() {
  if (!context) context = new AudioContext();
  if (context.state === 'suspended') context.resume().catch(() => {});
  return context;
}

// Rows and columns of ITU-T Q.23.
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYS = '123A456B789C*0#D';

export function keyTone(key) {
  const index = KEYS.indexOf(key);
  if (index < 0) return;
  playTones([ROWS[index >> 2], COLUMNS[index & 3]], 0, 0.12, 0.06);
}

// A ring of two soft notes, until the returned function is called.
export function startRinging() {
  return repeat(3000, () => {
    for (const at of [0, 0.45]) {
      playTones([659.26], at, 0.18, 0.16);
      playTones([830.61], at + 0.14, 0.24, 0.16);
    }
  });
}

// What a caller hears while it rings over there (the European cadence: 1 s on, 4 s off).
export function startRingback() {
  return repeat(5000, () => playTones([425], 0, 1, 0.05));
}

export function endTone() {
  playTones([440], 0, 0.1, 0.06);
  playTones([349.23], 0.13, 0.16, 0.06);
}

function repeat(every, play) {
  play();
  const timer = setInterval(play, every);
  const stops = () => {
    clearInterval(timer);
    for (const node of playing) node.stop();
    playing.clear();
  };
  return stops;
}

const playing = new Set();

function playTones(frequencies, after, seconds, volume) {
  const audio = audioContext();
  const start = audio.currentTime + after;
  const gain = audio.createGain();
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(volume, start + 0.015);
  gain.gain.setValueAtTime(volume, start + seconds - 0.03);
  gain.gain.linearRampToValueAtTime(0, start + seconds);
  gain.connect(audio.destination);
  for (const frequency of frequencies) {
    const oscillator = audio.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(gain);
    oscillator.start(start);
    oscillator.stop(start + seconds);
    playing.add(oscillator);
    oscillator.onended = () => playing.delete(oscillator);
  }
}

// Calls back with 0..1, about 20 times a second; returns what stops it.
export function meter(stream, callback) {
  const audio = audioContext();
  const source = audio.createMediaStreamSource(stream);
  const analyser = audio.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    // -50 dBFS and below is silence, -10 dBFS and above is full.
    const decibels = 10 * Math.log10(sum / samples.length + 1e-10);
    callback(Math.min(1, Math.max(0, (decibels + 50) / 40)));
  }, 50);
  return () => {
    clearInterval(timer);
    source.disconnect();
  };
}
