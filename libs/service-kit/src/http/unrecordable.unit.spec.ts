import { describe, expect, it } from 'vitest';
import { Rejected } from './problem.filter.ts';
import { ContractPipe } from './contract.pipe.ts';
import { unrecordableAt } from './unrecordable.ts';

const nested = (depth: number, inner: string): unknown =>
  JSON.parse(`${'['.repeat(depth)}${inner}${']'.repeat(depth)}`);

describe('what cannot be recorded', () => {
  it.each([
    [{ a: 1, b: [true, null, 'größer'] }, undefined],
    [{ a: [{ b: 'x\ud800' }] }, { path: 'a.0.b', message: 'not well-formed Unicode' }],
    [{ a: { 'x\ud800': 1 } }, { path: 'a', message: 'not well-formed Unicode' }],
    ['\ud800', { path: '', message: 'not well-formed Unicode' }],
  ])('%j is found at its place', (value, found) => {
    expect(unrecordableAt(value)).toEqual(found);
  });

  it('is what is nested more than 32 deep', () => {
    expect(unrecordableAt(nested(32, '1'))).toBeUndefined();
    expect(unrecordableAt({ a: nested(32, '1') })).toEqual({
      path: ['a', ...Array<number>(31).fill(0)].join('.'),
      message: 'nested more than 32 deep',
    });
  });

  it.each([40, 3_000, 20_000, 500_000])('is refused by its place at depth %i', async (depth) => {
    const ones = '1,'.repeat(100_000);
    const body = { text: nested(depth, `${ones}1`) };
    const refused = new ContractPipe().transform(body, { type: 'body' });
    await expect(refused).rejects.toThrow(Rejected);
    await expect(refused).rejects.toThrow(/^text\.0\..*: nested more than 32 deep$/);
  });

  it('is named in a few words', () => {
    const name = 'n'.repeat(1_000_000);
    const value = { [name]: { end: '\ud800' } };
    expect(unrecordableAt(value)?.path).toBe('n'.repeat(300));
  });
});
