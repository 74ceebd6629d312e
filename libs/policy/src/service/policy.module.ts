import { type DynamicModule, Module } from '@nestjs/common';
import type { Budgets, StatementKey } from '@countersign/ports';
import { DebtRunner, LaneHost, type Shell } from '@countersign/service-kit';
import { AvailableController } from './available.controller.ts';
import { Bookkeeping } from './bookkeeping.ts';
import { ChangesController } from './changes.controller.ts';
import { decideEffect } from './decide.effect.ts';
import { Enacting } from './enacting.ts';
import { Marking } from './marking.ts';
import { PolicyCache } from './policy-cache.ts';
import { BUDGETS, CLOCK, PolicyController } from './policy.controller.ts';
import { Registry } from './registry.ts';
import { reservationEffect } from './reservation.effect.ts';

export interface PolicyParts extends Shell {
  readonly host: LaneHost;
  readonly budgets: Budgets;
  readonly key: StatementKey;
}

/** What policy owes: decisions, the end of reservations, marks, and counters that are those of the log. */
export function policyDuty(parts: PolicyParts): {
  readonly runner: DebtRunner;
  readonly marking: Marking;
  readonly bookkeeping: Bookkeeping;
  readonly enacting: Enacting;
} {
  const { host, key } = parts;
  const bookkeeping = new Bookkeeping(parts);
  const { budgets } = bookkeeping;
  const policies = new PolicyCache();
  const runner = new DebtRunner({
    ...parts,
    service: 'policy',
    effects: {
      decide: decideEffect({ host, budgets, key, policies, clock: parts.clock }),
      end_reservation: reservationEffect({ host, budgets }),
    },
  });
  return { runner, marking: new Marking(parts), bookkeeping, enacting: new Enacting(parts) };
}

/** The policy service: policies, agents, sellers, people; decisions. */
@Module({})
export class PolicyModule {
  static with(
    parts: Pick<PolicyParts, 'host' | 'budgets' | 'clock'> & { readonly registry: Registry },
  ): DynamicModule {
    return {
      module: PolicyModule,
      controllers: [PolicyController, AvailableController, ChangesController],
      providers: [
        { provide: LaneHost, useValue: parts.host },
        { provide: BUDGETS, useValue: parts.budgets },
        { provide: CLOCK, useValue: parts.clock },
        { provide: Registry, useValue: parts.registry },
        { provide: PolicyCache, useValue: new PolicyCache() },
      ],
    };
  }
}
