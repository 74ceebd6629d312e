import type { Authorization } from '@countersign/contracts';
import type { AuthorizationReading } from '@countersign/ports';
import { PAYEE, USDC, WALLET } from '@countersign/testkit';
import { describe, expect, it } from 'vitest';
import { evidenceOf } from './evidence.ts';

const VALID_BEFORE = 1_790_000_060;
const AUTHORIZATION: Authorization = {
  chainId: 84532,
  token: USDC,
  from: WALLET,
  to: PAYEE,
  value: '20000',
  nonce: `0x${'5'.repeat(64)}`,
  validAfter: 0,
  validBefore: VALID_BEFORE,
};
const blockAt = (timeMs: number) => ({ number: 7, hash: `0x${'c'.repeat(64)}`, timeMs });
const at = blockAt(VALID_BEFORE * 1000 - 2000);
const PLACE = { transactionHash: `0x${'d'.repeat(64)}`, logIndex: 3, block: at };
const MOVED = { from: WALLET, to: PAYEE, value: 20_000n, ...PLACE };

type Used = Extract<AuthorizationReading, { state: 'used' }>;
const used = (transfer: Used['transfer']) =>
  evidenceOf(AUTHORIZATION, { at, state: 'used', transfer });
const unusedAt = (timeMs: number) =>
  evidenceOf(AUTHORIZATION, { at: blockAt(timeMs), state: 'unused' }).kind;

describe('evidence of an authorization', () => {
  it('is a settlement where the recorded transfer stands behind the used nonce', () => {
    expect(used(MOVED)).toEqual({ kind: 'settled', transfer: PLACE });
  });

  it.each([
    ['from', { from: PAYEE }],
    ['to', { to: WALLET }],
    ['more', { value: 20_001n }],
    ['less', { value: 19_999n }],
  ])('is a mismatch where another transfer stands behind it: %s', (_, change) => {
    const moved = { ...MOVED, ...change };
    expect(used(moved)).toEqual({
      kind: 'mismatched',
      found: `${moved.value} from ${moved.from} to ${moved.to} in ${PLACE.transactionHash}`,
    });
  });

  it('is a mismatch where no transfer stands behind it', () => {
    expect(used(null)).toMatchObject({ kind: 'mismatched' });
  });

  it('is a cancellation where the nonce was canceled', () => {
    const reading = { at, state: 'canceled', canceled: PLACE } as const;
    expect(evidenceOf(AUTHORIZATION, reading)).toEqual({ kind: 'canceled', transfer: PLACE });
  });

  it('is unused until the second validBefore, and outlived from it on', () => {
    expect(unusedAt(VALID_BEFORE * 1000 - 1)).toBe('unused');
    expect(unusedAt(VALID_BEFORE * 1000)).toBe('outlived');
    expect(unusedAt(VALID_BEFORE * 1000 + 1)).toBe('outlived');
  });

  it('names the block of an unused reading', () => {
    expect(evidenceOf(AUTHORIZATION, { at, state: 'unused' })).toEqual({ kind: 'unused', at });
  });

  it('is never outlived once it was used, however late it is read', () => {
    const late = blockAt(VALID_BEFORE * 1000 + 1_000_000);
    const reading = { at: late, state: 'used', transfer: MOVED } as const;
    expect(evidenceOf(AUTHORIZATION, reading).kind).toBe('settled');
  });
});
