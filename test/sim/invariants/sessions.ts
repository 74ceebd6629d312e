import type { SeenOf } from '../history.ts';
import type { World } from '../world.ts';
import { claimOf } from './claim.ts';
import { isDead } from './exposure.ts';
import type { MakeInvariant } from './invariant.ts';

/** A payment that names a session, and where the record stands that brought its quote. */
interface Named {
  readonly tenant: string;
  readonly agent: string;
  readonly session: string;
  readonly quotedAt: number;
  readonly quotedMs: number;
}

/**
 * Whoever names a session pays in it only while it is open: it was opened for this agent before the quote came, its time
 * was not over by the log's time of the quote, and nobody had closed it when the authorization was fixed.
 */
export const sessions: MakeInvariant = (world, report) => ({
  onSignature({ meaning }) {
    if (meaning?.kind !== 'transfer' || isDead(world.chain, meaning.authorization)) return;
    const claim = claimOf(world.history, meaning.authorization);
    // That a claim must be there is said by `single`.
    if (typeof claim === 'string') return;
    const { paymentId } = claim;
    // A renewal goes on with what was fixed before: only its end is later.
    const { record } =
      world.history.named(paymentId, 'authorization.fixed').findLast((it) => it.applied) ??
      claim.fixed;
    const named = namedBy(world, claim, record.offset);
    const standing = named && standingOf(world, named, record.offset);
    if (named && standing !== named.session)
      report(`${paymentId} was signed in session ${named.session}, which was ${standing}`);
  },
  onRecord({ event, applied, record }) {
    if (!applied || event?.name !== 'decision.made') return;
    const { paymentId, decision, proceed } = event.data;
    const named = namedBy(world, event.data, record.offset);
    if (!named) return;
    const standing = standingOf(world, named, record.offset);
    const told = decision.facts.established.session;
    if (told !== standing)
      report(`${paymentId}: its session was taken for ${told}, and was ${standing}`);
    if (standing !== named.session && proceed !== 'end')
      report(`${paymentId} goes on in session ${named.session}, which was ${standing}`);
  },
});

function namedBy(
  { history }: World,
  {
    tenant,
    agent,
    paymentId,
  }: { readonly tenant: string; readonly agent: string; readonly paymentId: string },
  before: number,
): Named | undefined {
  const intent = history.named(paymentId, 'intent.submitted').find((it) => it.applied);
  const session = intent?.event.data.asserted.session;
  if (!intent || session === undefined) return undefined;
  const claim = history
    .named(paymentId, 'payment.claimed')
    .findLast((it) => it.applied && it.record.offset < before);
  const { record, laneMs } = claim ?? intent;
  return { tenant, agent, session, quotedAt: record.offset, quotedMs: laneMs };
}

/** Its name where it was open, else what it was; told from the lane's records alone. */
function standingOf(world: World, named: Named, before: number): string {
  const { tenant, agent, session, quotedAt, quotedMs } = named;
  const lane = world.history.lanes[world.history.laneOf({ tenant, agent })] ?? [];
  const mine = lane.slice(0, before).filter(({ event, applied }) => {
    if (!applied || (event?.name !== 'session.opened' && event?.name !== 'session.closed'))
      return false;
    const { data } = event;
    return data.tenant === tenant && data.agent === agent && data.session === session;
  });
  const opened = mine.find(
    (seen): seen is SeenOf<'session.opened'> => seen.event?.name === 'session.opened',
  );
  if (mine.some(({ event }) => event?.name === 'session.closed')) return 'closed';
  if (!opened || opened.record.offset > quotedAt) return 'unknown';
  return quotedMs < opened.laneMs + opened.event.data.lifetimeMs ? session : 'expired';
}

/** What a person let the session cost, in 10^-6 of the unit; undefined where there is no ceiling. */
export function sessionCeiling(
  world: World,
  owner: { readonly tenant: string; readonly agent: string; readonly session: string },
): bigint | undefined {
  const lane = world.history.lanes[world.history.laneOf(owner)] ?? [];
  for (const { event, applied } of lane) {
    if (!applied || event?.name !== 'session.opened') continue;
    const { tenant, agent, session, ceiling } = event.data;
    if (tenant === owner.tenant && agent === owner.agent && session === owner.session)
      return ceiling === undefined ? undefined : BigInt(ceiling);
  }
  return undefined;
}
