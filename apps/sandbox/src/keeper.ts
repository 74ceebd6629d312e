/**
 * Runs the command in its arguments for as long as standard input stays open, and removes the command's scratch folder
 * behind it.
 *
 * The operating system closes that pipe however the parent ends, SIGKILL included, which no signal handler in the
 * parent could promise. The command gets SIGTERM, so that a chain can still write its state.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const KILL_AFTER_MS = 10_000;

const [scratchFolder, command, ...args] = process.argv.slice(2);
if (scratchFolder === undefined || command === undefined) {
  throw new Error('usage: keeper.ts <scratch folder> <command> [argument…]');
}

const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });

function end(): void {
  child.kill('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
}

process.stdin.on('close', end).resume();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

// Without a parent nobody reads our output; the command must not notice.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
child.stdout.on('data', (chunk: Buffer) => process.stdout.write(chunk));
child.stderr.on('data', (chunk: Buffer) => process.stderr.write(chunk));

child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
child.on('exit', (code) => {
  rmSync(scratchFolder, { recursive: true, force: true });
  process.exit(code ?? 1);
});
