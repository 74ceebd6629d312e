import { join } from 'node:path';
import { evmChain } from '@countersign/adapter-evm';
import { smartAccounts } from '@countersign/adapter-evm/account';
import { typedData } from '@countersign/adapter-evm/typed-data';
import { VaultOwnerKeys, VaultWalletKeys } from '@countersign/adapter-vault';
import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import { tracedCalls } from '@countersign/service-kit/tracing';
import { openSigningJournal, signerDuty } from '@countersign/signing/service';
import type { Settings } from './config.ts';

/** Authorizations and keys of wallets. It answers no request: nobody can ask it to sign. */
export async function compose(
  settings: Settings,
  surroundings: Surroundings,
): Promise<Composition> {
  const { folder, trusted } = surroundings;
  const vault = openVault(settings);
  const key = await ownKey(vault, 'signer', trusted);
  const keys = tracedCalls('vault', new VaultWalletKeys(vault));
  const owners = tracedCalls('vault', new VaultOwnerKeys(vault));
  const chains = new Map(
    settings.COUNTERSIGN_CHAINS.map((chain) => [
      chain.network,
      tracedCalls('chain', evmChain(chain)),
    ]),
  );
  const journal = openSigningJournal(join(folder, 'signer.journal'));
  const ceiling = {
    perPayment: BigInt(settings.COUNTERSIGN_CEILING_PER_PAYMENT),
    perDay: BigInt(settings.COUNTERSIGN_CEILING_PER_DAY),
  };
  const { runner, wallets, guard } = signerDuty({
    ...surroundings,
    ...{ key, keys, owners, accounts: smartAccounts, typedData, journal, chains, trusted },
    ceilingOf: () => ceiling,
    revokedKeyKeptMs: settings.COUNTERSIGN_REVOKED_KEY_KEPT_HOURS * 3_600_000,
  });
  return {
    modules: [],
    duties: [guard, wallets, runner],
    async close() {
      journal.close();
      await keys.close();
    },
  };
}
