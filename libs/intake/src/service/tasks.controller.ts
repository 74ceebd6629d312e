import { Controller, Inject } from '@nestjs/common';
import type {
  PaymentView,
  TaskDetails,
  TaskPhase,
  TaskTerms,
  TaskView,
} from '@countersign/contracts';
import { type Task, agentOf, nothingBackSinceMs } from '@countersign/payment';
import type { Clock } from '@countersign/ports';
import {
  type Caller,
  LaneHost,
  type ReadBack,
  Refused,
  Route,
  RouteParam,
  RouteBody,
  RouteQuery,
  TheCaller,
  agentCaller,
  personOf,
  positionText,
  viewOf,
} from '@countersign/service-kit';
import { taskDetails, taskView } from './task-view.ts';
import { type CostReport, type OutcomeReport, Tasks, type Voucher } from './tasks.ts';

export const CLOCK = Symbol('Clock');

@Controller()
export class TasksController {
  constructor(
    @Inject(Tasks) private readonly tasks: Tasks,
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @Route('openTask')
  async open(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteBody('openTask') body: TaskTerms & { task: string; phase: 'exploring' | 'executing' },
  ) {
    return positionOf(await this.tasks.open(personOf(caller), agent, body));
  }

  @Route('closeTask')
  async close(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('task') task: string,
  ) {
    return positionOf(await this.tasks.close(personOf(caller), agent, task));
  }

  @Route('listTasks')
  list(
    @TheCaller() caller: Caller,
    @RouteQuery('listTasks') query: { agent?: string; phase?: TaskPhase },
  ): { tasks: TaskView[] } {
    const tasks = this.#agentsOf(caller, query.agent)
      .flatMap((it) => [...it.taskBooks.values()])
      .filter((task) => query.phase === undefined || task.phase === query.phase)
      .sort((a, b) => b.openedAtMs - a.openedAtMs || (a.task < b.task ? -1 : 1));
    return { tasks: tasks.map((task) => taskView(this.host, task)) };
  }

  @Route('readTask')
  async read(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('task') task: string,
  ): Promise<TaskDetails> {
    return taskDetails(this.host, this.#readable(caller, agent, task));
  }

  @Route('setTaskTerms')
  async setTerms(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('task') task: string,
    @RouteBody('setTaskTerms') terms: TaskTerms,
  ) {
    return positionOf(await this.tasks.setTerms(personOf(caller), agent, task, terms));
  }

  @Route('submitPlan')
  async submitPlan(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('task') task: string,
    @RouteBody('submitPlan') body: { text: string; estimate?: string },
  ) {
    const owner = agentCaller(caller);
    if (owner.agent !== agent) throw new Refused('not_permitted', 'that is another agent');
    const { back, plan } = await this.tasks.submitPlan({ tenant: owner.tenant, agent }, task, body);
    return { ...positionOf(back), plan };
  }

  @Route('commitPlan')
  async commitPlan(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('task') task: string,
    @RouteBody('commitPlan') { plan }: { plan: string },
  ) {
    return positionOf(await this.tasks.commitPlan(personOf(caller), agent, task, plan));
  }

  @Route('setTaskPhase')
  async setPhase(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('task') task: string,
    @RouteBody('setTaskPhase') { to }: { to: 'exploring' | 'executing' },
  ) {
    return positionOf(await this.tasks.setPhase(personOf(caller), agent, task, to));
  }

  @Route('recordCost')
  async recordCost(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteParam('task') task: string,
    @RouteBody('recordCost') report: CostReport,
  ) {
    return positionOf(await this.tasks.recordCost(voucherOf(caller, agent), agent, task, report));
  }

  @Route('recordOutcome')
  async recordOutcome(
    @TheCaller() caller: Caller,
    @RouteParam('agent') agent: string,
    @RouteBody('recordOutcome') report: OutcomeReport,
  ) {
    return positionOf(await this.tasks.recordOutcome(voucherOf(caller, agent), agent, report));
  }

  @Route('listNothingBack')
  nothingBack(
    @TheCaller() caller: Caller,
    @RouteQuery('listNothingBack')
    query: { agent?: string; task?: string; olderThanSeconds: number; limit: number },
  ): { payments: { payment: PaymentView; settledAtMs: number }[]; count: number } {
    const untilMs = this.clock.nowMs() - query.olderThanSeconds * 1000;
    const found = this.#agentsOf(caller, query.agent)
      .flatMap((it) => [...it.nothingBack].flatMap((id) => it.payments.get(id) ?? []))
      .filter((it) => query.task === undefined || it.intent.asserted.task === query.task)
      .flatMap((payment) => {
        const settledAtMs = nothingBackSinceMs(payment);
        if (settledAtMs === undefined) return [];
        return payment.outcome || settledAtMs <= untilMs ? [{ payment, settledAtMs }] : [];
      })
      .sort((a, b) => a.settledAtMs - b.settledAtMs || (a.payment.id < b.payment.id ? -1 : 1));
    const payments = found.slice(0, query.limit).map(({ payment, settledAtMs }) => ({
      payment: viewOf(this.host, payment, { bearer: false }),
      settledAtMs,
    }));
    return { payments, count: found.length };
  }

  #agentsOf(caller: Caller, named: string | undefined) {
    const agent = caller.kind === 'agent' ? caller.agent : named;
    return this.host.lanes
      .flatMap((lane) => [...lane.agents.values()])
      .filter((it) => it.tenant === caller.tenant && (agent === undefined || it.agent === agent));
  }

  /** Another agent's task is not there: its existence is not told. */
  #readable(caller: Caller, agent: string, name: string): Task {
    const { tenant } = caller;
    const own = caller.kind === 'person' || caller.agent === agent;
    const books = agentOf(this.host.laneFor(tenant, agent), tenant, agent).taskBooks;
    const task = own ? books.get(name) : undefined;
    if (!task) throw new Refused('task_unknown');
    return task;
  }
}

/** An agent vouches for its own only, and what it says is asserted. */
function voucherOf(caller: Caller, agent: string): Voucher {
  const { tenant } = caller;
  if (caller.kind === 'person') return { tenant, by: caller.person, basis: 'established' };
  if (caller.agent !== agent) throw new Refused('not_permitted', 'that is another agent');
  return { tenant, by: agent, basis: 'asserted' };
}

function positionOf(back: ReadBack): { position: string } {
  return { position: positionText(back) };
}
