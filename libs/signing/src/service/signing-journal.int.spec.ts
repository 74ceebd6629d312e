import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvariantViolation } from '@countersign/kernel';
import { USDC } from '@countersign/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from './journal-file.ts';
import { type SigningJournal, openSigningJournal } from './signing-journal.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1_790_000_000_000;
let folder: string;
let path: string;
let journal: SigningJournal;
const PER_DAY = 10n ** 20n;
const note = (it: JournalEntry, perDay = PER_DAY) => journal.note(it, perDay);

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
const signedToday = (nowMs = NOW_MS) => journal.countedInDay('w1', USDC, nowMs);
function reopen(): void {
  journal.close();
  journal = openSigningJournal(path);
}

describe('the signing journal', () => {
  it('keeps what it noted over a reopening', () => {
    note(entry());
    note(other({ value: '5' }));
    reopen();
    expect(signedToday()).toBe(20_005n);
    const differs = entry({ authorizationDigest: 'b'.repeat(64) });
    expect(() => note(differs)).toThrow(InvariantViolation);
  });

  it('has noted on disk before it answers', () => {
    note(entry());
    expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(entry())}\n`);
  });

  it('takes the same note again without counting it twice', () => {
    note(entry());
    note(entry({ atMs: NOW_MS + 1 }));
    reopen();
    note(entry());
    expect(signedToday()).toBe(20_000n);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2);
  });

  it('refuses another authorization for a payment, and notes nothing of it', () => {
    note(entry());
    const differs = entry({ authorizationDigest: 'b'.repeat(64), value: '7' });
    expect(() => note(differs)).toThrow(InvariantViolation);
    expect(signedToday()).toBe(20_000n);
    reopen();
    expect(signedToday()).toBe(20_000n);
  });

  it('notes a renewal of what it signed last, which signs nothing more away', () => {
    note(entry());
    const renewal = entry({ authorizationDigest: 'b'.repeat(64), renews: 'a'.repeat(64) });
    expect(note(renewal, 20_000n)).toBe(true);
    expect(signedToday()).toBe(20_000n);
    reopen();
    expect(note(entry())).toBe(true);
    expect(note(renewal)).toBe(true);
    expect(signedToday()).toBe(20_000n);
    const sibling = entry({ authorizationDigest: 'c'.repeat(64), renews: 'a'.repeat(64) });
    expect(() => note(sibling)).toThrow(InvariantViolation);
  });

  it('counts a renewal of what another signer signed', () => {
    const renewal = entry({ authorizationDigest: 'b'.repeat(64), renews: 'a'.repeat(64) });
    expect(note(renewal, 19_999n)).toBe(false);
    expect(note(renewal)).toBe(true);
    expect(signedToday()).toBe(20_000n);
  });

  it('sums a wallet and token over exactly the last 24 hours', () => {
    note(entry());
    note(other({ wallet: 'w2', value: '1' }));
    note(entry({ paymentId: `pay_0_${'3'.repeat(32)}`, token: `0x${'9'.repeat(40)}` }));
    expect(signedToday()).toBe(20_000n);
    expect(signedToday(NOW_MS + DAY_MS - 1)).toBe(20_000n);
    expect(signedToday(NOW_MS + DAY_MS)).toBe(0n);
  });

  it('notes nothing that would pass what may be signed away in a day, however many ask side by side', () => {
    const answers = ['1', '2', '3'].map((digit) =>
      note(entry({ paymentId: `pay_0_${digit.repeat(32)}` }), 40_000n),
    );
    expect(answers).toEqual([true, true, false]);
    expect(signedToday()).toBe(40_000n);
    reopen();
    expect(note(entry({ paymentId: `pay_0_${'3'.repeat(32)}` }), 40_000n)).toBe(false);
    expect(note(entry({ paymentId: `pay_0_${'2'.repeat(32)}` }), 40_000n)).toBe(true);
  });

  it('lets go of what is older than a day, and takes on again', () => {
    const inMemory = openSigningJournal(undefined);
    for (let index = 0; index < 3_000; index++) {
      const paymentId = `pay_0_${String(index).padStart(32, '0')}`;
      inMemory.note(entry({ paymentId, atMs: NOW_MS + index * 60_000 }), PER_DAY);
    }
    expect(inMemory.countedInDay('w1', USDC, NOW_MS + 2_999 * 60_000)).toBe(1_440n * 20_000n);
    inMemory.close();
  });

  it('counts what others signed, once, also when it signs the same', () => {
    journal.learn(entry());
    journal.learn(entry({ atMs: NOW_MS + 1 }));
    expect(note(other(), 39_999n)).toBe(false);
    expect(note(other(), 40_000n)).toBe(true);
    expect(note(entry(), 40_000n)).toBe(true);
    reopen();
    expect(signedToday()).toBe(40_000n);
    expect(journal.has(entry().paymentId)).toBe(true);
  });

  it('counts beside a payment what was fixed before it in its lane, and all of other lanes', () => {
    const elsewhere = entry({ paymentId: `pay_1_${'3'.repeat(32)}` });
    for (const it of [entry(), other(), elsewhere]) journal.learn(it);
    expect(note(entry(), 39_999n)).toBe(false);
    expect(note(other(), 59_999n)).toBe(false);
    expect(note(elsewhere, 59_999n)).toBe(false);
    reopen();
    expect(note(entry(), 40_000n)).toBe(true);
    expect(note(other(), 60_000n)).toBe(true);
    expect(signedToday()).toBe(60_000n);
  });

  it('lets two of different lanes wait for each other, and never both be signed', () => {
    const elsewhere = entry({ paymentId: `pay_1_${'3'.repeat(32)}` });
    const journals = [journal, openSigningJournal(undefined)];
    for (const it of journals) for (const fixed of [entry(), elsewhere]) it.learn(fixed);
    const answers = [entry(), elsewhere].map((it, index) => journals[index]?.note(it, 39_999n));
    expect(answers).toEqual([false, false]);
  });

  it('notes a renewal that it saw in the log first, and the one after it', () => {
    note(entry());
    const renewal = entry({ authorizationDigest: 'b'.repeat(64), renews: 'a'.repeat(64) });
    journal.learn(renewal);
    reopen();
    expect(note(renewal, 0n)).toBe(true);
    const next = entry({ authorizationDigest: 'c'.repeat(64), renews: 'b'.repeat(64) });
    expect(note(next, 0n)).toBe(true);
    expect([...journal.known()].map((it) => it.authorizationDigest)).toEqual(['c'.repeat(64)]);
    expect(signedToday()).toBe(20_000n);
  });

  it('learns no other authorization of what it signed', () => {
    note(entry());
    const another = entry({ authorizationDigest: 'b'.repeat(64) });
    journal.learn(another);
    expect(() => note(another)).toThrow(InvariantViolation);
  });

  it('knows by its mark whether it lacks what it had', () => {
    expect(journal.holds(undefined)).toBe(false);
    const empty = journal.mark;
    journal.learn(entry());
    const one = journal.mark;
    const before = readFileSync(path);
    note(other());
    const two = journal.mark;
    reopen();
    for (const mark of [empty, one, two]) expect(journal.holds(mark)).toBe(true);
    writeFileSync(path, before);
    reopen();
    for (const mark of [empty, one]) expect(journal.holds(mark)).toBe(true);
    expect(journal.holds(two)).toBe(false);
  });

  it('is not another one with as many entries', () => {
    journal.learn(entry());
    const { mark } = journal;
    writeFileSync(path, '');
    reopen();
    journal.learn(other({ authorizationDigest: 'd'.repeat(64) }));
    expect(journal.holds(mark)).toBe(false);
  });

  it('lets go of what it learned late when its day is over', () => {
    journal.learn(entry({ atMs: NOW_MS }));
    journal.learn(other({ atMs: NOW_MS - DAY_MS + 1, value: '5' }));
    expect(signedToday()).toBe(20_005n);
    expect(signedToday(NOW_MS + 1)).toBe(20_000n);
  });

  it('sums beyond what a double can hold', () => {
    note(entry({ value: '9007199254740993' }));
    expect(signedToday()).toBe(9_007_199_254_740_993n);
  });

  it('ignores a torn last line', () => {
    note(entry());
    appendFileSync(path, JSON.stringify(other()).slice(0, 40));
    reopen();
    expect(signedToday()).toBe(20_000n);
  });

  it('still opens after it wrote on behind a torn last line', () => {
    note(entry());
    appendFileSync(path, JSON.stringify(other()).slice(0, 40));
    reopen();
    note(other());
    reopen();
    expect(signedToday()).toBe(40_000n);
  });

  it('reads lines wherever its reading is cut, and cuts off what is torn behind them', () => {
    const count = 9_000;
    const nameOf = (index: number) => `pay_0_${String(index).padStart(32, '0')}`;
    const lines = Array.from({ length: count }, (_, index) =>
      JSON.stringify(entry({ paymentId: nameOf(index), wallet: 'wä', value: '1' })),
    );
    const whole = `${lines.join('\n')}\n`;
    expect(whole.length).toBeGreaterThan(2 * 1_048_576);
    writeFileSync(path, `${whole}{"paymentId":"ä`);
    reopen();
    expect(journal.countedInDay('wä', USDC, NOW_MS)).toBe(BigInt(count));
    expect([...journal.known()].map(({ paymentId }) => paymentId)).toEqual(
      lines.map((_, index) => nameOf(index)),
    );
    expect(readFileSync(path, 'utf8')).toBe(whole);
  });

  it('is read where memory is far less than its file', () => {
    const line = `${JSON.stringify(entry()).padEnd(65_535)}\n`;
    const file = openSync(path, 'a');
    for (let written = 0; written < 100 * 1_048_576; written += line.length) writeSync(file, line);
    closeSync(file);
    const script = `import { openSigningJournal } from './signing-journal.ts';
      console.log(String(openSigningJournal(process.argv[1]).countedInDay('w1', '${USDC}', ${NOW_MS})));`;
    const small = ['--max-old-space-size=64', '--import', 'tsx', '--input-type=module', '-e'];
    const { stdout, stderr } = spawnSync(process.execPath, [...small, script, path], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    });
    expect(stdout.trim(), stderr).toBe('20000');
  });

  it('does not open over a damaged whole line', () => {
    note(entry());
    appendFileSync(path, '{"paymentId":1}\n');
    expect(() => openSigningJournal(path)).toThrow();
  });

  it('holds in memory where it has no file', () => {
    const inMemory = openSigningJournal(undefined);
    inMemory.note(entry(), PER_DAY);
    expect(inMemory.countedInDay('w1', USDC, NOW_MS)).toBe(20_000n);
    inMemory.close();
  });
});
