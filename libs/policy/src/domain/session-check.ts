import type { Facts } from '@countersign/contracts';
import type { DecisionReason } from './reasons.ts';

const REASONS = {
  unknown: 'session_unknown',
  expired: 'session_expired',
  closed: 'session_closed',
} as const satisfies Record<string, DecisionReason>;

/** Why nothing is paid in a session that is not open, by what the facts say in place of its name; undefined for a name. */
export function sessionOver(session: string): DecisionReason | undefined {
  return Object.hasOwn(REASONS, session) ? REASONS[session as keyof typeof REASONS] : undefined;
}

/**
 * What stands against a payment for the session it names, whatever the budgets: one that is not open, or whose ceiling is
 * in another unit than the policy counts in.
 */
export function checkSession(
  unitName: string,
  {
    session,
    sessionCeiling,
    sessionUnit,
  }: Pick<Facts['established'], 'session' | 'sessionCeiling' | 'sessionUnit'>,
): { readonly reason: DecisionReason; readonly why: string } | undefined {
  if (session === undefined || session === 'none') return undefined;
  const over = sessionOver(session);
  if (over) return { reason: over, why: `the session it names is ${session}` };
  if (sessionCeiling === undefined || sessionUnit === undefined || sessionUnit === unitName)
    return undefined;
  const why = `the session counts in ${sessionUnit}, the policy in ${unitName}`;
  return { reason: 'session_unit_differs', why };
}
