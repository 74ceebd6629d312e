import type { EventData } from '@countersign/contracts';
import { Fault, digestOf, toDecimal, visible } from '@countersign/kernel';
import {
  PLAN_CODE,
  type Plan,
  type Task,
  costOf,
  laneOf,
  stopAtOf,
  taskAlertsOwed,
} from '@countersign/payment';
import type { DutyShares, Notification, Notifier } from '@countersign/ports';
import {
  type Duty,
  type LaneHost,
  type Log,
  Refused,
  type Timers,
  planText,
} from '@countersign/service-kit';

const RETRY_MS = 5_000;
/** Between two messages about plans of one task: an agent may replace its plan as often as it likes, at nobody's rest. */
const PLAN_EACH_MS = 60_000;

/**
 * Tells people when a task has passed what it may cost, once under the same terms, and of the plan that waits for them;
 * of plans that were replaced within a minute, only of the last.
 */
export class TaskAlerts implements Duty {
  readonly #parts: TaskAlertParts;
  /** By task and code: how to end the wait for another look, while there is one. */
  readonly #busy = new Map<string, (() => void) | undefined>();
  readonly #running = new Set<Promise<void>>();
  #unsubscribe: (() => void) | undefined;

  constructor(parts: TaskAlertParts) {
    this.#parts = parts;
  }

  /** Takes up every alert that is owed now, and each as it arises. */
  start(): void {
    const { host, duty } = this.#parts;
    const stops = [
      host.onTask((task) => this.#consider(task)),
      duty?.onChange(() => this.#considerAll()),
    ];
    this.#unsubscribe = () => stops.forEach((stop) => stop?.());
    this.#considerAll();
  }

  /** Lanes may have been given to us. */
  #considerAll(): void {
    const { host } = this.#parts;
    for (const lane of host.lanes)
      for (const agent of lane.agents.values())
        for (const task of agent.taskBooks.values()) this.#consider(task);
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const cancel of this.#busy.values()) cancel?.();
    await Promise.all(this.#running);
  }

  #consider(task: Task): void {
    const { host, duty } = this.#parts;
    if (duty && !duty.holds(laneOf(task.tenant, task.agent, host.lanes.length))) return;
    for (const code of taskAlertsOwed(task)) this.#begin(task, code);
  }

  #begin(task: Task, code: string): void {
    const key = `${task.tenant}/${task.agent}/${task.task}/${code}`;
    if (this.#busy.has(key)) return;
    this.#busy.set(key, undefined);
    const running = this.#raise(task, code).then((isTold) => {
      this.#running.delete(running);
      if (!this.#unsubscribe) return;
      const again = () => {
        this.#busy.delete(key);
        this.#consider(task);
      };
      const restMs = isTold && code === PLAN_CODE ? PLAN_EACH_MS : RETRY_MS;
      this.#busy.set(key, this.#parts.timers.after(restMs, again));
    });
    this.#running.add(running);
  }

  /** Tells, then records that it was told, and says whether it was; a crash in between tells twice under the same id. */
  async #raise(task: Task, code: string): Promise<boolean> {
    const { host, notifier, log } = this.#parts;
    const { tenant, agent, task: name } = task;
    try {
      const plan = code === PLAN_CODE ? task.proposed : null;
      const { alerted, ...message } = plan
        ? await this.#planMessage(task, plan)
        : this.#limitMessage(task, code);
      await notifier.notify({ ...message, kind: 'alert', tenant, link: this.#parts.pageUrl });
      const about = { tenant, agent, task: name, code };
      await host.append('task.alerted', { ...about, ...alerted }, { cause: message.id });
      return true;
    } catch (error) {
      if (error instanceof Fault || error instanceof Refused)
        log.warn({ agent, task: name, code: error.code }, error.message);
      else
        log.error({ agent, task: name, err: error }, 'a bug stopped an alert; it is tried again');
      return false;
    }
  }

  #limitMessage(task: Task, code: string): Message {
    const { tenant, agent, task: name } = task;
    // Raised again when a person has set other terms: then it is another message.
    const terms = [task.ceiling, task.estimate, task.stopAtPercent].map(String);
    return {
      id: digestOf('countersign/task-alert/1', { tenant, agent, task: name, code, terms }),
      title: `${code.replaceAll('_', ' ')}: ${agent}, task ${name}`,
      facts: [
        { name: 'Cost so far', value: inUnit(task, costOf(task)) },
        { name: 'Of which reported', value: inUnit(task, task.established + task.asserted) },
        { name: 'Ceiling', value: inUnit(task, task.ceiling) },
        { name: 'Stops at', value: inUnit(task, stopAtOf(task)) },
      ],
      alerted: { severity: 'critical' },
    };
  }

  /** The plan's text is the agent's words: quoted, and capped by whoever shows it. */
  async #planMessage(task: Task, plan: Plan): Promise<Message> {
    const { agent, task: name } = task;
    const facts = [
      { name: 'Plan', value: plan.digest },
      { name: 'Ceiling', value: inUnit(task, task.ceiling) },
      { name: 'Estimate of the task', value: inUnit(task, task.estimate) },
      { name: 'Estimate of the agent', value: inUnit(task, plan.estimate) },
    ];
    const text = await planText(this.#parts.host, task, plan);
    return {
      id: plan.digest,
      title: `a plan waits to be committed: ${agent}, task ${name}`,
      facts,
      ...(text !== undefined && { quoted: visible(text) }),
      alerted: { severity: 'info', plan: plan.digest },
    };
  }
}

/** What is told, and what is recorded of it. */
type Message = Pick<Notification, 'id' | 'title' | 'facts' | 'quoted'> & {
  readonly alerted: Pick<EventData<'task.alerted'>, 'severity' | 'plan'>;
};

function inUnit({ unit }: Task, units: bigint | null): string {
  return units === null ? 'none' : `${toDecimal(units, 6)} ${unit ?? ''}`;
}

interface TaskAlertParts {
  readonly host: LaneHost;
  readonly notifier: Notifier;
  readonly pageUrl: string;
  readonly timers: Timers;
  readonly log: Log;
  /** The lanes whose alerts are ours; without it all are. */
  readonly duty?: DutyShares;
}
