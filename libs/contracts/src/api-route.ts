import type { z } from 'zod';
import type { Role } from './events/control-events.ts';

/** Whose credential a route takes. `anyone` needs none. */
export type Caller = 'agent' | Role | 'anyone';

export interface Route {
  readonly service: 'intake' | 'policy' | 'approval' | 'settlement' | 'recorder';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Parameters as `:name`. */
  readonly path: string;
  readonly who: readonly Caller[];
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly answer: z.ZodType;
}

/** Whoever has a credential. */
export const everybody = ['agent', 'approver', 'operator', 'policy_author', 'auditor'] as const;
/** Every person. */
export const people = ['approver', 'operator', 'policy_author', 'auditor'] as const;
