import { readFileSync, readdirSync } from 'node:fs';
import {
  ARCHIVE_EVENTS,
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
/** The chained hash below is over the samples of the first release; each later one is held by its bytes. */
const ADDED_LATER = [
  'agent.message_keys_set.v1.json',
  'agent.wallet_added.v1.json',
  'alert.sent.v1.json',
  'approval.granted.v1.proven.json',
  'archive.cut.v1.json',
  'authorization.renewed.v1.json',
  'change.canceled.v1.json',
  'change.scheduled.v1.json',
  'decision.made.v1.available.json',
  'decision.made.v1.joined.json',
  'delivery.reported.v1.renewal.json',
  'facilitator.tripped.v1.json',
  'intent.submitted.v1.message.json',
  'intent.submitted.v1.resubmitted.json',
  'intent.submitted.v1.session.json',
  'key.announced.v1.alerting.json',
  'outflows.scanned.v1.json',
  'person.added.v1.key.json',
  'policy.activated.v1.scheduled.json',
  'renewal.requested.v1.json',
  'restore.accepted.v1.json',
  'restore.detected.v1.json',
  'session.closed.v1.json',
  'session.opened.v1.json',
  'task.alerted.v1.plan.json',
  'wallet.created.v1.erc1271-p256.json',
  'wallet.deployed.v1.json',
  'wallet.frozen.v1.json',
  'wallet.key_renewed.v1.json',
  'wallet.requested.v1.erc1271-p256.json',
  'wallet.revoke_ordered.v1.json',
  'wallet.revoked.v1.json',
  'wallet.rotated.v1.json',
  'wallet.rotation_ordered.v1.json',
  'wallet.rotation_signed.v1.json',
  'wallet.taken.v1.json',
  'wallet.unfrozen.v1.json',
];
const bytesOf = (file: string) => readFileSync(new URL(file, folder));

describe('released events', () => {
  it('each have a frozen sample', () => {
    const all = [LANE_EVENTS, CONTROL_EVENTS, ARCHIVE_EVENTS];
    const names = all.flatMap((events) => Object.keys(events));
    // A further sample of an event is named for what is special in it.
    const sampled = samples.map((file) => file.replace(/\.v1\..*$/, ''));
    expect([...new Set(sampled)].sort()).toEqual(names.sort());
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
    const first = samples.filter((file) => !ADDED_LATER.includes(file));
    const heads = first.reduce((head, file, offset) => {
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
      `"48cc2d30d5933a52ac66944f122c263a28c2e8c52fc3ae625ea31d6c7e4bbd65"`,
    );
  });
});
