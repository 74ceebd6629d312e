import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AlreadyRunning, elsewhereText, takeFolder } from './folder.ts';

function aFolder(): string {
  const place = mkdtempSync(join(tmpdir(), 'countersign-story-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  return join(place, 'story');
}

/** Another process that takes the folder and lives until it is killed. */
async function owner(folder: string) {
  const program = `
    import { takeFolder } from ${JSON.stringify(new URL('folder.ts', import.meta.url).href)};
    globalThis.kept = takeFolder(${JSON.stringify(folder)});
    setInterval(() => {}, 1000);
    console.log('taken');`;
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

describe('the folder of a story', () => {
  it('is left alone while another process plays in it, and is free again once that was killed', async () => {
    const folder = aFolder();
    const first = await owner(folder);
    const file = join(folder, 'owner.credential');
    writeFileSync(file, 'kept');

    expect(() => takeFolder(folder)).toThrow(AlreadyRunning);
    expect(() => takeFolder(folder)).toThrow(
      `A story runs already in ${folder} (process ${first.pid}); end it with Ctrl-C where it was started, or with: kill ${first.pid}`,
    );
    expect(existsSync(file)).toBe(true);

    const gone = once(first, 'exit');
    first.kill('SIGKILL');
    await gone;
    using taken = takeFolder(folder);
    expect(taken).toBeDefined();
    expect(existsSync(file)).toBe(false);
  });

  it('is free again when it is given back', () => {
    const folder = aFolder();
    takeFolder(folder)[Symbol.dispose]();
    takeFolder(folder)[Symbol.dispose]();
  });
});

describe('the address', () => {
  it('is told with what to export where the port of the guide is taken', () => {
    expect(elsewhereText('http://127.0.0.1:4020', 4020)).toBeUndefined();
    expect(elsewhereText('http://127.0.0.1:4977', 4020)).toContain(
      'export COUNTERSIGN_URL=http://127.0.0.1:4977',
    );
  });
});
