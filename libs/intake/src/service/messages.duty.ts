import type { AgentInbox, AgentOutbox, Clock, DutyShares, StatementKey } from '@countersign/ports';
import type { LaneHost, Log, Timers } from '@countersign/service-kit';
import { AgentMessages, type Handled, type MessageMeter } from './agent-messages.ts';
import { Intake } from './intake.ts';
import { OutcomeStream } from './outcome-stream.ts';
import type { Unattributed } from './unattributed.ts';

export interface MessagesParts {
  readonly host: LaneHost;
  readonly key: StatementKey;
  readonly inbox: AgentInbox;
  readonly outbox: AgentOutbox;
  /** The one whose list the intake module serves. */
  readonly unattributed: Unattributed;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Which lanes' outcomes this replica tells; without it all. */
  readonly duty?: DutyShares;
  readonly meter?: MessageMeter;
}

/** The duty, and what people may ask of it. */
export interface MessagesDuty {
  start(): void;
  stop(): Promise<void>;
  /** @see AgentMessages.resubmit */
  resubmit(
    place: string,
    by: { readonly tenant: string; readonly person: string },
  ): Promise<Handled>;
}

/**
 * Agents that speak by messages: takes what stands in the inbox, answers it, and tells what becomes of it. The same
 * rules hold as over HTTP; a message gives its agent no right that the credential does not.
 *
 * `stop()` lets what is under way end or be done again later; ports are closed by their owner.
 */
export function messagesDuty(parts: MessagesParts): MessagesDuty {
  const { host, key, inbox, outbox, unattributed, clock, timers, log, duty, meter } = parts;
  const stopping = new AbortController();
  const persistence = { timers, log, signal: stopping.signal };
  const intake = new Intake({ host, key, timers, clock });
  const shell = { host, clock, log, outbox, persistence };
  const messages = new AgentMessages({ ...shell, intake, inbox, unattributed, meter });
  const outcomes = new OutcomeStream({ ...shell, ...(duty && { duty }) });
  let subscription: { close(): Promise<void> } | undefined;
  return {
    start() {
      outcomes.start();
      subscription = inbox.receive((message) => messages.handle(message));
    },
    async stop() {
      stopping.abort();
      await subscription?.close();
      await outcomes.stop();
    },
    resubmit: (place, by) => messages.resubmit(place, by),
  };
}
