import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvariantViolation } from '@countersign/kernel';
import { USDC } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JournalEntry, type SigningJournal, openSigningJournal } from './signing-journal.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1_790_000_000_000;
let folder: string;
let path: string;
let journal: SigningJournal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-journal-'));
  path = join(folder, 'signer', 'journal.jsonl');
  journal = openSigningJournal(path);
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

function entry(change: Partial<JournalEntry> = {}): JournalEntry {
  return {
    paymentId: `pay_0_${'1'.repeat(32)}`,
    wallet: 'w1',
    token: USDC,
    value: '20000',
    authorizationDigest: 'a'.repeat(64),
    atMs: NOW_MS,
    ...change,
  };
}
const other = (change: Partial<JournalEntry> = {}) =>
  entry({ paymentId: `pay_0_${'2'.repeat(32)}`, ...change });
const signedToday = (nowMs = NOW_MS) => journal.signedInDay('w1', USDC, nowMs);
function reopen(): void {
  journal.close();
  journal = openSigningJournal(path);
}

describe('the signing journal', () => {
  it('keeps what it noted over a reopening', () => {
    journal.note(entry());
    journal.note(other({ value: '5' }));
    reopen();
    expect(signedToday()).toBe(20_005n);
    const differs = entry({ authorizationDigest: 'b'.repeat(64) });
    expect(() => journal.note(differs)).toThrow(InvariantViolation);
  });

  it('has noted on disk before it answers', () => {
    journal.note(entry());
    expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(entry())}\n`);
  });

  it('takes the same note again without counting it twice', () => {
    journal.note(entry());
    journal.note(entry({ atMs: NOW_MS + 1 }));
    reopen();
    journal.note(entry());
    expect(signedToday()).toBe(20_000n);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2);
  });

  it('refuses another authorization for a payment, and notes nothing of it', () => {
    journal.note(entry());
    const differs = entry({ authorizationDigest: 'b'.repeat(64), value: '7' });
    expect(() => journal.note(differs)).toThrow(InvariantViolation);
    expect(signedToday()).toBe(20_000n);
    reopen();
    expect(signedToday()).toBe(20_000n);
  });

  it('sums a wallet and token over exactly the last 24 hours', () => {
    journal.note(entry());
    journal.note(other({ wallet: 'w2', value: '1' }));
    journal.note(entry({ paymentId: `pay_0_${'3'.repeat(32)}`, token: `0x${'9'.repeat(40)}` }));
    expect(signedToday()).toBe(20_000n);
    expect(signedToday(NOW_MS + DAY_MS - 1)).toBe(20_000n);
    expect(signedToday(NOW_MS + DAY_MS)).toBe(0n);
  });

  it('sums beyond what a double can hold', () => {
    journal.note(entry({ value: '9007199254740993' }));
    expect(signedToday()).toBe(9_007_199_254_740_993n);
  });

  it('ignores a torn last line', () => {
    journal.note(entry());
    appendFileSync(path, JSON.stringify(other()).slice(0, 40));
    reopen();
    expect(signedToday()).toBe(20_000n);
  });

  it('still opens after it wrote on behind a torn last line', () => {
    journal.note(entry());
    appendFileSync(path, JSON.stringify(other()).slice(0, 40));
    reopen();
    journal.note(other());
    reopen();
    expect(signedToday()).toBe(40_000n);
  });

  it('does not open over a damaged whole line', () => {
    journal.note(entry());
    appendFileSync(path, '{"paymentId":1}\n');
    expect(() => openSigningJournal(path)).toThrow();
  });

  it('holds in memory where it has no file', () => {
    const inMemory = openSigningJournal(undefined);
    inMemory.note(entry());
    expect(inMemory.signedInDay('w1', USDC, NOW_MS)).toBe(20_000n);
    inMemory.close();
  });
});
