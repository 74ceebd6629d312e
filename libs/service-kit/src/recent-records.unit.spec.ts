import type { LogRecord } from '@countersign/ports';
import { describe, expect, it } from 'vitest';
import { RecentRecords } from './recent-records.ts';

const record = (offset: number, size = 1): LogRecord => ({
  ...{ lane: '0', key: 'acme/a', stampMs: offset, offset },
  bytes: new Uint8Array(size).fill(offset),
});

/** What was delivered, before a log that notes what is asked of it. */
function taken(records: readonly LogRecord[]) {
  const asked: number[] = [];
  const recent = new RecentRecords({
    read: (lane, offset) => {
      asked.push(offset);
      return Promise.resolve([{ ...record(offset), lane, key: 'read' }]);
    },
  });
  for (const one of records) recent.take(one);
  const at = (offsets: readonly number[], lane = '0') =>
    recent.at(
      lane,
      offsets.map((offset) => ({ offset, code: null })),
    );
  return { recent, asked, at };
}

describe('the newest records', () => {
  it('are given as they came, with why they were ignored', async () => {
    const { recent, asked } = taken([record(0), record(1), { ...record(1), lane: 'control' }]);
    const places = [
      { offset: 1, code: 'duplicate' as const },
      { offset: 0, code: null },
    ];
    expect(await recent.at('0', places)).toEqual([
      { ...record(1), ignored: 'duplicate' },
      { ...record(0), ignored: null },
    ]);
    expect(asked).toEqual([]);
  });

  it('take the place of the oldest, which are read from the log', async () => {
    const { asked, at } = taken(Array.from({ length: 4_097 }, (_, offset) => record(offset)));
    expect((await at([0, 1, 4_096])).map(({ key }) => key)).toEqual(['read', 'acme/a', 'acme/a']);
    expect(asked).toEqual([0]);
  });

  it('are fewer where they are large, and one that came again counts once', async () => {
    const large = [0, 1, 1, 1, 2].map((offset) => record(offset, 2_500_000));
    const { recent, asked, at } = taken(large);
    await at([0, 1, 2]);
    expect(asked).toEqual([]);
    recent.take(record(3, 2_500_000));
    await at([0, 1, 3]);
    expect(asked).toEqual([0]);
  });

  it('are never those with openings, which the log may have to forget', async () => {
    const { asked, at } = taken([{ ...record(0), openings: Uint8Array.of(1) }]);
    await at([0]);
    expect(asked).toEqual([0]);
  });
});
