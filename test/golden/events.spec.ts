import { readFileSync, readdirSync } from 'node:fs';
import {
  CONTROL_EVENTS,
  type EventData,
  type EventName,
  LANE_EVENTS,
  decodeEvent,
  encodeEvent,
} from '@countersign/contracts';
import { chainedHead, leafDigest } from '@countersign/payment';
import { describe, expect, it } from 'vitest';

const folder = new URL('events/', import.meta.url);
const samples = readdirSync(folder).sort();
const bytesOf = (file: string) => readFileSync(new URL(file, folder));

describe('released events', () => {
  it('each have a frozen sample', () => {
    const names = [...Object.keys(LANE_EVENTS), ...Object.keys(CONTROL_EVENTS)];
    expect(samples).toEqual(names.map((name) => `${name}.v1.json`).sort());
  });

  it.each(samples)('%s decodes, and is written again in the same bytes', (file) => {
    const bytes = bytesOf(file);
    const event = decodeEvent(bytes);
    if ('undecodable' in event) throw new Error(event.undecodable);
    const again = encodeEvent(event.name, event.data as EventData<EventName>, event.causationId);
    expect(Buffer.from(again.bytes).toString()).toBe(bytes.toString());
    expect(again.id).toBe(event.id);
  });

  it('hash to what they always hashed to', () => {
    const heads = samples.reduce((head, file, offset) => {
      const leaf = leafDigest({
        lane: '0',
        offset,
        stampMs: 1_000 + offset,
        key: 'k',
        bytes: bytesOf(file),
      });
      return chainedHead(head, leaf);
    }, '0'.repeat(64));
    expect(heads).toMatchInlineSnapshot(
      `"2b2ff086cb4ee079b887cdd5c39260de18619de4bb6673af90689d78191bf24b"`,
    );
  });
});
