import { describe, expect, it } from 'vitest';
import { restMs } from './polling.ts';

describe('the rest before the chain is asked again', () => {
  it.for([
    { ageMs: -30_000, pollMs: 1_000, rests: 1_000 },
    { ageMs: 0, pollMs: 1_000, rests: 1_000 },
    { ageMs: 15_999, pollMs: 1_000, rests: 1_000 },
    { ageMs: 16_000, pollMs: 1_000, rests: 2_000 },
    { ageMs: 60_000, pollMs: 1_000, rests: 7_000 },
    { ageMs: 60_000, pollMs: 2_000, rests: 6_000 },
    { ageMs: 86_400_000, pollMs: 1_000, rests: 15_000 },
    { ageMs: 86_400_000, pollMs: 60_000, rests: 60_000 },
  ])('is $rests ms after $ageMs ms, with a poll each $pollMs ms', ({ ageMs, pollMs, rests }) => {
    expect(restMs(ageMs, pollMs)).toBe(rests);
  });
});
