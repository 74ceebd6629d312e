import { DebtRunner, type Log, type Timers } from '@countersign/service-kit';
import { type SignerParts, signerEffects } from './service/signer.effects.ts';
import { WalletMaker } from './service/wallet-maker.ts';

export type { SignerParts } from './service/signer.effects.ts';
export { type SigningJournal, openSigningJournal } from './service/signing-journal.ts';

/** What the signer owes. It has no HTTP of its own. */
export function signerDuty(parts: SignerParts & { readonly timers: Timers; readonly log: Log }): {
  runner: DebtRunner;
  wallets: WalletMaker;
} {
  return {
    runner: new DebtRunner({ ...parts, service: 'signer', effects: signerEffects(parts) }),
    wallets: new WalletMaker(parts),
  };
}
