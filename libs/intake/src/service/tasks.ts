import { randomBytes } from 'node:crypto';
import type { Basis, EventData, EventName, OutcomeResult, TaskTerms } from '@countersign/contracts';
import { digestOf } from '@countersign/kernel';
import type { StatementKey } from '@countersign/ports';
import {
  type LaneHost,
  type Opening,
  type ReadBack,
  commit,
  expectApplied,
  signStatement,
} from '@countersign/service-kit';

/** Who orders a change: a person, by name. */
interface By {
  readonly tenant: string;
  readonly person: string;
}

/** Who vouches for a cost or an outcome: the agent asserts, a person establishes. */
export interface Voucher {
  readonly tenant: string;
  readonly by: string;
  readonly basis: Basis;
}

export interface CostReport {
  readonly reference: string;
  readonly kind: EventData<'task.cost_recorded'>['kind'];
  readonly amount: string;
  readonly note?: string | undefined;
}

export interface OutcomeReport {
  readonly task?: string | undefined;
  readonly payments: readonly string[];
  readonly reference: string;
  readonly result: OutcomeResult;
  readonly value?: string | undefined;
  readonly note?: string | undefined;
}

type TaskEventName = Extract<EventName, `task.${string}`> | 'outcome.recorded';
type Signed = Exclude<TaskEventName, 'task.closed' | 'task.alerted'>;

/** Where a task with an estimate stops when nobody says otherwise: at twice the estimate. */
const STOP_AT_PERCENT = 200;

/** Tasks of agents: what a person allows them, how far they have come, what they cost and what came of it. */
export class Tasks {
  readonly #host: LaneHost;
  readonly #key: StatementKey;

  constructor(host: LaneHost, key: StatementKey) {
    this.#host = host;
    this.#key = key;
  }

  /** @throws Refused `too_many_open_tasks`, `duplicate`, `wrong_unit`, `agent_unknown` */
  open(
    by: By,
    agent: string,
    body: TaskTerms & { readonly task: string; readonly phase: 'exploring' | 'executing' },
  ): Promise<ReadBack> {
    const { task, phase, ...terms } = body;
    return this.#order(by, 'task.opened', { agent, task, phase, ...withStop(terms) });
  }

  /** @throws Refused `task_unknown` */
  async close({ tenant, person }: By, agent: string, task: string): Promise<ReadBack> {
    const data = { tenant, agent, task, by: person };
    const cause = `task/${person}/${task}`;
    return expectApplied(await this.#host.append('task.closed', data, { cause }));
  }

  /** Replaces what the task is allowed. @throws Refused `task_unknown`, `wrong_unit` */
  setTerms(by: By, agent: string, task: string, terms: TaskTerms): Promise<ReadBack> {
    return this.#order(by, 'task.terms_set', { agent, task, ...withStop(terms) });
  }

  /** @throws Refused `task_unknown`, `wrong_phase` */
  async submitPlan(
    owner: { readonly tenant: string; readonly agent: string },
    task: string,
    { text, estimate }: { readonly text: string; readonly estimate?: string | undefined },
  ): Promise<{ back: ReadBack; plan: string }> {
    const { commitment, opening } = commit(text);
    const { tenant, agent } = owner;
    const back = await this.#say(
      'task.plan_submitted',
      { tenant, agent, task, plan: commitment, ...(estimate !== undefined && { estimate }) },
      { cause: commitment.commitment, openings: { plan: opening } },
    );
    return { back: expectApplied(back), plan: commitment.commitment };
  }

  /** Commits exactly the plan that was shown. @throws Refused `task_unknown`, `wrong_phase`, `plan_changed` */
  commitPlan(by: By, agent: string, task: string, plan: string): Promise<ReadBack> {
    return this.#order(by, 'task.plan_committed', { agent, task, plan });
  }

  /** @throws Refused `task_unknown`, `wrong_phase` */
  setPhase(by: By, agent: string, task: string, to: 'exploring' | 'executing'): Promise<ReadBack> {
    return this.#order(by, 'task.phase_set', { agent, task, to });
  }

  /** @throws Refused `task_unknown`, `task_without_unit`, `reference_used`, `too_many_entries` */
  async recordCost(
    voucher: Voucher,
    agent: string,
    task: string,
    { note, ...report }: CostReport,
  ): Promise<ReadBack> {
    const said = note === undefined ? undefined : commit(note);
    const { tenant, by, basis } = voucher;
    const data = { tenant, agent, task, ...report, basis, by, ...noteOf(said) };
    const of = { agent, task, reference: report.reference };
    const back = await this.#say('task.cost_recorded', data, causeOf(voucher, of, said?.opening));
    return back.code === 'duplicate' ? back : expectApplied(back);
  }

  /**
   * @throws Refused `payment_unknown`, `task_unknown`, `wrong_task`, `task_without_unit`, `reference_used`,
   *   `too_many_entries`
   */
  async recordOutcome(voucher: Voucher, agent: string, report: OutcomeReport): Promise<ReadBack> {
    const { task, payments, reference, result, value, note } = report;
    const said = note === undefined ? undefined : commit(note);
    const { tenant, by, basis } = voucher;
    const data = {
      tenant,
      agent,
      ...(task !== undefined && { task }),
      payments: [...payments],
      reference,
      result,
      ...(value !== undefined && { value }),
      basis,
      by,
      ...noteOf(said),
    };
    const of = { agent, task, reference };
    const back = await this.#say('outcome.recorded', data, causeOf(voucher, of, said?.opening));
    return back.code === 'duplicate' ? back : expectApplied(back);
  }

  /** Every order of a person is one of its own, however often the same is ordered. */
  async #order<N extends Signed>(
    { tenant, person }: By,
    name: N,
    order: Omit<EventData<N>, 'signature' | 'tenant' | 'by'>,
  ): Promise<ReadBack> {
    const cause = `task/${person}/${randomBytes(8).toString('hex')}`;
    const data = { ...order, tenant, by: person } as unknown as Omit<EventData<N>, 'signature'>;
    return expectApplied(await this.#say(name, data, { cause }));
  }

  async #say<N extends Signed>(
    name: N,
    statement: Omit<EventData<N>, 'signature'>,
    options: { cause: string; openings?: Record<string, Opening> },
  ): Promise<ReadBack> {
    const data = await signStatement<Signed>(this.#key, name, statement, options.cause);
    return this.#host.append(name, data as EventData<N>, options);
  }
}

function withStop(terms: TaskTerms): TaskTerms {
  if (terms.unit === undefined) return terms;
  return { ...terms, stopAtPercent: terms.stopAtPercent ?? STOP_AT_PERCENT };
}

function noteOf(said: ReturnType<typeof commit> | undefined) {
  return said && { note: said.commitment };
}

/** What an agent repeats is the same record; what a person establishes is an order of its own. */
function causeOf(
  { basis, by }: Voucher,
  of: { agent: string; task: string | undefined; reference: string },
  opening: Opening | undefined,
) {
  const cause =
    basis === 'asserted'
      ? digestOf('countersign/report/1', of)
      : `report/${by}/${randomBytes(8).toString('hex')}`;
  return { cause, ...(opening && { openings: { note: opening } }) };
}
