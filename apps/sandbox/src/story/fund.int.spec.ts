import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { SANDBOX_FILE } from './sandbox-file.ts';

const MAIN = fileURLToPath(new URL('fund.ts', import.meta.url));
const TSX = import.meta.resolve('tsx');
const ADDRESS = `0x${'1'.repeat(40)}`;

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-fund-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function told(folder: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--import', TSX, MAIN, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return text(child.stderr);
}

it('names what is wrong with what it was given, or that nothing runs', async () => {
  const folder = aFolder();
  expect(await told(folder, '0x12', '10.00')).toMatch(/^"0x12" is no address.*\n$/);
  expect(await told(folder, ADDRESS, '10,00')).toMatch(/^"10,00" is no amount.*\n$/);
  expect(await told(folder, ADDRESS)).toMatch(/^npm run fund -- <address> <amount.*\n$/);
  expect(await told(folder, ADDRESS, '10')).toMatch(/^Nothing runs here .*\n$/);
});

it('says in a line that the chain is away', async () => {
  const folder = aFolder();
  const file = join(folder, SANDBOX_FILE);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ rpcUrl: 'http://127.0.0.1:1' }));
  expect(await told(folder, ADDRESS, '10')).toMatch(/^The chain does not answer; .*\n$/);
});
