import type { EventData, SessionTerms } from '@countersign/contracts';
import { digestOf } from '@countersign/kernel';
import { type Session, agentOf } from '@countersign/payment';
import type { StatementKey } from '@countersign/ports';
import {
  type LaneHost,
  type ReadBack,
  Refused,
  expectApplied,
  signStatement,
} from '@countersign/service-kit';

interface By {
  readonly tenant: string;
  readonly person: string;
}

/** Sessions of agents: a person opens one for a time and an amount, and may close it before its time. */
export class Sessions {
  readonly #host: LaneHost;
  readonly #key: StatementKey;

  constructor(host: LaneHost, key: StatementKey) {
    this.#host = host;
    this.#key = key;
  }

  /**
   * Opens a session. The same order given again by the same person, after an answer was lost, is the same session.
   *
   * @throws Refused `name_taken`, `too_many_open_sessions`, `agent_unknown`
   */
  async open(
    { tenant, person }: By,
    agent: string,
    name: string,
    terms: SessionTerms,
  ): Promise<{ back: ReadBack; session: Session }> {
    const { seconds, ceiling, unit } = terms;
    const order: Omit<EventData<'session.opened'>, 'signature'> = {
      ...{ tenant, agent, session: name },
      lifetimeMs: seconds * 1_000,
      ...(ceiling !== undefined && { ceiling }),
      ...(unit !== undefined && { unit }),
      by: person,
    };
    const cause = digestOf('countersign/session/1', order);
    const data = await signStatement(this.#key, 'session.opened', order, cause);
    const back = await this.#host.append('session.opened', data, { cause });
    if (back.code !== 'duplicate') expectApplied(back);
    return { back, session: this.session(tenant, agent, name) };
  }

  /** In force for every decision and authorization after it returns. @throws Refused `session_unknown` */
  async close({ tenant, person }: By, agent: string, name: string): Promise<ReadBack> {
    const data = { tenant, agent, session: name, by: person };
    const cause = `session/${person}/${name}`;
    const back = await this.#host.append('session.closed', data, { cause });
    return back.code === 'duplicate' ? back : expectApplied(back);
  }

  /** @throws Refused `session_unknown` */
  session(tenant: string, agent: string, name: string): Session {
    const session = agentOf(this.#host.laneFor(tenant, agent), tenant, agent).sessions.get(name);
    if (!session) throw new Refused('session_unknown');
    return session;
  }
}
