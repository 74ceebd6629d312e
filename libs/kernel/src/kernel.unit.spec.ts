import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDecimal, isAtomicText, rescaleUp, toDecimal } from './amount.ts';
import { type Canonical, canonicalText, memberTexts, textOfMembers } from './canonical.ts';
import { digestOf, sha256Hex } from './digest.ts';
import { InvariantViolation } from './invariant.ts';

describe('canonical text', () => {
  it('sorts members, leaves out undefined and writes integers plainly', () => {
    const value = { b: [1, -0, null, true], a: 'é\n', c: undefined };
    expect(canonicalText(value)).toBe('{"a":"é\\n","b":[1,0,null,true]}');
  });

  it.each([1.5, Number.NaN, 2 ** 53, Infinity])('has no form for %d', (value) => {
    expect(() => canonicalText(value)).toThrow(InvariantViolation);
  });

  it('has no form for half a character, a date or a bigint', () => {
    expect(() => canonicalText('\ud800')).toThrow(InvariantViolation);
    expect(() => canonicalText(1n as unknown as Canonical)).toThrow(InvariantViolation);
  });

  it('is one text for one value, whatever the order of members', () => {
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        fc.constant(null),
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.string(),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalText(value as Canonical);
        expect(canonicalText(JSON.parse(text) as Canonical)).toBe(text);
        expect(textOfMembers(memberTexts({ value: value as Canonical }))).toBe(`{"value":${text}}`);
      }),
    );
  });

  it('sorts what the engine has in an order of its own', () => {
    expect(canonicalText({ 2: 'b', 10: 'a' })).toBe('{"10":"a","2":"b"}');
    expect(canonicalText({ list: [{ 2: 'b', 10: 'a' }] })).toBe('{"list":[{"10":"a","2":"b"}]}');
  });

  it('asks no object how it would like to be written', () => {
    class Own {
      readonly a = 1;
      toJSON(): string {
        return 'something else';
      }
    }
    const value = { own: new Own() } as unknown as Canonical;
    expect(canonicalText(value)).toBe('{"own":{"a":1}}');
  });

  it('has no form for half a character, however deep, or in a name', () => {
    expect(() => canonicalText({ a: [{ b: '\ud800' }] })).toThrow(InvariantViolation);
    expect(() => canonicalText({ '\ud800': 1 })).toThrow(InvariantViolation);
    expect(() => canonicalText({ a: [1.5] })).toThrow(InvariantViolation);
  });
});

describe('digests', () => {
  it('are SHA-256 (FIPS 180-4)', () => {
    expect(sha256Hex('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });

  it('differ by what they are for', () => {
    expect(digestOf('a', { x: 1 })).not.toBe(digestOf('b', { x: 1 }));
  });
});

describe('amounts', () => {
  it.each(['0', '1', '90071992547409919', (2n ** 256n - 1n).toString()])('%s is atomic', (text) =>
    expect(isAtomicText(text)).toBe(true),
  );
  it.each(['', '-1', '+1', '01', '1.0', '1e3', ' 1', '0x1', '１', (2n ** 256n).toString()])(
    '"%s" is not',
    (text) => expect(isAtomicText(text)).toBe(false),
  );

  it('reads decimals exactly or not at all', () => {
    expect(fromDecimal('0.02', 6)).toBe(20_000n);
    expect(fromDecimal('1', 6)).toBe(1_000_000n);
    expect(fromDecimal('0.0000001', 6)).toBeUndefined();
    expect(fromDecimal('.5', 6)).toBeUndefined();
    expect(fromDecimal('-1', 6)).toBeUndefined();
    expect(fromDecimal('1', 18)).toBe(10n ** 18n);
  });

  it('survives the way to people and back', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, 2n ** 256n - 1n),
        fc.integer({ min: 0, max: 18 }),
        (amount, places) => {
          expect(fromDecimal(toDecimal(amount, places), places)).toBe(amount);
        },
      ),
    );
  });

  it('rounds up when a unit is coarser than the asset', () => {
    expect(rescaleUp(1n, 18, 6)).toBe(1n);
    expect(rescaleUp(10n ** 12n, 18, 6)).toBe(1n);
    expect(rescaleUp(10n ** 12n + 1n, 18, 6)).toBe(2n);
    expect(rescaleUp(5n, 2, 6)).toBe(50_000n);
  });
});
