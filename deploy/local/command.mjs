/** Programs that fetch and build: run to their end, their output shown only when they fail. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const OUTPUT_KEPT = 4_000;

/** The program's path, or undefined if the PATH has none. */
export function onPath(program) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

/** Resolves with what it printed; rejects with the end of it. */
export function command(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let printed = '';
    let said = '';
    child.stdout.on('data', (data) => (printed += data));
    for (const output of [child.stdout, child.stderr])
      output.on('data', (data) => (said = `${said}${data}`.slice(-OUTPUT_KEPT)));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`${program} ${args[0] ?? ''} ended with ${code}: ${said.trim()}`));
    });
  });
}
