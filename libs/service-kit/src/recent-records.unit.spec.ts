import type { LogRecord } from '@countersign/ports';
import { describe, expect, it } from 'vitest';
import { RecentRecords } from './recent-records.ts';

const record = (offset: number, size = 1): LogRecord => ({
  ...{ lane: '0', key: 'acme/a', stampMs: offset, offset },
  bytes: new Uint8Array(size).fill(offset),
});

function taken(records: readonly LogRecord[]): RecentRecords {
  const recent = new RecentRecords();
  for (const one of records) recent.take(one);
  return recent;
}

describe('the newest records', () => {
  it('are given as they came, by lane and offset', () => {
    const recent = taken([record(0), record(1), { ...record(1), lane: 'control', key: 'c' }]);
    expect(recent.at('0', 1)).toEqual(record(1));
    expect(recent.at('control', 1)?.key).toBe('c');
    expect(recent.at('0', 2)).toBeUndefined();
  });

  it('take the place of the oldest', () => {
    const recent = taken(Array.from({ length: 4_097 }, (_, offset) => record(offset)));
    expect([0, 1, 4_096].map((offset) => recent.at('0', offset)?.offset)).toEqual([
      undefined,
      1,
      4_096,
    ]);
  });

  it('are fewer where they are large, and one that came again counts once', () => {
    const large = [0, 1, 1, 1, 2].map((offset) => record(offset, 2_500_000));
    const recent = taken(large);
    expect([0, 1, 2].map((offset) => recent.at('0', offset)?.offset)).toEqual([0, 1, 2]);
    recent.take(record(3, 2_500_000));
    expect([0, 1, 3].map((offset) => recent.at('0', offset)?.offset)).toEqual([undefined, 1, 3]);
  });

  it('are never those with openings, which the log may have to forget', () => {
    const recent = taken([{ ...record(0), openings: Uint8Array.of(1) }]);
    expect(recent.at('0', 0)).toBeUndefined();
  });
});
