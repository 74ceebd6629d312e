import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const CHILD = fileURLToPath(new URL('unending-child.fixture.ts', import.meta.url));

it('gives up a query that the engine cannot stop, goes on without it, and closes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-unending-'));
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const said = await text(child.stdout);
  // An exit would wait for the query.
  expect(await exited).toEqual([null, 'SIGKILL']);
  expect(JSON.parse(said)).toEqual({
    unending: 'SqlRefused: took longer than 10 s',
    next: 'event_store_unavailable',
    found: 5,
    sequence: 1,
  });
  rmSync(folder, { recursive: true, force: true });
}, 60_000);
