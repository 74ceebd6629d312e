import type { Session } from '../session.ts';

/**
 * A line for a name that no agent has, since what is asked of a mistyped one looks like an agent that did nothing; empty
 * where there is one, and where whoever asks may not know.
 */
export async function unknownAgentNote(
  session: Session,
  agent: string | undefined,
): Promise<string> {
  if (agent === undefined || session.json) return '';
  const known = await session.call('listAgents').then(
    ({ agents }) => agents.some((it) => it.agent === agent),
    () => true,
  );
  return known ? '' : '\n(no agent of that name is registered)';
}
