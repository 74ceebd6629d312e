import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Service } from '@countersign/contracts';
import { environmentWithoutSettings } from '../../apps/sandbox/src/story/config.ts';
import { takeAlong } from '../../apps/sandbox/src/story/take-along.ts';

/** How soon an orchestrator starts what ended by itself again. */
const RESTART_MS = 500;
/** A fault of its surroundings, said in one line: an orchestrator tries again. Every other end is a bug. */
const EXIT_FATAL = 70;
const LAST_WORDS = 5;

export interface ReplicaPlan {
  readonly service: Service;
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** V8's compiled code is kept there between starts. */
  readonly compileCache: string;
  readonly onSaid: (replica: Replica, line: string) => void;
  readonly onEnd: (replica: Replica, end: string, isBug: boolean) => void;
}

/** One process of a service, started again whenever it ends, as an orchestrator does. */
export class Replica {
  readonly service: Service;
  readonly name: string;
  /** Where it listens, while it is at work. */
  url: string | undefined;
  starts = 0;
  /** When it came to work last, monotonic. */
  readyAtMs = 0;
  readonly #plan: ReplicaPlan;
  #child: ChildProcess | undefined;
  #isWanted = false;
  #isKilled = false;
  readonly #waiting = new Set<() => void>();

  constructor(plan: ReplicaPlan) {
    this.#plan = plan;
    this.service = plan.service;
    this.name = plan.name;
  }

  /** Resolves when it is at work. */
  async start(): Promise<void> {
    this.#isWanted = true;
    if (!this.#child) this.#spawn();
    await this.ready();
  }

  async ready(): Promise<void> {
    while (this.url === undefined) await new Promise<void>((done) => this.#waiting.add(done));
  }

  get isAlive(): boolean {
    return this.#child !== undefined;
  }

  /** SIGKILL; it stays down until {@link start}. */
  async kill(): Promise<void> {
    this.#isWanted = false;
    this.#isKilled = true;
    await this.#end('SIGKILL');
  }

  /** SIGTERM, and its orderly end; SIGKILL where that does not come. */
  async stop(patienceMs: number): Promise<void> {
    this.#isWanted = false;
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), patienceMs);
    await this.#end('SIGTERM');
    clearTimeout(late);
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** No file of it grows beyond so many bytes, as on a full disk; undefined takes the limit away. */
  limitFiles(bytes: number | undefined): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes ?? 'unlimited'}:unlimited`]);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    // A paused process takes no other signal but SIGKILL.
    child.kill('SIGCONT');
    await gone;
  }

  #spawn(): void {
    const { service, settings, logFile, compileCache } = this.#plan;
    this.starts += 1;
    this.#isKilled = false;
    const main = `apps/${service}/src/main.ts`;
    const child = spawn(process.execPath, ['--import', 'tsx', main], {
      env: { ...environmentWithoutSettings(), NODE_COMPILE_CACHE: compileCache, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    takeAlong(child);
    const file = createWriteStream(logFile, { flags: 'a' });
    const lastWords: string[] = [];
    createInterface(child.stderr).on('line', (line) => {
      file.write(`${line}\n`);
      lastWords.push(line);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
      this.#plan.onSaid(this, line);
    });
    createInterface(child.stdout).on('line', (line) => this.#hear(line));
    child.once('close', (code, signal) => {
      file.end();
      this.url = undefined;
      this.#child = undefined;
      if (!this.#isKilled && this.#isWanted) {
        const end = `${signal ?? code}: ${lastWords.join(' | ')}`;
        // The event store ends its process so when it exits in the midst of an insert; nobody else's may.
        const isStore = service === 'recorder' && signal === 'SIGKILL';
        this.#plan.onEnd(this, end, code !== EXIT_FATAL && !isStore);
      }
      if (this.#isWanted) setTimeout(() => this.#again(), RESTART_MS);
    });
  }

  #again(): void {
    if (this.#isWanted && !this.#child) this.#spawn();
  }

  #hear(line: string): void {
    const { url } = JSON.parse(line) as { url?: string };
    if (url === undefined) return;
    this.url = url;
    this.readyAtMs = performance.now();
    for (const done of this.#waiting) done();
    this.#waiting.clear();
  }
}
