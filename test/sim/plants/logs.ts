import { type EventName, decodeEvent, encodeEvent, statementText } from '@countersign/contracts';
import type { LogRecord } from '@countersign/ports';
import { KEYS } from '../cast.ts';
import type { World } from '../world.ts';

/** Every replica is given something else in place of each record of one name. */
function deafTo(name: EventName): () => (record: LogRecord) => LogRecord {
  return () => (record) => {
    const event = decodeEvent(record.bytes);
    const isIt = !('undecodable' in event) && event.name === name;
    return isIt ? { ...record, bytes: new TextEncoder().encode('{}') } : record;
  };
}

/** They know of no person's own key, and take the word of the approval service. */
export function keyless(): (record: LogRecord) => LogRecord {
  return (record) => {
    const event = decodeEvent(record.bytes);
    if ('undecodable' in event || event.name !== 'person.added') return record;
    const { publicKey: _, signature, ...person } = event.data;
    const value = KEYS.policy.sign(statementText(event.name, event.causationId, person));
    const data = { ...person, signature: { ...signature, value } };
    return { ...record, bytes: encodeEvent(event.name, data, event.causationId).bytes };
  };
}

export const deafToClosings = deafTo('session.closed');
export const deafToVetoes = deafTo('approval.vetoed');
/** They believe in the earlier end. */
export const deafToRenewals = deafTo('authorization.renewed');
export const deafToWalletFreezes = deafTo('wallet.frozen');
export const deafToRevocations = deafTo('wallet.revoke_ordered');
export const deafToRestores = deafTo('restore.detected');

const SWAPPED_EACH = 40;

/** One replica is given some neighbours in the wrong order. */
export function swapping(replica: string, world: World): (record: LogRecord) => LogRecord {
  const swapped = new Set<string>();
  const contentOf = (record: LogRecord, offset: number): LogRecord => {
    const [other] = world.history.read(record.lane, offset, 1);
    return other ? { ...other, offset: record.offset } : record;
  };
  return (record) => {
    const { lane, offset } = record;
    if (replica !== 'replica-1' || lane === 'control') return record;
    if (offset % SWAPPED_EACH === 0 && world.history.read(lane, offset + 1, 1).length > 0)
      swapped.add(`${lane}:${offset}`);
    if (swapped.has(`${lane}:${offset}`)) return contentOf(record, offset + 1);
    return swapped.has(`${lane}:${offset - 1}`) ? contentOf(record, offset - 1) : record;
  };
}
