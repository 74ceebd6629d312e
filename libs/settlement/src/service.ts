import { type DynamicModule, Module } from '@nestjs/common';
import type { Chain, Clock } from '@countersign/ports';
import { DebtRunner, LaneHost, type Shell, WalletDebtRunner } from '@countersign/service-kit';
import { accountEffects } from './service/account.effects.ts';
import { FacilitatorWatch } from './service/facilitator-watch.ts';
import { OutflowWatch } from './service/outflow-watch.ts';
import { type SettlementParts, settlementEffects } from './service/settlement.effects.ts';
import { CHAINS, CLOCK, TOKENS, WalletsController } from './service/wallets.controller.ts';

export type { SettlementParts } from './service/settlement.effects.ts';

/** What settlement owes to payments and to the accounts that make them, and its watch over whatever leaves a wallet. */
export function settlementDuty(parts: SettlementParts & Shell): {
  runner: DebtRunner;
  accounts: WalletDebtRunner;
  outflows: OutflowWatch;
  facilitators: FacilitatorWatch;
} {
  const shell = { ...parts, service: 'settlement' } as const;
  const networks = [...parts.chains.keys()];
  return {
    runner: new DebtRunner({ ...shell, effects: settlementEffects(parts) }),
    accounts: new WalletDebtRunner({ ...shell, effects: accountEffects(parts), networks }),
    outflows: new OutflowWatch(parts),
    facilitators: new FacilitatorWatch(parts),
  };
}

/** The settlement service: evidence, and the balances of wallets. */
@Module({})
export class SettlementModule {
  static with(parts: {
    readonly host: LaneHost;
    readonly chains: ReadonlyMap<string, Chain>;
    readonly tokens: ReadonlyMap<string, readonly string[]>;
    readonly clock: Clock;
  }): DynamicModule {
    return {
      module: SettlementModule,
      controllers: [WalletsController],
      providers: [
        { provide: LaneHost, useValue: parts.host },
        { provide: CHAINS, useValue: parts.chains },
        { provide: TOKENS, useValue: parts.tokens },
        { provide: CLOCK, useValue: parts.clock },
      ],
    };
  }
}
