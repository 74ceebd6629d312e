import { Controller, Inject } from '@nestjs/common';
import type { Change, ChangeView } from '@countersign/contracts';
import { type PendingChange, tenantOf } from '@countersign/payment';
import {
  type Caller,
  LaneHost,
  Route,
  RouteParam,
  TheCaller,
  personOf,
  positionText,
} from '@countersign/service-kit';
import { Registry } from './registry.ts';

/** Changes that loosen and wait. */
@Controller()
export class ChangesController {
  constructor(
    @Inject(Registry) private readonly registry: Registry,
    @Inject(LaneHost) private readonly host: LaneHost,
  ) {}

  @Route('listChanges')
  list(@TheCaller() { tenant }: Caller): { changes: ChangeView[] } {
    const changes = [...tenantOf(this.host.control, tenant).changes.values()]
      .sort((a, b) => a.dueAtMs - b.dueAtMs)
      .map(changeView);
    return { changes };
  }

  @Route('cancelChange')
  async cancel(@TheCaller() caller: Caller, @RouteParam('change') change: string) {
    return { position: positionText(await this.registry.cancelChange(personOf(caller), change)) };
  }
}

/** A waiting change for its reader. */
export function changeView(pending: PendingChange): ChangeView {
  const { id, change, loosens, by, scheduledAtMs, dueAtMs } = pending;
  const about = aboutOf(change);
  return { id, kind: change.kind, about, loosens: [...loosens], by, scheduledAtMs, dueAtMs };
}

function aboutOf(change: Change): string {
  switch (change.kind) {
    case 'policy.activated':
      return `policy version ${change.version}`;
    case 'seller.registered':
      return `seller ${change.seller.seller}`;
    case 'person.added':
      return `person ${change.person}`;
    case 'agent.added':
    case 'agent.wallet_added':
      return `agent ${change.agent}`;
  }
}
