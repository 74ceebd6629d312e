import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Role } from '@countersign/contracts';
import { Refused } from '../refusal.ts';

/** Who calls, established from the credential and nothing else. */
export type Caller =
  | { readonly kind: 'agent'; readonly tenant: string; readonly agent: string }
  | {
      readonly kind: 'person';
      readonly tenant: string;
      readonly person: string;
      readonly roles: readonly Role[];
      /** Signs with the key that the credential leads to; the credential itself goes no further than the door. */
      readonly prove: (text: string) => string;
    };

/** The caller the credential guard established. */
export const TheCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const request = context.switchToHttp().getRequest<{ caller?: Caller }>();
  if (!request.caller) throw new Refused('unauthenticated');
  return request.caller;
});

/** The caller's person; a route that only people may call has already refused agents. */
export function personOf(caller: Caller): Extract<Caller, { kind: 'person' }> {
  if (caller.kind !== 'person') throw new Refused('not_permitted');
  return caller;
}

export function agentCaller(caller: Caller): { tenant: string; agent: string } {
  if (caller.kind !== 'agent') throw new Refused('not_permitted');
  return caller;
}
