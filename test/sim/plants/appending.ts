import { type EventName, type EventOf, decodeEvent } from '@countersign/contracts';
import type { AppendInput, EventLog, Position } from '@countersign/ports';
import type { Surroundings } from '../replica.ts';

/** What happens in place of appending one event; undefined for nothing unusual. */
export type Instead = (
  event: EventOf<EventName>,
  input: AppendInput,
  log: EventLog,
) => Promise<readonly Position[]> | undefined;

/** A replica whose appends are meddled with. */
export function meddling(surroundings: Surroundings, instead: Instead): Surroundings {
  const { log } = surroundings;
  const append: EventLog['append'] = (records) => {
    const [input, ...others] = records;
    const event = input && decodeEvent(input.bytes);
    if (!input || !event || 'undecodable' in event || others.length > 0) return log.append(records);
    return instead(event, input, log) ?? log.append(records);
  };
  return { ...surroundings, log: { ...log, append } };
}
