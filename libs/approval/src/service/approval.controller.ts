import { Controller, Inject } from '@nestjs/common';
import type { ApprovalView, PaymentView } from '@countersign/contracts';
import {
  type Caller,
  LaneHost,
  Route,
  RouteParam,
  RouteBody,
  TheCaller,
  personOf,
  viewOf,
} from '@countersign/service-kit';
import { Approvals } from './approvals.ts';

@Controller()
export class ApprovalController {
  constructor(
    @Inject(Approvals) private readonly approvals: Approvals,
    @Inject(LaneHost) private readonly host: LaneHost,
  ) {}

  @Route('listApprovals')
  async list(@TheCaller() caller: Caller): Promise<{ approvals: ApprovalView[] }> {
    return { approvals: await this.approvals.waiting(personOf(caller)) };
  }

  @Route('readApproval')
  read(@TheCaller() caller: Caller, @RouteParam('id') id: string): Promise<ApprovalView> {
    return this.approvals.read(personOf(caller), id);
  }

  @Route('grant')
  async grant(
    @TheCaller() caller: Caller,
    @RouteParam('id') id: string,
    @RouteBody('grant') shown: { quoteDigest: string; decisionId: string },
  ): Promise<PaymentView> {
    const payment = await this.approvals.grant(personOf(caller), id, shown);
    return viewOf(this.host, payment, { bearer: false });
  }

  @Route('veto')
  async veto(
    @TheCaller() caller: Caller,
    @RouteParam('id') id: string,
    @RouteBody('veto') body: { reason?: string },
  ): Promise<PaymentView> {
    const payment = await this.approvals.veto(personOf(caller), id, body.reason);
    return viewOf(this.host, payment, { bearer: false });
  }
}
