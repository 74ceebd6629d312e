import type { Subscription } from './event-log.ts';

/** A message of an agent as it stands in the broker. Every byte of it is somebody's claim. */
export interface InboundMessage {
  /** Where it stands, for people. */
  readonly place: string;
  /** The one agent that can have written it there; null where several may, as a broker does not tell who did. */
  readonly sender: { readonly tenant: string; readonly agent: string } | null;
  readonly bytes: Uint8Array;
  /** What stands beside it as its signature; null where nothing does. */
  readonly signature: string | null;
}

/** Where agents put their messages. */
export interface AgentInbox {
  /**
   * Hands over every message, at least once. One that was handled is done with; one whose handling rejected, or did not
   * end before a close or a crash, comes again, here or to another replica.
   *
   * Guarantees: messages of one key come one after the other, in order; those of other keys do not wait for them longer
   * than for one batch. No bytes, and nothing about how they were written, keep later messages from coming.
   */
  receive(handle: (message: InboundMessage) => Promise<void>): Subscription;
  /**
   * The message at a place, as it was handed over; null where none stands, or none any more.
   *
   * @throws Fault `log_unavailable`.
   */
  read(place: string): Promise<InboundMessage | null>;
}

export interface OutcomeInput {
  /** Lane of the agent. */
  readonly lane: number;
  /** `<tenant>/<agent>`. */
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Offset of the lane: with this message all is told of the lane's records up to there. */
  readonly through?: number;
}

/** Where agents are told what became of their messages and payments. */
export interface AgentOutbox {
  /**
   * Resolves when all are durable. Those of one lane stay in order.
   *
   * @throws Fault `outcomes_unavailable`; some of them may have been told.
   */
  publish(outcomes: readonly OutcomeInput[]): Promise<void>;
  /**
   * The newest `through` of the lane that is still there; -1 where there is none.
   *
   * @throws Fault `outcomes_unavailable`.
   */
  through(lane: number): Promise<number>;
  /** Idempotent. */
  close(): Promise<void>;
}
