import { Controller, Headers, Inject, Res } from '@nestjs/common';
import type { PaymentView, ProposeBody, Timeline } from '@countersign/contracts';
import {
  type Caller,
  LaneHost,
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
import { type Payment, tenantOf } from '@countersign/payment';
import { Intake } from './intake.ts';
import { timelineOf } from './timeline.ts';

interface Reply {
  header(name: string, value: string): Reply;
  status(code: number): Reply;
}
interface ListQuery {
  readonly agent?: string;
  readonly status?: string;
  readonly limit: number;
  readonly before?: string;
}

/** Longest an agent may ask to wait for people. */
const WAIT_MAX_SECONDS = 60;

@Controller()
export class PaymentsController {
  constructor(
    @Inject(Intake) private readonly intake: Intake,
    @Inject(LaneHost) private readonly host: LaneHost,
  ) {}

  @Route('proposePayment')
  async propose(
    @TheCaller() caller: Caller,
    @RouteBody('proposePayment') body: ProposeBody,
    @Headers() headers: Record<string, string | undefined>,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<PaymentView> {
    const owner = agentCaller(caller);
    const proposed = await this.intake.propose({ tenant: owner.tenant, agent: owner.agent }, body, {
      idempotencyKey: idempotencyKey(headers['idempotency-key']),
      waitMs: waitSeconds(headers['prefer']) * 1000,
    });
    if (proposed.replayed) reply.header('idempotent-replayed', 'true');
    const view = viewOf(this.host, proposed.payment, { bearer: true });
    if (!view.final && view.status !== 'signed') reply.status(202);
    return view;
  }

  @Route('listPayments')
  list(
    @TheCaller() caller: Caller,
    @RouteQuery('listPayments') query: ListQuery,
  ): { payments: PaymentView[]; asOf: string[] } {
    const { tenant } = caller;
    const agent = caller.kind === 'agent' ? caller.agent : query.agent;
    const agents =
      agent === undefined ? [...tenantOf(this.host.control, tenant).agents.keys()] : [agent];
    const before = query.before === undefined ? undefined : this.host.payment(query.before);
    const { status, limit: max } = query;
    const found = this.host.newest({ tenant, agents, status, before, max });
    return {
      payments: found.map((payment) => viewOf(this.host, payment, { bearer: false })),
      asOf: this.host.lanes.map((lane) => `${lane.lane}:${lane.next - 1}`),
    };
  }

  @Route('readPayment')
  read(@TheCaller() caller: Caller, @RouteParam('id') id: string): PaymentView {
    return viewOf(this.host, this.#readable(caller, id), { bearer: caller.kind === 'agent' });
  }

  @Route('explainPayment')
  explain(@TheCaller() caller: Caller, @RouteParam('id') id: string): Promise<Timeline> {
    const payment = this.#readable(caller, id);
    return timelineOf(this.host, payment);
  }

  @Route('reportDelivery')
  async delivered(
    @TheCaller() caller: Caller,
    @RouteParam('id') id: string,
    @RouteBody('reportDelivery') body: { status: number; responseDigest?: string },
  ): Promise<{ position: string }> {
    const { tenant, agent } = agentCaller(caller);
    const back = await this.intake.reportDelivery({ tenant, agent }, id, body);
    return { position: positionText(back) };
  }

  @Route('withdraw')
  async withdraw(
    @TheCaller() caller: Caller,
    @RouteParam('wallet') wallet: string,
    @RouteBody('withdraw') body: { network: string; asset: string; amount: string; to: string },
    @Headers('idempotency-key') key?: string,
  ): Promise<PaymentView> {
    const { tenant, person } = personOf(caller);
    const order = { tenant, wallet, person };
    const { payment } = await this.intake.withdraw(order, body, idempotencyKey(key));
    return viewOf(this.host, payment, { bearer: false });
  }

  #readable(caller: Caller, id: string): Payment {
    const { tenant } = caller;
    return this.intake.ownPayment(
      caller.kind === 'agent' ? { tenant, agent: caller.agent } : { tenant },
      id,
    );
  }
}

function idempotencyKey(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (text.length < 1 || text.length > 255 || !/^[\x21-\x7e]+$/.test(text))
    throw new Refused('invalid_request', 'Idempotency-Key: 1 to 255 visible ASCII characters');
  return text;
}

/** `Prefer: wait=N` (RFC 7240); anything else in the header is ignored, as the RFC says. */
function waitSeconds(prefer: string | undefined): number {
  const seconds = /(?:^|[,;\s])wait=([0-9]{1,6})(?:$|[,;\s])/.exec(prefer ?? '')?.[1];
  return Math.min(Number(seconds ?? 0), WAIT_MAX_SECONDS);
}
