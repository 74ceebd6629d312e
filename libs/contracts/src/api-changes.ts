import { z } from 'zod';
import { type Route, people } from './api-route.ts';
import { Done } from './api-views.ts';
import { DigestHex, Name, TimeMs } from './text.ts';

/** A change that loosens and waits: what, who, what gets looser, and when. */
export const ChangeView = z.object({
  id: DigestHex,
  /** The record that will bring it, such as `policy.activated`. */
  kind: z.string(),
  /** What it is about: a policy version, a seller, a person or an agent. */
  about: z.string(),
  loosens: z.array(z.string()),
  by: Name,
  scheduledAtMs: TimeMs,
  /** It comes into force at this log time, or soon after. */
  dueAtMs: TimeMs,
});
export type ChangeView = z.infer<typeof ChangeView>;

/** In the answer to an order that has to wait: it is not in force yet. */
export const scheduled = { scheduled: ChangeView.optional() };

export const CHANGE_ROUTES = {
  listChanges: {
    service: 'policy',
    method: 'GET',
    path: '/v1/changes',
    who: people,
    summary: 'Changes that loosen and wait, the one due first at the top',
    answer: z.object({ changes: z.array(ChangeView) }),
  },
  cancelChange: {
    service: 'policy',
    method: 'DELETE',
    path: '/v1/changes/:change',
    who: ['operator', 'policy_author', 'approver'],
    summary: 'Cancel a change that waits; it never comes into force',
    answer: Done,
  },
} as const satisfies Record<string, Route>;
