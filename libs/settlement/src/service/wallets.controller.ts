import { Controller, Inject } from '@nestjs/common';
import { findAsset } from '@countersign/contracts';
import { toDecimal } from '@countersign/kernel';
import { type Wallet, isAccount, tenantOf } from '@countersign/payment';
import type { Chain, Clock } from '@countersign/ports';
import {
  type Caller,
  LaneHost,
  Refused,
  Route,
  RouteParam,
  TheCaller,
} from '@countersign/service-kit';
import { facilitatorsSeen } from './facilitators.ts';

export const CHAINS = Symbol('Chains');
/** Tokens whose balance is shown, by network. */
export const TOKENS = Symbol('Tokens');
export const CLOCK = Symbol('Clock');

@Controller()
export class WalletsController {
  constructor(
    @Inject(LaneHost) private readonly host: LaneHost,
    @Inject(CHAINS) private readonly chains: ReadonlyMap<string, Chain>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(TOKENS) private readonly tokens: ReadonlyMap<string, readonly string[]>,
  ) {}

  @Route('readWallet')
  async read(@TheCaller() { tenant }: Caller, @RouteParam('wallet') name: string) {
    const view = tenantOf(this.host.control, tenant);
    const wallet = view.wallets.get(name);
    if (!wallet) throw new Refused('wallet_unknown');
    const balances = [];
    for (const [network, chain] of this.chains)
      for (const token of this.tokens.get(network) ?? []) {
        const amount = await chain.balance(token, wallet.address);
        const asset = findAsset(network, token);
        balances.push({
          asset: `${network}/erc20:${token}`,
          symbol: asset?.symbol ?? '',
          amount: amount.toString(),
          decimal: toDecimal(amount, asset?.decimals ?? 0),
        });
      }
    const frozen = view.walletFreezes.get(name)?.isFrozen ?? false;
    const { kind, address, revocation } = wallet;
    return {
      ...{ wallet: name, kind, address, frozen, ...this.#account(wallet), balances },
      ...(revocation && { revocation: revocation.isKeyDestroyed ? 'done' : 'ordered' }),
    };
  }

  @Route('listFacilitators')
  facilitators(@TheCaller() { tenant }: Caller) {
    const seen = facilitatorsSeen(this.host, tenant, this.clock.nowMs());
    return {
      facilitators: seen.map(({ breaker, ...it }) => ({
        ...it,
        state: breaker.state,
        ...(breaker.state !== 'closed' && { why: breaker.why, untilMs: breaker.untilMs }),
      })),
    };
  }

  #account(wallet: Wallet) {
    if (!isAccount(wallet)) return {};
    const { keys, pinned, rotatingSince, accounts } = wallet;
    const networks = [...new Set([...this.chains.keys(), ...accounts.keys()])].map((network) => {
      const ownedBy = accounts.get(network)?.ownedBy;
      if (ownedBy === undefined) return { network, state: 'deploying' as const };
      const ready = rotatingSince === null && ownedBy === pinned;
      return { network, state: ready ? ('ready' as const) : ('rotating' as const) };
    });
    const owner = keys[pinned - 1] ?? '';
    return {
      account: { keyVersion: pinned, owner, rotating: rotatingSince !== null, networks },
    };
  }
}
