/** `control`, `archive`, or a lane by number: `0`, `1`, … */
export type LaneId = string;
export const CONTROL: LaneId = 'control';
/** Which ranges of the other lanes were cut for the event store, in the order of the cuts. Written by recorders only. */
export const ARCHIVE: LaneId = 'archive';

/** A place in the log: the record's lane and offset. */
export interface Position {
  readonly lane: LaneId;
  readonly offset: number;
}

export interface AppendInput {
  readonly lane: LaneId;
  readonly key: string;
  /** Kept exactly; what is hashed and proven. */
  readonly bytes: Uint8Array;
  /** Values and salts of the commitments in `bytes`, beside them so that they can be erased. */
  readonly openings?: Uint8Array;
}

export interface LogRecord extends AppendInput {
  readonly offset: number;
  /** The log's own clock when it took the record (milliseconds); never the writer's. */
  readonly stampMs: number;
}

export interface LogCapabilities {
  /** Whether an acknowledged record survives SIGKILL and power loss. Signing must not start on a log that is not. */
  readonly durable: boolean;
}

export interface Subscription {
  /** Stops delivery; resolves when no handler is running. Idempotent. */
  close(): Promise<void>;
}

/**
 * The one order of each lane. Nobody appends conditionally: the order decides, and the fold ignores what came second.
 *
 * Guarantees: offsets of a lane start at 0 and have no gaps; a subscriber sees every record of its lanes, in order, at
 * least once; a record is delivered only after it is durable (where `durable`).
 */
export interface EventLog {
  readonly capabilities: LogCapabilities;
  /** Identity of this log, fixed at its creation. A store made from another log is not ours. */
  readonly logId: string;
  /** Number of lanes, fixed at its creation. */
  readonly laneCount: number;
  /**
   * Appends, in the given order, and resolves when all are durable. Two calls may be interleaved.
   *
   * @throws Fault `log_unavailable`; the records may or may not be there.
   * @throws Fault `record_too_large` (not retryable) for bytes over 1 MiB; nothing of the call is appended.
   */
  append(records: readonly AppendInput[]): Promise<readonly Position[]>;
  /** Records of one lane from `offset` on, at most `max`; empty at the end. */
  read(lane: LaneId, offset: number, max: number): Promise<readonly LogRecord[]>;
  /** Offset the next record of the lane will get. */
  end(lane: LaneId): Promise<number>;
  /** {@link end} of each, in their order: of many lanes at the price of one. */
  ends(lanes: readonly LaneId[]): Promise<readonly number[]>;
  /**
   * Delivers records of the named lanes from the given offsets on, in batches, one call at a time per subscription.
   * A handler that throws ends the subscription and is reported to `onFault`.
   */
  subscribe(
    from: ReadonlyMap<LaneId, number>,
    onRecords: (records: readonly LogRecord[]) => void,
    onFault: (error: unknown) => void,
  ): Subscription;
  /** Idempotent; waits for what is being written. */
  close(): Promise<void>;
}

/** The same log, but for what is given in place of its own. */
export function altered(log: EventLog, changes: Partial<EventLog>): EventLog {
  return {
    capabilities: log.capabilities,
    logId: log.logId,
    laneCount: log.laneCount,
    append: (records) => log.append(records),
    read: (lane, offset, max) => log.read(lane, offset, max),
    end: (lane) => log.end(lane),
    ends: (lanes) => log.ends(lanes),
    subscribe: (from, onRecords, onFault) => log.subscribe(from, onRecords, onFault),
    close: () => log.close(),
    ...changes,
  };
}
