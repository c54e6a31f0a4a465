// SIPp with scenarios of ours: one call, its sound given back by -rtp_echo. Its exit code is its verdict.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TOP } from './daemon.mjs';
import { freeRtpPort } from './ports.mjs';
import { Process } from './process.mjs';
import { within } from './wait.mjs';

const SIPP = process.env.SIPP || 'sipp';

// `user` and `gatewayPort` only where SIPp calls; `login`: { username, password } for challenges; `host`: where it is.
export async function startSipp(scenario, { port, user, gatewayPort, login, host = '127.0.0.1' }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-sipp-'));
  const rtp = await freeRtpPort();
  const call = user ? [`127.0.0.1:${gatewayPort}`, '-s', user] : [];
  const proof = login ? ['-au', login.username, '-ap', login.password] : [];
  const sipp = new Process(SIPP, [
    ...call, ...proof, '-sf', path.join(TOP, `tests/interop/scenarios/${scenario}.xml`), '-m', '1', '-l', '1', '-r', '1',
    '-i', host, '-p', String(port), '-mi', host, '-mp', String(rtp), '-rtp_echo',
    '-nostdin', '-trace_err', '-timeout', '60', '-timeout_error',
  ], { cwd: folder, env: { ...process.env, TERM: 'dumb' } });
  return {
    async finished() {
      const code = await within(`SIPp (${scenario}) ends`, sipp.ended);
      const errors = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8')).join('\n');
      if (code !== 0) throw new Error(`SIPp (${scenario}) ended with ${code}:\n${errors.slice(-3000)}\n${sipp.output.slice(-1500)}`);
    },
    async stop() {
      await sipp.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
