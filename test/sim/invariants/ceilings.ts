import type { MakeInvariant } from './invariant.ts';

/** What the signer's own configuration lets a wallet sign away holds, whoever asks and however many at once. */
export const ceilings: MakeInvariant = ({ ceiling }, report) => {
  const signed = new Map<string, Map<string, bigint>>();
  return {
    onSignature({ wallet, meaning }) {
      if (meaning?.kind !== 'transfer') return;
      const { nonce } = meaning.authorization;
      const value = BigInt(meaning.authorization.value);
      const ofWallet = signed.get(wallet) ?? new Map<string, bigint>();
      signed.set(wallet, ofWallet.set(nonce, value));
      const sum = [...ofWallet.values()].reduce((total, it) => total + it, 0n);
      if (value > ceiling.perPayment) report(`${wallet} signed ${value}, of ${ceiling.perPayment}`);
      if (sum > ceiling.perDay) report(`${wallet} signed ${sum} in a day, of ${ceiling.perDay}`);
    },
  };
};
