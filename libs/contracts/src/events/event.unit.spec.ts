import { canonicalText, digestOf } from '@countersign/kernel';
import { describe, expect, it } from 'vitest';
import { decodeEvent, encodeEvent, statementText, statementTextOf } from './event.ts';
import type { EventData } from './names.ts';

const HASH = `0x${'c'.repeat(64)}`;
const FIXED: EventData<'authorization.fixed'> = {
  ...{ tenant: 'default', agent: 'research-1', paymentId: `pay_0_${'0'.repeat(32)}` },
  ...{ decisionId: 'd'.repeat(64), walletId: 'w1', atBlock: 7 },
  authorization: {
    ...{ chainId: 84_532, token: `0x${'a'.repeat(40)}`, value: '20000', nonce: HASH },
    ...{ from: `0x${'b'.repeat(40)}`, to: `0x${'c'.repeat(40)}`, validAfter: 0, validBefore: 60 },
  },
  signature: { keyId: 'signer-1', value: 'A'.repeat(86) },
};
const encoded = encodeEvent('authorization.fixed', FIXED, 'test/1');
const record = JSON.parse(new TextDecoder().decode(encoded.bytes)) as Readonly<
  Record<string, unknown>
>;

const bytesOf = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

/** The record with other data, under the id that derives from it. */
function recordOf(data: unknown) {
  const { causationid, source, type } = record;
  const named = { causationid, data, source, type } as Parameters<typeof digestOf>[1];
  return { ...record, data, id: digestOf('countersign/event/1', named) };
}

/** The same value with its members the other way round, at every depth. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).reverse();
  return Object.fromEntries(members.map(([key, member]) => [key, reversed(member)]));
}

describe('a decoded record', () => {
  it('says the same in whatever order and with whatever blanks it was written', () => {
    const event = decodeEvent(encoded.bytes);
    if ('undecodable' in event) throw new Error(event.undecodable);
    expect(event).toEqual(encoded.event);
    const other = new TextEncoder().encode(JSON.stringify(reversed(record), null, 2));
    const again = decodeEvent(other);
    if ('undecodable' in again) throw new Error(again.undecodable);
    expect(again).toEqual(event);
    const text = statementText('authorization.fixed', 'test/1', FIXED);
    expect([event, again, { ...event }].map(statementTextOf)).toEqual([text, text, text]);
  });

  it('has an id that covers each of its values', () => {
    for (const [name, value] of Object.entries({
      atBlock: 8,
      walletId: 'w2',
      decisionId: HASH.slice(2),
    }))
      expect(decodeEvent(bytesOf({ ...record, data: { ...FIXED, [name]: value } }))).toEqual({
        undecodable: 'the id does not derive from the content',
      });
  });

  it('is refused where the schema reads another value than was recorded', () => {
    const authorization = { ...FIXED.authorization, token: `0x${'A'.repeat(40)}` };
    const data = { ...FIXED, authorization };
    expect(decodeEvent(bytesOf(recordOf(FIXED)))).toEqual(encoded.event);
    expect(decodeEvent(bytesOf(recordOf(data)))).toEqual({
      undecodable: 'the id does not derive from the content',
    });
    // The id of what the schema reads is no help either way round: the bytes are other ones, the event is the same.
    expect(decodeEvent(bytesOf({ ...record, data }))).toEqual(encoded.event);
    expect(canonicalText(FIXED.authorization)).not.toBe(canonicalText(authorization));
  });

  it('is refused for a type that every object knows', () => {
    for (const type of ['constructor', 'dev.countersign.constructor.v1', '__proto__'])
      expect(decodeEvent(bytesOf({ ...record, type }))).toEqual({
        undecodable: `unknown type ${type}`,
      });
  });

  it('is refused where an escape holds half a character', () => {
    for (const [whole, half] of [
      ['test/1', 'test/\\ud800'],
      ['signer-1', 'signer-\\uDFFF'],
    ] as const) {
      const text = new TextDecoder().decode(encoded.bytes).replace(whole, half);
      expect(decodeEvent(new TextEncoder().encode(text))).toEqual({
        undecodable: 'half a character',
      });
    }
    // A whole one that is escaped is a matter of spelling.
    const { bytes, event } = encodeEvent('authorization.fixed', FIXED, 'test/😀');
    const escaped = new TextDecoder().decode(bytes).replace('😀', '\\ud83d\\ude00');
    expect(decodeEvent(new TextEncoder().encode(escaped))).toEqual(event);
  });
});
