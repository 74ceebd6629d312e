import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createWriteStream } from 'node:fs';
import { z } from 'zod';
import { environmentWithoutSettings } from './config.ts';

const Ready = z.object({ url: z.string(), ownerCredentialFile: z.string() });
const MAIN = fileURLToPath(new URL('../../../standalone/src/main.ts', import.meta.url));

/** Countersign as users run it: a process of its own, reached over HTTP only, that can be killed. */
export interface StandaloneProcess extends AsyncDisposable {
  readonly url: string;
  readonly ownerCredentialFile: string;
  /** SIGKILL: nothing is said, nothing is tidied. */
  kill(): Promise<void>;
}

/**
 * Starts `apps/standalone` with these settings and waits until it is ready.
 *
 * @param logFile receives what it says beside its one line of readiness.
 * @throws Error with the process's own words when it ends before it is ready.
 */
export async function startStandaloneProcess(
  settings: Readonly<Record<string, string>>,
  logFile: string,
): Promise<StandaloneProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { ...environmentWithoutSettings(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(createWriteStream(logFile, { flags: 'a' }));
  const ready = await firstLine(child, logFile);
  const gone = once(child, 'exit');
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await gone;
    }
  };
  const { url, ownerCredentialFile } = Ready.parse(JSON.parse(ready));
  return {
    url,
    ownerCredentialFile,
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

async function firstLine(child: ChildProcess, logFile: string): Promise<string> {
  if (!child.stdout) throw new Error('the process has no output');
  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => text as string),
    once(child, 'exit').then(([code]) => {
      throw new Error(`Countersign ended with ${String(code)} before it was ready; see ${logFile}`);
    }),
  ]);
  return line;
}
