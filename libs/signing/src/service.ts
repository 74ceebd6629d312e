import { DebtRunner, type Shell, WalletDebtRunner } from '@countersign/service-kit';
import { LogGuard } from './service/log-guard.ts';
import type { SignerParts } from './service/look.ts';
import { signerEffects } from './service/signer.effects.ts';
import { type WalletParts, walletEffects } from './service/wallet.effects.ts';

export type { SignerParts } from './service/look.ts';
export { type SigningJournal, openSigningJournal } from './service/signing-journal.ts';

/** What the signer owes. It has no HTTP of its own. */
export function signerDuty(parts: SignerParts & WalletParts & Shell): {
  runner: DebtRunner;
  wallets: WalletDebtRunner;
  guard: LogGuard;
} {
  const shell = { ...parts, service: 'signer' } as const;
  const guard = new LogGuard(parts);
  return {
    guard,
    runner: new DebtRunner({ ...shell, effects: signerEffects({ ...parts, guard }) }),
    wallets: new WalletDebtRunner({ ...shell, effects: walletEffects(parts), networks: [] }),
  };
}
