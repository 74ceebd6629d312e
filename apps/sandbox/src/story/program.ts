import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { environmentWithoutSettings } from './config.ts';
import { takeAlong } from './take-along.ts';

/** A Node program that runs beside the story, once it has said its first line. */
export interface Program {
  readonly firstLine: string;
  /** SIGKILL: nothing is said, nothing is tidied. */
  kill(): Promise<void>;
  /** SIGTERM, and its orderly end. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  /** From the repository's top folder. */
  readonly main: string;
  readonly args?: readonly string[];
  readonly settings?: Readonly<Record<string, string>>;
  /** Receives what it says beside its first line. */
  readonly logFile: string;
}

/** The repository's top folder. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** @throws Error naming the program and its log when it ends before it has said anything. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { main, args = [], settings, logFile } = options;
  const child = spawn(process.execPath, ['--import', 'tsx', `${ROOT}${main}`, ...args], {
    env: { ...environmentWithoutSettings(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(createWriteStream(logFile, { flags: 'a' }));
  takeAlong(child);
  const gone = once(child, 'exit');
  const firstLine = await lineOf(child, main, logFile);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await gone;
  };
  return { firstLine, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}

/** Runs a program to its end. @returns what it printed. @throws Error with the end of its log when it fails. */
export async function runProgram(
  main: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', `${ROOT}${main}`, ...args], {
    env: { ...environmentWithoutSettings(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let said = '';
  child.stdout.on('data', (data: Buffer) => (printed += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${main} ${args[0] ?? ''} ended with ${code}: ${said.trim()}`);
  return printed;
}

async function lineOf(child: ChildProcess, main: string, logFile: string): Promise<string> {
  if (!child.stdout) throw new Error('the process has no output');
  const lines = createInterface({ input: child.stdout });
  return Promise.race([
    once(lines, 'line').then(([text]) => text as string),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${main} ended with ${String(code)} before it was ready; see ${logFile}`);
    }),
  ]);
}
