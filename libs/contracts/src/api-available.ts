import { z } from 'zod';
import { type Route, everybody } from './api-route.ts';
import { Available } from './decision.ts';
import { Unit } from './task.ts';
import { Code, Name, SessionName } from './text.ts';

/** What an agent can still spend, by every limit that would hold for its payment. Amounts in 10^-6 of `unit`. */
export const AvailableView = z.object({
  agent: Name,
  /** Of the policy in force; null without one. */
  unit: Unit.nullable(),
  policyVersion: z.int().nullable(),
  /** Why nothing at all is paid now: no policy, a freeze, the task or the session that was asked about. */
  stopped: Code.nullable(),
  /** Limits that hold whatever the tier: those of the task and the session first, then the policy's budgets. */
  limits: z.array(Available),
  /** Limits of one tier; a payment need fit those of the first tier only that takes it. */
  tiers: z.array(z.object({ tier: Name, limits: z.array(Available) })),
  position: z.string(),
});
export type AvailableView = z.infer<typeof AvailableView>;

export const AVAILABLE_ROUTES = {
  readAvailable: {
    service: 'policy',
    method: 'GET',
    path: '/v1/agents/:agent/available',
    who: everybody,
    summary:
      'What an agent can still spend now; for a task, a session and a seller where they are named',
    query: z.strictObject({
      task: Name.optional(),
      session: SessionName.optional(),
      /** A registered seller: budgets per seller, category and stream are those of a payment to it. */
      seller: Name.optional(),
    }),
    answer: AvailableView,
  },
} as const satisfies Record<string, Route>;
