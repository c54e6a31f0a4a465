// A network of a test's own: a script runs in a namespace where the loopback is up and `v0` is an interface of nobody else's.
import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const BASE = 'ip link set lo up && ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up';
const unshare = (setup) => ['--net', 'sh', '-c', `${BASE} && ${setup} && exec "$@"`, 'sh'];

// `setup`: shell commands, joined by "&&". Without root or what they need: false.
export function canMakeNetwork(setup) {
  try {
    execFileSync('unshare', [...unshare(setup), 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// What a script of this folder prints last, as JSON.
export function runInNetwork(setup, script, ...parameters) {
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), script);
  return new Promise((resolve, reject) => {
    execFile('unshare', [...unshare(setup), process.execPath, file, ...parameters], { timeout: 120000 }, (error, out, problems) => {
      if (error) reject(new Error(`${error.message}\n${problems}`));
      else resolve(JSON.parse(out.trim().split('\n').at(-1)));
    });
  });
}
