import { z } from 'zod';
import { type Route, everybody } from './api-route.ts';
import { Done, SessionStanding } from './api-views.ts';
import { Unit } from './task.ts';
import { Atomic, Name, TimeMs } from './text.ts';

/** A session, until when it is open and what it may cost. Amounts in 10^-6 of `unit`. */
export const SessionView = z.object({
  agent: Name,
  session: Name,
  state: SessionStanding,
  unit: Unit.nullable(),
  ceiling: Atomic.nullable(),
  /** Its payments: settled, and reserved. */
  spent: Atomic,
  open: Atomic,
  /** What is left of its ceiling; null where it has none. */
  available: Atomic.nullable(),
  openedBy: Name,
  openedAtMs: TimeMs,
  expiresAtMs: TimeMs,
  closedBy: Name.nullable(),
  position: z.string(),
});
export type SessionView = z.infer<typeof SessionView>;

/** What a person allows a session. */
export const SessionTerms = z
  .strictObject({
    /** How long it is open, from its own record on. */
    seconds: z.int().positive().max(31_536_000),
    /** Most that its payments may come to, in 10^-6 of `unit`. */
    ceiling: Atomic.optional(),
    unit: Unit.optional(),
  })
  .refine(({ unit, ceiling }) => ceiling === undefined || unit !== undefined, {
    path: ['unit'],
    message: 'the unit in which the ceiling is',
  });
export type SessionTerms = z.infer<typeof SessionTerms>;

/** Routes about sessions: a time and an amount within which an agent may pay. */
export const SESSION_ROUTES = {
  openSession: {
    service: 'intake',
    method: 'PUT',
    path: '/v1/agents/:agent/sessions/:session',
    who: ['operator'],
    summary: 'Open a session the agent may name, for a time and an amount; a name is used once',
    body: SessionTerms,
    answer: Done.extend({ expiresAtMs: TimeMs }),
  },
  closeSession: {
    service: 'intake',
    method: 'DELETE',
    path: '/v1/agents/:agent/sessions/:session',
    who: ['operator', 'approver'],
    summary: 'Close a session before its time; what is not yet authorized in it is not signed',
    answer: Done,
  },
  readSession: {
    service: 'intake',
    method: 'GET',
    path: '/v1/agents/:agent/sessions/:session',
    who: everybody,
    summary: 'One session, open or over, and what it has left',
    answer: SessionView,
  },
  listSessions: {
    service: 'intake',
    method: 'GET',
    path: '/v1/sessions',
    who: everybody,
    summary: 'Open sessions, newest first; an agent sees its own',
    query: z.strictObject({ agent: Name.optional() }),
    answer: z.object({ sessions: z.array(SessionView) }),
  },
} as const satisfies Record<string, Route>;
