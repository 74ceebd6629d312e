import { setTimeout as pause } from 'node:timers/promises';
import type { EventName } from '@countersign/contracts';
import type { Fleet } from './fleet.ts';
import type { Ledger } from './ledger.ts';

/** Which record calls for a service, and by which it answers. */
const ANSWERS = {
  policy: ['intent.submitted', 'decision.made'],
  signer: ['decision.made', 'authorization.fixed'],
} as const satisfies Readonly<Record<string, readonly [EventName, EventName]>>;
const SERVICES = ['policy', 'signer'] as const;

/** What was asked for so long after a kill may have been for the one that was killed. */
const WATCHED_MS = 6_000;
/** The group has divided its lanes again by then, and the one that was killed has some of them. */
const REST_MS = 6_000;

interface TakeOver {
  readonly killed: string;
  /** By log time, the longest wait for an answer: how long the lanes of the killed one were nobody's. */
  readonly longestMs: number;
  /** The median of those that were asked. */
  readonly usualMs: number;
  readonly asked: number;
}

/** Kills one process after the other under load, leaves it down, and looks how long those it had to answer waited. */
export async function measureTakeOver(parts: {
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly kills: number;
  readonly onKill: (name: string) => void;
}): Promise<readonly TakeOver[]> {
  const { fleet, ledger, kills, onKill } = parts;
  const measured: TakeOver[] = [];
  for (let index = 0; index < kills; index += 1)
    for (const service of SERVICES) {
      const members = fleet.of(service);
      const replica = members[index % members.length]?.replica;
      if (!replica) continue;
      onKill(replica.name);
      const watched = waitsIn(ledger, ANSWERS[service]);
      const killedAtMs = Date.now();
      await replica.kill();
      await watched.allAnswered(killedAtMs);
      const waits = watched.stop().sort((one, other) => one - other);
      measured.push({
        killed: replica.name,
        longestMs: waits.at(-1) ?? 0,
        usualMs: waits[Math.floor(waits.length / 2)] ?? 0,
        asked: waits.length,
      });
      await replica.start();
      await pause(REST_MS);
    }
  return measured;
}

export function takeOverLines(measured: readonly TakeOver[]): string[] {
  return measured.map(
    ({ killed, longestMs, usualMs, asked }) =>
      `  ${killed.padEnd(10)} longest wait ${(longestMs / 1_000).toFixed(1)} s, usual ${usualMs} ms, of ${asked}`,
  );
}

function waitsIn(ledger: Ledger, [question, answer]: readonly [EventName, EventName]) {
  const askedAtMs = new Map<string, number>();
  const waits: number[] = [];
  const stop = ledger.onEvent((event, { stampMs }) => {
    if (!('paymentId' in event.data)) return;
    const { paymentId } = event.data;
    // What policy refused, or people are asked about, is nothing the signer owes.
    const calls = event.name !== 'decision.made' || event.data.proceed === 'authorize';
    const asked = askedAtMs.get(paymentId);
    if (event.name === answer && asked !== undefined) {
      waits.push(stampMs - asked);
      askedAtMs.delete(paymentId);
    } else if (event.name === question && calls) askedAtMs.set(paymentId, stampMs);
  });
  return {
    stop: () => {
      stop();
      return waits;
    },
    /** Resolves when everything that was asked while it may have been for the killed one is answered. */
    async allAnswered(killedAtMs: number): Promise<void> {
      const untilMs = killedAtMs + WATCHED_MS;
      while (Date.now() < untilMs || [...askedAtMs.values()].some((atMs) => atMs < untilMs))
        await pause(100);
    },
  };
}
