// Processes of a test: started here, ended here, by their own id.
import { spawn } from 'node:child_process';
import { LIMIT_MS } from './wait.mjs';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Process {
  constructor(command, args, options = {}) {
    this.name = command.split('/').pop();
    this.output = '';
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    running.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => (this.output = (this.output + text).slice(-200000)));
    }
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.output += `${error.message}\n`;
        resolve(-1);
      });
      this.child.once('close', (code, signal) => {
        running.delete(this.child);
        this.code = code ?? signal;
        resolve(this.code);
      });
    });
  }

  get isRunning() {
    return this.code === undefined;
  }

  async stop(signal = 'SIGTERM', limit = LIMIT_MS) {
    if (!this.isRunning) return this.code;
    this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), limit);
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }
}
