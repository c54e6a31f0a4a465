// coturn on the loopback.
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from './certificate.mjs';
import { freeTcpPort, mediaPorts } from './ports.mjs';
import { Process } from './process.mjs';
import { until } from './wait.mjs';

export class TurnServer {
  // With a `secret` it takes who has credentials made of that (for a while), else one user with a password.
  constructor({ secret = '' } = {}) {
    this.login = secret ? ['--use-auth-secret', `--static-auth-secret=${secret}`] : ['--lt-cred-mech', '--user=tandem:by-the-relay'];
  }

  async start() {
    this.port = await freeTcpPort();
    this.tlsPort = await freeTcpPort();
    this.relayed = await mediaPorts();
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'tandem-turn-'));
    const { certificate, key } = makeCertificate(this.folder, 'turn');
    this.certificate = certificate;
    this.process = new Process('turnserver', ['-n', '--listening-ip=127.0.0.1', `--listening-port=${this.port}`, '--relay-ip=127.0.0.1',
      `--min-port=${this.relayed.first}`, `--max-port=${this.relayed.last}`, ...this.login,
      '--realm=interop.test', '--allow-loopback-peers', '--no-cli', '--no-dtls', `--tls-listening-port=${this.tlsPort}`, `--cert=${this.certificate}`, `--pkey=${key}`, '--log-file=stdout',
      `--pidfile=${this.folder}/pid`, `--userdb=${this.folder}/db`]);
    await until(() => `coturn is up\n${this.process.output}`, () => new Promise((resolve) => {
      const probe = net.connect(this.port, '127.0.0.1', () => probe.end(() => resolve(true)));
      probe.on('error', () => resolve(false));
    }));
    return this;
  }

  configuration(transport) {
    const servers = {
      udp: `server = "turn:127.0.0.1:${this.port}";`,
      tcp: `server = "turn:127.0.0.1:${this.port}?transport=tcp";`,
      tls: `server = "turns:127.0.0.1:${this.tlsPort}"; ca_file = "${this.certificate}";`,
    };
    return `turn_servers : ( { ${servers[transport]} username = "tandem"; password = "by-the-relay"; } );`;
  }

  async stop() {
    await this.process.stop();
    this.relayed.release();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
