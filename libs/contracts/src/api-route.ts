import { z } from 'zod';
import { Role } from './events/control-events.ts';
import { DigestHex, Name, PaymentId, SessionName } from './text.ts';

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

/** What may stand in a path, by the parameter's name. */
export const PATH_PARAMETERS = {
  id: PaymentId,
  agent: Name,
  task: Name,
  session: SessionName,
  wallet: Name,
  seller: Name,
  change: DigestHex,
  version: z.string().regex(/^[1-9][0-9]{0,8}$/, 'the number of a policy version'),
} as const;
export type PathParameter = keyof typeof PATH_PARAMETERS;

/** Every person. */
export const people = Role.options;
/** Whoever has a credential. */
export const everybody = ['agent', ...people] as const;
