import { DebtRunner, type Shell, WalletDebtRunner } from '@countersign/service-kit';
import { type SignerParts, signerEffects } from './service/signer.effects.ts';
import { type WalletParts, walletEffects } from './service/wallet.effects.ts';

export type { SignerParts } from './service/signer.effects.ts';
export { type SigningJournal, openSigningJournal } from './service/signing-journal.ts';

/** What the signer owes. It has no HTTP of its own. */
export function signerDuty(parts: SignerParts & WalletParts & Shell): {
  runner: DebtRunner;
  wallets: WalletDebtRunner;
} {
  const shell = { ...parts, service: 'signer' } as const;
  return {
    runner: new DebtRunner({ ...shell, effects: signerEffects(parts) }),
    wallets: new WalletDebtRunner({ ...shell, effects: walletEffects(parts), networks: [] }),
  };
}
