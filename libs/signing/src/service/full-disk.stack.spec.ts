import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fault } from '@countersign/kernel';
import { USDC } from '@countersign/testkit';
import { expect, it, onTestFinished } from 'vitest';
import type { JournalEntry } from './journal-file.ts';
import { openSigningJournal } from './signing-journal.ts';

const NOW_MS = 1_790_000_000_000;
const PER_DAY = 10n ** 12n;

function entry(digit: string): JournalEntry {
  return {
    paymentId: `pay_0_${digit.repeat(32)}`,
    wallet: 'w1',
    token: USDC,
    value: '1',
    authorizationDigest: digit.repeat(64),
    atMs: NOW_MS,
  };
}

/** Lets no file of this process grow beyond so many bytes, while `work` runs: the disk is full. */
function onFullDisk(bytes: number, work: () => void): void {
  const limit = (to: string) => {
    const args = ['--pid', String(process.pid), `--fsize=${to}:`];
    expect(spawnSync('prlimit', args, { stdio: 'ignore' }).status).toBe(0);
  };
  limit(String(bytes));
  try {
    work();
  } finally {
    limit('unlimited');
  }
}

it('a journal signs nothing while the disk takes a part of a line, and goes on when it takes all', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-full-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'journal.jsonl');
  let journal = openSigningJournal(path);
  const reopen = () => {
    journal.close();
    journal = openSigningJournal(path);
  };
  const signed = () => [...journal.known()].map(({ paymentId }) => paymentId);
  const [first, second] = [entry('1'), entry('2')];
  expect(journal.note(first, PER_DAY)).toBe(true);
  const refused = () => {
    expect(() => journal.note(second, PER_DAY)).toThrow(Fault);
  };
  onFullDisk(statSync(path).size + 10, refused);
  reopen();
  expect(signed()).toEqual([first.paymentId]);
  onFullDisk(statSync(path).size + 10, refused);
  expect(journal.note(second, PER_DAY)).toBe(true);
  expect(journal.holds(journal.mark)).toBe(true);
  reopen();
  expect(signed()).toEqual([first.paymentId, second.paymentId]);

  onFullDisk(statSync(path).size + 10, () => journal.learn(entry('3')));
  expect(signed()).toHaveLength(3);
  expect(journal.holds(journal.mark)).toBe(false);
  journal.close();
});
