import { evmChain } from '@countersign/adapter-evm';
import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import { tracedCalls } from '@countersign/service-kit/tracing';
import { SettlementModule, settlementDuty } from '@countersign/settlement/service';
import type { Settings } from './config.ts';

/** Evidence from the chains: what was paid, what never can be; balances of wallets. */
export async function compose(
  settings: Settings,
  surroundings: Surroundings,
): Promise<Composition> {
  const { host, trusted, clock } = surroundings;
  const vault = openVault(settings);
  const key = await ownKey(vault, 'settlement', trusted);
  const gasKeyFile = settings.COUNTERSIGN_GAS_KEY_FILE;
  const chains = new Map(
    settings.COUNTERSIGN_CHAINS.map(({ network, rpcUrl }) => [
      network,
      tracedCalls(
        'chain',
        evmChain({ network, rpcUrl, ...(gasKeyFile !== undefined && { gasKeyFile }) }),
      ),
    ]),
  );
  const tokens = new Map(
    [...chains.keys()].map((network) => [network, settings.COUNTERSIGN_TOKENS]),
  );
  const pollMs = settings.COUNTERSIGN_POLL_MS;
  const duty = settlementDuty({ ...surroundings, key, chains, pollMs });
  return {
    modules: [SettlementModule.with({ host, chains, tokens, clock })],
    duties: [duty.accounts, duty.outflows, duty.facilitators, duty.runner],
    close: async () => vault.close(),
  };
}
