import type { EventOf, LaneEvent, RefusalCode, SessionStanding } from '@countersign/contracts';
import type { Payment, SessionFacts } from './payment.ts';
import { reconsidered } from './life.ts';
import { sessionScopeOf } from './reservation.ts';
import type { PaymentTable, Table } from './table.ts';

/** Most sessions of one agent that may be open at a time. */
export const OPEN_SESSIONS_MAX = 1_024;

/**
 * A time and an amount within which an agent may pay, given by a person. Its name is used once, so that what it counts is
 * its own. Amounts in 10^-6 of `unit`. Never mutated.
 */
export interface Session {
  readonly agent: string;
  readonly session: string;
  /** Id of the record that opened it. */
  readonly openedId: string;
  readonly openedBy: string;
  /** Log time of that record. */
  readonly openedAtMs: number;
  /** From this log time on it is over. */
  readonly expiresAtMs: number;
  readonly closedBy: string | null;
  readonly unit: string | null;
  readonly ceiling: bigint | null;
  /** Its payments: settled, and reserved but not ended. */
  readonly spent: bigint;
  readonly open: bigint;
}

/** What of an agent its session records read and change. */
export interface SessionHolder {
  readonly payments: PaymentTable;
  readonly sessions: Table<Session>;
  readonly open: ReadonlySet<string>;
  /** Names of the sessions nobody closed; some of them may be over. */
  readonly openSessions: Set<string>;
}

export type SessionRecord = EventOf<'session.opened'> | EventOf<'session.closed'>;

export function isSessionRecord(event: LaneEvent): event is SessionRecord {
  return event.name.startsWith('session.');
}

/** Applies a record about a session: why not, or which payments it changed. */
export function foldSession(
  holder: SessionHolder,
  event: SessionRecord,
  atMs: number,
): RefusalCode | readonly Payment[] {
  return event.name === 'session.opened'
    ? opened(holder, event, atMs)
    : closed(holder, event, atMs);
}

/** How a session stands at a log time. */
export function sessionStanding(
  { closedBy, expiresAtMs }: Pick<Session, 'closedBy' | 'expiresAtMs'>,
  atMs: number,
): SessionStanding {
  if (closedBy !== null) return 'closed';
  return atMs >= expiresAtMs ? 'expired' : 'open';
}

/** What a decision reads of the session that was named, as of a log time; undefined where none was. */
export function factsOfSession(
  holder: Pick<SessionHolder, 'sessions'>,
  name: string | undefined,
  atMs: number,
): SessionFacts | undefined {
  if (name === undefined) return undefined;
  const session = holder.sessions.get(name);
  if (!session) return { session: 'unknown' };
  const standing = sessionStanding(session, atMs);
  if (standing !== 'open') return { session: standing };
  const { unit, ceiling } = session;
  return {
    session: name,
    ...(ceiling !== null && { ceiling: ceiling.toString() }),
    ...(unit !== null && { unit }),
  };
}

/** What is left of its ceiling, never below zero; null where it has none. */
export function availableInSession({ ceiling, spent, open }: Session): bigint | null {
  if (ceiling === null) return null;
  const left = ceiling - spent - open;
  return left > 0n ? left : 0n;
}

/** Moves what a payment holds or has spent in its session from what it was to what it is. */
export function countInSession(
  { sessions }: Pick<SessionHolder, 'sessions'>,
  before: Payment | undefined,
  after: Payment,
): void {
  const name = after.intent.asserted.session;
  if (name === undefined) return;
  const [was, is] = [heldBy(before, name), heldBy(after, name)];
  if (was.open === is.open && was.spent === is.spent) return;
  const session = sessions.get(name);
  if (!session) return;
  const open = session.open + is.open - was.open;
  const spent = session.spent + is.spent - was.spent;
  sessions.set(name, { ...session, open, spent });
}

const NOTHING = { open: 0n, spent: 0n };

function heldBy(payment: Payment | undefined, name: string): { open: bigint; spent: bigint } {
  const reserved = payment?.reserved;
  if (!payment || !reserved?.scopes.includes(sessionScopeOf(payment.agent, name))) return NOTHING;
  const units = BigInt(reserved.amount);
  const { phase } = payment;
  if (phase.status !== 'ended') return { open: units, spent: 0n };
  return phase.how === 'settled' ? { open: 0n, spent: units } : NOTHING;
}

function opened(
  holder: SessionHolder,
  { id, data }: EventOf<'session.opened'>,
  atMs: number,
): RefusalCode | readonly Payment[] {
  const { agent, session, by, lifetimeMs, ceiling, unit } = data;
  const known = holder.sessions.get(session);
  if (known) return known.openedId === id ? 'duplicate' : 'name_taken';
  for (const name of holder.openSessions)
    if ((holder.sessions.get(name)?.expiresAtMs ?? 0) <= atMs) holder.openSessions.delete(name);
  if (holder.openSessions.size >= OPEN_SESSIONS_MAX) return 'too_many_open_sessions';
  holder.openSessions.add(session);
  holder.sessions.set(session, {
    agent,
    session,
    openedId: id,
    openedBy: by,
    openedAtMs: atMs,
    expiresAtMs: atMs + lifetimeMs,
    closedBy: null,
    unit: unit ?? null,
    ceiling: ceiling === undefined ? null : BigInt(ceiling),
    spent: 0n,
    open: 0n,
  });
  return [];
}

/**
 * Closing is a stop for what is not yet authorized: an allowance is taken back and decided again, and the quote that is
 * asked about has no session any more. What was authorized before goes on.
 */
function closed(
  holder: SessionHolder,
  { data }: EventOf<'session.closed'>,
  atMs: number,
): RefusalCode | readonly Payment[] {
  const session = holder.sessions.get(data.session);
  if (!session) return 'session_unknown';
  if (sessionStanding(session, atMs) === 'closed') return 'duplicate';
  holder.openSessions.delete(data.session);
  holder.sessions.set(data.session, { ...session, closedBy: data.by });
  return [...holder.open].flatMap((id) => {
    const payment = holder.payments.get(id);
    if (!payment || payment.intent.asserted.session !== data.session) return [];
    if (!BEFORE_AUTHORIZATION.has(payment.phase.status)) return [];
    return [{ ...reconsidered(payment), session: { session: 'closed' } }];
  });
}

const BEFORE_AUTHORIZATION = new Set(['undecided', 'awaiting', 'cleared', 'authorized']);
