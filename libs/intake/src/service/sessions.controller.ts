import { Controller, Inject } from '@nestjs/common';
import type { SessionTerms, SessionView } from '@countersign/contracts';
import { type Session, availableInSession, sessionStanding } from '@countersign/payment';
import type { Clock } from '@countersign/ports';
import {
  type Caller,
  LaneHost,
  Refused,
  Route,
  RouteBody,
  RouteParam,
  RouteQuery,
  TheCaller,
  nextLogTimeMs,
  personOf,
  positionText,
} from '@countersign/service-kit';
import { Sessions } from './sessions.ts';
import { CLOCK } from './tasks.controller.ts';

@Controller()
export class SessionsController {
  constructor(
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Route('openSession')
  async open(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('session') name: string,
    @RouteBody('openSession') terms: SessionTerms,
  ) {
    const { back, session } = await this.sessions.open(personOf(caller), agent, name, terms);
    return { position: positionText(back), expiresAtMs: session.expiresAtMs };
  }

  @Route('closeSession')
  async close(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('session') name: string,
  ) {
    return { position: positionText(await this.sessions.close(personOf(caller), agent, name)) };
  }

  @Route('readSession')
  read(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('session') name: string,
  ): SessionView {
    // Another agent's session is not there: its existence is not told.
    if (caller.kind === 'agent' && caller.agent !== agent) throw new Refused('session_unknown');
    const { tenant } = caller;
    return this.#viewOf(tenant, this.sessions.session(tenant, agent, name));
  }

  @Route('listSessions')
  list(
    @TheCaller() caller: Caller,
    @RouteQuery('listSessions') query: { agent?: string },
  ): { sessions: SessionView[] } {
    const { tenant } = caller;
    const named = caller.kind === 'agent' ? caller.agent : query.agent;
    const sessions = this.host.lanes
      .flatMap((lane) => [...lane.agents.values()])
      .filter((it) => it.tenant === tenant && (named === undefined || it.agent === named))
      .flatMap((it) => [...it.openSessions].flatMap((name) => it.sessions.get(name) ?? []))
      .map((session) => this.#viewOf(tenant, session))
      .filter(({ state }) => state === 'open')
      .sort((a, b) => b.openedAtMs - a.openedAtMs || (a.session < b.session ? -1 : 1));
    return { sessions };
  }

  #viewOf(tenant: string, it: Session): SessionView {
    const lane = this.host.laneFor(tenant, it.agent);
    return {
      agent: it.agent,
      session: it.session,
      state: sessionStanding(it, nextLogTimeMs(lane, this.clock)),
      unit: it.unit,
      ceiling: textOf(it.ceiling),
      spent: it.spent.toString(),
      open: it.open.toString(),
      available: textOf(availableInSession(it)),
      openedBy: it.openedBy,
      openedAtMs: it.openedAtMs,
      expiresAtMs: it.expiresAtMs,
      closedBy: it.closedBy,
      position: `${lane.lane}:${lane.next - 1}`,
    };
  }
}

function textOf(units: bigint | null): string | null {
  return units === null ? null : units.toString();
}
