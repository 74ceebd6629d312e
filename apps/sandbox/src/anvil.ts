import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Fault } from '@countersign/kernel';

/** A running anvil. It ends with this process, whatever ends this process. */
export interface Anvil {
  readonly rpcUrl: string;
  /** Ends anvil and waits until it is gone and its state file, if it has one, is written. */
  readonly stop: () => Promise<void>;
}

const ANSWER_LIMIT_MS = 20_000;
const LISTENING = /^Listening on (?<address>127\.0\.0\.1:\d+)$/;
const LAST_WORDS = 20;

/**
 * Starts anvil with `args` and waits until it listens.
 *
 * @param log receives every line anvil writes: each call and each block.
 * @throws {Fault} `anvil_did_not_start`, with anvil's last lines.
 */
export async function startAnvil(
  args: readonly string[],
  log: (line: string) => void,
): Promise<Anvil> {
  const keeper = fileURLToPath(new URL('keeper.ts', import.meta.url));
  const binary = anvilBinary();
  const scratchFolder = mkdtempSync(join(tmpdir(), 'countersign-anvil-'));
  const command = [binary, ...args, ...boundedHistory(scratchFolder)];
  // Detached: Ctrl-C reaches the parent alone, which then stops what it started in its own order.
  const child = spawn(process.execPath, [keeper, scratchFolder, ...command], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // Closing a pipe whose reader has died is the normal end here.
  child.stdin.on('error', () => undefined);
  async function stop(): Promise<void> {
    child.stdin.end();
    await gone;
  }

  const lastWords: string[] = [];
  const address = await new Promise<string | undefined>((resolve) => {
    const limit = setTimeout(() => resolve(undefined), ANSWER_LIMIT_MS);
    const settle = (found: string | undefined): void => {
      clearTimeout(limit);
      resolve(found);
    };
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        log(line);
        lastWords.push(line);
        if (lastWords.length > LAST_WORDS) lastWords.shift();
        const found = LISTENING.exec(line)?.groups?.['address'];
        if (found !== undefined) settle(found);
      });
    }
    child.once('error', () => settle(undefined));
    void gone.then(() => settle(undefined));
  });
  if (address === undefined) {
    await stop();
    throw new Fault('anvil_did_not_start', `anvil did not start:\n${lastWords.join('\n')}`, {
      retryable: false,
    });
  }
  return { rpcUrl: `http://${address}`, stop };
}

/**
 * By itself anvil keeps the state of 3600 blocks as files under the home folder, which came to 12 GB after ten hours of
 * one-second blocks, and leaves them there.
 */
function boundedHistory(scratchFolder: string): string[] {
  return ['--cache-path', scratchFolder, '--max-persisted-states', '60'];
}

/** The platform's own package holds the binary; the launcher in `@foundry-rs/anvil` needs a postinstall script. */
function anvilBinary(): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const file = process.platform === 'win32' ? 'anvil.exe' : 'anvil';
  const fromLauncher = createRequire(
    createRequire(import.meta.url).resolve('@foundry-rs/anvil/package.json'),
  );
  return fromLauncher.resolve(`@foundry-rs/anvil-${process.platform}-${architecture}/bin/${file}`);
}
